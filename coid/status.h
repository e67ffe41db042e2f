/** For those who watch: /metrics, /healthz, /readyz, /v1/status; and for root, on the socket alone, POST /v1/renew. */
#ifndef STATUS_H
#define STATUS_H

#include "http_server.h"

extern const struct http_route status_routes[], control_routes[];

#endif
