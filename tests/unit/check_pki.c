#include "pki_internal.h"
#include "suites.h"

#include <openssl/core_names.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define UUID "6ba7b810-9dad-11d1-80b4-00c04fd430c8"

/* A request in DER. */
struct request {
	uint8_t der[VMP_CSR_MAX + 16];
	size_t len;
};

static const struct vmp_pubkey untouched = { .type = 77, .len = 4711 };

/* For key, signed by signer. */
static struct request request_signed(EVP_PKEY *key, EVP_PKEY *signer, const EVP_MD *md)
{
	X509_REQ *req = X509_REQ_new();
	struct request out;
	uint8_t *p = out.der;
	int len;

	ck_assert(X509_REQ_set_pubkey(req, key) == 1);
	ck_assert(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(req), "CN", MBSTRING_ASC,
					     (const unsigned char *)"guest", -1, -1, 0) == 1);
	ck_assert(X509_REQ_sign(req, signer, md) > 0);
	len = i2d_X509_REQ(req, NULL);
	ck_assert(len > 0 && len <= VMP_CSR_MAX);
	out.len = (size_t)i2d_X509_REQ(req, &p);
	X509_REQ_free(req);
	return out;
}

static struct request request_for(EVP_PKEY *key, const EVP_MD *md)
{
	return request_signed(key, key, md);
}

static void accepted(EVP_PKEY *key, enum vmp_key_type type, const EVP_MD *md)
{
	struct request req = request_for(key, md);
	uint8_t *bits = NULL, *spki = NULL, digest[VMP_DIGEST], wanted[VMP_DIGEST];
	struct vmp_pubkey got = untouched;
	struct vmp_msg msg = { "" };
	int len, spki_len;

	ck_assert_msg(vmp_csr_read(req.der, req.len, &got, &msg) == VMP_OK, "%s", msg.text);
	ck_assert_int_eq(got.type, type);
	len = i2d_PublicKey(key, &bits);
	ck_assert_int_eq(got.len, len);
	ck_assert_mem_eq(got.bits, bits, (size_t)len);
	ck_assert(vmp_pubkey_is_sane(&got));
	spki_len = i2d_PUBKEY(key, &spki);
	vmp_digest(spki, (size_t)spki_len, wanted);
	ck_assert_int_eq(vmp_pubkey_digest(&got, digest), VMP_OK);
	ck_assert_mem_eq(digest, wanted, VMP_DIGEST);
	OPENSSL_free(bits);
	OPENSSL_free(spki);
}

/* @param word  stands in the message. */
static void refused(const uint8_t *der, size_t len, const char *word)
{
	/* Of its exact size, so that a sanitizer sees a read past its end. */
	uint8_t *copy = malloc(len ? len : 1);
	struct vmp_pubkey got = untouched;
	struct vmp_msg msg = { "" };

	memcpy(copy, der, len);
	ck_assert_int_eq(vmp_csr_read(copy, len, &got, &msg), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, word) != NULL, "expected \"%s\" in \"%s\"", word, msg.text);
	ck_assert_int_eq(got.type, untouched.type);
	ck_assert_uint_eq(got.len, untouched.len);
	free(copy);
}

static void refused_key(EVP_PKEY *key, const EVP_MD *md, const char *word)
{
	struct request req;

	ck_assert_ptr_nonnull(key);
	req = request_for(key, md);
	refused(req.der, req.len, word);
	EVP_PKEY_free(key);
}

START_TEST(other_keys_are_refused)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	refused_key(EVP_EC_gen("P-521"), EVP_sha256(), "expected P-256");
	refused_key(EVP_EC_gen("secp256k1"), EVP_sha256(), "expected P-256");
	refused_key(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL, "expected P-256");
	refused_key(EVP_RSA_gen(1024), EVP_sha256(), "2048 to 8192 bits");
	refused_key(EVP_RSA_gen(2040), EVP_sha256(), "2048 to 8192 bits");
	ck_assert(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, OSSL_PKEY_EC_ENCODING_EXPLICIT) ==
		  1);
	refused_key(key, EVP_sha256(), "named curve");
	key = EVP_EC_gen("P-256");
	ck_assert(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
						 OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_COMPRESSED) == 1);
	refused_key(key, EVP_sha256(), "uncompressed");
}
END_TEST

START_TEST(a_request_signed_by_another_key_is_refused)
{
	EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256"), *bigger = EVP_EC_gen("P-384");
	EVP_PKEY *rsa = EVP_RSA_gen(2048);
	struct request req = request_signed(key, other, EVP_sha256());

	refused(req.der, req.len, "does not verify");
	req = request_signed(key, bigger, EVP_sha256());
	refused(req.der, req.len, "does not verify");
	req = request_signed(key, rsa, EVP_sha256());
	refused(req.der, req.len, "signature: expected");
	req = request_signed(rsa, key, EVP_sha256());
	refused(req.der, req.len, "signature: expected");
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	EVP_PKEY_free(bigger);
	EVP_PKEY_free(rsa);
}
END_TEST

START_TEST(weak_digests_are_refused)
{
	refused_key(EVP_EC_gen("P-256"), EVP_sha1(), "expected ECDSA");
	refused_key(EVP_RSA_gen(2048), EVP_sha1(), "expected ECDSA");
	refused_key(EVP_RSA_gen(2048), EVP_md5(), "expected ECDSA");
}
END_TEST

START_TEST(every_prefix_and_every_altered_octet_is_refused)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct request req = request_for(key, EVP_sha256());
	size_t i;

	for (i = 0; i < req.len; i++)
		refused(req.der, i, "");
	for (i = 0; i < req.len; i++) {
		req.der[i] ^= 1;
		refused(req.der, req.len, "");
		req.der[i] ^= 0x81;
		refused(req.der, req.len, "");
		req.der[i] ^= 0x80;
	}
	req.der[req.len] = 0;
	refused(req.der, req.len + 1, "nothing after it");
	memset(req.der + req.len, 0, sizeof(req.der) - req.len);
	refused(req.der, VMP_CSR_MAX + 1, "at most 8192");
	accepted(key, VMP_KEY_P256, EVP_sha256());
	EVP_PKEY_free(key);
}
END_TEST

/* Replace the only occurrence of some octets. */
static void patch(struct request *req, const void *from, const void *to, size_t len)
{
	uint8_t *p = memmem(req->der, req->len, from, len);

	ck_assert_ptr_nonnull(p);
	memcpy(p, to, len);
}

START_TEST(rsa_exponents_that_are_not_allowed)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	struct request good = request_for(key, EVP_sha256()), req = good;

	patch(&req, "\x02\x03\x01\x00\x01", "\x02\x03\x01\x00\x00", 5);
	refused(req.der, req.len, "odd exponent");
	/* -65535, and 1 with zeros before it */
	req = good;
	patch(&req, "\x02\x03\x01\x00\x01", "\x02\x03\xff\x00\x01", 5);
	refused(req.der, req.len, "odd exponent");
	req = good;
	patch(&req, "\x02\x03\x01\x00\x01", "\x02\x01\x01\x00\x01", 5);
	refused(req.der, req.len, "odd exponent");
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(a_point_off_its_curve_is_refused)
{
	EVP_PKEY *key = EVP_EC_gen("P-384");
	struct request req = request_for(key, EVP_sha384());
	uint8_t *bits = NULL, off[97];

	ck_assert_int_eq(i2d_PublicKey(key, &bits), 97);
	memcpy(off, bits, sizeof(off));
	off[96] ^= 1;
	patch(&req, bits, off, sizeof(off));
	refused(req.der, req.len, "point of its curve");
	OPENSSL_free(bits);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(good_requests_are_read)
{
	static const struct {
		const char *curve;
		enum vmp_key_type type;
	} curves[] = { { "P-256", VMP_KEY_P256 }, { "P-384", VMP_KEY_P384 } };
	EVP_PKEY *key;
	size_t i;

	for (i = 0; i < 2; i++) {
		key = EVP_EC_gen(curves[i].curve);
		accepted(key, curves[i].type, EVP_sha256());
		accepted(key, curves[i].type, EVP_sha384());
		accepted(key, curves[i].type, EVP_sha512());
		EVP_PKEY_free(key);
	}
	key = EVP_RSA_gen(2048);
	accepted(key, VMP_KEY_RSA, EVP_sha256());
	accepted(key, VMP_KEY_RSA, EVP_sha384());
	accepted(key, VMP_KEY_RSA, EVP_sha512());
	EVP_PKEY_free(key);
	key = EVP_RSA_gen(3072);
	accepted(key, VMP_KEY_RSA, EVP_sha256());
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(octets_that_are_no_key)
{
	static struct vmp_pubkey key = { .type = VMP_KEY_P256, .len = 65, .bits = { 4 } };
	uint8_t digest[VMP_DIGEST];

	ck_assert(vmp_pubkey_is_sane(&key));
	key.len = 64;
	ck_assert(!vmp_pubkey_is_sane(&key));
	ck_assert_int_eq(vmp_pubkey_digest(&key, digest), VMP_EINVAL);
	key.len = 97;
	ck_assert(!vmp_pubkey_is_sane(&key));
	key.type = VMP_KEY_P384;
	ck_assert(vmp_pubkey_is_sane(&key));
	key.bits[0] = 2;
	ck_assert(!vmp_pubkey_is_sane(&key));
	key.bits[0] = 4;
	key.type = 0;
	ck_assert(!vmp_pubkey_is_sane(&key));
	key.type = 4;
	ck_assert(!vmp_pubkey_is_sane(&key));
	key.type = VMP_KEY_RSA;
	key.len = 270;
	memcpy(key.bits, "\x30\x82\x01\x0a", 4);
	ck_assert(vmp_pubkey_is_sane(&key));
	key.len = 271;
	ck_assert(!vmp_pubkey_is_sane(&key));
	key.len = 269;
	ck_assert(!vmp_pubkey_is_sane(&key));
	key.len = VMP_PUBKEY_MAX + 1;
	ck_assert(!vmp_pubkey_is_sane(&key));
}
END_TEST

/* -- certificates -- */

/* @param san  as openssl.cnf has it, or NULL. */
static size_t certificate(const uint8_t *serial, size_t serial_len, const char *san, uint8_t **out)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIGNUM *bn = BN_bin2bn(serial, (int)serial_len, NULL);
	X509 *x = X509_new();
	int len;

	X509_set_version(x, X509_VERSION_3);
	BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));
	ASN1_TIME_set_string(X509_getm_notBefore(x), "991231235959Z");
	ASN1_TIME_set_string(X509_getm_notAfter(x), "20500101000000Z");
	X509_set_pubkey(x, key);
	if (san) {
		X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);

		ck_assert_ptr_nonnull(ext);
		X509_add_ext(x, ext, -1);
		X509_EXTENSION_free(ext);
	}
	ck_assert(X509_sign(x, key, EVP_sha256()) > 0);
	*out = NULL;
	len = i2d_X509(x, out);
	X509_free(x);
	BN_free(bn);
	EVP_PKEY_free(key);
	ck_assert(len > 0);
	return (size_t)len;
}

static const uint8_t serial[VMP_SERIAL] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

START_TEST(peers_of_other_serial_numbers_are_refused)
{
	uint8_t other[VMP_SERIAL + 1] = { 1 }, *der;
	struct vmp_msg msg = { "" };
	struct vmp_peer peer;
	size_t len = certificate(serial, VMP_SERIAL - 1, NULL, &der);

	ck_assert_int_eq(vmp_peer_read(der, len, &peer, &msg), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "serial number"));
	OPENSSL_free(der);
	len = certificate(other, VMP_SERIAL + 1, NULL, &der);
	ck_assert_int_eq(vmp_peer_read(der, len, &peer, &msg), VMP_EINVAL);
	OPENSSL_free(der);
	/* 15 octets with the high bit set are 16 in DER, the first of them 0. */
	other[0] = 0x80;
	len = certificate(other, VMP_SERIAL - 1, NULL, &der);
	ck_assert_int_eq(vmp_peer_read(der, len, &peer, &msg), VMP_EINVAL);
	OPENSSL_free(der);
}
END_TEST

START_TEST(half_a_certificate_is_refused)
{
	uint8_t *der, *copy;
	size_t len = certificate(serial, VMP_SERIAL, "URI:urn:uuid:" UUID, &der), i;
	struct vmp_peer peer;

	for (i = 0; i < len; i++) {
		copy = malloc(i ? i : 1);
		memcpy(copy, der, i);
		ck_assert_int_eq(vmp_peer_read(copy, i, &peer, NULL), VMP_EINVAL);
		free(copy);
	}
	/* Nothing verifies a signature here: altered octets may be taken, but must not be read past. */
	copy = malloc(len + 1);
	memcpy(copy, der, len);
	copy[len] = 0;
	ck_assert_int_eq(vmp_peer_read(copy, len + 1, &peer, NULL), VMP_EINVAL);
	copy = realloc(copy, len);
	for (i = 0; i < len; i++) {
		copy[i] ^= 0xff;
		(void)!vmp_peer_read(copy, len, &peer, NULL);
		copy[i] ^= 0xff;
	}
	ck_assert_int_eq(vmp_peer_read(copy, len, &peer, NULL), VMP_OK);
	free(copy);
	OPENSSL_free(der);
}
END_TEST

START_TEST(what_a_peer_is_called)
{
	static const struct {
		const char *san, *uuid, *dns;
	} rows[] = {
		{ NULL, "", "" },
		{ "IP:10.0.0.1", "", "" },
		{ "URI:urn:uuid:" UUID ",DNS:web.example", UUID, "web.example" },
		{ "DNS:a,DNS:b,URI:urn:uuid:6BA7B810-9DAD-11D1-80B4-00C04FD430C8", UUID, "a" },
		{ "URI:urn:uuid:6ba7b810,URI:http://x/", "", "" },
		{ "URI:urn:uuid:" UUID "x", "", "" },
		{ "URI:uuid:" UUID, "", "" },
	};
	struct vmp_peer peer;
	uint8_t *der;
	size_t i, len;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		len = certificate(serial, VMP_SERIAL, rows[i].san, &der);
		ck_assert_int_eq(vmp_peer_read(der, len, &peer, NULL), VMP_OK);
		ck_assert_mem_eq(peer.serial, serial, VMP_SERIAL);
		ck_assert_str_eq(peer.uuid, rows[i].uuid);
		ck_assert_str_eq(peer.dns, rows[i].dns);
		ck_assert_int_eq(peer.not_before, 946684799);
		ck_assert_int_eq(peer.not_after, 2524608000);
		OPENSSL_free(der);
	}
}
END_TEST

START_TEST(a_dns_name_with_a_nul_is_none)
{
	struct vmp_peer peer;
	uint8_t *der, *p;
	size_t len = certificate(serial, VMP_SERIAL, "DNS:web.example", &der);

	p = memmem(der, len, "web.example", 11);
	ck_assert_ptr_nonnull(p);
	p[3] = 0;
	ck_assert_int_eq(vmp_peer_read(der, len, &peer, NULL), VMP_OK);
	ck_assert_str_eq(peer.dns, "");
	OPENSSL_free(der);
}
END_TEST

/* -- DER -- */

START_TEST(lengths_have_one_form)
{
	static const struct {
		const char *der;
		size_t len;
	} bad[] = { { "\x30", 1 },
		    { "\x30\x01", 2 },
		    { "\x30\x80\x00\x00", 4 },
		    { "\x30\x81\x01\x00", 4 },
		    { "\x30\x82\x00\x01\x00", 5 },
		    { "\x30\xff", 2 },
		    { "\x31\x00", 2 },
		    { "", 0 },
		    { "\x30\x84\x00\x00\x00\x01\x00", 7 },
		    { "\x30\x83\xff\xff\xff", 5 } };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct vmp_der in = vmp_der_of(bad[i].der, bad[i].len), child = vmp_der_enter(&in, DER_SEQUENCE);
		struct vmp_der grandchild = vmp_der_enter(&child, DER_SEQUENCE);

		ck_assert(in.bad && child.bad && grandchild.bad && !vmp_der_done(&in));
	}
}
END_TEST

START_TEST(elements_are_written_as_openssl_writes_them)
{
	static const int64_t numbers[] = { 0, 1, 127, 128, 255, 256, 32767, 32768, 0x7fffffff, 0x80000000, INT64_MAX };
	static const int64_t times[] = { 0, 946684799, 2524607999, 2524608000, 4102444800, 253402300799 };
	uint8_t buf[64], wanted[64], *p;
	size_t i, len;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct vmp_der_out out = vmp_der_begin(buf, sizeof(buf));
		ASN1_INTEGER *n = ASN1_INTEGER_new();

		ASN1_INTEGER_set_int64(n, numbers[i]);
		p = wanted;
		len = (size_t)i2d_ASN1_INTEGER(n, &p);
		vmp_der_add_int(&out, numbers[i]);
		ck_assert_uint_eq(out.room - out.at, len);
		ck_assert_mem_eq(buf + out.at, wanted, len);
		ASN1_INTEGER_free(n);
	}
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct vmp_der_out out = vmp_der_begin(buf, sizeof(buf));
		ASN1_TIME *t = ASN1_TIME_set(NULL, (time_t)times[i]);
		struct vmp_der in;

		p = wanted;
		len = (size_t)i2d_ASN1_TIME(t, &p);
		vmp_der_add_time(&out, DER_UTC_TIME, times[i]);
		ck_assert_uint_eq(out.room - out.at, len);
		ck_assert_mem_eq(buf + out.at, wanted, len);
		in = vmp_der_of(buf + out.at, len);
		ck_assert_int_eq(vmp_der_time(&in), times[i]);
		ck_assert(vmp_der_done(&in));
		ASN1_TIME_free(t);
	}
}
END_TEST

START_TEST(times_that_are_none)
{
	static const char *const bad[] = { "2301010000Z",   "230101000000",  "230101000000+0000", "231301000000Z",
					   "230132000000Z", "230101240000Z", "230101006000Z",	  "230101000060Z",
					   "2301010000000", "23010100000xZ", "-30101000000Z",	  "230001000000Z",
					   "230100000000Z" };
	uint8_t der[32] = { DER_UTC_TIME };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct vmp_der in = vmp_der_of(der, strlen(bad[i]) + 2);

		der[1] = (uint8_t)strlen(bad[i]);
		memcpy(der + 2, bad[i], strlen(bad[i]));
		(void)vmp_der_time(&in);
		ck_assert_msg(in.bad, "%s", bad[i]);
	}
}
END_TEST

START_TEST(too_little_room_is_noticed)
{
	uint8_t buf[8];
	struct vmp_der_out out = vmp_der_begin(buf, sizeof(buf));
	size_t len;

	vmp_der_add(&out, DER_OCTET_STRING, "12345", 5);
	ck_assert_int_eq(vmp_der_finish(&out, &len), VMP_OK);
	ck_assert_uint_eq(len, 7);
	ck_assert_mem_eq(buf,
			 "\x04\x05"
			 "12345",
			 7);
	out = vmp_der_begin(buf, sizeof(buf));
	vmp_der_add(&out, DER_OCTET_STRING, "1234567", 7);
	ck_assert_int_eq(vmp_der_finish(&out, &len), VMP_EINVAL);
}
END_TEST

Suite *check_pki(void)
{
	Suite *s = suite_create("pki");
	TCase *t = tcase_create("pki");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, other_keys_are_refused);
	tcase_add_test(t, a_request_signed_by_another_key_is_refused);
	tcase_add_test(t, weak_digests_are_refused);
	tcase_add_test(t, every_prefix_and_every_altered_octet_is_refused);
	tcase_add_test(t, rsa_exponents_that_are_not_allowed);
	tcase_add_test(t, a_point_off_its_curve_is_refused);
	tcase_add_test(t, good_requests_are_read);
	tcase_add_test(t, octets_that_are_no_key);
	tcase_add_test(t, peers_of_other_serial_numbers_are_refused);
	tcase_add_test(t, half_a_certificate_is_refused);
	tcase_add_test(t, what_a_peer_is_called);
	tcase_add_test(t, a_dns_name_with_a_nul_is_none);
	tcase_add_test(t, lengths_have_one_form);
	tcase_add_test(t, elements_are_written_as_openssl_writes_them);
	tcase_add_test(t, times_that_are_none);
	tcase_add_test(t, too_little_room_is_noticed);
	suite_add_tcase(s, t);
	return s;
}
