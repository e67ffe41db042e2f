/** EAP packets (RFC 3748 section 4). */
#ifndef VMP_EAP_H
#define VMP_EAP_H

#include "err.h"

#include <stdint.h>

#define VMP_EAP_HEADER 4    /**< [octets] code, identifier, length */
#define VMP_EAP_MAX    1496 /**< [octets] what one EAPOL frame carries */

enum vmp_eap_code { VMP_EAP_REQUEST = 1, VMP_EAP_RESPONSE, VMP_EAP_SUCCESS, VMP_EAP_FAILURE };

enum vmp_eap_type {
	VMP_EAP_NONE = 0,
	VMP_EAP_IDENTITY = 1,
	VMP_EAP_NOTIFICATION = 2,
	VMP_EAP_NAK = 3,
	VMP_EAP_MD5 = 4,
	VMP_EAP_TLS = 13,
	VMP_EAP_EXPANDED = 254
};

/** A packet that was read; data points into it. */
struct vmp_eap {
	uint8_t code, id;
	uint8_t type;	     /**< of a request or response; else VMP_EAP_NONE */
	const uint8_t *data; /**< the type-data */
	uint16_t len;	     /**< [octets] of data */
};

/** Read a packet.  Octets beyond its length are padding of the lower layer (4.1).
 * @return VMP_OK; VMP_EINVAL: a length under 4 or beyond len, a request or response without type, a success or failure
 * with data, another code. out is untouched on error. */
VMP_CHECKED int vmp_eap_read(const uint8_t *packet, size_t len, struct vmp_eap *out);

/** Write a packet. @param type  VMP_EAP_NONE for a success or failure. @param out  VMP_EAP_MAX octets.
 * @return its length; 0 if it would be longer. */
size_t vmp_eap_write(enum vmp_eap_code code, uint8_t id, uint8_t type, const uint8_t *data, size_t len,
		     uint8_t out[VMP_EAP_MAX]);

#endif
