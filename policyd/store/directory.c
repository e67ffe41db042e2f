/* The directory, and those who wait for it to change. */
#include "store_directory.h"
#include "licences.h"
#include "log.h"

struct answer {
	json_t *peers, *gone;
};

static json_t *routes(const struct vmp_dir_peer *peer)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < peer->n_route; i++)
		json_array_append_new(list, json_string(peer->route[i]));
	return list;
}

static int add_peer(void *ctx, const struct vmp_dir_peer *peer)
{
	struct answer *a = ctx;
	json_t *cois = json_array();
	size_t i;

	for (i = 0; i < peer->n_coi; i++)
		json_array_append_new(cois, json_pack("{s:I, s:s, s:i, s:I, s:I}", "id", (json_int_t)peer->coi[i].id,
						      "name", peer->coi[i].name, "priority", (int)peer->coi[i].priority,
						      "members", (json_int_t)peer->coi[i].member_count, "epoch",
						      (json_int_t)peer->coi[i].epoch));
	if (json_array_append_new(a->peers,
				  json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:o, s:o}", "id", peer->id,
					    "name", peer->name, "wireguard_key", peer->wg_key, "endpoint",
					    peer->endpoint, "inner_address", peer->inner, "inner_ipv4", peer->inner4,
					    "gateway", (int)peer->gateway, "remote", (int)peer->remote, "routes",
					    routes(peer), "cois", cois)) != 0)
		return VMP_ENOMEM;
	return VMP_OK;
}

static int add_gone(void *ctx, const char *id)
{
	struct answer *a = ctx;

	return json_array_append_new(a->gone, json_string(id)) == 0 ? VMP_OK : VMP_ENOMEM;
}

/* Answer if something has changed. @return VMP_OK: answered; VMP_ENOENT: nothing to say, and *version has moved on. */
static int tell(struct state *s, uint64_t id, uint64_t mac, int64_t *version, struct vmp_msg *msg)
{
	static const struct vmp_dir_calls calls = { add_peer, add_gone };
	struct answer a = { json_array(), json_array() };
	bool full = false;
	int err = vmp_licence_check(s->store, mac, msg);

	if (err == VMP_OK)
		err = vmp_store_directory(s->store, mac, *version, s->clock.now, &calls, &a, version, &full, msg);
	if (err == VMP_OK) {
		metric_add(METRIC_DIRECTORY_ANSWERS, 1);
		return state_answer_json(s, id,
					 json_pack("{s:I, s:b, s:o, s:o}", "version", (json_int_t)*version, "full",
						   (int)full, "peers", a.peers, "gone", a.gone));
	}
	json_decref(a.peers);
	json_decref(a.gone);
	return err;
}

static int tell_nothing(struct state *s, uint64_t id, uint64_t mac, int64_t version)
{
	(void)mac;
	metric_add(METRIC_DIRECTORY_ANSWERS, 1);
	return state_answer_json(
		s, id, json_pack("{s:I, s:b, s:[], s:[]}", "version", (json_int_t)version, "full", 0, "peers", "gone"));
}

static uint64_t mac_of(struct state *s, const struct vmp_identity *who)
{
	(void)s;
	return who->mac;
}

static void count(size_t n)
{
	metric_set(METRIC_DIRECTORY_WAITERS, (int64_t)n);
}

const struct waiters_kind directory_kind = {
	.client = mac_of, .tell = tell, .tell_nothing = tell_nothing, .count = count
};

int directory_get(struct state *s, const struct message *m, struct vmp_msg *msg)
{
	struct vmp_identity who;
	int64_t version = (int64_t)m->since;
	int err = state_identify(s, m, STATE_GUESTS, &who, msg);

	if (err == VMP_OK)
		err = tell(s, m->id, who.mac, &version, msg);
	if (err != VMP_ENOENT)
		return err;
	return m->wait ? waiters_add(s, &s->waiters, m, who.mac, version, s->last_change)
		       : tell_nothing(s, m->id, who.mac, version);
}

void directory_look(struct state *s)
{
	struct vmp_msg msg;
	int64_t last;

	if (s->changed) {
		if (vmp_store_change_last(s->store, &last, &msg) != VMP_OK)
			return;
		s->changed = false;
		s->last_change = last;
	}
	if (!waiters_look(s, &s->waiters, s->last_change))
		s->changed = true;
}

void directory_rolled_back(struct state *s)
{
	waiters_rolled_back(&s->waiters, s->last_change);
	waiters_rolled_back(&s->filters, s->last_change);
	waiters_rolled_back(&s->licences->watchers, s->last_change);
}
