/* audit: who did what to whom. */
#include "cli.h"
#include "output.h"
#include "record_read.h"
#include "store_audit.h"
#include "store_directory.h"
#include "when.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* [ms] between looks for new events */
#define FOLLOW_MS   200
#define FOLLOW_LAST 10

struct trail {
	const struct cli *cli;
	struct vmp_audit_filter filter;
	struct vmp_table *table; /* NULL: line by line */
	bool follow;
};

static int print_line(const struct vmp_audit *event)
{
	char at[WHEN_TEXT];

	printf("%s  %s  %s", when_text(event->at, at), event->event, event->actor);
	if (*event->subject)
		printf("  %s", event->subject);
	if (*event->detail)
		printf("  (%s)", event->detail);
	putchar('\n');
	return VMP_OK;
}

static int print_json(const struct vmp_audit *event)
{
	char at[WHEN_TEXT];
	json_t *doc = json_pack("{s:I, s:s, s:o, s:o, s:o, s:o}", "id", (json_int_t)event->id, "at",
				when_text(event->at, at), "event", vmp_json_text(event->event), "actor",
				vmp_json_text(event->actor), "subject", vmp_json_text(event->subject), "detail",
				vmp_json_text(event->detail));

	if (!doc)
		return VMP_ENOMEM;
	if (json_dumpf(doc, stdout, JSON_COMPACT) != 0)
		exit(cli_fail(CLI_REFUSED, "cannot write to standard output"));
	putchar('\n');
	json_decref(doc);
	return VMP_OK;
}

static int print_event(void *ctx, const struct vmp_audit *event)
{
	struct trail *trail = ctx;
	char at[WHEN_TEXT];

	trail->filter.after_id = event->id;
	if (trail->cli->json)
		return print_json(event);
	if (!trail->table)
		return print_line(event);
	table_row(trail->table, (const char *[]){ when_text(event->at, at), event->event, event->actor, event->subject,
						  event->detail });
	return VMP_OK;
}

/* Those that have come since the last call. */
static int read_on(struct trail *trail, struct vmp_store *store, struct vmp_msg *msg)
{
	/* The callback counts on in trail. */
	const struct vmp_audit_filter filter = trail->filter;
	int err = vmp_store_audit_each(store, &filter, print_event, trail, msg);

	if (fflush(stdout) != 0)
		exit(cli_fail(CLI_REFUSED, "cannot write to standard output"));
	return err;
}

static int follow(struct trail *trail, struct vmp_store *store, struct vmp_msg *msg)
{
	static const struct timespec pause = { .tv_nsec = FOLLOW_MS * 1000000L };
	sigset_t signals;
	bool changed = false;
	int err = VMP_OK;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	trail->filter.last = 0;
	while (err == VMP_OK) {
		err = vmp_store_poll(store, &changed, msg);
		if (err == VMP_OK && changed)
			err = read_on(trail, store, msg);
		if (err == VMP_OK && sigtimedwait(&signals, NULL, &pause) >= 0)
			return VMP_OK;
	}
	return err;
}

static int print(struct trail *trail)
{
	static const struct vmp_table_head heads[] = {
		{ "time", false }, { "event", false }, { "actor", false }, { "subject", false }, { "detail", false }
	};
	struct vmp_msg msg = { "" };
	struct vmp_store *store;
	int err, code = cli_open(trail->cli, VMP_STORE_READ, &store);

	if (code != CLI_OK)
		return code;
	if (!trail->follow && !trail->cli->json)
		trail->table = table_new(heads, 5);
	err = read_on(trail, store, &msg);
	if (trail->table)
		table_end(trail->table);
	if (err == VMP_OK && trail->follow)
		err = follow(trail, store, &msg);
	vmp_store_close(store);
	return err == VMP_OK ? CLI_OK : cli_fail_err(err, &msg);
}

int audit_run(struct cli *cli, int argc, char **argv)
{
	enum { OPT_SINCE = 256, OPT_EVENT, OPT_ABOUT, OPT_LAST, OPT_FOLLOW };
	static const struct option own[] = {
		{ "since", required_argument, NULL, OPT_SINCE }, { "event", required_argument, NULL, OPT_EVENT },
		{ "about", required_argument, NULL, OPT_ABOUT }, { "last", required_argument, NULL, OPT_LAST },
		{ "follow", no_argument, NULL, OPT_FOLLOW },	 { NULL, 0, NULL, 0 },
	};
	struct trail trail = { .cli = cli };
	const char *since = NULL, *last = NULL;
	const char **const to[] = { &since, &trail.filter.event, &trail.filter.about, &last };
	int c;

	while ((c = cli_option(cli, argc, argv, own)) != -1) {
		if (c == OPT_FOLLOW)
			trail.follow = true;
		else
			*to[c - OPT_SINCE] = optarg;
	}
	if (optind != argc)
		return cli_usage(cli, "audit takes no operands");
	if (since && !when_read_since(since, time(NULL), &trail.filter.since))
		return cli_usage(cli, "--since %s: expected a UTC time such as 2026-12-01T08:00:00Z, or 5m, 2h, 1d",
				 since);
	if (last && !cli_count(last, &trail.filter.last))
		return cli_usage(cli, "--last %s: expected a number from 1 on", last);
	if (trail.follow && !since && !last)
		trail.filter.last = FOLLOW_LAST;
	return print(&trail);
}
