/** Octets both ways between two connections, as far as the service's type lets them pass. */
#ifndef PUMP_H
#define PUMP_H

#include "service.h"

#include <event2/bufferevent.h>

enum pump_end {
	PUMP_DONE,   /**< both sides have ended */
	PUMP_BROKEN, /**< one side broke off; what it had sent has gone on */
	PUMP_IDLE,   /**< nothing passed for [limits] idle_timeout */
	PUMP_REFUSED /**< something was not of the service's type */
};

struct pump;

/** Told once; the callee frees the pump and then the connections. @param why  one line; "" with PUMP_DONE. */
typedef void (*pump_fn)(void *ctx, enum pump_end end, const char *why);

/** The two stay the caller's, their callbacks are the pump's.  What they have read already is passed on as well.
 *
 * Nobody reads faster than the other side takes it: at most STREAM_ROOM octets and a TLS record wait in each place.
 * @return NULL when out of memory. */
struct pump *pump_new(struct bufferevent *near, struct bufferevent *far, struct service *service, pump_fn done,
		      void *ctx);
/** The near side has ended already: what it has sent goes on. */
void pump_near_ended(struct pump *pump);
/** NULL is safe. */
void pump_free(struct pump *pump);
/** What has passed, [octets]. */
void pump_octets(const struct pump *pump, int64_t *out, int64_t *in);

#endif
