/* Gateways' filters, and those who wait for them to change.  Every answer has all: one that is lost changes nothing. */
#include "store_filter.h"
#include "jsontext.h"
#include "state.h"
#include "store_licence.h"

#include <stdlib.h>
#include <string.h>

/* ["443", "8000-8100"] out of "443,8000-8100"; NULL when out of memory: a list must not get shorter, as none is any. */
static json_t *items(const char *list)
{
	json_t *out = json_array();
	char *item;
	size_t n;

	for (; *list && out; list += n + (list[n] == ',')) {
		n = strcspn(list, ",");
		item = strndup(list, n);
		if (!item || json_array_append_new(out, vmp_json_text(item)) != 0) {
			json_decref(out);
			out = NULL;
		}
		free(item);
	}
	return out;
}

static int add_rule(void *ctx, const struct vmp_filter *rule)
{
	json_t *json = json_pack("{s:I, s:s, s:I, s:s, s:o, s:o, s:s, s:o, s:o, s:s, s:b}", "id", (json_int_t)rule->id,
				 "coi", rule->coi, "position", (json_int_t)rule->position, "direction", rule->direction,
				 "source", items(rule->source), "destination", items(rule->destination), "protocol",
				 rule->protocol, "source_ports", items(rule->source_ports), "ports", items(rule->ports),
				 "action", rule->action, "log", (int)rule->log);

	return json_array_append_new(ctx, json) == 0 ? VMP_OK : VMP_ENOMEM;
}

static int answer(struct state *s, uint64_t id, uint64_t mac, int64_t version, struct vmp_msg *msg)
{
	json_t *rules = json_array();
	int err = vmp_store_filters(s->store, mac, add_rule, rules, msg);

	if (err == VMP_OK) {
		metric_add(METRIC_FILTER_ANSWERS, 1);
		return state_answer_json(
			s, id, json_pack("{s:I, s:b, s:o}", "version", (json_int_t)version, "full", 1, "rules", rules));
	}
	json_decref(rules);
	return err;
}

static int tell(struct state *s, uint64_t id, uint64_t mac, int64_t *version, struct vmp_msg *msg)
{
	int err = mac ? vmp_licence_check(s->store, mac, msg)
		      : vmp_fail(msg, VMP_EACCES, "expected a certificate of a gateway");

	if (err == VMP_OK)
		err = vmp_store_filters_changed(s->store, mac, *version, version, msg);
	return err == VMP_OK ? answer(s, id, mac, *version, msg) : err;
}

static int tell_nothing(struct state *s, uint64_t id, uint64_t mac, int64_t version)
{
	struct vmp_msg msg = { "" };

	return answer(s, id, mac, version, &msg);
}

/* 0: a gateway no more. */
static uint64_t gateway_of(struct state *s, const struct vmp_identity *who)
{
	(void)s;
	return who->kind == VMP_CERT_GATEWAY ? who->mac : 0;
}

static void count(size_t n)
{
	metric_set(METRIC_FILTER_WAITERS, (int64_t)n);
}

const struct waiters_kind filters_kind = {
	.client = gateway_of, .tell = tell, .tell_nothing = tell_nothing, .count = count
};

int filters_get(struct state *s, const struct message *m, struct vmp_msg *msg)
{
	struct vmp_identity who;
	int64_t version = (int64_t)m->since;
	int err = state_identify(s, m, 1u << VMP_CERT_GATEWAY, &who, msg);

	if (err == VMP_OK)
		err = tell(s, m->id, who.mac, &version, msg);
	if (err != VMP_ENOENT)
		return err;
	return m->wait ? waiters_add(s, &s->filters, m, who.mac, version, s->last_change)
		       : tell_nothing(s, m->id, who.mac, version);
}

void filters_look(struct state *s)
{
	if (!waiters_look(s, &s->filters, s->last_change))
		s->changed = true;
}
