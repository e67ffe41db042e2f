#include "eap_md5.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define NAME_MAX_LEN 253

static EVP_MD *md5(void)
{
	return EVP_MD_fetch(NULL, "MD5", NULL);
}

bool vmp_eap_md5_usable(void)
{
	EVP_MD *md = md5();

	EVP_MD_free(md);
	return md != NULL;
}

/* RFC 1994 4.1: identifier, secret, value. */
static bool digest(uint8_t id, const char *password, size_t password_len, const uint8_t *value, size_t len,
		   uint8_t out[VMP_MD5_DIGEST])
{
	uint8_t text[1 + VMP_PASSWORD_MAX + UINT8_MAX];
	EVP_MD *md = md5();
	bool good;

	text[0] = id;
	memcpy(text + 1, password, password_len);
	memcpy(text + 1 + password_len, value, len);
	good = md && EVP_Digest(text, 1 + password_len + len, out, NULL, md, NULL) == 1;
	OPENSSL_cleanse(text, sizeof(text));
	EVP_MD_free(md);
	return good;
}

size_t vmp_eap_md5_answer(uint8_t id, const uint8_t *data, size_t len, const char *password, size_t password_len,
			  const char *name, uint8_t out[VMP_EAP_MAX])
{
	size_t name_len = strnlen(name, NAME_MAX_LEN);

	if (len < 2 || data[0] == 0 || data[0] > len - 1 || password_len > VMP_PASSWORD_MAX)
		return 0;
	out[0] = VMP_MD5_DIGEST;
	if (!digest(id, password, password_len, data + 1, data[0], out + 1))
		return 0;
	memcpy(out + 1 + VMP_MD5_DIGEST, name, name_len);
	return 1 + VMP_MD5_DIGEST + name_len;
}
