#include "status.h"
#include "boot_clock.h"
#include "broker.h"
#include "commit.h"
#include "exposition.h"
#include "identity.h"
#include "jsontext.h"
#include "prometheus.h"
#include "loop.h"
#include "upstream.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

/* -- /metrics ----------------------------------------------------------------------------------------------------- */

static void metrics(struct http_exchange *x)
{
	prometheus_answer(x, exposition_write);
}

/* -- /healthz: a write that is on the disk, the certificate, and who is silent ------------------------------------- */

struct health {
	struct commit_job job;
	struct http_exchange *http;
};

#define HEALTH_OF(member) ((struct health *)(void *)((char *)(member)-offsetof(struct health, job)))

static json_t *servers_health(void)
{
	json_t *servers = json_object();
	struct upstream_status s;
	int i;

	for (i = 0; i < loop.config->n_server; i++) {
		upstream_status(i, &s);
		json_object_set_new(servers, loop.config->server[i].name, vmp_json_text(s.up ? "ok" : s.error));
	}
	return servers;
}

static int health_run(struct commit_job *job, int64_t now_ms, struct vmp_msg *msg)
{
	(void)job;
	(void)now_ms;
	return vmp_store_touch(loop.store, msg);
}

static void health_done(struct commit_job *job, int err, const char *why)
{
	struct health *h = HEALTH_OF(job);
	const char *identity = identity_trouble(loop.ready);
	bool bad = err != VMP_OK || identity;

	http_exchange_json(h->http, bad ? 503 : 200,
			   json_pack("{s:o, s:o, s:o}", "store", vmp_json_text(err == VMP_OK ? "ok" : why), "identity",
				     vmp_json_text(identity ? identity : "ok"), "servers", servers_health()));
	free(h);
}

static void healthz(struct http_exchange *x)
{
	struct health *h = calloc(1, sizeof(*h));

	if (!h) {
		http_exchange_fail(x, 503, "out of memory");
		return;
	}
	h->job.run = health_run;
	h->job.done = health_done;
	h->http = x;
	commit_add(&h->job);
}

static void readyz(struct http_exchange *x)
{
	if (loop.stopping || !loop.ready)
		http_exchange_fail(x, 503, loop.stopping ? "stopping" : "no certificate yet");
	else
		healthz(x);
}

/* -- /v1/status: for people --------------------------------------------------------------------------------------- */

static json_t *parent_status(const struct parent *parent, int64_t now_ms)
{
	int64_t left = parent->held ? (parent->end_ms - now_ms) / 1000 : 0;

	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:b, s:b, s:o}", "server", loop.config->server[parent->server].name,
			 "held", (json_int_t)parent->held, "lapsing", (json_int_t)parent->lapsing, "ends_in_s",
			 (json_int_t)left, "available", (json_int_t)parent->available, "short",
			 (int)(now_ms < parent->short_until_ms), "silent", (int)(parent->failures > 0), "last_reason",
			 vmp_json_text(parent->why));
}

static json_t *product_status(struct product *p, int64_t now_ms)
{
	json_t *parents = json_array();
	int i;

	for (i = 0; i < loop.config->n_server; i++)
		json_array_append_new(parents, parent_status(&p->parent[i], now_ms));
	return json_pack("{s:o, s:I, s:I, s:I, s:I, s:o}", "product", vmp_json_text(p->name), "in_use",
			 (json_int_t)broker_occupied(loop.broker, p), "waiting", (json_int_t)p->n_waiting, "on_record",
			 (json_int_t)p->n_reported, "to_report", (json_int_t)(p->n_starts + p->n_stops), "servers",
			 parents);
}

static void status(struct http_exchange *x)
{
	int64_t now_ms = (int64_t)boot_clock_ms(), recovering = broker_recovering(loop.broker);
	json_t *products = json_array();
	struct commit_status commits;
	int i;

	for (i = 0; i < BROKER_PRODUCTS; i++) {
		struct product *p = broker_product(loop.broker, i);

		if (p)
			json_array_append_new(products, product_status(p, now_ms));
	}
	commit_status(&commits);
	http_exchange_json(x, 200,
			   json_pack("{s:s, s:o, s:o, s:I, s:o}", "version", VMPROV_VERSION, "products", products,
				     "servers", servers_health(), "recovering_s",
				     (json_int_t)(recovering > now_ms ? (recovering - now_ms) / 1000 : 0),
				     "store_error", vmp_json_text(commits.error)));
}

/* On the VMs' address as well: what they meet, TLS and all. */
const struct http_route health_routes[] = {
	{ EVHTTP_REQ_GET, "/healthz", healthz, true },
	{ 0, NULL, NULL, false },
};

const struct http_route status_routes[] = {
	{ EVHTTP_REQ_GET, "/metrics", metrics, false },
	{ EVHTTP_REQ_GET, "/healthz", healthz, false },
	{ EVHTTP_REQ_GET, "/readyz", readyz, false },
	{ EVHTTP_REQ_GET, "/v1/status", status, false },
	{ 0, NULL, NULL, false },
};
