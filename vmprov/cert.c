/* cert list, show, revoke: the certificates that were issued here. */
#include "actor.h"
#include "cli.h"
#include "est.h"
#include "mac.h"
#include "output.h"
#include "record_read.h"
#include "store_cert.h"
#include "when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define REASON_SUPERSEDED 4
#define PEM_LINE	  64
#define WHOM_ROOM	  160

struct request {
	struct cli *cli;
	struct vmp_store *store;
	const char *which; /* NULL: all */
	bool all;
	const char *reason; /* NULL: unspecified */
	int64_t now;
	struct vmp_table *table; /* of a list for people */
	size_t n;
	struct vmp_msg msg;
};

static const char *const kinds[] = { [VMP_CERT_VM] = "vm",
				     [VMP_CERT_GATEWAY] = "gateway",
				     [VMP_CERT_HOST] = "host",
				     [VMP_CERT_SERVER] = "server",
				     [VMP_CERT_SIGNER] = "signer" };

/* Prepared: sent, and not used yet; the older one is still good as well. */
static const char *state_of(const struct vmp_cert_row *row, int64_t now)
{
	if (row->revoked_at)
		return row->reason == REASON_SUPERSEDED ? "superseded" : "revoked";
	if (row->who.not_after < now)
		return "expired";
	return row->used_at || row->who.kind >= VMP_CERT_SERVER ? "good" : "prepared";
}

/* As revoke takes it. */
static const char *whom(const struct vmp_cert_row *row, char room[WHOM_ROOM])
{
	char mac[VMP_MAC_TEXT];

	vmp_mac_format(row->who.mac, mac);
	if (row->who.kind >= VMP_CERT_SERVER)
		snprintf(room, WHOM_ROOM, "policyd");
	else if (row->who.kind == VMP_CERT_HOST)
		snprintf(room, WHOM_ROOM, "host:%s", row->who.name);
	else
		snprintf(room, WHOM_ROOM, "%s", *row->who.name ? row->who.name : mac);
	return room;
}

static void set_time(json_t *doc, const char *key, int64_t at)
{
	char text[WHEN_TEXT];

	json_object_set_new(doc, key, at ? json_string(when_text(at, text)) : json_null());
}

static json_t *describe(const struct vmp_cert_row *row, int64_t now)
{
	char serial[2 * VMP_SERIAL + 1], room[WHOM_ROOM], mac[VMP_MAC_TEXT];
	json_t *doc;

	vmp_hex(row->who.serial, VMP_SERIAL, serial);
	vmp_mac_format(row->who.mac, mac);
	doc = json_pack("{s:s, s:s, s:o, s:s?, s:o, s:s, s:s?}", "serial", serial, "kind", kinds[row->who.kind], "whom",
			vmp_json_text(whom(row, room)), "mac", row->who.mac ? mac : NULL, "subject",
			vmp_json_text(row->subject), "state", state_of(row, now), "reason",
			row->revoked_at ? vmp_crl_reason_name(row->reason) : NULL);
	set_time(doc, "not_before", row->who.not_before);
	set_time(doc, "not_after", row->who.not_after);
	set_time(doc, "issued_at", row->issued_at);
	set_time(doc, "used_at", row->used_at);
	set_time(doc, "revoked_at", row->revoked_at);
	return doc;
}

/* -- list ----------------------------------------------------------------------------------------------------- */

static int print_one(void *ctx, const struct vmp_cert_row *row)
{
	struct request *req = ctx;
	char serial[2 * VMP_SERIAL + 1], room[WHOM_ROOM], until[WHEN_TEXT];

	if (!req->table) {
		out_json_item(&req->n, describe(row, req->now));
		return VMP_OK;
	}
	vmp_hex(row->who.serial, VMP_SERIAL, serial);
	table_row(req->table, (const char *[]){ serial, kinds[row->who.kind], whom(row, room), row->subject,
						when_text(row->who.not_after, until), state_of(row, req->now),
						row->revoked_at ? vmp_crl_reason_name(row->reason) : "-" });
	return VMP_OK;
}

static int list(struct request *req)
{
	static const struct vmp_table_head heads[] = { { "serial", false },  { "kind", false },	     { "whom", false },
						       { "subject", false }, { "not after", false }, { "state", false },
						       { "reason", false } };
	int err;

	req->table = req->cli->json ? NULL : table_new(heads, 7);
	err = vmp_store_cert_each(req->store, req->which, req->all, req->now, print_one, req, &req->msg);
	if (req->table)
		table_end(req->table);
	else if (err == VMP_OK || req->n)
		out_json_end(req->n);
	return err;
}

/* -- show ----------------------------------------------------------------------------------------------------- */

/* @return from malloc; NULL when out of memory. */
static char *to_pem(const uint8_t *der, size_t der_len)
{
	char *base64 = vmp_base64(der, der_len), *pem = NULL;
	size_t size, len = base64 ? strlen(base64) : 0, at;
	FILE *out = base64 ? open_memstream(&pem, &size) : NULL;

	if (!out) {
		free(base64);
		return NULL;
	}
	fputs("-----BEGIN CERTIFICATE-----\n", out);
	for (at = 0; at < len; at += PEM_LINE)
		fprintf(out, "%.*s\n", PEM_LINE, base64 + at);
	fputs("-----END CERTIFICATE-----\n", out);
	free(base64);
	if (fclose(out) == 0)
		return pem;
	free(pem);
	return NULL;
}

static int show_one(void *ctx, const struct vmp_cert_row *row)
{
	struct request *req = ctx;
	char *pem = to_pem(row->der, row->der_len);
	json_t *doc;

	req->n++;
	if (!pem)
		return vmp_fail(&req->msg, VMP_ENOMEM, "out of memory");
	if (req->cli->json) {
		doc = describe(row, req->now);
		json_object_set_new(doc, "pem", json_string(pem));
		out_json(doc);
	} else {
		fputs(pem, stdout);
	}
	free(pem);
	return VMP_OK;
}

static int show(struct request *req)
{
	uint8_t serial[VMP_SERIAL];
	int err;

	if (vmp_unhex(req->which, strlen(req->which), serial, VMP_SERIAL) != VMP_OK)
		return vmp_fail(&req->msg, VMP_EINVAL, "%s: expected a serial number of %d hexadecimal digits",
				req->which, 2 * VMP_SERIAL);
	err = vmp_store_cert_each(req->store, req->which, true, req->now, show_one, req, &req->msg);
	return err == VMP_OK && !req->n ? vmp_fail(&req->msg, VMP_ENOENT, "certificate %s: not found", req->which)
					: err;
}

/* -- revoke --------------------------------------------------------------------------------------------------- */

static void say_revoked(const struct request *req, int n, const char *reason)
{
	if (req->cli->json)
		printf("{\"revoked\": %d, \"reason\": \"%s\"}\n", n, reason);
	else
		printf("%s: %d %s revoked, %s\n", req->which, n, n == 1 ? "certificate" : "certificates", reason);
}

static int revoke(struct request *req)
{
	char actor[ACTOR_MAX];
	int reason = 0, n = 0;
	int err = req->reason ? vmp_crl_reason(req->reason, &reason, &req->msg) : VMP_OK;

	actor_name(actor);
	if (err == VMP_OK)
		err = vmp_store_begin(req->store, &req->msg);
	if (err == VMP_OK)
		err = vmp_store_cert_revoke(req->store, req->which, reason, actor, req->now, &n, &req->msg);
	/* The schema's triggers write the event, for every reason but this one, a renewal's everyday end. */
	if (err == VMP_OK && n && reason == REASON_SUPERSEDED)
		err = actor_audit(req->store, "revoked", req->which, "reason superseded", &req->msg);
	if (err == VMP_OK)
		err = vmp_store_commit(req->store, &req->msg);
	vmp_store_rollback(req->store);
	if (err == VMP_OK)
		say_revoked(req, n, vmp_crl_reason_name(reason));
	return err;
}

/* -- the command ---------------------------------------------------------------------------------------------- */

static const struct verb {
	const char *name;
	int min, max; /* operands */
	bool takes_all, takes_reason;
	enum vmp_store_mode mode;
	int (*run)(struct request *req);
} verbs[] = {
	{ "list", 0, 1, true, false, VMP_STORE_READ, list },
	{ "show", 1, 1, false, false, VMP_STORE_READ, show },
	{ "revoke", 1, 1, false, true, VMP_STORE_WRITE, revoke },
};

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	}
	return NULL;
}

int cert_run(struct cli *cli, int argc, char **argv)
{
	enum { OPT_ALL = 256, OPT_REASON };
	static const struct option own[] = { { "all", no_argument, NULL, OPT_ALL },
					     { "reason", required_argument, NULL, OPT_REASON },
					     { NULL, 0, NULL, 0 } };
	struct request req = { .cli = cli, .now = time(NULL) };
	const struct verb *verb;
	int c, n, code, err;

	while ((c = cli_option(cli, argc, argv, own)) != -1) {
		if (c == OPT_ALL)
			req.all = true;
		else
			req.reason = optarg;
	}
	verb = optind < argc ? find_verb(argv[optind]) : NULL;
	n = argc - optind - 1;
	if (!verb)
		return cli_usage(cli, "expected list, show or revoke");
	if (n < verb->min || n > verb->max)
		return cli_usage(cli, verb->min ? "expected one certificate, VM or host" : "too many operands");
	if ((req.all && !verb->takes_all) || (req.reason && !verb->takes_reason))
		return cli_usage(cli, "--all goes with list, --reason with revoke");
	req.which = argv[optind + 1]; /* NULL behind the last */
	code = cli_open(cli, verb->mode, &req.store);
	if (code != CLI_OK)
		return code;
	err = verb->run(&req);
	vmp_store_close(req.store);
	return err == VMP_OK ? CLI_OK : cli_fail_err(err, &req.msg);
}
