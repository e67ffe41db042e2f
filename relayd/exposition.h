/** Metrics in Prometheus' text format. */
#ifndef EXPOSITION_H
#define EXPOSITION_H

#include <event2/buffer.h>

void exposition_write(struct evbuffer *out);

#endif
