/* What a certificate says of who shows it. */
#include "suites_evlib.h"
#include "tls_pair.h"
#include "tls_peer.h"
#include "../tls_world.h"

#include <openssl/x509v3.h>
#include <string.h>

/* What tls_world's host is to a server. @return whether it is anybody. */
static bool seen(struct tls_peer *out)
{
	struct tls_pair p = tls_pair_shake(tls_pair_client(&tls_world.host), tls_pair_server(&tls_world.server));
	bool read;

	ck_assert(tls_pair_works(&p));
	read = tls_peer_read(p.server, out);
	tls_pair_clear(&p);
	return read;
}

static void name_is(const char *text, int len)
{
	X509_NAME *subject = X509_get_subject_name(tls_world.host.cert);

	while (X509_NAME_entry_count(subject) > 0)
		X509_NAME_ENTRY_free(X509_NAME_delete_entry(subject, 0));
	if (text)
		ck_assert(X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC, (const unsigned char *)text,
						     len, -1, 0) == 1);
	ck_assert(X509_sign(tls_world.host.cert, tls_world.ca.key, EVP_sha256()) > 0);
}

START_TEST(nobody_without_a_certificate)
{
	struct tls_pair p = tls_pair_shake(tls_pair_client(NULL), tls_pair_server(&tls_world.server));
	struct tls_peer peer = { .name = "untouched" };

	ck_assert(tls_pair_works(&p));
	ck_assert(!tls_peer_read(p.server, &peer));
	ck_assert_str_eq(peer.name, "untouched");
	tls_pair_clear(&p);
}
END_TEST

START_TEST(nobody_by_a_certificate_that_was_not_verified)
{
	struct maker self = maker_new(EVP_EC_gen("P-256"), "self", NULL, NULL, NULL, 1);
	SSL *server = tls_pair_server(&tls_world.server);
	struct tls_peer peer;
	struct tls_pair p;

	SSL_set_verify(server, SSL_VERIFY_NONE, NULL);
	p = tls_pair_shake(tls_pair_client(&tls_world.host), server);
	ck_assert(!tls_peer_read(p.server, &peer));
	tls_pair_clear(&p);
	/* Of the server, which the client lets pass. */
	p = (struct tls_pair){ .client = tls_pair_client(NULL), .server = tls_pair_server(&self) };
	SSL_set_verify(p.client, SSL_VERIFY_NONE, NULL);
	p = tls_pair_shake(p.client, p.server);
	ck_assert(p.client_done && SSL_get0_peer_certificate(p.client));
	ck_assert(!tls_peer_read(p.client, &peer));
	tls_pair_clear(&p);
	maker_clear(&self);
}
END_TEST

START_TEST(a_certificate_of_policyd)
{
	struct tls_peer peer;

	tls_pair_host_is_ours();
	ck_assert(seen(&peer));
	ck_assert(tls_peer_is_ours(&peer));
	ck_assert_mem_eq(peer.serial, MAKER_SERIAL, VMP_SERIAL);
	ck_assert_str_eq(peer.uuid, TLS_PAIR_UUID);
	ck_assert_str_eq(peer.name, "hypervisor");
}
END_TEST

START_TEST(a_server_is_a_peer_too)
{
	struct tls_pair p = tls_pair_shake(tls_pair_client(NULL), tls_pair_server(&tls_world.server));
	struct tls_peer peer;

	ck_assert(tls_peer_read(p.client, &peer));
	ck_assert_str_eq(peer.name, TLS_WORLD_SERVER);
	tls_pair_clear(&p);
}
END_TEST

START_TEST(serial_numbers_of_others)
{
	static const struct {
		const char *serial;
		int len;
	} cases[] = {
		{ "\1", 1 },
		{ "\177234567890123456789", 20 },
		{ "\177234567890123456", 17 },
		{ "\177234567890123", 14 },
	};
	struct tls_peer peer;

	tls_pair_serial(&tls_world.host, &tls_world.ca, cases[_i].serial, cases[_i].len);
	ck_assert(seen(&peer));
	ck_assert_uint_eq(peer.serial_len, (size_t)cases[_i].len);
	ck_assert_mem_eq(peer.serial, cases[_i].serial, (size_t)cases[_i].len);
	ck_assert(!tls_peer_is_ours(&peer));
}
END_TEST

START_TEST(a_serial_number_beyond_the_standard)
{
	struct tls_peer peer;

	tls_pair_serial(&tls_world.host, &tls_world.ca, "\177234567890123456789x", 21);
	ck_assert(!seen(&peer));
}
END_TEST

START_TEST(a_uuid_that_says_nothing)
{
	static const char *const names[] = {
		"URI:urn:uuid:" TLS_PAIR_UUID ",URI:urn:uuid:6ba7b811-9dad-11d1-80b4-00c04fd430c8",
		"URI:urn:uuid:" TLS_PAIR_UUID "0",
		"URI:urn:uuid:",
		"URI:https://example/" TLS_PAIR_UUID,
		"DNS:urn:uuid:" TLS_PAIR_UUID,
		"DNS:example",
	};
	struct tls_peer peer;

	tls_world_extend(&tls_world.host, &tls_world.ca, NID_subject_alt_name, names[_i]);
	ck_assert(seen(&peer));
	ck_assert_str_eq(peer.uuid, "");
}
END_TEST

START_TEST(a_uuid_beside_other_names)
{
	struct tls_peer peer;

	tls_world_extend(&tls_world.host, &tls_world.ca, NID_subject_alt_name,
			 "DNS:example,URI:https://example/,URI:urn:uuid:6BA7B810-9DAD-11D1-80B4-00C04FD430C8");
	ck_assert(seen(&peer));
	ck_assert_str_eq(peer.uuid, TLS_PAIR_UUID);
}
END_TEST

START_TEST(a_name_that_says_nothing)
{
	struct tls_peer peer;

	if (_i == 0)
		name_is(NULL, 0);
	else if (_i == 1)
		name_is("52:54:00:00:00:01\0x", 19);
	else
		ck_assert(X509_NAME_add_entry_by_NID(X509_get_subject_name(tls_world.host.cert), NID_commonName,
						     MBSTRING_ASC, (const unsigned char *)"b", 1, -1, 0) == 1 &&
			  X509_sign(tls_world.host.cert, tls_world.ca.key, EVP_sha256()) > 0);
	ck_assert(seen(&peer));
	ck_assert_str_eq(peer.name, "");
}
END_TEST

START_TEST(the_longest_name)
{
	static const char name[] = "1234567890123456789012345678901234567890123456789012345678901234";
	struct tls_peer peer;

	name_is(name, -1);
	ck_assert(seen(&peer));
	ck_assert_str_eq(peer.name, name);
}
END_TEST

Suite *check_tls_peer(void)
{
	Suite *s = suite_create("tls_peer");
	TCase *tc = tcase_create("peer");

	tcase_add_checked_fixture(tc, tls_world_setup, tls_world_teardown);
	tcase_add_test(tc, nobody_without_a_certificate);
	tcase_add_test(tc, nobody_by_a_certificate_that_was_not_verified);
	tcase_add_test(tc, a_certificate_of_policyd);
	tcase_add_test(tc, a_server_is_a_peer_too);
	tcase_add_loop_test(tc, serial_numbers_of_others, 0, 4);
	tcase_add_test(tc, a_serial_number_beyond_the_standard);
	tcase_add_loop_test(tc, a_uuid_that_says_nothing, 0, 6);
	tcase_add_test(tc, a_uuid_beside_other_names);
	tcase_add_loop_test(tc, a_name_that_says_nothing, 0, 3);
	tcase_add_test(tc, the_longest_name);
	suite_add_tcase(s, tc);
	return s;
}
