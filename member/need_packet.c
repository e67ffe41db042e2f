#include "need_packet.h"

#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#define ICMP4_MOST 576 /* [octets] RFC 1812, section 4.3.2.3 */
#define HOPS	   64
#define HEADERS	   16 /* extension headers that are looked through */

static unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static void put16(uint8_t *at, unsigned n)
{
	at[0] = (uint8_t)(n >> 8);
	at[1] = (uint8_t)n;
}

static bool is_four(const uint8_t *packet, size_t len)
{
	size_t head = len >= sizeof(struct iphdr) ? (size_t)(packet[0] & 15) * 4 : 0;

	return head >= sizeof(struct iphdr) && packet[0] >> 4 == 4 && head <= len && get16(packet + 2) == len;
}

static bool is_six(const uint8_t *packet, size_t len)
{
	return len >= sizeof(struct ip6_hdr) && packet[0] >> 4 == 6 &&
	       get16(packet + 4) == len - sizeof(struct ip6_hdr);
}

/* Not 0/8, 127/8, 169.254/16, nor from 224/4 on. */
static bool is_machine4(const uint8_t *address)
{
	return address[0] != 0 && address[0] != 127 && address[0] < 224 && !(address[0] == 169 && address[1] == 254);
}

/* Not unspecified, of this host, of a link or a group, nor an IPv4 address in disguise. */
static bool is_machine6(const uint8_t *address)
{
	static const uint8_t zeros[10] = { 0 };

	return memcmp(address, zeros, sizeof(zeros)) != 0 && address[0] != 0xff &&
	       !(address[0] == 0xfe && (address[1] & 0xc0) == 0x80);
}

int need_packet_read(const uint8_t *packet, size_t len, struct prefix *to, struct prefix *from)
{
	if (is_four(packet, len) && is_machine4(packet + 12) && is_machine4(packet + 16)) {
		*from = prefix_of(AF_INET, packet + 12);
		*to = prefix_of(AF_INET, packet + 16);
		return VMP_OK;
	}
	if (is_six(packet, len) && is_machine6(packet + 8) && is_machine6(packet + 24)) {
		*from = prefix_of(AF_INET6, packet + 8);
		*to = prefix_of(AF_INET6, packet + 24);
		return VMP_OK;
	}
	return VMP_EINVAL;
}

/* -- ICMP errors -------------------------------------------------------------------------------------- */
/* RFC 1071; sum goes on from what was summed up before. */
static uint32_t add_up(const uint8_t *data, size_t len, uint32_t sum)
{
	for (; len > 1; data += 2, len -= 2)
		sum += get16(data);
	return len ? sum + (uint32_t)(data[0] << 8) : sum;
}

static unsigned complement(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum & 0xffff;
}

static bool may_answer4(const uint8_t *packet, size_t len)
{
	static const uint8_t errors[] = { ICMP_DEST_UNREACH, ICMP_SOURCE_QUENCH, ICMP_REDIRECT, ICMP_TIME_EXCEEDED,
					  ICMP_PARAMETERPROB };
	size_t head = (size_t)(packet[0] & 15) * 4;

	if (get16(packet + 6) & IP_OFFMASK)
		return false;
	return packet[9] != IPPROTO_ICMP || (len > head && !memchr(errors, packet[head], sizeof(errors)));
}

/* [octets] of an extension header; 0: it is none, or not whole. */
static size_t extension(uint8_t type, const uint8_t *at, size_t left)
{
	size_t len;

	switch (type) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		len = left >= 2 ? ((size_t)at[1] + 1) * 8 : 0;
		break;
	case IPPROTO_AH:
		len = left >= 2 ? ((size_t)at[1] + 2) * 4 : 0;
		break;
	case IPPROTO_FRAGMENT:
		len = 8;
		break;
	default:
		return 0;
	}
	return len <= left ? len : 0;
}

static bool may_answer6(const uint8_t *packet, size_t len)
{
	size_t at = sizeof(struct ip6_hdr), step;
	uint8_t type = packet[6];
	int i;

	for (i = 0; i < HEADERS; i++) {
		step = extension(type, packet + at, len - at);
		if (step == 0)
			break;
		if (type == IPPROTO_FRAGMENT && (get16(packet + at + 2) & 0xfff8))
			return false;
		type = packet[at];
		at += step;
	}
	if (type != IPPROTO_ICMPV6)
		return i < HEADERS;
	return at < len && (packet[at] & ICMP6_INFOMSG_MASK) && packet[at] != ND_REDIRECT;
}

static size_t refuse4(const uint8_t *packet, size_t len, const uint8_t *own, uint8_t *out)
{
	const size_t head = sizeof(struct iphdr), fixed = 8;
	size_t quoted = len < ICMP4_MOST - head - fixed ? len : ICMP4_MOST - head - fixed, all = head + fixed + quoted;

	memset(out, 0, head + fixed);
	out[0] = 4 << 4 | 5;
	out[1] = IPTOS_PREC_INTERNETCONTROL;
	put16(out + 2, (unsigned)all);
	out[8] = HOPS;
	out[9] = IPPROTO_ICMP;
	memcpy(out + 12, own, 4);
	memcpy(out + 16, packet + 12, 4);
	put16(out + 10, complement(add_up(out, head, 0)));
	out[head] = ICMP_DEST_UNREACH;
	out[head + 1] = ICMP_PKT_FILTERED;
	memcpy(out + head + fixed, packet, quoted);
	put16(out + head + 2, complement(add_up(out + head, fixed + quoted, 0)));
	return all;
}

static size_t refuse6(const uint8_t *packet, size_t len, const uint8_t *own, uint8_t *out)
{
	const size_t head = sizeof(struct ip6_hdr), fixed = 8;
	size_t quoted = len < NEED_REFUSAL - head - fixed ? len : NEED_REFUSAL - head - fixed;
	uint32_t sum;

	memset(out, 0, head + fixed);
	out[0] = 6 << 4;
	put16(out + 4, (unsigned)(fixed + quoted));
	out[6] = IPPROTO_ICMPV6;
	out[7] = HOPS;
	memcpy(out + 8, own, 16);
	memcpy(out + 24, packet + 8, 16);
	out[head] = ICMP6_DST_UNREACH;
	out[head + 1] = ICMP6_DST_UNREACH_ADMIN;
	memcpy(out + head + fixed, packet, quoted);
	/* With the pseudo-header of RFC 8200, section 8.1. */
	sum = add_up(out + 8, 32, (uint32_t)(fixed + quoted) + IPPROTO_ICMPV6);
	put16(out + head + 2, complement(add_up(out + head, fixed + quoted, sum)));
	return head + fixed + quoted;
}

size_t need_packet_refuse(const uint8_t *packet, size_t len, const struct prefix *own, uint8_t *out)
{
	struct prefix to, from;

	if (need_packet_read(packet, len, &to, &from) != VMP_OK || to.family != own->family)
		return 0;
	if (to.family == AF_INET)
		return may_answer4(packet, len) ? refuse4(packet, len, own->address, out) : 0;
	return may_answer6(packet, len) ? refuse6(packet, len, own->address, out) : 0;
}
