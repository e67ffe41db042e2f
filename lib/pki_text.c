#include "pki.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <limits.h>
#include <string.h>

int vmp_random(void *out, size_t len)
{
	if (len <= INT_MAX && RAND_bytes(out, (int)len) == 1)
		return VMP_OK;
	ERR_clear_error();
	return VMP_EIO;
}

void vmp_digest(const void *data, size_t len, uint8_t out[VMP_DIGEST])
{
	SHA256(data, len, out);
}

bool vmp_same(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void vmp_wipe(void *data, size_t len)
{
	if (data)
		OPENSSL_cleanse(data, len);
}

void vmp_hex(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *p = data;

	for (; len > 0; len--, p++) {
		*out++ = digits[*p >> 4];
		*out++ = digits[*p & 15];
	}
	*out = '\0';
}

/* Of a digit of any case; -1: no digit. */
static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int vmp_unhex(const char *text, size_t text_len, void *out, size_t len)
{
	uint8_t *p = out;
	size_t i;

	if (text_len / 2 != len || text_len % 2)
		return VMP_EINVAL;
	for (i = 0; i < len; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return VMP_EINVAL;
		p[i] = (uint8_t)(high << 4 | low);
	}
	return VMP_OK;
}

static bool is_dash(size_t i)
{
	return i == 8 || i == 13 || i == 18 || i == 23;
}

int vmp_uuid_parse(const char *text, size_t len, char out[VMP_UUID_TEXT])
{
	char uuid[VMP_UUID_TEXT] = "";
	size_t i;

	if (len != VMP_UUID_TEXT - 1)
		return VMP_EINVAL;
	for (i = 0; i < len; i++) {
		if (is_dash(i) ? text[i] != '-' : digit(text[i]) < 0)
			return VMP_EINVAL;
		uuid[i] = (char)(text[i] | 0x20);
	}
	memcpy(out, uuid, sizeof(uuid));
	return VMP_OK;
}

/* Version and variant (RFC 9562 section 4), and the text. */
static void format_uuid(uint8_t v[16], unsigned version, char out[VMP_UUID_TEXT])
{
	char hex[33];
	size_t i, at = 0;

	v[6] = (uint8_t)((v[6] & 0x0f) | version << 4);
	v[8] = (uint8_t)((v[8] & 0x3f) | 0x80);
	vmp_hex(v, 16, hex);
	for (i = 0; i < VMP_UUID_TEXT - 1; i++)
		out[i] = is_dash(i) ? '-' : hex[at++];
	out[i] = '\0';
}

int vmp_uuid_random(char out[VMP_UUID_TEXT])
{
	uint8_t v[16];

	if (vmp_random(v, sizeof(v)) != VMP_OK)
		return VMP_EIO;
	format_uuid(v, 4, out);
	return VMP_OK;
}

int vmp_uuid_of_name(const char *space, const void *name, size_t len, char out[VMP_UUID_TEXT])
{
	char lower[VMP_UUID_TEXT], hex[33];
	uint8_t text[16 + VMP_UUID_NAME], digest[SHA_DIGEST_LENGTH];
	size_t i, at = 0;

	if (len > VMP_UUID_NAME || vmp_uuid_parse(space, strlen(space), lower) != VMP_OK)
		return VMP_EINVAL;
	for (i = 0; lower[i]; i++) {
		if (!is_dash(i))
			hex[at++] = lower[i];
	}
	if (vmp_unhex(hex, at, text, 16) != VMP_OK)
		return VMP_EINVAL;
	memcpy(text + 16, name, len);
	SHA1(text, 16 + len, digest);
	format_uuid(digest, 5, out);
	return VMP_OK;
}
