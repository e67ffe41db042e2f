#include "pki_pair.h"
#include "pki_internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CERT_FILE (1024 * 1024) /* [octets] */

/* -- a key, and a request with it -- */

int vmp_key_create(const char *path, struct vmp_msg *msg)
{
	BIO *pem = BIO_new(BIO_s_secmem());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char *data;
	long len;
	int err;

	if (!pem || !key || PEM_write_bio_PKCS8PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL) != 1) {
		err = vmp_ssl_fail(msg, VMP_EIO, "cannot make a key");
	} else {
		len = BIO_get_mem_data(pem, &data);
		err = vmp_file_create(path, data, (size_t)len, 0600, msg);
	}
	EVP_PKEY_free(key);
	BIO_free(pem);
	return err;
}

int vmp_csr_write(const char *key, uint8_t *der, size_t *len, struct vmp_msg *msg)
{
	X509_REQ *req = X509_REQ_new();
	EVP_PKEY *pkey = NULL;
	int err = req ? vmp_key_open(&pkey, key, msg) : VMP_ENOMEM, n;

	if (!err &&
	    (X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1 || X509_REQ_set_pubkey(req, pkey) != 1 ||
	     X509_REQ_sign(req, pkey, EVP_sha256()) <= 0 || (n = i2d_X509_REQ(req, NULL)) <= 0 || n > VMP_CSR_MAX))
		err = vmp_ssl_fail(msg, VMP_EIO, "cannot make a certificate request");
	if (!err)
		*len = (size_t)i2d_X509_REQ(req, &der);
	EVP_PKEY_free(pkey);
	X509_REQ_free(req);
	return err;
}

/* -- what a certificate says -- */

/* @return whether it is a name that can be shown: without blanks and control characters. */
static bool copy_name(const ASN1_STRING *from, char out[VMP_PAIR_NAME])
{
	const unsigned char *p = ASN1_STRING_get0_data(from);
	int len = ASN1_STRING_length(from), i;

	if (len <= 0 || len >= VMP_PAIR_NAME)
		return false;
	for (i = 0; i < len; i++) {
		if (p[i] <= ' ' || p[i] > '~')
			return false;
	}
	memcpy(out, p, (size_t)len);
	out[len] = '\0';
	return true;
}

static void read_name(const X509 *x, char out[VMP_PAIR_NAME])
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	const X509_NAME *subject = X509_get_subject_name(x);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1), i;
	bool found = false;

	*out = '\0';
	for (i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		found = name->type == GEN_DNS && copy_name(name->d.dNSName, out);
	}
	if (!found && at >= 0)
		(void)copy_name(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), out);
	GENERAL_NAMES_free(names);
}

static bool read_time(const ASN1_TIME *from, int64_t *out)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(from, &tm) != 1)
		return false;
	*out = timegm(&tm);
	return true;
}

static int read_cert(const X509 *x, const char *path, struct vmp_pair *out, struct vmp_msg *msg)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
	int len = ASN1_STRING_length(serial);

	if (len > (VMP_PAIR_SERIAL - 1) / 2 || !read_time(X509_get0_notBefore(x), &out->not_before) ||
	    !read_time(X509_get0_notAfter(x), &out->not_after)) {
		ERR_clear_error();
		return vmp_fail(msg, VMP_EINVAL, "%s: expected a certificate as RFC 5280 has it", path);
	}
	vmp_hex(ASN1_STRING_get0_data(serial), (size_t)len, out->serial);
	read_name(x, out->name);
	return VMP_OK;
}

/* -- both -- */

static int read_certs(const char *path, int max, STACK_OF(X509) * *out, struct vmp_msg *msg)
{
	char *pem = NULL;
	size_t len = 0;
	int err = vmp_file_read(path, CERT_FILE, false, &pem, &len, msg);

	if (err)
		return err;
	*out = vmp_pem_certs(pem, len, max, NULL);
	free(pem);
	return *out ? VMP_OK : vmp_fail(msg, VMP_EINVAL, "%s: expected 1 to %d certificates in PEM", path, max);
}

int vmp_certs_check(const char *path, int max, struct vmp_msg *msg)
{
	STACK_OF(X509) *certs = NULL;
	int err = read_certs(path, max, &certs, msg);

	sk_X509_pop_free(certs, X509_free);
	return err;
}

static bool fits(X509 *x, EVP_PKEY *key)
{
	bool good = X509_check_private_key(x, key) == 1;

	ERR_clear_error();
	return good;
}

int vmp_pair_read(const char *certificate, const char *key, struct vmp_pair *out, struct vmp_msg *msg)
{
	STACK_OF(X509) *certs = NULL;
	struct vmp_pair pair = { .name = "" };
	EVP_PKEY *pkey = NULL;
	int err = read_certs(certificate, VMP_PAIR_CERTS, &certs, msg);

	if (!err)
		err = vmp_key_open(&pkey, key, msg);
	if (!err && !fits(sk_X509_value(certs, 0), pkey))
		err = vmp_fail(msg, VMP_EINVAL, "%s: not the key of the certificate in %s", key, certificate);
	if (!err)
		err = read_cert(sk_X509_value(certs, 0), certificate, &pair, msg);
	if (!err)
		*out = pair;
	EVP_PKEY_free(pkey);
	sk_X509_pop_free(certs, X509_free);
	return err;
}

/* -- from an answer to a file -- */

static STACK_OF(X509) * read_der(const uint8_t *certs, size_t len)
{
	STACK_OF(X509) *out = sk_X509_new_null();
	const uint8_t *p = certs, *end = certs + len;
	bool good = out != NULL;

	while (good && p < end) {
		X509 *x = d2i_X509(NULL, &p, (long)(end - p));

		good = x && sk_X509_num(out) < VMP_PAIR_CERTS && sk_X509_push(out, x) > 0;
		if (!good)
			X509_free(x);
	}
	ERR_clear_error();
	if (good)
		return out;
	sk_X509_pop_free(out, X509_free);
	return NULL;
}

static bool write_pem(BIO *bio, STACK_OF(X509) * certs, EVP_PKEY *key, bool own)
{
	int i, n = 0;

	for (i = 0; i < sk_X509_num(certs); i++) {
		X509 *x = sk_X509_value(certs, i);

		/* Those who need a root have it, and would trust no other. */
		if (fits(x, key) != own || (!own && X509_check_issued(x, x) == X509_V_OK) || (own && n > 0))
			continue;
		if (PEM_write_bio_X509(bio, x) != 1)
			return false;
		n++;
	}
	return !own || n > 0;
}

int vmp_pair_pem(const char *key, const uint8_t *certs, size_t len, char **pem, struct vmp_msg *msg)
{
	STACK_OF(X509) *list = read_der(certs, len);
	BIO *bio = BIO_new(BIO_s_mem());
	EVP_PKEY *pkey = NULL;
	int err = VMP_OK;
	char *data;
	long n;

	if (!list)
		err = vmp_fail(msg, VMP_EINVAL, "expected 1 to %d certificates", VMP_PAIR_CERTS);
	else if (!bio)
		err = VMP_ENOMEM;
	else
		err = vmp_key_open(&pkey, key, msg);
	if (!err && !write_pem(bio, list, pkey, true))
		err = vmp_fail(msg, VMP_EINVAL, "none of the certificates is for the key in %s", key);
	if (!err && !write_pem(bio, list, pkey, false))
		err = vmp_ssl_fail(msg, VMP_ENOMEM, "certificates");
	if (!err) {
		n = BIO_get_mem_data(bio, &data);
		*pem = strndup(data, (size_t)n);
		err = *pem ? VMP_OK : VMP_ENOMEM;
	}
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	sk_X509_pop_free(list, X509_free);
	return err;
}
