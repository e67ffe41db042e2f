/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The storm: VMs start by the clock, whatever the server does, and each goes all its way. */
#include "estload.h"

#include <stdlib.h>

#define STALLED_S 20

/* What is waited for, of each VM. */
enum { START, ENROL, KEYS, STEPS };

static struct {
	const struct options *o;
	struct vm *vms;
	struct task *hosts;
	struct task **idle; /* hosts with nothing to do */
	size_t n_idle;
	size_t due, sent, ended; /* VMs: whose time has come; whose start went out; that are through */
	uint64_t last;
	struct samples step[STEPS], whole;
	struct usage usage;
} storm;

static void failed(const char *what, const struct reply *r)
{
	storm.usage.failed++;
	storm.ended++;
	complain(what, r);
}

static void on_keys(struct conn *c, void *ctx, const struct reply *r)
{
	struct vm *vm = ctx;

	conn_close(c);
	storm.last = clock_ns();
	if (r->status != 200) {
		failed("coi-keys", r);
		return;
	}
	samples_add(&storm.step[KEYS], storm.last - vm->at);
	samples_add(&storm.whole, storm.last - vm->due);
	storm.usage.ok++;
	storm.usage.octets += r->len;
	storm.ended++;
}

static void on_enrolled(struct conn *c, void *ctx, const struct reply *r)
{
	struct vm *vm = ctx;
	uint64_t now = clock_ns();

	conn_close(c);
	if (!csr_answered(&vm->csr, r, &vm->cert)) {
		failed("simpleenroll", r);
		return;
	}
	samples_add(&storm.step[ENROL], now - vm->at);
	vm->at = now;
	ask_keys(conn_new(vm->cert, vm->key), on_keys, vm);
}

static void send_starts(void);

static void on_started(struct conn *c, void *ctx, const struct reply *r)
{
	struct task *host = ctx;
	struct vm *vm = host->vm;

	(void)c;
	storm.idle[storm.n_idle++] = host;
	vm->at = clock_ns();
	if (!start_answered(vm, r)) {
		failed("starting", r);
	} else {
		samples_add(&storm.step[START], vm->at - vm->due);
		ask_enrol(conn_new(NULL, NULL), vm, on_enrolled, vm);
	}
	send_starts();
}

/* Those whose time has come, as far as hosts are free; what waits here counts as the step's time. */
static void send_starts(void)
{
	while (storm.sent < storm.due && storm.n_idle > 0) {
		struct task *host = storm.idle[--storm.n_idle];

		host->vm = &storm.vms[storm.sent++];
		ask_start(host->conn, storm.o, host->vm, on_started, host);
	}
}

static void run(void)
{
	const struct options *o = storm.o;
	uint64_t began = clock_ns(), now;

	storm.last = began;
	while (storm.ended < o->count) {
		now = clock_ns();
		while (storm.due < o->count &&
		       (storm.vms[storm.due].due = began + (uint64_t)((double)storm.due * 1e9 / o->rate)) <= now)
			storm.due++;
		send_starts();
		conn_turn(storm.due < o->count ? 1 : 100);
		if (storm.due == o->count && now > storm.last + STALLED_S * 1000000000ULL)
			die("storm: nothing came for %d s; %zu of %zu VMs are through", STALLED_S, storm.ended,
			    o->count);
	}
}

int mode_storm(const struct options *o)
{
	static const char *const names[STEPS] = { "storm-start", "storm-enrol", "storm-keys" };
	uint64_t began;
	double seconds;
	size_t i;

	storm.o = o;
	storm.vms = vms_make(o, o->count);
	storm.hosts = hosts_open(o);
	storm.idle = calloc(o->hosts, sizeof(struct task *));
	for (i = 0; storm.idle && i < o->hosts; i++)
		storm.idle[storm.n_idle++] = &storm.hosts[i];
	watched_rss_reset(o);
	usage_begin(o, &storm.usage);
	began = storm.usage.began;
	run();
	seconds = (double)(storm.last - began) / 1e9;
	usage_end(o, &storm.usage);
	for (i = 0; i < STEPS; i++)
		report(o, names[i], &storm.usage, &storm.step[i], seconds);
	report(o, "storm", &storm.usage, &storm.whole, seconds);
	for (i = 0; i < STEPS; i++)
		free(storm.step[i].ns);
	free(storm.whole.ns);
	free(storm.idle);
	tasks_free(storm.hosts, o->hosts);
	vms_free(storm.vms, o->count);
	return storm.usage.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
