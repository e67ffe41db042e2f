/** Every ten seconds: what WireGuard has sent and received for each peer.  Finds those that nobody needs any more, that
 * do not answer, and that should not be there. */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include "err.h"

VMP_CHECKED int traffic_open(struct vmp_msg *msg);
void traffic_close(void);
/** A sweep within a second: something went wrong, or there are too many. */
void traffic_soon(void);

#endif
