/** HOST:PORT, as CONNECT names a target (RFC 9110 section 9.3.6). */
#ifndef AUTHORITY_H
#define AUTHORITY_H

#include "err.h"

#include <stdint.h>

#define AUTHORITY_HOST 254			/**< a DNS name, or an address without brackets, and a NUL */
#define AUTHORITY_TEXT (AUTHORITY_HOST + 2 + 6) /**< with brackets, colon and port */

/** Read a DNS name, an IPv4 address or an IPv6 address in brackets, a colon and a port from 1 to 65535.
 * @param text  len octets, NUL not needed; the whole text must be one.
 * @param out   the same with its letters in lower case: two that are equal are the same text; untouched on error.
 * @return VMP_OK; VMP_EINVAL. */
VMP_CHECKED int authority_read(const char *text, size_t len, char out[AUTHORITY_TEXT]);

/** The parts of one that was read. */
void authority_split(const char *authority, char host[AUTHORITY_HOST], uint16_t *port);

#endif
