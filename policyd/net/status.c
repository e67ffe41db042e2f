/* For those who watch: /metrics, /healthz, /readyz.  Without TLS, on an address of their own. */
#include "request.h"

#include <event2/buffer.h>

static const char metrics_type[] = "text/plain; version=0.0.4; charset=utf-8";

static void take_counters(void)
{
	const struct http_counters *c = http_server_counters(net.server);

	metric_set(METRIC_CONNECTIONS, c->connections);
	metric_set(METRIC_CONNECTIONS_TOTAL, c->connections_total);
	metric_set(METRIC_CONNECTIONS_REFUSED, c->pauses);
	metric_set(METRIC_HANDSHAKES_FAILED, c->handshakes_failed);
	metric_set(METRIC_TIMEOUTS, c->timeouts);
	metric_set(METRIC_HTTP_2XX, c->answers_2xx);
	metric_set(METRIC_HTTP_4XX, c->answers_4xx);
	metric_set(METRIC_HTTP_5XX, c->answers_5xx);
	metric_set(METRIC_HTTP_SECONDS_MS, c->busy_ms);
}

static void metrics_came(struct request *req, const struct message *m)
{
	struct evbuffer *text = evbuffer_new();

	if (!text) {
		request_fail(req, 503, "out of memory");
		return;
	}
	evbuffer_add_printf(text,
			    "# HELP vmprov_build_info Always 1.\n# TYPE vmprov_build_info gauge\n"
			    "vmprov_build_info{version=\"%s\"} 1\n"
			    "# HELP vmprov_store_up Whether the store process answers.\n# TYPE vmprov_store_up gauge\n"
			    "vmprov_store_up %d\n",
			    VMPROV_VERSION, m->err == 0);
	take_counters();
	metric_write(METRIC_NET, text);
	if (m->err == 0)
		evbuffer_add(text, m->blob, m->blob_len);
	request_send(req, 200, metrics_type, evbuffer_pullup(text, -1), evbuffer_get_length(text));
	evbuffer_free(text);
}

static void metrics(struct http_exchange *x)
{
	struct request *req = request_of(x);

	req->ask.type = M_METRICS;
	request_ask(req, metrics_came);
}

/* The store process has written, and the signer answered it. */
static void healthz(struct http_exchange *x)
{
	struct request *req = request_of(x);

	req->ask.type = M_HEALTH;
	request_ask(req, request_relay);
}

static void readyz(struct http_exchange *x)
{
	bool stopping = http_server_stopping(net.server);

	if (stopping || !net.ready)
		http_exchange_fail(x, 503, stopping ? "stopping" : "no certificate yet");
	else
		healthz(x);
}

/* On the service's own address, for those who have a certificate: what its clients meet, TLS and all. */
const struct http_route health_routes[] = {
	{ EVHTTP_REQ_GET, "/healthz", healthz, true },
	{ 0, NULL, NULL, false },
};

const struct http_route status_routes[] = {
	{ EVHTTP_REQ_GET, "/metrics", metrics, false },
	{ EVHTTP_REQ_GET, "/healthz", healthz, false },
	{ EVHTTP_REQ_GET, "/readyz", readyz, false },
	{ 0, NULL, NULL, false },
};
