/* token: a join token, made by hand. */
#include "actor.h"
#include "cli.h"
#include "find.h"
#include "mac.h"
#include "output.h"
#include "record_read.h"
#include "store_guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIFE_MIN 10

struct order {
	const char *vm, *host; /* one of the two */
	const char *template_name, *uuid, *life;
	int life_s;
	uint64_t mac;
	char has_uuid[VMP_UUID_TEXT], has_template[65]; /* the guest's own; empty: no guest yet */
	struct vmp_join join;
	char token[VMP_TOKEN_TEXT];
	uint8_t hash[VMP_DIGEST];
	struct vmp_clock clock;
};

/* What was not said: the guest's own, or a new UUID. */
static int fill_in(struct vmp_store *store, struct order *o, struct vmp_msg *msg)
{
	int err = vmp_store_guest_find(store, o->mac, o->has_uuid, o->has_template, msg);

	if (err == VMP_ENOENT && !o->template_name)
		return vmp_fail(msg, VMP_EINVAL, "vm %s: is no guest yet: expected --template NAME", o->vm);
	if (err == VMP_ENOENT)
		err = o->uuid ? VMP_OK : vmp_uuid_random(o->has_uuid);
	if (!o->uuid)
		o->uuid = o->has_uuid;
	if (!o->template_name)
		o->template_name = o->has_template;
	return err;
}

static int audit_vm(struct vmp_store *store, const struct order *o, struct vmp_msg *msg)
{
	char mac[VMP_MAC_TEXT], subject[32], detail[200];
	int err = VMP_OK;

	vmp_mac_format(o->mac, mac);
	snprintf(subject, sizeof(subject), "vm %s", mac);
	snprintf(detail, sizeof(detail), "template %s, uuid %s, life %d s", o->join.template_name, o->join.uuid,
		 o->life_s);
	if (o->join.created)
		err = actor_audit(store, "created", subject, o->join.uuid, msg);
	return err == VMP_OK ? actor_audit(store, "token-made", subject, detail, msg) : err;
}

static int make_for_vm(struct vmp_store *store, struct order *o, struct vmp_msg *msg)
{
	struct vmp_start start = { 0 };
	int err = find_mac(store, o->vm, &o->mac, msg);

	if (err == VMP_OK)
		err = fill_in(store, o, msg);
	if (err != VMP_OK)
		return err;
	start.uuid = o->uuid;
	start.mac = o->mac;
	start.template_name = o->template_name;
	err = vmp_store_guest_start(store, &start, &o->clock, o->life_s, o->hash, &o->join, msg);
	return err == VMP_OK ? audit_vm(store, o, msg) : err;
}

static int make_for_host(struct vmp_store *store, struct order *o, struct vmp_msg *msg)
{
	char subject[160], detail[32];
	int err = vmp_store_host_token(store, o->host, &o->clock, o->life_s, o->hash, msg);

	snprintf(subject, sizeof(subject), "host %.140s", o->host);
	snprintf(detail, sizeof(detail), "life %d s", o->life_s);
	return err == VMP_OK ? actor_audit(store, "token-made", subject, detail, msg) : err;
}

static json_t *describe_vm(const struct order *o)
{
	char mac[VMP_MAC_TEXT];
	json_t *cois = json_array();
	size_t i;

	vmp_mac_format(o->mac, mac);
	for (i = 0; i < o->join.n_coi; i++)
		json_array_append_new(cois, vmp_json_text(o->join.coi[i]));
	return json_pack("{s:s, s:i, s:s, s:s, s:o, s:s, s:b, s:o}", "token", o->token, "life_s", o->life_s, "mac", mac,
			 "uuid", o->join.uuid, "name", vmp_json_text(o->join.name), "template", o->join.template_name,
			 "created", (int)o->join.created, "cois", cois);
}

static void print(const struct cli *cli, const struct order *o)
{
	if (cli->json) {
		out_json(o->host ? json_pack("{s:s, s:i, s:s}", "token", o->token, "life_s", o->life_s, "host", o->host)
				 : describe_vm(o));
		return;
	}
	if (o->host)
		fprintf(stderr, "host %s, label host, for %d s:\n", o->host, o->life_s);
	else
		fprintf(stderr, "vm %s, uuid %s, label %s, for %d s:\n", o->join.name, o->join.uuid,
			o->join.template_name, o->life_s);
	puts(o->token);
}

static int make(const struct cli *cli, struct order *o)
{
	struct vmp_msg msg = { "" };
	struct vmp_store *store;
	int err, code = cli_open(cli, VMP_STORE_WRITE, &store);

	if (code != CLI_OK)
		return code;
	vmp_clock_read(&o->clock);
	err = vmp_token_new(o->token, o->hash);
	if (err == VMP_OK)
		err = vmp_store_begin(store, &msg);
	if (err == VMP_OK)
		err = o->host ? make_for_host(store, o, &msg) : make_for_vm(store, o, &msg);
	if (err == VMP_OK)
		err = vmp_store_commit(store, &msg);
	vmp_store_rollback(store);
	vmp_store_close(store);
	if (err == VMP_OK)
		print(cli, o);
	vmp_wipe(o->token, sizeof(o->token));
	return err == VMP_OK ? CLI_OK : cli_fail_err(err, &msg);
}

static int read_life(const struct cli *cli, struct order *o)
{
	char *end;
	long life;

	o->life_s = VMP_TOKEN_S;
	if (!o->life)
		return CLI_OK;
	errno = 0;
	life = strtol(o->life, &end, 10);
	if (errno || end == o->life || *end || life < LIFE_MIN || life > VMP_TOKEN_S)
		return cli_usage(cli, "--life %s: expected %d to %d seconds", o->life, LIFE_MIN, VMP_TOKEN_S);
	o->life_s = (int)life;
	return CLI_OK;
}

int token_run(struct cli *cli, int argc, char **argv)
{
	enum { OPT_TEMPLATE = 256, OPT_UUID, OPT_HOST, OPT_LIFE };
	static const struct option own[] = {
		{ "template", required_argument, NULL, OPT_TEMPLATE },
		{ "uuid", required_argument, NULL, OPT_UUID },
		{ "host", required_argument, NULL, OPT_HOST },
		{ "life", required_argument, NULL, OPT_LIFE },
		{ NULL, 0, NULL, 0 },
	};
	struct order o = { .vm = NULL };
	const char **const to[] = { &o.template_name, &o.uuid, &o.host, &o.life };
	int c, code;

	while ((c = cli_option(cli, argc, argv, own)) != -1)
		*to[c - OPT_TEMPLATE] = optarg;
	if (optind + (o.host ? 0 : 1) != argc)
		return cli_usage(cli, "expected one VM, or --host NAME");
	if (o.host && (o.template_name || o.uuid))
		return cli_usage(cli, "--template and --uuid go with a VM");
	o.vm = argv[optind];
	code = read_life(cli, &o);
	return code == CLI_OK ? make(cli, &o) : code;
}
