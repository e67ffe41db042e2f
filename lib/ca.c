#include "pki_internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHAIN_MAX  9 /* the issuing certificate and up to 8 above it */
#define CHAIN_FILE 131072
/* Clocks differ: a certificate that is valid from now on would be refused by half of those that get it at once. */
#define BACKDATE 300

/* AlgorithmIdentifiers: ecdsa-with-SHA256, ecdsa-with-SHA384, sha256WithRSAEncryption. */
static const uint8_t alg_ecdsa_256[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
static const uint8_t alg_ecdsa_384[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03 };
static const uint8_t alg_rsa_256[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
				       0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00 };

static const uint8_t oid_akid[] = { 0x06, 0x03, 0x55, 0x1d, 0x23 };

/* -- a new one -- */

static bool add_ext(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool good;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	good = ext && X509_add_ext(x, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return good;
}

static bool add_key_id(X509 *x)
{
	ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(x);
	uint8_t octets[VMP_KEY_ID];
	bool good = false;

	if (id && bits) {
		vmp_pubkey_id(ASN1_STRING_get0_data(bits), (size_t)ASN1_STRING_length(bits), octets);
		good = ASN1_OCTET_STRING_set(id, octets, sizeof(octets)) == 1 &&
		       X509_add1_ext_i2d(x, NID_subject_key_identifier, id, 0, X509V3_ADD_DEFAULT) == 1;
	}
	ASN1_OCTET_STRING_free(id);
	return good;
}

static bool set_serial(X509 *x)
{
	uint8_t serial[VMP_SERIAL];
	BIGNUM *bn = NULL;
	bool good = false;

	if (vmp_random(serial, sizeof(serial)) != VMP_OK)
		return false;
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 1);
	bn = BN_bin2bn(serial, sizeof(serial), NULL);
	good = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));
	BN_free(bn);
	return good;
}

static bool self_sign(X509 *x, EVP_PKEY *key, const char *name, int days)
{
	X509_NAME *subject = X509_get_subject_name(x);

	return X509_set_version(x, X509_VERSION_3) && set_serial(x) &&
	       X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, (const unsigned char *)name, -1, -1,
					  0) &&
	       X509_set_issuer_name(x, subject) && X509_gmtime_adj(X509_getm_notBefore(x), -BACKDATE) &&
	       X509_time_adj_ex(X509_getm_notAfter(x), days, 0, NULL) && X509_set_pubkey(x, key) &&
	       add_ext(x, NID_basic_constraints, "critical,CA:TRUE") &&
	       add_ext(x, NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature") && add_key_id(x) &&
	       X509_sign(x, key, EVP_sha256()) > 0;
}

/* What is in a memory BIO, as a file. */
static int write_file(BIO *bio, const char *path, unsigned mode, struct vmp_msg *msg)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);

	return vmp_file_create(path, data, (size_t)len, mode, msg);
}

static int write_files(BIO *key, const char *key_path, BIO *cert, const char *cert_path, struct vmp_msg *msg)
{
	int err;

	/* Before the key is there: a key without a certificate would be in the way of another try. */
	if (access(cert_path, F_OK) == 0)
		return vmp_fail(msg, VMP_EEXIST, "%s: there already", cert_path);
	err = write_file(key, key_path, 0600, msg);
	if (err)
		return err;
	err = write_file(cert, cert_path, 0644, msg);
	if (err)
		unlink(key_path);
	return err;
}

int vmp_ca_create(const char *cert_path, const char *key_path, const char *name, int days, struct vmp_msg *msg)
{
	BIO *key_pem = BIO_new(BIO_s_secmem()), *cert_pem = BIO_new(BIO_s_mem());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	int err = VMP_OK;

	if (days < 1 || days > 36500 || !*name || strlen(name) > 64)
		err = vmp_fail(msg, VMP_EINVAL, "expected a name of 1 to 64 octets and a life of 1 to 36500 days");
	else if (!key_pem || !cert_pem || !key || !x || !self_sign(x, key, name, days) ||
		 PEM_write_bio_X509(cert_pem, x) != 1 ||
		 PEM_write_bio_PKCS8PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL) != 1)
		err = vmp_ssl_fail(msg, VMP_EIO, "cannot make a CA");
	if (!err)
		err = write_files(key_pem, key_path, cert_pem, cert_path, msg);
	X509_free(x);
	EVP_PKEY_free(key);
	BIO_free(cert_pem);
	BIO_free(key_pem);
	ERR_clear_error();
	return err;
}

/* -- an existing one -- */

static int check_is_ca(X509 *x, const char *path, struct vmp_msg *msg)
{
	const uint32_t wanted = KU_KEY_CERT_SIGN | KU_CRL_SIGN;

	if (X509_check_ca(x) != 1 || !(X509_get_extension_flags(x) & EXFLAG_KUSAGE) ||
	    (X509_get_key_usage(x) & wanted) != wanted)
		return vmp_fail(
			msg, VMP_EINVAL,
			"%s: expected the certificate of a CA first: basicConstraints CA:TRUE, keyUsage keyCertSign "
			"and cRLSign",
			path);
	if (X509_cmp_current_time(X509_get0_notAfter(x)) <= 0)
		return vmp_fail(msg, VMP_EINVAL, "%s: the CA's certificate has expired", path);
	return VMP_OK;
}

/* The last certificate is trusted; the ones between must lead to it, and all must be needed. */
static int check_chain(STACK_OF(X509) * certs, const char *path, struct vmp_msg *msg)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int n = sk_X509_num(certs), err = VMP_OK;

	if (!store || !ctx || X509_STORE_add_cert(store, sk_X509_value(certs, n - 1)) != 1 ||
	    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) != 1 ||
	    X509_STORE_CTX_init(ctx, store, sk_X509_value(certs, 0), certs) != 1)
		err = VMP_ENOMEM;
	else if (X509_verify_cert(ctx) != 1)
		err = vmp_fail(msg, VMP_EINVAL, "%s: the chain does not verify: %s", path,
			       X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	else if (sk_X509_num(X509_STORE_CTX_get0_chain(ctx)) != n)
		err = vmp_fail(msg, VMP_EINVAL,
			       "%s: expected the issuing certificate, then those above it, in order and no others",
			       path);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return err;
}

static int set_algorithm(struct vmp_ca *ca, const char *path, struct vmp_msg *msg)
{
	char curve[32] = "";

	if (EVP_PKEY_is_a(ca->key, "RSA") && EVP_PKEY_get_bits(ca->key) >= 2048) {
		ca->md = EVP_sha256();
		ca->alg = alg_rsa_256;
		ca->alg_len = sizeof(alg_rsa_256);
		return VMP_OK;
	}
	if (EVP_PKEY_is_a(ca->key, "EC"))
		(void)EVP_PKEY_get_group_name(ca->key, curve, sizeof(curve), NULL);
	if (strcmp(curve, SN_X9_62_prime256v1) == 0) {
		ca->md = EVP_sha256();
		ca->alg = alg_ecdsa_256;
		ca->alg_len = sizeof(alg_ecdsa_256);
		return VMP_OK;
	}
	if (strcmp(curve, SN_secp384r1) == 0) {
		ca->md = EVP_sha384();
		ca->alg = alg_ecdsa_384;
		ca->alg_len = sizeof(alg_ecdsa_384);
		return VMP_OK;
	}
	return vmp_fail(msg, VMP_EINVAL, "%s: the CA's key: expected P-256, P-384, or RSA of at least 2048 bits", path);
}

/* What every certificate, CRL and response repeats. */
static int set_constants(struct vmp_ca *ca, X509 *x)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(x);
	struct vmp_cert_parts parts;
	struct vmp_der chain = vmp_der_of(ca->der, ca->der_len), first = vmp_der_take(&chain, DER_SEQUENCE);

	if (vmp_cert_split(first.p, vmp_der_left(&first), &parts) != VMP_OK)
		return VMP_EINVAL;
	ca->not_after = parts.not_after;
	ca->issuer_len = vmp_der_left(&parts.subject);
	ca->issuer = malloc(ca->issuer_len);
	if (!ca->issuer)
		return VMP_ENOMEM;
	memcpy(ca->issuer, parts.subject.p, ca->issuer_len);
	if (id && (size_t)ASN1_STRING_length(id) <= sizeof(ca->key_id)) {
		ca->key_id_len = (size_t)ASN1_STRING_length(id);
		memcpy(ca->key_id, ASN1_STRING_get0_data(id), ca->key_id_len);
	} else {
		ca->key_id_len = VMP_KEY_ID;
		vmp_pubkey_id(parts.bits.p, vmp_der_left(&parts.bits), ca->key_id);
	}
	return VMP_OK;
}

static int set_chain(struct vmp_ca *ca, STACK_OF(X509) * certs)
{
	BIO *pem = BIO_new(BIO_s_mem()), *der = BIO_new(BIO_s_mem());
	int i, err = pem && der ? VMP_OK : VMP_ENOMEM;
	char *data;
	long len;

	for (i = 0; !err && i < sk_X509_num(certs); i++) {
		X509 *x = sk_X509_value(certs, i);

		if (PEM_write_bio_X509(pem, x) != 1 || i2d_X509_bio(der, x) != 1)
			err = VMP_ENOMEM;
	}
	if (!err) {
		len = BIO_get_mem_data(pem, &data);
		ca->pem = strndup(data, (size_t)len);
		len = BIO_get_mem_data(der, &data);
		ca->der_len = (size_t)len;
		ca->der = malloc(ca->der_len);
		if (ca->der)
			memcpy(ca->der, data, ca->der_len);
		if (!ca->pem || !ca->der)
			err = VMP_ENOMEM;
	}
	BIO_free(pem);
	BIO_free(der);
	return err;
}

static int read_chain(STACK_OF(X509) * *out, const char *path, struct vmp_msg *msg)
{
	struct vmp_msg why = { "" };
	char *pem = NULL;
	size_t len = 0;
	int err = vmp_file_read(path, CHAIN_FILE, false, &pem, &len, msg);

	if (err)
		return err;
	*out = vmp_pem_certs(pem, len, CHAIN_MAX, &why);
	free(pem);
	return *out ? VMP_OK : vmp_fail(msg, VMP_EINVAL, "%s: %s", path, why.text);
}

static int open_all(struct vmp_ca *ca, STACK_OF(X509) * certs, const char *path, const char *key, struct vmp_msg *msg)
{
	X509 *x = sk_X509_value(certs, 0);
	int err = check_is_ca(x, path, msg);

	if (!err)
		err = check_chain(certs, path, msg);
	if (!err)
		err = vmp_key_open(&ca->key, key, msg);
	if (!err && X509_check_private_key(x, ca->key) != 1)
		err = vmp_fail(msg, VMP_EINVAL, "%s: the private key is not this certificate's", path);
	if (!err)
		err = set_algorithm(ca, path, msg);
	if (!err)
		err = set_chain(ca, certs);
	if (!err)
		err = set_constants(ca, x);
	return err;
}

int vmp_ca_open(struct vmp_ca **out, const char *cert_path, const char *key, struct vmp_msg *msg)
{
	STACK_OF(X509) *certs = NULL;
	struct vmp_ca *ca = calloc(1, sizeof(*ca));
	int err = ca ? VMP_OK : VMP_ENOMEM;

	*out = NULL;
	if (!err)
		err = read_chain(&certs, cert_path, msg);
	if (!err)
		err = open_all(ca, certs, cert_path, key, msg);
	sk_X509_pop_free(certs, X509_free);
	ERR_clear_error();
	if (err) {
		vmp_ca_free(ca);
		return err;
	}
	*out = ca;
	return VMP_OK;
}

void vmp_ca_free(struct vmp_ca *ca)
{
	if (!ca)
		return;
	EVP_PKEY_free(ca->key);
	free(ca->issuer);
	free(ca->der);
	free(ca->pem);
	free(ca);
}

const char *vmp_ca_chain_pem(const struct vmp_ca *ca)
{
	return ca->pem;
}

const uint8_t *vmp_ca_chain_der(const struct vmp_ca *ca, size_t *len)
{
	*len = ca->der_len;
	return ca->der;
}

int64_t vmp_ca_not_after(const struct vmp_ca *ca)
{
	return ca->not_after;
}

/* -- its signatures -- */

int vmp_ca_sign(const struct vmp_ca *ca, const uint8_t *tbs, size_t tbs_len, struct vmp_der_out *out,
		struct vmp_msg *msg)
{
	uint8_t sig[2048];
	size_t len = sizeof(sig), end = out->at;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int err = VMP_OK;

	if (!ctx || EVP_DigestSignInit(ctx, NULL, ca->md, NULL, ca->key) != 1 ||
	    EVP_DigestSign(ctx, sig, &len, tbs, tbs_len) != 1)
		err = vmp_ssl_fail(msg, VMP_EIO, "the CA's key does not sign");
	EVP_MD_CTX_free(ctx);
	if (err)
		return err;
	vmp_der_put(out, sig, len);
	vmp_der_put(out, "", 1);
	vmp_der_close(out, end, DER_BIT_STRING);
	vmp_der_put(out, ca->alg, ca->alg_len);
	vmp_der_put(out, tbs, tbs_len);
	vmp_der_close(out, out->room, DER_SEQUENCE);
	return VMP_OK;
}

void vmp_ca_add_key_id(const struct vmp_ca *ca, struct vmp_der_out *out)
{
	size_t end = out->at;

	vmp_der_add(out, DER_PRIMITIVE_0, ca->key_id, ca->key_id_len);
	vmp_der_close(out, end, DER_SEQUENCE);
	vmp_der_close_ext(out, end, oid_akid, sizeof(oid_akid), false);
}
