/** For those who watch: /metrics, /healthz, /readyz, /v1/status.  Without TLS, on an address of their own. */
#ifndef STATUS_H
#define STATUS_H

#include "http_server.h"

extern const struct http_route status_routes[], health_routes[];

#endif
