/** The UDP sockets of the coa process, one for each kind of address. */
#ifndef COA_SOCKETS_H
#define COA_SOCKETS_H

#include "policy.h"

struct sockets {
	int v4, v6; /**< -1: none */
};

/** Open them.
 * @param address  what to send from: at most one IPv4 and one IPv6 address; "": whatever the host chooses, both kinds.
 * @return VMP_OK; VMP_EINVAL, VMP_EIO with why. */
VMP_CHECKED int sockets_open(struct sockets *out, const char *address, struct vmp_msg *msg);
/** Is address such a list?  Opens nothing. */
VMP_CHECKED int sockets_check(const char *address, struct vmp_msg *msg);

/** Is there one for an address of this kind? */
bool sockets_reach(const struct sockets *sockets, const struct vmp_addr *address);
/** @return 0 or an errno. */
int sockets_send(const struct sockets *sockets, const struct vmp_addr *to, uint16_t port, const uint8_t *octet,
		 size_t len);
/** @return false: there is no more now. */
bool sockets_receive(int fd, struct vmp_addr *from, uint16_t *port, uint8_t *room, size_t size, size_t *len);

#endif
