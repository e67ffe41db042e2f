/** For those who watch: /metrics, /healthz.  Without TLS, on an address of their own. */
#ifndef STATUS_H
#define STATUS_H

#include "http_server.h"

extern const struct http_route status_routes[];

#endif
