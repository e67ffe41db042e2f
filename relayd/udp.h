/** Datagrams: sockets, and turns at them. */
#ifndef UDP_H
#define UDP_H

#include "err.h"

/** Datagrams that are read before others get their turn. */
#define UDP_BURST 64

/** Bind a socket for datagrams. @param address  as vmp_listen_check() takes it. @param fd  non-blocking.
 * @return VMP_OK; VMP_EINVAL; VMP_EIO. */
VMP_CHECKED int udp_bind(const char *address, int *fd, struct vmp_msg *msg);

#endif
