#include "pki_internal.h"
#include "seal.h"

#include <openssl/pem.h> /* first: cms.h declares its PEM functions only then */
#include <openssl/cms.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION	   1
#define ID	   8
#define NONCE	   12
#define TAG	   16
#define AAD	   (1 + ID + 8 + 4)
#define FILE_MAX   65536
#define HEX_DIGITS (2 * VMP_MASTER_KEY)

struct vmp_master {
	uint8_t key[VMP_MASTER_KEY]; /* for sealing: derived from the master key, which is not kept */
	uint8_t id[ID];
};

/* -- the master key -- */

static bool derive(const uint8_t master[VMP_MASTER_KEY], const char *info, uint8_t *out, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	char digest[] = "SHA256";
	/* OSSL_PARAM takes no const, though it changes nothing. */
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)master, VMP_MASTER_KEY),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info, strlen(info)),
		OSSL_PARAM_construct_end()
	};
	bool good = ctx && EVP_KDF_derive(ctx, out, len, params) == 1;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return good;
}

int vmp_master_create(const char *path, struct vmp_msg *msg)
{
	char text[HEX_DIGITS + 2];
	uint8_t key[VMP_MASTER_KEY];
	int err = vmp_random(key, sizeof(key));

	if (err)
		return vmp_fail(msg, err, "no random octets");
	vmp_hex(key, sizeof(key), text);
	text[HEX_DIGITS] = '\n';
	err = vmp_file_create(path, text, HEX_DIGITS + 1, 0600, msg);
	vmp_wipe(key, sizeof(key));
	vmp_wipe(text, sizeof(text));
	return err;
}

/* From its digits, with a line end or without. */
static int master_new(struct vmp_master **out, const char *text, size_t len, const char *source, struct vmp_msg *msg)
{
	struct vmp_master *m;
	uint8_t key[VMP_MASTER_KEY];
	int err = VMP_OK;

	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len > 0 && text[len - 1] == '\r')
		len--;
	if (vmp_unhex(text, len, key, sizeof(key)) != VMP_OK) {
		vmp_wipe(key, sizeof(key));
		return vmp_fail(msg, VMP_EINVAL, "%s: expected %d hexadecimal digits", source, HEX_DIGITS);
	}
	m = calloc(1, sizeof(*m));
	if (!m)
		err = VMP_ENOMEM;
	else if (!derive(key, "vmprov COI key seal 1", m->key, sizeof(m->key)) ||
		 !derive(key, "vmprov master key id 1", m->id, sizeof(m->id)))
		err = vmp_ssl_fail(msg, VMP_EIO, "HKDF");
	vmp_wipe(key, sizeof(key));
	if (err)
		vmp_master_free(m);
	else
		*out = m;
	return err;
}

static CMS_ContentInfo *read_cms(const char *data, size_t len)
{
	BIO *bio = BIO_new_mem_buf(data, (int)len);
	CMS_ContentInfo *cms = NULL;

	if (bio && len > 0 && *data == '-')
		cms = PEM_read_bio_CMS(bio, NULL, NULL, NULL);
	else if (bio)
		cms = d2i_CMS_bio(bio, NULL);
	BIO_free(bio);
	return cms;
}

static int open_cms(struct vmp_master **out, const char *path, const char *unlock, struct vmp_msg *msg)
{
	BIO *plain = BIO_new(BIO_s_secmem());
	CMS_ContentInfo *cms = NULL;
	EVP_PKEY *key = NULL;
	char *data = NULL, *text;
	size_t len = 0;
	long n;
	int err = vmp_file_read(path, FILE_MAX, false, &data, &len, msg);

	if (!err)
		err = vmp_key_open(&key, unlock, msg);
	if (err)
		goto out;
	cms = read_cms(data, len);
	if (!cms)
		err = vmp_ssl_fail(msg, VMP_EINVAL, "the master key's file: expected CMS in DER or PEM");
	/* Without a certificate the key is tried on each recipient. */
	else if (!plain || CMS_decrypt(cms, key, NULL, NULL, plain, CMS_BINARY) != 1)
		err = vmp_ssl_fail(msg, VMP_EINVAL, "the master key's file does not open with this key");
	if (err)
		goto out;
	n = BIO_get_mem_data(plain, &text);
	err = master_new(out, text, (size_t)n, path, msg);
out:
	free(data);
	EVP_PKEY_free(key);
	CMS_ContentInfo_free(cms);
	BIO_free(plain);
	return err;
}

static int open_file(struct vmp_master **out, const char *path, bool secret, struct vmp_msg *msg)
{
	char *text = NULL;
	size_t len = 0;
	int err = vmp_file_read(path, FILE_MAX, secret, &text, &len, msg);

	if (err)
		return err;
	err = master_new(out, text, len, path, msg);
	vmp_wipe(text, len);
	free(text);
	return err;
}

/* systemd gives its credentials an access list, which looks like a group's right; the directory is the service's own.
 */
static int open_credential(struct vmp_master **out, const char *name, struct vmp_msg *msg)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_MAX];

	if (!dir || !*name || strchr(name, '/') ||
	    snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return vmp_fail(msg, VMP_EINVAL,
				"credential:%s: expected a credential that systemd passes on "
				"(LoadCredential= sets $CREDENTIALS_DIRECTORY)",
				name);
	return open_file(out, path, false, msg);
}

int vmp_master_open(struct vmp_master **out, const char *source, const char *unlock, struct vmp_msg *msg)
{
	static const char credential[] = "credential:", cms[] = ".cms";
	size_t len = strlen(source), skip = sizeof(credential) - 1;
	int err;

	*out = NULL;
	if (strncmp(source, credential, skip) == 0)
		err = open_credential(out, source + skip, msg);
	else if (len < sizeof(cms) || strcmp(source + len - (sizeof(cms) - 1), cms) != 0)
		err = open_file(out, source, true, msg);
	else if (!unlock)
		err = vmp_fail(msg, VMP_EINVAL, "%s: expected a private key to open it with", source);
	else
		err = open_cms(out, source, unlock, msg);
	ERR_clear_error();
	return err;
}

void vmp_master_free(struct vmp_master *master)
{
	if (!master)
		return;
	vmp_wipe(master, sizeof(*master));
	free(master);
}

void vmp_master_id(const struct vmp_master *master, uint8_t out[8])
{
	memcpy(out, master->id, ID);
}

/* -- COI keys -- */

/* What is authenticated with a key: version, master key, COI and epoch, integers with the high octet first. */
static void bind_to(const struct vmp_master *master, int64_t coi_id, uint32_t epoch, uint8_t out[AAD])
{
	uint64_t id = (uint64_t)coi_id;
	int i;

	out[0] = VERSION;
	memcpy(out + 1, master->id, ID);
	for (i = 0; i < 8; i++)
		out[1 + ID + i] = (uint8_t)(id >> (56 - 8 * i));
	for (i = 0; i < 4; i++)
		out[1 + ID + 8 + i] = (uint8_t)(epoch >> (24 - 8 * i));
}

static bool encrypt(const struct vmp_master *master, const uint8_t aad[AAD], const uint8_t key[VMP_COI_KEY],
		    uint8_t out[VMP_SEALED])
{
	uint8_t *nonce = out + 1 + ID, *text = nonce + NONCE, *tag = text + VMP_COI_KEY;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;
	bool good = ctx && EVP_EncryptInit_ex2(ctx, EVP_aes_256_gcm(), master->key, nonce, NULL) == 1 &&
		    EVP_EncryptUpdate(ctx, NULL, &n, aad, AAD) == 1 &&
		    EVP_EncryptUpdate(ctx, text, &n, key, VMP_COI_KEY) == 1 && n == VMP_COI_KEY &&
		    EVP_EncryptFinal_ex(ctx, tag, &n) == 1 &&
		    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG, tag) == 1;

	EVP_CIPHER_CTX_free(ctx);
	return good;
}

static bool decrypt(const struct vmp_master *master, const uint8_t aad[AAD], const uint8_t sealed[VMP_SEALED],
		    uint8_t out[VMP_COI_KEY])
{
	const uint8_t *nonce = sealed + 1 + ID, *text = nonce + NONCE;
	uint8_t tag[TAG], none[TAG];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool good;
	int n;

	memcpy(tag, text + VMP_COI_KEY, TAG);
	good = ctx && EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), master->key, nonce, NULL) == 1 &&
	       EVP_DecryptUpdate(ctx, NULL, &n, aad, AAD) == 1 &&
	       EVP_DecryptUpdate(ctx, out, &n, text, VMP_COI_KEY) == 1 && n == VMP_COI_KEY &&
	       EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 &&
	       EVP_DecryptFinal_ex(ctx, none, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return good;
}

int vmp_seal_new(const struct vmp_master *master, int64_t coi_id, uint32_t epoch, uint8_t out[VMP_SEALED],
		 struct vmp_msg *msg)
{
	uint8_t key[VMP_COI_KEY], aad[AAD];
	int err = VMP_OK;

	bind_to(master, coi_id, epoch, aad);
	out[0] = VERSION;
	memcpy(out + 1, master->id, ID);
	if (vmp_random(key, sizeof(key)) != VMP_OK || vmp_random(out + 1 + ID, NONCE) != VMP_OK)
		err = vmp_fail(msg, VMP_EIO, "no random octets");
	else if (!encrypt(master, aad, key, out))
		err = vmp_ssl_fail(msg, VMP_EIO, "cannot seal a COI key");
	vmp_wipe(key, sizeof(key));
	return err;
}

int vmp_seal_open(const struct vmp_master *master, int64_t coi_id, uint32_t epoch, const uint8_t *sealed, size_t len,
		  uint8_t out[VMP_COI_KEY], struct vmp_msg *msg)
{
	char theirs[2 * ID + 1], ours[2 * ID + 1];
	uint8_t key[VMP_COI_KEY], aad[AAD];
	int err = VMP_OK;

	if (len != VMP_SEALED || sealed[0] != VERSION)
		return vmp_fail(msg, VMP_EINVAL, "expected a sealed COI key of version %d and %d octets", VERSION,
				VMP_SEALED);
	if (!vmp_same(sealed + 1, master->id, ID)) {
		vmp_hex(sealed + 1, ID, theirs);
		vmp_hex(master->id, ID, ours);
		return vmp_fail(msg, VMP_EINVAL, "the COI key is sealed under the master key %s: this one is %s",
				theirs, ours);
	}
	bind_to(master, coi_id, epoch, aad);
	if (decrypt(master, aad, sealed, key))
		memcpy(out, key, sizeof(key));
	else
		err = vmp_fail(msg, VMP_EINVAL, "the sealed COI key was altered, or is another COI's or epoch's");
	vmp_wipe(key, sizeof(key));
	ERR_clear_error();
	return err;
}
