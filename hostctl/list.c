/* list and show: guests. */
#include "client.h"
#include "view.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static json_t *ask(const char *what)
{
	return what ? json_pack("{s:s, s:s}", "do", "show", "what", what) : json_pack("{s:s}", "do", "list");
}

/* -- list -------------------------------------------------------------------------------------------------------- */

/* A line has the interface's members, and of the guest's these. */
static const char *const shared[] = { "name", "report", "last_error" };

static const struct view_column line[] = {
	{ { "guest", false }, "name", view_cell },    { { "mac", false }, "mac", view_cell },
	{ { "port", false }, "port", view_cell },     { { "uplink", false }, "uplink", view_cell },
	{ { "state", false }, "state", view_cell },   { { "for", true }, "authorized_for_s", view_span },
	{ { "method", false }, "method", view_cell }, { { "policyd", false }, "report", view_cell },
	{ { "error", false }, "error", view_cell },
};

static void list_guest(struct vmp_table *table, json_t *guest)
{
	json_t *nic;
	size_t i, s;

	json_array_foreach(json_object_get(guest, "nics"), i, nic) {
		const char *error = json_string_value(json_object_get(nic, "error"));

		for (s = 0; s < COUNT(shared); s++)
			json_object_set(nic, shared[s], json_object_get(guest, shared[s]));
		if (!error || !*error)
			json_object_set(nic, "error", json_object_get(guest, "last_error"));
		view_row(table, line, COUNT(line), nic);
	}
}

static void list_print(const json_t *guests)
{
	struct vmp_table *table = view_table(line, COUNT(line));
	json_t *guest;
	size_t i;

	json_array_foreach(guests, i, guest)
		list_guest(table, guest);
	view_end(table);
}

int list_run(struct cli *cli, int argc, char **argv)
{
	json_t *answer;
	int code;

	while (cli_option(cli, argc, argv, NULL) != -1)
		;
	if (optind != argc)
		return cli_usage(cli, "%s: expected no operands", argv[optind]);
	code = client_get(cli, ask(NULL), &answer);
	if (code != CLI_OK)
		return code;
	if (cli->json)
		return cli_print_json(answer);
	list_print(json_object_get(answer, "guests"));
	json_decref(answer);
	return CLI_OK;
}

/* -- show -------------------------------------------------------------------------------------------------------- */

static const struct view_column guest_members[] = {
	{ { "guest", false }, "name", view_cell },     { { "uuid", false }, "uuid", view_cell },
	{ { "source", false }, "source", view_cell },  { { "template", false }, "template", view_cell },
	{ { "state", false }, "state", view_cell },    { { "since", false }, "since_s", view_span },
	{ { "policyd", false }, "report", view_cell }, { { "last error", false }, "last_error", view_cell },
};

static const struct view_column nic_members[] = {
	{ { "mac", false }, "mac", view_cell },
	{ { "port", false }, "port", view_cell },
	{ { "bridge", false }, "bridge", view_cell },
	{ { "uplink", false }, "uplink", view_cell },
	{ { "state", false }, "state", view_cell },
	{ { "logged off by an operator", false }, "held_by_operator", view_cell },
	{ { "authorized for", false }, "authorized_for_s", view_span },
	{ { "method", false }, "method", view_cell },
	{ { "session resumed", false }, "resumed", view_cell },
	{ { "took [ms]", false }, "took_ms", view_cell },
	{ { "next by itself in", false }, "next_s", view_span },
	{ { "starts sent", false }, "starts", view_cell },
	{ { "failures in a row", false }, "failures", view_cell },
	{ { "last event", false }, "last_event", view_cell },
	{ { "the switch said", false }, "notice", view_cell },
	{ { "error", false }, "error", view_cell },
};

static void show_print(const json_t *guest)
{
	const json_t *nic;
	size_t i;

	view_object(guest_members, COUNT(guest_members), guest);
	json_array_foreach(json_object_get(guest, "nics"), i, nic) {
		putchar('\n');
		view_object(nic_members, COUNT(nic_members), nic);
	}
}

int show_run(struct cli *cli, int argc, char **argv)
{
	json_t *answer;
	int code;

	while (cli_option(cli, argc, argv, NULL) != -1)
		;
	if (optind + 1 != argc)
		return cli_usage(cli, "expected one guest");
	code = client_get(cli, ask(argv[optind]), &answer);
	if (code != CLI_OK)
		return code;
	if (cli->json)
		return cli_print_json(answer);
	show_print(answer);
	json_decref(answer);
	return CLI_OK;
}
