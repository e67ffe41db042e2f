/** The UDP socket of the members' messages: the port after WireGuard's. */
#ifndef OFFERS_H
#define OFFERS_H

#include "wg.h"

#include <event2/event.h>

/** Listens on all addresses, IPv6 and IPv4. @param mark  of what is sent; 0: none. @return VMP_OK; VMP_EIO: the port is
 * taken, or the mark may not be set. */
VMP_CHECKED int offers_open(struct event_base *base, uint16_t port, uint32_t mark, struct vmp_msg *msg);
void offers_close(void);
/** One datagram; what cannot be sent is lost, as it may be on its way. */
void offers_send(const union wg_endpoint *to, const void *data, size_t len);
/** So that a NAT keeps the way back (as RFC 3948 section 2.3): one octet, which the other end throws away. */
void offers_keepalive(const union wg_endpoint *to);

#endif
