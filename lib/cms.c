#include "cms.h"
#include "pki_internal.h"

#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

struct vmp_cms_signer {
	EVP_PKEY *key;
	X509 *cert;
	STACK_OF(X509) * chain; /* what stands between cert and the root */
	uint8_t der[VMP_CERT_MAX];
	size_t der_len;
	/* Whom the last envelope was for: a member asks for all its keys at once, and decoding costs as much as
	 * sealing. */
	X509 *member;
	uint8_t member_der[VMP_CERT_MAX];
	size_t member_len;
};

/* -- the signer -- */

static int order_for(EVP_PKEY *key, struct vmp_cert_order *order)
{
	size_t len = 0;

	if (EVP_PKEY_get_octet_string_param(key, "encoded-pub-key", order->key.bits, sizeof(order->key.bits), &len) !=
	    1)
		return VMP_EIO;
	order->key.type = VMP_KEY_P256;
	order->key.len = (uint16_t)len;
	return VMP_OK;
}

static X509 *read_cert(const uint8_t *der, size_t len)
{
	const uint8_t *p = der;
	X509 *x = d2i_X509(NULL, &p, (long)len);

	if (x && p != der + len) {
		X509_free(x);
		x = NULL;
	}
	return x;
}

/* A verifier has the root, and would not believe one that is sent along. */
static STACK_OF(X509) * intermediates(const struct vmp_ca *ca)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	struct vmp_der in = vmp_der_of(ca->der, ca->der_len);
	X509 *x = NULL;

	while (chain && in.p < in.end) {
		struct vmp_der one = vmp_der_take(&in, DER_SEQUENCE);

		x = one.bad ? NULL : read_cert(one.p, vmp_der_left(&one));
		if (!x)
			goto bad;
		if (X509_self_signed(x, 0) == 1)
			X509_free(x);
		else if (sk_X509_push(chain, x) < 1)
			goto bad;
	}
	return chain;
bad:
	X509_free(x);
	sk_X509_pop_free(chain, X509_free);
	return NULL;
}

int vmp_cms_signer_new(struct vmp_cms_signer **out, struct vmp_ca *ca, const uint8_t serial[VMP_SERIAL],
		       int64_t not_before, int64_t not_after, struct vmp_msg *msg)
{
	struct vmp_cert_order order = { .kind = VMP_CERT_SIGNER,
					.not_before = not_before,
					.not_after = not_after,
					.common_name = "vmprov COI keys" };
	struct vmp_cms_signer *s = calloc(1, sizeof(*s));
	int err = VMP_ENOMEM;

	*out = NULL;
	if (!s)
		return err;
	memcpy(order.serial, serial, VMP_SERIAL);
	s->der_len = sizeof(s->der);
	s->key = EVP_EC_gen("P-256");
	if (!s->key || order_for(s->key, &order) != VMP_OK) {
		err = vmp_ssl_fail(msg, VMP_EIO, "cannot make a signing key");
		goto out;
	}
	err = vmp_ca_issue(ca, &order, s->der, &s->der_len, msg);
	if (err)
		goto out;
	s->cert = read_cert(s->der, s->der_len);
	s->chain = intermediates(ca);
	if (!s->cert || !s->chain)
		err = vmp_ssl_fail(msg, VMP_ENOMEM, "cannot read the signer's certificates");
out:
	ERR_clear_error();
	if (err)
		vmp_cms_signer_free(s);
	else
		*out = s;
	return err;
}

const uint8_t *vmp_cms_signer_cert(const struct vmp_cms_signer *signer, size_t *len)
{
	*len = signer->der_len;
	return signer->der;
}

void vmp_cms_signer_free(struct vmp_cms_signer *signer)
{
	if (!signer)
		return;
	EVP_PKEY_free(signer->key);
	X509_free(signer->cert);
	X509_free(signer->member);
	sk_X509_pop_free(signer->chain, X509_free);
	free(signer);
}

/* -- sealing -- */

/* OpenSSL's own choices would be SHA-1 and PKCS #1 v1.5. */
static bool set_recipient(CMS_ContentInfo *cms, X509 *cert)
{
	CMS_RecipientInfo *ri = CMS_add1_recipient_cert(cms, cert, CMS_KEY_PARAM);
	EVP_PKEY_CTX *ctx = ri ? CMS_RecipientInfo_get0_pkey_ctx(ri) : NULL;

	if (!ctx)
		return false;
	if (CMS_RecipientInfo_type(ri) == CMS_RECIPINFO_AGREE)
		return EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, EVP_sha256()) == 1;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) == 1;
}

static bool envelop(X509 *cert, const char *text, BIO *out)
{
	CMS_ContentInfo *cms = CMS_AuthEnvelopedData_create(EVP_aes_256_gcm());
	BIO *in = BIO_new_mem_buf(text, -1);
	bool good = cms && in && CMS_set_detached(cms, 0) == 1 && set_recipient(cms, cert) &&
		    CMS_final(cms, in, NULL, CMS_BINARY) == 1 && i2d_CMS_bio(out, cms) == 1;

	BIO_free(in);
	CMS_ContentInfo_free(cms);
	return good;
}

static bool sign(const struct vmp_cms_signer *signer, BIO *in, BIO *out)
{
	const unsigned flags = CMS_BINARY | CMS_PARTIAL | CMS_NOSMIMECAP;
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, signer->chain, NULL, flags);
	bool good = cms &&
		    CMS_add1_signer(cms, signer->cert, signer->key, EVP_sha256(), flags & ~(unsigned)CMS_PARTIAL) &&
		    CMS_final(cms, in, NULL, CMS_BINARY) == 1 && i2d_CMS_bio(out, cms) == 1;

	CMS_ContentInfo_free(cms);
	return good;
}

/* What names the certificate in the content must be the certificate's: nobody could open the envelope otherwise. */
static int check_serial(const uint8_t *cert, size_t len, const struct vmp_coi_key *key, struct vmp_msg *msg)
{
	char serial[2 * VMP_SERIAL + 1];
	struct vmp_peer peer;
	int err = vmp_peer_read(cert, len, &peer, msg);

	if (err)
		return err;
	vmp_hex(peer.serial, sizeof(peer.serial), serial);
	if (strncmp(serial, key->serial, sizeof(serial)) != 0)
		return vmp_fail(msg, VMP_EINVAL, "the COI key is not for this certificate: expected serial number %s",
				serial);
	return VMP_OK;
}

/* The member's certificate, decoded; signer keeps it. */
static X509 *member_of(struct vmp_cms_signer *signer, const uint8_t *cert, size_t len)
{
	if (signer->member && signer->member_len == len && memcmp(signer->member_der, cert, len) == 0)
		return signer->member;
	X509_free(signer->member);
	signer->member = len <= sizeof(signer->member_der) ? read_cert(cert, len) : NULL;
	if (signer->member) {
		memcpy(signer->member_der, cert, len);
		signer->member_len = len;
	}
	return signer->member;
}

static int copy_out(BIO *bio, uint8_t *out, size_t *len, struct vmp_msg *msg)
{
	char *data;
	long size = BIO_get_mem_data(bio, &data);

	if (size < 0 || (size_t)size > *len)
		return vmp_fail(msg, VMP_EINVAL, "the envelope has %ld octets: expected at most %zu", size, *len);
	memcpy(out, data, (size_t)size);
	*len = (size_t)size;
	return VMP_OK;
}

int vmp_cms_seal(struct vmp_cms_signer *signer, const uint8_t *cert, size_t cert_len, const struct vmp_coi_key *key,
		 uint8_t *out, size_t *len, struct vmp_msg *msg)
{
	BIO *envelope = NULL, *whole = NULL;
	char *text = NULL;
	X509 *x = NULL;
	int err = check_serial(cert, cert_len, key, msg);

	if (err)
		return err;
	text = vmp_coi_key_write(key);
	x = member_of(signer, cert, cert_len);
	envelope = BIO_new(BIO_s_mem());
	whole = BIO_new(BIO_s_mem());
	if (!text)
		err = vmp_fail(msg, VMP_EINVAL, "the COI key's name, epoch, times or serial number are not allowed");
	else if (!x)
		err = vmp_ssl_fail(msg, VMP_EINVAL, "cannot read the member's certificate");
	else if (!envelope || !whole || !envelop(x, text, envelope) || !sign(signer, envelope, whole))
		err = vmp_ssl_fail(msg, VMP_EIO, "cannot make the envelope");
	else
		err = copy_out(whole, out, len, msg);
	vmp_wipe(text, text ? strlen(text) : 0);
	free(text);
	BIO_free(envelope);
	BIO_free(whole);
	ERR_clear_error();
	return err;
}
