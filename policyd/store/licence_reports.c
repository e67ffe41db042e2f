/* What gateways say of their guests: who has been given a licence, and who has given it back. */
#include "licences.h"

#include <stdio.h>

/* "6ba7b810-9dad-11d1-80b4-00c04fd430c8" */
static void uuid_text(const uint8_t *octets, char out[VMP_UUID_TEXT])
{
	char hex[2 * MESSAGE_UUID + 1];

	vmp_hex(octets, MESSAGE_UUID, hex);
	snprintf(out, VMP_UUID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

int licences_stopped(struct state *s, const char *holder, const struct message_lease *l, struct vmp_msg *msg)
{
	const uint8_t *at = l->uuids + (size_t)MESSAGE_UUID * l->n_started;
	char uuid[VMP_UUID_TEXT];
	int err = VMP_OK;
	uint32_t i;

	for (i = 0; i < l->n_stopped && err == VMP_OK; i++) {
		uuid_text(at + (size_t)MESSAGE_UUID * i, uuid);
		err = vmp_licensed_remove(s->store, uuid, holder, l->product, msg);
	}
	return err;
}

static int refuse(json_t *refused, const char *uuid, const char *reason)
{
	return json_array_append_new(refused, json_pack("{s:s, s:s}", "id", uuid, "reason", reason)) == 0 ? VMP_OK
													  : VMP_ENOMEM;
}

/* Who is listed anew takes its place again, as who is new: a list names no more than were granted.
 * @return VMP_OK; VMP_EACCES with the reason; an error. */
static int started(struct state *s, const char *uuid, const struct vmp_identity *who,
		   const struct vmp_licence_asker *asker, const char *product, int64_t *room, struct vmp_msg *msg)
{
	int err = vmp_licensed_find(s->store, uuid, who->uuid, product, s->clock.boot_ms, msg);
	bool is_new = err == VMP_ENOENT;

	if (err != VMP_OK && !is_new)
		return err;
	if (is_new && *room <= 0)
		return vmp_fail(msg, VMP_EACCES, "more guests than licences were granted");
	err = vmp_licensed_add(s->store, uuid, who->uuid, product, asker, s->clock.now, msg);
	if (err == VMP_OK && is_new)
		--*room;
	return err;
}

int licences_reported(struct state *s, const struct vmp_identity *who, const struct vmp_licence_asker *asker,
		      const struct message_lease *l, int64_t keep, bool again, json_t *refused, struct vmp_msg *msg)
{
	char uuid[VMP_UUID_TEXT];
	int64_t n = 0;
	uint32_t i;
	int err = VMP_OK;

	if (l->all && !again)
		err = vmp_licensed_doubt(s->store, who->uuid, l->product, s->clock.boot_ms, msg);
	if (err == VMP_OK && l->n_started)
		err = vmp_licensed_sure(s->store, who->uuid, l->product, s->clock.boot_ms, &n, msg);
	keep -= n;
	for (i = 0; i < l->n_started && err == VMP_OK; i++) {
		uuid_text(l->uuids + (size_t)MESSAGE_UUID * i, uuid);
		err = started(s, uuid, who, asker, l->product, &keep, msg);
		if (err == VMP_EACCES)
			err = refuse(refused, uuid, msg->text);
	}
	if (err == VMP_OK && s->config->licence_elsewhere)
		err = vmp_licensed_elsewhere(s->store, who->uuid, l->product, l->elsewhere > 0, s->clock.boot_ms, msg);
	return err;
}
