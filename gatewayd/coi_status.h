/** The member process' status server: /metrics, /healthz, /readyz, /v1/status. */
#ifndef COI_STATUS_H
#define COI_STATUS_H

#include "http_server.h"

extern const struct http_route coi_status_routes[];

#endif
