/** MAC addresses: 48-bit numbers inside, text outside. */
#ifndef VMP_MAC_H
#define VMP_MAC_H

#include "err.h"

#include <stdint.h>

#define VMP_MAC_TEXT 18 /**< "52:54:00:aa:bb:cc" and its NUL */

/** Read a unicast MAC address in any common form, of any case; the whole text must be one.
 *
 * Forms: 52:54:00:aa:bb:cc, 52-54-00-aa-bb-cc, 5254.00aa.bbcc, 5254-00aa-bbcc (Huawei),
 * 525400-aabbcc (HPE), 525400aabbcc.
 *
 * @param text  len octets, NUL not needed; borrowed.
 * @param mac   out, first octet in bits 47-40; untouched on error.
 * @return VMP_OK; VMP_EINVAL for anything else, a group address and all zeros among it.
 * Source: RFC 3580 section 3.21 for the second form; the others are what NASes send.
 */
VMP_CHECKED int vmp_mac_parse(const char *text, size_t len, uint64_t *mac);

/** Write the canonical form, "52:54:00:aa:bb:cc". */
void vmp_mac_format(uint64_t mac, char out[VMP_MAC_TEXT]);

/** Write the twelve digits alone, "525400aabbcc": what most NASes use as MAB user name. */
void vmp_mac_format_bare(uint64_t mac, char out[13]);

#endif
