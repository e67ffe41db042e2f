/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Closed loops, and the modes that are one: enrol, renew, keys. */
#include "estload.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STALLED_S 20

struct task *tasks_new(size_t n)
{
	struct task *t = calloc(n, sizeof(*t));

	if (!t)
		die("out of memory");
	return t;
}

void tasks_free(struct task *t, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		conn_close(t[i].conn);
	free(t);
	conn_turn(0);
}

static void begin(struct task *t)
{
	struct phase *p = t->phase;

	t->index = p->begun++;
	t->began = clock_ns();
	p->begin(t);
}

void task_end(struct task *t, bool ok, const struct reply *r, size_t items)
{
	struct phase *p = t->phase;

	p->last = clock_ns();
	p->ended++;
	if (ok) {
		p->usage.ok++;
		p->usage.octets += r->len;
		p->usage.items += items;
		samples_add(&p->times, p->last - t->began);
	} else {
		p->usage.failed++;
		complain(p->o->mode, r);
	}
	if (p->begun < p->total)
		begin(t);
}

void phase_run(struct phase *p)
{
	size_t i, n = p->n_tasks < p->total ? p->n_tasks : p->total;

	p->begun = p->ended = 0;
	usage_begin(p->o, &p->usage);
	p->last = p->usage.began;
	for (i = 0; i < n; i++) {
		p->tasks[i].phase = p;
		begin(&p->tasks[i]);
	}
	while (p->ended < p->total) {
		conn_turn(1000);
		if (clock_ns() - p->last > STALLED_S * 1000000000ULL)
			die("%s: nothing came for %d s; %zu of %zu done", p->o->mode, STALLED_S, p->ended, p->total);
	}
	p->seconds = (double)(p->last - p->usage.began) / 1e9;
	usage_end(p->o, &p->usage);
}

/* Run, and report; the exit code. */
static int measure(struct phase *p, const char *label)
{
	watched_rss_reset(p->o);
	phase_run(p);
	report(p->o, label, &p->usage, &p->times, p->seconds);
	free(p->times.ns);
	return p->usage.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Run; without a measurement, and nothing may fail. */
static void prepare(struct phase *p)
{
	phase_run(p);
	free(p->times.ns);
	if (p->usage.failed)
		die("%s: %zu of %zu preparations failed", p->o->mode, p->usage.failed, p->total);
}

/* -- preparations --------------------------------------------------------------------------------------------- */

static void on_opened(struct conn *c, void *ctx, const struct reply *r)
{
	(void)c;
	task_end(ctx, r->status == 200, r, 0);
}

static void open_one(struct task *t)
{
	struct vm *vm = t->phase->vms ? &t->phase->vms[t->index % t->phase->n_vms] : NULL;

	/* A host's, which was set as the task's own. */
	if (!t->conn)
		t->conn = conn_new(vm ? vm->cert : NULL, vm ? vm->key : NULL);
	t->vm = vm;
	conn_request(t->conn, "GET", "/.well-known/est/cacerts", "", "", 0, on_opened, t);
}

static X509 *load_cert(const char *path)
{
	FILE *f = path ? fopen(path, "re") : NULL;
	X509 *cert = f ? PEM_read_X509(f, NULL, NULL, NULL) : NULL;

	if (!cert)
		die("--host-cert: %s cannot be read", path ? path : "(none)");
	fclose(f);
	return cert;
}

static EVP_PKEY *load_key(const char *path)
{
	FILE *f = path ? fopen(path, "re") : NULL;
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	if (!key)
		die("--host-key: %s cannot be read", path ? path : "(none)");
	fclose(f);
	return key;
}

struct task *hosts_open(const struct options *o)
{
	struct task *hosts = tasks_new(o->hosts);
	struct phase p = { .o = o, .tasks = hosts, .n_tasks = o->hosts, .total = o->hosts, .begin = open_one };
	X509 *cert = load_cert(o->host_cert);
	EVP_PKEY *key = load_key(o->host_key);
	size_t i;

	for (i = 0; i < o->hosts; i++)
		hosts[i].conn = conn_new(cert, key);
	prepare(&p);
	X509_free(cert);
	EVP_PKEY_free(key);
	return hosts;
}

static void on_started(struct conn *c, void *ctx, const struct reply *r)
{
	struct task *t = ctx;

	(void)c;
	task_end(t, start_answered(t->vm, r), r, 0);
}

static void start_one(struct task *t)
{
	t->vm = &t->phase->vms[t->index];
	ask_start(t->conn, t->phase->o, t->vm, on_started, t);
}

void fleet_start(const struct options *o, struct vm *vms, size_t n)
{
	struct phase p = { .o = o, .vms = vms, .n_vms = n, .n_tasks = o->hosts, .total = n, .begin = start_one };

	if (o->bare)
		return;
	p.tasks = hosts_open(o);
	prepare(&p);
	tasks_free(p.tasks, p.n_tasks);
}

static void on_enrolled_keep(struct conn *c, void *ctx, const struct reply *r)
{
	struct task *t = ctx;

	conn_close(c);
	task_end(t, csr_answered(&t->vm->csr, r, &t->vm->cert), r, 0);
}

static void enrol_keep(struct task *t)
{
	t->vm = &t->phase->vms[t->index];
	ask_enrol(conn_new(NULL, NULL), t->vm, on_enrolled_keep, t);
}

void fleet_enrol(const struct options *o, struct vm *vms, size_t n)
{
	struct phase p = { .o = o, .vms = vms, .n_vms = n, .n_tasks = o->window, .total = n, .begin = enrol_keep };

	fleet_start(o, vms, n);
	p.tasks = tasks_new(p.n_tasks);
	prepare(&p);
	tasks_free(p.tasks, p.n_tasks);
}

/* One kept connection for each task, with its VM's certificate. */
static struct task *fleet_open(const struct options *o, struct vm *vms, size_t n_vms, size_t n)
{
	struct phase p = {
		.o = o, .vms = vms, .n_vms = n_vms, .tasks = tasks_new(n), .n_tasks = n, .total = n, .begin = open_one
	};

	prepare(&p);
	return p.tasks;
}

/* -- first enrolments ----------------------------------------------------------------------------------------- */

static void on_enrolled(struct conn *c, void *ctx, const struct reply *r)
{
	struct task *t = ctx;

	conn_close(c);
	task_end(t, csr_answered(&t->vm->csr, r, NULL), r, 1);
}

static void enrol_one(struct task *t)
{
	t->vm = &t->phase->vms[t->index];
	ask_enrol(conn_new(NULL, NULL), t->vm, on_enrolled, t);
}

int mode_enrol(const struct options *o)
{
	struct phase p = { .o = o, .n_tasks = o->window, .total = o->count, .begin = enrol_one };
	int status;

	p.vms = vms_make(o, o->count);
	p.n_vms = o->count;
	p.tasks = tasks_new(p.n_tasks);
	fleet_start(o, p.vms, p.n_vms);
	status = measure(&p, "enrol");
	tasks_free(p.tasks, p.n_tasks);
	vms_free(p.vms, p.n_vms);
	return status;
}

/* -- renewals ------------------------------------------------------------------------------------------------- */

static void on_renewed(struct conn *c, void *ctx, const struct reply *r)
{
	struct task *t = ctx;
	struct vm *vm = t->vm;
	bool ok;

	if (t->phase->o->kept) {
		task_end(t, csr_answered(t->csr, r, NULL), r, 1);
		return;
	}
	/* The next renewal of this VM comes with this certificate, as they do. */
	ok = csr_answered(t->csr, r, &vm->cert);
	if (vm->key != vm->csr.key)
		EVP_PKEY_free(vm->key);
	vm->key = t->csr->key;
	EVP_PKEY_up_ref(vm->key);
	conn_close(c);
	task_end(t, ok, r, 1);
}

static void renew_one(struct task *t)
{
	struct phase *p = t->phase;

	t->csr = &p->csrs[t->index];
	if (p->o->kept) {
		ask_renew(t->conn, t->csr, on_renewed, t);
		return;
	}
	/* Each task has VMs of its own, so that none renews twice at a time. */
	t->vm = &p->vms[((size_t)(t - p->tasks) + p->n_tasks * (t->index / p->n_tasks)) % p->n_vms];
	ask_renew(conn_new(t->vm->cert, t->vm->key), t->csr, on_renewed, t);
}

int mode_renew(const struct options *o)
{
	struct phase p = { .o = o, .n_tasks = o->window, .total = o->count, .begin = renew_one };
	size_t i;
	int status;

	/* A multiple of the tasks. */
	p.n_vms = o->kept || o->vms < o->window ? o->window : o->vms / o->window * o->window;
	p.vms = vms_make(o, p.n_vms);
	fleet_enrol(o, p.vms, p.n_vms);
	p.tasks = o->kept ? fleet_open(o, p.vms, p.n_vms, p.n_tasks) : tasks_new(p.n_tasks);
	p.csrs = calloc(o->count, sizeof(*p.csrs));
	for (i = 0; p.csrs && i < o->count; i++)
		csr_make(&p.csrs[i]);
	status = measure(&p, o->kept ? "renew-kept" : "renew");
	tasks_free(p.tasks, p.n_tasks);
	for (i = 0; p.csrs && i < o->count; i++)
		csr_free(&p.csrs[i]);
	free(p.csrs);
	vms_free(p.vms, p.n_vms);
	return status;
}

/* -- COI keys ------------------------------------------------------------------------------------------------- */

static size_t envelopes(const char *body)
{
	size_t n = 0;

	while ((body = strstr(body, "\"cms\":")) != NULL) {
		body++;
		n++;
	}
	return n;
}

static void on_keys(struct conn *c, void *ctx, const struct reply *r)
{
	size_t n = r->status == 200 ? envelopes(r->body) : 0;

	(void)c;
	task_end(ctx, n > 0, r, n);
}

static void keys_one(struct task *t)
{
	ask_keys(t->conn, on_keys, t);
}

int mode_keys(const struct options *o)
{
	struct phase p = { .o = o, .n_tasks = o->window, .total = o->count, .begin = keys_one };
	int status;

	p.n_vms = o->window;
	p.vms = vms_make(o, p.n_vms);
	fleet_enrol(o, p.vms, p.n_vms);
	p.tasks = fleet_open(o, p.vms, p.n_vms, p.n_tasks);
	status = measure(&p, "coi-keys");
	tasks_free(p.tasks, p.n_tasks);
	vms_free(p.vms, p.n_vms);
	return status;
}
