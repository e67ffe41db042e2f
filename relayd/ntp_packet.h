/** NTP packets (RFC 5905) of clients and of servers' answers, and their frames in a tunnel; no input or output.
 *
 * A frame is the packet's length, 2 octets with the high one first, and the packet.
 */
#ifndef NTP_PACKET_H
#define NTP_PACKET_H

#include "err.h"

#include <stdint.h>
#include <sys/types.h>

#define NTP_LEAST 48  /**< [octets] of a packet: its header */
#define NTP_MOST  468 /**< with extension fields and a MAC */
#define NTP_FRAME (2 + NTP_MOST)

enum ntp_mode { NTP_CLIENT = 3, NTP_SERVER = 4 };

/** Check a packet: length, version 3 or 4, mode, and that the timestamp by which an answer finds its request is not 0.
 * @param key  out: that timestamp: a request's transmit timestamp, an answer's origin timestamp.
 * @return VMP_OK; VMP_EINVAL with why. */
VMP_CHECKED int ntp_packet_read(const uint8_t *data, size_t len, enum ntp_mode mode, uint64_t *key,
				struct vmp_msg *why);

/** Read a frame and check its packet. @param key  as above.
 * @return the frame's length; 0: more is needed; VMP_EINVAL with why. */
VMP_CHECKED ssize_t ntp_frame_read(const uint8_t *data, size_t len, enum ntp_mode mode, uint64_t *key,
				   struct vmp_msg *why);
/** What goes before a packet. */
void ntp_frame_head(size_t len, uint8_t out[2]);

#endif
