/** Addresses, prefixes and ports as people type them, in one canonical form.  No I/O.
 *
 * A prefix is "192.0.2.0/24" or "2001:db8::/32", without bits beyond it (RFC 4632, RFC 4291 2.3); IPv6 is written as
 * RFC 5952 says.  Addresses of IPv4 inside of IPv6 (::ffff:192.0.2.1) are none: they would stand for both.
 */
#ifndef VMP_CIDR_H
#define VMP_CIDR_H

#include "err.h"

#define VMP_CIDR_TEXT 44   /**< room for a prefix */
#define VMP_CIDR_LIST 3001 /**< room for a list, of prefixes or of ports */

/** One prefix.
 * @param text  ends with a NUL. @param out  the canonical form.
 * @return VMP_OK; VMP_EINVAL with what was expected, such as "expected 192.0.2.0/24 for 192.0.2.1/24". */
VMP_CHECKED int vmp_cidr_form(const char *text, char out[VMP_CIDR_TEXT], struct vmp_msg *msg);

/** Lists: items separated by commas; blanks around them are taken away; an empty list stays empty.
 * @param out  room for VMP_CIDR_LIST octets; may not be text. @return VMP_OK; VMP_EINVAL, also when it gets too long.
 */
typedef int (*vmp_list_fn)(const char *text, char *out, struct vmp_msg *msg);

/** Prefixes. */
VMP_CHECKED int vmp_cidr_routes(const char *text, char *out, struct vmp_msg *msg);
/** Addresses and prefixes. */
VMP_CHECKED int vmp_cidr_hosts(const char *text, char *out, struct vmp_msg *msg);
/** "443", "8000-8100": 1 to 65535. */
VMP_CHECKED int vmp_cidr_ports(const char *text, char *out, struct vmp_msg *msg);

#endif
