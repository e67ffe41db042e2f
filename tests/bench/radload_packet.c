/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The MAB request and the check of its reply.
 *
 * The request's layout is fixed, so a template is filled in at known offsets.  MD5 runs four times a
 * request and is a quarter of the generator's cost; one context and one fetched digest serve them all.
 * Sources: RFC 2865 (packet, User-Password), RFC 3579 section 3.2 (Message-Authenticator).
 */
#include "radload.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

enum {
	CODE_ACCESS_REQUEST = 1,
	CODE_ACCESS_ACCEPT = 2,
	ATTR_USER_NAME = 1,
	ATTR_USER_PASSWORD = 2,
	ATTR_NAS_IP_ADDRESS = 4,
	ATTR_NAS_PORT = 5,
	ATTR_SERVICE_TYPE = 6,
	ATTR_CALLING_STATION_ID = 31,
	ATTR_NAS_PORT_TYPE = 61,
	ATTR_MESSAGE_AUTHENTICATOR = 80,
};

/* Where the attributes' values lie in the request. */
enum {
	OFF_RA = 4,
	OFF_MSG_AUTH = 20 + 2,
	OFF_USER = OFF_MSG_AUTH + 16 + 2,
	OFF_PASSWORD = OFF_USER + 12 + 2,
	OFF_CALLING = OFF_PASSWORD + 16 + 2,
	OFF_NAS_IP = OFF_CALLING + 17 + 2,
	OFF_NAS_PORT = OFF_NAS_IP + 4 + 2,
	OFF_SERVICE = OFF_NAS_PORT + 4 + 2,
	OFF_PORT_TYPE = OFF_SERVICE + 4 + 2,
	REQUEST_LEN = OFF_PORT_TYPE + 4,
};

struct codec {
	const struct options *opt;
	EVP_MD *md;
	EVP_MD_CTX *ctx;
	size_t secret_len;
	uint64_t random; /* state of the generator */
	uint64_t checked;
	uint8_t outer[64 + 16]; /* HMAC: outer key block, inner digest */
	uint8_t attrs[ATTRS_MAX];
	size_t attrs_len;
};

static void md5(struct codec *c, const uint8_t *in, size_t len, uint8_t out[16])
{
	if (EVP_DigestInit_ex(c->ctx, c->md, NULL) != 1 || EVP_DigestUpdate(c->ctx, in, len) != 1 ||
	    EVP_DigestFinal_ex(c->ctx, out, NULL) != 1)
		die("MD5 failed");
}

/* splitmix64: fast, and any seed will do. */
static uint64_t random_next(struct codec *c)
{
	uint64_t z = (c->random += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

struct codec *codec_new(const struct options *o)
{
	struct codec *c = calloc(1, sizeof(*c));

	if (!c)
		die("out of memory");
	c->opt = o;
	c->md = EVP_MD_fetch(NULL, "MD5", NULL);
	c->ctx = EVP_MD_CTX_new();
	if (!c->md || !c->ctx)
		die("OpenSSL offers no MD5");
	c->secret_len = strlen(o->secret);
	c->random = o->seed;
	memset(c->outer, 0x5c, 64);
	for (size_t i = 0; i < c->secret_len; i++)
		c->outer[i] ^= (uint8_t)o->secret[i];
	return c;
}

void codec_free(struct codec *c)
{
	EVP_MD_CTX_free(c->ctx);
	EVP_MD_free(c->md);
	free(c);
}

static void put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static void put_head(uint8_t *pkt, size_t value, uint8_t type, size_t len)
{
	pkt[value - 2] = type;
	pkt[value - 1] = (uint8_t)(len + 2);
}

size_t codec_init_wire(const struct codec *c, struct wire *w)
{
	uint8_t *p = w->pkt;

	for (size_t i = 0; i < 64; i++)
		w->ipad[i] = c->outer[i] ^ 0x5c ^ 0x36;
	memset(p, 0, sizeof(w->pkt));
	p[0] = CODE_ACCESS_REQUEST;
	p[3] = REQUEST_LEN;
	put_head(p, OFF_MSG_AUTH, ATTR_MESSAGE_AUTHENTICATOR, 16);
	put_head(p, OFF_USER, ATTR_USER_NAME, 12);
	put_head(p, OFF_PASSWORD, ATTR_USER_PASSWORD, 16);
	put_head(p, OFF_CALLING, ATTR_CALLING_STATION_ID, 17);
	put_head(p, OFF_NAS_IP, ATTR_NAS_IP_ADDRESS, 4);
	put_u32(p + OFF_NAS_IP, 0x7f000001);
	put_head(p, OFF_NAS_PORT, ATTR_NAS_PORT, 4);
	put_head(p, OFF_SERVICE, ATTR_SERVICE_TYPE, 4);
	put_u32(p + OFF_SERVICE, 10); /* Call-Check */
	put_head(p, OFF_PORT_TYPE, ATTR_NAS_PORT_TYPE, 4);
	put_u32(p + OFF_PORT_TYPE, 15); /* Ethernet */
	return REQUEST_LEN;
}

static void put_mac(uint8_t *p, uint64_t mac)
{
	static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
	uint8_t *user = p + OFF_USER, *calling = p + OFF_CALLING;

	for (int shift = 44; shift >= 0; shift -= 8) {
		unsigned high = (unsigned)(mac >> shift) & 15, low = (unsigned)(mac >> (shift - 4)) & 15;

		*user++ = (uint8_t)lower[high];
		*user++ = (uint8_t)lower[low];
		*calling++ = (uint8_t)upper[high];
		*calling++ = (uint8_t)upper[low];
		if (shift > 4)
			*calling++ = '-';
	}
}

/* RFC 2865, section 5.2; one block, because the MAC is shorter than 16 octets. */
static void hide_password(struct codec *c, uint8_t *p)
{
	uint8_t in[SECRET_MAX + RA_LEN], key[16];

	memcpy(in, c->opt->secret, c->secret_len);
	memcpy(in + c->secret_len, p + OFF_RA, RA_LEN);
	md5(c, in, c->secret_len + RA_LEN, key);
	for (int i = 0; i < 12; i++)
		key[i] ^= p[OFF_USER + i];
	memcpy(p + OFF_PASSWORD, key, 16);
}

void codec_fill(struct codec *c, struct wire *w, uint8_t id, uint32_t nas_port)
{
	const struct options *o = c->opt;
	uint64_t ra[2] = { random_next(c), random_next(c) };

	w->pkt[1] = id;
	memcpy(w->pkt + OFF_RA, ra, RA_LEN);
	put_mac(w->pkt, o->mac_first + (random_next(c) % o->mac_count) * o->mac_step);
	put_u32(w->pkt + OFF_NAS_PORT, nas_port);
	hide_password(c, w->pkt);
	memset(w->pkt + OFF_MSG_AUTH, 0, 16);
	md5(c, w->ipad, sizeof(w->ipad) + REQUEST_LEN, c->outer + 64);
	md5(c, c->outer, sizeof(c->outer), w->pkt + OFF_MSG_AUTH);
}

/* Code, length and the attributes' own lengths.  Zeroes the values of the types in @p blank, which
 * differ from reply to reply. */
static const char *reply_parse(uint8_t *pkt, size_t len, const bool *blank)
{
	if (len < 20 || ((size_t)pkt[2] << 8 | pkt[3]) != len)
		return "reply of the wrong length";
	if (pkt[0] != CODE_ACCESS_ACCEPT)
		return "reply is not an Access-Accept";
	for (size_t at = 20; at < len; at += pkt[at + 1]) {
		if (len - at < 2 || pkt[at + 1] < 2 || pkt[at + 1] > len - at)
			return "malformed attribute in the reply";
		if (blank && blank[pkt[at]])
			memset(pkt + at + 2, 0, pkt[at + 1] - 2U);
	}
	return NULL;
}

/* RFC 2865, section 3: MD5(code, id, length, Request Authenticator, attributes, secret). */
static bool reply_signed(struct codec *c, const uint8_t *pkt, size_t len, const uint8_t ra[RA_LEN])
{
	uint8_t in[REPLY_MAX + SECRET_MAX], sum[16];

	memcpy(in, pkt, len);
	memcpy(in + OFF_RA, ra, RA_LEN);
	memcpy(in + len, c->opt->secret, c->secret_len);
	md5(c, in, len + c->secret_len, sum);
	return memcmp(sum, pkt + OFF_RA, RA_LEN) == 0;
}

static const uint8_t *attr_find(const uint8_t *in, size_t len, const uint8_t *attr)
{
	for (size_t at = 0; at < len; at += in[at + 1]) {
		if (in[at + 1] == attr[1] && memcmp(in + at, attr, attr[1]) == 0)
			return in + at;
	}
	return NULL;
}

/* The reply carries what --expect-attrs says, in any order, and besides only what varies. */
static const char *expected(const struct options *o, const uint8_t *attrs, size_t len)
{
	size_t others = len;

	for (size_t at = 0; at < o->expect_len; at += o->expect[at + 1]) {
		if (!attr_find(attrs, len, o->expect + at))
			return "an expected attribute is missing from the reply";
	}
	for (size_t at = 0; at < len; at += attrs[at + 1]) {
		if (o->vary[attrs[at]])
			others -= attrs[at + 1];
	}
	return others == o->expect_len ? NULL : "the reply carries attributes beyond the expected ones";
}

const char *codec_learn(struct codec *c, uint8_t *pkt, size_t len, const uint8_t ra[RA_LEN])
{
	const char *bad = reply_parse(pkt, len, NULL);

	if (bad)
		return bad;
	if (!reply_signed(c, pkt, len, ra))
		return "wrong Response Authenticator (is the secret right?)";
	if (len - 20 > sizeof(c->attrs))
		return "reply carries too many attributes";
	reply_parse(pkt, len, c->opt->vary);
	if (c->opt->expect_len && (bad = expected(c->opt, pkt + 20, len - 20)))
		return bad;
	c->attrs_len = len - 20;
	memcpy(c->attrs, pkt + 20, c->attrs_len);
	return NULL;
}

bool codec_check(struct codec *c, uint8_t *pkt, size_t len, const uint8_t ra[RA_LEN])
{
	if (len != c->attrs_len + 20 || reply_parse(pkt, len, NULL))
		return false;
	if (c->checked++ % c->opt->verify == 0 && !reply_signed(c, pkt, len, ra))
		return false;
	reply_parse(pkt, len, c->opt->vary);
	return memcmp(pkt + 20, c->attrs, c->attrs_len) == 0;
}
