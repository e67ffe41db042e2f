#include "need_linux.h"
#include "log.h"
#include "need_packet.h"
#include "route_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define TURN	   64 /* packets, before others have theirs */
#define REFUSALS_S 100
#define NS_PER_S   1000000000LL

struct need {
	char name[IFNAMSIZ];
	need_fn fn;
	void *ctx;
	int tun, raw4, raw6; /* -1: none */
	struct event *event;
	double refusals; /* that may be sent now */
	struct timespec refused_at;
	uint8_t packet[NEED_PACKET];
};

/* @return -1: errno says why. */
static int open_tun(const char *name)
{
	struct ifreq ifr = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), why;

	if (fd < 0)
		return -1;
	memcpy(ifr.ifr_name, name, strlen(name) + 1);
	if (ioctl(fd, TUNSETIFF, &ifr) == 0)
		return fd;
	why = errno;
	close(fd);
	errno = why;
	return -1;
}

/* IPv6's has no such option: with IPPROTO_RAW it takes whole packets. */
static int open_raw4(void)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW), on = 1;

	if (fd >= 0 && setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &on, sizeof(on)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int open_descriptors(struct need *need, struct vmp_msg *msg)
{
	need->tun = open_tun(need->name);
	if (need->tun < 0)
		return vmp_fail(msg, errno == EPERM || errno == EACCES ? VMP_EACCES : VMP_EIO,
				"cannot make the TUN interface %s: %s", need->name, strerror(errno));
	need->raw4 = open_raw4();
	need->raw6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	if (need->raw4 < 0 && need->raw6 < 0)
		return vmp_fail(msg, errno == EPERM ? VMP_EACCES : VMP_EIO, "cannot open a raw socket: %s",
				strerror(errno));
	return VMP_OK;
}

static int bring_up(struct need *need, unsigned mtu, struct vmp_msg *msg)
{
	struct route *route = NULL;
	int err = route_open(&route, msg);

	if (err == VMP_OK)
		err = route_link_up(route, need->name, mtu, msg);
	route_close(route);
	return err;
}

/* @return whether there may be more. */
static bool take_packet(struct need *need)
{
	ssize_t n = read(need->tun, need->packet, sizeof(need->packet));
	struct prefix to, from;

	if (n >= 0) {
		if (need_packet_read(need->packet, (size_t)n, &to, &from) == VMP_OK)
			need->fn(need->ctx, &to, &from, need->packet, (size_t)n);
		return true;
	}
	if (errno != EAGAIN && errno != EINTR) {
		/* Somebody has taken the interface away: it would be readable for ever. */
		vmp_log(VMP_LOG_ERROR, "tun-lost", "interface", need->name, "why", strerror(errno), NULL);
		event_del(need->event);
	}
	return false;
}

static void take_packets(evutil_socket_t fd, short what, void *ctx)
{
	struct need *need = ctx;
	int i;

	(void)fd;
	(void)what;
	for (i = 0; i < TURN && take_packet(need); i++)
		;
}

int need_open(struct event_base *base, const char *name, unsigned mtu, need_fn fn, void *ctx, struct need **out,
	      struct vmp_msg *msg)
{
	struct need *need;
	int err;

	if (strlen(name) >= IFNAMSIZ)
		return vmp_fail(msg, VMP_EINVAL, "\"%.40s\" is too long for an interface's name", name);
	need = calloc(1, sizeof(*need));
	if (!need)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	memcpy(need->name, name, strlen(name));
	need->tun = need->raw4 = need->raw6 = -1;
	need->fn = fn;
	need->ctx = ctx;
	err = open_descriptors(need, msg);
	if (err == VMP_OK)
		err = bring_up(need, mtu, msg);
	if (err == VMP_OK) {
		need->event = event_new(base, need->tun, EV_READ | EV_PERSIST, take_packets, need);
		if (!need->event || event_add(need->event, NULL) != 0)
			err = vmp_fail(msg, VMP_ENOMEM, "out of memory");
	}
	if (err != VMP_OK) {
		need_close(need);
		return err;
	}
	*out = need;
	return VMP_OK;
}

void need_close(struct need *need)
{
	if (!need)
		return;
	if (need->event)
		event_free(need->event);
	if (need->tun >= 0)
		close(need->tun);
	if (need->raw4 >= 0)
		close(need->raw4);
	if (need->raw6 >= 0)
		close(need->raw6);
	free(need);
}

static int send_raw(struct need *need, const uint8_t *packet, size_t len, const struct prefix *to, struct vmp_msg *msg)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	char text[PREFIX_TEXT];
	ssize_t n;

	memcpy(&six.sin6_addr, to->address, sizeof(six.sin6_addr));
	memcpy(&four.sin_addr, to->address, sizeof(four.sin_addr));
	n = to->family == AF_INET ? sendto(need->raw4, packet, len, 0, (const struct sockaddr *)&four, sizeof(four))
				  : sendto(need->raw6, packet, len, 0, (const struct sockaddr *)&six, sizeof(six));
	if (n >= 0)
		return VMP_OK;
	prefix_write(to, text);
	return vmp_fail(msg, VMP_EIO, "cannot send a packet to %s: %s", text, strerror(errno));
}

int need_send(struct need *need, const uint8_t *packet, size_t len, struct vmp_msg *msg)
{
	struct prefix to, from;

	if (need_packet_read(packet, len, &to, &from) != VMP_OK)
		return vmp_fail(msg, VMP_EINVAL, "no packet from one machine to another");
	return send_raw(need, packet, len, &to, msg);
}

/* A bucket that holds what a second allows. */
static bool may_refuse(struct need *need)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	need->refusals += (double)((now.tv_sec - need->refused_at.tv_sec) * NS_PER_S + now.tv_nsec -
				   need->refused_at.tv_nsec) /
			  NS_PER_S * REFUSALS_S;
	need->refused_at = now;
	if (need->refusals > REFUSALS_S)
		need->refusals = REFUSALS_S;
	if (need->refusals < 1)
		return false;
	need->refusals -= 1;
	return true;
}

void need_refuse(struct need *need, const struct prefix *own, const uint8_t *packet, size_t len)
{
	uint8_t answer[NEED_REFUSAL];
	struct prefix to, from;
	size_t n = need_packet_refuse(packet, len, own, answer);

	/* An answer that is lost is one that is not sent: the sender's own patience ends it. */
	if (n > 0 && need_packet_read(answer, n, &to, &from) == VMP_OK && may_refuse(need))
		(void)!send_raw(need, answer, n, &to, NULL);
}
