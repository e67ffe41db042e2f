#include "wg_uapi.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS 1024 /* [octets] of a request without its addresses, at most */
#define HEX	 (2 * VMP_COI_SECRET + 1)
#define ENDPOINT 80

/* -- requests ------------------------------------------------------------------------------------- */
static void to_hex(const uint8_t *octets, char out[HEX])
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < VMP_COI_SECRET; i++) {
		out[2 * i] = digits[octets[i] >> 4];
		out[2 * i + 1] = digits[octets[i] & 15];
	}
	out[HEX - 1] = '\0';
}

static struct wg_uapi_text *text_new(size_t addresses)
{
	size_t room = SETTINGS + addresses * (PREFIX_TEXT + sizeof("allowed_ip=/128\n"));
	struct wg_uapi_text *text = malloc(sizeof(*text) + room);

	if (text) {
		text->len = 0;
		text->room = room;
	}
	return text;
}

/* There is room: text_new() has reckoned. */
static void add(struct wg_uapi_text *text, const char *format, ...) VMP_PRINTF(2, 3);
static void add(struct wg_uapi_text *text, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text->text + text->len, text->room - text->len, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < text->room - text->len)
		text->len += (size_t)n;
}

static void add_key(struct wg_uapi_text *text, const char *name, const uint8_t *key)
{
	char hex[HEX];

	to_hex(key, hex);
	add(text, "%s=%s\n", name, hex);
	explicit_bzero(hex, sizeof(hex));
}

static void add_endpoint(struct wg_uapi_text *text, const union wg_endpoint *endpoint)
{
	char address[INET6_ADDRSTRLEN] = "";

	if (endpoint->sa.sa_family == AF_INET) {
		inet_ntop(AF_INET, &endpoint->in.sin_addr, address, sizeof(address));
		add(text, "endpoint=%s:%u\n", address, ntohs(endpoint->in.sin_port));
		return;
	}
	inet_ntop(AF_INET6, &endpoint->in6.sin6_addr, address, sizeof(address));
	if (endpoint->in6.sin6_scope_id)
		add(text, "endpoint=[%s%%%u]:%u\n", address, endpoint->in6.sin6_scope_id,
		    ntohs(endpoint->in6.sin6_port));
	else
		add(text, "endpoint=[%s]:%u\n", address, ntohs(endpoint->in6.sin6_port));
}

struct wg_uapi_text *wg_uapi_device(const uint8_t *private_key, const uint16_t *port, uint32_t mark)
{
	struct wg_uapi_text *text = text_new(0);

	if (!text)
		return NULL;
	add(text, "set=1\n");
	add_key(text, "private_key", private_key);
	add(text, "fwmark=%u\n", mark);
	if (port)
		add(text, "listen_port=%u\n", *port);
	add(text, "\n");
	return text;
}

struct wg_uapi_text *wg_uapi_peer(const struct wg_peer *peer, unsigned what)
{
	struct wg_uapi_text *text = text_new(what & WG_ALLOWED ? peer->n_allowed : 0);
	char allowed[INET6_ADDRSTRLEN];
	size_t i;

	if (!text)
		return NULL;
	add(text, "set=1\n");
	add_key(text, "public_key", peer->key);
	if (what & WG_EXISTING)
		add(text, "update_only=true\n");
	if (what & WG_PSK)
		add_key(text, "preshared_key", peer->psk);
	if (what & WG_ENDPOINT)
		add_endpoint(text, &peer->endpoint);
	if (what & WG_KEEPALIVE)
		add(text, "persistent_keepalive_interval=%u\n", peer->keepalive);
	if (what & WG_ALLOWED)
		add(text, "replace_allowed_ips=true\n");
	for (i = 0; (what & WG_ALLOWED) && i < peer->n_allowed; i++) {
		inet_ntop(peer->allowed[i].family, peer->allowed[i].address, allowed, sizeof(allowed));
		add(text, "allowed_ip=%s/%u\n", allowed, peer->allowed[i].bits);
	}
	add(text, "\n");
	return text;
}

struct wg_uapi_text *wg_uapi_remove(const uint8_t *key)
{
	struct wg_uapi_text *text = text_new(0);

	if (!text)
		return NULL;
	add(text, "set=1\n");
	add_key(text, "public_key", key);
	add(text, "remove=true\n\n");
	return text;
}

struct wg_uapi_text *wg_uapi_get(void)
{
	struct wg_uapi_text *text = text_new(0);

	if (text)
		add(text, "get=1\n\n");
	return text;
}

void wg_uapi_free(struct wg_uapi_text *text)
{
	if (text)
		explicit_bzero(text->text, text->room);
	free(text);
}

/* -- answers: a line is NAME=VALUE ------------------------------------------------------------------ */
static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_key(const char *value, uint8_t out[VMP_COI_SECRET])
{
	size_t i;

	if (strlen(value) != HEX - 1)
		return false;
	for (i = 0; i < VMP_COI_SECRET; i++) {
		int high = digit(value[2 * i]), low = digit(value[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool read_number(const char *value, uint64_t most, uint64_t *out)
{
	uint64_t n = 0;

	if (*value == '\0')
		return false;
	for (; *value; value++) {
		if (*value < '0' || *value > '9' || n > (most - (uint64_t)(*value - '0')) / 10)
			return false;
		n = n * 10 + (uint64_t)(*value - '0');
	}
	*out = n;
	return true;
}

static struct wg_peer *last(const struct wg_uapi_answer *answer)
{
	return &answer->list->peer[answer->list->n - 1];
}

static int take_errno(struct wg_uapi_answer *answer, const char *value)
{
	uint64_t n;

	/* wireguard-go has it negative. */
	if (!read_number(value + (*value == '-'), INT32_MAX, &n) || answer->has_errno)
		return VMP_EINVAL;
	answer->has_errno = true;
	answer->refused = (int)n;
	return VMP_OK;
}

static int take_port(struct wg_uapi_answer *answer, const char *value)
{
	uint64_t n;

	if (!read_number(value, UINT16_MAX, &n))
		return VMP_EINVAL;
	answer->port = (uint16_t)n;
	return VMP_OK;
}

static int take_public_key(struct wg_uapi_answer *answer, const char *value)
{
	uint8_t key[VMP_COI_SECRET];

	if (!read_key(value, key))
		return VMP_EINVAL;
	answer->has_peer = true;
	return wg_list_peer(answer->list, key) ? VMP_OK : VMP_ENOMEM;
}

static int take_psk(struct wg_uapi_answer *answer, const char *value)
{
	return read_key(value, last(answer)->psk) ? VMP_OK : VMP_EINVAL;
}

/* ADDRESS:PORT, [ADDRESS]:PORT; a scope is dropped, since an address of a link is no other machine's endpoint. */
static int take_endpoint(struct wg_uapi_answer *answer, const char *value)
{
	union wg_endpoint endpoint = { .in6 = { 0 } };
	const char *colon = strrchr(value, ':');
	char address[ENDPOINT];
	size_t len = colon ? (size_t)(colon - value) : 0;
	bool six = value[0] == '[';
	uint64_t port;

	if (len < 3 || len >= sizeof(address) || !read_number(colon + 1, UINT16_MAX, &port) ||
	    (six && value[len - 1] != ']'))
		return VMP_EINVAL;
	memcpy(address, value, len);
	address[six ? len - 1 : len] = '\0';
	if (six)
		address[strcspn(address, "%")] = '\0';
	/* The port has the same place in both. */
	endpoint.sa.sa_family = six ? AF_INET6 : AF_INET;
	endpoint.in.sin_port = htons((uint16_t)port);
	if (inet_pton(endpoint.sa.sa_family, address + six,
		      six ? (void *)&endpoint.in6.sin6_addr : (void *)&endpoint.in.sin_addr) != 1)
		return VMP_EINVAL;
	last(answer)->endpoint = endpoint;
	return VMP_OK;
}

static int take_handshake(struct wg_uapi_answer *answer, const char *value)
{
	uint64_t n;

	if (!read_number(value, INT64_MAX, &n))
		return VMP_EINVAL;
	last(answer)->handshake = (int64_t)n;
	return VMP_OK;
}

static int take_sent(struct wg_uapi_answer *answer, const char *value)
{
	return read_number(value, UINT64_MAX, &last(answer)->sent) ? VMP_OK : VMP_EINVAL;
}

static int take_received(struct wg_uapi_answer *answer, const char *value)
{
	return read_number(value, UINT64_MAX, &last(answer)->received) ? VMP_OK : VMP_EINVAL;
}

static int take_keepalive(struct wg_uapi_answer *answer, const char *value)
{
	uint64_t n;

	if (!read_number(value, UINT16_MAX, &n))
		return VMP_EINVAL;
	last(answer)->keepalive = (uint16_t)n;
	return VMP_OK;
}

static int take_allowed(struct wg_uapi_answer *answer, const char *value)
{
	struct prefix prefix;

	if (!strchr(value, '/') || prefix_read(value, &prefix, NULL) != VMP_OK)
		return VMP_EINVAL;
	return wg_list_allow(answer->list, &prefix);
}

static const struct {
	const char *name;
	bool of_peer;
	int (*take)(struct wg_uapi_answer *answer, const char *value);
} names[] = {
	{ "errno", false, take_errno },
	{ "listen_port", false, take_port },
	{ "public_key", false, take_public_key },
	{ "preshared_key", true, take_psk },
	{ "endpoint", true, take_endpoint },
	{ "last_handshake_time_sec", true, take_handshake },
	{ "tx_bytes", true, take_sent },
	{ "rx_bytes", true, take_received },
	{ "persistent_keepalive_interval", true, take_keepalive },
	{ "allowed_ip", true, take_allowed },
};

/* Newer ones may tell more; what we have not asked for is none of our business. */
static int take_named(struct wg_uapi_answer *answer, const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]) && strcmp(names[i].name, name) != 0; i++)
		;
	if (i == sizeof(names) / sizeof(names[0]))
		return VMP_OK;
	if ((i > 0 && !answer->list) || (names[i].of_peer && !answer->has_peer) || answer->has_errno)
		return VMP_EINVAL;
	return names[i].take(answer, value);
}

static int take_line(struct wg_uapi_answer *answer, struct vmp_msg *msg)
{
	char *line = answer->line, *value = strchr(line, '=');
	size_t len = strspn(line, "abcdefghijklmnopqrstuvwxyz_0123456789");
	int err;

	if (line[0] == '\0') {
		answer->ended = true;
		return answer->has_errno ? VMP_OK : vmp_fail(msg, VMP_EINVAL, "an answer without errno");
	}
	if (!value || len == 0 || line + len != value)
		return vmp_fail(msg, VMP_EINVAL, "a line that is no NAME=VALUE");
	*value = '\0';
	err = take_named(answer, line, value + 1);
	/* The value may be a secret. */
	return err == VMP_OK || err == VMP_ENOMEM ? err : vmp_fail(msg, err, "%s is unexpected, or its value", line);
}

int wg_uapi_take(struct wg_uapi_answer *answer, const char *data, size_t len, struct vmp_msg *msg)
{
	int err = VMP_OK;
	size_t i;

	for (i = 0; i < len && err == VMP_OK; i++) {
		if (answer->ended)
			return vmp_fail(msg, VMP_EINVAL, "more behind the end of the answer");
		if (data[i] != '\n') {
			if (answer->len >= sizeof(answer->line) - 1 || data[i] == '\0')
				return vmp_fail(msg, VMP_EINVAL, "a line of more than %d octets", WG_UAPI_LINE - 1);
			answer->line[answer->len++] = data[i];
			continue;
		}
		answer->line[answer->len] = '\0';
		err = take_line(answer, msg);
		answer->len = 0;
	}
	return err;
}

void wg_uapi_wipe(struct wg_uapi_answer *answer)
{
	explicit_bzero(answer->line, sizeof(answer->line));
	answer->len = 0;
}
