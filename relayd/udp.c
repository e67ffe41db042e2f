#include "udp.h"
#include "authority.h"
#include "listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int bind_to(const struct addrinfo *info)
{
	int off = 0, why, fd = socket(info->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (info->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, info->ai_addr, info->ai_addrlen) == 0)
		return fd;
	why = errno;
	close(fd);
	errno = why;
	return -1;
}

int udp_bind(const char *address, int *fd, struct vmp_msg *msg)
{
	static const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM };
	char host[AUTHORITY_HOST], port[8];
	struct addrinfo *info;
	uint16_t number;
	int err = vmp_listen_check(address, msg);

	if (err != VMP_OK)
		return err;
	authority_split(address, host, &number);
	snprintf(port, sizeof(port), "%u", number);
	if (getaddrinfo(host, port, &hints, &info) != 0)
		return vmp_fail(msg, VMP_EINVAL, "%s: expected ADDRESS:PORT", address);
	*fd = bind_to(info);
	if (*fd < 0)
		err = vmp_fail(msg, VMP_EIO, "cannot listen on %s (UDP): %s", address, strerror(errno));
	freeaddrinfo(info);
	return err;
}
