/* status: hostd itself. */
#include "client.h"
#include "view.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* No error is good news. */
static const char *fence_cell(const json_t *object, const char *name, char room[VIEW_CELL])
{
	const char *text = view_cell(object, name, room);

	return strcmp(text, "-") == 0 ? "up" : text;
}

static const struct view_column hostd_members[] = {
	{ { "version", false }, "version", view_cell }, { { "runs for", false }, "uptime_s", view_span },
	{ { "guests", false }, "guests", view_cell },	{ { "libvirt", false }, "libvirt", view_cell },
	{ { "fence", false }, "fence", fence_cell },
};

static const struct view_column identity_members[] = {
	{ { "certificate", false }, "name", view_cell },     { { "serial number", false }, "serial", view_cell },
	{ { "good until", false }, "not_after", view_time }, { { "renewal", false }, "renew_at", view_time },
	{ { "error", false }, "error", view_cell },
};

static const struct view_column policyd_members[] = {
	{ { "policyd", false }, "url", view_cell },
	{ { "ends not told yet", false }, "pending", view_cell },
	{ { "error", false }, "error", view_cell },
};

static const struct view_column uplink_columns[] = {
	{ { "uplink", false }, "name", view_cell },
	{ { "bridge", false }, "bridge", view_cell },
	{ { "up", false }, "up", view_cell },
	{ { "interfaces", true }, "guests", view_cell },
	{ { "authorized", true }, "authorized", view_cell },
	{ { "running", true }, "running", view_cell },
	{ { "queued", true }, "queued", view_cell },
	{ { "replies", false }, "replies", view_cell },
	{ { "host", false }, "host", view_cell },
	{ { "error", false }, "error", view_cell },
};

int status_run(struct cli *cli, int argc, char **argv)
{
	json_t *answer;
	int code;

	while (cli_option(cli, argc, argv, NULL) != -1)
		;
	if (optind != argc)
		return cli_usage(cli, "%s: expected no operands", argv[optind]);
	code = client_get(cli, json_pack("{s:s}", "do", "status"), &answer);
	if (code != CLI_OK)
		return code;
	if (cli->json)
		return cli_print_json(answer);
	view_object(hostd_members, COUNT(hostd_members), answer);
	putchar('\n');
	view_object(identity_members, COUNT(identity_members), json_object_get(answer, "identity"));
	putchar('\n');
	view_object(policyd_members, COUNT(policyd_members), json_object_get(answer, "policyd"));
	putchar('\n');
	view_array(uplink_columns, COUNT(uplink_columns), json_object_get(answer, "uplinks"));
	json_decref(answer);
	return CLI_OK;
}
