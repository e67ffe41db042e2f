#include "netlink_linux.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER	   65536 /* [octets] more than the kernel puts into one piece of a dump */
#define PATIENCE_S 2
#define STALE	   1000 /* answers to earlier requests that are passed over */

struct netlink {
	struct mnl_socket *socket;
	uint32_t seq;
	bool more; /* of a dump: its end has not come */
	alignas(8) uint8_t request[NETLINK_REQUEST];
	alignas(8) uint8_t answer[ANSWER];
};

static int bind_socket(struct netlink *netlink)
{
	static const struct timeval patience = { PATIENCE_S, 0 };
	int on = 1;

	if (mnl_socket_bind(netlink->socket, 0, MNL_SOCKET_AUTOPID) != 0 ||
	    setsockopt(mnl_socket_get_fd(netlink->socket), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0)
		return -1;
	/* What a dump is asked for is left to the kernel where it can; older ones give all, and we choose. */
	(void)mnl_socket_setsockopt(netlink->socket, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return 0;
}

int netlink_open(int bus, struct netlink **out, struct vmp_msg *msg)
{
	struct netlink *netlink = calloc(1, sizeof(*netlink));
	int err;

	if (!netlink)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	netlink->socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
	if (!netlink->socket || bind_socket(netlink) != 0) {
		err = vmp_fail(msg, VMP_EIO, "cannot open a netlink socket: %s", strerror(errno));
		netlink_close(netlink);
		return err;
	}
	*out = netlink;
	return VMP_OK;
}

void netlink_close(struct netlink *netlink)
{
	if (!netlink)
		return;
	if (netlink->socket)
		mnl_socket_close(netlink->socket);
	free(netlink);
}

struct nlmsghdr *netlink_request(struct netlink *netlink, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(netlink->request);

	request->nlmsg_type = type;
	request->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	/* Its bits are those of NLM_F_REPLACE and NLM_F_EXCL. */
	if ((flags & NLM_F_DUMP) != NLM_F_DUMP)
		request->nlmsg_flags |= NLM_F_ACK;
	request->nlmsg_seq = ++netlink->seq;
	return request;
}

/* An acknowledgement, or the end of a dump, which libmnl would always take for a good one: both begin with a number. */
static int take_result(const struct nlmsghdr *message, void *ctx)
{
	const int *result = mnl_nlmsg_get_payload(message);

	(void)ctx;
	if (mnl_nlmsg_get_payload_len(message) >= sizeof(*result) && *result == 0)
		return MNL_CB_STOP;
	errno = mnl_nlmsg_get_payload_len(message) < sizeof(*result) || *result > 0 ? EBADMSG : -*result;
	return MNL_CB_ERROR;
}

static int unexpected(const struct nlmsghdr *message, void *ctx)
{
	(void)message;
	(void)ctx;
	return MNL_CB_OK;
}

static bool has_end(const void *data, size_t n)
{
	const struct nlmsghdr *message = data;
	int left = (int)n;

	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
			return true;
	}
	return false;
}

/* One datagram. @return MNL_CB_OK: there is more to come. */
static int take(struct netlink *netlink, uint32_t seq, mnl_cb_t each, void *ctx)
{
	mnl_cb_t ends[NLMSG_DONE + 1] = { [NLMSG_ERROR] = take_result, [NLMSG_DONE] = take_result };
	const struct nlmsghdr *first = (const void *)netlink->answer;
	ssize_t n = mnl_socket_recvfrom(netlink->socket, netlink->answer, sizeof(netlink->answer));
	int rc, why;

	if (n < 0) {
		netlink->more = errno == EINTR;
		return netlink->more ? MNL_CB_OK : MNL_CB_ERROR;
	}
	/* Of a request whose answer we did not wait for. */
	if ((size_t)n >= sizeof(*first) && first->nlmsg_seq != seq)
		return MNL_CB_OK;
	netlink->more = !has_end(first, (size_t)n);
	rc = mnl_cb_run2(netlink->answer, (size_t)n, seq, mnl_socket_get_portid(netlink->socket), each, ctx, ends,
			 NLMSG_DONE + 1);
	why = errno;
	explicit_bzero(netlink->answer, (size_t)n);
	errno = why;
	return rc;
}

/* Of a dump that was given up: the kernel begins no other one before. */
static void pass_over(struct netlink *netlink, uint32_t seq)
{
	int i;

	for (i = 0; i < STALE && netlink->more; i++)
		(void)take(netlink, seq, unexpected, NULL);
}

int netlink_ask(struct netlink *netlink, struct nlmsghdr *request, mnl_cb_t each, void *ctx)
{
	uint32_t seq = request->nlmsg_seq;
	bool dump = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	int rc = mnl_socket_sendto(netlink->socket, request, request->nlmsg_len) < 0 ? MNL_CB_ERROR : MNL_CB_OK, i;

	netlink->more = false;
	for (i = 0; i < STALE && rc > MNL_CB_STOP; i++)
		rc = take(netlink, seq, each ? each : unexpected, ctx);
	if (rc != MNL_CB_STOP)
		rc = rc > MNL_CB_STOP || errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (dump && rc != 0)
		pass_over(netlink, seq);
	explicit_bzero(netlink->request, sizeof(netlink->request));
	return rc;
}

int netlink_fail(struct vmp_msg *msg, int rc, const char *what, const char *name)
{
	return vmp_fail(msg,
			rc == -EPERM || rc == -EACCES ? VMP_EACCES
			: rc == -ENOMEM		      ? VMP_ENOMEM
						      : VMP_EIO,
			"%s %s: %s", what, name, strerror(-rc));
}

static int take_index(const struct nlmsghdr *message, void *ctx)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_type == RTM_NEWLINK && mnl_nlmsg_get_payload_len(message) >= sizeof(*head))
		*(int *)ctx = head->ifi_index;
	return MNL_CB_OK;
}

int netlink_index(struct netlink *netlink, const char *name)
{
	struct nlmsghdr *request = netlink_request(netlink, RTM_GETLINK, 0);
	int index = 0, rc;

	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(request, IFLA_IFNAME, name);
	rc = netlink_ask(netlink, request, take_index, &index);
	return rc != 0 ? rc : index > 0 ? index : -ENODEV;
}

int netlink_remove(struct netlink *netlink, const char *name)
{
	struct nlmsghdr *request = netlink_request(netlink, RTM_DELLINK, 0);

	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(request, IFLA_IFNAME, name);
	return netlink_ask(netlink, request, NULL, NULL);
}
