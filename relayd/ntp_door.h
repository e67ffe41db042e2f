/** Where NTP requests come in: services' own sockets for datagrams.
 *
 * Each service has one leg for all that ask, opened when the first one does.
 */
#ifndef NTP_DOOR_H
#define NTP_DOOR_H

#include "service.h"

/** Open the sockets, before anything is given up; nothing is read yet. */
VMP_CHECKED int ntp_door_bind(const struct config *config, struct vmp_msg *msg);
/** Take requests: there is a certificate. */
VMP_CHECKED int ntp_door_open(struct vmp_msg *msg);
/** Take no more, and end the legs. */
void ntp_door_close(void);

#endif
