/* route: what gateways lead to. */
#include "cli.h"
#include "find.h"
#include "mac.h"
#include "output.h"
#include "store_route.h"

#include <stdio.h>
#include <string.h>

/* One call of the command. */
struct request {
	struct cli *cli;
	struct vmp_store *store;
	uint64_t mac; /* 0: all gateways */
	int argc;     /* prefixes */
	char **argv;
	struct vmp_msg msg;
};

static int write_all(struct request *req,
		     int (*write)(struct vmp_store *store, uint64_t mac, const char *prefix, struct vmp_msg *msg))
{
	int i, err = vmp_store_begin(req->store, &req->msg);

	for (i = 0; i < req->argc && err == VMP_OK; i++)
		err = write(req->store, req->mac, req->argv[i], &req->msg);
	if (err == VMP_OK)
		err = vmp_store_commit(req->store, &req->msg);
	vmp_store_rollback(req->store);
	return err;
}

static int say(struct request *req, const char *done)
{
	int i;

	if (req->cli->json)
		printf("{\"%s\": %d}\n", done, req->argc);
	for (i = 0; i < req->argc && !req->cli->json; i++)
		printf("route %s %s\n", req->argv[i], done);
	return VMP_OK;
}

static int add(struct request *req)
{
	int err = write_all(req, vmp_store_route_add);

	return err == VMP_OK ? say(req, "added") : err;
}

static int rm(struct request *req)
{
	int err = write_all(req, vmp_store_route_remove);

	return err == VMP_OK ? say(req, "removed") : err;
}

struct listing {
	struct vmp_table *table; /* NULL: JSON */
	size_t n;
};

static int print_route(void *ctx, uint64_t mac, const char *name, const char *prefix)
{
	struct listing *list = ctx;
	char text[VMP_MAC_TEXT];

	vmp_mac_format(mac, text);
	if (list->table)
		table_row(list->table, (const char *[]){ name, text, prefix });
	else
		out_json_item(&list->n, json_pack("{s:s, s:s, s:s}", "gateway", name, "mac", text, "prefix", prefix));
	return VMP_OK;
}

static int list(struct request *req)
{
	static const struct vmp_table_head heads[] = { { "gateway", false }, { "mac", false }, { "prefix", false } };
	struct listing routes = { .table = req->cli->json ? NULL : table_new(heads, 3) };
	int err = vmp_store_route_each(req->store, req->mac, print_route, &routes, &req->msg);

	if (routes.table)
		table_end(routes.table);
	else if (err == VMP_OK || routes.n)
		out_json_end(routes.n);
	return err;
}

static const struct verb {
	const char *name, *expected;
	int min, max; /* operands */
	enum vmp_store_mode mode;
	int (*run)(struct request *req);
} verbs[] = {
	{ "add", "expected a gateway, and prefixes such as 192.0.2.0/24", 2, 65, VMP_STORE_WRITE, add },
	{ "rm", "expected a gateway, and prefixes such as 192.0.2.0/24", 2, 65, VMP_STORE_WRITE, rm },
	{ "list", "expected one gateway, or none", 0, 1, VMP_STORE_READ, list },
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

/* @param gateway  NULL: all. */
static int run(struct request *req, const struct verb *verb, const char *gateway)
{
	int err = VMP_OK, code = cli_open(req->cli, verb->mode, &req->store);

	if (code != CLI_OK)
		return code;
	if (gateway)
		err = find_mac(req->store, gateway, &req->mac, &req->msg);
	if (err == VMP_OK)
		err = verb->run(req);
	vmp_store_close(req->store);
	return err == VMP_OK ? CLI_OK : cli_fail_err(err, &req->msg);
}

int route_run(struct cli *cli, int argc, char **argv)
{
	struct request req = { .cli = cli };
	const struct verb *verb;
	int n;

	while (cli_option(cli, argc, argv, NULL) != -1)
		;
	verb = optind < argc ? find_verb(argv[optind]) : NULL;
	if (!verb)
		return cli_usage(cli, "expected add, rm or list");
	n = argc - optind - 1;
	if (n < verb->min || n > verb->max)
		return cli_usage(cli, "%s", verb->expected);
	req.argc = n > 0 ? n - 1 : 0;
	req.argv = argv + optind + 2;
	return run(&req, verb, n > 0 ? argv[optind + 1] : NULL);
}
