/** Class, which ties accounting to its authorization (RFC 2865, section 5.25): "vmprov:525400aabbcc:COI:TOKEN".
 *
 * TOKEN is 16 hexadecimal digits, new for each authorization.
 */
#ifndef VMP_CLASS_H
#define VMP_CLASS_H

#include "err.h"

#include <stdint.h>

#define VMP_CLASS_MAX 112

/** @param coi  the primary COI's name, or ""; one that does not fit is cut. */
void vmp_class_format(uint64_t mac, const char *coi, uint64_t token, char out[VMP_CLASS_MAX]);
/** Read what vmp_class_format() wrote, octet by octet.
 * @param mac,token  out; untouched on error.
 * @return VMP_OK; VMP_ENOENT: none of ours; VMP_EINVAL: ours, but not whole. */
VMP_CHECKED int vmp_class_parse(const char *text, size_t len, uint64_t *mac, uint64_t *token);

#endif
