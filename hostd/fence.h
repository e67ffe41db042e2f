/** nftables' rules that keep EAPOL between switch and host.
 *
 * `bridge vmprov_hostd`: no bridge forwards EAPOL from an uplink or to one.  `netdev vmprov_hostd`: of the frames that
 * an uplink without a bridge receives, EAPOL for others than the host goes no further (to macvtap); packet sockets see
 * all of it before.  Of those that it sends, EAPOL from others than the host and hostd is dropped, where the kernel can
 * do that (Linux 5.16).
 */
#ifndef FENCE_H
#define FENCE_H

#include "err.h"

/** Put it up in the place of the one before, in one transaction.  None of either takes it down.
 * @param ports  uplinks that may be a bridge's port.
 * @param alone  uplinks that are none; those that are not there are left out.
 * @return VMP_OK; VMP_EINVAL: a name is none; VMP_EIO: nftables refuses, and says why. */
VMP_CHECKED int fence_put(const char *const *ports, size_t n_port, const char *const *alone, size_t n_alone,
			  struct vmp_msg *msg);
/** Take it down; nothing if there is none. */
VMP_CHECKED int fence_remove(struct vmp_msg *msg);

#endif
