/** Does this machine forward packets at all? (ip-sysctl of Linux: ip_forward, conf.all.forwarding) */
#ifndef FORWARDING_H
#define FORWARDING_H

#include "err.h"

/** Have it forward, IPv4 and IPv6; a family that the kernel does not have is left out.
 * @return VMP_OK; VMP_EIO: it does not, and may not be told to. */
VMP_CHECKED int forwarding_on(struct vmp_msg *msg);

#endif
