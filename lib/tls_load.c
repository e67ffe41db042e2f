#include "tls_load.h"
#include "pki_internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>

#define CHAIN_MAX 9		/* certificates: ours and up to 8 above it */
#define CA_MAX	  64		/* certificates */
#define FILE_MAX  (1024 * 1024) /* [octets] */

/* Certificates of a file, and the digest of the file. */
static int read_certs(const char *path, int max, STACK_OF(X509) * *out, uint8_t digest[VMP_DIGEST], struct vmp_msg *msg)
{
	char *pem = NULL;
	size_t len = 0;
	int err = vmp_file_read(path, FILE_MAX, false, &pem, &len, msg);

	if (err)
		return err;
	if (digest)
		vmp_digest(pem, len, digest);
	*out = vmp_pem_certs(pem, len, max, NULL);
	free(pem);
	return *out ? VMP_OK : vmp_fail(msg, VMP_EINVAL, "%s: expected 1 to %d certificates in PEM", path, max);
}

/* -- ours --------------------------------------------------------------------------------------------------------- */

static bool is_root(X509 *x)
{
	return X509_check_issued(x, x) == X509_V_OK;
}

static int add_issuers(SSL_CTX *ctx, const STACK_OF(X509) * certs)
{
	int i;

	for (i = 1; i < sk_X509_num(certs); i++) {
		X509 *x = sk_X509_value(certs, i);

		if (!is_root(x) && SSL_CTX_add1_chain_cert(ctx, x) != 1)
			return VMP_EINVAL;
	}
	return VMP_OK;
}

static int use_certs(SSL_CTX *ctx, const char *path, const STACK_OF(X509) * certs, struct vmp_msg *msg)
{
	X509 *x = sk_X509_value(certs, 0);
	char end[64] = "";
	BIO *text;

	if (X509_cmp_current_time(X509_get0_notAfter(x)) <= 0) {
		text = BIO_new(BIO_s_mem());
		if (text && ASN1_TIME_print(text, X509_get0_notAfter(x)) == 1)
			(void)BIO_gets(text, end, sizeof(end));
		BIO_free(text);
		return vmp_fail(msg, VMP_EINVAL, "%s: the certificate ended %s", path, end);
	}
	if (SSL_CTX_use_certificate(ctx, x) != 1 || add_issuers(ctx, certs) != VMP_OK)
		return vmp_ssl_fail(msg, VMP_EINVAL, path);
	return VMP_OK;
}

static int load_key(SSL_CTX *ctx, const char *certificate, const char *path, struct vmp_msg *msg)
{
	EVP_PKEY *key = NULL;
	int err = vmp_key_open(&key, path, msg);

	if (err)
		return err;
	if (X509_check_private_key(SSL_CTX_get0_certificate(ctx), key) != 1) {
		ERR_clear_error();
		err = vmp_fail(msg, VMP_EINVAL, "%s: not the key of the certificate in %s", path, certificate);
	} else if (SSL_CTX_use_PrivateKey(ctx, key) != 1) {
		err = vmp_ssl_fail(msg, VMP_EINVAL, path);
	}
	EVP_PKEY_free(key);
	return err;
}

int vmp_tls_load_pair(SSL_CTX *ctx, const char *certificate, const char *key, uint8_t digest[VMP_DIGEST],
		      struct vmp_msg *msg)
{
	STACK_OF(X509) *certs = NULL;
	int err = read_certs(certificate, CHAIN_MAX, &certs, digest, msg);

	if (!err)
		err = use_certs(ctx, certificate, certs, msg);
	sk_X509_pop_free(certs, X509_free);
	return err ? err : load_key(ctx, certificate, key, msg);
}

/* -- whom we trust ------------------------------------------------------------------------------------------------ */

/* Did x issue another one?  Names alone do not tell: roots of one name follow each other. */
static bool has_issued(X509 *x, const STACK_OF(X509) * certs)
{
	bool issued = false;
	int i;

	for (i = 0; i < sk_X509_num(certs) && !issued; i++) {
		X509 *other = sk_X509_value(certs, i);

		issued = !is_root(other) && X509_check_issued(x, other) == X509_V_OK &&
			 X509_verify(other, X509_get0_pubkey(x)) == 1;
	}
	ERR_clear_error();
	return issued;
}

static int trust_certs(SSL_CTX *ctx, const char *path, const STACK_OF(X509) * certs, enum vmp_tls_trust trust,
		       struct vmp_msg *msg)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	int i, n = 0;

	for (i = 0; i < sk_X509_num(certs); i++) {
		X509 *x = sk_X509_value(certs, i);

		if (trust == VMP_TLS_TRUST_ISSUING && has_issued(x, certs))
			continue;
		if (X509_STORE_add_cert(store, x) != 1 ||
		    (trust == VMP_TLS_TRUST_ISSUING && SSL_CTX_add_client_CA(ctx, x) != 1))
			return vmp_ssl_fail(msg, VMP_ENOMEM, path);
		n++;
	}
	return n ? VMP_OK : vmp_fail(msg, VMP_EINVAL, "%s: these certificates issued each other", path);
}

int vmp_tls_load_ca(SSL_CTX *ctx, const char *ca, enum vmp_tls_trust trust, uint8_t digest[VMP_DIGEST],
		    struct vmp_msg *msg)
{
	STACK_OF(X509) *certs = NULL;
	int err = read_certs(ca, CA_MAX, &certs, digest, msg);

	if (!err)
		err = trust_certs(ctx, ca, certs, trust, msg);
	sk_X509_pop_free(certs, X509_free);
	return err;
}
