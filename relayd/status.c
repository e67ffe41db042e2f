#include "status.h"
#include "exposition.h"
#include "identity.h"
#include "jsontext.h"
#include "prometheus.h"
#include "relay.h"

static void show_metrics(struct http_exchange *x)
{
	prometheus_answer(x, exposition_write);
}

static void healthz(struct http_exchange *x)
{
	const char *trouble = relay.draining ? "stopping" : identity_trouble(relay.ready);

	http_exchange_json(
		x, trouble ? 503 : 200,
		json_pack("{s:o, s:s}", "identity", vmp_json_text(trouble ? trouble : "ok"), "id", relay.id));
}

const struct http_route status_routes[] = {
	{ EVHTTP_REQ_GET, "/metrics", show_metrics, false },
	{ EVHTTP_REQ_GET, "/healthz", healthz, false },
	{ 0, NULL, NULL, false },
};
