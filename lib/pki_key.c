/* An engine is how PKCS#11 tokens are reached on systems without a provider for them; OpenSSL 3.0 still has them. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "pki_internal.h"

#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_FILE_MAX 65536
#define ENGINE_URI   "org.openssl.engine:"

int vmp_ssl_fail(struct vmp_msg *msg, int err, const char *what)
{
	/* The first error is the cause, what follows are its consequences. */
	unsigned long code = ERR_peek_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	if (reason)
		return vmp_fail(msg, err, "%s: %s", what, reason);
	return vmp_fail(msg, err, "%s", what);
}

/* A daemon has nobody to ask for a passphrase. */
static int no_passphrase(char *buf, int size, int rwflag, void *ctx)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)ctx;
	return -1;
}

static int key_from_file(EVP_PKEY **out, const char *path, struct vmp_msg *msg)
{
	char *pem = NULL;
	size_t len = 0;
	int err = vmp_file_read(path, KEY_FILE_MAX, true, &pem, &len, msg);
	BIO *bio;

	if (err)
		return err;
	bio = BIO_new_mem_buf(pem, (int)len);
	*out = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	if (!*out)
		err = vmp_fail(msg, VMP_EINVAL, "%s: expected a private key in PEM, without a passphrase", path);
	BIO_free(bio);
	vmp_wipe(pem, len);
	free(pem);
	return err;
}

/* "org.openssl.engine:NAME:ID", as the openssl command has it; the library itself has no such loader. */
static EVP_PKEY *key_from_engine(const char *uri)
{
	const char *name = uri + strlen(ENGINE_URI), *id = strchr(name, ':');
	EVP_PKEY *key = NULL;
	char text[64];
	ENGINE *e;

	if (!id || id - name >= (ptrdiff_t)sizeof(text))
		return NULL;
	snprintf(text, sizeof(text), "%.*s", (int)(id - name), name);
	e = ENGINE_by_id(text);
	if (!e)
		return NULL;
	/* The pkcs11 engine tells standard error what it looks for, PIN and all.  Others may not know the command. */
	ENGINE_ctrl_cmd_string(e, "QUIET", NULL, 1);
	if (ENGINE_init(e)) {
		key = ENGINE_load_private_key(e, id + 1, (UI_METHOD *)UI_null(), NULL);
		ENGINE_finish(e);
	}
	ENGINE_free(e);
	return key;
}

static EVP_PKEY *key_from_store(const char *uri)
{
	OSSL_STORE_CTX *ctx = OSSL_STORE_open(uri, UI_null(), NULL, NULL, NULL);
	EVP_PKEY *key = NULL;

	if (!ctx)
		return NULL;
	OSSL_STORE_expect(ctx, OSSL_STORE_INFO_PKEY);
	while (!key && !OSSL_STORE_eof(ctx)) {
		OSSL_STORE_INFO *info = OSSL_STORE_load(ctx);

		if (info && OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
			key = OSSL_STORE_INFO_get1_PKEY(info);
		OSSL_STORE_INFO_free(info);
		if (!info && OSSL_STORE_error(ctx))
			break;
	}
	OSSL_STORE_close(ctx);
	return key;
}

int vmp_key_open(EVP_PKEY **out, const char *key, struct vmp_msg *msg)
{
	size_t scheme = strcspn(key, ":/");

	*out = NULL;
	if (key[scheme] != ':')
		return key_from_file(out, key, msg);
	if (strncmp(key, ENGINE_URI, strlen(ENGINE_URI)) == 0)
		*out = key_from_engine(key);
	else
		*out = key_from_store(key);
	if (*out) {
		ERR_clear_error();
		return VMP_OK;
	}
	/* What follows the scheme may hold a PIN, and a message goes into a log. */
	return vmp_ssl_fail(msg, VMP_EIO, "the key's URI: no private key there");
}

STACK_OF(X509) * vmp_pem_certs(const char *pem, size_t len, int max, struct vmp_msg *msg)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	STACK_OF(X509) *certs = sk_X509_new_null();
	X509 *x = NULL;
	bool good = bio && certs;

	while (good && (x = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL))) {
		good = sk_X509_num(certs) < max && sk_X509_push(certs, x) > 0;
		if (!good)
			X509_free(x);
	}
	/* Ending on anything but "no further PEM here" is a certificate that was cut or altered. */
	if (good)
		good = sk_X509_num(certs) > 0 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
	ERR_clear_error();
	BIO_free(bio);
	if (good)
		return certs;
	vmp_fail(msg, VMP_EINVAL, "expected 1 to %d certificates in PEM", max);
	sk_X509_pop_free(certs, X509_free);
	return NULL;
}
