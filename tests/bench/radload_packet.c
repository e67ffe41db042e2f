/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What requests have in common, and the check of their replies.
 *
 * Source: RFC 2865, section 3 (packet, Response Authenticator; RFC 2866 has the same for accounting).
 */
#include "radload_codec.h"

#include <stdlib.h>
#include <string.h>

#define NAS_PORTS 1000

void codec_md5(struct codec *c, const uint8_t *in, size_t len, uint8_t out[16])
{
	if (EVP_DigestInit_ex(c->ctx, c->md, NULL) != 1 || EVP_DigestUpdate(c->ctx, in, len) != 1 ||
	    EVP_DigestFinal_ex(c->ctx, out, NULL) != 1)
		die("MD5 failed");
}

/* splitmix64: fast, and any seed will do. */
uint64_t codec_random(struct codec *c)
{
	uint64_t z = (c->random += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static void codec_key(struct codec *c)
{
	c->secret_len = strlen(c->opt->secret);
	memset(c->outer, 0x5c, 64);
	for (size_t i = 0; i < c->secret_len; i++)
		c->outer[i] ^= (uint8_t)c->opt->secret[i];
}

struct codec *codec_new(const struct options *o)
{
	struct codec *c = calloc(1, sizeof(*c));

	if (!c)
		die("out of memory");
	c->opt = o;
	c->kind = o->accounting ? &kind_accounting : &kind_access;
	if (o->accounting || o->state)
		c->state = state_open(o->state, o->mac_count);
	c->md = EVP_MD_fetch(NULL, "MD5", NULL);
	c->ctx = EVP_MD_CTX_new();
	if (!c->md || !c->ctx)
		die("OpenSSL offers no MD5");
	c->random = o->seed;
	codec_key(c);
	return c;
}

void codec_free(struct codec *c)
{
	state_close(c->state);
	EVP_MD_CTX_free(c->ctx);
	EVP_MD_free(c->md);
	free(c);
}

void put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

void put_head(uint8_t *pkt, size_t value, uint8_t type, size_t len)
{
	pkt[value - 2] = type;
	pkt[value - 1] = (uint8_t)(len + 2);
}

void put_mac(uint8_t *user, uint8_t *calling, uint64_t mac)
{
	static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";

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

uint32_t nas_port_of(uint64_t index)
{
	return 1 + (uint32_t)(index % NAS_PORTS);
}

void codec_init_wire(const struct codec *c, struct wire *w)
{
	memset(w, 0, sizeof(*w));
	c->kind->init(c, w);
}

static uint64_t next_index(struct codec *c)
{
	return (c->opt->in_turn ? c->turn++ : codec_random(c)) % c->opt->mac_count;
}

size_t codec_fill(struct codec *c, struct wire *w, uint8_t id, uint64_t *index)
{
	*index = next_index(c);
	w->pkt[1] = id;
	return c->kind->fill(c, w, c->opt->mac_first + *index * c->opt->mac_step, *index);
}

/* Code, length and the attributes' own lengths.  Zeroes the values of the types in @p blank, which
 * differ from reply to reply. */
static const char *reply_parse(const struct codec *c, uint8_t *pkt, size_t len, const bool *blank)
{
	if (len < 20 || ((size_t)pkt[2] << 8 | pkt[3]) != len)
		return "reply of the wrong length";
	if (pkt[0] != c->kind->reply_code)
		return c->kind->not_reply;
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
	codec_md5(c, in, len + c->secret_len, sum);
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

static void note_class(struct state_record *record, const uint8_t *value, size_t len)
{
	if (len > CLASS_MAX)
		die("Class of %zu octets: at most %d can be kept", len, CLASS_MAX);
	record->class_len = (uint8_t)len;
	memcpy(record->class, value, len);
}

/* A good reply, before its varying values are blanked. */
static void note(struct codec *c, const uint8_t *pkt, size_t len, uint64_t index)
{
	struct state_record *record = c->state ? &c->state->records[index] : NULL;

	if (!record)
		return;
	record->flags |= c->kind->replied;
	for (size_t at = 20; at < len; at += pkt[at + 1]) {
		if (pkt[at] == ATTR_CLASS)
			note_class(record, pkt + at + 2, pkt[at + 1] - 2U);
	}
}

const char *codec_learn(struct codec *c, uint8_t *pkt, size_t len, const uint8_t ra[RA_LEN], uint64_t index)
{
	const char *bad = reply_parse(c, pkt, len, NULL);

	if (bad)
		return bad;
	if (!reply_signed(c, pkt, len, ra))
		return "wrong Response Authenticator (is the secret right?)";
	if (len - 20 > sizeof(c->attrs))
		return "reply carries too many attributes";
	note(c, pkt, len, index);
	reply_parse(c, pkt, len, c->opt->vary);
	if (c->opt->expect_len && (bad = expected(c->opt, pkt + 20, len - 20)))
		return bad;
	c->attrs_len = len - 20;
	memcpy(c->attrs, pkt + 20, c->attrs_len);
	return NULL;
}

bool codec_check(struct codec *c, uint8_t *pkt, size_t len, const uint8_t ra[RA_LEN], uint64_t index)
{
	if (len != c->attrs_len + 20 || reply_parse(c, pkt, len, NULL))
		return false;
	if (c->checked++ % c->opt->verify == 0 && !reply_signed(c, pkt, len, ra))
		return false;
	note(c, pkt, len, index);
	reply_parse(c, pkt, len, c->opt->vary);
	return memcmp(pkt + 20, c->attrs, c->attrs_len) == 0;
}

uint64_t codec_macs(const struct codec *c)
{
	return c->state ? state_count(c->state, c->kind->replied) : 0;
}
