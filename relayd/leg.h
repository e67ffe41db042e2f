/** The far side of a tunnel: a connection to the next relay, or at the last one to the target. */
#ifndef LEG_H
#define LEG_H

#include "connect.h"
#include "service.h"

#include <event2/bufferevent.h>

struct leg;

/** Told once, not before leg_open() returns.
 * @param status  200: leg_bev() may be used; else what to refuse the request with, and why.
 * @param refused  the next relay says so; else the connection failed. */
typedef void (*leg_fn)(void *ctx, int status, const char *why, bool refused);

/** Takes [limits] connect_timeout at most.
 * @param request  its Via; borrowed until done is told. @return NULL when out of memory. */
struct leg *leg_open(struct service *service, const struct connect_request *request, leg_fn done, void *ctx);
/** The leg's own; its callbacks are the caller's from then on, and it reads. */
struct bufferevent *leg_bev(struct leg *leg);
/** Ends the connection without more ado; NULL is safe. */
void leg_free(struct leg *leg);

#endif
