#include "prefix.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static unsigned width(int family)
{
	return family == AF_INET ? 32 : family == AF_INET6 ? 128 : 0;
}

/* Do the first bits of two addresses agree? */
static bool agree(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	return memcmp(a, b, whole) == 0 && (rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

/* 1 to 3 digits without a sign or a zero in front. @return -1: none. */
static int read_bits(const char *text, unsigned most)
{
	int bits = 0;
	size_t i;

	if (text[0] == '0' && text[1] != '\0')
		return -1;
	for (i = 0; i < 3 && text[i] >= '0' && text[i] <= '9'; i++)
		bits = bits * 10 + (text[i] - '0');
	return i > 0 && text[i] == '\0' && (unsigned)bits <= most ? bits : -1;
}

static bool has_only(const struct prefix *prefix, unsigned bits)
{
	struct prefix net = *prefix;
	unsigned i;

	for (i = bits; i < 128; i++)
		net.address[i / 8] &= (uint8_t) ~(0x80u >> i % 8);
	return memcmp(net.address, prefix->address, sizeof(net.address)) == 0;
}

int prefix_read(const char *text, struct prefix *out, struct vmp_msg *msg)
{
	struct prefix prefix = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char address[INET6_ADDRSTRLEN];
	int bits;

	if (len < sizeof(address)) {
		memcpy(address, text, len);
		address[len] = '\0';
	}
	if (len >= sizeof(address) || inet_pton(prefix.family, address, prefix.address) != 1)
		return vmp_fail(msg, VMP_EINVAL, "\"%.60s\" is no IP address or prefix", text);
	bits = slash ? read_bits(slash + 1, width(prefix.family)) : (int)width(prefix.family);
	if (bits < 0)
		return vmp_fail(msg, VMP_EINVAL, "\"%.60s\": behind the / belongs a number from 0 to %u", text,
				width(prefix.family));
	if (!has_only(&prefix, (unsigned)bits))
		return vmp_fail(msg, VMP_EINVAL, "\"%.60s\" has bits beyond its prefix", text);
	prefix.bits = (uint8_t)bits;
	*out = prefix;
	return VMP_OK;
}

void prefix_write(const struct prefix *prefix, char out[PREFIX_TEXT])
{
	char address[INET6_ADDRSTRLEN] = "";

	if (!width(prefix->family) || !inet_ntop(prefix->family, prefix->address, address, sizeof(address)))
		snprintf(out, PREFIX_TEXT, "none");
	else if (prefix->bits == width(prefix->family))
		snprintf(out, PREFIX_TEXT, "%s", address);
	else
		snprintf(out, PREFIX_TEXT, "%s/%u", address, prefix->bits);
}

struct prefix prefix_of(int family, const void *octets)
{
	struct prefix prefix = { .family = (uint8_t)family, .bits = (uint8_t)width(family) };

	memcpy(prefix.address, octets, width(family) / 8);
	return prefix;
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->family == b->family && a->bits == b->bits && memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

bool prefix_has(const struct prefix *a, const struct prefix *b)
{
	return a->family != 0 && a->family == b->family && a->bits <= b->bits && agree(a->address, b->address, a->bits);
}
