/** EAPOL frames on Ethernet (IEEE 802.1X-2010 clause 11). */
#ifndef VMP_EAPOL_H
#define VMP_EAPOL_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

#define VMP_EAPOL_ETHERTYPE 0x888e
#define VMP_EAPOL_HEADER    4	 /**< [octets] version, type, length */
#define VMP_EAPOL_BODY_MAX  1496 /**< [octets] an Ethernet frame's 1500 less the header */
#define VMP_EAPOL_FRAME_MAX 1514 /**< [octets] with the Ethernet header */
#define VMP_EAPOL_PAE_GROUP                                                                                            \
	0x0180c2000003ULL /**< where a supplicant sends: the nearest non-TPMR bridge (table 11-1)                      \
			   */

/** EAPOL packet types (table 11-3). */
enum vmp_eapol_type { VMP_EAPOL_EAP = 0, VMP_EAPOL_START = 1, VMP_EAPOL_LOGOFF = 2, VMP_EAPOL_KEY = 3 };

/** A frame that was read; body points into it. */
struct vmp_eapol {
	uint64_t dst, src; /**< as in lib/mac.h */
	uint8_t version, type;
	const uint8_t *body;
	uint16_t len; /**< [octets] of body */
};

/** Is this the address of a group? */
static inline bool vmp_eapol_group(uint64_t mac)
{
	return mac >> 40 & 1;
}

/** Read a frame with its Ethernet header.  What follows the body is padding (60 octets at least go over the wire).
 * @return VMP_OK; VMP_ENOENT: another ethertype; VMP_EINVAL: too short, too long, a source that is a group or zero.
 * A version or type that is not known is no error: the receiver decides (11.4). out is untouched on error. */
VMP_CHECKED int vmp_eapol_read(const uint8_t *frame, size_t len, struct vmp_eapol *out);

/** Write a whole frame. @param version  1 to 3. @param body  len octets, NULL with 0. @param out  VMP_EAPOL_FRAME_MAX
 * octets.
 * @return its length; 0 if len is over VMP_EAPOL_BODY_MAX. */
size_t vmp_eapol_write(uint64_t dst, uint64_t src, uint8_t version, enum vmp_eapol_type type, const uint8_t *body,
		       size_t len, uint8_t out[VMP_EAPOL_FRAME_MAX]);

#endif
