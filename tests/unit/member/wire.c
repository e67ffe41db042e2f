#include "wire.h"
#include "wg_process.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define AGAIN_MS 50

int wire_open(const char *link)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));

	at.sll_ifindex = (int)if_nametoindex(link);
	ck_assert_int_gt(at.sll_ifindex, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static uint32_t add_up(const uint8_t *data, size_t len, uint32_t sum)
{
	size_t i;

	for (i = 0; i < len; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static size_t head_of(const struct prefix *address)
{
	return address->family == AF_INET ? 20 : 40;
}

static void put16(uint8_t *at, size_t n)
{
	at[0] = (uint8_t)(n >> 8);
	at[1] = (uint8_t)n;
}

static void put_head(uint8_t *out, const struct prefix *from, const struct prefix *to, size_t payload)
{
	if (from->family == AF_INET) {
		out[0] = 0x45;
		put16(out + 2, 20 + payload);
		out[8] = 64;
		out[9] = IPPROTO_UDP;
		memcpy(out + 12, from->address, 4);
		memcpy(out + 16, to->address, 4);
		put16(out + 10, fold(add_up(out, 20, 0)));
		return;
	}
	out[0] = 0x60;
	put16(out + 4, payload);
	out[6] = IPPROTO_UDP;
	out[7] = 64;
	memcpy(out + 8, from->address, 16);
	memcpy(out + 24, to->address, 16);
}

size_t wire_udp(uint8_t *out, size_t room, const struct prefix *from, const struct prefix *to, uint32_t number)
{
	size_t head = head_of(from), payload = 12, octets = from->family == AF_INET ? 4 : 16;
	uint32_t sum = (uint32_t)(IPPROTO_UDP + payload);

	ck_assert_uint_ge(room, head + payload);
	memset(out, 0, head + payload);
	put_head(out, from, to, payload);
	put16(out + head, 4000);
	put16(out + head + 2, 5000);
	put16(out + head + 4, payload);
	number = htonl(number);
	memcpy(out + head + 8, &number, 4);
	sum = add_up(from->address, octets, add_up(to->address, octets, sum));
	put16(out + head + 6, fold(add_up(out + head, payload, sum)));
	return head + payload;
}

int wire_is_udp(const uint8_t *packet, size_t len, const struct prefix *from, const struct prefix *to, uint32_t number)
{
	uint8_t same[128];
	size_t n = wire_udp(same, sizeof(same), from, to, number);

	if (len != n)
		return 0;
	/* The kernel may have numbered it, and summed it up anew. */
	if (from->family == AF_INET) {
		memcpy(same + 4, packet + 4, 2);
		put16(same + 10, 0);
		put16(same + 10, fold(add_up(same, 20, 0)));
	}
	return memcmp(packet, same, n) == 0;
}

static int came(int out, const struct prefix *from, const struct prefix *to, uint32_t last, int ms)
{
	struct pollfd one = { .fd = out, .events = POLLIN };
	uint8_t packet[2048];
	struct sockaddr_ll at;
	socklen_t size = sizeof(at);
	uint32_t number;
	ssize_t n;

	while (poll(&one, 1, ms) == 1) {
		n = recvfrom(out, packet, sizeof(packet), 0, (struct sockaddr *)&at, &size);
		for (number = 0; n > 0 && at.sll_pkttype != PACKET_OUTGOING && number <= last; number++) {
			if (wire_is_udp(packet, (size_t)n, from, to, number))
				return 1;
		}
	}
	return 0;
}

int wire_passes(int in, int out, const struct prefix *from, const struct prefix *to, int ms)
{
	long long until = wg_process_now() + ms;
	struct sockaddr_ll by = { .sll_family = AF_PACKET };
	socklen_t size = sizeof(by);
	static uint32_t number;
	uint8_t packet[128];
	uint32_t first = number;

	ck_assert_int_eq(getsockname(in, (struct sockaddr *)&by, &size), 0);
	by.sll_protocol = htons(from->family == AF_INET ? ETH_P_IP : ETH_P_IPV6);
	(void)first;
	while (wg_process_now() < until) {
		size_t n = wire_udp(packet, sizeof(packet), from, to, ++number);

		ck_assert(sendto(in, packet, n, 0, (const struct sockaddr *)&by, sizeof(by)) == (ssize_t)n ||
			  errno == ENOBUFS);
		if (came(out, from, to, number, AGAIN_MS))
			return 1;
	}
	return 0;
}
