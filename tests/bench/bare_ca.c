/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The straightforward way to check a request and issue a certificate: what policyd's own is measured against. */
#include "bare.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

#define DER_MAX 8192

/* As long as policyd's. */
#define URL_CRL	 "URI:http://127.0.0.1:20003/crl"
#define URL_OCSP "OCSP;URI:http://127.0.0.1:20003/ocsp"

static struct {
	EVP_PKEY *key;
	X509 *cert;
} ca;

static void add_extension(X509 *cert, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, ctx, nid, value);

	if (!ext || X509_add_ext(cert, ext, -1) != 1)
		die("cannot make an extension");
	X509_EXTENSION_free(ext);
}

static void set_serial(X509 *cert)
{
	unsigned char octets[16];
	BIGNUM *number;

	if (RAND_bytes(octets, sizeof(octets)) != 1)
		die("no random octets");
	octets[0] = (octets[0] & 0x3f) | 0x40;
	number = BN_bin2bn(octets, sizeof(octets), NULL);
	if (!number || !BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)))
		die("out of memory");
	BN_free(number);
}

/* Everything but extensions and signature. */
static X509 *new_cert(const char *common_name, EVP_PKEY *key, long life_s)
{
	X509 *cert = X509_new();
	X509_NAME *name = cert ? X509_get_subject_name(cert) : NULL;

	if (!cert || X509_set_version(cert, 2) != 1 ||
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0) != 1 ||
	    X509_set_issuer_name(cert, ca.cert ? X509_get_subject_name(ca.cert) : name) != 1 ||
	    !X509_gmtime_adj(X509_getm_notBefore(cert), -300) || !X509_gmtime_adj(X509_getm_notAfter(cert), life_s) ||
	    X509_set_pubkey(cert, key) != 1)
		die("cannot make a certificate");
	set_serial(cert);
	return cert;
}

static void sign(X509 *cert)
{
	if (X509_sign(cert, ca.key, EVP_sha256()) <= 0)
		die("cannot sign");
}

void ca_make(void)
{
	X509V3_CTX ctx;
	X509 *cert;

	ca.key = EVP_EC_gen("P-256");
	if (!ca.key)
		die("cannot make a key");
	cert = new_cert("bare CA", ca.key, 86400L * 3650);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	add_extension(cert, &ctx, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(cert, &ctx, NID_key_usage, "critical,keyCertSign,cRLSign");
	add_extension(cert, &ctx, NID_subject_key_identifier, "hash");
	sign(cert);
	ca.cert = cert;
}

X509 *ca_cert(void)
{
	return ca.cert;
}

static X509 *issue(const char *common_name, EVP_PKEY *key, const char *usage, const char *san)
{
	X509 *cert = new_cert(common_name, key, 86400);
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, ca.cert, cert, NULL, NULL, 0);
	add_extension(cert, &ctx, NID_basic_constraints, "critical,CA:FALSE");
	add_extension(cert, &ctx, NID_key_usage, "critical,digitalSignature,keyAgreement");
	add_extension(cert, &ctx, NID_ext_key_usage, usage);
	add_extension(cert, &ctx, NID_subject_key_identifier, "hash");
	add_extension(cert, &ctx, NID_authority_key_identifier, "keyid:always");
	add_extension(cert, &ctx, NID_subject_alt_name, san);
	add_extension(cert, &ctx, NID_crl_distribution_points, URL_CRL);
	add_extension(cert, &ctx, NID_info_access, URL_OCSP);
	sign(cert);
	return cert;
}

X509 *ca_server(EVP_PKEY **key)
{
	*key = EVP_EC_gen("P-256");
	if (!*key)
		die("cannot make a key");
	return issue("localhost", *key, "serverAuth", "DNS:localhost,IP:127.0.0.1");
}

static X509_REQ *read_request(const char *text, size_t len)
{
	unsigned char der[DER_MAX];
	const unsigned char *at = der;
	int n = len / 4 * 3 < sizeof(der) ? EVP_DecodeBlock(der, (const unsigned char *)text, (int)len) : -1;
	X509_REQ *req = n > 0 ? d2i_X509_REQ(NULL, &at, n) : NULL;

	ERR_clear_error();
	return req;
}

X509 *ca_issue(const char *text, size_t len)
{
	X509_REQ *req = read_request(text, len);
	EVP_PKEY *key = req ? X509_REQ_get_pubkey(req) : NULL;
	X509 *cert = NULL;

	if (key && X509_REQ_verify(req, key) == 1)
		cert = issue("52:54:00:00:00:01", key, "clientAuth",
			     "URI:urn:uuid:00000001-bec4-4000-8000-000000000001");
	EVP_PKEY_free(key);
	X509_REQ_free(req);
	return cert;
}
