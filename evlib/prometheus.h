/** Metrics in the text format of Prometheus (0.0.4). */
#ifndef PROMETHEUS_H
#define PROMETHEUS_H

#include "http_server.h"

#include <event2/buffer.h>

#define PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/** What is said of a metric before its values. @param type  "counter", "gauge", "histogram" */
void prometheus_head(struct evbuffer *out, const char *name, const char *type, const char *help);
/** A metric with one value. */
void prometheus_number(struct evbuffer *out, const char *name, const char *type, const char *help, long long value);
/** Answer with what write has to say. */
void prometheus_answer(struct http_exchange *x, void (*write)(struct evbuffer *out));

#endif
