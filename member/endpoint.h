/** Where others reach this machine. */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include "wg.h"

#define ENDPOINT_TEXT 64
#define ENDPOINT_HOST 256

/** "192.0.2.1:51820", "[2001:db8::1]:51820" */
void endpoint_write(const union wg_endpoint *endpoint, char out[ENDPOINT_TEXT]);
/** An address, perhaps with a port. @param port  if it has none. @return VMP_OK; VMP_EINVAL. */
VMP_CHECKED int endpoint_read(const char *text, uint16_t port, union wg_endpoint *out, struct vmp_msg *msg);
/** The same with the port after it. */
union wg_endpoint endpoint_next_port(const union wg_endpoint *endpoint);
/** sa_family, address and port agree. */
bool endpoint_equal(const union wg_endpoint *a, const union wg_endpoint *b);

/** The host that a URL such as "https://host:port/path" names. @return false: none, or too long. */
bool endpoint_host(const char *url, char out[ENDPOINT_HOST]);

/** The address that this machine has on its way to a host, which is found out without sending anything.  The host's
 * name is resolved once, on a thread of libc's; until then, and for a name that is not resolved, the default route
 * counts.
 * @param url  "https://host:port". @param mark  of routes; 0: none.
 * @return VMP_OK; VMP_ENOENT: there is no way. */
VMP_CHECKED int endpoint_find(const char *url, uint32_t mark, uint16_t port, union wg_endpoint *out,
			      struct vmp_msg *msg);
/** Is the host's name being resolved?  Then what was found may not be the last word. */
bool endpoint_is_asked(void);
/** Forget the host's addresses. */
void endpoint_close(void);

#endif
