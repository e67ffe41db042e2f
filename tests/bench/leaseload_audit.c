/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journals of holders, and their audit. */
#include "leaseload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static FILE *journal;

int64_t boot_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void journal_open(const struct lease_options *o)
{
	if (!o->journal)
		return;
	journal = fopen(o->journal, "ae");
	if (!journal)
		die("%s cannot be written", o->journal);
	setvbuf(journal, NULL, _IOLBF, 0);
}

void journal_write(const struct client *c)
{
	const struct lease_holder *h = &c->holder;
	char text[512];
	int n, i;

	if (!journal)
		return;
	n = snprintf(text, sizeof(text), "%" PRId64 " %zu %" PRId64 ":%" PRId64, boot_us(), c->number, h->now.count,
		     h->now.over);
	for (i = 0; i < LEASE_PROMISES; i++) {
		if (h->old[i].count)
			n += snprintf(text + n, sizeof(text) - (size_t)n, " %" PRId64 ":%" PRId64, h->old[i].count,
				      h->old[i].over);
	}
	fprintf(journal, "%s\n", text);
}

void journal_close(void)
{
	if (journal && fclose(journal) != 0)
		die("the journal cannot be written");
	journal = NULL;
}

/* -- the audit ------------------------------------------------------------------------------------------------- */

/* From then on, so many more or fewer. */
struct edge {
	int64_t at_us, by;
};

/* What a holder believes since its last line. */
struct belief {
	int64_t since_us;
	int n;
	struct lease_promise promise[1 + LEASE_PROMISES];
};

static struct {
	struct edge *edge;
	size_t n, room;
	struct belief *belief;
	size_t holders;
	size_t lines;
} audit;

static void *grown(void *list, size_t *room, size_t least, size_t size)
{
	size_t n = *room ? *room : 1024;

	while (n < least)
		n *= 2;
	list = realloc(list, n * size);
	if (!list)
		die("out of memory");
	memset((char *)list + *room * size, 0, (n - *room) * size);
	*room = n;
	return list;
}

static void add_edge(int64_t at_us, int64_t by)
{
	if (audit.n == audit.room)
		audit.edge = grown(audit.edge, &audit.room, audit.n + 1, sizeof(*audit.edge));
	audit.edge[audit.n++] = (struct edge){ at_us, by };
}

/* How many at that time. */
static int64_t believed(const struct belief *b, int64_t at_us)
{
	int64_t most = 0;
	int i;

	for (i = 0; i < b->n; i++) {
		if (b->promise[i].over * 1000 > at_us && b->promise[i].count > most)
			most = b->promise[i].count;
	}
	return most;
}

/* The belief as steps down, until it is replaced. */
static void add_belief(const struct belief *b, int64_t until_us)
{
	int64_t at = b->since_us, now = believed(b, at), next, then;
	int i;

	if (!b->n || at >= until_us)
		return;
	add_edge(at, now);
	while (now > 0 && at < until_us) {
		next = until_us;
		for (i = 0; i < b->n; i++) {
			then = b->promise[i].over * 1000;
			if (then > at && then < next)
				next = then;
		}
		then = next < until_us ? believed(b, next) : 0;
		add_edge(next, then - now);
		now = then;
		at = next;
	}
}

static bool read_line(const char *line, size_t base)
{
	struct belief is = { 0 }, *was;
	char *at;
	size_t holder;

	is.since_us = strtoll(line, &at, 10);
	if (at == line || *at != ' ')
		return false;
	holder = strtoul(at, &at, 10) + base;
	while (*at == ' ' && is.n < 1 + LEASE_PROMISES) {
		is.promise[is.n].count = strtoll(at, &at, 10);
		if (*at++ != ':')
			return false;
		is.promise[is.n++].over = strtoll(at, &at, 10);
	}
	if (*at != '\n' || !is.n)
		return false;
	if (holder >= audit.holders)
		audit.belief = grown(audit.belief, &audit.holders, holder + 1, sizeof(*audit.belief));
	was = &audit.belief[holder];
	if (was->n && was->since_us > is.since_us)
		return false;
	add_belief(was, is.since_us);
	*was = is;
	audit.lines++;
	return true;
}

static void read_journal(const char *path)
{
	FILE *f = fopen(path, "re");
	size_t base = audit.holders, room = 0, n = 0;
	char *line = NULL;

	if (!f)
		die("%s cannot be read", path);
	while (n++, getline(&line, &room, f) >= 0) {
		if (!read_line(line, base))
			die("%s: line %zu makes no sense", path, n);
	}
	free(line);
	fclose(f);
}

/* At the same instant, what ends goes first. */
static int order(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->at_us != y->at_us)
		return x->at_us < y->at_us ? -1 : 1;
	return x->by < y->by ? -1 : x->by > y->by;
}

int mode_audit(const struct lease_options *o)
{
	int64_t now = 0, most = 0, when = 0;
	size_t i;
	int k;

	if (o->owned < 0 || !o->n_files)
		die("audit: expected --owned and journals");
	for (k = 0; k < o->n_files; k++)
		read_journal(o->files[k]);
	for (i = 0; i < audit.holders; i++)
		add_belief(&audit.belief[i], INT64_MAX);
	if (audit.n)
		qsort(audit.edge, audit.n, sizeof(*audit.edge), order);
	for (i = 0; i < audit.n; i++) {
		now += audit.edge[i].by;
		if (now > most) {
			most = now;
			when = audit.edge[i].at_us;
		}
	}
	printf("%zu lines: at most %" PRId64 " of %" PRId64 " in use, first at %.6f s\n", audit.lines, most, o->owned,
	       (double)when / 1e6);
	free(audit.edge);
	free(audit.belief);
	return most > o->owned ? EXIT_FAILURE : EXIT_SUCCESS;
}
