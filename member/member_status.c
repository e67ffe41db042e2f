#include "boot_clock.h"
#include "endpoint.h"
#include "est.h"
#include "jsontext.h"
#include "member_parts.h"
#include "pair.h"
#include "peers.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* -- for the program ---------------------------------------------------------------------------------------------- */

const char *member_trouble(void)
{
	if (!member.base)
		return "not there";
	if (member.state != MEMBER_UP)
		return *member.why ? member.why : "not registered yet";
	if (*member.wg_why)
		return member.wg_why;
	if (!member.complete)
		return *member.directory_why ? member.directory_why : "the directory has not told all yet";
	return NULL;
}

void member_inner(struct prefix *inner6, struct prefix *inner4)
{
	*inner6 = member.own.inner6;
	*inner4 = member.own.inner4;
}

int member_each(int (*each)(void *ctx, const struct member_peer *peer), void *ctx)
{
	const char *cois[DIRECTORY_COIS + 1];
	char id[37];
	struct peer *peer;
	int err = VMP_OK;
	uint16_t i;

	for (peer = member.base ? peers_first() : NULL; peer && err == VMP_OK; peer = peer->next) {
		const struct member_peer told = { .id = peer_id(peer, id),
						  .name = peer->name,
						  .inner6 = &peer->inner6,
						  .inner4 = &peer->inner4,
						  .gateway = peer->gateway,
						  .remote = peer->remote,
						  .coi = pair_coi_name(peer),
						  .cois = cois };

		for (i = 0; i < peer->n_coi; i++)
			cois[i] = peer->coi[i]->name;
		cois[i] = NULL;
		err = each(ctx, &told);
	}
	return err;
}

/* -- /v1/status --------------------------------------------------------------------------------------------------- */

static json_t *address(const struct prefix *prefix)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (prefix->family && !inet_ntop(prefix->family, prefix->address, text, sizeof(text)))
		*text = '\0';
	return json_string(text);
}

static json_t *base64(const uint8_t key[VMP_COI_SECRET])
{
	char *text = vmp_base64(key, VMP_COI_SECRET);
	json_t *json = json_string(text ? text : "");

	free(text);
	return json;
}

static json_t *keys_status(void)
{
	const struct keys_one *one = NULL;
	size_t n = member.keys ? keys_all(member.keys, &one) : 0, i;
	json_t *list = json_array();

	for (i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s, s:I, s:b, s:I}", "coi", one[i].coi, "epoch",
						      (json_int_t)one[i].epoch, "current", (int)one[i].current,
						      "not_after", (json_int_t)one[i].not_after));
	return list;
}

static json_t *coi_names(const struct peer *peer)
{
	json_t *list = json_array();
	uint16_t i;

	for (i = 0; i < peer->n_coi; i++)
		json_array_append_new(list, json_string(peer->coi[i]->name));
	return list;
}

static json_t *age(const struct pair *pair, uint64_t now)
{
	if (!pair || !pair->seen.agreed_at || !pair->tunnel)
		return json_null();
	return json_integer((json_int_t)((now - pair->seen.agreed_at) / 1000));
}

static json_t *peer_status(const struct peer *peer, uint64_t now)
{
	const struct pair *pair = peer->pair;
	char id[37], endpoint[ENDPOINT_TEXT];

	endpoint_write(&peer->endpoint, endpoint);
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:I, s:s, s:o, s:I, s:I, s:I, s:s, s:b, s:b, s:o}", "id",
			 peer_id(peer, id), "name", vmp_json_text(peer->name), "inner_address", address(&peer->inner6),
			 "inner_ipv4", address(&peer->inner4), "cois", coi_names(peer), "coi", pair_coi_name(peer),
			 "epoch", (json_int_t)(pair ? pair->seen.epoch : 0), "state", pair_phase(pair), "key_age_s",
			 age(pair, now), "received", (json_int_t)(pair ? pair->received : 0), "sent",
			 (json_int_t)(pair ? pair->sent : 0), "held", (json_int_t)(pair ? pair->n_held : 0), "endpoint",
			 endpoint, "gateway", (int)peer->gateway, "remote", (int)peer->remote, "via",
			 vmp_json_text(peer->indirect && peer->carrier ? peer->carrier->name : ""));
}

static json_t *peers_status(void)
{
	uint64_t now = boot_clock_ms();
	json_t *list = json_array();
	struct peer *peer;

	for (peer = peers_first(); peer; peer = peer->next)
		json_array_append_new(list, peer_status(peer, now));
	return list;
}

json_t *member_status(void)
{
	const char *trouble = member_trouble();

	if (!member.base)
		return json_pack("{s:s}", "trouble", trouble);
	return json_pack("{s:s, s:o, s:o, s:s, s:s, s:o, s:s, s:o, s:o, s:b, s:b, s:{s:I, s:o}, s:o, s:o}", "id",
			 member.own.id, "name", vmp_json_text(member.own.name), "trouble",
			 vmp_json_text(trouble ? trouble : ""), "interface", member.settings->interface, "engine",
			 member.wg ? wg_engine_name(member.wg) : "", "public_key", base64(member.public_key),
			 "endpoint", member.endpoint, "inner_address", address(&member.own.inner6), "inner_ipv4",
			 address(&member.own.inner4), "gateway", (int)member.own.gateway, "remote",
			 (int)member.is_remote, "directory", "version", (json_int_t)member.version, "error",
			 vmp_json_text(member.directory_why), "keys", keys_status(), "peers", peers_status());
}
