/** Syslog over TLS (RFC 5425): messages of RFC 5424 with their length before them, as octets; no input or output. */
#ifndef SYSLOG_FRAME_H
#define SYSLOG_FRAME_H

#include "err.h"

#include <stdint.h>
#include <sys/types.h>

#define SYSLOG_MESSAGE 8192		    /**< [octets] of a message at most */
#define SYSLOG_FRAME   (SYSLOG_MESSAGE + 5) /**< with its length and a blank */

/** Read one frame, "LENGTH SP MESSAGE", and check the message's header and structured data; what follows them is any
 * octets.
 * @return the frame's length; 0: more is needed; VMP_EINVAL with why, as soon as that is certain. */
VMP_CHECKED ssize_t syslog_frame_read(const uint8_t *data, size_t len, struct vmp_msg *why);

#endif
