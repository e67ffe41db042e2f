#include "authority.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_MAX 63

/* Letters, digits and hyphens, which stand neither first nor last (RFC 1123 section 2.1). */
static bool is_label(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (!isalnum((unsigned char)text[i]) && text[i] != '-')
			return false;
	}
	return len > 0 && len <= LABEL_MAX && text[0] != '-' && text[len - 1] != '-';
}

/* An IPv4 address has this form as well. */
static bool is_name(const char *text, size_t len)
{
	while (len > 0) {
		const char *dot = memchr(text, '.', len);
		size_t label = dot ? (size_t)(dot - text) : len;

		if (!is_label(text, label))
			return false;
		if (!dot)
			return true;
		text += label + 1;
		len -= label + 1;
	}
	return false;
}

static bool is_ipv6(const char *text, size_t len)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return inet_pton(AF_INET6, copy, &address) == 1;
}

static bool is_port(const char *text, size_t len)
{
	unsigned long port = 0;
	size_t i;

	/* One form alone: a leading zero would make a second. */
	if (len == 0 || len > 5 || text[0] == '0')
		return false;
	for (i = 0; i < len; i++) {
		if (!isdigit((unsigned char)text[i]))
			return false;
		port = 10 * port + (unsigned long)(text[i] - '0');
	}
	return port <= UINT16_MAX;
}

int authority_read(const char *text, size_t len, char out[AUTHORITY_TEXT])
{
	const char *colon = memrchr(text, ':', len);
	size_t i, host = colon ? (size_t)(colon - text) : 0;
	bool ipv6 = host > 2 && text[0] == '[' && text[host - 1] == ']';

	if (host == 0 || host - 2 * ipv6 >= AUTHORITY_HOST || !is_port(colon + 1, len - host - 1))
		return VMP_EINVAL;
	if (ipv6 ? !is_ipv6(text + 1, host - 2) : !is_name(text, host))
		return VMP_EINVAL;
	for (i = 0; i < len; i++)
		out[i] = (char)tolower((unsigned char)text[i]);
	out[len] = '\0';
	return VMP_OK;
}

void authority_split(const char *authority, char host[AUTHORITY_HOST], uint16_t *port)
{
	const char *colon = strrchr(authority, ':');
	size_t bracket = authority[0] == '[', len = (size_t)(colon - authority) - 2 * bracket;

	memcpy(host, authority + bracket, len);
	host[len] = '\0';
	*port = (uint16_t)strtoul(colon + 1, NULL, 10);
}
