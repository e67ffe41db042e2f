/** What keeps others from speaking in the name of machines inside: Linux takes a packet for any of its addresses at any
 * interface, so somebody on the underlay could send to an inner address in the clear, with another machine's as source.
 */
#ifndef GUARD_LINUX_H
#define GUARD_LINUX_H

#include "prefix.h"

struct guard_settings {
	const char *wireguard, *tun; /**< interfaces that inner addresses come by; and by lo */
	struct prefix own[2];	     /**< this machine's inner addresses; family 0: none */
	struct prefix site[2];	     /**< of all machines; family 0: none */
	bool gateway;		     /**< others' packets go through this machine */
	uint16_t port;		     /**< WireGuard's, whose own packets pass without a further look; 0: none do */
	uint32_t mark;		     /**< of those that it sends; 0: none */
};
/** Drop what comes by any other interface from an inner address, or for this machine's own; and what would leave by any
 * other interface for an inner address.  A machine that is no gateway takes by WireGuard only what is for itself, even
 * if it forwards for others, and lets nothing of its inner addresses out elsewhere.  It is an nftables table of its
 * own, `inet vmprov_guard`, replaced in one step, and stays when the program ends.
 * @return VMP_OK; VMP_EIO: nftables refuses; VMP_ENOMEM. */
VMP_CHECKED int guard_set(const struct guard_settings *settings, struct vmp_msg *msg);
/** Is it there, as far as can be known?  Whoever flushes all rules takes it away as well. */
bool guard_is_there(void);

#endif
