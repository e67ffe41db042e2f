/** The IP packets that come out of the TUN interface, and the ICMP errors about them; no I/O. */
#ifndef NEED_PACKET_H
#define NEED_PACKET_H

#include "prefix.h"

#include <stddef.h>

#define NEED_REFUSAL 1280 /**< [octets] of an ICMP error, at most (RFC 4443, section 2.4, c) */

/** Is it a packet from one machine to another, and between which?
 * @return VMP_OK; VMP_EINVAL: not IPv4 or IPv6, not whole, or from or to something that is no machine's own address: a
 * group, this host, a link. */
VMP_CHECKED int need_packet_read(const uint8_t *packet, size_t len, struct prefix *to, struct prefix *from);
/** Write the whole packet that tells its sender that it is not allowed: ICMP "communication administratively
 * prohibited" (RFC 1812, section 5.2.7.1), ICMPv6 "communication with destination administratively prohibited" (RFC
 * 4443, section 3.1).
 * @param own  of the same family. @param out  NEED_REFUSAL octets.
 * @return its length; 0: none is to be sent about this one: an ICMP error, a later fragment, no packet between machines
 * (RFC 1122, section 3.2.2; RFC 4443, section 2.4, e). */
size_t need_packet_refuse(const uint8_t *packet, size_t len, const struct prefix *own, uint8_t *out);

#endif
