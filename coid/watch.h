/** The join bundle while coid runs: its token is used once, and another bundle is looked for when this machine is
 * turned away. */
#ifndef WATCH_H
#define WATCH_H

#include "err.h"

#include <event2/event.h>

/** After identity_init(): uses the bundle's token, if it has one. */
VMP_CHECKED int watch_init(struct event_base *base, struct vmp_msg *msg);
void watch_free(void);
/** Look now, if there is any trouble. */
void watch_look(void);
/** There is a new certificate: a token that has brought it is wiped, everywhere that is ours. */
void watch_enrolled(void);

#endif
