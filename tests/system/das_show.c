/** Attributes in words, with a table of its own. */
#include "das.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

enum kind { TEXT, NUMBER, IPV4, IPV6, HEX };

static const struct {
	uint32_t vendor;
	uint8_t type;
	enum kind kind;
	const char *name;
} known[] = {
	{ 0, 1, TEXT, "User-Name" },
	{ 0, 4, IPV4, "NAS-IP-Address" },
	{ 0, 5, NUMBER, "NAS-Port" },
	{ 0, 6, NUMBER, "Service-Type" },
	{ 0, 8, IPV4, "Framed-IP-Address" },
	{ 0, 11, TEXT, "Filter-Id" },
	{ 0, 18, TEXT, "Reply-Message" },
	{ 0, 24, HEX, "State" },
	{ 0, 25, TEXT, "Class" },
	{ 0, 30, TEXT, "Called-Station-Id" },
	{ 0, 31, TEXT, "Calling-Station-Id" },
	{ 0, 32, TEXT, "NAS-Identifier" },
	{ 0, 33, HEX, "Proxy-State" },
	{ 0, 44, TEXT, "Acct-Session-Id" },
	{ 0, 49, NUMBER, "Acct-Terminate-Cause" },
	{ 0, 50, TEXT, "Acct-Multi-Session-Id" },
	{ 0, 55, NUMBER, "Event-Timestamp" },
	{ 0, 61, NUMBER, "NAS-Port-Type" },
	{ 0, 80, HEX, "Message-Authenticator" },
	{ 0, 81, TEXT, "Tunnel-Private-Group-Id" },
	{ 0, 87, TEXT, "NAS-Port-Id" },
	{ 0, 95, IPV6, "NAS-IPv6-Address" },
	{ 0, 101, NUMBER, "Error-Cause" },
	{ 9, 1, TEXT, "Cisco-AVPair" },
};

static int find(const struct das_attr *attr)
{
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].vendor == attr->vendor && known[i].type == attr->type)
			return (int)i;
	}
	return -1;
}

const char *das_code_name(uint8_t code)
{
	switch (code) {
	case DAS_DISCONNECT:
		return "Disconnect-Request";
	case DAS_COA:
		return "CoA-Request";
	default:
		return "?";
	}
}

void das_attr_name(const struct das_attr *attr, char out[64])
{
	int i = find(attr);

	if (i >= 0)
		(void)snprintf(out, 64, "%s", known[i].name);
	else if (attr->vendor)
		(void)snprintf(out, 64, "26.%" PRIu32 ".%u", attr->vendor, attr->type);
	else
		(void)snprintf(out, 64, "%u", attr->type);
}

static void text(const struct das_attr *attr, char *out)
{
	static const char digit[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < attr->len; i++) {
		uint8_t c = attr->value[i];

		if (c > ' ' && c < 0x7f && c != '\\') {
			*out++ = (char)c;
			continue;
		}
		*out++ = '\\';
		*out++ = 'x';
		*out++ = digit[c >> 4];
		*out++ = digit[c & 15];
	}
	*out = '\0';
}

static void hex(const struct das_attr *attr, char *out)
{
	size_t i;

	memcpy(out, "0x", 3);
	for (i = 0; i < attr->len; i++)
		(void)snprintf(out + 2 + 2 * i, 3, "%02x", attr->value[i]);
}

void das_attr_value(const struct das_attr *attr, char out[DAS_TEXT_MAX])
{
	int i = find(attr);
	enum kind kind = i < 0 ? HEX : known[i].kind;
	uint32_t number;

	if (kind == TEXT) {
		text(attr, out);
	} else if (kind == NUMBER && attr->len == sizeof(number)) {
		memcpy(&number, attr->value, sizeof(number));
		(void)snprintf(out, DAS_TEXT_MAX, "%" PRIu32, ntohl(number));
	} else if (kind == IPV4 && attr->len == 4) {
		(void)inet_ntop(AF_INET, attr->value, out, DAS_TEXT_MAX);
	} else if (kind == IPV6 && attr->len == 16) {
		(void)inet_ntop(AF_INET6, attr->value, out, DAS_TEXT_MAX);
	} else {
		hex(attr, out);
	}
}
