/* What gateways wait for: guests that have no licence through them any more, and products that others lack. */
#include "licences.h"

#include <string.h>

struct answer {
	json_t *stopped, *is_short, *licensed;
};

static int add_stopped(void *ctx, const char *uuid)
{
	struct answer *a = ctx;

	return json_array_append_new(a->stopped, json_string(uuid)) == 0 ? VMP_OK : VMP_ENOMEM;
}

/* Once. */
static int add_short(void *ctx, const char *product)
{
	struct answer *a = ctx;
	json_t *item;
	size_t i;

	json_array_foreach(a->is_short, i, item) {
		if (strcmp(json_string_value(item), product) == 0)
			return VMP_OK;
	}
	return json_array_append_new(a->is_short, json_string(product)) == 0 ? VMP_OK : VMP_ENOMEM;
}

static int add_licensed(void *ctx, const char *product, const char *uuid)
{
	struct answer *a = ctx;
	json_t *list = json_object_get(a->licensed, product);

	if (!list) {
		list = json_array();
		if (json_object_set_new(a->licensed, product, list) != 0)
			return VMP_ENOMEM;
	}
	return json_array_append_new(list, json_string(uuid)) == 0 ? VMP_OK : VMP_ENOMEM;
}

/* @param licensed  NULL: not all. All three are taken. */
static int answer(struct state *s, uint64_t id, int64_t version, const struct answer *a)
{
	json_t *json = json_pack("{s:I, s:b, s:o, s:o}", "version", (json_int_t)version, "full", a->licensed != NULL,
				 "stopped", a->stopped, "short", a->is_short);

	if (json && a->licensed)
		json_object_set_new(json, "licensed", a->licensed);
	return state_answer_json(s, id, json);
}

static int tell_all(struct state *s, uint64_t id, const char *uuid, int64_t version, struct vmp_msg *msg)
{
	struct answer a = { json_array(), json_array(), json_object() };
	int err = vmp_licensed_each(s->store, uuid, add_licensed, &a, msg);

	if (err == VMP_OK)
		return answer(s, id, version, &a);
	json_decref(a.stopped);
	json_decref(a.is_short);
	json_decref(a.licensed);
	return err;
}

static int tell_changes(struct state *s, uint64_t id, uint64_t mac, const char *uuid, int64_t *version,
			struct vmp_msg *msg)
{
	static const struct vmp_licence_calls calls = { add_stopped, add_short };
	struct answer a = { json_array(), json_array(), NULL };
	int err = vmp_licence_changes(s->store, mac, uuid, version, &calls, &a, msg);

	if (err == VMP_OK && json_array_size(a.stopped) + json_array_size(a.is_short) == 0)
		err = VMP_ENOENT;
	if (err == VMP_OK)
		return answer(s, id, *version, &a);
	json_decref(a.stopped);
	json_decref(a.is_short);
	return err;
}

static int tell(struct state *s, uint64_t id, uint64_t mac, int64_t *version, struct vmp_msg *msg)
{
	char uuid[VMP_UUID_TEXT], template_name[65];
	bool covered = false;
	int64_t last = 0;
	int err = mac ? vmp_store_guest_find(s->store, mac, uuid, template_name, msg) : VMP_ENOENT;

	if (err == VMP_ENOENT)
		return vmp_fail(msg, VMP_EACCES, "its template is not one of licence brokers");
	if (err == VMP_OK)
		err = vmp_licence_covers(s->store, *version, &last, &covered, msg);
	if (err != VMP_OK)
		return err;
	if (covered)
		return tell_changes(s, id, mac, uuid, version, msg);
	*version = last;
	return tell_all(s, id, uuid, last, msg);
}

static int tell_nothing(struct state *s, uint64_t id, uint64_t mac, int64_t version)
{
	const struct answer a = { json_array(), json_array(), NULL };

	(void)mac;
	return answer(s, id, version, &a);
}

/* 0: it may not hold licences for others, or not any more. */
static uint64_t broker_of(struct state *s, const struct vmp_identity *who)
{
	struct vmp_licence_asker asker;

	return who->kind == VMP_CERT_GATEWAY && vmp_licence_asker(s->store, who->mac, &asker, NULL) == VMP_OK &&
			       asker.broker
		       ? who->mac
		       : 0;
}

static void count(size_t n)
{
	metric_set(METRIC_LICENCE_WATCHERS, (int64_t)n);
}

const struct waiters_kind licences_kind = {
	.client = broker_of, .tell = tell, .tell_nothing = tell_nothing, .count = count
};

int licences_watch(struct state *s, const struct message *m, struct vmp_msg *msg)
{
	struct vmp_identity who;
	int64_t version = (int64_t)m->since;
	uint64_t mac = 0;
	int err = state_identify(s, m, STATE_GUESTS, &who, msg);

	if (err == VMP_OK) {
		mac = broker_of(s, &who);
		err = tell(s, m->id, mac, &version, msg);
	}
	if (err != VMP_ENOENT)
		return err;
	return m->wait ? waiters_add(s, &s->licences->watchers, m, mac, version, s->last_change)
		       : tell_nothing(s, m->id, mac, version);
}

void licences_look(struct state *s)
{
	if (!waiters_look(s, &s->licences->watchers, s->last_change))
		s->changed = true;
}
