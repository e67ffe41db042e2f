/* What hosts say of their guests, and guests of themselves. */
#include "log.h"
#include "mac.h"
#include "state.h"
#include "store_directory.h"
#include "store_licence.h"

#include <string.h>

/* The join bundle: what a guest needs to enrol, and nothing that is worth keeping secret beyond ten minutes. */
static json_t *bundle(const struct state *s, const struct vmp_join *join, const char *token)
{
	char mac[VMP_MAC_TEXT];
	json_t *cois = json_array();
	size_t i;

	vmp_mac_format(join->mac, mac);
	for (i = 0; i < join->n_coi; i++)
		json_array_append_new(cois, json_string(join->coi[i]));
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:I, s:s, s:o, s:s, s:s, s:s}", "uuid", join->uuid, "mac", mac,
			 "name", join->name, "template", join->template_name, "created", (int)join->created, "token",
			 token, "token_life_s", (json_int_t)s->config->token_life, "policyd", s->config->url, "cois",
			 cois, "gateway", join->gateway, "licence_product", join->licence, "ca", s->chain_pem);
}

int guest_start(struct state *s, const struct message *m, struct vmp_msg *msg)
{
	struct vmp_start start = {
		.uuid = m->uuid, .mac = m->mac, .template_name = m->label, .name = *m->name ? m->name : NULL
	};
	char token[VMP_TOKEN_TEXT], actor[STATE_ACTOR], subject[STATE_ACTOR], mac[VMP_MAC_TEXT];
	uint8_t hash[VMP_DIGEST];
	struct vmp_identity who;
	struct vmp_join join;
	int err = state_identify(s, m, STATE_HOSTS, &who, msg);

	if (err == VMP_OK && !s->chain_pem)
		err = vmp_fail(msg, VMP_EBUSY, "the signer has not started yet");
	if (err == VMP_OK)
		err = vmp_token_new(token, hash);
	if (err != VMP_OK)
		return err;
	start.host_id = who.host_id;
	err = vmp_store_guest_start(s->store, &start, &s->clock, (int)s->config->token_life, hash, &join, msg);
	if (err == VMP_OK) {
		vmp_mac_format(m->mac, mac);
		state_vm("vm", m->mac, join.name, subject);
		state_actor(&who, actor);
		err = state_audit(s, join.created ? "created" : "started", actor, subject, m->uuid, msg);
	}
	if (err == VMP_OK) {
		vmp_log(VMP_LOG_INFO, "started", "whom", join.name, "mac", mac, "uuid", m->uuid, "by", actor, NULL);
		metric_add(METRIC_STARTS, 1);
		err = state_answer_json(s, m->id, bundle(s, &join, token));
	}
	vmp_wipe(token, sizeof(token));
	return err;
}

int guest_stop(struct state *s, const struct message *m, struct vmp_msg *msg)
{
	struct vmp_identity who;
	char actor[STATE_ACTOR], subject[STATE_ACTOR];
	uint64_t mac = 0;
	int err = state_identify(s, m, STATE_HOSTS, &who, msg);

	if (err == VMP_OK)
		err = vmp_store_guest_mac(s->store, m->uuid, &mac, msg);
	if (err == VMP_OK)
		err = vmp_store_guest_stop(s->store, m->uuid, who.host_id, s->clock.now, msg);
	if (err == VMP_OK)
		err = licences_gone(s, mac, m->uuid, msg);
	if (err != VMP_OK)
		return err;
	state_actor(&who, actor);
	state_vm("vm", mac, "", subject);
	err = state_audit(s, "stopped", actor, subject, m->uuid, msg);
	if (err != VMP_OK)
		return err;
	vmp_log(VMP_LOG_INFO, "stopped", "uuid", m->uuid, "by", actor, NULL);
	metric_add(METRIC_STOPS, 1);
	return state_answer_json(s, m->id, json_pack("{s:s, s:s}", "uuid", m->uuid, "state", "stopped"));
}

int guest_self(struct state *s, const struct message *m, struct vmp_msg *msg)
{
	struct vmp_identity who;
	char inner[46];
	int err = state_identify(s, m, STATE_GUESTS, &who, msg);

	if (err == VMP_OK)
		err = vmp_licence_check(s->store, who.mac, msg);
	if (err == VMP_OK)
		err = vmp_store_guest_self(s->store, who.mac, m->wg_key, m->endpoint, msg);
	if (err == VMP_OK)
		err = vmp_store_inner(s->store, who.mac, inner, msg);
	if (err != VMP_OK)
		return err;
	return state_answer_json(s, m->id,
				 json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", who.uuid, "name", who.name,
					   "wireguard_key", m->wg_key, "endpoint", m->endpoint, "inner_address",
					   inner));
}
