/* site: the prefixes of the machines' addresses inside the communities. */
#include "actor.h"
#include "cli.h"
#include "output.h"
#include "store_inner.h"

#include <stdio.h>
#include <string.h>

static int show(struct cli *cli, struct vmp_store *store, struct vmp_msg *msg)
{
	static const struct vmp_table_head heads[] = { { "column", false }, { "value", false } };
	struct vmp_table *table;
	struct vmp_self site;
	int err = vmp_store_inner_show(store, &site, msg);

	if (err != VMP_OK)
		return err;
	if (cli->json) {
		out_json(json_pack("{s:s, s:s?}", "inner_prefix", site.inner_prefix, "inner_prefix4",
				   *site.inner4_prefix ? site.inner4_prefix : NULL));
		return VMP_OK;
	}
	table = table_new(heads, 2);
	table_row(table, (const char *[]){ "inner_prefix", site.inner_prefix });
	table_row(table, (const char *[]){ "inner_prefix4", site.inner4_prefix });
	table_end(table);
	return VMP_OK;
}

/* What is to be set; NULL: it stays. */
struct wanted {
	const char *six, *four;
};

static bool read_one(const char *text, struct wanted *out)
{
	static const char six[] = "inner_prefix=", four[] = "inner_prefix4=";

	if (strncmp(text, six, sizeof(six) - 1) == 0)
		out->six = text + sizeof(six) - 1;
	else if (strncmp(text, four, sizeof(four) - 1) == 0)
		out->four = text + sizeof(four) - 1;
	else
		return false;
	return true;
}

static int set_one(struct vmp_store *store, enum vmp_inner which, const char *text, struct vmp_msg *msg)
{
	char detail[100];
	int err = text ? vmp_store_inner_set(store, which, text, msg) : VMP_OK;

	if (!text || err != VMP_OK)
		return err;
	snprintf(detail, sizeof(detail), "%s %.60s", which == VMP_INNER_SIX ? "inner_prefix" : "inner_prefix4",
		 *text ? text : "none");
	return actor_audit(store, "site-changed", "site", detail, msg);
}

static int set(struct cli *cli, struct vmp_store *store, const struct wanted *wanted, struct vmp_msg *msg)
{
	int err = vmp_store_begin(store, msg);

	if (err == VMP_OK)
		err = set_one(store, VMP_INNER_SIX, wanted->six, msg);
	if (err == VMP_OK)
		err = set_one(store, VMP_INNER_FOUR, wanted->four, msg);
	if (err == VMP_OK)
		err = vmp_store_commit(store, msg);
	vmp_store_rollback(store);
	if (err != VMP_OK)
		return err;
	puts(cli->json ? "{\"changed\": 1}"
		       : "site changed; machines take their new addresses when they register next");
	return VMP_OK;
}

int site_run(struct cli *cli, int argc, char **argv)
{
	struct wanted wanted = { NULL, NULL };
	struct vmp_msg msg = { "" };
	struct vmp_store *store;
	bool writes;
	int i, err, code;

	while (cli_option(cli, argc, argv, NULL) != -1)
		;
	writes = optind < argc && strcmp(argv[optind], "set") == 0;
	if (optind < argc && !writes && (strcmp(argv[optind], "show") != 0 || optind + 1 < argc))
		return cli_usage(cli, "expected show, or set COLUMN=VALUE");
	for (i = optind + 1; writes && i < argc; i++) {
		if (!read_one(argv[i], &wanted))
			return cli_usage(cli, "%s: expected inner_prefix=PREFIX or inner_prefix4=PREFIX", argv[i]);
	}
	if (writes && !wanted.six && !wanted.four)
		return cli_usage(cli, "expected inner_prefix=PREFIX or inner_prefix4=PREFIX");
	code = cli_open(cli, writes ? VMP_STORE_WRITE : VMP_STORE_READ, &store);
	if (code != CLI_OK)
		return code;
	err = writes ? set(cli, store, &wanted, &msg) : show(cli, store, &msg);
	vmp_store_close(store);
	return err == VMP_OK ? CLI_OK : cli_fail_err(err, &msg);
}
