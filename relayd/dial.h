/** Sockets that are connected to a host, by its name or its address. */
#ifndef DIAL_H
#define DIAL_H

#include "authority.h"

struct dial;

/** Told once, not before dial_start() returns; the dial is gone then.
 * @param fd  -1: not connected, and why says so; else non-blocking, and the callee's. */
typedef void (*dial_fn)(void *ctx, int fd, const char *why);

/** Look the host up and try its addresses one after the other.  Takes [limits] connect_timeout at most, which they
 * share.
 * @param socktype  SOCK_STREAM, SOCK_DGRAM. @return NULL when out of memory. */
struct dial *dial_start(const char *authority, int socktype, dial_fn done, void *ctx);
/** End without a word; NULL is safe. */
void dial_cancel(struct dial *dial);

#endif
