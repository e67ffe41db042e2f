/** Tunnels: from a connection that was taken to its end.
 *
 * TLS with who comes, its CONNECT, a leg to the target, octets both ways.  Where a service has a listener of its own
 * there is no CONNECT: the listener says where to.
 */
#ifndef TUNNEL_H
#define TUNNEL_H

#include "service.h"

#include <sys/socket.h>

/** Take a connection over. @param entry  whose listener it came to; NULL: [listen]'s. @param from  its address. */
void tunnel_new(int fd, struct service *entry, const struct sockaddr *from);
/** Those that there are, those that are still being asked for or refused among them. */
int64_t tunnel_count(void);
/** End all of them. */
void tunnel_end_all(void);

#endif
