/** Who is served: guests.conf, [guests] serve. */
#ifndef SERVE_H
#define SERVE_H

#include "guest.h"

/** Read the file: sections [serve] and [except], in each any number of
 *   mac = 52:54:00:aa:bb:cc | 52:54:00:00:00:00/24 | 52:54:00:00:00:00 - 52:54:00:00:ff:ff
 *   name = GLOB        of the guest
 *   port = GLOB        of its tap
 * A file that is not there serves all; one without [serve] all but its exceptions.
 * @return VMP_OK, what holds is the new one; else "file:line: ..." and the old one holds. */
VMP_CHECKED int serve_read(const char *path, struct vmp_msg *msg);
/** [except] wins over [serve], whatever the order. */
bool serve_is_served(const struct guest_info *guest, const struct guest_nic *nic);
void serve_free(void);

#endif
