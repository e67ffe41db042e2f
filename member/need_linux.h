/** Packets for machines that are no WireGuard peers yet: they are routed to a TUN interface of ours, and what comes out
 * of it says whom somebody wants to talk to.  WireGuard itself drops such packets without a word. */
#ifndef NEED_LINUX_H
#define NEED_LINUX_H

#include "prefix.h"

#include <event2/event.h>

#define NEED_PACKET 65535 /**< [octets] */

struct need;

/** A packet, which is gone when it returns. @param to, from  its addresses: those of machines, never of a group or a
 * link. */
typedef void (*need_fn)(void *ctx, const struct prefix *to, const struct prefix *from, const uint8_t *packet,
			size_t len);

/** Make the interface, up; it goes when this process ends.  To be called before the sandbox; events come from the loop.
 * @param mtu  0: as the kernel has it. @return VMP_OK; VMP_EINVAL, VMP_EACCES, VMP_EIO, VMP_ENOMEM. */
VMP_CHECKED int need_open(struct event_base *base, const char *name, unsigned mtu, need_fn fn, void *ctx,
			  struct need **out, struct vmp_msg *msg);
void need_close(struct need *need);
/** Send a packet that came out of it once more, now that there is another way.  As it is, by a raw socket.
 * @return VMP_OK; VMP_EINVAL: no packet from one machine to another; VMP_EIO. */
VMP_CHECKED int need_send(struct need *need, const uint8_t *packet, size_t len, struct vmp_msg *msg);
/** Tell its sender that it is not allowed, as need_packet_refuse() says; at most 100 a second.
 * @param own  our address of its family, that it comes from. */
void need_refuse(struct need *need, const struct prefix *own, const uint8_t *packet, size_t len);

#endif
