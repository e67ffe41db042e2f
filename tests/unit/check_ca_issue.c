#include "maker.h"
#include "suites.h"

#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))
#define UUID	   "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define MANY	   20000
#define CRL_REASON 4

/* As the most pedantic peer would. @return X509_V_OK or another code. */
static int verify(const struct vmp_ca *ca, X509 *x, int purpose)
{
	STACK_OF(X509) *chain = maker_chain(ca);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int code;

	X509_STORE_add_cert(store, sk_X509_value(chain, sk_X509_num(chain) - 1));
	X509_STORE_CTX_init(ctx, store, x, chain);
	X509_STORE_CTX_set_purpose(ctx, purpose);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT);
	X509_verify_cert(ctx);
	code = X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_pop_free(chain, X509_free);
	return code;
}

START_TEST(kinds_have_their_purposes)
{
	static const struct {
		enum vmp_cert_kind kind;
		bool client, server, kga;
		uint32_t ec, rsa;
	} rows[] = {
		{ VMP_CERT_VM, true, false, false, KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT,
		  KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT },
		{ VMP_CERT_GATEWAY, true, true, false, KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT,
		  KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT },
		{ VMP_CERT_HOST, true, false, false, KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT,
		  KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT },
		{ VMP_CERT_SERVER, false, true, false, KU_DIGITAL_SIGNATURE | KU_KEY_AGREEMENT,
		  KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT },
		{ VMP_CERT_SIGNER, false, false, true, KU_DIGITAL_SIGNATURE, KU_DIGITAL_SIGNATURE },
	};
	EVP_PKEY *keys[] = { EVP_EC_gen("P-256"), EVP_RSA_gen(2048), EVP_EC_gen("P-384") };
	struct vmp_ca *ca = maker_created();
	static struct vmp_cert_order order;
	size_t i, k;

	for (i = 0; i < COUNT(rows); i++) {
		for (k = 0; k < COUNT(keys); k++) {
			ASN1_OBJECT *kga = OBJ_txt2obj("1.3.6.1.5.5.7.3.32", 1);
			EXTENDED_KEY_USAGE *usages;
			X509 *x;

			maker_order(&order, keys[k]);
			order.kind = rows[i].kind;
			x = maker_issue(ca, &order);
			ck_assert_int_eq(verify(ca, x, X509_PURPOSE_ANY), X509_V_OK);
			ck_assert_int_eq(verify(ca, x, X509_PURPOSE_SSL_CLIENT) == X509_V_OK, rows[i].client);
			ck_assert_int_eq(verify(ca, x, X509_PURPOSE_SSL_SERVER) == X509_V_OK, rows[i].server);
			ck_assert_uint_eq(X509_get_key_usage(x), k == 1 ? rows[i].rsa : rows[i].ec);
			ck_assert_int_eq(X509_check_ca(x), 0);
			ck_assert_int_eq(EVP_PKEY_eq(X509_get0_pubkey(x), keys[k]), 1);
			usages = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
			ck_assert_int_eq(OBJ_cmp(sk_ASN1_OBJECT_value(usages, 0), kga) == 0, rows[i].kga);
			sk_ASN1_OBJECT_pop_free(usages, ASN1_OBJECT_free);
			ASN1_OBJECT_free(kga);
			X509_free(x);
		}
	}
	for (k = 0; k < COUNT(keys); k++)
		EVP_PKEY_free(keys[k]);
	vmp_ca_free(ca);
}
END_TEST

START_TEST(cas_of_every_key_and_chain_issue)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct maker root = maker_new(EVP_EC_gen("P-384"), "Root", NULL, "critical,CA:TRUE", MAKER_USAGE, 9);
	struct maker middle = maker_new(EVP_RSA_gen(2048), "Middle", &root, "critical,CA:TRUE", MAKER_USAGE, 9);
	struct maker sub = maker_new(EVP_EC_gen("P-256"), "Sub", &middle, "critical,CA:TRUE,pathlen:0", MAKER_USAGE, 9);
	const struct maker *const p384[] = { &root, NULL }, *const rsa[] = { &middle, &root, NULL };
	const struct maker *const p256[] = { &sub, &middle, &root, NULL }, *const partial[] = { &sub, &middle, NULL };
	const struct maker *const *const lists[] = { p384, rsa, p256, partial };
	static const int nids[] = { NID_ecdsa_with_SHA384, NID_sha256WithRSAEncryption, NID_ecdsa_with_SHA256,
				    NID_ecdsa_with_SHA256 };
	static struct vmp_cert_order order;
	size_t i;

	maker_order(&order, key);
	for (i = 0; i < COUNT(lists); i++) {
		struct vmp_ca *ca;
		X509 *x;

		maker_write_certs(lists[i]);
		maker_write_key(lists[i][0]->key, 0600, NULL);
		ca = maker_opened();
		x = maker_issue(ca, &order);
		ck_assert_int_eq(X509_get_signature_nid(x), nids[i]);
		if (lists[i] != partial)
			ck_assert_int_eq(verify(ca, x, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
		X509_free(x);
		vmp_ca_free(ca);
	}
	EVP_PKEY_free(key);
	maker_clear(&root);
	maker_clear(&middle);
	maker_clear(&sub);
}
END_TEST

/* The URL behind an extension, as OpenSSL prints it. */
static bool ext_says(X509 *x, int nid, const char *word)
{
	int at = X509_get_ext_by_NID(x, nid, -1);
	BIO *bio = BIO_new(BIO_s_mem());
	char text[512] = "";
	bool found;

	ck_assert_int_ge(at, 0);
	X509V3_EXT_print(bio, X509_get_ext(x, at), 0, 0);
	BIO_read(bio, text, sizeof(text) - 1);
	found = strstr(text, word) != NULL;
	BIO_free(bio);
	return found;
}

START_TEST(what_an_order_names_is_in_the_certificate)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct vmp_ca *ca = maker_created();
	static struct vmp_cert_order order;
	uint8_t der[VMP_CERT_MAX];
	struct vmp_peer peer;
	size_t len = sizeof(der);
	char name[128] = "";
	X509 *x;

	maker_order(&order, key);
	order.uri = "urn:uuid:" UUID;
	order.dns[0] = "web.example";
	order.dns[1] = "10.0.0.1";
	order.dns[2] = "fe80::1";
	order.dns[3] = "*.x.example";
	order.crl_url = "http://ca.example/crl";
	order.ocsp_url = "http://ca.example/ocsp";
	x = maker_issue(ca, &order);
	ck_assert_int_eq(X509_check_host(x, "web.example", 0, 0, NULL), 1);
	ck_assert_int_eq(X509_check_host(x, "db.x.example", 0, 0, NULL), 1);
	ck_assert_int_eq(X509_check_host(x, "web.other", 0, 0, NULL), 0);
	ck_assert_int_eq(X509_check_host(x, "10.0.0.1", 0, 0, NULL), 0);
	ck_assert_int_eq(X509_check_ip_asc(x, "10.0.0.1", 0), 1);
	ck_assert_int_eq(X509_check_ip_asc(x, "fe80::1", 0), 1);
	ck_assert_int_eq(X509_check_ip_asc(x, "10.0.0.2", 0), 0);
	ck_assert(ext_says(x, NID_crl_distribution_points, "URI:http://ca.example/crl"));
	ck_assert(ext_says(x, NID_info_access, "OCSP - URI:http://ca.example/ocsp"));
	X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, name, sizeof(name));
	ck_assert_str_eq(name, order.common_name);
	ck_assert_int_eq(vmp_ca_issue(ca, &order, der, &len, NULL), VMP_OK);
	ck_assert_int_eq(vmp_peer_read(der, len, &peer, NULL), VMP_OK);
	ck_assert_str_eq(peer.uuid, UUID);
	ck_assert_str_eq(peer.dns, "web.example");
	ck_assert_mem_eq(peer.serial, order.serial, VMP_SERIAL);
	ck_assert_int_eq(peer.not_before, order.not_before);
	ck_assert_int_eq(peer.not_after, order.not_after);
	X509_free(x);
	EVP_PKEY_free(key);
	vmp_ca_free(ca);
}
END_TEST

START_TEST(a_certificate_ends_with_its_ca)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct vmp_ca *ca = maker_created();
	static struct vmp_cert_order order;
	uint8_t der[VMP_CERT_MAX];
	struct vmp_peer peer;
	size_t len = sizeof(der);

	maker_order(&order, key);
	order.not_after = vmp_ca_not_after(ca) + 1;
	ck_assert_int_eq(vmp_ca_issue(ca, &order, der, &len, NULL), VMP_OK);
	ck_assert_int_eq(vmp_peer_read(der, len, &peer, NULL), VMP_OK);
	ck_assert_int_eq(peer.not_after, vmp_ca_not_after(ca));
	EVP_PKEY_free(key);
	vmp_ca_free(ca);
}
END_TEST

static void not_issued(struct vmp_ca *ca, const struct vmp_cert_order *order, const char *word)
{
	uint8_t der[VMP_CERT_MAX];
	struct vmp_msg msg = { "" };
	size_t len = sizeof(der);

	ck_assert_int_eq(vmp_ca_issue(ca, order, der, &len, &msg), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, word) != NULL, "expected \"%s\" in \"%s\"", word, msg.text);
}

START_TEST(orders_that_are_refused)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct vmp_ca *ca = maker_created();
	static struct vmp_cert_order good, bad;
	char long_name[300];
	size_t i;

	memset(long_name, 'x', sizeof(long_name));
	long_name[65] = '\0';
	maker_order(&good, key);
#define REFUSED(change, word)                                                                                          \
	do {                                                                                                           \
		bad = good;                                                                                            \
		change;                                                                                                \
		not_issued(ca, &bad, word);                                                                            \
	} while (0)
	REFUSED(bad.kind = 0, "kind");
	REFUSED(bad.kind = 6, "kind");
	REFUSED(bad.serial[0] = 0, "serial");
	REFUSED(bad.serial[0] = 128, "serial");
	REFUSED(bad.common_name = "", "1 to 64");
	REFUSED(bad.common_name = long_name, "1 to 64");
	REFUSED(bad.common_name = "a\nb", "1 to 64");
	REFUSED(bad.common_name = "a\xff", "1 to 64");
	REFUSED(bad.uri = "", "URI");
	REFUSED(bad.uri = "urn: x", "URI");
	REFUSED(bad.crl_url = "http://\xe4", "URI");
	REFUSED(bad.ocsp_url = "\n", "URI");
	REFUSED(bad.dns[0] = "", "DNS");
	REFUSED(bad.dns[0] = "a b", "DNS");
	long_name[65] = 'x';
	long_name[254] = '\0';
	REFUSED(bad.dns[0] = long_name, "DNS");
	REFUSED(bad.key.len = 64, "key");
	REFUSED(bad.key.bits[0] = 2, "key");
	REFUSED(bad.not_after = bad.not_before - 1, "end before");
	REFUSED(bad.not_before = vmp_ca_not_after(ca) + 1, "end before");
	long_name[253] = '\0';
	bad = good;
	for (i = 0; i < 16; i++)
		bad.dns[i] = long_name;
	not_issued(ca, &bad, "longer");
	EVP_PKEY_free(key);
	vmp_ca_free(ca);
}
END_TEST

START_TEST(room_that_is_too_small)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct vmp_ca *ca = maker_created();
	static struct vmp_cert_order order;
	uint8_t der[VMP_CERT_MAX];
	size_t len = 300;

	maker_order(&order, key);
	der[300] = 0x55;
	ck_assert_int_eq(vmp_ca_issue(ca, &order, der, &len, NULL), VMP_EINVAL);
	ck_assert_uint_eq(der[300], 0x55);
	len = sizeof(der);
	ck_assert_int_eq(vmp_ca_issue(ca, &order, der, &len, NULL), VMP_OK);
	EVP_PKEY_free(key);
	vmp_ca_free(ca);
}
END_TEST

START_TEST(the_largest_key)
{
	static struct vmp_cert_order order;
	EVP_PKEY *key = EVP_RSA_gen(4096);
	struct vmp_ca *ca = maker_created();
	X509 *x;

	maker_order(&order, key);
	x = maker_issue(ca, &order);
	ck_assert_int_eq(EVP_PKEY_eq(X509_get0_pubkey(x), key), 1);
	ck_assert_int_eq(verify(ca, x, X509_PURPOSE_SSL_CLIENT), X509_V_OK);
	X509_free(x);
	EVP_PKEY_free(key);
	vmp_ca_free(ca);
}
END_TEST

/* -- CRLs -- */

static X509_CRL *crl_of(struct vmp_ca *ca, const struct vmp_revoked *list, size_t n, int64_t number)
{
	struct vmp_msg msg = { "" };
	uint8_t *der = NULL;
	const uint8_t *p;
	size_t len = 0;
	X509_CRL *crl;

	ck_assert_msg(vmp_ca_crl(ca, list, n, number, time(NULL), time(NULL) + 3600, &der, &len, &msg) == VMP_OK, "%s",
		      msg.text);
	p = der;
	crl = d2i_X509_CRL(NULL, &p, (long)len);
	ck_assert_ptr_nonnull(crl);
	ck_assert_ptr_eq(p, der + len);
	free(der);
	return crl;
}

START_TEST(a_crl_verifies_and_names_who_is_revoked)
{
	static const struct vmp_revoked list[] = { { "\x01"
						     "123456789012345",
						     1000000000, 0 },
						   { MAKER_SERIAL, 1700000000, 1 } };
	EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
	static struct vmp_cert_order order;
	struct vmp_ca *ca = maker_created();
	STACK_OF(X509) *chain = maker_chain(ca);
	X509_CRL *crl = crl_of(ca, list, COUNT(list), 300);
	X509_REVOKED *entry;
	ASN1_INTEGER *number;
	X509 *x;

	ck_assert_int_eq(X509_CRL_verify(crl, X509_get0_pubkey(sk_X509_value(chain, 0))), 1);
	ck_assert_int_ne(X509_CRL_verify(crl, other), 1);
	ck_assert_int_eq(X509_CRL_get_version(crl), X509_CRL_VERSION_2);
	ck_assert_int_eq(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 2);
	number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	ck_assert_int_eq(ASN1_INTEGER_get(number), 300);
	ASN1_INTEGER_free(number);
	maker_order(&order, key);
	x = maker_issue(ca, &order);
	ck_assert_int_eq(X509_CRL_get0_by_cert(crl, &entry, x), 1);
	order.serial[15] = 'x';
	X509_free(x);
	x = maker_issue(ca, &order);
	ck_assert_int_eq(X509_CRL_get0_by_cert(crl, &entry, x), 0);
	X509_free(x);
	X509_CRL_free(crl);
	sk_X509_pop_free(chain, X509_free);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	vmp_ca_free(ca);
}
END_TEST

/* With the flag for CRLs, OpenSSL itself checks issuer, AKI, times and the entry. */
static int verify_with(const struct vmp_ca *ca, X509 *x, X509_CRL *crl)
{
	STACK_OF(X509) *chain = maker_chain(ca);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int code;

	X509_STORE_add_cert(store, sk_X509_value(chain, 0));
	X509_STORE_add_crl(store, crl);
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_X509_STRICT);
	X509_STORE_CTX_init(ctx, store, x, NULL);
	X509_verify_cert(ctx);
	code = X509_STORE_CTX_get_error(ctx);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_pop_free(chain, X509_free);
	return code;
}

START_TEST(a_verifier_honours_the_crl)
{
	static const struct vmp_revoked list[] = { { MAKER_SERIAL, 1700000000, 5 } };
	EVP_PKEY *key = EVP_EC_gen("P-256");
	static struct vmp_cert_order order;
	struct vmp_ca *ca = maker_created();
	X509_CRL *empty = crl_of(ca, NULL, 0, 1), *full = crl_of(ca, list, 1, 2);
	X509 *x;

	maker_order(&order, key);
	x = maker_issue(ca, &order);
	ck_assert_int_eq(verify_with(ca, x, empty), X509_V_OK);
	ck_assert_int_eq(verify_with(ca, x, full), X509_V_ERR_CERT_REVOKED);
	X509_free(x);
	X509_CRL_free(empty);
	X509_CRL_free(full);
	EVP_PKEY_free(key);
	vmp_ca_free(ca);
}
END_TEST

START_TEST(a_long_crl)
{
	static struct vmp_revoked list[MANY];
	struct vmp_ca *ca = maker_created();
	X509_CRL *crl;
	int i;

	for (i = 0; i < MANY; i++) {
		ck_assert_int_eq(vmp_random(list[i].serial, VMP_SERIAL), VMP_OK);
		list[i].serial[0] = (uint8_t)(1 + list[i].serial[0] % 127);
		list[i].at = 1700000000 + i;
		list[i].reason = CRL_REASON;
	}
	crl = crl_of(ca, list, MANY, INT64_MAX);
	ck_assert_int_eq(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), MANY);
	X509_CRL_free(crl);
	vmp_ca_free(ca);
}
END_TEST

/* A reason or a time that cannot be said keeps nobody off the list. */
START_TEST(a_crl_of_odd_entries)
{
	static const uint8_t reasons[] = { 7, 8, 11, 255, 1 };
	static const int64_t times[] = { INT64_MIN, -1, INT64_MAX, 253402300800, 1000000000 };
	static const char *const says[] = { "19700101000000Z", "19700101000000Z", "99991231235959Z", "99991231235959Z",
					    "20010909014640Z" };
	struct vmp_ca *ca = maker_created();
	struct vmp_revoked list[COUNT(reasons)];
	const X509_REVOKED *entry;
	ASN1_GENERALIZEDTIME *at;
	X509_CRL *crl;
	size_t i;

	for (i = 0; i < COUNT(reasons); i++) {
		memset(list[i].serial, (int)i + 1, sizeof(list[i].serial));
		list[i].at = times[i];
		list[i].reason = reasons[i];
	}
	crl = crl_of(ca, list, COUNT(list), 1);
	ck_assert_int_eq(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), (int)COUNT(list));
	for (i = 0; i < COUNT(list); i++) {
		entry = sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl), (int)i);
		ck_assert_int_eq(X509_REVOKED_get_ext_count(entry), i == COUNT(list) - 1);
		at = ASN1_TIME_to_generalizedtime(X509_REVOKED_get0_revocationDate(entry), NULL);
		ck_assert_str_eq((const char *)ASN1_STRING_get0_data(at), says[i]);
		ASN1_GENERALIZEDTIME_free(at);
	}
	X509_CRL_free(crl);
	vmp_ca_free(ca);
}
END_TEST

START_TEST(crls_that_are_refused)
{
	struct vmp_revoked one = { "\x01"
				   "123456789012345",
				   1000000000, 1 };
	struct vmp_ca *ca = maker_created();
	uint8_t *der = NULL;
	size_t len;

	one.serial[0] = 0;
	ck_assert_int_eq(vmp_ca_crl(ca, &one, 1, 1, 0, 1, &der, &len, NULL), VMP_EINVAL);
	ck_assert_int_eq(vmp_ca_crl(ca, NULL, 0, -1, 0, 1, &der, &len, NULL), VMP_EINVAL);
	ck_assert_int_eq(vmp_ca_crl(ca, NULL, 0, 1, 0, INT64_MAX, &der, &len, NULL), VMP_EINVAL);
	ck_assert_ptr_null(der);
	vmp_ca_free(ca);
}
END_TEST

Suite *check_ca_issue(void)
{
	Suite *s = suite_create("ca_issue");
	TCase *t = tcase_create("ca_issue");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, maker_setup, maker_teardown);
	tcase_add_test(t, kinds_have_their_purposes);
	tcase_add_test(t, cas_of_every_key_and_chain_issue);
	tcase_add_test(t, what_an_order_names_is_in_the_certificate);
	tcase_add_test(t, a_certificate_ends_with_its_ca);
	tcase_add_test(t, orders_that_are_refused);
	tcase_add_test(t, room_that_is_too_small);
	tcase_add_test(t, the_largest_key);
	tcase_add_test(t, a_crl_verifies_and_names_who_is_revoked);
	tcase_add_test(t, a_verifier_honours_the_crl);
	tcase_add_test(t, a_long_crl);
	tcase_add_test(t, a_crl_of_odd_entries);
	tcase_add_test(t, crls_that_are_refused);
	suite_add_tcase(s, t);
	return s;
}
