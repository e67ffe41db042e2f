#include "cidr.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cidr {
	int family;
	unsigned bits, width;
	uint8_t octets[16];
};

/* A plain decimal without leading zeros. */
static bool number(const char *text, unsigned least, unsigned most, unsigned *out)
{
	size_t n = strspn(text, "0123456789");
	unsigned long v;

	if (!n || n > 5 || text[n] || (n > 1 && *text == '0'))
		return false;
	v = strtoul(text, NULL, 10);
	*out = (unsigned)v;
	return v >= least && v <= most;
}

static bool is_mapped(const struct cidr *c)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	return c->family == AF_INET6 && c->bits >= 96 && memcmp(c->octets, mapped, sizeof(mapped)) == 0;
}

static bool read_address(const char *text, struct cidr *c)
{
	c->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	c->bits = c->width = c->family == AF_INET6 ? 128 : 32;
	return inet_pton(c->family, text, c->octets) == 1 && !(c->family == AF_INET6 && strchr(text, '.'));
}

/* @return whether there was anything beyond the prefix. */
static bool clear_beyond(struct cidr *c)
{
	bool any = false;
	unsigned i;

	for (i = c->bits; i < c->width; i++) {
		uint8_t bit = (uint8_t)(0x80 >> i % 8);

		any = any || c->octets[i / 8] & bit;
		c->octets[i / 8] &= (uint8_t)~bit;
	}
	return any;
}

static void write_cidr(const struct cidr *c, bool with_bits, char out[VMP_CIDR_TEXT])
{
	char address[INET6_ADDRSTRLEN] = "";

	inet_ntop(c->family, c->octets, address, sizeof(address));
	if (with_bits)
		snprintf(out, VMP_CIDR_TEXT, "%.39s/%u", address, c->bits);
	else
		snprintf(out, VMP_CIDR_TEXT, "%.39s", address);
}

static int form(const char *text, bool must_have_bits, char out[VMP_CIDR_TEXT], struct vmp_msg *msg)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char address[INET6_ADDRSTRLEN];
	struct cidr c = { 0 };

	if (len >= sizeof(address))
		goto bad;
	memcpy(address, text, len);
	address[len] = '\0';
	if (!read_address(address, &c) || (slash && !number(slash + 1, 0, c.width, &c.bits)) ||
	    (!slash && must_have_bits) || is_mapped(&c))
		goto bad;
	if (clear_beyond(&c)) {
		write_cidr(&c, true, out);
		return vmp_fail(msg, VMP_EINVAL, "expected %s for %.60s", out, text);
	}
	write_cidr(&c, slash != NULL, out);
	return VMP_OK;
bad:
	return vmp_fail(msg, VMP_EINVAL, "expected %s192.0.2.0/24 or 2001:db8::/32, found %.60s",
			must_have_bits ? "a prefix such as " : "an address, or a prefix such as ",
			*text ? text : "nothing");
}

int vmp_cidr_form(const char *text, char out[VMP_CIDR_TEXT], struct vmp_msg *msg)
{
	return form(text, true, out, msg);
}

static int form_route(const char *item, char out[VMP_CIDR_TEXT], struct vmp_msg *msg)
{
	return form(item, true, out, msg);
}

static int form_host(const char *item, char out[VMP_CIDR_TEXT], struct vmp_msg *msg)
{
	return form(item, false, out, msg);
}

static int form_port(const char *item, char out[VMP_CIDR_TEXT], struct vmp_msg *msg)
{
	const char *dash = strchr(item, '-');
	size_t len = dash ? (size_t)(dash - item) : strlen(item);
	unsigned first = 0, last = 0;
	char text[8] = "";

	if (len < sizeof(text))
		memcpy(text, item, len);
	if (!number(text, 1, 65535, &first) || (dash && !number(dash + 1, first, 65535, &last)))
		return vmp_fail(msg, VMP_EINVAL,
				"expected a port 1 to 65535, or a range such as 8000-8100, found %.60s",
				*item ? item : "nothing");
	if (dash)
		snprintf(out, VMP_CIDR_TEXT, "%u-%u", first, last);
	else
		snprintf(out, VMP_CIDR_TEXT, "%u", first);
	return VMP_OK;
}

/* The next item without the blanks around it. @return what comes behind it. */
static const char *cut(const char *text, char item[64])
{
	size_t whole = strcspn(text, ","), lead = strspn(text, " "), end = whole;

	lead = lead < whole ? lead : whole;
	while (end > lead && text[end - 1] == ' ')
		end--;
	snprintf(item, 64, "%.*s", (int)(end - lead), text + lead);
	return text + whole;
}

static int form_list(const char *text, char *out,
		     int (*each)(const char *item, char out[VMP_CIDR_TEXT], struct vmp_msg *msg), struct vmp_msg *msg)
{
	char item[64], good[VMP_CIDR_TEXT];
	size_t used = 0;
	int n, err;

	*out = '\0';
	if (!text[strspn(text, " ")])
		return VMP_OK;
	for (;; text++) {
		text = cut(text, item);
		err = each(item, good, msg);
		if (err != VMP_OK)
			return err;
		n = snprintf(out + used, VMP_CIDR_LIST - used, "%s%s", used ? "," : "", good);
		used += (size_t)n;
		if (used >= VMP_CIDR_LIST)
			return vmp_fail(msg, VMP_EINVAL, "expected at most %d octets", VMP_CIDR_LIST - 1);
		if (!*text)
			return VMP_OK;
	}
}

int vmp_cidr_routes(const char *text, char *out, struct vmp_msg *msg)
{
	return form_list(text, out, form_route, msg);
}

int vmp_cidr_hosts(const char *text, char *out, struct vmp_msg *msg)
{
	return form_list(text, out, form_host, msg);
}

int vmp_cidr_ports(const char *text, char *out, struct vmp_msg *msg)
{
	return form_list(text, out, form_port, msg);
}
