#include "status.h"
#include "exposition.h"
#include "identity.h"
#include "jsontext.h"
#include "relay.h"

#include <time.h>

static void show_metrics(struct http_exchange *x)
{
	struct evbuffer *text = evbuffer_new();

	if (!text) {
		http_exchange_fail(x, 503, "out of memory");
		return;
	}
	exposition_write(text);
	http_exchange_send(x, 200, "text/plain; version=0.0.4; charset=utf-8", evbuffer_pullup(text, -1),
			   evbuffer_get_length(text));
	evbuffer_free(text);
}

/* NULL: none. */
static const char *identity_trouble(void)
{
	/* identity_status() points into itself for the error. */
	static struct identity_status s;

	identity_status(&s);
	if (!s.there || !relay.ready)
		return *s.error ? s.error : "no certificate yet";
	return s.not_after <= (int64_t)time(NULL) ? "the certificate has ended" : NULL;
}

static void healthz(struct http_exchange *x)
{
	const char *trouble = relay.draining ? "stopping" : identity_trouble();

	http_exchange_json(
		x, trouble ? 503 : 200,
		json_pack("{s:o, s:s}", "identity", vmp_json_text(trouble ? trouble : "ok"), "id", relay.id));
}

const struct http_route status_routes[] = {
	{ EVHTTP_REQ_GET, "/metrics", show_metrics, false },
	{ EVHTTP_REQ_GET, "/healthz", healthz, false },
	{ 0, NULL, NULL, false },
};
