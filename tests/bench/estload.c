/* SPDX-License-Identifier: GPL-2.0-or-later */
/* estload: options.  See usage_text for what it does. */
#include "estload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage_text[] =
	"Usage: estload MODE --server ADDR:PORT [options]\n"
	"Loads policyd (or estbare) over TLS 1.3, from one thread, and checks every answer.  Keys and requests are\n"
	"made, and VMs started and enrolled as far as the mode wants them, before the clock starts.\n"
	"Modes\n"
	"  enrol   first certificates by token: connect, simpleenroll, close\n"
	"  renew   connect with a certificate, simplereenroll, close; --kept: one connection for many\n"
	"  keys    COI keys over kept connections\n"
	"  fan     --count VMs wait for the directory; one change tells them all\n"
	"  idle    --count connections that do nothing any more; items are KiB\n"
	"  storm   VMs start at --rate: starting by a host, enrol, COI keys, each on a connection of its own\n"
	"Options\n"
	"  --server ADDR:PORT   IPv4\n"
	"  --bare               the server is estbare: nobody says that VMs start\n"
	"  --count N            operations (1000)\n"
	"  --vms N              VMs that are enrolled first, for renew and idle (256)\n"
	"  --window W           connections at a time (64)\n"
	"  --hosts H            kept connections of hosts (16)\n"
	"  --host-cert FILE --host-key FILE   the host that says that VMs start, PEM\n"
	"  --template NAME      what they start from\n"
	"  --first N            the first VM's number, of which its MAC address and UUID are made\n"
	"  --kept, --certs      renew: keep connections; idle: with client certificates\n"
	"  --changes N          fan: so many changes, one after the other (3)\n"
	"  --rate R             storm: VMs per second\n"
	"  --pid NAME=PID       a server process whose CPU time counts; names are net, store, signer or others\n"
	"  --tsv                lines of: label ok failed seconds rate first p50 p99 last [us] server-CPU net store "
	"signer\n"
	"                       client-CPU [us each] octets items [each] net's peak memory [KiB] connections at most\n"
	"Exit: 0 all was served, 1 something was not, 2 no run.\n";

static void parse_pid(struct options *o, char *text)
{
	char *equals = strchr(text, '=');

	if (!equals || o->n_pids == PIDS_MAX)
		die("--pid: expected at most %d of NAME=PID", PIDS_MAX);
	*equals = '\0';
	o->pid[o->n_pids].name = text;
	o->pid[o->n_pids++].pid = (int)args_number("pid", equals + 1, 1, 1e9);
}

enum opt_id {
	OPT_SERVER = 1,
	OPT_BARE,
	OPT_COUNT,
	OPT_VMS,
	OPT_WINDOW,
	OPT_HOSTS,
	OPT_HOST_CERT,
	OPT_HOST_KEY,
	OPT_TEMPLATE,
	OPT_FIRST,
	OPT_KEPT,
	OPT_CERTS,
	OPT_CHANGES,
	OPT_RATE,
	OPT_PID,
	OPT_TSV,
	OPT_HELP,
};

static const struct option longopts[] = {
	{ "server", required_argument, NULL, OPT_SERVER },
	{ "bare", no_argument, NULL, OPT_BARE },
	{ "count", required_argument, NULL, OPT_COUNT },
	{ "vms", required_argument, NULL, OPT_VMS },
	{ "window", required_argument, NULL, OPT_WINDOW },
	{ "hosts", required_argument, NULL, OPT_HOSTS },
	{ "host-cert", required_argument, NULL, OPT_HOST_CERT },
	{ "host-key", required_argument, NULL, OPT_HOST_KEY },
	{ "template", required_argument, NULL, OPT_TEMPLATE },
	{ "first", required_argument, NULL, OPT_FIRST },
	{ "kept", no_argument, NULL, OPT_KEPT },
	{ "certs", no_argument, NULL, OPT_CERTS },
	{ "changes", required_argument, NULL, OPT_CHANGES },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "pid", required_argument, NULL, OPT_PID },
	{ "tsv", no_argument, NULL, OPT_TSV },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static void option_set(struct options *o, int id, const char *name, char *arg)
{
	switch (id) {
	case OPT_SERVER:
		args_server(arg, &o->server);
		break;
	case OPT_BARE:
		o->bare = true;
		break;
	case OPT_COUNT:
		o->count = (size_t)args_number(name, arg, 1, 1e7);
		break;
	case OPT_VMS:
		o->vms = (size_t)args_number(name, arg, 1, 1e6);
		break;
	case OPT_WINDOW:
		o->window = (size_t)args_number(name, arg, 1, 10000);
		break;
	case OPT_HOSTS:
		o->hosts = (size_t)args_number(name, arg, 1, 1000);
		break;
	case OPT_HOST_CERT:
		o->host_cert = arg;
		break;
	case OPT_HOST_KEY:
		o->host_key = arg;
		break;
	case OPT_TEMPLATE:
		o->template_name = arg;
		break;
	case OPT_FIRST:
		o->first = (uint64_t)args_number(name, arg, 0, UINT32_MAX);
		break;
	case OPT_KEPT:
		o->kept = true;
		break;
	case OPT_CERTS:
		o->with_certs = true;
		break;
	case OPT_CHANGES:
		o->changes = (size_t)args_number(name, arg, 1, 1000);
		break;
	case OPT_RATE:
		o->rate = args_number(name, arg, 0.1, 1e6);
		break;
	case OPT_PID:
		parse_pid(o, arg);
		break;
	case OPT_TSV:
		o->tsv = true;
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
	int (*run)(const struct options *o);
} modes[] = {
	{ "enrol", mode_enrol }, { "renew", mode_renew }, { "keys", mode_keys },
	{ "fan", mode_fan },	 { "idle", mode_idle },	  { "storm", mode_storm },
};

int main(int argc, char **argv)
{
	struct options o = { .count = 1000,
			     .vms = 256,
			     .window = 64,
			     .hosts = 16,
			     .changes = 3,
			     .rate = 100,
			     .template_name = "bench" };
	int id, index = 0;
	size_t i;

	while ((id = getopt_long(argc, argv, "", longopts, &index)) != -1)
		option_set(&o, id, id == '?' ? "" : longopts[index].name, optarg);
	if (optind + 1 != argc)
		die("expected one mode; try --help");
	if (!o.server.sin_family)
		die("--server ADDR:PORT is missing");
	o.mode = argv[optind];
	signal(SIGPIPE, SIG_IGN);
	conn_init(&o);
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(modes[i].name, o.mode) == 0)
			return modes[i].run(&o);
	}
	die("%s: no such mode; try --help", o.mode);
}
