/** RADIUS packets of CoA and Disconnect (RFC 5176), with FreeRADIUS's library: the one file that knows its headers. */
#ifndef COA_PACKET_H
#define COA_PACKET_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

#define PACKET_MAX    4096 /**< [octets] RFC 2865 section 3 */
#define PACKET_HEADER 20

enum packet_code {
	PACKET_DISCONNECT = 40,
	PACKET_DISCONNECT_ACK,
	PACKET_DISCONNECT_NAK,
	PACKET_COA,
	PACKET_COA_ACK,
	PACKET_COA_NAK
};

/** An attribute by its dictionary name; texts are borrowed. */
struct packet_attr {
	const char *name, *value;
};

/** A request as it goes out, each time with the same octets: a NAS that saw it already repeats its answer. */
struct packet {
	uint8_t octet[PACKET_MAX];
	size_t len;
};

/** Read the dictionaries in a directory, once in a process, and get ready to do without files.
 * @return VMP_OK, VMP_EINVAL. */
VMP_CHECKED int packet_open(const char *dictionary, struct vmp_msg *msg);

/** Is there such an attribute, and can it have the value?  @return VMP_OK, VMP_EINVAL with what is wrong. */
VMP_CHECKED int packet_attr_check(const struct packet_attr *attr, struct vmp_msg *msg);

/** Make a request: the attributes in their order, Event-Timestamp, Message-Authenticator.
 * @param now  [s] since 1970, UTC.
 * @return VMP_OK; VMP_EINVAL for an attribute that is not known, a value that it cannot have, or more than fits. */
VMP_CHECKED int packet_encode(enum packet_code code, uint8_t id, const char *secret, const struct packet_attr *attr,
			      size_t n, int64_t now, struct packet *out, struct vmp_msg *msg);

/** Is this the answer to a request?  Checks form, identifier, code, Response Authenticator and, when there is one,
 * Message-Authenticator (RFC 5176 section 3: a NAS may leave it out).
 * @param cause  out: Error-Cause, 0 when there is none.
 * @return VMP_OK; VMP_EINVAL: no answer to it, with why; VMP_EACCES: it is, and does not verify. */
VMP_CHECKED int packet_verify(const struct packet *request, const char *secret, const uint8_t *octet, size_t len,
			      enum packet_code *code, uint32_t *cause, struct vmp_msg *msg);

#endif
