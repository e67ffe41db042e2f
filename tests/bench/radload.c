/* SPDX-License-Identifier: GPL-2.0-or-later */
/* radload: options and report.  See usage() for what it does. */
#include "radload.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_WRONG 1
#define PORTS_MAX  1024

static const char usage_text[] =
	"Usage: radload --server ADDR:PORT --secret S --macs FIRST,COUNT[,STEP] [options]\n"
	"Sends MAB Access-Requests for random MACs of the range and checks each reply against the first.\n"
	"With --accounting: Accounting-Requests; for each MAC a Start, then Interim-Updates.\n"
	"  --server ADDR:PORT   RADIUS server, IPv4\n"
	"  --secret S           shared secret, at most 48 octets\n"
	"  --macs F,COUNT,STEP  first MAC as 12 hex digits, how many, distance between two (1)\n"
	"  --seconds S          send for so long (5), or\n"
	"  --requests N         send so many\n"
	"  --window W           closed loop: requests outstanding (128)\n"
	"  --rate R             open loop: requests per second, whatever the replies do\n"
	"  --ports P            UDP source ports (8), at most 1024\n"
	"  --timeout S          a reply later than this is lost (1); nothing is sent twice\n"
	"  --gather US          pause before looking for replies (200): less CPU, but adds to the latencies; 0 = none\n"
	"  --verify N           check the Response Authenticator of one reply in N (8)\n"
	"  --expect-attrs HEX   attributes, encoded as in a packet, that replies must carry in any order and\n"
	"                       nothing else; without it the first reply is the model\n"
	"  --vary TYPE          attribute, by number, that may come besides and with any value (Class is 25)\n"
	"  --accounting         the server's accounting port is loaded\n"
	"  --in-turn            the MACs one after the other, instead of random ones\n"
	"  --state FILE         keep there what is known of each MAC, for later runs with the same range: the Class of "
	"its\n"
	"                       Access-Accept, which accounting sends, and whether its Start was sent\n"
	"  --wait S             repeat the first request for so long until the server answers\n"
	"  --probe              send the first request only\n"
	"  --seed N             of the random MACs and authenticators (1)\n"
	"  --tsv                one line: requests replies lost wrong seconds requests/s p50 p99 p99.9 [us] MACs;\n"
	"                       MACs: how many different ones were answered, as the state knows\n"
	"Exit: 0 every reply was right, 1 wrong replies, 2 no run.\n";

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int hex_decode(const char *hex, uint8_t *out, size_t max)
{
	size_t n = 0;

	for (; hex[0]; hex += 2, n++) {
		int high = hex_digit(hex[0]), low = high < 0 ? -1 : hex_digit(hex[1]);

		if (low < 0 || n == max)
			return -1;
		out[n] = (uint8_t)(high << 4 | low);
	}
	return (int)n;
}

static void parse_macs(struct options *o, const char *text)
{
	char first[13] = "";
	uint8_t mac[6];
	unsigned long long count, step = 1;
	int n = sscanf(text, "%12[0-9a-fA-F],%llu,%llu", first, &count, &step);

	if (n < 2 || hex_decode(first, mac, sizeof(mac)) != 6 || count == 0 || step == 0)
		die("--macs: expected FIRST,COUNT[,STEP], e.g. 525400000000,1000,1, not \"%s\"", text);
	o->mac_first = 0;
	for (int i = 0; i < 6; i++)
		o->mac_first = o->mac_first << 8 | mac[i];
	if (count > (1ULL << 40) || step > (1ULL << 40) || (count - 1) > ((1ULL << 48) - 1 - o->mac_first) / step)
		die("--macs: the range goes beyond ffffffffffff");
	o->mac_count = count;
	o->mac_step = step;
}

static void parse_expect(struct options *o, const char *text)
{
	int n = hex_decode(text, o->expect, sizeof(o->expect));
	size_t at = 0;

	if (n <= 0)
		die("--expect-attrs: expected hex digits, not \"%s\"", text);
	o->expect_len = (size_t)n;
	while (at < o->expect_len) {
		if (o->expect_len - at < 2 || o->expect[at + 1] < 2 || o->expect[at + 1] > o->expect_len - at)
			die("--expect-attrs: no valid attribute at octet %zu", at);
		at += o->expect[at + 1];
	}
}

enum opt_id {
	OPT_SERVER = 1,
	OPT_SECRET,
	OPT_MACS,
	OPT_REQUESTS,
	OPT_SECONDS,
	OPT_WINDOW,
	OPT_RATE,
	OPT_PORTS,
	OPT_TIMEOUT,
	OPT_GATHER,
	OPT_VERIFY,
	OPT_EXPECT,
	OPT_VARY,
	OPT_ACCOUNTING,
	OPT_IN_TURN,
	OPT_STATE,
	OPT_WAIT,
	OPT_PROBE,
	OPT_SEED,
	OPT_TSV,
	OPT_HELP,
};

static const struct option longopts[] = {
	{ "server", required_argument, NULL, OPT_SERVER },
	{ "secret", required_argument, NULL, OPT_SECRET },
	{ "macs", required_argument, NULL, OPT_MACS },
	{ "requests", required_argument, NULL, OPT_REQUESTS },
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "window", required_argument, NULL, OPT_WINDOW },
	{ "rate", required_argument, NULL, OPT_RATE },
	{ "ports", required_argument, NULL, OPT_PORTS },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ "gather", required_argument, NULL, OPT_GATHER },
	{ "verify", required_argument, NULL, OPT_VERIFY },
	{ "expect-attrs", required_argument, NULL, OPT_EXPECT },
	{ "vary", required_argument, NULL, OPT_VARY },
	{ "accounting", no_argument, NULL, OPT_ACCOUNTING },
	{ "in-turn", no_argument, NULL, OPT_IN_TURN },
	{ "state", required_argument, NULL, OPT_STATE },
	{ "wait", required_argument, NULL, OPT_WAIT },
	{ "probe", no_argument, NULL, OPT_PROBE },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "tsv", no_argument, NULL, OPT_TSV },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static void option_set(struct options *o, int id, const char *name, const char *arg)
{
	switch (id) {
	case OPT_SERVER:
		args_server(arg, &o->server);
		break;
	case OPT_SECRET:
		o->secret = arg;
		break;
	case OPT_MACS:
		parse_macs(o, arg);
		break;
	case OPT_REQUESTS:
		o->requests = (uint64_t)args_number(name, arg, 1, 1e12);
		break;
	case OPT_SECONDS:
		o->seconds = args_number(name, arg, 0.01, 86400);
		break;
	case OPT_WINDOW:
		o->window = (unsigned)args_number(name, arg, 1, PORTS_MAX * 256.0);
		break;
	case OPT_RATE:
		o->rate = args_number(name, arg, 1, 1e7);
		break;
	case OPT_PORTS:
		o->ports = (unsigned)args_number(name, arg, 1, PORTS_MAX);
		break;
	case OPT_TIMEOUT:
		o->timeout = args_number(name, arg, 0.01, 60);
		break;
	case OPT_GATHER:
		o->gather = (unsigned)args_number(name, arg, 0, 100000);
		break;
	case OPT_VERIFY:
		o->verify = (unsigned)args_number(name, arg, 1, 1e9);
		break;
	case OPT_EXPECT:
		parse_expect(o, arg);
		break;
	case OPT_VARY:
		o->vary[(uint8_t)args_number(name, arg, 1, 255)] = true;
		break;
	case OPT_ACCOUNTING:
		o->accounting = true;
		break;
	case OPT_IN_TURN:
		o->in_turn = true;
		break;
	case OPT_STATE:
		o->state = arg;
		break;
	case OPT_WAIT:
		o->wait = args_number(name, arg, 0.01, 3600);
		break;
	case OPT_PROBE:
		o->probe = true;
		break;
	case OPT_SEED:
		o->seed = (uint64_t)args_number(name, arg, 0, 9e15);
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

/* What getopt cannot see: options that need each other. */
static void options_check(struct options *o)
{
	if (!o->server.sin_family)
		die("--server ADDR:PORT is missing");
	if (!o->secret || !*o->secret || strlen(o->secret) > SECRET_MAX)
		die("--secret is missing, or longer than %d octets", SECRET_MAX);
	if (!o->mac_count)
		die("--macs FIRST,COUNT[,STEP] is missing");
	if (!o->requests && o->seconds <= 0)
		o->seconds = 5;
	if (o->rate > 0) {
		if (o->rate * o->timeout > o->ports * 256.0)
			die("--rate: %.10g/s for %.10g s need %.0f identifiers, %u ports have %u; use more --ports",
			    o->rate, o->timeout, o->rate * o->timeout, o->ports, o->ports * 256);
	} else if (o->window < o->ports || o->window > o->ports * 256) {
		die("--window: %u ports take from %u to %u requests", o->ports, o->ports, o->ports * 256);
	}
}

void options_parse(struct options *o, int argc, char **argv)
{
	int id, index = 0;

	*o = (struct options){ .window = 128, .ports = 8, .timeout = 1, .gather = 200, .verify = 8, .seed = 1 };
	o->vary[80] = true; /* Message-Authenticator */
	while ((id = getopt_long(argc, argv, "", longopts, &index)) != -1)
		option_set(o, id, id == '?' ? "" : longopts[index].name, optarg);
	if (optind < argc)
		die("unexpected argument \"%s\"", argv[optind]);
	options_check(o);
}

static void report(const struct options *o, const struct result *r, uint64_t macs)
{
	double rate = r->seconds > 0 ? (double)r->replies / r->seconds : 0;
	double p50 = hist_quantile_us(&r->hist, 0.5), p99 = hist_quantile_us(&r->hist, 0.99);
	double p999 = hist_quantile_us(&r->hist, 0.999);
	unsigned long long sent = r->requests, good = r->replies, lost = r->lost, wrong = r->wrong;

	if (o->tsv) {
		printf("%llu\t%llu\t%llu\t%llu\t%.3f\t%.0f\t%.0f\t%.0f\t%.0f\t%llu\n", sent, good, lost, wrong,
		       r->seconds, rate, p50, p99, p999, (unsigned long long)macs);
		return;
	}
	printf("%llu requests, %llu replies, %llu lost, %llu late, %llu wrong in %.3f s: %.0f/s; "
	       "p50 %.0f us, p99 %.0f us, p99.9 %.0f us\n",
	       sent, good, lost, (unsigned long long)r->late, wrong, r->seconds, rate, p50, p99, p999);
}

int main(int argc, char **argv)
{
	static struct result result;
	struct options o;

	options_parse(&o, argc, argv);

	struct codec *c = codec_new(&o);

	run_probe(&o, c);
	if (!o.probe) {
		run_load(&o, c, &result);
		report(&o, &result, codec_macs(c));
	}
	codec_free(c);
	return result.wrong ? EXIT_WRONG : EXIT_SUCCESS;
}
