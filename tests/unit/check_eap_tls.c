/* Conversations with a server that is in order, and with certificates that are not. */
#include "suites.h"
#include "tls_talk.h"

#include <malloc.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
static const char *const names[] = { "TLSv1.2", "TLSv1.3" };

/* A full handshake that must be good. */
static void good(struct talk *t)
{
	ck_assert_int_eq(talk_run(t), TLS_SERVER_SUCCESS);
	ck_assert_msg(t->last == VMP_EAP_TLS_DONE, "%s", vmp_eap_tls_why(t->tls));
}

START_TEST(a_full_handshake)
{
	struct talk t = talk_new(versions[_i]);

	good(&t);
	ck_assert_str_eq(vmp_eap_tls_version(t.tls), names[_i]);
	ck_assert(!vmp_eap_tls_resumed(t.tls));
	/* TLS 1.2: Start, the server's flight, its Finished.  TLS 1.3: Start, the flight, the indication. */
	ck_assert_uint_eq(t.requests, 3 + t.parts);
	talk_clear(&t);
}
END_TEST

/* FreeRADIUS takes P-256 only, unless told otherwise: that must not cost a HelloRetryRequest. */
START_TEST(groups_of_the_server)
{
	static const struct {
		const char *groups;
		unsigned retries;
	} rows[] = { { "P-256", 0 }, { "P-384:P-256", 0 }, { "X25519", 1 }, { "P-384", 1 } };
	struct talk t = talk_new(TLS1_3_VERSION);

	ck_assert_int_eq(SSL_CTX_set1_groups_list(t.server.ctx, rows[_i].groups), 1);
	good(&t);
	ck_assert_uint_eq(t.requests, 3 + rows[_i].retries);
	talk_clear(&t);
}
END_TEST

/* The octet may come with a ticket, after it in a message of its own, or before it. */
START_TEST(the_indication_in_every_place)
{
	struct talk t = talk_new(TLS1_3_VERSION);

	t.server.end = (enum tls_server_end)_i;
	good(&t);
	ck_assert_uint_gt(vmp_eap_tls_session(t.tls, t.session), 0);
	talk_clear(&t);
}
END_TEST

START_TEST(without_the_indication_never_done)
{
	struct talk t = talk_new(TLS1_3_VERSION);

	t.server.end = TLS_SERVER_NEVER;
	ck_assert_int_eq(talk_run(&t), TLS_SERVER_SUCCESS);
	ck_assert_int_eq(t.last, VMP_EAP_TLS_RESPOND);
	ck_assert_uint_eq(vmp_eap_tls_session(t.tls, t.session), 0);
	talk_clear(&t);
}
END_TEST

/* Before it has seen our certificate, the server cannot be content with it. */
START_TEST(an_early_indication_does_not_count)
{
	struct talk t = talk_new(TLS1_3_VERSION);

	SSL_CTX_set_max_early_data(t.server.ctx, 0);
	t.server.end = TLS_SERVER_EARLY;
	ck_assert_int_eq(talk_run(&t), TLS_SERVER_SUCCESS);
	ck_assert_int_eq(t.last, VMP_EAP_TLS_RESPOND);
	talk_clear(&t);
}
END_TEST

START_TEST(small_fragments_of_the_server)
{
	struct talk t = talk_new(versions[_i / 2]);

	t.server.fragment = 64;
	t.server.length_always = _i % 2;
	good(&t);
	ck_assert_uint_gt(t.parts, 10);
	talk_clear(&t);
}
END_TEST

/* Below the CA two more, and keys of RSA 4096 everywhere, on both sides. */
START_TEST(long_chains)
{
	EVP_PKEY *key = EVP_RSA_gen(4096);
	struct maker upper, lower, server, host;
	struct vmp_tls_files files;
	struct talk t;

	EVP_PKEY_up_ref(key);
	upper = maker_new(key, "Upper CA", &tls_world.ca, "critical,CA:TRUE", MAKER_USAGE, 10);
	EVP_PKEY_up_ref(key);
	lower = maker_new(key, "Lower CA", &upper, "critical,CA:TRUE", MAKER_USAGE, 10);
	EVP_PKEY_up_ref(key);
	server = maker_new(key, TLS_WORLD_SERVER, &lower, NULL, NULL, 10);
	host = maker_new(key, "hypervisor", &lower, NULL, NULL, 10);
	tls_world_weigh(&host, &lower, 6000);
	tls_world_write_certs(tls_world.certificate,
			      (const struct maker *const[]){ &host, &lower, &upper, &tls_world.ca, NULL });
	tls_world_write_key(tls_world.key, key, 0600);
	files = tls_world_files();
	t = talk_new_with(&files, &server, (const struct maker *const[]){ &lower, &upper, NULL }, versions[_i]);
	good(&t);
	ck_assert_uint_gt(t.parts, 2);
	ck_assert_uint_gt(t.server.fragments, 5);
	talk_clear(&t);
	maker_clear(&upper);
	maker_clear(&lower);
	maker_clear(&server);
	maker_clear(&host);
}
END_TEST

START_TEST(resumed)
{
	struct talk t = talk_new(versions[_i]);

	good(&t);
	talk_again(&t);
	good(&t);
	ck_assert(vmp_eap_tls_resumed(t.tls));
	ck_assert_str_eq(vmp_eap_tls_version(t.tls), names[_i]);
	/* And again, with what that one gave. */
	talk_again(&t);
	good(&t);
	ck_assert(vmp_eap_tls_resumed(t.tls));
	talk_clear(&t);
}
END_TEST

/* By the server's memory instead of a ticket. */
START_TEST(resumed_by_session_id)
{
	struct talk t = talk_new(versions[_i]);

	SSL_CTX_set_options(t.server.ctx, SSL_OP_NO_TICKET);
	good(&t);
	talk_again(&t);
	good(&t);
	ck_assert(vmp_eap_tls_resumed(t.tls));
	talk_clear(&t);
}
END_TEST

START_TEST(resumption_in_small_fragments)
{
	struct talk t = talk_new(versions[_i]);

	good(&t);
	talk_again(&t);
	t.server.fragment = 20;
	good(&t);
	ck_assert(vmp_eap_tls_resumed(t.tls));
	talk_clear(&t);
}
END_TEST

/* A server that was started anew has other keys for its tickets. */
START_TEST(resumption_refused_ends_in_a_full_handshake)
{
	struct talk t = talk_new(versions[_i]);

	good(&t);
	talk_again(&t);
	SSL_CTX_free(t.server.ctx);
	t.server.ctx = tls_world_server(&tls_world.server, NULL, versions[_i]);
	good(&t);
	ck_assert(!vmp_eap_tls_resumed(t.tls));
	ck_assert_uint_gt(vmp_eap_tls_session(t.tls, t.session), 0);
	talk_clear(&t);
}
END_TEST

START_TEST(a_session_of_another_version)
{
	struct talk t = talk_new(versions[_i]);

	good(&t);
	talk_again(&t);
	SSL_CTX_free(t.server.ctx);
	t.server.ctx = tls_world_server(&tls_world.server, NULL, versions[!_i]);
	good(&t);
	ck_assert(!vmp_eap_tls_resumed(t.tls));
	ck_assert_str_eq(vmp_eap_tls_version(t.tls), names[!_i]);
	talk_clear(&t);
}
END_TEST

/* A draft of RFC 9190 had it so, and who is resumed has been seen before. */
START_TEST(an_early_indication_counts_when_resumed)
{
	struct talk t = talk_new(TLS1_3_VERSION);

	good(&t);
	talk_again(&t);
	t.server.end = TLS_SERVER_EARLY;
	good(&t);
	ck_assert(vmp_eap_tls_resumed(t.tls));
	talk_clear(&t);
}
END_TEST

START_TEST(no_resumption_when_it_is_off)
{
	struct vmp_tls_files files = tls_world_files();
	struct talk t = talk_new(versions[_i]), off;

	good(&t);
	t.session_len = vmp_eap_tls_session(t.tls, t.session);
	ck_assert_uint_gt(t.session_len, 0);
	files.resumption = false;
	off = talk_new_with(&files, &tls_world.server, NULL, versions[_i]);
	good(&off);
	ck_assert_uint_eq(vmp_eap_tls_session(off.tls, off.session), 0);
	/* One that is there all the same, of the same server, is not offered. */
	memcpy(off.session, t.session, t.session_len);
	off.session_len = t.session_len;
	SSL_CTX_free(off.server.ctx);
	off.server.ctx = t.server.ctx;
	SSL_CTX_up_ref(off.server.ctx);
	talk_renew(&off);
	good(&off);
	ck_assert(!vmp_eap_tls_resumed(off.tls));
	talk_clear(&off);
	talk_clear(&t);
}
END_TEST

/* -- certificates -- */

/* @param parts  two texts that the reason must have. */
static void refused(struct talk *t, const char *part, const char *other)
{
	const char *why;

	ck_assert_int_eq(talk_run(t), TLS_SERVER_FAILURE);
	ck_assert_int_eq(t->last, VMP_EAP_TLS_FAILED);
	why = vmp_eap_tls_why(t->tls);
	ck_assert_msg(strstr(why, part) && strstr(why, other), "%s", why);
	ck_assert_uint_eq(vmp_eap_tls_session(t->tls, t->session), 0);
}

static void server_refused(struct maker *server, int version, const char *part, const char *other)
{
	struct vmp_tls_files files = tls_world_files();
	struct talk t = talk_new_with(&files, server, NULL, version);

	refused(&t, part, other);
	talk_clear(&t);
	maker_clear(server);
}

static struct maker server_named(const char *name, const struct maker *issuer, int days)
{
	return maker_new(EVP_EC_gen("P-256"), name, issuer, NULL, NULL, days);
}

START_TEST(a_server_of_another_ca)
{
	struct maker ca = maker_new(EVP_EC_gen("P-256"), "Test CA", NULL, "critical,CA:TRUE", MAKER_USAGE, 30);
	struct maker server = server_named(TLS_WORLD_SERVER, &ca, 10);

	server_refused(&server, versions[_i], "CN=radius.example", "certificate");
	maker_clear(&ca);
}
END_TEST

START_TEST(a_server_of_another_name)
{
	struct maker server = server_named("other.example", &tls_world.ca, 10);

	server_refused(&server, versions[_i], "CN=other.example: hostname mismatch", "expected radius.example");
}
END_TEST

START_TEST(a_server_that_has_ended)
{
	struct maker server = server_named(TLS_WORLD_SERVER, &tls_world.ca, 0);

	server_refused(&server, versions[_i], "CN=radius.example", "certificate has expired");
}
END_TEST

/* Another host of the same CA must not play the server. */
START_TEST(a_server_for_other_purposes)
{
	struct maker server = server_named(TLS_WORLD_SERVER, &tls_world.ca, 10);

	tls_world_extend(&server, &tls_world.ca, NID_ext_key_usage, "clientAuth");
	server_refused(&server, versions[_i], "CN=radius.example", "purpose");
}
END_TEST

START_TEST(names_in_certificates)
{
	static const struct {
		const char *san;
		bool good;
	} rows[] = {
		{ "DNS:radius.example", true },
		{ "DNS:other.example,DNS:radius.example", true },
		{ "DNS:*.example", false }, /* a whole top-level domain */
		{ "DNS:rad*.example", false },
		{ "DNS:other.example", false },
		{ "DNS:*.radius.example", false },
		{ "DNS:radius.example.org", false },
		{ "URI:https://radius.example", true } /* then the common name counts (RFC 6125 6.4.4) */
	};
	struct vmp_tls_files files = tls_world_files();
	struct maker server = server_named(TLS_WORLD_SERVER, &tls_world.ca, 10);
	struct talk t;

	tls_world_extend(&server, &tls_world.ca, NID_subject_alt_name, rows[_i].san);
	t = talk_new_with(&files, &server, NULL, 0);
	ck_assert_int_eq(talk_run(&t), rows[_i].good ? TLS_SERVER_SUCCESS : TLS_SERVER_FAILURE);
	ck_assert_int_eq(t.last, rows[_i].good ? VMP_EAP_TLS_DONE : VMP_EAP_TLS_FAILED);
	talk_clear(&t);
	maker_clear(&server);
}
END_TEST

START_TEST(no_name_is_any_name)
{
	struct maker server = server_named("other.example", &tls_world.ca, 10);
	struct vmp_tls_files files = tls_world_files();
	struct talk t;

	files.server_name = _i ? "" : NULL;
	t = talk_new_with(&files, &server, NULL, 0);
	good(&t);
	talk_clear(&t);
	maker_clear(&server);
}
END_TEST

/* Nobody is authenticated when this is printed. */
START_TEST(a_subject_with_control_characters)
{
	struct maker server = server_named("a\nb\x1b[31m\xc3\xa4", &tls_world.ca, 10);
	struct vmp_tls_files files = tls_world_files();
	struct talk t = talk_new_with(&files, &server, NULL, 0);
	const char *c;

	refused(&t, "CN=a", "hostname mismatch");
	for (c = vmp_eap_tls_why(t.tls); *c; c++)
		ck_assert(*c >= ' ' && *c < 127);
	talk_clear(&t);
	maker_clear(&server);
}
END_TEST

/* The host's certificate is of a CA that the server does not know. */
static struct talk unwanted_host(int version)
{
	struct maker ca = maker_new(EVP_EC_gen("P-256"), "Other CA", NULL, "critical,CA:TRUE", MAKER_USAGE, 30);
	struct maker host = maker_new(EVP_EC_gen("P-256"), "hypervisor", &ca, NULL, NULL, 10);
	struct vmp_tls_files files = tls_world_files();
	struct talk t;

	tls_world_write_certs(tls_world.certificate, (const struct maker *const[]){ &host, NULL });
	tls_world_write_key(tls_world.key, host.key, 0600);
	t = talk_new_with(&files, &tls_world.server, NULL, version);
	maker_clear(&host);
	maker_clear(&ca);
	return t;
}

START_TEST(a_host_that_is_refused)
{
	struct talk t = unwanted_host(versions[_i]);

	refused(&t, "the server's alert: ", "CA");
	talk_clear(&t);
}
END_TEST

/* FreeRADIUS may say Failure at once: that is the supplicant's to read, and nothing here was done. */
START_TEST(a_host_that_is_refused_without_alert)
{
	struct talk t = unwanted_host(versions[_i]);

	t.server.no_alert = true;
	ck_assert_int_eq(talk_run(&t), TLS_SERVER_FAILURE);
	ck_assert_int_eq(t.last, VMP_EAP_TLS_RESPOND);
	talk_clear(&t);
}
END_TEST

START_TEST(versions_without_a_common_one)
{
	struct vmp_tls_files files = tls_world_files();
	struct talk t;

	files.tls12 = _i == 0;
	files.tls13 = _i == 1;
	t = talk_new_with(&files, &tls_world.server, NULL, versions[!_i]);
	refused(&t, "version", "version");
	ck_assert_str_eq(vmp_eap_tls_version(t.tls), "");
	talk_clear(&t);
}
END_TEST

START_TEST(weak_ciphers_are_not_spoken)
{
	static const char *const weak[] = { "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "DHE-RSA-AES128-GCM-SHA256",
					    "ECDHE-ECDSA-AES256-SHA384" };
	struct talk t = talk_new(TLS1_2_VERSION);

	ck_assert_int_eq(SSL_CTX_set_cipher_list(t.server.ctx, weak[_i]), 1);
	refused(&t, "alert: ", "handshake failure");
	talk_clear(&t);
}
END_TEST

/* [octets] of heap that one conversation holds at most, after a request; the server's are not counted. */
static size_t most_memory(struct talk *t)
{
	uint8_t in[TALK_ROOM], out[TALK_ROOM];
	size_t in_len, out_len, before = mallinfo2().uordblks, held, most = 0;

	t->tls = vmp_eap_tls_new(t->identity, t->session, t->session_len);
	held = mallinfo2().uordblks - before;
	in_len = tls_server_start(&t->server, in);
	do {
		before = mallinfo2().uordblks;
		t->last = vmp_eap_tls_request(t->tls, in, in_len, out, &out_len);
		held += mallinfo2().uordblks - before;
		most = held > most ? held : most;
	} while (t->last == VMP_EAP_TLS_RESPOND &&
		 tls_server_response(&t->server, out, out_len, in, &in_len) == TLS_SERVER_REQUEST);
	ck_assert_int_eq(t->last, VMP_EAP_TLS_DONE);
	return most;
}

/* For hundreds of guests that start together. */
START_TEST(memory_of_a_conversation)
{
	struct talk t = talk_new(versions[_i / 2]);
	size_t most;

	/* What OpenSSL sets up once is not counted. */
	good(&t);
	talk_again(&t);
	good(&t);
	talk_again(&t);
	vmp_eap_tls_free(t.tls);
	if (_i % 2)
		t.session_len = 0;
	most = most_memory(&t);

	ck_assert_msg(most < (size_t)64 * 1024, "%zu octets", most);
	talk_clear(&t);
}
END_TEST

Suite *check_eap_tls(void)
{
	Suite *s = suite_create("eap_tls");
	TCase *t = tcase_create("eap_tls"), *certs = tcase_create("certificates");

	tcase_add_checked_fixture(t, tls_world_setup, tls_world_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, a_full_handshake, 0, 2);
	tcase_add_loop_test(t, groups_of_the_server, 0, 4);
	tcase_add_loop_test(t, the_indication_in_every_place, TLS_SERVER_TOGETHER, TLS_SERVER_EARLY);
	tcase_add_test(t, without_the_indication_never_done);
	tcase_add_test(t, an_early_indication_does_not_count);
	tcase_add_loop_test(t, small_fragments_of_the_server, 0, 4);
	tcase_add_loop_test(t, long_chains, 0, 2);
	tcase_add_loop_test(t, resumed, 0, 2);
	tcase_add_loop_test(t, resumed_by_session_id, 0, 2);
	tcase_add_loop_test(t, resumption_in_small_fragments, 0, 2);
	tcase_add_loop_test(t, resumption_refused_ends_in_a_full_handshake, 0, 2);
	tcase_add_loop_test(t, a_session_of_another_version, 0, 2);
	tcase_add_test(t, an_early_indication_counts_when_resumed);
	tcase_add_loop_test(t, no_resumption_when_it_is_off, 0, 2);
	tcase_add_loop_test(t, memory_of_a_conversation, 0, 4);
	suite_add_tcase(s, t);

	tcase_add_checked_fixture(certs, tls_world_setup, tls_world_teardown);
	tcase_set_timeout(certs, 60);
	tcase_add_loop_test(certs, a_server_of_another_ca, 0, 2);
	tcase_add_loop_test(certs, a_server_of_another_name, 0, 2);
	tcase_add_loop_test(certs, a_server_that_has_ended, 0, 2);
	tcase_add_loop_test(certs, a_server_for_other_purposes, 0, 2);
	tcase_add_loop_test(certs, names_in_certificates, 0, 8);
	tcase_add_loop_test(certs, no_name_is_any_name, 0, 2);
	tcase_add_test(certs, a_subject_with_control_characters);
	tcase_add_loop_test(certs, a_host_that_is_refused, 0, 2);
	tcase_add_loop_test(certs, a_host_that_is_refused_without_alert, 0, 2);
	tcase_add_loop_test(certs, versions_without_a_common_one, 0, 2);
	tcase_add_loop_test(certs, weak_ciphers_are_not_spoken, 0, 4);
	suite_add_tcase(s, certs);
	return s;
}
