#include "das.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#define ERROR_CAUSE	      101
#define MESSAGE_AUTHENTICATOR 80

static void md5(const uint8_t *octet, size_t len, const char *secret, uint8_t out[16])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	EVP_DigestInit_ex(ctx, EVP_md5(), NULL);
	EVP_DigestUpdate(ctx, octet, len);
	EVP_DigestUpdate(ctx, secret, strlen(secret));
	EVP_DigestFinal_ex(ctx, out, NULL);
	EVP_MD_CTX_free(ctx);
}

static void hmac(const uint8_t *octet, size_t len, const char *secret, uint8_t out[16])
{
	unsigned n = 16;

	HMAC(EVP_md5(), secret, (int)strlen(secret), octet, len, out, &n);
}

/* Where an attribute begins; 0: nowhere. */
static size_t find(const uint8_t *octet, size_t len, uint8_t type, int n)
{
	size_t at = PACKET_HEADER;

	while (at + 2 <= len && octet[at + 1] >= 2 && at + octet[at + 1] <= len) {
		if (octet[at] == type && n-- == 0)
			return at;
		at += octet[at + 1];
	}
	return 0;
}

void das_sign(const struct packet *request, const char *secret, uint8_t *octet, size_t len)
{
	size_t at = find(octet, len, MESSAGE_AUTHENTICATOR, 0);
	uint8_t digest[16];

	memcpy(octet + 4, request->octet + 4, 16);
	if (at && octet[at + 1] == 18) {
		memset(octet + at + 2, 0, 16);
		hmac(octet, len, secret, digest);
		memcpy(octet + at + 2, digest, 16);
	}
	md5(octet, len, secret, digest);
	memcpy(octet + 4, digest, 16);
}

size_t das_answer(const struct packet *request, const char *secret, uint8_t code, uint32_t cause, unsigned flags,
		  uint8_t out[PACKET_MAX])
{
	size_t len = PACKET_HEADER;
	uint8_t digest[16];

	out[0] = code;
	out[1] = request->octet[1];
	memcpy(out + 4, request->octet + 4, 16);
	if (cause) {
		const uint8_t attr[] = {
			ERROR_CAUSE,   6, (uint8_t)(cause >> 24), (uint8_t)(cause >> 16), (uint8_t)(cause >> 8),
			(uint8_t)cause
		};

		memcpy(out + len, attr, sizeof(attr));
		len += sizeof(attr);
	}
	if (!(flags & DAS_NO_MESSAGE_AUTHENTICATOR)) {
		out[len] = MESSAGE_AUTHENTICATOR;
		out[len + 1] = 18;
		memset(out + len + 2, 0, 16);
		len += 18;
	}
	out[2] = (uint8_t)(len >> 8);
	out[3] = (uint8_t)len;
	das_sign(request, secret, out, len);
	if (flags & DAS_BAD_MESSAGE_AUTHENTICATOR) {
		out[len - 1] ^= 1;
		memcpy(out + 4, request->octet + 4, 16);
		md5(out, len, secret, digest);
		memcpy(out + 4, digest, 16);
	}
	return len;
}

bool das_request_is_signed(const struct packet *request, const char *secret)
{
	struct packet copy = *request;
	size_t at = find(copy.octet, copy.len, MESSAGE_AUTHENTICATOR, 0);
	uint8_t digest[16];

	memset(copy.octet + 4, 0, 16);
	md5(copy.octet, copy.len, secret, digest);
	if (memcmp(digest, request->octet + 4, 16) != 0 || !at)
		return false;
	memset(copy.octet + at + 2, 0, 16);
	hmac(copy.octet, copy.len, secret, digest);
	return memcmp(digest, request->octet + at + 2, 16) == 0;
}

const uint8_t *das_attr(const struct packet *request, uint8_t type, int n, size_t *len)
{
	size_t at = find(request->octet, request->len, type, n);

	if (!at)
		return NULL;
	*len = request->octet[at + 1] - 2u;
	return request->octet + at + 2;
}
