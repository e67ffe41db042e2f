/* SPDX-License-Identifier: GPL-2.0-or-later */
/* estbare: options.  See usage_text for what it does. */
#include "bare.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage_text[] =
	"Usage: estbare serve --port P [options]\n"
	"       estbare cms|sqlite --dir D [--seconds S]\n"
	"The bare steps that policyd is measured against.\n"
	"  serve    TLS 1.3; a POST has its certificate request checked and a certificate issued, by plain OpenSSL "
	"calls;\n"
	"           GET /v1/directory?wait= waits for a PUT, which is told to all who wait; others are answered at "
	"once\n"
	"  cms      seal COI keys, by lib/cms, in a loop\n"
	"  sqlite   durable commits, of one row and of 64, in a loop\n"
	"Options\n"
	"  --port P                     on 127.0.0.1\n"
	"  --answer N                   octets of each answer's body, at least (1000)\n"
	"  --commit none|each|group     keep what was issued in SQLite, durably, before answering (none)\n"
	"  --no-issue                   serve: do not look at requests\n"
	"  --dir D                      for the database\n"
	"  --seconds S                  how long to loop (2)\n"
	"cms and sqlite print lines as estload --tsv does.\n";

static double clock_us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

double cpu_us(void)
{
	return clock_us(CLOCK_PROCESS_CPUTIME_ID);
}

double now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

void loop_report(const char *label, size_t n, double wall_us, double cpu, double octets)
{
	double each = wall_us / (double)n;

	printf("%s\t%zu\t0\t%.3f\t%.1f\t%.0f\t%.0f\t%.0f\t%.0f\t%.1f\t0\t0\t0\t0\t%.0f\t1.00\t0\t0\n", label, n,
	       wall_us / 1e6, (double)n * 1e6 / wall_us, each, each, each, each, cpu / (double)n, octets);
}

static enum commit commit_of(const char *word)
{
	static const char *const words[] = { "none", "each", "group" };
	int i;

	for (i = 0; i < 3; i++) {
		if (strcmp(words[i], word) == 0)
			return (enum commit)i;
	}
	die("--commit: expected none, each or group");
}

static const struct option longopts[] = {
	{ "port", required_argument, NULL, 'p' },   { "answer", required_argument, NULL, 'a' },
	{ "commit", required_argument, NULL, 'c' }, { "no-issue", no_argument, NULL, 'n' },
	{ "dir", required_argument, NULL, 'd' },    { "seconds", required_argument, NULL, 's' },
	{ "help", no_argument, NULL, 'h' },	    { NULL, 0, NULL, 0 },
};

static void option_set(struct options *o, int id, const char *arg)
{
	switch (id) {
	case 'p':
		o->port = (int)args_number("port", arg, 1, 65535);
		break;
	case 'a':
		o->answer = (size_t)args_number("answer", arg, 0, 1e6);
		break;
	case 'c':
		o->commit = commit_of(arg);
		break;
	case 'n':
		o->no_issue = true;
		break;
	case 'd':
		o->dir = arg;
		break;
	case 's':
		o->seconds = args_number("seconds", arg, 0.01, 3600);
		break;
	case 'h':
		fputs(usage_text, stdout);
		exit(EXIT_SUCCESS);
	default:
		fputs("Try --help.\n", stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct options o = { .answer = 1000, .seconds = 2, .dir = "." };
	const char *what;
	int id;

	while ((id = getopt_long(argc, argv, "", longopts, NULL)) != -1)
		option_set(&o, id, optarg);
	if (optind + 1 != argc)
		die("expected serve, cms or sqlite; try --help");
	what = argv[optind];
	signal(SIGPIPE, SIG_IGN);
	if (strcmp(what, "serve") == 0 && o.port)
		serve(&o);
	else if (strcmp(what, "cms") == 0)
		cms_loop(&o);
	else if (strcmp(what, "sqlite") == 0)
		db_loop(&o);
	else
		die("expected serve with --port, cms or sqlite; try --help");
	return EXIT_SUCCESS;
}
