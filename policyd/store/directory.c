/* The directory, and those who wait for it to change. */
#include "store_directory.h"
#include "log.h"
#include "state.h"

#include <stdlib.h>
#include <string.h>

#define WAITS_A_VM 2
/* [octets] of answers in one transaction, after which no more waiters are looked at */
#define OUTBOX_MAX (4 << 20)

struct waiter {
	TAILQ_ENTRY(waiter) next;
	uint64_t id;
	uint8_t serial[VMP_SERIAL];
	uint64_t mac;
	int64_t version;  /**< nothing of its concern has changed up to here */
	int64_t seen;	  /**< the store's last change when it was last looked at */
	int64_t until_ms; /**< CLOCK_BOOTTIME */
};

struct answer {
	json_t *peers, *gone;
};

static int add_peer(void *ctx, const struct vmp_dir_peer *peer)
{
	struct answer *a = ctx;
	json_t *cois = json_array();
	size_t i;

	for (i = 0; i < peer->n_coi; i++)
		json_array_append_new(cois, json_pack("{s:s, s:i, s:I, s:I}", "name", peer->coi[i].name, "priority",
						      (int)peer->coi[i].priority, "members",
						      (json_int_t)peer->coi[i].member_count, "epoch",
						      (json_int_t)peer->coi[i].epoch));
	if (json_array_append_new(a->peers,
				  json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:o}", "id", peer->id, "name", peer->name,
					    "wireguard_key", peer->wg_key, "endpoint", peer->endpoint, "inner_address",
					    peer->inner, "gateway", (int)peer->gateway, "cois", cois)) != 0)
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
	int err = vmp_store_directory(s->store, mac, *version, s->clock.now, &calls, &a, version, &full, msg);

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

static void waiter_end(struct state *s, struct waiter *w)
{
	TAILQ_REMOVE(&s->waiters, w, next);
	free(w);
	metric_set(METRIC_DIRECTORY_WAITERS, (int64_t)--s->n_waiters);
}

static int tell_nothing(struct state *s, uint64_t id, int64_t version)
{
	metric_add(METRIC_DIRECTORY_ANSWERS, 1);
	return state_answer_json(
		s, id, json_pack("{s:I, s:b, s:[], s:[]}", "version", (json_int_t)version, "full", 0, "peers", "gone"));
}

/* One VM waits twice at the most: who asks again has given the older question up. */
static void make_room(struct state *s, uint64_t mac)
{
	struct waiter *w, *oldest = NULL;
	int n = 0;

	TAILQ_FOREACH(w, &s->waiters, next)
	{
		if (w->mac != mac)
			continue;
		oldest = oldest ? oldest : w;
		n++;
	}
	if (n >= WAITS_A_VM && tell_nothing(s, oldest->id, oldest->version) == VMP_OK)
		waiter_end(s, oldest);
}

static int wait_for_change(struct state *s, const struct message *m, uint64_t mac, int64_t version)
{
	struct waiter *w = calloc(1, sizeof(*w));
	int64_t wait = m->wait < s->config->longest_wait ? m->wait : s->config->longest_wait;

	if (!w)
		return VMP_ENOMEM;
	make_room(s, mac);
	w->id = m->id;
	memcpy(w->serial, m->serial, sizeof(w->serial));
	w->mac = mac;
	w->version = version;
	w->seen = s->last_change;
	w->until_ms = s->clock.boot_ms + wait * 1000;
	TAILQ_INSERT_TAIL(&s->waiters, w, next);
	metric_set(METRIC_DIRECTORY_WAITERS, (int64_t)++s->n_waiters);
	return STATE_LATER;
}

int directory_get(struct state *s, const struct message *m, struct vmp_msg *msg)
{
	struct vmp_identity who;
	int64_t version = (int64_t)m->since;
	int err = state_identify(s, m, STATE_GUESTS, &who, msg);

	if (err == VMP_OK)
		err = tell(s, m->id, who.mac, &version, msg);
	if (err != VMP_ENOENT)
		return err;
	return m->wait ? wait_for_change(s, m, who.mac, version) : tell_nothing(s, m->id, version);
}

/* @return whether it waits on. */
static bool look(struct state *s, struct waiter *w, bool changed)
{
	struct vmp_msg msg = { "" };
	struct vmp_identity who;
	int err = VMP_ENOENT;

	if (changed) {
		err = vmp_store_identify(s->store, w->serial, s->clock.now, &who, &msg);
		if (err == VMP_ENOENT)
			err = VMP_EACCES;
		if (err == VMP_OK) {
			w->mac = who.mac; /* it may have got another */
			err = tell(s, w->id, w->mac, &w->version, &msg);
		}
	}
	if (err == VMP_ENOENT && s->clock.boot_ms >= w->until_ms)
		err = tell_nothing(s, w->id, w->version);
	if (err == VMP_ENOENT)
		return true;
	if (err != VMP_OK)
		state_answer_error(s, w->id, err, msg.text);
	return false;
}

void directory_look(struct state *s)
{
	struct waiter *w, *next;
	struct vmp_msg msg;
	int64_t last;

	if (s->changed) {
		if (vmp_store_change_last(s->store, &last, &msg) != VMP_OK)
			return;
		s->changed = false;
		s->last_change = last;
	}
	for (w = TAILQ_FIRST(&s->waiters); w; w = next) {
		bool changed = w->seen != s->last_change;

		next = TAILQ_NEXT(w, next);
		/* Others wait for this transaction's lock, and the answers for its end: the rest another time. */
		if (changed && evbuffer_get_length(s->outbox) > OUTBOX_MAX) {
			s->changed = true;
			return;
		}
		w->seen = s->last_change;
		if (!look(s, w, changed))
			waiter_end(s, w);
	}
}

void directory_rolled_back(struct state *s)
{
	struct waiter *w;

	TAILQ_FOREACH(w, &s->waiters, next)
	{
		if (w->version > s->last_change)
			w->version = s->last_change;
		w->seen = -1;
	}
}
