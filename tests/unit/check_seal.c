#include "maker.h"
#include "seal.h"
#include "suites.h"

#include <openssl/pem.h> /* first: cms.h declares its PEM functions only then */
#include <openssl/cms.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define DIGITS	 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static char path[160];

static void setup(void)
{
	maker_setup();
	snprintf(path, sizeof(path), "%s/master", maker_dir);
}

static void write_text(const char *file, const char *text, mode_t mode)
{
	FILE *out = fopen(file, "w");

	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	fclose(out);
	ck_assert_int_eq(chmod(file, mode), 0);
}

static struct vmp_master *opened(const char *source, const char *unlock)
{
	struct vmp_master *m = NULL;
	struct vmp_msg msg = { "" };

	ck_assert_msg(vmp_master_open(&m, source, unlock, &msg) == VMP_OK, "%s", msg.text);
	ck_assert_ptr_nonnull(m);
	return m;
}

static void not_opened(const char *source, const char *unlock, int wanted, const char *word)
{
	struct vmp_master *m = NULL;
	struct vmp_msg msg = { "" };
	int err = vmp_master_open(&m, source, unlock, &msg);

	ck_assert_msg(err == wanted, "%d: %s", err, msg.text);
	ck_assert_ptr_null(m);
	ck_assert_msg(strstr(msg.text, word) != NULL, "expected \"%s\" in \"%s\"", word, msg.text);
	ck_assert_ptr_null(strstr(msg.text, "000102"));
}

static struct vmp_master *known(void)
{
	write_text(path, DIGITS "\n", 0600);
	return opened(path, NULL);
}

/* -- the master key -- */

START_TEST(master_keys_are_made)
{
	struct vmp_msg msg = { "" };
	struct stat st;

	ck_assert_msg(vmp_master_create(path, &msg) == VMP_OK, "%s", msg.text);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(st.st_size, 65);
	vmp_master_free(opened(path, NULL));
	vmp_master_free(NULL);
	ck_assert_int_eq(vmp_master_create(path, &msg), VMP_EEXIST);
	ck_assert_int_eq(maker_files(false), 1);
	ck_assert_int_eq(vmp_master_create("/nonexistent/key", &msg), VMP_ENOENT);
}
END_TEST

START_TEST(a_full_disk_leaves_nothing)
{
	struct rlimit old, tight;
	struct vmp_msg msg = { "" };
	int err;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight = old;
	tight.rlim_cur = 20;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &tight);
	err = vmp_master_create(path, &msg);
	setrlimit(RLIMIT_FSIZE, &old);
	ck_assert_msg(err == VMP_EFULL, "%d %s", err, msg.text);
	ck_assert_int_eq(maker_files(false), 0);
}
END_TEST

START_TEST(master_keys_that_are_refused)
{
	static const char *const bad[] = { "", "\n", DIGITS "\n\n", DIGITS "0", " " DIGITS, DIGITS "00\n", "x" DIGITS };
	size_t i;

	not_opened(path, NULL, VMP_ENOENT, path);
	for (i = 0; i < COUNT(bad); i++) {
		write_text(path, bad[i], 0600);
		not_opened(path, NULL, VMP_EINVAL, "64 hexadecimal digits");
	}
	write_text(path, DIGITS, 0640);
	not_opened(path, NULL, VMP_EINVAL, "only its owner");
	write_text(path, DIGITS, 0604);
	not_opened(path, NULL, VMP_EINVAL, "only its owner");
	not_opened(maker_dir, NULL, VMP_EINVAL, "expected a file");
	write_text(path, DIGITS, 0400);
	vmp_master_free(opened(path, NULL));
	write_text(path, DIGITS "\r\n", 0600);
	vmp_master_free(opened(path, NULL));
}
END_TEST

START_TEST(credentials)
{
	write_text(path, DIGITS "\n", 0440);
	unsetenv("CREDENTIALS_DIRECTORY");
	not_opened("credential:master", NULL, VMP_EINVAL, "LoadCredential");
	setenv("CREDENTIALS_DIRECTORY", maker_dir, 1);
	not_opened("credential:", NULL, VMP_EINVAL, "LoadCredential");
	not_opened("credential:../master", NULL, VMP_EINVAL, "LoadCredential");
	not_opened("credential:other", NULL, VMP_ENOENT, "other");
	vmp_master_free(opened("credential:master", NULL));
}
END_TEST

/* Envelop the digits for a certificate in "master.cms". */
static void write_cms(X509 *cert, const EVP_CIPHER *cipher, const char *text, bool pem)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	BIO *in = BIO_new_mem_buf(text, -1), *out;
	CMS_ContentInfo *cms;

	snprintf(path, sizeof(path), "%s/master.cms", maker_dir);
	out = BIO_new_file(path, "wb");
	sk_X509_push(certs, cert);
	cms = CMS_encrypt(certs, in, cipher, CMS_BINARY);
	ck_assert_ptr_nonnull(cms);
	ck_assert_int_eq(pem ? PEM_write_bio_CMS(out, cms) : i2d_CMS_bio(out, cms), 1);
	CMS_ContentInfo_free(cms);
	BIO_free(in);
	BIO_free(out);
	sk_X509_free(certs);
}

START_TEST(a_master_key_in_cms)
{
	struct maker keys[] = { maker_new(EVP_RSA_gen(2048), "Token", NULL, NULL, NULL, 9),
				maker_new(EVP_EC_gen("P-256"), "Token", NULL, NULL, NULL, 9) };
	uint8_t wanted[8], id[8];
	struct vmp_master *m = known();
	size_t i;
	int pem;

	vmp_master_id(m, wanted);
	vmp_master_free(m);
	for (i = 0; i < COUNT(keys); i++) {
		maker_write_key(keys[i].key, 0600, NULL);
		for (pem = 0; pem < 2; pem++) {
			write_cms(keys[i].cert, pem ? EVP_aes_256_gcm() : EVP_aes_256_cbc(), DIGITS "\n", pem);
			m = opened(path, maker_key);
			vmp_master_id(m, id);
			ck_assert_mem_eq(id, wanted, sizeof(id));
			vmp_master_free(m);
		}
		not_opened(path, NULL, VMP_EINVAL, "private key to open it");
		not_opened(path, "/nonexistent", VMP_ENOENT, "/nonexistent");
	}
	write_cms(keys[0].cert, EVP_aes_256_cbc(), "0001", false);
	maker_write_key(keys[0].key, 0600, NULL);
	not_opened(path, maker_key, VMP_EINVAL, "64 hexadecimal digits");
	write_cms(keys[1].cert, EVP_aes_256_gcm(), DIGITS, false);
	not_opened(path, maker_key, VMP_EINVAL, "");
	write_text(path, "neither", 0600);
	not_opened(path, maker_key, VMP_EINVAL, "CMS");
	write_text(path, "-----BEGIN CMS-----\n-----END CMS-----\n", 0600);
	not_opened(path, maker_key, VMP_EINVAL, "CMS");
	for (i = 0; i < COUNT(keys); i++)
		maker_clear(&keys[i]);
}
END_TEST

/* -- COI keys -- */

static void refused(const struct vmp_master *m, int64_t coi, uint32_t epoch, const uint8_t *sealed, size_t len,
		    const char *word)
{
	uint8_t *copy = malloc(len ? len : 1), key[VMP_COI_KEY] = "kept";
	struct vmp_msg msg = { "" };

	memcpy(copy, sealed, len);
	ck_assert_int_eq(vmp_seal_open(m, coi, epoch, copy, len, key, &msg), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, word) != NULL, "expected \"%s\" in \"%s\"", word, msg.text);
	ck_assert_str_eq((char *)key, "kept");
	free(copy);
}

START_TEST(what_is_altered_does_not_open)
{
	uint8_t sealed[VMP_SEALED + 1] = { 0 }, key[VMP_COI_KEY];
	struct vmp_master *m = known();
	size_t i;
	int bit;

	ck_assert_int_eq(vmp_seal_new(m, 5, 7, sealed, NULL), VMP_OK);
	for (i = 0; i < VMP_SEALED; i++) {
		refused(m, 5, 7, sealed, i, "version");
		for (bit = 0; bit < 8; bit++) {
			sealed[i] ^= (uint8_t)(1 << bit);
			refused(m, 5, 7, sealed, VMP_SEALED, "");
			sealed[i] ^= (uint8_t)(1 << bit);
		}
	}
	refused(m, 5, 7, sealed, VMP_SEALED + 1, "version");
	ck_assert_int_eq(vmp_seal_open(m, 5, 7, sealed, VMP_SEALED, key, NULL), VMP_OK);
	vmp_master_free(m);
}
END_TEST

START_TEST(a_key_is_bound_to_its_coi_and_epoch)
{
	static const struct {
		int64_t coi;
		uint32_t epoch;
	} others[] = { { 5, 8 }, { 5, 6 }, { 4, 7 }, { 6, 7 }, { 7, 5 }, { 5 + (1LL << 32), 7 }, { -5, 7 }, { 0, 0 } };
	struct vmp_master *m = known();
	uint8_t sealed[VMP_SEALED];
	size_t i;

	ck_assert_int_eq(vmp_seal_new(m, 5, 7, sealed, NULL), VMP_OK);
	for (i = 0; i < COUNT(others); i++)
		refused(m, others[i].coi, others[i].epoch, sealed, VMP_SEALED, "another COI's or epoch's");
	vmp_master_free(m);
}
END_TEST

START_TEST(another_master_key_is_named)
{
	struct vmp_master *m = known(), *other;
	uint8_t sealed[VMP_SEALED], id[8];
	char hex[17];

	ck_assert_int_eq(vmp_seal_new(m, 5, 7, sealed, NULL), VMP_OK);
	write_text(path, "1" DIGITS, 0600);
	ck_assert_int_eq(truncate(path, 64), 0);
	other = opened(path, NULL);
	refused(other, 5, 7, sealed, VMP_SEALED, "under the master key");
	vmp_master_id(m, id);
	vmp_hex(id, sizeof(id), hex);
	refused(other, 5, 7, sealed, VMP_SEALED, hex);
	/* Even when it claims to be under this one. */
	vmp_master_id(other, sealed + 1);
	refused(other, 5, 7, sealed, VMP_SEALED, "altered");
	vmp_master_free(other);
	vmp_master_free(m);
}
END_TEST

START_TEST(keys_are_new_each_time)
{
	uint8_t a[VMP_SEALED], b[VMP_SEALED], key_a[VMP_COI_KEY], key_b[VMP_COI_KEY], again[VMP_COI_KEY];
	struct vmp_master *m = known();

	ck_assert_int_eq(vmp_seal_new(m, 5, 7, a, NULL), VMP_OK);
	ck_assert_int_eq(vmp_seal_new(m, 5, 7, b, NULL), VMP_OK);
	ck_assert_int_eq(vmp_seal_open(m, 5, 7, a, sizeof(a), key_a, NULL), VMP_OK);
	ck_assert_int_eq(vmp_seal_open(m, 5, 7, a, sizeof(a), again, NULL), VMP_OK);
	ck_assert_int_eq(vmp_seal_open(m, 5, 7, b, sizeof(b), key_b, NULL), VMP_OK);
	ck_assert_mem_eq(key_a, again, VMP_COI_KEY);
	ck_assert_mem_ne(key_a, key_b, VMP_COI_KEY);
	ck_assert_mem_ne(a + 9, b + 9, 12);
	ck_assert_ptr_null(memmem(a, sizeof(a), key_a, 8));
	vmp_master_free(m);
}
END_TEST

/* Made by another implementation, so that what is at rest can be opened by later versions of this one. */
START_TEST(what_another_implementation_sealed)
{
	static const char *const hex = "01d42ee4531993ef5e000102030405060708090a0ba013ff3b67222d38a030400ce448492386f1b"
				       "fcfd1f1b4a2d7b732c02b58c41dcefaaeace817313f1c2a0234daaf4626";
	struct vmp_master *m = known();
	uint8_t sealed[VMP_SEALED], key[VMP_COI_KEY];
	size_t i;

	ck_assert_int_eq(vmp_unhex(hex, strlen(hex), sealed, sizeof(sealed)), VMP_OK);
	ck_assert_int_eq(vmp_seal_open(m, 5, 7, sealed, sizeof(sealed), key, NULL), VMP_OK);
	for (i = 0; i < sizeof(key); i++)
		ck_assert_uint_eq(key[i], 0x80 + i);
	vmp_master_free(m);
}
END_TEST

Suite *check_seal(void)
{
	Suite *s = suite_create("seal");
	TCase *t = tcase_create("seal");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, maker_teardown);
	tcase_add_test(t, master_keys_are_made);
	tcase_add_test(t, a_full_disk_leaves_nothing);
	tcase_add_test(t, master_keys_that_are_refused);
	tcase_add_test(t, credentials);
	tcase_add_test(t, a_master_key_in_cms);
	tcase_add_test(t, what_is_altered_does_not_open);
	tcase_add_test(t, a_key_is_bound_to_its_coi_and_epoch);
	tcase_add_test(t, another_master_key_is_named);
	tcase_add_test(t, keys_are_new_each_time);
	tcase_add_test(t, what_another_implementation_sealed);
	suite_add_tcase(s, t);
	return s;
}
