/** What may pass in a tunnel, by what its service carries; no input or output. */
#ifndef FILTER_H
#define FILTER_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum service_type {
	SERVICE_TLS,	/**< TLS that ends elsewhere */
	SERVICE_SYSLOG, /**< frames of RFC 5425 */
	SERVICE_NTP	/**< packets of RFC 5905, with their length before them */
};

#define FILTER_LOOK 8320 /**< [octets] that a filter needs to see at most: room for any one frame */

/** One direction of a tunnel; zeroed but for type and back. */
struct filter {
	enum service_type type;
	bool back;  /**< from the service to who asks for it */
	bool begun; /**< TLS: the first octets were good */
	uint64_t n; /**< frames that passed */
};

/** Which octets may go on?
 * @param data  what has come and not gone on: all of it, or FILTER_LOOK octets of more.
 * @return how many of them; 0: more must come first; VMP_EINVAL with why: nothing more may pass. */
VMP_CHECKED ssize_t filter_pass(struct filter *f, const uint8_t *data, size_t len, struct vmp_msg *why);

/** Does everything pass, from now on? */
bool filter_is_open(const struct filter *f);

/** May what comes end here? @param left  [octets] that could not go on. */
bool filter_may_end(const struct filter *f, size_t left);

#endif
