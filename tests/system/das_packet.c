/** Requests of RFC 5176, verified; answers, made. */
#include "das.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { VENDOR_SPECIFIC = 26, PROXY_STATE = 33, EVENT_TIMESTAMP = 55, MESSAGE_AUTHENTICATOR = 80, ERROR_CAUSE = 101 };
enum { SECRET_MAX = 256, TIME_WINDOW_S = 300 };

static const uint8_t zero[DAS_DIGEST];

/* MD5 over the packet, with an authenticator in its place, and the secret. */
static void digest(const struct das_packet *p, const uint8_t *authenticator, const char *secret, uint8_t *out)
{
	static uint8_t buf[DAS_PACKET_MAX + SECRET_MAX];
	size_t len = strlen(secret);

	memcpy(buf, p->octet, p->len);
	memcpy(buf + DAS_AUTH, authenticator, DAS_DIGEST);
	memcpy(buf + p->len, secret, len);
	if (!EVP_Digest(buf, p->len + len, out, NULL, EVP_md5(), NULL))
		abort();
}

/* HMAC-MD5 with Message-Authenticator as zero, RFC 3579 section 3.2. */
static void hmac(const struct das_packet *p, size_t value_at, const uint8_t *authenticator, const char *secret,
		 uint8_t *out)
{
	static struct das_packet copy;

	copy.len = p->len;
	memcpy(copy.octet, p->octet, p->len);
	memcpy(copy.octet + DAS_AUTH, authenticator, DAS_DIGEST);
	memset(copy.octet + value_at, 0, DAS_DIGEST);
	if (!HMAC(EVP_md5(), secret, (int)strlen(secret), copy.octet, copy.len, out, NULL))
		abort();
}

static const char *shape_wrong(struct das_packet *p)
{
	size_t len, at;

	if (p->len < DAS_HEADER)
		return "short";
	len = (size_t)p->octet[2] << 8 | p->octet[3];
	if (len < DAS_HEADER || len > p->len)
		return "length";
	p->len = len;
	for (at = DAS_HEADER; at < len; at += p->octet[at + 1]) {
		if (at + 2 > len || p->octet[at + 1] < 2 || at + p->octet[at + 1] > len)
			return "attribute-length";
	}
	return p->octet[0] == DAS_DISCONNECT || p->octet[0] == DAS_COA ? NULL : "code";
}

static const char *message_authenticator_wrong(const struct das_packet *p, const char *secret)
{
	struct das_attr a;
	uint8_t want[DAS_DIGEST];

	if (!das_packet_find(p, MESSAGE_AUTHENTICATOR, &a))
		return "no-Message-Authenticator";
	if (a.len != DAS_DIGEST)
		return "Message-Authenticator";
	hmac(p, (size_t)(a.value - p->octet), zero, secret, want);
	return CRYPTO_memcmp(want, a.value, DAS_DIGEST) == 0 ? NULL : "Message-Authenticator";
}

static const char *timestamp_wrong(const struct das_packet *p)
{
	struct das_attr a;
	uint32_t at;

	if (!das_packet_find(p, EVENT_TIMESTAMP, &a))
		return "no-Event-Timestamp";
	if (a.len != sizeof(at))
		return "Event-Timestamp";
	memcpy(&at, a.value, sizeof(at));
	return llabs((long long)ntohl(at) - time(NULL)) <= TIME_WINDOW_S ? NULL : "Event-Timestamp";
}

const char *das_packet_wrong(struct das_packet *packet, const char *secret)
{
	const char *wrong = shape_wrong(packet);
	uint8_t want[DAS_DIGEST];

	if (wrong)
		return wrong;
	digest(packet, zero, secret, want);
	if (CRYPTO_memcmp(want, packet->octet + DAS_AUTH, DAS_DIGEST) != 0)
		return "Request-Authenticator";
	wrong = message_authenticator_wrong(packet, secret);
	return wrong ? wrong : timestamp_wrong(packet);
}

/* Vendor-Specific with one whole attribute in it, as RFC 2865 section 5.26 has it. */
static void open_vendor(struct das_attr *a)
{
	uint32_t vendor;

	if (a->type != VENDOR_SPECIFIC || a->len < 6 || a->value[5] != a->len - 4)
		return;
	memcpy(&vendor, a->value, sizeof(vendor));
	*a = (struct das_attr){ ntohl(vendor), a->value[4], a->value + 6, a->len - 6 };
}

bool das_packet_next(const struct das_packet *packet, size_t *at, struct das_attr *out)
{
	if (*at == 0)
		*at = DAS_HEADER;
	if (*at >= packet->len)
		return false;
	*out = (struct das_attr){ 0, packet->octet[*at], packet->octet + *at + 2, packet->octet[*at + 1] - 2U };
	open_vendor(out);
	*at += packet->octet[*at + 1];
	return true;
}

const struct das_attr *das_packet_find(const struct das_packet *packet, uint8_t type, struct das_attr *out)
{
	size_t at = 0;

	while (das_packet_next(packet, &at, out)) {
		if (out->vendor == 0 && out->type == type)
			return out;
	}
	return NULL;
}

static size_t add(struct das_packet *p, uint8_t type, const void *value, size_t len)
{
	size_t at = p->len + 2;

	p->octet[p->len] = type;
	p->octet[p->len + 1] = (uint8_t)(2 + len);
	memcpy(p->octet + at, value, len);
	p->len = at + len;
	return at;
}

/* An answer is never longer than its request and two attributes more. */
static void add_proxy_states(struct das_packet *out, const struct das_packet *request)
{
	struct das_attr a;
	size_t at = 0;

	while (das_packet_next(request, &at, &a)) {
		if (a.vendor == 0 && a.type == PROXY_STATE && out->len + 64 + a.len < sizeof(out->octet))
			(void)add(out, PROXY_STATE, a.value, a.len);
	}
}

void das_packet_answer(const struct das_packet *request, const struct das_answer *answer, struct das_packet *out)
{
	const uint8_t *authenticator = request->octet + DAS_AUTH;
	const uint32_t cause = htonl(answer->cause);
	size_t at = 0;

	out->octet[0] = answer->code;
	out->octet[1] = request->octet[1];
	out->len = DAS_HEADER;
	if (!answer->bare)
		at = add(out, MESSAGE_AUTHENTICATOR, zero, DAS_DIGEST);
	if (answer->cause)
		(void)add(out, ERROR_CAUSE, &cause, sizeof(cause));
	add_proxy_states(out, request);
	out->octet[2] = (uint8_t)(out->len >> 8);
	out->octet[3] = (uint8_t)(out->len & 255);
	if (at)
		hmac(out, at, authenticator, answer->secret, out->octet + at);
	digest(out, authenticator, answer->secret, out->octet + DAS_AUTH);
}
