/** IP addresses and prefixes. */
#ifndef PREFIX_H
#define PREFIX_H

#include "err.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

struct prefix {
	uint8_t family; /**< AF_INET, AF_INET6; 0: none */
	uint8_t bits;
	uint8_t address[16]; /**< 4 or 16 octets, the rest is zero */
};
#define PREFIX_TEXT 50

/** "fd00::/64", "192.0.2.0/24", or an address, which is a prefix of all its bits.  Bits beyond the prefix must be zero.
 * @return VMP_OK; VMP_EINVAL. */
VMP_CHECKED int prefix_read(const char *text, struct prefix *out, struct vmp_msg *msg);
void prefix_write(const struct prefix *prefix, char out[PREFIX_TEXT]);
/** The prefix of all bits of an address. @param octets  4 or 16 */
struct prefix prefix_of(int family, const void *octets);
bool prefix_equal(const struct prefix *a, const struct prefix *b);
/** Is b inside of a? */
bool prefix_has(const struct prefix *a, const struct prefix *b);

#endif
