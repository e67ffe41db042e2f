#include "exposition.h"
#include "boot_clock.h"
#include "broker.h"
#include "commit.h"
#include "identity.h"
#include "loop.h"
#include "prometheus.h"
#include "upstream.h"

#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* -- products ----------------------------------------------------------------------------------------------------- */

/* A label's value: what is printable, without what would end it. */
static const char *label(const char *name, char out[2 * VMP_PRODUCT])
{
	size_t at = 0;

	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			out[at++] = '\\';
		out[at++] = *name;
	}
	out[at] = '\0';
	return out;
}

static long long occupied(struct product *p)
{
	return broker_occupied(loop.broker, p);
}

static long long waiting(struct product *p)
{
	return p->n_waiting;
}

static long long to_report(struct product *p)
{
	return p->n_starts + p->n_stops;
}

static void each_product(struct evbuffer *out, const char *name, const char *help,
			 long long (*value)(struct product *p))
{
	char text[2 * VMP_PRODUCT];
	struct product *p;
	int i;

	prometheus_head(out, name, "gauge", help);
	for (i = 0; i < BROKER_PRODUCTS; i++) {
		p = broker_product(loop.broker, i);
		if (p)
			evbuffer_add_printf(out, "%s{product=\"%s\"} %lld\n", name, label(p->name, text), value(p));
	}
}

static void held(struct evbuffer *out)
{
	char text[2 * VMP_PRODUCT];
	int i, j;

	prometheus_head(out, "vmprov_broker_held", "gauge", "Licences that servers have given.");
	for (i = 0; i < BROKER_PRODUCTS; i++) {
		struct product *p = broker_product(loop.broker, i);

		for (j = 0; p && j < loop.config->n_server; j++)
			evbuffer_add_printf(out, "vmprov_broker_held{product=\"%s\",server=\"%s\"} %lld\n",
					    label(p->name, text), loop.config->server[j].name,
					    (long long)p->parent[j].held);
	}
}

static void products(struct evbuffer *out)
{
	held(out);
	each_product(out, "vmprov_broker_in_use", "Licences that VMs occupy, graces included.", occupied);
	each_product(out, "vmprov_broker_waiting", "VMs that wait for an answer of the servers.", waiting);
	each_product(out, "vmprov_broker_unreported", "Starts and stops that the home server has not taken yet.",
		     to_report);
}

/* -- VMs ---------------------------------------------------------------------------------------------------------- */

static const char *const reasons[VMP_LEASE_REASONS + 1] = {
	[VMP_LEASE_FINE] = "other",	      [VMP_LEASE_EXHAUSTED] = "exhausted",   [VMP_LEASE_NO_POOL] = "no-pool",
	[VMP_LEASE_CLOSED] = "closed",	      [VMP_LEASE_RECOVERING] = "recovering", [VMP_LEASE_REDUCED] = "reduced",
	[VMP_LEASE_REASONS] = "not-accepted",
};

static void answers(struct evbuffer *out)
{
	const struct broker_counters *c = broker_counters(loop.broker);
	size_t i;

	prometheus_number(out, "vmprov_broker_grants_total", "counter", "Licences given to VMs.", (long long)c->grants);
	prometheus_number(out, "vmprov_broker_renewals_total", "counter", "Leases of VMs renewed.",
			  (long long)c->renewals);
	prometheus_number(out, "vmprov_broker_returns_total", "counter", "Licences that VMs gave back.",
			  (long long)c->returns);
	prometheus_number(out, "vmprov_broker_ended_total", "counter",
			  "Leases of VMs that ran out, or that the home server did not accept.", (long long)c->ended);
	prometheus_number(out, "vmprov_broker_stale_total", "counter",
			  "VMs' requests that came before their last answer.", (long long)c->stale);
	prometheus_number(out, "vmprov_broker_repeated_total", "counter", "VMs' requests that came again.",
			  (long long)c->repeated);
	prometheus_number(out, "vmprov_broker_recoveries_total", "counter",
			  "Times that the store was found to be an older copy.", (long long)c->recoveries);
	prometheus_head(out, "vmprov_broker_refusals_total", "counter", "VMs refused, by reason.");
	for (i = 0; i < COUNT(reasons); i++)
		evbuffer_add_printf(out, "vmprov_broker_refusals_total{reason=\"%s\"} %llu\n", reasons[i],
				    c->refusals[i]);
}

/* -- servers ------------------------------------------------------------------------------------------------------ */

static void requests(struct evbuffer *out)
{
	struct upstream_status s;
	int i, r;

	prometheus_head(out, "vmprov_broker_requests_total", "counter", "Lease requests to servers, by result.");
	for (i = 0; i < loop.config->n_server; i++) {
		upstream_status(i, &s);
		for (r = 0; r < UPSTREAM_RESULTS; r++)
			evbuffer_add_printf(out, "vmprov_broker_requests_total{server=\"%s\",result=\"%s\"} %llu\n",
					    loop.config->server[i].name, upstream_result_name((enum upstream_result)r),
					    s.result[r]);
	}
}

static void servers(struct evbuffer *out)
{
	struct upstream_status s;
	int i;

	requests(out);
	prometheus_head(out, "vmprov_broker_watches_total", "counter", "Long polls, by whether the server answered.");
	for (i = 0; i < loop.config->n_server; i++) {
		upstream_status(i, &s);
		evbuffer_add_printf(out,
				    "vmprov_broker_watches_total{server=\"%s\",result=\"answered\"} %llu\n"
				    "vmprov_broker_watches_total{server=\"%s\",result=\"failed\"} %llu\n",
				    loop.config->server[i].name, s.watches, loop.config->server[i].name,
				    s.watch_failures);
	}
	prometheus_head(out, "vmprov_broker_server_up", "gauge", "Whether the server's last answer counted.");
	for (i = 0; i < loop.config->n_server; i++) {
		upstream_status(i, &s);
		evbuffer_add_printf(out, "vmprov_broker_server_up{server=\"%s\"} %d\n", loop.config->server[i].name,
				    s.up);
	}
}

/* -- the process -------------------------------------------------------------------------------------------------- */

static void process(struct evbuffer *out)
{
	const struct http_counters *c = http_server_counters(loop.server);
	struct identity_status s = { .error = "" };
	struct commit_status commits;

	commit_status(&commits);
	identity_status(&s);
	prometheus_number(out, "vmprov_gatewayd_commits_total", "counter", "Transactions.", (long long)commits.commits);
	prometheus_number(out, "vmprov_gatewayd_commit_failures_total", "counter", "Transactions that failed.",
			  (long long)commits.failures);
	prometheus_number(out, "vmprov_gatewayd_connections", "gauge", "TLS connections open.", c->connections);
	prometheus_number(out, "vmprov_gatewayd_connections_total", "counter", "TLS connections taken.",
			  c->connections_total);
	prometheus_number(out, "vmprov_gatewayd_accept_pauses_total", "counter",
			  "Times that as many were open as may be.", c->pauses);
	prometheus_number(out, "vmprov_gatewayd_handshakes_failed_total", "counter", "TLS handshakes that failed.",
			  c->handshakes_failed);
	prometheus_number(out, "vmprov_gatewayd_timeouts_total", "counter",
			  "Connections closed since a request took too long.", c->timeouts);
	prometheus_head(out, "vmprov_gatewayd_answers_total", "counter",
			"Answers, by the first digit of their status.");
	evbuffer_add_printf(out,
			    "vmprov_gatewayd_answers_total{code=\"2xx\"} %lld\n"
			    "vmprov_gatewayd_answers_total{code=\"4xx\"} %lld\n"
			    "vmprov_gatewayd_answers_total{code=\"5xx\"} %lld\n",
			    (long long)c->answers_2xx, (long long)c->answers_4xx, (long long)c->answers_5xx);
	prometheus_number(out, "vmprov_gatewayd_certificate_expiry_timestamp_seconds", "gauge",
			  "The gateway's certificate's end; 0: there is none.", s.not_after);
}

void exposition_write(struct evbuffer *out)
{
	prometheus_head(out, "vmprov_gatewayd_build_info", "gauge", "Always 1.");
	evbuffer_add_printf(out, "vmprov_gatewayd_build_info{version=\"%s\"} 1\n", VMPROV_VERSION);
	prometheus_number(out, "vmprov_broker_recovering", "gauge",
			  "Whether no VM gets a lease, since the store was found to be an older copy.",
			  broker_recovering(loop.broker) > (int64_t)boot_clock_ms());
	products(out);
	answers(out);
	servers(out);
	process(out);
}
