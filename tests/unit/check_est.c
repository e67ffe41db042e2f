#include "est.h"
#include "suites.h"

#include <openssl/bio.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A copy of the exact size, so that a sanitizer sees a read past its end. */
static int decode(const char *text, size_t len, uint8_t *out, size_t *out_len)
{
	char *copy = malloc(len ? len : 1);
	int err;

	memcpy(copy, text, len);
	err = vmp_unbase64(copy, len, out, out_len);
	free(copy);
	return err;
}

START_TEST(base64_that_is_none)
{
	static const char *const bad[] = { "A",	    "AA",	"AAA",	    "AAAAA",	"AA=A",	 "A===",
					   "====",  "AAAA====", "AA==AA==", "AAA=AAAA", "AA= =", "AAAA\n",
					   " AAAA", "AA-_",	"AAA\xff",  "AB==",	"AAB=",	 "A\0AA" };
	uint8_t out[16];
	size_t i, len;

	for (i = 0; i < COUNT(bad); i++) {
		len = sizeof(out);
		ck_assert_msg(decode(bad[i], i == COUNT(bad) - 1 ? 4 : strlen(bad[i]), out, &len) == VMP_EINVAL, "%s",
			      bad[i]);
		ck_assert_uint_eq(len, sizeof(out));
	}
}
END_TEST

START_TEST(too_little_room_is_refused)
{
	uint8_t out[4] = { 0, 0, 0, 0x55 };
	size_t len = 2;

	ck_assert_int_eq(decode("AAAA", 4, out, &len), VMP_EINVAL);
	len = 3;
	ck_assert_int_eq(decode("AAAAAA==", 8, out, &len), VMP_EINVAL);
	ck_assert_uint_eq(out[3], 0x55);
	len = 3;
	ck_assert_int_eq(decode("AAAA", 4, out, &len), VMP_OK);
	ck_assert_uint_eq(len, 3);
}
END_TEST

/* RFC 4648 section 10. */
START_TEST(test_vectors)
{
	static const char *const rows[][3] = { { "", "", "" },
					       { "f", "Zg==", "Zg" },
					       { "fo", "Zm8=", "Zm8" },
					       { "foo", "Zm9v", "Zm9v" },
					       { "foob", "Zm9vYg==", "Zm9vYg" },
					       { "fooba", "Zm9vYmE=", "Zm9vYmE" },
					       { "foobar", "Zm9vYmFy", "Zm9vYmFy" },
					       { "\xfb\xff\xbf", "+/+/", "-_-_" } };
	char url[32], *text;
	uint8_t out[16];
	size_t i, len;

	for (i = 0; i < COUNT(rows); i++) {
		text = vmp_base64(rows[i][0], strlen(rows[i][0]));
		ck_assert_str_eq(text, rows[i][1]);
		len = sizeof(out);
		ck_assert_int_eq(decode(text, strlen(text), out, &len), VMP_OK);
		ck_assert_uint_eq(len, strlen(rows[i][0]));
		ck_assert_mem_eq(out, rows[i][0], len);
		free(text);
		vmp_base64url(rows[i][0], strlen(rows[i][0]), url);
		ck_assert_str_eq(url, rows[i][2]);
	}
}
END_TEST

START_TEST(any_octets_come_back)
{
	uint8_t in[200], out[200];
	size_t n, len;
	char *text;

	ck_assert_int_eq(vmp_random(in, sizeof(in)), VMP_OK);
	for (n = 0; n <= sizeof(in); n++) {
		text = vmp_base64(in, n);
		len = n;
		ck_assert_int_eq(decode(text, strlen(text), out, &len), VMP_OK);
		ck_assert_uint_eq(len, n);
		ck_assert_mem_eq(in, out, n);
		free(text);
	}
}
END_TEST

static int request(const char *body, size_t len, uint8_t *der, size_t *der_len)
{
	char *copy = malloc(len ? len : 1);
	int err;

	memcpy(copy, body, len);
	err = vmp_est_request(copy, len, der, der_len, NULL);
	free(copy);
	return err;
}

START_TEST(bodies_that_are_refused)
{
	static const char *const bad[] = {
		"",
		" \r\n",
		"Zm9v!",
		"Zm9",
		"-----BEGIN CERTIFICATE REQUEST-----\nZm9v\n",
		"Zm9v\n-----END CERTIFICATE REQUEST-----\n",
		"-----BEGIN CERTIFICATE-----\nZm9v\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE REQUEST-----\nZm9v\n-----END NEW CERTIFICATE REQUEST-----\n",
		"-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n",
		"-----BEGIN CERTIFICATE REQUEST----------END CERTIFICATE REQUEST----",
		"-----BEGIN CERTIFICATE REQUEST-----",
	};
	uint8_t der[VMP_CSR_MAX];
	size_t i, len = 1;

	for (i = 0; i < COUNT(bad); i++)
		ck_assert_msg(request(bad[i], strlen(bad[i]), der, &len) == VMP_EINVAL, "%s", bad[i]);
	ck_assert_uint_eq(len, 1);
}
END_TEST

START_TEST(bodies_that_are_taken)
{
	static const char *const good[] = {
		"Zm9vYmE=",
		"Zm9v\r\nYmE=\r\n",
		"\n Zm9v\n\n\tYm\nE=",
		"-----BEGIN CERTIFICATE REQUEST-----\nZm9v\nYmE=\n-----END CERTIFICATE REQUEST-----\n",
		"\r\n-----BEGIN NEW CERTIFICATE REQUEST-----\r\nZm9vYmE=\r\n-----END NEW CERTIFICATE REQUEST-----",
	};
	uint8_t der[VMP_CSR_MAX];
	size_t i, len;

	for (i = 0; i < COUNT(good); i++) {
		ck_assert_msg(request(good[i], strlen(good[i]), der, &len) == VMP_OK, "%s", good[i]);
		ck_assert_uint_eq(len, 5);
		ck_assert_mem_eq(der, "fooba", 5);
	}
}
END_TEST

START_TEST(the_largest_body)
{
	static uint8_t zeros[VMP_CSR_MAX + 1], der[VMP_CSR_MAX];
	char *text = vmp_base64(zeros, VMP_CSR_MAX);
	size_t len;

	ck_assert_int_eq(request(text, strlen(text), der, &len), VMP_OK);
	ck_assert_uint_eq(len, VMP_CSR_MAX);
	free(text);
	text = vmp_base64(zeros, VMP_CSR_MAX + 1);
	ck_assert_int_eq(request(text, strlen(text), der, &len), VMP_EINVAL);
	free(text);
}
END_TEST

static size_t certificate(const char *name, uint8_t *out)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	int len;

	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1,
				   0);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 60);
	X509_set_pubkey(x, key);
	ck_assert(X509_sign(x, key, EVP_sha256()) > 0);
	len = i2d_X509(x, &out);
	X509_free(x);
	EVP_PKEY_free(key);
	ck_assert(len > 0);
	return (size_t)len;
}

/* OpenSSL's reading of a certs-only message. */
static PKCS7 *pkcs7(const char *text, size_t len)
{
	uint8_t der[4096];
	const uint8_t *p = der;
	size_t size = sizeof(der);
	PKCS7 *out;

	ck_assert_uint_eq(strlen(text), len);
	ck_assert_int_eq(vmp_unbase64(text, len, der, &size), VMP_OK);
	out = d2i_PKCS7(NULL, &p, (long)size);
	ck_assert_ptr_nonnull(out);
	ck_assert_ptr_eq(p, der + size);
	return out;
}

START_TEST(certs_only_as_openssl_reads_it)
{
	uint8_t der[2048], *again = NULL;
	size_t first = certificate("first", der), len = first + certificate("second", der + first), out_len = 0, n,
	       room;
	char *text;

	for (n = 1; n <= 2; n++) {
		room = n == 1 ? first : len;
		text = vmp_est_certs(der, room, &out_len);
		ck_assert_ptr_nonnull(text);
		PKCS7 *p7 = pkcs7(text, out_len);

		ck_assert(PKCS7_type_is_signed(p7));
		ck_assert_int_eq(sk_X509_num(p7->d.sign->cert), (int)n);
		ck_assert_int_eq(sk_PKCS7_SIGNER_INFO_num(p7->d.sign->signer_info), 0);
		again = NULL;
		ck_assert_int_eq(i2d_X509(sk_X509_value(p7->d.sign->cert, 0), &again), (int)first);
		ck_assert_mem_eq(again, der, first);
		OPENSSL_free(again);
		PKCS7_free(p7);
		free(text);
	}
}
END_TEST

START_TEST(certs_that_are_none)
{
	uint8_t der[1024];
	size_t len = certificate("only", der), out_len, i;

	for (i = 1; i < len; i++)
		ck_assert_ptr_null(vmp_est_certs(der, i, &out_len));
	der[0] = 0x31;
	ck_assert_ptr_null(vmp_est_certs(der, len, &out_len));
}
END_TEST

static int certs_read(const char *body, size_t len, uint8_t *out, size_t *out_len)
{
	char *copy = malloc(len ? len : 1);
	int err;

	memcpy(copy, body, len);
	err = vmp_est_certs_read(copy, len, out, out_len, NULL);
	free(copy);
	return err;
}

START_TEST(answers_that_are_read)
{
	static uint8_t out[VMP_EST_CERTS_MAX];
	uint8_t der[2048];
	size_t first = certificate("first", der), len = first + certificate("second", der + first), text_len, out_len;
	char *text = vmp_est_certs(der, len, &text_len), body[8192];
	static const char *const rows[][3] = { { "", "", "" },
					       { "\r\n", "\r\n", "\r\n" },
					       { "", "\n\n \t", "\n" },
					       { "-----BEGIN PKCS7-----\n", "\n", "\n-----END PKCS7-----\n" } };
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		snprintf(body, sizeof(body), "%s%.64s%s%s%s", rows[i][0], text, rows[i][1], text + 64, rows[i][2]);
		out_len = 0;
		ck_assert_msg(certs_read(body, strlen(body), out, &out_len) == VMP_OK, "%s", body);
		ck_assert_uint_eq(out_len, len);
		ck_assert_mem_eq(out, der, len);
	}
	free(text);
}
END_TEST

START_TEST(answers_that_are_refused)
{
	static uint8_t out[VMP_EST_CERTS_MAX];
	uint8_t der[2048], p7[4096];
	size_t len = certificate("only", der), text_len, p7_len = sizeof(p7), out_len = 7, i;
	char *text = vmp_est_certs(der, len, &text_len), *other;

	ck_assert_int_eq(certs_read("", 0, out, &out_len), VMP_EINVAL);
	ck_assert_int_eq(certs_read("not base64!", 11, out, &out_len), VMP_EINVAL);
	ck_assert_int_eq(certs_read(text, text_len - 4, out, &out_len), VMP_EINVAL);
	ck_assert_int_eq(vmp_unbase64(text, text_len, p7, &p7_len), VMP_OK);
	free(text);
	/* A certificate alone. */
	other = vmp_base64(der, len);
	ck_assert_int_eq(certs_read(other, strlen(other), out, &out_len), VMP_EINVAL);
	free(other);
	/* Any octet of what stands around the certificate, and the first of it. */
	for (i = 0; i < p7_len - len; i++) {
		p7[i] ^= 0x40;
		other = vmp_base64(p7, p7_len);
		/* Some are versions and the like, which say nothing. */
		if (certs_read(other, strlen(other), out, &out_len) == VMP_OK)
			ck_assert_mem_eq(out, der, len);
		p7[i] ^= 0x40;
		free(other);
	}
	ck_assert_int_eq(certs_read("MAA=", 4, out, &out_len), VMP_EINVAL);
}
END_TEST

START_TEST(an_answer_without_certificates)
{
	static uint8_t out[VMP_EST_CERTS_MAX];
	size_t len = 0, out_len = 7;
	char *text = vmp_est_certs((const uint8_t *)"", 0, &len);

	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(certs_read(text, len, out, &out_len), VMP_EINVAL);
	ck_assert_uint_eq(out_len, 7);
	free(text);
}
END_TEST

START_TEST(the_largest_answer)
{
	static uint8_t out[VMP_EST_CERTS_MAX];
	uint8_t *der = malloc(2 * VMP_EST_CERTS_MAX);
	size_t one = certificate("many", der), n, text_len, out_len;
	char *text;

	for (n = 1; (n + 1) * one <= 2 * VMP_EST_CERTS_MAX; n++)
		memcpy(der + n * one, der, one);
	for (; n > 0; n -= n > 8 ? 8 : n) {
		text = vmp_est_certs(der, n * one, &text_len);
		out_len = 0;
		if (certs_read(text, text_len, out, &out_len) == VMP_OK)
			ck_assert_uint_eq(out_len, n * one);
		else
			ck_assert_uint_gt(n * one, VMP_EST_CERTS_MAX - 100);
		free(text);
	}
	free(der);
}
END_TEST

START_TEST(csrattrs)
{
	static const char *const words[] = { "id-ecPublicKey", "prime256v1", "ecdsa-with-SHA256" };
	const char *text = vmp_est_csrattrs();
	uint8_t der[128];
	size_t len = sizeof(der), i;
	BIO *bio = BIO_new(BIO_s_mem());
	char *dump;

	ck_assert_int_eq(vmp_unbase64(text, strlen(text), der, &len), VMP_OK);
	ck_assert_int_eq(ASN1_parse_dump(bio, der, (long)len, 0, 0), 1);
	BIO_write(bio, "", 1);
	BIO_get_mem_data(bio, &dump);
	for (i = 0; i < COUNT(words); i++)
		ck_assert_msg(strstr(dump, words[i]) != NULL, "%s", dump);
	BIO_free(bio);
}
END_TEST

START_TEST(basic_headers_that_are_refused)
{
	static const char *const bad[] = { "",
					   "Basic",
					   "Basic ",
					   "Basic !",
					   "Bearer dXNlcjpwYXNz",
					   "BasicdXNlcjpwYXNz",
					   "Basic dXNlcnBhc3M=", /* no colon */
					   "Basic dXNlcjpwYXNz ",
					   "Basic dXNlcjpwYXNz,realm=x",
					   "Basic dXNlcgB4OnBhc3M=", /* user NUL x : pass */
					   "Basic dXNlcjpwYXMKcw==", /* a line end */
					   "Basic dXNlcjpwYXNz\n" };
	const char *password = "kept";
	char out[512];
	size_t i;

	for (i = 0; i < COUNT(bad); i++)
		ck_assert_msg(vmp_basic_read(bad[i], out, &password) == VMP_EINVAL, "%s", bad[i]);
	ck_assert_str_eq(password, "kept");
}
END_TEST

START_TEST(basic_headers_that_are_read)
{
	static const char *const rows[][3] = { { "Basic dXNlcjpwYXNz", "user", "pass" },
					       { "bASIC  dXNlcjpwYXNz", "user", "pass" },
					       { "Basic Og==", "", "" },
					       { "Basic YTpiOmM=", "a", "b:c" } };
	const char *password;
	char out[512];
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		ck_assert_int_eq(vmp_basic_read(rows[i][0], out, &password), VMP_OK);
		ck_assert_str_eq(out, rows[i][1]);
		ck_assert_str_eq(password, rows[i][2]);
		ck_assert(password > out && password < out + sizeof(out));
	}
}
END_TEST

START_TEST(basic_headers_have_a_longest)
{
	char plain[513], header[1024], out[512], *text;
	const char *password;
	size_t len;

	memset(plain, 'x', sizeof(plain));
	plain[1] = ':';
	for (len = 510; len <= 513; len++) {
		text = vmp_base64(plain, len);
		snprintf(header, sizeof(header), "Basic %s", text);
		free(text);
		ck_assert_int_eq(vmp_basic_read(header, out, &password), len <= 511 ? VMP_OK : VMP_EINVAL);
	}
}
END_TEST

Suite *check_est(void)
{
	Suite *s = suite_create("est");
	TCase *t = tcase_create("est");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, base64_that_is_none);
	tcase_add_test(t, too_little_room_is_refused);
	tcase_add_test(t, test_vectors);
	tcase_add_test(t, any_octets_come_back);
	tcase_add_test(t, bodies_that_are_refused);
	tcase_add_test(t, bodies_that_are_taken);
	tcase_add_test(t, the_largest_body);
	tcase_add_test(t, certs_only_as_openssl_reads_it);
	tcase_add_test(t, certs_that_are_none);
	tcase_add_test(t, answers_that_are_read);
	tcase_add_test(t, answers_that_are_refused);
	tcase_add_test(t, an_answer_without_certificates);
	tcase_add_test(t, the_largest_answer);
	tcase_add_test(t, csrattrs);
	tcase_add_test(t, basic_headers_that_are_refused);
	tcase_add_test(t, basic_headers_that_are_read);
	tcase_add_test(t, basic_headers_have_a_longest);
	suite_add_tcase(s, t);
	return s;
}
