/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holders that ask, as the protocol has it, and the modes in which they do. */
#include "leaseload.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_MS   50 /* after a request without an answer, or an answer that says later */
#define PATIENCE_S 30 /* without any answer at all */

struct load {
	const struct lease_options *o;
	const char *label;
	int64_t (*wants)(const struct client *c);
	struct client *clients;
	size_t n;
	size_t total; /* operations; 0: until the time is over */
	uint64_t until, last;
	size_t begun, ended;
	bool closes; /* after each operation */
	bool rests;  /* until the next, as --pause says */
	bool once;   /* each holder does one operation */
	struct samples times;
	struct usage usage;
	size_t refused, stale, broken;
};

static void ask(struct client *c);

static int64_t boot_ms(void)
{
	return boot_us() / 1000;
}

/* -- the protocol ---------------------------------------------------------------------------------------------- */

/* A number of the answer; there is no nesting before it. */
static int64_t number_of(const char *body, const char *name)
{
	const char *at = strstr(body, name);

	return at ? strtoll(at + strlen(name) + strspn(at + strlen(name), ": "), NULL, 10) : -1;
}

static bool is_true(const char *body, const char *name)
{
	const char *at = strstr(body, name);

	return at && strncmp(at + strlen(name) + strspn(at + strlen(name), ": "), "true", 4) == 0;
}

static bool read_answer(const struct reply *r, struct vmp_lease_answer *out)
{
	*out = (struct vmp_lease_answer){ .seq = number_of(r->body, "\"seq\""),
					  .granted = number_of(r->body, "\"granted\""),
					  .life_ms = 1000 * number_of(r->body, "\"duration_s\""),
					  .grace_ms = 1000 * number_of(r->body, "\"grace_s\""),
					  .stale = is_true(r->body, "\"stale\"") };
	return (r->status == 200 || r->status == 409) && out->seq >= 0 && out->granted >= 0 && out->life_ms >= 0 &&
	       out->grace_ms >= 0;
}

static void next(struct client *c);

static void end(struct client *c, bool ok, const struct reply *r)
{
	struct load *load = c->load;

	load->ended++;
	if (ok) {
		load->usage.ok++;
		load->usage.octets += r->len;
		load->usage.items += (size_t)c->holder.now.count;
		samples_add(&load->times, load->last - c->began);
	} else {
		load->usage.failed++;
		complain(load->label, r);
	}
	if (load->closes) {
		conn_close(c->conn);
		c->conn = NULL;
	}
	next(c);
}

static void on_answer(struct conn *conn, void *ctx, const struct reply *r)
{
	struct client *c = ctx;
	struct vmp_lease_answer a;

	(void)conn;
	if (!r->status || r->status == 503) { /* the same request again */
		conn_close(c->conn);
		c->conn = NULL;
		c->load->broken++;
		c->next_ms = boot_ms() + AGAIN_MS;
		return;
	}
	c->load->last = clock_ns();
	if (!read_answer(r, &a)) {
		c->holder.waits = false;
		end(c, false, r);
		return;
	}
	(void)lease_holder_hear(&c->holder, &c->holder.asking, c->sent_ms, &a, boot_ms());
	journal_write(c);
	if (a.stale) {
		c->load->stale++;
		ask(c);
		return;
	}
	c->load->refused += a.granted < c->holder.asking.wants;
	end(c, true, r);
}

static void send_request(struct client *c)
{
	const struct lease_asking *a = &c->holder.asking;
	char body[320];
	int n = snprintf(body, sizeof(body),
			 "{\"product\":\"%s\",\"request_id\":\"%s\",\"seen\":%" PRId64 ",\"has\":%" PRId64
			 ",\"in_use\":%" PRId64 ",\"wants\":%" PRId64 "}",
			 c->load->o->product, a->id, a->seen, a->has, a->has, a->wants);

	c->next_ms = 0;
	if (!c->conn)
		c->conn = conn_new(c->cert, c->key);
	c->sent_ms = boot_ms();
	conn_request(c->conn, "POST", "/v1/licences/lease", "Content-Type: application/json\r\n", body, (size_t)n,
		     on_answer, c);
}

/* A new request: it uses no more than it wants before that goes out. */
static void ask(struct client *c)
{
	struct lease_asking *a = &c->holder.asking;

	a->wants = c->load->wants(c);
	lease_holder_use_less(&c->holder, a->wants);
	journal_write(c);
	a->seen = c->holder.seen;
	a->has = lease_holder_has(&c->holder, boot_ms());
	if (vmp_uuid_random(a->id) != VMP_OK)
		die("no random numbers");
	c->holder.waits = true;
	send_request(c);
}

/* -- what they do ---------------------------------------------------------------------------------------------- */

static void begin(struct client *c)
{
	c->load->begun++;
	c->began = clock_ns();
	ask(c);
}

/* The next operation, unless that was the last. */
static void next(struct client *c)
{
	struct load *load = c->load;
	double rest = load->rests ? load->o->pause_ms * (double)rand() / RAND_MAX : 0;

	if (load->total ? load->begun >= load->total : clock_ns() >= load->until)
		return;
	if (load->once) {
		size_t i = load->begun;

		begin(&load->clients[i]);
	} else if (rest >= 1) {
		c->next_ms = boot_ms() + (int64_t)rest;
	} else {
		begin(c);
	}
}

/* @return when the next one is due [ms from now], at most most. */
static int wake(struct load *load, int most)
{
	int64_t now = boot_ms(), soonest = now + most;
	size_t i;

	for (i = 0; i < load->n; i++) {
		struct client *c = &load->clients[i];

		if (!c->next_ms)
			continue;
		if (c->next_ms > now) {
			soonest = c->next_ms < soonest ? c->next_ms : soonest;
		} else if (c->holder.waits) {
			send_request(c);
		} else {
			c->next_ms = 0;
			begin(c);
		}
	}
	return (int)(soonest - now);
}

static bool is_over(const struct load *load)
{
	if (load->total)
		return load->ended >= load->total;
	/* What is under way is waited for, so that the journals have the last answers. */
	return clock_ns() >= load->until && load->ended >= load->begun;
}

static void run(struct load *load, size_t at_once)
{
	size_t i, n = load->total && load->total < at_once ? load->total : at_once;

	load->begun = load->ended = 0;
	usage_begin(&load->o->base, &load->usage);
	load->last = load->usage.began;
	load->until = load->usage.began + (uint64_t)(load->o->seconds * 1e9);
	for (i = 0; i < n; i++)
		begin(&load->clients[i]);
	while (!is_over(load)) {
		conn_turn(wake(load, 100));
		if (clock_ns() - load->last > (uint64_t)(PATIENCE_S + load->o->pause_ms / 1000) * 1000000000ULL)
			die("%s: no answer for %d s; %zu are through", load->label, PATIENCE_S, load->ended);
	}
	usage_end(&load->o->base, &load->usage);
}

static int64_t wants_none(const struct client *c)
{
	(void)c;
	return 0;
}

/* They learn their numbers, and give back what earlier runs left; kept connections are open after it. */
static void settle(struct load *load)
{
	struct load first = *load;
	size_t i;

	first.label = "settle";
	first.wants = wants_none;
	first.total = load->n;
	first.rests = false;
	for (i = 0; i < load->n; i++)
		load->clients[i].load = &first;
	run(&first, load->n);
	if (first.usage.failed)
		die("%zu of %zu holders are not served", first.usage.failed, load->n);
	free(first.times.ns);
	for (i = 0; i < load->n; i++)
		load->clients[i].load = load;
}

static int finish(struct load *load)
{
	struct usage *u = &load->usage;
	int status = u->failed ? EXIT_FAILURE : EXIT_SUCCESS;

	report(&load->o->base, load->label, u, &load->times, (double)(load->last - u->began) / 1e9);
	fprintf(stderr, "leaseload: %s: %zu answers with fewer than wanted, %zu stale, %zu requests repeated\n",
		load->label, load->refused, load->stale, load->broken);
	free(load->times.ns);
	clients_free(load->clients, load->n);
	journal_close();
	return status;
}

/* Kept or fresh connections, one holder each. */
static int holders(const struct lease_options *o, struct load *load)
{
	size_t i;

	load->o = o;
	load->clients = clients_read(o, false, &load->n);
	journal_open(o);
	for (i = 0; i < load->n; i++) {
		load->clients[i].load = load;
		journal_write(&load->clients[i]); /* whatever an earlier run believed, it is forgotten */
	}
	settle(load);
	run(load, load->n);
	return finish(load);
}

static int64_t wants_other(const struct client *c)
{
	return c->holder.now.count ? 0 : 1;
}

int mode_toggle(const struct lease_options *o)
{
	struct load load = {
		.label = o->fresh ? "fresh" : "toggle", .wants = wants_other, .total = o->base.count, .closes = o->fresh
	};

	return holders(o, &load);
}

static int64_t wants_any(const struct client *c)
{
	return rand() % (c->load->o->most + 1);
}

int mode_churn(const struct lease_options *o)
{
	struct load load = { .label = "churn", .wants = wants_any, .closes = o->fresh, .rests = true };

	return holders(o, &load);
}

static int64_t wants_most(const struct client *c)
{
	return c->load->o->most;
}

int mode_hold(const struct lease_options *o)
{
	struct load load = { .label = "hold", .wants = wants_most, .closes = o->fresh, .rests = true };

	return holders(o, &load);
}

int mode_starts(const struct lease_options *o)
{
	struct load load = { .o = o, .label = "starts", .wants = wants_most, .closes = true, .once = true };
	size_t i;

	load.clients = clients_read(o, true, &load.n);
	journal_open(o);
	for (i = 0; i < load.n; i++)
		load.clients[i].load = &load;
	load.total = load.n;
	run(&load, o->base.window < load.n ? o->base.window : load.n);
	return finish(&load);
}
