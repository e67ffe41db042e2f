/** Guests and hostd itself as operators see them: JSON, docs/PROTOCOL.md. */
#ifndef VIEW_H
#define VIEW_H

#include "guest.h"

#include <jansson.h>

/** @return new; NULL when out of memory. */
json_t *view_guest(const struct guest *guest);
json_t *view_status(void);

struct uplink;
/** The words for an uplink. */
struct view_uplink {
	unsigned authorized;
	const char *replies; /**< unicast, group, unknown */
	const char *host;    /**< the host's own port; "": not asked for */
};
void view_uplink(struct uplink *uplink, struct view_uplink *out);

/** "running", "prepared", "incoming"; and where policyd stands with it. */
const char *view_guest_state(const struct guest *guest);
const char *view_report(enum guest_report report);

/** Call once, at the start: uptime counts from here. */
void view_init(void);

#endif
