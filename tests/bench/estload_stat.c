/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Latencies, and what server and client used. */
#include "estload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COMPLAINTS 3
#define SETTLE_US  50000 /* for what the server does behind the last answer: closing */

void samples_add(struct samples *s, uint64_t ns)
{
	if (s->n == s->room) {
		s->room = s->room ? s->room * 2 : 4096;
		s->ns = realloc(s->ns, s->room * sizeof(*s->ns));
		if (!s->ns)
			die("out of memory");
	}
	s->ns[s->n++] = ns;
}

static int order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

double samples_us(struct samples *s, double q)
{
	if (!s->n)
		return 0;
	qsort(s->ns, s->n, sizeof(*s->ns), order);
	return (double)s->ns[(size_t)(q * (double)(s->n - 1))] / 1000;
}

/* utime + stime, in nanoseconds instead of ticks: the first number of each thread's schedstat. */
static uint64_t cpu_of(int pid)
{
	char path[64], text[64];
	uint64_t sum = 0;
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		int fd, n;

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.16s/schedstat", pid, e->d_name);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? 0 : (int)read(fd, text, sizeof(text) - 1);
		if (n > 0) {
			text[n] = '\0';
			sum += strtoull(text, NULL, 10);
		}
		if (fd >= 0)
			close(fd);
	}
	if (!dir)
		die("process %d has ended", pid);
	closedir(dir);
	return sum;
}

static uint64_t cpu_own(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

void usage_begin(const struct options *o, struct usage *u)
{
	size_t i;

	memset(u, 0, sizeof(*u));
	for (i = 0; i < o->n_pids; i++)
		u->pid[i] = cpu_of(o->pid[i].pid);
	u->client = cpu_own();
	u->began = clock_ns();
}

void usage_end(const struct options *o, struct usage *u)
{
	size_t i;

	u->client = cpu_own() - u->client;
	usleep(SETTLE_US);
	for (i = 0; i < o->n_pids; i++)
		u->pid[i] = cpu_of(o->pid[i].pid) - u->pid[i];
}

long watched_rss(const struct options *o, const char *name, const char *field)
{
	char path[64], line[128];
	long kib = 0;
	size_t i;

	for (i = 0; i < o->n_pids; i++) {
		FILE *f;

		if (strcmp(o->pid[i].name, name) != 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/status", o->pid[i].pid);
		f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f)) {
			if (strncmp(line, field, strlen(field)) == 0 && line[strlen(field)] == ':')
				kib = strtol(line + strlen(field) + 1, NULL, 10);
		}
		if (f)
			fclose(f);
	}
	return kib;
}

void watched_rss_reset(const struct options *o)
{
	char path[64];
	size_t i;

	for (i = 0; i < o->n_pids; i++) {
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/clear_refs", o->pid[i].pid);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		/* Without the right to, the peak counts from the process's start. */
		if (fd >= 0 && write(fd, "5", 1) < 0)
			fprintf(stderr, "estload: the peaks of memory are since the server's start\n");
		if (fd >= 0)
			close(fd);
	}
}

/* The process's CPU for one operation [us]; NULL: all of them. */
static double cpu_each(const struct options *o, const struct usage *u, const char *name)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < o->n_pids; i++) {
		if (!name || strcmp(o->pid[i].name, name) == 0)
			sum += u->pid[i];
	}
	return u->ok ? (double)sum / 1000 / (double)u->ok : 0;
}

void report(const struct options *o, const char *label, const struct usage *u, struct samples *s, double seconds)
{
	double n = u->ok ? (double)u->ok : 1, first = samples_us(s, 0), p50 = samples_us(s, 0.5),
	       p99 = samples_us(s, 0.99), last = samples_us(s, 1);
	double all = cpu_each(o, u, NULL), client = (double)u->client / 1000 / n;
	double octets = (double)u->octets / n, items = (double)u->items / n;
	double rate = seconds > 0 ? (double)u->ok / seconds : 0;

	if (o->tsv) {
		printf("%s\t%zu\t%zu\t%.3f\t%.1f\t%.0f\t%.0f\t%.0f\t%.0f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.0f\t%.2f\t%"
		       "ld\t%zu\n",
		       label, u->ok, u->failed, seconds, rate, first, p50, p99, last, all, cpu_each(o, u, "net"),
		       cpu_each(o, u, "store"), cpu_each(o, u, "signer"), client, octets, items,
		       watched_rss(o, "net", "VmHWM"), conn_peak());
		return;
	}
	printf("%s: %zu done, %zu failed in %.3f s: %.1f/s; first %.0f us, median %.0f us, p99 %.0f us, last %.0f us\n"
	       "  CPU each: server %.1f us (net %.1f, store %.1f, signer %.1f), client %.1f us; %.0f octets, %.2f "
	       "items\n",
	       label, u->ok, u->failed, seconds, rate, first, p50, p99, last, all, cpu_each(o, u, "net"),
	       cpu_each(o, u, "store"), cpu_each(o, u, "signer"), client, octets, items);
}

void complain(const char *what, const struct reply *r)
{
	static int n;

	if (n++ < COMPLAINTS)
		fprintf(stderr, "%s: %s: %d %.*s\n", program_invocation_short_name, what, r->status,
			(int)(r->len < 300 ? r->len : 300), r->body);
}
