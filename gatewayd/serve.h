/** VMs' lease requests. */
#ifndef SERVE_H
#define SERVE_H

#include "http_server.h"

#include <stdint.h>

extern const struct http_route serve_routes[];
/** [octets] of the struct that an exchange of these routes is. */
extern const size_t serve_request_size;

/** In a transaction: answer those who have waited, as far as they can be answered. */
VMP_CHECKED int serve_settle(int64_t now_ms, struct vmp_msg *msg);
/** A transaction came to nothing: those who wait no more for that are told so. */
void serve_lost(void);
/** Nobody waits any more: the program stops. */
void serve_stop(void);

#endif
