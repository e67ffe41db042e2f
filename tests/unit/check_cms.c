#include "cms.h"
#include "maker.h"
#include "suites.h"

#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SERIAL	 "7f313233343536373839303132333435" /* MAKER_SERIAL */
#define PEM_SIZE 8192

static const char *const signer_serial = "\003signer456789abc";

/* A CA, its signer and a member. */
static struct party {
	struct vmp_ca *ca;
	EVP_PKEY *key, *signer_key;
	X509 *cert, *signer;
	struct vmp_coi_key coi;
	char cert_pem[PEM_SIZE], key_pem[PEM_SIZE];
	const char *ca_pem;
} p;

/* How an envelope is made that vmp_cms_seal() would not make. */
struct wrong {
	const EVP_CIPHER *cipher, *wrap;
	const EVP_MD *kdf, *oaep;
	int padding;
	unsigned sign_flags;
	bool enveloped, twice, two_signers, no_signer;
	int content_type;
	const EVP_MD *digest;
	EVP_PKEY *signer_key;
	X509 *signer;
};

static void pem_of(X509 *x, EVP_PKEY *key, char out[PEM_SIZE])
{
	BIO *bio = BIO_new(BIO_s_mem());
	int len;

	ck_assert((x ? PEM_write_bio_X509(bio, x)
		     : PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)) == 1);
	len = BIO_read(bio, out, PEM_SIZE - 1);
	ck_assert_int_gt(len, 0);
	out[len] = '\0';
	BIO_free(bio);
}

static X509 *issue_as(enum vmp_cert_kind kind, EVP_PKEY *key, const char *serial, int64_t life)
{
	static struct vmp_cert_order order;

	maker_order(&order, key);
	order.kind = kind;
	order.not_after = order.not_before + life;
	memcpy(order.serial, serial, VMP_SERIAL);
	return maker_issue(p.ca, &order);
}

static void party_init(EVP_PKEY *key)
{
	p.key = key;
	p.signer_key = EVP_EC_gen("P-256");
	p.ca = maker_created();
	p.ca_pem = vmp_ca_chain_pem(p.ca);
	p.cert = issue_as(VMP_CERT_VM, key, MAKER_SERIAL, MAKER_DAY);
	p.signer = issue_as(VMP_CERT_SIGNER, p.signer_key, signer_serial, MAKER_DAY);
	pem_of(p.cert, NULL, p.cert_pem);
	pem_of(NULL, p.key, p.key_pem);
	p.coi = (struct vmp_coi_key){
		.coi = "web", .epoch = 7, .not_before = 1700000000, .not_after = 1800000000, .serial = SERIAL
	};
	ck_assert_int_eq(vmp_random(p.coi.key, sizeof(p.coi.key)), VMP_OK);
}

static void party_clear(void)
{
	X509_free(p.cert);
	X509_free(p.signer);
	EVP_PKEY_free(p.key);
	EVP_PKEY_free(p.signer_key);
	vmp_ca_free(p.ca);
	(void)maker_files(true);
}

static void setup(void)
{
	maker_setup();
	party_init(EVP_EC_gen("P-256"));
}

static void teardown(void)
{
	party_clear();
	maker_teardown();
}

static size_t der_of(X509 *x, uint8_t out[VMP_CERT_MAX])
{
	int len = i2d_X509(x, NULL);

	ck_assert(len > 0 && len <= VMP_CERT_MAX);
	return (size_t)i2d_X509(x, &out);
}

/* -- opening -- */

static int open_at(const uint8_t *der, size_t len, int64_t now, struct vmp_coi_key *out, struct vmp_msg *msg)
{
	uint8_t *copy = malloc(len ? len : 1);
	int err;

	memcpy(copy, der, len);
	err = vmp_cms_open(p.ca_pem, p.cert_pem, p.key_pem, copy, len, now, out, msg);
	free(copy);
	return err;
}

static void opens(const uint8_t *der, size_t len)
{
	struct vmp_coi_key got;
	struct vmp_msg msg = { "" };

	ck_assert_msg(open_at(der, len, time(NULL), &got, &msg) == VMP_OK, "%s", msg.text);
	ck_assert_str_eq(got.coi, p.coi.coi);
	ck_assert_uint_eq(got.epoch, p.coi.epoch);
	ck_assert_int_eq(got.not_before, p.coi.not_before);
	ck_assert_int_eq(got.not_after, p.coi.not_after);
	ck_assert_str_eq(got.serial, p.coi.serial);
	ck_assert_mem_eq(got.key, p.coi.key, VMP_COI_KEY);
}

static void refused_at(const uint8_t *der, size_t len, int64_t now, const char *word)
{
	struct vmp_coi_key got = { .epoch = 4711 };
	struct vmp_msg msg = { "" };

	ck_assert_int_eq(open_at(der, len, now, &got, &msg), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, word) != NULL, "expected \"%s\" in \"%s\"", word, msg.text);
	ck_assert_uint_eq(got.epoch, 4711);
}

static void refused(const uint8_t *der, size_t len, const char *word)
{
	refused_at(der, len, time(NULL), word);
}

/* What policyd makes. */
static size_t sealed(uint8_t out[VMP_ENVELOPE_MAX])
{
	struct vmp_cms_signer *signer;
	struct vmp_msg msg = { "" };
	uint8_t cert[VMP_CERT_MAX];
	size_t len = VMP_ENVELOPE_MAX;
	int err;

	err = vmp_cms_signer_new(&signer, p.ca, (const uint8_t *)signer_serial, time(NULL) - 60, time(NULL) + 3600,
				 &msg);
	ck_assert_msg(err == VMP_OK, "%s", msg.text);
	err = vmp_cms_seal(signer, cert, der_of(p.cert, cert), &p.coi, out, &len, &msg);
	ck_assert_msg(err == VMP_OK, "%s", msg.text);
	vmp_cms_signer_free(signer);
	return len;
}

START_TEST(what_is_sealed_opens)
{
	EVP_PKEY *keys[] = { EVP_EC_gen("P-256"), EVP_EC_gen("P-384"), EVP_RSA_gen(2048) };
	uint8_t der[VMP_ENVELOPE_MAX];
	size_t i;

	for (i = 0; i < COUNT(keys); i++) {
		party_clear();
		party_init(keys[i]);
		opens(der, sealed(der));
	}
}
END_TEST

START_TEST(every_prefix_is_refused)
{
	uint8_t der[VMP_ENVELOPE_MAX];
	size_t len = sealed(der), i;

	for (i = 0; i < len; i++)
		refused(der, i, "");
	der[len] = 0;
	refused(der, len + 1, "SignedData");
}
END_TEST

START_TEST(every_altered_octet_is_refused)
{
	uint8_t der[VMP_ENVELOPE_MAX];
	size_t len = sealed(der), i;

	for (i = 0; i < len; i++) {
		struct vmp_coi_key got;

		der[i] ^= 1;
		ck_assert_msg(open_at(der, len, time(NULL), &got, NULL) == VMP_EINVAL, "octet %zu of %zu", i, len);
		der[i] ^= 1;
	}
	opens(der, len);
}
END_TEST

START_TEST(others_cannot_open)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	uint8_t der[VMP_ENVELOPE_MAX];
	size_t len = sealed(der);
	X509 *x = issue_as(VMP_CERT_VM, key, "\001other6789abcdef", MAKER_DAY);

	/* Another member of the same CA. */
	pem_of(x, NULL, p.cert_pem);
	pem_of(NULL, key, p.key_pem);
	refused(der, len, "another certificate");
	X509_free(x);
	/* The same serial number for another key, as from a CA that was set up again. */
	x = issue_as(VMP_CERT_VM, key, MAKER_SERIAL, MAKER_DAY);
	pem_of(x, NULL, p.cert_pem);
	refused(der, len, "does not open");
	X509_free(x);
	/* A certificate and a key that do not belong together. */
	pem_of(p.cert, NULL, p.cert_pem);
	refused(der, len, "private key");
	pem_of(NULL, p.key, p.key_pem);
	opens(der, len);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(signers_of_another_ca_are_refused)
{
	struct maker other = maker_new(EVP_EC_gen("P-256"), "Test CA", NULL, "critical,CA:TRUE", MAKER_USAGE, 9);
	uint8_t der[VMP_ENVELOPE_MAX];
	size_t len = sealed(der);
	char pem[PEM_SIZE];

	pem_of(other.cert, NULL, pem);
	p.ca_pem = pem;
	refused(der, len, "does not verify");
	p.ca_pem = "";
	refused(der, len, "certificates in PEM");
	p.ca_pem = vmp_ca_chain_pem(p.ca);
	opens(der, len);
	maker_clear(&other);
}
END_TEST

START_TEST(signers_end)
{
	uint8_t der[VMP_ENVELOPE_MAX];
	size_t len = sealed(der);

	refused_at(der, len, time(NULL) + 3610, "expired");
	refused_at(der, len, time(NULL) - 70, "not yet valid");
	opens(der, len);
}
END_TEST

/* -- what others than policyd could send -- */

static void add_recipient(CMS_ContentInfo *cms, X509 *cert, const struct wrong *w)
{
	CMS_RecipientInfo *ri = CMS_add1_recipient_cert(cms, cert, CMS_KEY_PARAM);
	EVP_PKEY_CTX *ctx = CMS_RecipientInfo_get0_pkey_ctx(ri);

	ck_assert_ptr_nonnull(ctx);
	if (CMS_RecipientInfo_type(ri) == CMS_RECIPINFO_AGREE) {
		if (w->wrap)
			ck_assert_int_eq(
				EVP_EncryptInit_ex(CMS_RecipientInfo_kari_get0_ctx(ri), w->wrap, NULL, NULL, NULL), 1);
		if (w->kdf)
			ck_assert_int_eq(EVP_PKEY_CTX_set_ecdh_kdf_md(ctx, w->kdf), 1);
		return;
	}
	ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(ctx, w->padding), 1);
	if (w->oaep) {
		ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()), 1);
		ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, w->oaep), 1);
	}
}

static BIO *envelop(const struct wrong *w, const char *content)
{
	CMS_ContentInfo *cms = w->enveloped ? CMS_EnvelopedData_create(w->cipher)
					    : CMS_AuthEnvelopedData_create(w->cipher);
	BIO *in = BIO_new_mem_buf(content, -1), *out = BIO_new(BIO_s_mem());

	ck_assert_ptr_nonnull(cms);
	CMS_set_detached(cms, 0);
	add_recipient(cms, p.cert, w);
	if (w->twice)
		add_recipient(cms, p.cert, w);
	ck_assert_int_eq(CMS_final(cms, in, NULL, CMS_BINARY), 1);
	ck_assert_int_eq(i2d_CMS_bio(out, cms), 1);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	return out;
}

/* Sign what is in the BIO, and free it. */
static size_t signed_by(const struct wrong *w, BIO *in, uint8_t out[VMP_ENVELOPE_MAX])
{
	unsigned flags = CMS_BINARY | CMS_NOSMIMECAP | w->sign_flags;
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags | CMS_PARTIAL);
	CMS_SignerInfo *si = NULL;
	uint8_t *end = out;
	int len;

	ck_assert_ptr_nonnull(cms);
	if (w->content_type)
		CMS_set1_eContentType(cms, OBJ_nid2obj(w->content_type));
	ck_assert_ptr_nonnull(CMS_add1_signer(cms, w->signer, w->signer_key, w->digest, flags));
	if (w->two_signers)
		ck_assert_ptr_nonnull(CMS_add1_signer(cms, w->signer, w->signer_key, w->digest, flags | CMS_NOCERTS));
	ck_assert_int_eq(CMS_final(cms, in, NULL, CMS_BINARY), 1);
	if (w->no_signer)
		si = sk_CMS_SignerInfo_pop(CMS_get0_SignerInfos(cms));
	len = i2d_CMS_ContentInfo(cms, NULL);
	ck_assert(len > 0 && len <= VMP_ENVELOPE_MAX);
	i2d_CMS_ContentInfo(cms, &end);
	if (si)
		sk_CMS_SignerInfo_push(CMS_get0_SignerInfos(cms), si);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	return (size_t)len;
}

static struct wrong as_it_should_be(void)
{
	return (struct wrong){ .cipher = EVP_aes_256_gcm(),
			       .kdf = EVP_sha256(),
			       .oaep = EVP_sha256(),
			       .padding = RSA_PKCS1_OAEP_PADDING,
			       .digest = EVP_sha256(),
			       .signer_key = p.signer_key,
			       .signer = p.signer };
}

static void made(const struct wrong *w, const char *word)
{
	char *content = vmp_coi_key_write(&p.coi);
	uint8_t der[VMP_ENVELOPE_MAX];
	size_t len = signed_by(w, envelop(w, content), der);

	if (word)
		refused(der, len, word);
	else
		opens(der, len);
	free(content);
}

START_TEST(envelopes_by_other_algorithms_are_refused)
{
	struct wrong w = as_it_should_be();

	made(&w, NULL);
	w.kdf = EVP_sha1();
	made(&w, "sha256kdf");
	w.kdf = NULL; /* OpenSSL's own choice */
	made(&w, "sha256kdf");
	w.kdf = EVP_sha512();
	made(&w, "sha256kdf");
	w = as_it_should_be();
	w.wrap = EVP_aes_128_wrap();
	made(&w, "AES-256");
	w = as_it_should_be();
	w.cipher = EVP_aes_128_gcm();
	made(&w, "AES-256-GCM");
	w = as_it_should_be();
	w.enveloped = true;
	w.cipher = EVP_aes_256_cbc();
	made(&w, "AuthEnvelopedData");
	w = as_it_should_be();
	w.twice = true;
	made(&w, "one recipient");
}
END_TEST

START_TEST(rsa_envelopes_by_other_algorithms_are_refused)
{
	struct wrong w;

	party_clear();
	party_init(EVP_RSA_gen(2048));
	w = as_it_should_be();
	made(&w, NULL);
	w.oaep = EVP_sha1();
	made(&w, "OAEP with SHA-256");
	w.oaep = NULL; /* SHA-1 for both */
	made(&w, "OAEP with SHA-256");
	w.padding = RSA_PKCS1_PADDING;
	made(&w, "OAEP with SHA-256");
}
END_TEST

START_TEST(signatures_of_another_form_are_refused)
{
	struct wrong w = as_it_should_be();

	w.no_signer = true;
	made(&w, "one signer");
	w = as_it_should_be();
	w.two_signers = true;
	made(&w, "one signer");
	w = as_it_should_be();
	w.sign_flags = CMS_NOATTR;
	made(&w, "signed attributes");
	w = as_it_should_be();
	w.digest = EVP_sha1();
	made(&w, "SHA-256");
	w = as_it_should_be();
	w.content_type = NID_id_smime_ct_TSTInfo;
	made(&w, "data that is signed");
	w = as_it_should_be();
	w.sign_flags = CMS_NOCERTS;
	made(&w, "with its certificates");
	w = as_it_should_be();
	w.sign_flags = CMS_DETACHED;
	made(&w, "data that is signed");
}
END_TEST

START_TEST(signers_without_the_usage_are_refused)
{
	static const enum vmp_cert_kind kinds[] = { VMP_CERT_VM, VMP_CERT_GATEWAY, VMP_CERT_HOST, VMP_CERT_SERVER };
	struct wrong w = as_it_should_be();
	size_t i;

	for (i = 0; i < COUNT(kinds); i++) {
		w.signer = issue_as(kinds[i], p.signer_key, signer_serial, MAKER_DAY);
		made(&w, "cmcKGA");
		X509_free(w.signer);
	}
	/* Any certificate of the CA's could sign for its key, if it were not for the key: this one has another. */
	w.signer = p.cert;
	w.signer_key = p.key;
	made(&w, "cmcKGA");
}
END_TEST

START_TEST(an_envelope_alone_is_refused)
{
	struct wrong w = as_it_should_be();
	char *content = vmp_coi_key_write(&p.coi), *data;
	BIO *envelope = envelop(&w, content);
	long len = BIO_get_mem_data(envelope, &data);

	refused((uint8_t *)data, (size_t)len, "SignedData");
	BIO_free(envelope);
	free(content);
}
END_TEST

START_TEST(contents_that_are_refused)
{
	struct wrong w = as_it_should_be();
	uint8_t der[VMP_ENVELOPE_MAX];
	char *content;
	BIO *bio;

	refused(der, signed_by(&w, envelop(&w, "{}"), der), "not a COI key");
	refused(der, signed_by(&w, envelop(&w, ""), der), "");
	p.coi.serial[0] = '6';
	content = vmp_coi_key_write(&p.coi);
	refused(der, signed_by(&w, envelop(&w, content), der), "another certificate");
	/* The key in the clear, well signed. */
	p.coi.serial[0] = '7';
	free(content);
	content = vmp_coi_key_write(&p.coi);
	bio = BIO_new_mem_buf(content, -1);
	refused(der, signed_by(&w, bio, der), "AuthEnvelopedData");
	free(content);
}
END_TEST

/* -- sealing -- */

static void not_sealed(const uint8_t *cert, size_t cert_len, const struct vmp_coi_key *key, size_t room,
		       const char *word)
{
	struct vmp_cms_signer *signer;
	struct vmp_msg msg = { "" };
	uint8_t out[VMP_ENVELOPE_MAX];
	int64_t now = time(NULL);

	ck_assert_int_eq(vmp_cms_signer_new(&signer, p.ca, (const uint8_t *)signer_serial, now, now + 60, NULL),
			 VMP_OK);
	ck_assert_int_eq(vmp_cms_seal(signer, cert, cert_len, key, out, &room, &msg), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, word) != NULL, "expected \"%s\" in \"%s\"", word, msg.text);
	vmp_cms_signer_free(signer);
}

START_TEST(what_is_not_sealed)
{
	uint8_t cert[VMP_CERT_MAX];
	size_t len = der_of(p.cert, cert);
	struct vmp_coi_key key = p.coi;

	not_sealed(cert, len - 1, &key, VMP_ENVELOPE_MAX, "certificate");
	not_sealed(cert, len, &key, 500, "at most 500");
	key.epoch = 0;
	not_sealed(cert, len, &key, VMP_ENVELOPE_MAX, "not allowed");
	key = p.coi;
	key.coi[0] = '"';
	not_sealed(cert, len, &key, VMP_ENVELOPE_MAX, "not allowed");
	key = p.coi;
	key.serial[3] = '9';
	not_sealed(cert, len, &key, VMP_ENVELOPE_MAX, "not for this certificate");
	ck_assert_int_eq(vmp_cms_signer_new(&(struct vmp_cms_signer *){ NULL }, p.ca, (const uint8_t[VMP_SERIAL]){ 0 },
					    0, 1, NULL),
			 VMP_EINVAL);
	vmp_cms_signer_free(NULL);
}
END_TEST

START_TEST(a_chain_of_intermediates_is_sent_along)
{
	struct maker root = maker_new(EVP_EC_gen("P-384"), "Root", NULL, "critical,CA:TRUE", MAKER_USAGE, 9);
	struct maker sub = maker_new(EVP_EC_gen("P-256"), "Sub", &root, "critical,CA:TRUE", MAKER_USAGE, 9);
	const struct maker *const list[] = { &sub, &root, NULL };
	uint8_t der[VMP_ENVELOPE_MAX];
	char pem[PEM_SIZE];

	vmp_ca_free(p.ca);
	X509_free(p.cert);
	maker_write_certs(list);
	maker_write_key(sub.key, 0600, NULL);
	p.ca = maker_opened();
	p.cert = issue_as(VMP_CERT_VM, p.key, MAKER_SERIAL, MAKER_DAY);
	pem_of(p.cert, NULL, p.cert_pem);
	/* The member knows the root alone. */
	pem_of(root.cert, NULL, pem);
	p.ca_pem = pem;
	opens(der, sealed(der));
	maker_clear(&root);
	maker_clear(&sub);
}
END_TEST

START_TEST(the_signers_certificate)
{
	struct vmp_cms_signer *signer;
	struct vmp_peer peer;
	const uint8_t *der;
	int64_t now = time(NULL);
	size_t len;

	ck_assert_int_eq(vmp_cms_signer_new(&signer, p.ca, (const uint8_t *)signer_serial, now, now + 60, NULL),
			 VMP_OK);
	der = vmp_cms_signer_cert(signer, &len);
	ck_assert_int_eq(vmp_peer_read(der, len, &peer, NULL), VMP_OK);
	ck_assert_mem_eq(peer.serial, signer_serial, VMP_SERIAL);
	ck_assert_int_eq(peer.not_after, now + 60);
	vmp_cms_signer_free(signer);
}
END_TEST

Suite *check_cms(void)
{
	Suite *s = suite_create("cms");
	TCase *t = tcase_create("cms");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, what_is_sealed_opens);
	tcase_add_test(t, every_prefix_is_refused);
	tcase_add_test(t, every_altered_octet_is_refused);
	tcase_add_test(t, others_cannot_open);
	tcase_add_test(t, signers_of_another_ca_are_refused);
	tcase_add_test(t, signers_end);
	tcase_add_test(t, envelopes_by_other_algorithms_are_refused);
	tcase_add_test(t, rsa_envelopes_by_other_algorithms_are_refused);
	tcase_add_test(t, signatures_of_another_form_are_refused);
	tcase_add_test(t, signers_without_the_usage_are_refused);
	tcase_add_test(t, an_envelope_alone_is_refused);
	tcase_add_test(t, contents_that_are_refused);
	tcase_add_test(t, what_is_not_sealed);
	tcase_add_test(t, a_chain_of_intermediates_is_sent_along);
	tcase_add_test(t, the_signers_certificate);
	suite_add_tcase(s, t);
	return s;
}
