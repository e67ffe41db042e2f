#include "show.h"
#include "ask.h"
#include "config.h"
#include "table.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define CELL 96 /* [octets] */

enum { OPT_JSON = 256, OPT_HELP };

static const char help[] = "usage: coid status [-c FILE] [--json]\n\n"
			   "  -c, --config FILE  coid's configuration\n"
			   "      --json         what the daemon says, as it says it\n"
			   "      --help\n\n"
			   "Exit: 0 this machine can talk, 1 it cannot, or coid does not run, 2 wrong command line.\n";

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

bool show_is_asked(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-c") == 0 || strcmp(argv[i], "--config") == 0)
			i++;
		else if (argv[i][0] != '-')
			return strcmp(argv[i], "status") == 0;
	}
	return false;
}

/* -- cells -------------------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text && *text ? text : "-";
}

static const char *text_cell(const json_t *object, const char *name, char room[CELL])
{
	(void)room;
	return text_of(object, name);
}

static void span(long long s, char room[CELL])
{
	if (s < 60)
		snprintf(room, CELL, "%llds", s);
	else if (s < 3600)
		snprintf(room, CELL, "%lldm%02llds", s / 60, s % 60);
	else if (s < 86400)
		snprintf(room, CELL, "%lldh%02lldm", s / 3600, s / 60 % 60);
	else
		snprintf(room, CELL, "%lldd%lldh", s / 86400, s / 3600 % 24);
}

static const char *age_cell(const json_t *object, const char *name, char room[CELL])
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_integer(value))
		return "-";
	span((long long)json_integer_value(value), room);
	return room;
}

static const char *size_cell(const json_t *object, const char *name, char room[CELL])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	const json_t *value = json_object_get(object, name);
	double n = json_number_value(value);
	size_t i = 0;

	if (!json_is_number(value))
		return "-";
	for (; n >= 1024 && i + 1 < sizeof(units) / sizeof(units[0]); i++)
		n /= 1024;
	snprintf(room, CELL, i ? "%.1f %s" : "%.0f %s", n, units[i]);
	return room;
}

static const char *address_cell(const json_t *object, const char *name, char room[CELL])
{
	const char *inner4 = text_of(object, "inner_ipv4");

	snprintf(room, CELL, "%s%s%s", text_of(object, name), *inner4 == '-' ? "" : ", ", *inner4 == '-' ? "" : inner4);
	return room;
}

/* What they talk in; until they do, what they could. */
static const char *coi_cell(const json_t *object, const char *name, char room[CELL])
{
	const char *coi = text_of(object, name), *one;
	const json_t *cois = json_object_get(object, "cois"), *value;
	size_t i, at = 0;

	if (*coi != '-')
		return coi;
	*room = '\0';
	json_array_foreach(cois, i, value) {
		one = json_string_value(value);
		if (one && at < CELL)
			at += (size_t)snprintf(room + at, CELL - at, "%s%s", i ? ", " : "", one);
	}
	return *room ? room : "-";
}

/* -- tables ------------------------------------------------------------------------------------------------------- */

struct column {
	struct vmp_table_head head;
	const char *member;
	const char *(*text)(const json_t *object, const char *name, char room[CELL]);
};

static const struct column columns[] = {
	{ { "machine", false }, "name", text_cell },	{ { "address", false }, "inner_address", address_cell },
	{ { "community", false }, "coi", coi_cell },	{ { "state", false }, "state", text_cell },
	{ { "key age", true }, "key_age_s", age_cell }, { { "received", true }, "received", size_cell },
	{ { "sent", true }, "sent", size_cell },	{ { "via", false }, "via", text_cell },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static void add_peer(struct vmp_table *table, const json_t *peer)
{
	char room[COLUMNS][CELL];
	const char *cells[COLUMNS];
	size_t i;

	for (i = 0; i < COLUMNS; i++)
		cells[i] = columns[i].text(peer, columns[i].member, room[i]);
	vmp_table_row(table, cells);
}

static int print_peers(const json_t *peers)
{
	struct vmp_table_head heads[COLUMNS];
	struct vmp_table *table;
	const json_t *peer;
	size_t i;

	for (i = 0; i < COLUMNS; i++)
		heads[i] = columns[i].head;
	table = vmp_table_new(heads, COLUMNS);
	if (!table)
		return VMP_ENOMEM;
	json_array_foreach(peers, i, peer)
		add_peer(table, peer);
	return vmp_table_end(table);
}

static void until(const json_t *identity, char room[CELL])
{
	time_t end = (time_t)json_integer_value(json_object_get(identity, "not_after"));
	struct tm tm;

	if (!end || !gmtime_r(&end, &tm) || !strftime(room, CELL, "until %Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(room, CELL, "%s", text_of(identity, "error"));
}

static void lease_text(const json_t *lease, char room[CELL])
{
	char left[CELL];

	span((long long)json_integer_value(json_object_get(lease, "ends_in_s")), left);
	if (strcmp(text_of(lease, "state"), "held") == 0)
		snprintf(room, CELL, "%.60s, %.30s", text_of(lease, "product"), left);
	else
		snprintf(room, CELL, "%.60s: %s", text_of(lease, "product"), text_of(lease, "state"));
}

static int print_own(const json_t *all, bool well)
{
	static const struct vmp_table_head heads[] = { { "", false }, { "", false } };
	struct vmp_table *table = vmp_table_new(heads, 2);
	char address[CELL], certificate[CELL], lease[CELL];

	if (!table)
		return VMP_ENOMEM;
	until(json_object_get(all, "identity"), certificate);
	lease_text(json_object_get(all, "lease"), lease);
	vmp_table_row(table, (const char *[]){ "state", well ? "well" : text_of(all, "why") });
	vmp_table_row(table, (const char *[]){ "machine", text_of(all, "name") });
	vmp_table_row(table, (const char *[]){ "address", address_cell(all, "inner_address", address) });
	vmp_table_row(table, (const char *[]){ "endpoint", text_of(all, "endpoint") });
	vmp_table_row(table, (const char *[]){ "engine", text_of(all, "engine") });
	vmp_table_row(table, (const char *[]){ "policyd", text_of(all, "policyd") });
	vmp_table_row(table, (const char *[]){ "certificate", certificate });
	vmp_table_row(table, (const char *[]){ "licence", lease });
	return vmp_table_end(table);
}

static int print(const json_t *all, bool well)
{
	int err = print_own(all, well);

	if (err != VMP_OK)
		return err;
	putchar('\n');
	return print_peers(json_object_get(all, "peers"));
}

/* -- the command -------------------------------------------------------------------------------------------------- */

static int fail(int code, const char *why)
{
	fprintf(stderr, "coid: %s\n", why);
	return code;
}

static int show_from(const char *path, bool as_json)
{
	static struct config config;
	struct vmp_msg msg = { "" };
	json_t *all = NULL;
	bool well;

	if (config_read(path, &config, &msg) != VMP_OK)
		return fail(2, msg.text);
	if (!*config.status_socket)
		return fail(2, "[status] socket is not set");
	if (ask(config.status_socket, "/v1/status", &all, &msg) != VMP_OK)
		return fail(1, msg.text);
	well = json_is_true(json_object_get(all, "well"));
	if (as_json) {
		json_dumpf(all, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (print(all, well) != VMP_OK) {
		well = fail(1, "out of memory") == 0;
	}
	json_decref(all);
	return well ? 0 : 1;
}

int show(int argc, char **argv, const char *preset)
{
	bool as_json = false;
	int c;

	while ((c = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			preset = optarg;
			break;
		case OPT_JSON:
			as_json = true;
			break;
		case OPT_HELP:
			fputs(help, stdout);
			return 0;
		default:
			return fail(2, "try: coid status --help");
		}
	}
	return optind + 1 == argc ? show_from(preset, as_json) : fail(2, "try: coid status --help");
}
