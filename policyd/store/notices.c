/* What hosts are told: whose session the network has taken down, so that they authenticate that guest again. */
#include "mac.h"
#include "state.h"
#include "store_guest.h"

static int add_mac(void *ctx, uint64_t mac)
{
	char text[VMP_MAC_TEXT];

	vmp_mac_format(mac, text);
	return json_array_append_new(ctx, json_string(text)) == 0 ? VMP_OK : VMP_ENOMEM;
}

static int answer(struct state *s, uint64_t id, int64_t version, json_t *macs)
{
	return state_answer_json(s, id, json_pack("{s:I, s:o}", "version", (json_int_t)version, "disconnected", macs));
}

static int tell(struct state *s, uint64_t id, uint64_t host_id, int64_t *version, struct vmp_msg *msg)
{
	json_t *macs = json_array();
	int err = vmp_store_guest_disconnected(s->store, (int64_t)host_id, version, add_mac, macs, msg);

	if (err == VMP_OK && json_array_size(macs) == 0)
		err = VMP_ENOENT;
	if (err == VMP_OK)
		return answer(s, id, *version, macs);
	json_decref(macs);
	return err;
}

static int tell_nothing(struct state *s, uint64_t id, uint64_t host_id, int64_t version)
{
	(void)host_id;
	return answer(s, id, version, json_array());
}

static uint64_t host_of(struct state *s, const struct vmp_identity *who)
{
	(void)s;
	return (uint64_t)who->host_id;
}

const struct waiters_kind notices_kind = {
	.client = host_of, .tell = tell, .tell_nothing = tell_nothing, .identify_at_end = true
};

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
	err = tell(s, m->id, host_of(s, &who), &version, msg);
	if (err != VMP_ENOENT)
		return err;
	return m->since && m->wait ? waiters_add(s, &s->notices, m, host_of(s, &who), version, version)
				   : tell_nothing(s, m->id, host_of(s, &who), version);
}

void notices_look(struct state *s)
{
	struct vmp_msg msg;
	int64_t last = 0;

	if (s->notices.n > 0 && vmp_store_guest_last_notice(s->store, &last, &msg) == VMP_OK)
		(void)waiters_look(s, &s->notices, last);
}

void notices_rolled_back(struct state *s)
{
	struct vmp_msg msg;
	int64_t last = 0;

	if (s->notices.n > 0 && vmp_store_guest_last_notice(s->store, &last, &msg) == VMP_OK)
		waiters_rolled_back(&s->notices, last);
}
