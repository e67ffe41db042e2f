/** Listening sockets, by the address that a configuration names. */
#ifndef VMP_LISTEN_H
#define VMP_LISTEN_H

#include "err.h"

/** Is it ADDRESS:PORT, such as 192.0.2.1:8443 or [::]:8443? @return VMP_OK; VMP_EINVAL. */
VMP_CHECKED int vmp_listen_check(const char *address, struct vmp_msg *msg);

/** Listen on TCP; what it accepts has TCP_NODELAY. An IPv6 address takes IPv4 as well.
 * Waits up to 2 s for an address that is in use: whose instance was killed, and is ending.
 * @param fd  non-blocking, and closed on exec.
 * @return VMP_OK; VMP_EINVAL: no such address; VMP_EIO. */
VMP_CHECKED int vmp_listen_tcp(const char *address, int backlog, int *fd, struct vmp_msg *msg);
/** The same at each address of a list, as vmp_setting_addresses() has checked it.
 * @param fds  room for all of them behind the *n that are there; *n counts on, also when one fails. */
VMP_CHECKED int vmp_listen_list(const char *list, int backlog, int *fds, int *n, struct vmp_msg *msg);

/** Listen on a socket in the file system, of mode 0660; the folder is made (0755) if there is none.  A socket that
 * nobody listens on any more gives way.
 * @param gid  its group; (unsigned)-1: ours.
 * @return VMP_OK; VMP_EINVAL: too long a path; VMP_EEXIST: somebody listens there, or it is no socket; VMP_EIO. */
VMP_CHECKED int vmp_listen_unix(const char *path, unsigned gid, int backlog, int *fd, struct vmp_msg *msg);

#endif
