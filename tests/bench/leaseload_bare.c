/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What grants are compared with: small requests, and handshakes. */
#include "leaseload.h"

#include <stdlib.h>

static const struct lease_options *options;
static struct client *clients;
static size_t n_clients;

static int measure(struct phase *p, const char *label)
{
	p->tasks = tasks_new(p->n_tasks);
	phase_run(p);
	report(p->o, label, &p->usage, &p->times, p->seconds);
	tasks_free(p->tasks, p->n_tasks);
	free(p->times.ns);
	return p->usage.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void on_answer(struct conn *c, void *ctx, const struct reply *r)
{
	(void)c;
	/* The smallest answer over TLS is that there is no such path. */
	task_end(ctx, r->status == 200 || r->status == 404, r, 1);
}

static void get_one(struct task *t)
{
	const struct client *client = n_clients ? &clients[(size_t)(t - t->phase->tasks) % n_clients] : NULL;

	if (!t->conn)
		t->conn = conn_new(client ? client->cert : NULL, client ? client->key : NULL);
	conn_request(t->conn, "GET", options->path, "", "", 0, on_answer, t);
}

int mode_get(const struct lease_options *o)
{
	struct phase p = { .o = &o->base, .n_tasks = o->base.window, .total = o->base.count, .begin = get_one };
	int status;

	options = o;
	if (o->certs)
		clients = clients_read(o, false, &n_clients);
	status = measure(&p, "get");
	clients_free(clients, n_clients);
	return status;
}

static void on_ended(struct conn *c, void *ctx, const struct reply *r)
{
	conn_close(c);
	task_end(ctx, r->status == 200, r, 1);
}

static void shake_one(struct task *t)
{
	const struct client *client = &clients[t->index % n_clients];

	conn_finish(conn_new(client->cert, client->key), on_ended, t);
}

int mode_handshake(const struct lease_options *o)
{
	struct phase p = { .o = &o->base, .n_tasks = o->base.window, .total = o->base.count, .begin = shake_one };
	int status;

	clients = clients_read(o, false, &n_clients);
	status = measure(&p, "handshake");
	clients_free(clients, n_clients);
	return status;
}
