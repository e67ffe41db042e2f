/** AF_PACKET sockets for EAPOL. */
#ifndef PACKET_LINUX_H
#define PACKET_LINUX_H

#include "err.h"

#include <stdint.h>

/** What marks the frames that hostd sends (SO_MARK), so that the fence tells them from a guest's.  Drawn once in each
 * parent: a container may mark its frames, too. */
uint32_t packet_mark(void);

/** Open one on an interface: ETH_P_ALL with a filter for EAPOL (a unicast reply on a bridge's port reaches no socket
 * that is bound to ETH_P_PAE), what the host sends left out, promiscuous, member of the PAE group address.  Needs
 * CAP_NET_RAW.
 * @return VMP_OK with *fd, non-blocking; VMP_ENOENT: no such interface; VMP_EIO. */
VMP_CHECKED int packet_listen(const char *interface, int *fd, struct vmp_msg *msg);

/** Read one frame. @return its length; 0: none waits; -1: the interface is down or gone, errno says. */
int packet_read(int fd, uint8_t *frame, size_t room);
/** @return VMP_OK; VMP_EBUSY: the queue is full; VMP_EIO. */
VMP_CHECKED int packet_write(int fd, const uint8_t *frame, size_t len);

#endif
