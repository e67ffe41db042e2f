/* What hosts say of their guests, and guests of themselves. */
#include "log.h"
#include "mac.h"
#include "state.h"
#include "store_inner.h"
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

#define SAY_AGAIN_MS (3600 * 1000)

/* A machine is registered without an IPv4 address inside.  Said once an hour: many may ask, and again and again. */
static int say_exhausted(struct state *s, const struct vmp_identity *who, struct vmp_msg *msg)
{
	char subject[STATE_ACTOR];

	if (s->inner_said_ms && s->clock.boot_ms - s->inner_said_ms < SAY_AGAIN_MS)
		return VMP_OK;
	s->inner_said_ms = s->clock.boot_ms;
	state_actor(who, subject);
	vmp_log(VMP_LOG_WARNING, "inner-exhausted", "whom", subject, NULL);
	return state_audit(s, "inner-exhausted", "policyd", subject, "inner_prefix4 has no address left", msg);
}

static int give_inner4(struct state *s, const struct vmp_identity *who, struct vmp_msg *msg)
{
	bool exhausted = false;
	int err = vmp_store_inner4_take(s->store, who->mac, &exhausted, msg);

	return err == VMP_OK && exhausted ? say_exhausted(s, who, msg) : err;
}

int guest_self(struct state *s, const struct message *m, struct vmp_msg *msg)
{
	struct vmp_identity who;
	struct vmp_self self;
	int err = state_identify(s, m, STATE_GUESTS, &who, msg);

	if (err == VMP_OK)
		err = vmp_licence_check(s->store, who.mac, msg);
	if (err == VMP_OK)
		err = vmp_store_guest_self(s->store, who.mac, m->wg_key, m->endpoint, msg);
	if (err == VMP_OK)
		err = give_inner4(s, &who, msg);
	if (err == VMP_OK)
		err = vmp_store_self(s->store, who.mac, &self, msg);
	if (err != VMP_OK)
		return err;
	return state_answer_json(s, m->id,
				 json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b}", "id", who.uuid, "name",
					   who.name, "wireguard_key", m->wg_key, "endpoint", m->endpoint,
					   "inner_address", self.inner, "inner_ipv4", self.inner4, "inner_prefix",
					   self.inner_prefix, "inner_ipv4_prefix", self.inner4_prefix, "gateway",
					   (int)self.gateway, "remote", (int)self.remote));
}
