/** /metrics. */
#ifndef EXPOSITION_H
#define EXPOSITION_H

#include <event2/buffer.h>

/** In Prometheus' text format. */
void exposition_write(struct evbuffer *out);

#endif
