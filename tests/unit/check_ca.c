#include "maker.h"
#include "suites.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Opening what stands in the two files fails, and says why. */
static void not_opened(int wanted, const char *word)
{
	struct vmp_msg msg = { "" };
	struct vmp_ca *ca = NULL;

	ck_assert_int_eq(vmp_ca_open(&ca, maker_cert, maker_key, &msg), wanted);
	ck_assert_ptr_null(ca);
	ck_assert_msg(strstr(msg.text, word) != NULL, "expected \"%s\" in \"%s\"", word, msg.text);
}

/* -- making one -- */

static void touch(const char *path)
{
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	fputs("kept", out);
	fclose(out);
}

START_TEST(files_that_are_there_stay)
{
	const char *const paths[] = { maker_cert, maker_key };
	char text[8] = "";
	struct vmp_msg msg;
	size_t i;
	FILE *in;

	for (i = 0; i < COUNT(paths); i++) {
		touch(paths[i]);
		ck_assert_int_eq(vmp_ca_create(maker_cert, maker_key, "Test CA", 30, &msg), VMP_EEXIST);
		ck_assert_ptr_nonnull(strstr(msg.text, paths[i]));
		in = fopen(paths[i], "r");
		ck_assert_ptr_nonnull(fgets(text, sizeof(text), in));
		fclose(in);
		ck_assert_str_eq(text, "kept");
		ck_assert_int_eq(maker_files(true), 1);
	}
}
END_TEST

START_TEST(a_full_disk_leaves_nothing)
{
	struct rlimit old, tight = { 0 };
	struct vmp_msg msg = { "" };
	int err;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight = old;
	tight.rlim_cur = 100;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &tight);
	err = vmp_ca_create(maker_cert, maker_key, "Test CA", 30, &msg);
	/* Between the key's size and the certificate's: the key must go again. */
	tight.rlim_cur = 300;
	setrlimit(RLIMIT_FSIZE, &tight);
	if (err == VMP_EFULL)
		err = vmp_ca_create(maker_cert, maker_key, "Test CA", 30, &msg);
	setrlimit(RLIMIT_FSIZE, &old);
	ck_assert_msg(err == VMP_EFULL, "%d %s", err, msg.text);
	ck_assert_ptr_nonnull(strstr(msg.text, maker_cert));
	ck_assert_int_eq(maker_files(false), 0);
}
END_TEST

START_TEST(no_directory_and_no_name)
{
	ck_assert_int_eq(vmp_ca_create("/nonexistent/ca.pem", "/nonexistent/ca.key", "x", 1, NULL), VMP_ENOENT);
	ck_assert_int_eq(vmp_ca_create(maker_cert, maker_key, "", 1, NULL), VMP_EINVAL);
	ck_assert_int_eq(vmp_ca_create(maker_cert, maker_key, "x", 0, NULL), VMP_EINVAL);
	ck_assert_int_eq(maker_files(false), 0);
}
END_TEST

START_TEST(what_is_created_can_be_opened)
{
	struct vmp_ca *ca = maker_created();
	struct stat st;
	const uint8_t *der;
	size_t len;

	ck_assert_int_eq(maker_files(false), 2);
	ck_assert_int_eq(stat(maker_key, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(stat(maker_cert, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0644);
	ck_assert_ptr_nonnull(strstr(vmp_ca_chain_pem(ca), "-----BEGIN CERTIFICATE-----"));
	der = vmp_ca_chain_der(ca, &len);
	ck_assert(len > 200 && der[0] == 0x30);
	ck_assert_int_lt(labs(vmp_ca_not_after(ca) - time(NULL) - 30 * MAKER_DAY), 10);
	vmp_ca_free(ca);
	vmp_ca_free(NULL);
}
END_TEST

/* -- opening one -- */

START_TEST(keys_that_are_not_the_cas)
{
	struct maker m = maker_new(EVP_EC_gen("P-256"), "CA", NULL, "critical,CA:TRUE", MAKER_USAGE, 9);
	EVP_PKEY *other = EVP_EC_gen("P-256");
	const struct maker *const list[] = { &m, NULL };
	FILE *out;

	maker_write_certs(list);
	not_opened(VMP_ENOENT, maker_key);
	maker_write_key(m.key, 0640, NULL);
	not_opened(VMP_EINVAL, "only its owner");
	maker_write_key(m.key, 0604, NULL);
	not_opened(VMP_EINVAL, "only its owner");
	maker_write_key(other, 0600, NULL);
	not_opened(VMP_EINVAL, "not this certificate's");
	maker_write_key(m.key, 0600, "secret");
	not_opened(VMP_EINVAL, "without a passphrase");
	out = fopen(maker_key, "w");
	fclose(out);
	not_opened(VMP_EINVAL, "private key in PEM");
	maker_write_key(m.key, 0600, NULL);
	vmp_ca_free(maker_opened());
	EVP_PKEY_free(other);
	maker_clear(&m);
}
END_TEST

START_TEST(uris_without_a_key)
{
	struct vmp_ca *ca = maker_created(), *other = NULL;
	struct vmp_msg msg = { "" };
	static const char *const uris[] = { "org.openssl.engine:nosuch:pkcs11:object=x;pin-value=4711",
					    "nosuch:pin=4711", "org.openssl.engine:nosuch" };
	size_t i;

	for (i = 0; i < COUNT(uris); i++) {
		ck_assert_int_eq(vmp_ca_open(&other, maker_cert, uris[i], &msg), VMP_EIO);
		ck_assert_ptr_null(strstr(msg.text, "4711"));
	}
	vmp_ca_free(ca);
}
END_TEST

START_TEST(certificates_that_are_no_cas)
{
	static const struct {
		const char *curve, *constraints, *usage, *why;
		int days;
	} rows[] = {
		{ "P-256", "CA:FALSE", NULL, "CA:TRUE", 9 },
		{ "P-256", NULL, NULL, "CA:TRUE", 9 },
		{ "P-256", NULL, MAKER_USAGE, "CA:TRUE", 9 },
		{ "P-256", "critical,CA:TRUE", NULL, "keyCertSign", 9 },
		{ "P-256", "critical,CA:TRUE", "keyCertSign", "cRLSign", 9 },
		{ "P-256", "critical,CA:TRUE", "cRLSign", "keyCertSign", 9 },
		{ "P-256", "critical,CA:TRUE", MAKER_USAGE, "expired", 0 },
		{ "P-521", "critical,CA:TRUE", MAKER_USAGE, "expected P-256", 9 },
	};
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		struct maker m = maker_new(EVP_EC_gen(rows[i].curve), "CA", NULL, rows[i].constraints, rows[i].usage,
					   rows[i].days);
		const struct maker *const list[] = { &m, NULL };

		maker_write_certs(list);
		maker_write_key(m.key, 0600, NULL);
		not_opened(VMP_EINVAL, rows[i].why);
		maker_clear(&m);
	}
	touch(maker_cert);
	not_opened(VMP_EINVAL, "certificates in PEM");
	unlink(maker_cert);
	not_opened(VMP_ENOENT, maker_cert);
}
END_TEST

START_TEST(chains_that_do_not_verify)
{
	struct maker root = maker_new(EVP_EC_gen("P-384"), "Root", NULL, "critical,CA:TRUE", MAKER_USAGE, 9);
	struct maker other = maker_new(EVP_EC_gen("P-384"), "Root", NULL, "critical,CA:TRUE", MAKER_USAGE, 9);
	struct maker sub = maker_new(EVP_EC_gen("P-256"), "Sub", &root, "critical,CA:TRUE", MAKER_USAGE, 9);
	struct maker old = maker_new(EVP_EC_gen("P-384"), "Old", &root, "critical,CA:TRUE", MAKER_USAGE, 0);
	struct maker below = maker_new(EVP_EC_gen("P-256"), "Below", &old, "critical,CA:TRUE", MAKER_USAGE, 9);
	const struct maker *const wrong_root[] = { &sub, &other, NULL }, *const extra[] = { &root, &other, NULL };
	const struct maker *const expired[] = { &below, &old, &root, NULL }, *const right[] = { &sub, &root, NULL };
	const struct maker *const spare[] = { &sub, &other, &root, NULL };

	maker_write_key(sub.key, 0600, NULL);
	maker_write_certs(wrong_root);
	not_opened(VMP_EINVAL, "does not verify");
	maker_write_certs(spare);
	not_opened(VMP_EINVAL, "no others");
	maker_write_key(root.key, 0600, NULL);
	maker_write_certs(extra);
	not_opened(VMP_EINVAL, "");
	maker_write_key(below.key, 0600, NULL);
	maker_write_certs(expired);
	not_opened(VMP_EINVAL, "does not verify");
	maker_write_key(sub.key, 0600, NULL);
	maker_write_certs(right);
	vmp_ca_free(maker_opened());
	maker_clear(&root);
	maker_clear(&other);
	maker_clear(&sub);
	maker_clear(&old);
	maker_clear(&below);
}
END_TEST

START_TEST(a_cut_chain_is_refused)
{
	struct vmp_ca *ca = maker_created();
	FILE *out;

	out = fopen(maker_cert, "a");
	fputs("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", out);
	fclose(out);
	not_opened(VMP_EINVAL, "certificates in PEM");
	vmp_ca_free(ca);
}
END_TEST

Suite *check_ca(void)
{
	Suite *s = suite_create("ca");
	TCase *t = tcase_create("ca");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, maker_setup, maker_teardown);
	tcase_add_test(t, files_that_are_there_stay);
	tcase_add_test(t, a_full_disk_leaves_nothing);
	tcase_add_test(t, no_directory_and_no_name);
	tcase_add_test(t, what_is_created_can_be_opened);
	tcase_add_test(t, keys_that_are_not_the_cas);
	tcase_add_test(t, uris_without_a_key);
	tcase_add_test(t, certificates_that_are_no_cas);
	tcase_add_test(t, chains_that_do_not_verify);
	tcase_add_test(t, a_cut_chain_is_refused);
	suite_add_tcase(s, t);
	return s;
}
