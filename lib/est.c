#include "est.h"
#include "pki_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* -- base64 -- */

/* Value of a character; -1: none. */
static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next four characters, at most the last two of them '='.  @return octets that they stand for, -1: not base64. */
static int read_four(const char four[4], uint8_t out[3])
{
	int pad = four[3] != '=' ? 0 : four[2] != '=' ? 1 : 2, i;
	uint32_t v = 0;

	for (i = 0; i < 4; i++) {
		int one = i < 4 - pad ? value_of(four[i]) : 0;

		if (one < 0)
			return -1;
		v = v << 6 | (uint32_t)one;
	}
	/* Bits that stand for nothing must be 0: so a text has one form. */
	if ((pad == 1 && v & 0xff) || (pad == 2 && v & 0xffff))
		return -1;
	out[0] = (uint8_t)(v >> 16);
	out[1] = (uint8_t)(v >> 8);
	out[2] = (uint8_t)v;
	return 3 - pad;
}

/* @param blanks  skip blanks and line ends. */
static int decode(const char *text, size_t text_len, bool blanks, uint8_t *out, size_t *len)
{
	uint8_t three[3] = { 0 };
	size_t i, n = 0, at = 0;
	int got = 3, err = VMP_OK;
	char four[4];

	for (i = 0; i < text_len && !err; i++) {
		if (blanks && is_blank(text[i]))
			continue;
		four[n++] = text[i];
		if (n < 4)
			continue;
		n = 0;
		/* Nothing may follow padding. */
		got = got == 3 ? read_four(four, three) : -1;
		if (got < 0 || *len - at < (size_t)got) {
			err = VMP_EINVAL;
			continue;
		}
		memcpy(out + at, three, (size_t)got);
		at += (size_t)got;
	}
	vmp_wipe(three, sizeof(three));
	vmp_wipe(four, sizeof(four));
	if (err || n)
		return VMP_EINVAL;
	*len = at;
	return VMP_OK;
}

static void encode(const uint8_t *p, size_t len, const char *set, bool pad, char *out)
{
	for (; len > 0; p += 3) {
		size_t n = len < 3 ? len : 3;
		uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);

		*out++ = set[v >> 18];
		*out++ = set[v >> 12 & 63];
		if (n > 1 || pad)
			*out++ = n > 1 ? set[v >> 6 & 63] : '=';
		if (n > 2 || pad)
			*out++ = n > 2 ? set[v & 63] : '=';
		len -= n;
	}
	*out = '\0';
}

char *vmp_base64(const void *data, size_t len)
{
	char *out = malloc((len + 2) / 3 * 4 + 1);

	if (out)
		encode(data, len, alphabet, true, out);
	return out;
}

int vmp_unbase64(const char *text, size_t text_len, void *out, size_t *len)
{
	return decode(text, text_len, false, out, len);
}

void vmp_base64url(const void *data, size_t len, char *out)
{
	encode(data, len, alphabet_url, false, out);
}

/* -- bodies -- */

/* The base64 between the lines "-----BEGIN label-----" and "-----END label-----". */
static bool strip_pem(const char **text, size_t *len, const char *label)
{
	char begin[64] = "-----BEGIN ", end[64] = "-----END ";
	size_t begin_len, end_len;
	const char *stop;

	strncat(begin, label, sizeof(begin) - strlen(begin) - 1);
	strncat(begin, "-----", sizeof(begin) - strlen(begin) - 1);
	strncat(end, label, sizeof(end) - strlen(end) - 1);
	strncat(end, "-----", sizeof(end) - strlen(end) - 1);
	begin_len = strlen(begin);
	end_len = strlen(end);
	if (*len < begin_len + end_len || memcmp(*text, begin, begin_len) != 0)
		return false;
	stop = *text + *len - end_len;
	if (memcmp(stop, end, end_len) != 0)
		return false;
	*text += begin_len;
	*len = (size_t)(stop - *text);
	return true;
}

static void trim(const char **text, size_t *len)
{
	while (*len > 0 && is_blank(**text)) {
		(*text)++;
		(*len)--;
	}
	while (*len > 0 && is_blank((*text)[*len - 1]))
		(*len)--;
}

int vmp_est_request(const char *body, size_t len, uint8_t *der, size_t *der_len, struct vmp_msg *msg)
{
	size_t size = VMP_CSR_MAX;

	trim(&body, &len);
	if (!strip_pem(&body, &len, "CERTIFICATE REQUEST"))
		(void)strip_pem(&body, &len, "NEW CERTIFICATE REQUEST");
	if (decode(body, len, true, der, &size) != VMP_OK || size == 0)
		return vmp_fail(msg, VMP_EINVAL, "expected a certificate request in base64, of at most %d octets",
				VMP_CSR_MAX);
	*der_len = size;
	return VMP_OK;
}

static bool are_elements(const uint8_t *der, size_t len)
{
	struct vmp_der in = vmp_der_of(der, len);

	while (!in.bad && in.p < in.end)
		(void)vmp_der_enter(&in, DER_SEQUENCE);
	return vmp_der_done(&in);
}

/* With its tag and length. */
static const uint8_t signed_data[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02 };

/* SignedData without content and signers (RFC 5272 4.1, "certs-only"). */
static void add_certs(struct vmp_der_out *out, const uint8_t *certs, size_t len)
{
	static const uint8_t start[] = { DER_INTEGER, 1,    1,	  DER_SET, 0,	 DER_SEQUENCE, 11,   0x06, 0x09,
					 0x2a,	      0x86, 0x48, 0x86,	   0xf7, 0x0d,	       0x01, 0x07, 0x01 };

	vmp_der_add(out, DER_SET, NULL, 0);
	vmp_der_add(out, DER_CONTEXT_0, certs, len);
	vmp_der_put(out, start, sizeof(start));
	vmp_der_close(out, out->room, DER_SEQUENCE);
	vmp_der_close(out, out->room, DER_CONTEXT_0);
	vmp_der_put(out, signed_data, sizeof(signed_data));
	vmp_der_close(out, out->room, DER_SEQUENCE);
}

char *vmp_est_certs(const uint8_t *certs, size_t len, size_t *out_len)
{
	struct vmp_der_out der;
	size_t size, room = len + 96;
	uint8_t *buf;
	char *out = NULL;

	if (!are_elements(certs, len))
		return NULL;
	buf = malloc(room);
	if (!buf)
		return NULL;
	der = vmp_der_begin(buf, room);
	add_certs(&der, certs, len);
	size = der.room - der.at;
	if (!der.full)
		out = vmp_base64(buf + der.at, size);
	if (out)
		*out_len = strlen(out);
	free(buf);
	return out;
}

/* The content of a certs-only message's certificates; bad when it is none. */
static struct vmp_der enter_certs(const uint8_t *der, size_t len)
{
	struct vmp_der in = vmp_der_of(der, len), info = vmp_der_enter(&in, DER_SEQUENCE), type, content, data, certs;

	type = vmp_der_take(&info, DER_OID);
	content = vmp_der_enter(&info, DER_CONTEXT_0);
	data = vmp_der_enter(&content, DER_SEQUENCE);
	(void)vmp_der_enter(&data, DER_INTEGER);
	(void)vmp_der_enter(&data, DER_SET);
	(void)vmp_der_enter(&data, DER_SEQUENCE);
	certs = vmp_der_enter(&data, DER_CONTEXT_0);
	vmp_der_skip(&data, DER_CONTEXT_0 + 1);
	(void)vmp_der_enter(&data, DER_SET);
	if (!vmp_der_done(&in) || !vmp_der_done(&info) || !vmp_der_done(&content) || !vmp_der_done(&data) ||
	    !vmp_der_is(&type, signed_data, sizeof(signed_data)))
		certs.bad = true;
	return certs;
}

int vmp_est_certs_read(const char *body, size_t len, uint8_t *certs, size_t *certs_len, struct vmp_msg *msg)
{
	size_t size = VMP_EST_CERTS_MAX, n;
	uint8_t *der = malloc(size);
	struct vmp_der in = { .bad = true };
	int err = VMP_EINVAL;

	if (!der)
		return VMP_ENOMEM;
	trim(&body, &len);
	(void)strip_pem(&body, &len, "PKCS7");
	if (decode(body, len, true, der, &size) == VMP_OK)
		in = enter_certs(der, size);
	n = in.bad ? 0 : vmp_der_left(&in);
	if (n > 0 && are_elements(in.p, n)) {
		memcpy(certs, in.p, n);
		*certs_len = n;
		err = VMP_OK;
	}
	free(der);
	return err == VMP_OK ? err : vmp_fail(msg, err, "expected certificates in a certs-only PKCS#7, in base64");
}

const char *vmp_est_csrattrs(void)
{
	/* SEQUENCE { SEQUENCE { id-ecPublicKey, SET { prime256v1 } }, ecdsa-with-SHA256 } */
	return "MCEwFQYHKoZIzj0CATEKBggqhkjOPQMBBwYIKoZIzj0EAwI=";
}

/* -- Basic authentication -- */

int vmp_basic_read(const char *header, char out[512], const char **password)
{
	static const char scheme[] = "Basic ";
	size_t len = 511, i;
	char *colon;

	if (strncasecmp(header, scheme, sizeof(scheme) - 1) != 0)
		return VMP_EINVAL;
	header += sizeof(scheme) - 1;
	while (*header == ' ')
		header++;
	if (decode(header, strlen(header), false, (uint8_t *)out, &len) != VMP_OK)
		goto bad;
	out[len] = '\0';
	/* RFC 7617 2: no control characters; and a NUL would hide what follows it. */
	for (i = 0; i < len; i++) {
		if ((unsigned char)out[i] < ' ' || out[i] == 0x7f)
			goto bad;
	}
	colon = strchr(out, ':');
	if (!colon)
		goto bad;
	*colon = '\0';
	*password = colon + 1;
	return VMP_OK;
bad:
	vmp_wipe(out, 512);
	return VMP_EINVAL;
}
