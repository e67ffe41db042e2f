#include "prometheus.h"

void prometheus_head(struct evbuffer *out, const char *name, const char *type, const char *help)
{
	evbuffer_add_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void prometheus_number(struct evbuffer *out, const char *name, const char *type, const char *help, long long value)
{
	prometheus_head(out, name, type, help);
	evbuffer_add_printf(out, "%s %lld\n", name, value);
}

void prometheus_answer(struct http_exchange *x, void (*write)(struct evbuffer *out))
{
	struct evbuffer *text = evbuffer_new();

	if (!text) {
		http_exchange_fail(x, 503, "out of memory");
		return;
	}
	write(text);
	http_exchange_send(x, 200, PROMETHEUS_TYPE, evbuffer_pullup(text, -1), evbuffer_get_length(text));
	evbuffer_free(text);
}
