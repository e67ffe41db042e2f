/** Requests to the kernel by netlink, one at a time; each waits for its answer, for two seconds at most. */
#ifndef NETLINK_LINUX_H
#define NETLINK_LINUX_H

#include "err.h"

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

#define NETLINK_REQUEST 8192 /**< [octets] of a request, at most */

struct netlink;

/** @param bus  NETLINK_ROUTE, NETLINK_GENERIC. @return VMP_OK; VMP_EIO, VMP_ENOMEM. */
VMP_CHECKED int netlink_open(int bus, struct netlink **out, struct vmp_msg *msg);
void netlink_close(struct netlink *netlink);
/** Begin a request: a buffer of the socket's own, of NETLINK_REQUEST octets, until the next one. */
struct nlmsghdr *netlink_request(struct netlink *netlink, uint16_t type, uint16_t flags);
/** Send it and wait: for its acknowledgement, or with NLM_F_DUMP for the end of the answer.  Both are wiped then, since
 * there may be keys in them.
 * @param each  each message of the answer; MNL_CB_OK, or MNL_CB_ERROR with errno; NULL: none is expected.
 * @return 0, or -errno: of the kernel, of each, -ETIMEDOUT, -EINTR for a dump during which things changed. */
VMP_CHECKED int netlink_ask(struct netlink *netlink, struct nlmsghdr *request, mnl_cb_t each, void *ctx);
/** The same to enum vmp_err, with a line. @param what  "cannot ...". */
int netlink_fail(struct vmp_msg *msg, int rc, const char *what, const char *name);
/** An interface's index, by NETLINK_ROUTE. @return > 0; -ENODEV, or another -errno. */
VMP_CHECKED int netlink_index(struct netlink *netlink, const char *name);

/** Take an interface away, by NETLINK_ROUTE. @return 0; -ENODEV, or another -errno. */
VMP_CHECKED int netlink_remove(struct netlink *netlink, const char *name);

#endif
