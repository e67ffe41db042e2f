#include "offers.h"
#include "member_parts.h"
#include "pair.h"
#include "peers.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_MOST 64   /* datagrams in one turn of the loop */
#define NAT_OCTET 0xff /* RFC 3948 section 2.3 */

static struct {
	int fd, family;
	struct event *event;
} offers = { .fd = -1 };

/* -- in ----------------------------------------------------------------------------------------------------------- */

/* An IPv4 address as itself. */
static void unmap(union wg_endpoint *endpoint)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = endpoint->in6.sin6_port };

	if (endpoint->sa.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&endpoint->in6.sin6_addr))
		return;
	memcpy(&in.sin_addr, &endpoint->in6.sin6_addr.s6_addr[12], sizeof(in.sin_addr));
	memset(endpoint, 0, sizeof(*endpoint));
	endpoint->in = in;
}

static void take(const uint8_t *data, size_t len, const union wg_endpoint *from)
{
	struct vmp_coi_message head;
	struct vmp_msg msg;
	struct peer *peer;

	if (len == 1 && data[0] == NAT_OCTET)
		return;
	member.count.received++;
	if (len > VMP_COI_MESSAGE || vmp_coi_peek(data, len, &head, &msg) != VMP_OK) {
		member.count.invalid++;
		return;
	}
	if (member.state != MEMBER_UP)
		return;
	peer = memcmp(head.to, member.own.uuid, VMP_COI_ID) == 0 ? peers_by_uuid(head.from) : NULL;
	if (!peer || peer->indirect) {
		member.count.unknown++;
		return;
	}
	pair_message(peer, &head, data, len, from);
}

static void readable(evutil_socket_t fd, short what, void *ctx)
{
	uint8_t data[VMP_COI_MESSAGE + 1];
	union wg_endpoint from;
	socklen_t from_len;
	ssize_t len;
	int i;

	(void)what;
	(void)ctx;
	for (i = 0; i < READ_MOST; i++) {
		from_len = sizeof(from);
		memset(&from, 0, sizeof(from));
		len = recvfrom(fd, data, sizeof(data), MSG_DONTWAIT, &from.sa, &from_len);
		/* What an earlier datagram met on its way is told once, and not about this one. */
		if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (len < 0)
			continue;
		unmap(&from);
		take(data, (size_t)len, &from);
	}
}

/* -- out ---------------------------------------------------------------------------------------------------------- */

static socklen_t mapped(const union wg_endpoint *to, union wg_endpoint *out)
{
	*out = *to;
	if (to->sa.sa_family == AF_INET6 || offers.family == AF_INET)
		return to->sa.sa_family == AF_INET6 ? sizeof(out->in6) : sizeof(out->in);
	memset(out, 0, sizeof(*out));
	out->in6.sin6_family = AF_INET6;
	out->in6.sin6_port = to->in.sin_port;
	memset(&out->in6.sin6_addr.s6_addr[10], 0xff, 2);
	memcpy(&out->in6.sin6_addr.s6_addr[12], &to->in.sin_addr, sizeof(to->in.sin_addr));
	return sizeof(out->in6);
}

void offers_send(const union wg_endpoint *to, const void *data, size_t len)
{
	union wg_endpoint address;
	socklen_t address_len;

	if (offers.fd < 0 || !to->sa.sa_family)
		return;
	address_len = mapped(to, &address);
	if (sendto(offers.fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL, &address.sa, address_len) == (ssize_t)len)
		member.count.sent++;
}

void offers_keepalive(const union wg_endpoint *to)
{
	static const uint8_t octet = NAT_OCTET;

	offers_send(to, &octet, sizeof(octet));
}

/* -- the socket --------------------------------------------------------------------------------------------------- */

/* A kernel without IPv6 has IPv4 alone. */
static int any_socket(void)
{
	int no = 0, fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	offers.family = AF_INET6;
	if (fd >= 0 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	offers.family = AF_INET;
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static int bind_any(uint16_t port)
{
	union wg_endpoint any;
	socklen_t len = offers.family == AF_INET6 ? sizeof(any.in6) : sizeof(any.in);

	memset(&any, 0, sizeof(any));
	any.sa.sa_family = (sa_family_t)offers.family;
	if (offers.family == AF_INET6)
		any.in6.sin6_port = htons(port);
	else
		any.in.sin_port = htons(port);
	return bind(offers.fd, &any.sa, len);
}

int offers_open(struct event_base *base, uint16_t port, uint32_t mark, struct vmp_msg *msg)
{
	offers.fd = any_socket();
	if (offers.fd < 0)
		return vmp_fail(msg, VMP_EIO, "a UDP socket: %s", strerror(errno));
	if (mark && setsockopt(offers.fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0) {
		vmp_fail(msg, VMP_EIO, "mark %u on a socket: %s", mark, strerror(errno));
		goto out;
	}
	if (bind_any(port) != 0) {
		vmp_fail(msg, VMP_EIO, "UDP port %u: %s", port, strerror(errno));
		goto out;
	}
	offers.event = event_new(base, offers.fd, EV_READ | EV_PERSIST, readable, NULL);
	if (offers.event && event_add(offers.event, NULL) == 0)
		return VMP_OK;
	vmp_fail(msg, VMP_ENOMEM, "out of memory");
out:
	offers_close();
	return VMP_EIO;
}

void offers_close(void)
{
	if (offers.event)
		event_free(offers.event);
	if (offers.fd >= 0)
		close(offers.fd);
	memset(&offers, 0, sizeof(offers));
	offers.fd = -1;
}
