#include "sockets.h"
#include "inifile.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER (4 << 20) /* [octets] ten thousand answers at once */

static socklen_t fill(const struct vmp_addr *address, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (vmp_addr_is_v4(address)) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, address->octet + 12, 4);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	memcpy(&v6->sin6_addr, address->octet, 16);
	return sizeof(*v6);
}

/* More than the limit for everybody, where that is allowed. */
static void enlarge(int fd)
{
	int size = BUFFER;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) != 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static int open_one(const struct vmp_addr *address, int *out, struct vmp_msg *msg)
{
	struct sockaddr_storage ss;
	socklen_t len = fill(address, 0, &ss);
	char text[VMP_ADDR_TEXT];
	int on = 1, fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && (ss.ss_family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0) &&
	    bind(fd, (struct sockaddr *)&ss, len) == 0) {
		enlarge(fd);
		*out = fd;
		return VMP_OK;
	}
	vmp_addr_format(address, text);
	vmp_fail(msg, VMP_EIO, "[coa] address: cannot send from %s: %s", text, strerror(errno));
	if (fd >= 0)
		close(fd);
	return VMP_EIO;
}

/* @param known  out: whether there is one of each kind. */
static int read_list(const char *list, struct vmp_addr *v4, struct vmp_addr *v6, bool known[2], struct vmp_msg *msg)
{
	char word[VMP_INI_TEXT];
	struct vmp_addr address;

	known[0] = known[1] = false;
	while (vmp_ini_word(&list, word, sizeof(word))) {
		if (vmp_addr_parse(word, &address) != VMP_OK || known[!vmp_addr_is_v4(&address)])
			return vmp_fail(msg, VMP_EINVAL,
					"[coa] address: %s: expected at most one IPv4 and one IPv6 address", word);
		known[!vmp_addr_is_v4(&address)] = true;
		*(vmp_addr_is_v4(&address) ? v4 : v6) = address;
	}
	return VMP_OK;
}

int sockets_check(const char *address, struct vmp_msg *msg)
{
	struct vmp_addr v4, v6;
	bool known[2];

	return read_list(address, &v4, &v6, known, msg);
}

int sockets_open(struct sockets *out, const char *address, struct vmp_msg *msg)
{
	struct vmp_addr v4 = { { 0 } }, v6 = { { 0 } };
	bool known[2];
	int err = read_list(address, &v4, &v6, known, msg);

	out->v4 = out->v6 = -1;
	if (err != VMP_OK)
		return err;
	if (!known[0] && !known[1]) {
		v4.octet[10] = v4.octet[11] = 0xff;
		/* A host may lack IPv6. */
		if (open_one(&v6, &out->v6, msg) != VMP_OK)
			out->v6 = -1;
		return open_one(&v4, &out->v4, msg);
	}
	if (known[0])
		err = open_one(&v4, &out->v4, msg);
	if (err == VMP_OK && known[1])
		err = open_one(&v6, &out->v6, msg);
	return err;
}

static int socket_for(const struct sockets *sockets, const struct vmp_addr *address)
{
	return vmp_addr_is_v4(address) ? sockets->v4 : sockets->v6;
}

bool sockets_reach(const struct sockets *sockets, const struct vmp_addr *address)
{
	return socket_for(sockets, address) >= 0;
}

int sockets_send(const struct sockets *sockets, const struct vmp_addr *to, uint16_t port, const uint8_t *octet,
		 size_t len)
{
	struct sockaddr_storage ss;
	socklen_t ss_len = fill(to, port, &ss);

	return sendto(socket_for(sockets, to), octet, len, 0, (struct sockaddr *)&ss, ss_len) < 0 ? errno : 0;
}

bool sockets_receive(int fd, struct vmp_addr *from, uint16_t *port, uint8_t *room, size_t size, size_t *len)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&ss;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&ss;
	socklen_t ss_len = sizeof(ss);
	ssize_t n = recvfrom(fd, room, size, 0, (struct sockaddr *)&ss, &ss_len);

	if (n < 0)
		return false;
	*len = (size_t)n;
	if (ss.ss_family == AF_INET) {
		vmp_addr_v4(&v4->sin_addr, from);
		*port = ntohs(v4->sin_port);
		return true;
	}
	memcpy(from->octet, &v6->sin6_addr, 16);
	*port = ntohs(v6->sin6_port);
	return ss.ss_family == AF_INET6;
}
