#include "maker.h"
#include "suites.h"

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define RESPONSE 4096

/* A CA, a certificate of its and a request about it. */
struct ocsp {
	struct vmp_ca *ca;
	STACK_OF(X509) * chain;
	X509 *cert;
	OCSP_REQUEST *req;
	OCSP_CERTID *id; /* belongs to req */
	uint8_t der[2 * VMP_OCSP_MAX];
	size_t len;
};

static void ocsp_add(struct ocsp *o, const EVP_MD *md, X509 *issuer)
{
	o->id = OCSP_cert_to_id(md, o->cert, issuer);
	ck_assert_ptr_nonnull(OCSP_request_add0_id(o->req, o->id));
}

static void ocsp_init(struct ocsp *o)
{
	static struct vmp_cert_order order;
	EVP_PKEY *key = EVP_EC_gen("P-256");

	o->ca = maker_created();
	o->chain = maker_chain(o->ca);
	maker_order(&order, key);
	o->cert = maker_issue(o->ca, &order);
	o->req = OCSP_REQUEST_new();
	EVP_PKEY_free(key);
}

static void ocsp_clear(struct ocsp *o)
{
	vmp_ca_free(o->ca);
	sk_X509_pop_free(o->chain, X509_free);
	X509_free(o->cert);
	OCSP_REQUEST_free(o->req);
}

static int ocsp_read(struct ocsp *o, struct vmp_ocsp *ask)
{
	uint8_t *p = o->der;
	size_t issuer_len;
	const uint8_t *issuer = vmp_ca_chain_der(o->ca, &issuer_len);
	int len = i2d_OCSP_REQUEST(o->req, NULL);

	ck_assert(len > 0 && (size_t)len < sizeof(o->der));
	o->len = (size_t)i2d_OCSP_REQUEST(o->req, &p);
	return vmp_ocsp_read(o->der, o->len, issuer, issuer_len, ask, NULL);
}

/* Answer, and let OpenSSL verify the answer.  About certificates of others, nobody asks the CA to answer. */
static OCSP_BASICRESP *ocsp_answer(struct ocsp *o, const struct vmp_ocsp *ask, bool ours)
{
	X509_STORE *store = X509_STORE_new();
	struct vmp_msg msg = { "" };
	uint8_t der[RESPONSE];
	const uint8_t *p = der;
	size_t len = sizeof(der);
	OCSP_RESPONSE *resp;
	OCSP_BASICRESP *basic;

	ck_assert_msg(vmp_ca_ocsp(o->ca, ask, time(NULL), time(NULL) + 600, der, &len, &msg) == VMP_OK, "%s", msg.text);
	resp = d2i_OCSP_RESPONSE(NULL, &p, (long)len);
	ck_assert_ptr_nonnull(resp);
	ck_assert_ptr_eq(p, der + len);
	ck_assert_int_eq(OCSP_response_status(resp), OCSP_RESPONSE_STATUS_SUCCESSFUL);
	basic = OCSP_response_get1_basic(resp);
	ck_assert_ptr_nonnull(basic);
	X509_STORE_add_cert(store, sk_X509_value(o->chain, 0));
	ck_assert_int_eq(OCSP_basic_verify(basic, NULL, store, ours ? 0 : OCSP_NOCHECKS), 1);
	X509_STORE_free(store);
	OCSP_RESPONSE_free(resp);
	return basic;
}

static void ocsp_says(struct ocsp *o, const struct vmp_ocsp *ask, int wanted, int wanted_reason)
{
	ASN1_GENERALIZEDTIME *at = NULL, *this_update = NULL, *next_update = NULL;
	OCSP_BASICRESP *basic = ocsp_answer(o, ask, ask->item[0].ours);
	int status = -1, reason = -1;

	ck_assert_int_eq(OCSP_resp_find_status(basic, o->id, &status, &reason, &at, &this_update, &next_update), 1);
	ck_assert_int_eq(status, wanted);
	ck_assert_int_eq(OCSP_check_validity(this_update, next_update, 10, -1), 1);
	if (wanted == V_OCSP_CERTSTATUS_REVOKED) {
		ck_assert_int_eq(reason, wanted_reason);
		ck_assert_int_eq(ASN1_TIME_cmp_time_t(at, 1700000000), 0);
	}
	/* 1: present and equal, 2: absent on both sides. */
	ck_assert_int_eq(OCSP_check_nonce(o->req, basic), ask->nonce_len ? 1 : 2);
	OCSP_BASICRESP_free(basic);
}

START_TEST(good_revoked_and_unknown)
{
	struct vmp_ocsp ask;
	struct ocsp o;
	int nonce;

	for (nonce = 0; nonce < 2; nonce++) {
		ocsp_init(&o);
		ocsp_add(&o, nonce ? EVP_sha256() : EVP_sha1(), sk_X509_value(o.chain, 0));
		if (nonce)
			ck_assert_int_eq(OCSP_request_add1_nonce(o.req, NULL, VMP_OCSP_NONCE_MAX), 1);
		ck_assert_int_eq(ocsp_read(&o, &ask), VMP_OK);
		ck_assert_uint_eq(ask.n, 1);
		ck_assert_uint_eq(ask.nonce_len, nonce ? VMP_OCSP_NONCE_MAX : 0);
		ck_assert(ask.item[0].ours);
		ck_assert_mem_eq(ask.item[0].serial, MAKER_SERIAL, VMP_SERIAL);
		ck_assert_int_eq(ask.item[0].status, VMP_OCSP_UNKNOWN);
		ocsp_says(&o, &ask, V_OCSP_CERTSTATUS_UNKNOWN, -1);
		ask.item[0].status = VMP_OCSP_GOOD;
		ocsp_says(&o, &ask, V_OCSP_CERTSTATUS_GOOD, -1);
		ask.item[0].status = VMP_OCSP_REVOKED;
		ask.item[0].revoked_at = 1700000000;
		ocsp_says(&o, &ask, V_OCSP_CERTSTATUS_REVOKED, -1);
		ask.item[0].reason = 1;
		ocsp_says(&o, &ask, V_OCSP_CERTSTATUS_REVOKED, 1);
		ocsp_clear(&o);
		(void)maker_files(true);
	}
}
END_TEST

START_TEST(certificates_of_other_cas_are_unknown)
{
	struct maker other = maker_new(EVP_EC_gen("P-256"), "Test CA", NULL, "critical,CA:TRUE", MAKER_USAGE, 9);
	struct vmp_ocsp ask;
	struct ocsp o;

	ocsp_init(&o);
	ocsp_add(&o, EVP_sha1(), other.cert);
	ck_assert_int_eq(ocsp_read(&o, &ask), VMP_OK);
	ck_assert(!ask.item[0].ours);
	ask.item[0].status = VMP_OCSP_GOOD;
	ocsp_says(&o, &ask, V_OCSP_CERTSTATUS_UNKNOWN, -1);
	/* A digest that is not looked at. */
	ocsp_add(&o, EVP_sha224(), sk_X509_value(o.chain, 0));
	ck_assert_int_eq(ocsp_read(&o, &ask), VMP_OK);
	ck_assert_uint_eq(ask.n, 2);
	ck_assert(!ask.item[1].ours);
	/* A serial number of another length: the CA's own. */
	X509_free(o.cert);
	o.cert = X509_dup(other.cert);
	ocsp_add(&o, EVP_sha1(), sk_X509_value(o.chain, 0));
	ck_assert_int_eq(ocsp_read(&o, &ask), VMP_OK);
	ck_assert_uint_eq(ask.n, 3);
	ck_assert(!ask.item[2].ours);
	ocsp_clear(&o);
	maker_clear(&other);
}
END_TEST

START_TEST(requests_have_a_most)
{
	struct vmp_ocsp ask = { .n = 99 };
	struct ocsp o;
	int i;

	ocsp_init(&o);
	ck_assert_int_eq(ocsp_read(&o, &ask), VMP_EINVAL);
	for (i = 1; i <= VMP_OCSP_SERIALS; i++) {
		ocsp_add(&o, EVP_sha1(), sk_X509_value(o.chain, 0));
		ck_assert_int_eq(ocsp_read(&o, &ask), VMP_OK);
		ck_assert_int_eq(ask.n, i);
		ask.item[i - 1].status = VMP_OCSP_GOOD;
	}
	ocsp_says(&o, &ask, V_OCSP_CERTSTATUS_UNKNOWN, -1);
	ocsp_add(&o, EVP_sha1(), sk_X509_value(o.chain, 0));
	ask.n = 99;
	ck_assert_int_eq(ocsp_read(&o, &ask), VMP_EINVAL);
	ck_assert_uint_eq(ask.n, 99);
	ocsp_clear(&o);
}
END_TEST

START_TEST(extensions_that_are_refused)
{
	struct vmp_ocsp ask;
	struct ocsp o;
	X509_EXTENSION *e;

	ocsp_init(&o);
	ocsp_add(&o, EVP_sha1(), sk_X509_value(o.chain, 0));
	ck_assert_int_eq(OCSP_request_add1_nonce(o.req, NULL, VMP_OCSP_NONCE_MAX + 1), 1);
	ck_assert_int_eq(ocsp_read(&o, &ask), VMP_EINVAL);
	X509_EXTENSION_free(OCSP_REQUEST_delete_ext(o.req, 0));
	e = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "CA:TRUE");
	OCSP_REQUEST_add_ext(o.req, e, -1);
	ck_assert_int_eq(ocsp_read(&o, &ask), VMP_OK);
	X509_EXTENSION_set_critical(OCSP_REQUEST_get_ext(o.req, 0), 1);
	ck_assert_int_eq(ocsp_read(&o, &ask), VMP_EINVAL);
	X509_EXTENSION_free(e);
	ocsp_clear(&o);
}
END_TEST

START_TEST(half_a_request_is_refused)
{
	const uint8_t *issuer;
	uint8_t *copy;
	struct vmp_ocsp ask;
	size_t i, len;
	struct ocsp o;

	ocsp_init(&o);
	ocsp_add(&o, EVP_sha1(), sk_X509_value(o.chain, 0));
	OCSP_request_add1_nonce(o.req, NULL, 16);
	ck_assert_int_eq(ocsp_read(&o, &ask), VMP_OK);
	issuer = vmp_ca_chain_der(o.ca, &len);
	for (i = 0; i < o.len; i++) {
		copy = malloc(i ? i : 1);
		memcpy(copy, o.der, i);
		ck_assert_int_eq(vmp_ocsp_read(copy, i, issuer, len, &ask, NULL), VMP_EINVAL);
		free(copy);
	}
	/* A request has no signature: what is altered asks something else, or nothing. */
	copy = malloc(o.len);
	memcpy(copy, o.der, o.len);
	for (i = 0; i < o.len; i++) {
		copy[i] ^= 0xff;
		(void)!vmp_ocsp_read(copy, o.len, issuer, len, &ask, NULL);
		copy[i] ^= 0xff;
	}
	free(copy);
	o.der[o.len] = 0;
	ck_assert_int_eq(vmp_ocsp_read(o.der, o.len + 1, issuer, len, &ask, NULL), VMP_EINVAL);
	ck_assert_int_eq(vmp_ocsp_read(o.der, o.len, issuer, len - 1, &ask, NULL), VMP_EINVAL);
	ocsp_clear(&o);
}
END_TEST

START_TEST(errors_are_unsigned)
{
	uint8_t der[8];
	const uint8_t *p;
	OCSP_RESPONSE *resp;
	int status;
	size_t len;

	for (status = 1; status <= 3; status++) {
		len = sizeof(der);
		p = der;
		ck_assert_int_eq(vmp_ocsp_error(status, der, &len), VMP_OK);
		resp = d2i_OCSP_RESPONSE(NULL, &p, (long)len);
		ck_assert_ptr_nonnull(resp);
		ck_assert_int_eq(OCSP_response_status(resp), status);
		OCSP_RESPONSE_free(resp);
	}
	len = sizeof(der);
	ck_assert_int_eq(vmp_ocsp_error(0, der, &len), VMP_EINVAL);
	ck_assert_int_eq(vmp_ocsp_error(4, der, &len), VMP_EINVAL);
	len = 4;
	ck_assert_int_eq(vmp_ocsp_error(1, der, &len), VMP_EINVAL);
}
END_TEST

START_TEST(responses_that_are_refused)
{
	struct vmp_ocsp ask = { .n = 0 };
	uint8_t der[RESPONSE];
	size_t len = sizeof(der);
	struct ocsp o;

	ocsp_init(&o);
	ck_assert_int_eq(vmp_ca_ocsp(o.ca, &ask, 0, 1, der, &len, NULL), VMP_EINVAL);
	ask.n = VMP_OCSP_SERIALS + 1;
	ck_assert_int_eq(vmp_ca_ocsp(o.ca, &ask, 0, 1, der, &len, NULL), VMP_EINVAL);
	ocsp_add(&o, EVP_sha1(), sk_X509_value(o.chain, 0));
	ck_assert_int_eq(ocsp_read(&o, &ask), VMP_OK);
	ck_assert_int_eq(vmp_ca_ocsp(o.ca, &ask, 0, INT64_MAX, der, &len, NULL), VMP_EINVAL);
	len = 100;
	ck_assert_int_eq(vmp_ca_ocsp(o.ca, &ask, 0, 1, der, &len, NULL), VMP_EINVAL);
	ocsp_clear(&o);
}
END_TEST

Suite *check_ca_ocsp(void)
{
	Suite *s = suite_create("ca_ocsp");
	TCase *t = tcase_create("ca_ocsp");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, maker_setup, maker_teardown);
	tcase_add_test(t, good_revoked_and_unknown);
	tcase_add_test(t, certificates_of_other_cas_are_unknown);
	tcase_add_test(t, requests_have_a_most);
	tcase_add_test(t, extensions_that_are_refused);
	tcase_add_test(t, half_a_request_is_refused);
	tcase_add_test(t, errors_are_unsigned);
	tcase_add_test(t, responses_that_are_refused);
	suite_add_tcase(s, t);
	return s;
}
