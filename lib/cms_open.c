#include "cms.h"
#include "pki_internal.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#define ROOTS_MAX 64
#define PEM_MAX	  1048576

/* Everything that opening holds. */
struct job {
	STACK_OF(X509) * roots;
	X509 *cert;
	EVP_PKEY *key;
	CMS_ContentInfo *outer, *inner;
	BIO *envelope, *content;
};

/* -- the signature -- */

static bool has_kga(X509 *cert)
{
	EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(cert, NID_ext_key_usage, NULL, NULL);
	bool found = false;
	int i;

	for (i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
		if (OBJ_obj2nid(sk_ASN1_OBJECT_value(usages, i)) == NID_cmKGA)
			found = true;
	}
	sk_ASN1_OBJECT_pop_free(usages, ASN1_OBJECT_free);
	return found && (X509_get_key_usage(cert) & KU_DIGITAL_SIGNATURE);
}

static int check_chain(const struct job *job, X509 *signer, int64_t now, struct vmp_msg *msg)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *sent = CMS_get1_certs(job->outer);
	X509_VERIFY_PARAM *param;
	int i, err = store && ctx ? VMP_OK : VMP_ENOMEM;

	for (i = 0; !err && i < sk_X509_num(job->roots); i++) {
		if (X509_STORE_add_cert(store, sk_X509_value(job->roots, i)) != 1)
			err = VMP_ENOMEM;
	}
	if (!err && X509_STORE_CTX_init(ctx, store, signer, sent) != 1)
		err = VMP_ENOMEM;
	if (!err) {
		param = X509_STORE_CTX_get0_param(ctx);
		X509_VERIFY_PARAM_set_time(param, (time_t)now);
		X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
		X509_VERIFY_PARAM_set_auth_level(param, 2);
		if (X509_verify_cert(ctx) != 1)
			err = vmp_fail(msg, VMP_EINVAL, "the signer's certificate does not verify: %s",
				       X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	}
	sk_X509_pop_free(sent, X509_free);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return err;
}

static int check_signature(struct job *job, const uint8_t *der, size_t len, int64_t now, struct vmp_msg *msg)
{
	const uint8_t *p = der;
	STACK_OF(X509) * signers;
	X509 *signer;
	int err;

	err = vmp_cms_check_signed(der, len, msg);
	if (err)
		return err;
	job->outer = d2i_CMS_ContentInfo(NULL, &p, (long)len);
	if (!job->outer)
		return vmp_ssl_fail(msg, VMP_EINVAL, "cannot read the signature");
	/* The certificate is checked below: OpenSSL's own check would want one for S/MIME. */
	if (CMS_verify(job->outer, NULL, NULL, NULL, job->envelope, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) != 1)
		return vmp_ssl_fail(msg, VMP_EINVAL, "the signature does not verify");
	signers = CMS_get0_signers(job->outer);
	signer = sk_X509_num(signers) == 1 ? sk_X509_value(signers, 0) : NULL;
	if (!signer)
		err = vmp_fail(msg, VMP_EINVAL, "expected one signer");
	else if (!has_kga(signer))
		err = vmp_fail(msg, VMP_EINVAL, "the signer may not sign COI keys: expected the usage id-kp-cmcKGA");
	else
		err = check_chain(job, signer, now, msg);
	sk_X509_free(signers);
	return err;
}

/* -- the content -- */

static bool is_for(CMS_ContentInfo *cms, X509 *cert)
{
	CMS_RecipientInfo *ri = sk_CMS_RecipientInfo_value(CMS_get0_RecipientInfos(cms), 0);

	if (CMS_RecipientInfo_type(ri) == CMS_RECIPINFO_TRANS)
		return CMS_RecipientInfo_ktri_cert_cmp(ri, cert) == 0;
	return CMS_RecipientEncryptedKey_cert_cmp(
		       sk_CMS_RecipientEncryptedKey_value(CMS_RecipientInfo_kari_get0_reks(ri), 0), cert) == 0;
}

static int decrypt(struct job *job, struct vmp_msg *msg)
{
	char *data;
	long len = BIO_get_mem_data(job->envelope, &data);
	const uint8_t *p = (const uint8_t *)data;
	int err = vmp_cms_check_envelope(p, (size_t)len, msg);

	if (err)
		return err;
	job->inner = d2i_CMS_ContentInfo(NULL, &p, len);
	if (!job->inner)
		return vmp_ssl_fail(msg, VMP_EINVAL, "cannot read the envelope");
	if (!is_for(job->inner, job->cert))
		return vmp_fail(msg, VMP_EINVAL, "the envelope is for another certificate");
	if (CMS_decrypt(job->inner, job->key, job->cert, NULL, job->content, CMS_BINARY) != 1)
		return vmp_ssl_fail(msg, VMP_EINVAL, "the envelope does not open");
	return VMP_OK;
}

static int read_content(struct job *job, struct vmp_coi_key *out, struct vmp_msg *msg)
{
	char serial[2 * VMP_SERIAL + 1] = "", *data;
	long len = BIO_get_mem_data(job->content, &data);
	const ASN1_INTEGER *own = X509_get0_serialNumber(job->cert);
	struct vmp_coi_key key;
	int err = vmp_coi_key_read(data, (size_t)len, &key, msg);

	if (err)
		return err;
	if (ASN1_STRING_length(own) == VMP_SERIAL)
		vmp_hex(ASN1_STRING_get0_data(own), VMP_SERIAL, serial);
	if (strcmp(serial, key.serial) == 0)
		*out = key;
	else
		err = vmp_fail(msg, VMP_EINVAL, "the COI key is for another certificate: serial number %s", key.serial);
	vmp_wipe(&key, sizeof(key));
	return err;
}

static int no_passphrase(char *buf, int size, int rwflag, void *ctx)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)ctx;
	return -1;
}

static int load(struct job *job, const char *ca_pem, const char *cert_pem, const char *key_pem, struct vmp_msg *msg)
{
	BIO *cert = BIO_new_mem_buf(cert_pem, -1), *key = BIO_new_mem_buf(key_pem, -1);
	int err = VMP_OK;

	job->envelope = BIO_new(BIO_s_mem());
	job->content = BIO_new(BIO_s_secmem());
	job->cert = cert ? PEM_read_bio_X509(cert, NULL, no_passphrase, NULL) : NULL;
	job->key = key ? PEM_read_bio_PrivateKey(key, NULL, no_passphrase, NULL) : NULL;
	BIO_free(cert);
	BIO_free(key);
	if (!job->envelope || !job->content)
		return VMP_ENOMEM;
	if (!job->cert || !job->key || X509_check_private_key(job->cert, job->key) != 1)
		return vmp_fail(msg, VMP_EINVAL, "expected the member's certificate and its private key in PEM");
	job->roots = vmp_pem_certs(ca_pem, strnlen(ca_pem, PEM_MAX), ROOTS_MAX, msg);
	if (!job->roots)
		err = VMP_EINVAL;
	return err;
}

int vmp_cms_open(const char *ca_pem, const char *cert_pem, const char *key_pem, const uint8_t *der, size_t len,
		 int64_t now, struct vmp_coi_key *out, struct vmp_msg *msg)
{
	struct job job = { .roots = NULL };
	int err = load(&job, ca_pem, cert_pem, key_pem, msg);

	if (!err)
		err = check_signature(&job, der, len, now, msg);
	if (!err)
		err = decrypt(&job, msg);
	if (!err)
		err = read_content(&job, out, msg);
	sk_X509_pop_free(job.roots, X509_free);
	X509_free(job.cert);
	EVP_PKEY_free(job.key);
	CMS_ContentInfo_free(job.outer);
	CMS_ContentInfo_free(job.inner);
	BIO_free(job.envelope);
	BIO_free(job.content);
	ERR_clear_error();
	return err;
}
