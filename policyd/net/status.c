/* For those who watch: /metrics, /healthz, /readyz.  Without TLS, on an address of their own. */
#include "request.h"

#include <string.h>

static const char metrics_type[] = "text/plain; version=0.0.4; charset=utf-8";

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
	metric_write(METRIC_NET, text);
	if (m->err == 0)
		evbuffer_add(text, m->blob, m->blob_len);
	request_send(req, 200, metrics_type, evbuffer_pullup(text, -1), evbuffer_get_length(text));
	evbuffer_free(text);
}

static void metrics(struct request *req)
{
	req->ask.type = M_METRICS;
	request_ask(req, metrics_came);
}

/* The store process has written, and the signer answered it. */
static void healthz(struct request *req)
{
	req->ask.type = M_HEALTH;
	request_ask(req, request_relay);
}

static void readyz(struct request *req)
{
	if (net.draining || !net.ready)
		request_fail(req, 503, net.draining ? "stopping" : "no certificate yet");
	else
		healthz(req);
}

const struct route status_routes[] = {
	{ EVHTTP_REQ_GET, "/metrics", metrics, false },
	{ EVHTTP_REQ_GET, "/healthz", healthz, false },
	{ EVHTTP_REQ_GET, "/readyz", readyz, false },
	{ 0, NULL, NULL, false },
};
