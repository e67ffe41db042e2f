#include "pki_internal.h"

#include <openssl/err.h>
#include <pthread.h>
#include <string.h>

#define POINT_P256 65
#define POINT_P384 97

/* AlgorithmIdentifiers: a key's is compared whole, so that only a curve by its name will do (RFC 5480 2.1.1). */
static const uint8_t alg_p256[] = { 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
				    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t alg_p384[] = { 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
				    0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22 };
static const uint8_t alg_rsa[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
				   0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };

static const struct kind {
	enum vmp_key_type type;
	uint8_t alg_len;
	uint8_t point; /* octets of a point; 0: RSA */
	const uint8_t *alg;
} kinds[] = { { VMP_KEY_P256, sizeof(alg_p256), POINT_P256, alg_p256 },
	      { VMP_KEY_P384, sizeof(alg_p384), POINT_P384, alg_p384 },
	      { VMP_KEY_RSA, sizeof(alg_rsa), 0, alg_rsa } };

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Of signatures under a request: RFC 5758 3.2 and RFC 4055 5. */
static const struct {
	uint8_t oid[9], len;
	bool rsa;
	const char *digest;
} signatures[] = {
	{ { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 }, 8, false, "SHA256" },
	{ { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03 }, 8, false, "SHA384" },
	{ { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04 }, 8, false, "SHA512" },
	{ { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b }, 9, true, "SHA256" },
	{ { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c }, 9, true, "SHA384" },
	{ { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d }, 9, true, "SHA512" },
};

/* A key with the curve's parameters, to copy them from: a tenth of what it costs to set them up. */
static EVP_PKEY *curve_p256, *curve_p384;
static pthread_once_t curves_once = PTHREAD_ONCE_INIT;

static void curves_init(void)
{
	curve_p256 = EVP_EC_gen("P-256");
	curve_p384 = EVP_EC_gen("P-384");
}

/* Where things stand in a request. */
struct csr {
	struct vmp_der info; /* what is signed */
	struct vmp_der alg, bits;
	struct vmp_der sig_oid, sig_params, sig;
};

static const struct kind *kind_of(enum vmp_key_type type)
{
	size_t i;

	for (i = 0; i < KINDS; i++) {
		if (kinds[i].type == type)
			return &kinds[i];
	}
	return NULL;
}

/* An RSAPublicKey with a modulus and an exponent that are allowed. */
static bool rsa_is_allowed(const struct vmp_pubkey *key)
{
	struct vmp_der in = vmp_der_of(key->bits, key->len), rsa, n, e;
	size_t len;

	rsa = vmp_der_enter(&in, DER_SEQUENCE);
	n = vmp_der_enter(&rsa, DER_INTEGER);
	e = vmp_der_enter(&rsa, DER_INTEGER);
	if (!vmp_der_done(&in) || !vmp_der_done(&rsa) || n.p == n.end || e.p == e.end || (*n.p | *e.p) & 0x80)
		return false;
	if (*n.p == 0)
		n.p++;
	len = vmp_der_left(&n);
	/* An exponent past 64 bits makes verifying as slow as signing, and nobody has one. */
	if (len < 256 || len > 1024 || (len == 256 && *n.p < 0x80) || !(n.end[-1] & 1) || vmp_der_left(&e) > 8)
		return false;
	return (e.end[-1] & 1) && (vmp_der_left(&e) > 1 || *e.p > 2);
}

bool vmp_pubkey_is_sane(const struct vmp_pubkey *key)
{
	const struct kind *k = kind_of(key->type);
	struct vmp_der in;

	if (!k || key->len > VMP_PUBKEY_MAX)
		return false;
	if (k->point)
		return key->len == k->point && key->bits[0] == POINT_CONVERSION_UNCOMPRESSED;
	in = vmp_der_of(key->bits, key->len);
	(void)vmp_der_enter(&in, DER_SEQUENCE);
	return vmp_der_done(&in) && key->len >= 256;
}

void vmp_pubkey_add(struct vmp_der_out *out, const struct vmp_pubkey *key)
{
	const struct kind *k = kind_of(key->type);
	size_t end = out->at;

	if (!k || key->len > VMP_PUBKEY_MAX) {
		out->full = true;
		return;
	}
	vmp_der_put(out, key->bits, key->len);
	vmp_der_put(out, "", 1);
	vmp_der_close(out, end, DER_BIT_STRING);
	vmp_der_put(out, k->alg, k->alg_len);
	vmp_der_close(out, end, DER_SEQUENCE);
}

int vmp_pubkey_digest(const struct vmp_pubkey *key, uint8_t out[VMP_DIGEST])
{
	uint8_t buf[VMP_PUBKEY_MAX + 64];
	struct vmp_der_out spki = vmp_der_begin(buf, sizeof(buf));

	if (!vmp_pubkey_is_sane(key))
		return VMP_EINVAL;
	vmp_pubkey_add(&spki, key);
	vmp_digest(buf + spki.at, spki.room - spki.at, out);
	return VMP_OK;
}

void vmp_pubkey_id(const void *bits, size_t len, uint8_t out[VMP_KEY_ID])
{
	uint8_t digest[VMP_DIGEST];

	vmp_digest(bits, len, digest);
	memcpy(out, digest, VMP_KEY_ID);
}

EVP_PKEY *vmp_pubkey_load(const struct vmp_pubkey *key)
{
	const uint8_t *p = key->bits;
	EVP_PKEY *curve, *out;

	if (key->type == VMP_KEY_RSA)
		return d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, key->len);
	if (pthread_once(&curves_once, curves_init) != 0)
		return NULL;
	curve = key->type == VMP_KEY_P256 ? curve_p256 : curve_p384;
	out = EVP_PKEY_new();
	if (out && curve && EVP_PKEY_copy_parameters(out, curve) > 0 &&
	    EVP_PKEY_set1_encoded_public_key(out, key->bits, key->len) > 0)
		return out;
	EVP_PKEY_free(out);
	return NULL;
}

static bool split(const uint8_t *der, size_t len, struct csr *out)
{
	struct vmp_der in = vmp_der_of(der, len), req, info, key, alg, version;

	req = vmp_der_enter(&in, DER_SEQUENCE);
	out->info = vmp_der_take(&req, DER_SEQUENCE);
	alg = vmp_der_enter(&req, DER_SEQUENCE);
	out->sig_oid = vmp_der_enter(&alg, DER_OID);
	out->sig_params = alg;
	out->sig = vmp_der_bits(&req);
	if (!vmp_der_done(&in) || !vmp_der_done(&req) || out->sig.bad || out->sig_oid.bad)
		return false;

	in = out->info;
	info = vmp_der_enter(&in, DER_SEQUENCE);
	version = vmp_der_enter(&info, DER_INTEGER);
	(void)vmp_der_enter(&info, DER_SEQUENCE);
	key = vmp_der_enter(&info, DER_SEQUENCE);
	vmp_der_skip(&info, DER_CONTEXT_0);
	out->alg = vmp_der_take(&key, DER_SEQUENCE);
	out->bits = vmp_der_bits(&key);
	return vmp_der_done(&info) && vmp_der_done(&key) && vmp_der_is(&version, "", 1) && !out->bits.bad;
}

static int read_key(const struct csr *csr, struct vmp_pubkey *out, struct vmp_msg *msg)
{
	size_t len = vmp_der_left(&csr->bits), i;

	out->type = 0;
	for (i = 0; i < KINDS; i++) {
		if (vmp_der_is(&csr->alg, kinds[i].alg, kinds[i].alg_len))
			out->type = kinds[i].type;
	}
	if (!out->type || len > VMP_PUBKEY_MAX)
		return vmp_fail(
			msg, VMP_EINVAL,
			"the request's key: expected P-256, P-384 (as a named curve) or RSA of 2048 to 8192 bits");
	memcpy(out->bits, csr->bits.p, len);
	out->len = (uint16_t)len;
	if (out->type == VMP_KEY_RSA && !rsa_is_allowed(out))
		return vmp_fail(msg, VMP_EINVAL,
				"the request's RSA key: expected 2048 to 8192 bits and an odd exponent over 2, of at "
				"most 64 bits");
	if (!vmp_pubkey_is_sane(out))
		return vmp_fail(msg, VMP_EINVAL, "the request's key: expected an uncompressed point");
	return VMP_OK;
}

/* The digest of the request's signature; NULL when it is not one for such a key. */
static const char *digest_of(const struct csr *csr, enum vmp_key_type type)
{
	static const uint8_t null[] = { 0x05, 0x00 };
	bool rsa = type == VMP_KEY_RSA;
	size_t i;

	if (!vmp_der_done(&csr->sig_params) && !(rsa && vmp_der_is(&csr->sig_params, null, sizeof(null))))
		return NULL;
	for (i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
		if (signatures[i].rsa == rsa && vmp_der_is(&csr->sig_oid, signatures[i].oid, signatures[i].len))
			return signatures[i].digest;
	}
	return NULL;
}

static int verify(const struct csr *csr, const struct vmp_pubkey *key, const char *digest, struct vmp_msg *msg)
{
	EVP_PKEY *pkey = vmp_pubkey_load(key);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int err = VMP_OK;

	if (!pkey)
		err = vmp_fail(msg, VMP_EINVAL, "the request's key is none: not a point of its curve");
	else if (!ctx || EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL, NULL, pkey, NULL) != 1)
		err = vmp_fail(msg, VMP_ENOMEM, "cannot verify the request");
	else if (EVP_DigestVerify(ctx, csr->sig.p, vmp_der_left(&csr->sig), csr->info.p, vmp_der_left(&csr->info)) != 1)
		err = vmp_fail(msg, VMP_EINVAL, "the request's signature does not verify with its key");
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	/* What is left in the queue, a later call for TLS would take for its own. */
	ERR_clear_error();
	return err;
}

int vmp_csr_read(const uint8_t *der, size_t len, struct vmp_pubkey *out, struct vmp_msg *msg)
{
	struct vmp_pubkey key;
	const char *digest;
	struct csr csr;
	int err;

	if (len > VMP_CSR_MAX)
		return vmp_fail(msg, VMP_EINVAL, "the request has %zu octets: expected at most %d", len, VMP_CSR_MAX);
	if (!split(der, len, &csr))
		return vmp_fail(msg, VMP_EINVAL, "expected a PKCS#10 certificate request in DER, and nothing after it");
	err = read_key(&csr, &key, msg);
	if (err)
		return err;
	digest = digest_of(&csr, key.type);
	if (!digest)
		return vmp_fail(msg, VMP_EINVAL,
				"the request's signature: expected ECDSA or RSA (PKCS #1 v1.5) with "
				"SHA-256, SHA-384 or SHA-512, as its key is");
	err = verify(&csr, &key, digest, msg);
	if (err)
		return err;
	out->type = key.type;
	out->len = key.len;
	memcpy(out->bits, key.bits, key.len);
	return VMP_OK;
}
