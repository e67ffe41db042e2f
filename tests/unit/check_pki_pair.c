#include "est.h"
#include "folder.h"
#include "maker.h"
#include "pki_pair.h"
#include "suites.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void setup(void)
{
	folder_setup();
	maker_setup();
}

static void teardown(void)
{
	maker_teardown();
	folder_teardown();
}

static EVP_PKEY *key_in(const char *name)
{
	FILE *f = fopen(folder_path(name), "r");
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	ck_assert_ptr_nonnull(key);
	fclose(f);
	return key;
}

/* A certificate by this CA, DER. */
static size_t issue(struct vmp_ca *ca, const char *key_name, const char *dns, uint8_t *der)
{
	struct vmp_cert_order order;
	EVP_PKEY *key = key_in(key_name);
	size_t len = VMP_CERT_MAX;

	maker_order(&order, key);
	order.kind = VMP_CERT_HOST;
	order.common_name = "a host";
	order.dns[0] = dns;
	ck_assert_int_eq(vmp_ca_issue(ca, &order, der, &len, NULL), VMP_OK);
	EVP_PKEY_free(key);
	return len;
}

START_TEST(a_new_key)
{
	struct vmp_msg msg = { "" };
	struct stat st;
	EVP_PKEY *key;

	ck_assert_int_eq(vmp_key_create(folder_path("key"), &msg), VMP_OK);
	ck_assert_int_eq(stat(folder_path("key"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	key = key_in("key");
	ck_assert(EVP_PKEY_is_a(key, "EC"));
	ck_assert_int_eq(EVP_PKEY_get_bits(key), 256);
	EVP_PKEY_free(key);
	ck_assert_int_eq(vmp_key_create(folder_path("key"), &msg), VMP_EEXIST);
	ck_assert_int_eq(vmp_key_create(folder_path("none/key"), &msg), VMP_ENOENT);
}
END_TEST

START_TEST(a_request_as_policyd_reads_it)
{
	uint8_t der[VMP_CSR_MAX], bits[VMP_PUBKEY_MAX], *p = bits;
	struct vmp_pubkey key;
	EVP_PKEY *own;
	size_t len = 0;
	int n;

	ck_assert_int_eq(vmp_key_create(folder_path("key"), NULL), VMP_OK);
	ck_assert_int_eq(vmp_csr_write(folder_path("key"), der, &len, NULL), VMP_OK);
	ck_assert_int_eq(vmp_csr_read(der, len, &key, NULL), VMP_OK);
	own = key_in("key");
	n = i2d_PublicKey(own, &p);
	EVP_PKEY_free(own);
	ck_assert_int_eq(n, key.len);
	ck_assert_mem_eq(bits, key.bits, key.len);
}
END_TEST

START_TEST(no_request_without_a_good_key)
{
	uint8_t der[VMP_CSR_MAX];
	struct vmp_msg msg = { "" };
	size_t len = 7;

	ck_assert_int_eq(vmp_csr_write(folder_path("none"), der, &len, &msg), VMP_ENOENT);
	folder_write("empty", "", 0600);
	ck_assert_int_eq(vmp_csr_write(folder_path("empty"), der, &len, &msg), VMP_EINVAL);
	ck_assert_int_eq(vmp_key_create(folder_path("key"), NULL), VMP_OK);
	ck_assert_int_eq(chmod(folder_path("key"), 0640), 0);
	ck_assert_int_eq(vmp_csr_write(folder_path("key"), der, &len, &msg), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, "mode 640") != NULL, "%s", msg.text);
	ck_assert_uint_eq(len, 7);
}
END_TEST

/* From EST's answer to files, and read again. */
START_TEST(there_and_back)
{
	uint8_t der[2 * VMP_CERT_MAX], certs[VMP_EST_CERTS_MAX];
	struct vmp_ca *ca = maker_created();
	const uint8_t *chain;
	char *text, *pem = NULL;
	struct vmp_pair pair;
	size_t len, text_len, chain_len, certs_len = 0;

	ck_assert_int_eq(vmp_key_create(folder_path("key"), NULL), VMP_OK);
	/* The root first: its place says nothing, and it is not kept. */
	chain = vmp_ca_chain_der(ca, &chain_len);
	memcpy(der, chain, chain_len);
	len = chain_len + issue(ca, "key", "hv1.example", der + chain_len);
	text = vmp_est_certs(der, len, &text_len);
	ck_assert_int_eq(vmp_est_certs_read(text, text_len, certs, &certs_len, NULL), VMP_OK);
	ck_assert_uint_eq(certs_len, len);
	ck_assert_mem_eq(certs, der, len);
	ck_assert_int_eq(vmp_pair_pem(folder_path("key"), certs, certs_len, &pem, NULL), VMP_OK);
	ck_assert_ptr_null(strstr(strstr(pem, "-----BEGIN CERTIFICATE") + 1, "-----BEGIN CERTIFICATE"));
	folder_write("cert", pem, 0644);
	ck_assert_int_eq(vmp_pair_read(folder_path("cert"), folder_path("key"), &pair, NULL), VMP_OK);
	ck_assert_str_eq(pair.name, "hv1.example");
	ck_assert_str_eq(pair.serial, "7f313233343536373839303132333435");
	ck_assert_int_eq(pair.not_after - pair.not_before, MAKER_DAY);
	free(pem);
	free(text);
	vmp_ca_free(ca);
}
END_TEST

START_TEST(certificates_for_other_keys)
{
	struct vmp_ca *ca = maker_created();
	uint8_t der[VMP_CERT_MAX];
	struct vmp_msg msg = { "" };
	char *pem = NULL;
	size_t len;

	ck_assert_int_eq(vmp_key_create(folder_path("key"), NULL), VMP_OK);
	ck_assert_int_eq(vmp_key_create(folder_path("other"), NULL), VMP_OK);
	len = issue(ca, "other", "hv1.example", der);
	ck_assert_int_eq(vmp_pair_pem(folder_path("key"), der, len, &pem, &msg), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, "none of the certificates is for the key") != NULL, "%s", msg.text);
	ck_assert_int_eq(vmp_pair_pem(folder_path("other"), der, len - 1, &pem, &msg), VMP_EINVAL);
	ck_assert_int_eq(vmp_pair_pem(folder_path("other"), der, 0, &pem, &msg), VMP_EINVAL);
	ck_assert_ptr_null(pem);
	vmp_ca_free(ca);
}
END_TEST

START_TEST(more_than_there_may_be)
{
	struct vmp_ca *ca = maker_created();
	uint8_t *der = malloc((VMP_PAIR_CERTS + 1) * VMP_CERT_MAX);
	size_t one, i;
	char *pem = NULL;

	ck_assert_int_eq(vmp_key_create(folder_path("key"), NULL), VMP_OK);
	one = issue(ca, "key", "hv1.example", der);
	for (i = 1; i <= VMP_PAIR_CERTS; i++)
		memcpy(der + i * one, der, one);
	ck_assert_int_eq(vmp_pair_pem(folder_path("key"), der, (VMP_PAIR_CERTS + 1) * one, &pem, NULL), VMP_EINVAL);
	ck_assert_int_eq(vmp_pair_pem(folder_path("key"), der, VMP_PAIR_CERTS * one, &pem, NULL), VMP_OK);
	/* Of the same one, one is enough. */
	ck_assert_ptr_null(strstr(strstr(pem, "-----BEGIN") + 1, "-----BEGIN"));
	free(pem);
	free(der);
	vmp_ca_free(ca);
}
END_TEST

START_TEST(files_of_certificates)
{
	struct vmp_ca *ca = maker_created();
	struct vmp_msg msg = { "" };
	char two[8192];

	snprintf(two, sizeof(two), "%s%s", vmp_ca_chain_pem(ca), vmp_ca_chain_pem(ca));
	folder_write("two", two, 0644);
	folder_write("none", "nothing\n", 0644);
	ck_assert_int_eq(vmp_certs_check(folder_path("two"), 2, &msg), VMP_OK);
	ck_assert_int_eq(vmp_certs_check(folder_path("two"), 1, &msg), VMP_EINVAL);
	ck_assert_int_eq(vmp_certs_check(folder_path("none"), 1, &msg), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, "none: expected 1 to 1 certificates in PEM") != NULL, "%s", msg.text);
	ck_assert_int_eq(vmp_certs_check(folder_path("absent"), 1, &msg), VMP_ENOENT);
	vmp_ca_free(ca);
}
END_TEST

START_TEST(pairs_that_are_none)
{
	struct vmp_ca *ca = maker_created();
	struct vmp_pair pair = { .name = "kept" };
	uint8_t der[VMP_CERT_MAX];
	struct vmp_msg msg = { "" };
	char *pem = NULL;
	size_t len;

	ck_assert_int_eq(vmp_pair_read(folder_path("cert"), folder_path("key"), &pair, &msg), VMP_ENOENT);
	ck_assert_int_eq(vmp_key_create(folder_path("key"), NULL), VMP_OK);
	ck_assert_int_eq(vmp_key_create(folder_path("other"), NULL), VMP_OK);
	ck_assert_int_eq(vmp_pair_read(folder_path("cert"), folder_path("key"), &pair, &msg), VMP_ENOENT);
	len = issue(ca, "key", "hv1.example", der);
	ck_assert_int_eq(vmp_pair_pem(folder_path("key"), der, len, &pem, NULL), VMP_OK);
	folder_write("cert", pem, 0644);
	ck_assert_int_eq(vmp_pair_read(folder_path("cert"), folder_path("none"), &pair, &msg), VMP_ENOENT);
	ck_assert_int_eq(vmp_pair_read(folder_path("cert"), folder_path("other"), &pair, &msg), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, "other: not the key of the certificate in") != NULL, "%s", msg.text);
	folder_write("empty", "", 0600);
	ck_assert_int_eq(vmp_pair_read(folder_path("cert"), folder_path("empty"), &pair, &msg), VMP_EINVAL);
	ck_assert_int_eq(vmp_pair_read(folder_path("empty"), folder_path("key"), &pair, &msg), VMP_EINVAL);
	pem[strlen(pem) / 2] = '\0';
	folder_write("cut", pem, 0644);
	ck_assert_int_eq(vmp_pair_read(folder_path("cut"), folder_path("key"), &pair, &msg), VMP_EINVAL);
	ck_assert_str_eq(pair.name, "kept");
	free(pem);
	vmp_ca_free(ca);
}
END_TEST

Suite *check_pki_pair(void)
{
	Suite *s = suite_create("pki_pair");
	TCase *t = tcase_create("pki_pair");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_new_key);
	tcase_add_test(t, a_request_as_policyd_reads_it);
	tcase_add_test(t, no_request_without_a_good_key);
	tcase_add_test(t, there_and_back);
	tcase_add_test(t, certificates_for_other_keys);
	tcase_add_test(t, more_than_there_may_be);
	tcase_add_test(t, files_of_certificates);
	tcase_add_test(t, pairs_that_are_none);
	suite_add_tcase(s, t);
	return s;
}
