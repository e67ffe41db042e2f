/* What hosts are told: whose session the network has taken down, so that they authenticate that guest again. */
#include "mac.h"
#include "state.h"
#include "store_guest.h"

#include <stdlib.h>
#include <string.h>

#define WAITS_A_HOST 2

struct listener {
	TAILQ_ENTRY(listener) next;
	uint64_t id;
	uint8_t serial[VMP_SERIAL];
	int64_t host_id;
	int64_t version;  /**< told up to this audit id */
	int64_t until_ms; /**< CLOCK_BOOTTIME */
};

static int add_mac(void *ctx, uint64_t mac)
{
	char text[VMP_MAC_TEXT];

	vmp_mac_format(mac, text);
	return json_array_append_new(ctx, json_string(text)) == 0 ? VMP_OK : VMP_ENOMEM;
}

/* @param even_nothing  answer in any case. @return VMP_OK: answered; VMP_ENOENT: nothing to say, and *version has moved
 * on. */
static int tell(struct state *s, uint64_t id, int64_t host_id, int64_t *version, bool even_nothing, struct vmp_msg *msg)
{
	json_t *macs = json_array();
	int err = vmp_store_guest_disconnected(s->store, host_id, version, add_mac, macs, msg);

	if (err == VMP_OK && json_array_size(macs) == 0 && !even_nothing)
		err = VMP_ENOENT;
	if (err == VMP_OK)
		return state_answer_json(
			s, id, json_pack("{s:I, s:o}", "version", (json_int_t)*version, "disconnected", macs));
	json_decref(macs);
	return err;
}

static void listener_end(struct state *s, struct listener *l)
{
	TAILQ_REMOVE(&s->listeners, l, next);
	free(l);
}

/* Who asks again has given the older question up. */
static void make_room(struct state *s, int64_t host_id)
{
	struct listener *l, *oldest = NULL;
	struct vmp_msg msg;
	int n = 0;

	TAILQ_FOREACH(l, &s->listeners, next)
	{
		if (l->host_id != host_id)
			continue;
		oldest = oldest ? oldest : l;
		n++;
	}
	if (n >= WAITS_A_HOST && tell(s, oldest->id, host_id, &oldest->version, true, &msg) == VMP_OK)
		listener_end(s, oldest);
}

static int wait_for_one(struct state *s, const struct message *m, int64_t host_id, int64_t version)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (!l)
		return VMP_ENOMEM;
	make_room(s, host_id);
	*l = (struct listener){ .id = m->id, .host_id = host_id, .version = version };
	memcpy(l->serial, m->serial, sizeof(l->serial));
	l->until_ms = s->clock.boot_ms + (int64_t)m->wait * 1000;
	TAILQ_INSERT_TAIL(&s->listeners, l, next);
	return STATE_LATER;
}

int notices_get(struct state *s, const struct message *m, struct vmp_msg *msg)
{
	struct vmp_identity who;
	int64_t version = (int64_t)m->since, last = 0;
	int err = state_identify(s, m, STATE_HOSTS, &who, msg);

	if (err == VMP_OK)
		err = vmp_store_guest_last_notice(s->store, &last, msg);
	if (err != VMP_OK)
		return err;
	/* From now on; or the store is another than the one that this number is of. */
	if (version == 0 || version > last)
		version = last;
	err = tell(s, m->id, who.host_id, &version, m->since == 0 || !m->wait, msg);
	return err == VMP_ENOENT ? wait_for_one(s, m, who.host_id, version) : err;
}

/* @return whether it waits on. */
static bool look(struct state *s, struct listener *l)
{
	struct vmp_msg msg = { "" };
	struct vmp_identity who;
	int err = vmp_store_identify(s->store, l->serial, s->clock.now, &who, &msg);

	if (err == VMP_ENOENT)
		err = VMP_EACCES;
	if (err == VMP_OK)
		err = tell(s, l->id, l->host_id, &l->version, s->clock.boot_ms >= l->until_ms, &msg);
	if (err == VMP_ENOENT)
		return true;
	if (err != VMP_OK)
		state_answer_error(s, l->id, err, msg.text);
	return false;
}

void notices_look(struct state *s)
{
	struct listener *l, *next;
	struct vmp_msg msg;
	int64_t last = 0;

	if (TAILQ_EMPTY(&s->listeners) || vmp_store_guest_last_notice(s->store, &last, &msg) != VMP_OK)
		return;
	for (l = TAILQ_FIRST(&s->listeners); l; l = next) {
		next = TAILQ_NEXT(l, next);
		if ((l->version < last || s->clock.boot_ms >= l->until_ms) && !look(s, l))
			listener_end(s, l);
	}
}

void notices_rolled_back(struct state *s)
{
	struct listener *l;
	struct vmp_msg msg;
	int64_t last = 0;

	/* The numbers beyond will be given once more. */
	if (TAILQ_EMPTY(&s->listeners) || vmp_store_guest_last_notice(s->store, &last, &msg) != VMP_OK)
		return;
	TAILQ_FOREACH(l, &s->listeners, next)
	{
		if (l->version > last)
			l->version = last;
	}
}
