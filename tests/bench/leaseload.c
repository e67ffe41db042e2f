/* SPDX-License-Identifier: GPL-2.0-or-later */
/* leaseload: options.  See usage_text for what it does. */
#include "leaseload.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage_text[] =
	"Usage: leaseload MODE --server ADDR:PORT [options]\n"
	"Holders of licences: each has a certificate and, unless --fresh, a kept connection, asks as the protocol has "
	"it,\n"
	"and repeats a request whose answer did not come, on a new connection, until it has one.\n"
	"Modes\n"
	"  certs      --vms guests start and enrol at policyd; their certificates and keys go to --certs\n"
	"  toggle     each holder takes a licence, gives it back, and so on: --count requests\n"
	"  churn      each wants any number up to --most, again and again, for --seconds\n"
	"  hold       each keeps --most, for --seconds\n"
	"  starts     each takes one licence, on a new connection, once\n"
	"  get        --count requests of --path, over kept connections; with --certs, as these clients\n"
	"  handshake  --count handshakes with client certificates, and nothing else\n"
	"  audit      reads journals: were more than --owned in use, at any instant, as the holders saw it?\n"
	"Options\n"
	"  --server ADDR:PORT   IPv4\n"
	"  --certs FILE         PEM: certificate and key of each holder\n"
	"  --product NAME       (bench)\n"
	"  --count N            requests (1000)\n"
	"  --window W           holders and connections at a time (64)\n"
	"  --most N             licences that a holder wants (1)\n"
	"  --seconds S          churn, hold (10)\n"
	"  --pause MS           churn, hold: at most so long between an answer and the next request (0)\n"
	"  --fresh              toggle: a new connection for each request\n"
	"  --journal FILE       what holders believe, for the audit\n"
	"  --owned N            audit\n"
	"  --path PATH          get (/healthz)\n"
	"  --plain              get: without TLS\n"
	"  --vms N, --first N, --template NAME, --hosts H, --host-cert FILE, --host-key FILE   certs: as estload\n"
	"  --pid NAME=PID       a server process whose CPU time counts\n"
	"  --tsv                lines as estload's; items are licences\n"
	"Exit: 0 all was served, or never more than owned; 1 something was not, or more; 2 no run.\n";

enum opt_id {
	OPT_SERVER = 1,
	OPT_CERTS,
	OPT_PRODUCT,
	OPT_COUNT,
	OPT_WINDOW,
	OPT_MOST,
	OPT_SECONDS,
	OPT_PAUSE,
	OPT_FRESH,
	OPT_JOURNAL,
	OPT_OWNED,
	OPT_PATH,
	OPT_PLAIN,
	OPT_VMS,
	OPT_FIRST,
	OPT_TEMPLATE,
	OPT_HOSTS,
	OPT_HOST_CERT,
	OPT_HOST_KEY,
	OPT_PID,
	OPT_TSV,
	OPT_HELP,
};

static const struct option longopts[] = {
	{ "server", required_argument, NULL, OPT_SERVER },
	{ "certs", required_argument, NULL, OPT_CERTS },
	{ "product", required_argument, NULL, OPT_PRODUCT },
	{ "count", required_argument, NULL, OPT_COUNT },
	{ "window", required_argument, NULL, OPT_WINDOW },
	{ "most", required_argument, NULL, OPT_MOST },
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "pause", required_argument, NULL, OPT_PAUSE },
	{ "fresh", no_argument, NULL, OPT_FRESH },
	{ "journal", required_argument, NULL, OPT_JOURNAL },
	{ "owned", required_argument, NULL, OPT_OWNED },
	{ "path", required_argument, NULL, OPT_PATH },
	{ "plain", no_argument, NULL, OPT_PLAIN },
	{ "vms", required_argument, NULL, OPT_VMS },
	{ "first", required_argument, NULL, OPT_FIRST },
	{ "template", required_argument, NULL, OPT_TEMPLATE },
	{ "hosts", required_argument, NULL, OPT_HOSTS },
	{ "host-cert", required_argument, NULL, OPT_HOST_CERT },
	{ "host-key", required_argument, NULL, OPT_HOST_KEY },
	{ "pid", required_argument, NULL, OPT_PID },
	{ "tsv", no_argument, NULL, OPT_TSV },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static void parse_pid(struct options *o, char *text)
{
	char *equals = strchr(text, '=');

	if (!equals || o->n_pids == PIDS_MAX)
		die("--pid: expected at most %d of NAME=PID", PIDS_MAX);
	*equals = '\0';
	o->pid[o->n_pids].name = text;
	o->pid[o->n_pids++].pid = (int)args_number("pid", equals + 1, 1, 1e9);
}

/* Where an option's number goes, or its text. */
static bool option_number(struct lease_options *o, int id, const char *name, const char *arg)
{
	const struct {
		int id;
		double min, max;
		size_t *size;
		int64_t *whole;
		double *real;
	} numbers[] = {
		{ OPT_COUNT, 1, 1e8, &o->base.count, NULL, NULL },  { OPT_WINDOW, 1, 1e5, &o->base.window, NULL, NULL },
		{ OPT_VMS, 1, 1e6, &o->base.vms, NULL, NULL },	    { OPT_HOSTS, 1, 1000, &o->base.hosts, NULL, NULL },
		{ OPT_MOST, 0, 1e8, NULL, &o->most, NULL },	    { OPT_OWNED, 0, 1e9, NULL, &o->owned, NULL },
		{ OPT_SECONDS, 0.1, 1e6, NULL, NULL, &o->seconds }, { OPT_PAUSE, 0, 1e6, NULL, NULL, &o->pause_ms },
	};
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		double n;

		if (numbers[i].id != id)
			continue;
		n = args_number(name, arg, numbers[i].min, numbers[i].max);
		if (numbers[i].size)
			*numbers[i].size = (size_t)n;
		else if (numbers[i].whole)
			*numbers[i].whole = (int64_t)n;
		else
			*numbers[i].real = n;
		return true;
	}
	return false;
}

static bool option_text(struct lease_options *o, int id, const char *arg)
{
	const struct {
		int id;
		const char **text;
	} texts[] = {
		{ OPT_CERTS, &o->certs },
		{ OPT_PRODUCT, &o->product },
		{ OPT_JOURNAL, &o->journal },
		{ OPT_PATH, &o->path },
		{ OPT_TEMPLATE, &o->base.template_name },
		{ OPT_HOST_CERT, &o->base.host_cert },
		{ OPT_HOST_KEY, &o->base.host_key },
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].id == id) {
			*texts[i].text = arg;
			return true;
		}
	}
	return false;
}

static void option_set(struct lease_options *o, int id, const char *name, char *arg)
{
	if (option_number(o, id, name, arg) || option_text(o, id, arg))
		return;
	switch (id) {
	case OPT_SERVER:
		args_server(arg, &o->base.server);
		break;
	case OPT_FIRST:
		o->base.first = (uint64_t)args_number(name, arg, 0, UINT32_MAX);
		break;
	case OPT_FRESH:
		o->fresh = true;
		break;
	case OPT_PLAIN:
		o->base.plain = true;
		break;
	case OPT_PID:
		parse_pid(&o->base, arg);
		break;
	case OPT_TSV:
		o->base.tsv = true;
		break;
	case OPT_HELP:
		fputs(usage_text, stdout);
		exit(EXIT_SUCCESS);
	default:
		fputs("Try --help.\n", stderr);
		exit(ARGS_DIED);
	}
}

static const struct {
	const char *name;
	int (*run)(const struct lease_options *o);
	bool needs_server, needs_certs;
} modes[] = {
	{ "certs", mode_certs, true, true },	     { "toggle", mode_toggle, true, true },
	{ "churn", mode_churn, true, true },	     { "hold", mode_hold, true, true },
	{ "starts", mode_starts, true, true },	     { "get", mode_get, true, false },
	{ "handshake", mode_handshake, true, true }, { "audit", mode_audit, false, false },
};

int main(int argc, char **argv)
{
	struct lease_options o = {
		.base = { .count = 1000, .vms = 64, .window = 64, .hosts = 16, .template_name = "bench" },
		.product = "bench",
		.path = "/healthz",
		.most = 1,
		.owned = -1,
		.seconds = 10
	};
	int id, index = 0;
	size_t i;

	while ((id = getopt_long(argc, argv, "", longopts, &index)) != -1)
		option_set(&o, id, id == '?' ? "" : longopts[index].name, optarg);
	if (optind >= argc)
		die("expected a mode; try --help");
	o.base.mode = argv[optind];
	o.files = argv + optind + 1;
	o.n_files = argc - optind - 1;
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(modes[i].name, o.base.mode) != 0)
			continue;
		if (modes[i].needs_server && !o.base.server.sin_family)
			die("--server ADDR:PORT is missing");
		if (modes[i].needs_certs && !o.certs)
			die("--certs FILE is missing");
		if (modes[i].needs_server)
			conn_init(&o.base);
		return modes[i].run(&o);
	}
	die("%s: no such mode; try --help", o.base.mode);
}
