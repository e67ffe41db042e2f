/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many connections that wait: the directory's long poll, and idle ones. */
#include "estload.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_NS  1500000000ULL
#define PATIENCE_S 20

/* -- one change, and many who wait for it --------------------------------------------------------------------- */

static struct {
	const struct options *o;
	struct vm *vms; /* the last makes the changes */
	struct conn **conns;
	char wg_key[48];
	unsigned long long version;
	uint64_t began;
	size_t told, left; /* of this change */
	struct usage usage;
	struct samples times;
} fan;

static void on_version(struct conn *c, void *ctx, const struct reply *r)
{
	const char *at = r->status == 200 ? strstr(r->body, "\"version\":") : NULL;
	bool *came = ctx;

	(void)c;
	if (!at)
		die("directory: %d %s", r->status, r->body);
	fan.version = strtoull(at + 10, NULL, 10);
	*came = true;
}

static void await(const bool *came)
{
	uint64_t began = clock_ns();

	while (!*came) {
		conn_turn(100);
		if (clock_ns() - began > PATIENCE_S * 1000000000ULL)
			die("%s: nothing came for %d s", fan.o->mode, PATIENCE_S);
	}
}

static void ask_version(void)
{
	bool came = false;

	conn_request(fan.conns[0], "GET", "/v1/directory?since=0&wait=0", "", "", 0, on_version, &came);
	await(&came);
}

static void ask_change(size_t i);

static void on_change(struct conn *c, void *ctx, const struct reply *r)
{
	bool mine = r->status == 200 && strstr(r->body, fan.wg_key);

	(void)c;
	if (r->status == 200 && !mine) { /* of something else: wait on from there */
		bool came;

		on_version(c, &came, r);
		ask_change((size_t)(uintptr_t)ctx);
		return;
	}
	fan.left--;
	if (!mine) {
		fan.usage.failed++;
		complain("directory", r);
		return;
	}
	fan.usage.ok++;
	fan.usage.octets += r->len;
	samples_add(&fan.times, clock_ns() - fan.began);
}

static void ask_change(size_t i)
{
	char path[96];

	snprintf(path, sizeof(path), "/v1/directory?since=%llu&wait=50", fan.version);
	conn_request(fan.conns[i], "GET", path, "", "", 0, on_change, (void *)(uintptr_t)i);
}

static void on_put(struct conn *c, void *ctx, const struct reply *r)
{
	bool *came = ctx;

	(void)c;
	if (r->status != 200)
		die("PUT /v1/self: %d %s", r->status, r->body);
	*came = true;
}

static void put_self(bool *came)
{
	unsigned char key[32];
	char body[160];

	if (RAND_bytes(key, sizeof(key)) != 1)
		die("no random octets");
	EVP_EncodeBlock((unsigned char *)fan.wg_key, key, sizeof(key));
	snprintf(body, sizeof(body), "{\"wireguard_key\":\"%s\",\"endpoint\":\"192.0.2.1:51820\"}", fan.wg_key);
	conn_request(fan.conns[fan.o->count], "PUT", "/v1/self", "Content-Type: application/json\r\n", body,
		     strlen(body), on_put, came);
}

/* @return whether all were told. */
static bool one_change(void)
{
	const struct options *o = fan.o;
	uint64_t until;
	bool came = false;
	size_t i;

	fan.left = o->count;
	fan.wg_key[0] = '?'; /* none has it */
	fan.wg_key[1] = '\0';
	for (i = 0; i < o->count; i++)
		ask_change(i);
	for (until = clock_ns() + SETTLE_NS; clock_ns() < until;)
		conn_turn(50);
	usage_begin(o, &fan.usage);
	fan.began = clock_ns();
	put_self(&came);
	while ((fan.left > 0 || !came) && clock_ns() - fan.began < PATIENCE_S * 1000000000ULL)
		conn_turn(100);
	usage_end(o, &fan.usage);
	if (fan.left > 0)
		die("directory: %zu of %zu were not told within %d s", fan.left, o->count, PATIENCE_S);
	report(o, "directory", &fan.usage, &fan.times, samples_us(&fan.times, 1) / 1e6);
	fan.times.n = 0;
	return fan.usage.failed == 0;
}

/* -- connections, opened a few at a time ---------------------------------------------------------------------- */

static void on_open(struct conn *c, void *ctx, const struct reply *r)
{
	(void)c;
	task_end(ctx, r->status == 200, r, 0);
}

static struct conn **held;

static void open_held(struct task *t)
{
	struct phase *p = t->phase;
	struct vm *vm = p->vms ? &p->vms[t->index % p->n_vms] : NULL;

	held[t->index] = conn_new(vm ? vm->cert : NULL, vm ? vm->key : NULL);
	conn_request(held[t->index], "GET", "/.well-known/est/cacerts", "", "", 0, on_open, t);
}

static void open_all(const struct options *o, struct vm *vms, size_t n_vms, size_t n, struct phase *p)
{
	*p = (struct phase){ .o = o, .vms = vms, .n_vms = n_vms, .n_tasks = o->window, .total = n, .begin = open_held };
	held = calloc(n, sizeof(struct conn *));
	if (!held)
		die("out of memory");
	p->tasks = tasks_new(p->n_tasks);
	phase_run(p);
	tasks_free(p->tasks, p->n_tasks);
	if (p->usage.failed)
		die("%zu of %zu connections failed", p->usage.failed, n);
}

static void close_all(size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		conn_close(held[i]);
	conn_turn(0);
	free(held);
}

int mode_fan(const struct options *o)
{
	struct phase p;
	bool all = true;
	size_t i;

	fan.o = o;
	fan.vms = vms_make(o, o->count + 1);
	fleet_enrol(o, fan.vms, o->count + 1);
	open_all(o, fan.vms, o->count + 1, o->count + 1, &p);
	fan.conns = held;
	ask_version();
	for (i = 0; i < o->changes; i++)
		all &= one_change();
	free(p.times.ns);
	free(fan.times.ns);
	close_all(o->count + 1);
	vms_free(fan.vms, o->count + 1);
	return all ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Items are the KiB of memory that the connections take. */
int mode_idle(const struct options *o)
{
	size_t n_vms = o->with_certs ? o->vms : 0;
	struct vm *vms = n_vms ? vms_make(o, n_vms) : NULL;
	struct phase p;
	long before, after;

	if (vms)
		fleet_enrol(o, vms, n_vms);
	before = watched_rss(o, "net", "VmRSS");
	watched_rss_reset(o);
	open_all(o, vms, n_vms, o->count, &p);
	after = watched_rss(o, "net", "VmRSS");
	p.usage.items = after > before ? (uint64_t)(after - before) : 0;
	report(o, o->with_certs ? "idle-certs" : "idle", &p.usage, &p.times, p.seconds);
	free(p.times.ns);
	close_all(o->count);
	vms_free(vms, n_vms);
	return EXIT_SUCCESS;
}
