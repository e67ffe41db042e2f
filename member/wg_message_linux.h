/** Messages of the kernel's WireGuard (linux/wireguard.h), without sending them. */
#ifndef WG_MESSAGE_LINUX_H
#define WG_MESSAGE_LINUX_H

#include "wg_internal.h"

#include <libmnl/libmnl.h>

/** [octets] of a request, at most: a peer's addresses beyond it go into a further one. */
#define WG_MESSAGE 4096

/** The messages begin with this; name is the interface's. */
void wg_message_begin(struct nlmsghdr *message, uint8_t command, const char *name);
void wg_message_device(struct nlmsghdr *message, const uint8_t *private_key, uint16_t port, uint32_t mark);
/** @param from  0, and then where the message before has ended: those only add addresses.
 * @return up to which of peer->allowed it goes; n_allowed: all are in it. */
size_t wg_message_peer(struct nlmsghdr *message, const struct wg_peer *peer, unsigned what, size_t from);
void wg_message_remove(struct nlmsghdr *message, const uint8_t *key);
/** A message of a dump: its peers go into list. @return 0; -errno: EBADMSG when it is not well-formed, ENOMEM. */
VMP_CHECKED int wg_message_read(const struct nlmsghdr *message, struct wg_list *list);

#endif
