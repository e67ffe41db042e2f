/* Files of an identity, and what is bound to it. */
#include "suites.h"
#include "tls_talk.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* @param part,other  texts that the message must have. */
static void refused(const struct vmp_tls_files *files, int err, const char *part, const char *other)
{
	struct vmp_tls_identity *identity = (struct vmp_tls_identity *)&err;
	struct vmp_msg msg = { "" };

	ck_assert_int_eq(vmp_tls_identity_new(files, &identity, &msg), err);
	ck_assert_ptr_eq(identity, &err);
	ck_assert_msg(strstr(msg.text, part) && strstr(msg.text, other), "%s", msg.text);
	/* A message is not always wanted. */
	ck_assert_int_eq(vmp_tls_identity_new(files, &identity, NULL), err);
}

START_TEST(files_that_are_missing)
{
	struct vmp_tls_files files = tls_world_files();
	char path[700];

	snprintf(path, sizeof(path), "%s.missing", tls_world.key);
	*(const char **[]){ &files.certificate, &files.key, &files.ca }[_i] = path;
	refused(&files, VMP_ENOENT, path, "No such file");
}
END_TEST

START_TEST(files_that_hold_something_else)
{
	struct vmp_tls_files files = tls_world_files();
	const char *path = (const char *[]){ files.certificate, files.key, files.ca }[_i];
	static const char *const expected[] = { "certificates in PEM", "private key in PEM", "certificates in PEM" };
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	fputs("no PEM\n", out);
	fclose(out);
	refused(&files, VMP_EINVAL, path, expected[_i]);
	ck_assert_int_eq(truncate(path, 0), 0);
	refused(&files, VMP_EINVAL, path, expected[_i]);
}
END_TEST

START_TEST(files_that_are_cut)
{
	struct vmp_tls_files files = tls_world_files();
	const char *path = (const char *[]){ files.certificate, files.key, files.ca }[_i];

	ck_assert_int_eq(truncate(path, 150), 0);
	refused(&files, VMP_EINVAL, path, "in PEM");
}
END_TEST

START_TEST(a_directory_is_no_file)
{
	struct vmp_tls_files files = tls_world_files();

	*(const char **[]){ &files.certificate, &files.key, &files.ca }[_i] = "/";
	refused(&files, VMP_EINVAL, "/", "expected a file");
}
END_TEST

START_TEST(a_key_that_others_may_read)
{
	static const mode_t modes[] = { 0640, 0604, 0660, 0601, 0644, 0620 };
	static const char *const texts[] = { "mode 640", "mode 604", "mode 660", "mode 601", "mode 644", "mode 620" };
	struct vmp_tls_files files = tls_world_files();

	ck_assert_int_eq(chmod(files.key, modes[_i]), 0);
	refused(&files, VMP_EINVAL, files.key, texts[_i]);
	ck_assert_int_eq(chmod(files.key, 0400), 0);
	vmp_tls_identity_free(tls_world_identity(&files));
}
END_TEST

START_TEST(a_key_of_another_certificate)
{
	EVP_PKEY *key = _i ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
	struct vmp_tls_files files = tls_world_files();

	tls_world_write_key(files.key, key, 0600);
	EVP_PKEY_free(key);
	refused(&files, VMP_EINVAL, files.key, "not the key of");
}
END_TEST

START_TEST(a_key_with_a_passphrase)
{
	struct vmp_tls_files files = tls_world_files();
	FILE *out = fopen(files.key, "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_eq(PEM_write_PKCS8PrivateKey(out, tls_world.host.key, EVP_aes_256_cbc(), "secret", 6, NULL, NULL),
			 1);
	fclose(out);
	refused(&files, VMP_EINVAL, files.key, "without a passphrase");
}
END_TEST

START_TEST(a_certificate_that_has_ended)
{
	struct vmp_tls_files files = tls_world_files();
	struct maker host;

	EVP_PKEY_up_ref(tls_world.host.key);
	host = maker_new(tls_world.host.key, "hypervisor", &tls_world.ca, NULL, NULL, 0);
	tls_world_write_certs(files.certificate, (const struct maker *const[]){ &host, NULL });
	maker_clear(&host);
	refused(&files, VMP_EINVAL, files.certificate, "the certificate ended");
}
END_TEST

/* SECURITY_LEVEL */
START_TEST(a_key_that_is_weak)
{
	struct maker host = maker_new(EVP_RSA_gen(1024), "hypervisor", &tls_world.ca, NULL, NULL, 10);
	struct vmp_tls_files files = tls_world_files();

	tls_world_write_certs(files.certificate, (const struct maker *const[]){ &host, NULL });
	tls_world_write_key(files.key, host.key, 0600);
	maker_clear(&host);
	refused(&files, VMP_EINVAL, files.certificate, "key too small");
}
END_TEST

START_TEST(server_names_that_are_none)
{
	static const char *const bad[] = { ".example",	    "radius example", "*.example", "radius\n.example",
					   "rad\xc3\xafus", "radius/example", "[::1]" };
	struct vmp_tls_files files = tls_world_files();
	char longest[255];

	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	files.server_name = _i < (int)COUNT(bad) ? bad[_i] : longest;
	refused(&files, VMP_EINVAL, "server name", "expected a DNS name");
	longest[sizeof(longest) - 2] = '\0';
	files.server_name = longest;
	vmp_tls_identity_free(tls_world_identity(&files));
}
END_TEST

START_TEST(no_version_is_no_identity)
{
	struct vmp_tls_files files = tls_world_files();

	files.tls12 = files.tls13 = false;
	refused(&files, VMP_EINVAL, "TLS 1.2", "TLS 1.3");
}
END_TEST

/* Whoever goes first, a sanitizer sees what is used after, or never freed. */
START_TEST(references)
{
	struct talk t = talk_new(0);
	struct vmp_eap_tls *second;

	ck_assert_ptr_eq(vmp_tls_identity_ref(t.identity), t.identity);
	second = vmp_eap_tls_new(t.identity, NULL, 0);
	vmp_tls_identity_free(t.identity);
	vmp_tls_identity_free(t.identity);
	/* The conversations' own keep it. */
	ck_assert_int_eq(talk_run(&t), TLS_SERVER_SUCCESS);
	ck_assert_int_eq(t.last, VMP_EAP_TLS_DONE);
	vmp_eap_tls_free(second);
	t.identity = NULL;
	talk_clear(&t);
	vmp_eap_tls_free(NULL);
	vmp_tls_identity_free(NULL);
}
END_TEST

/* -- sessions are bound to it -- */

/* A conversation that was good, and its session. */
static struct talk with_session(int version)
{
	struct talk t = talk_new(version);

	ck_assert_int_eq(talk_run(&t), TLS_SERVER_SUCCESS);
	t.session_len = vmp_eap_tls_session(t.tls, t.session);
	ck_assert_uint_gt(t.session_len, 0);
	return t;
}

/* What happens with t's session under an identity of these files. */
static void offered(struct talk *t, const struct vmp_tls_files *files, bool resumed)
{
	vmp_tls_identity_free(t->identity);
	t->identity = tls_world_identity(files);
	talk_renew(t);
	ck_assert_int_eq(talk_run(t), TLS_SERVER_SUCCESS);
	ck_assert_int_eq(t->last, VMP_EAP_TLS_DONE);
	ck_assert_int_eq(vmp_eap_tls_resumed(t->tls), resumed);
}

START_TEST(the_same_files_resume)
{
	struct vmp_tls_files files = tls_world_files();
	struct talk t = with_session(_i ? TLS1_3_VERSION : TLS1_2_VERSION);

	offered(&t, &files, true);
	talk_clear(&t);
}
END_TEST

START_TEST(after_renewal_the_session_is_not_offered)
{
	struct vmp_tls_files files = tls_world_files();
	struct talk t = with_session(_i ? TLS1_3_VERSION : TLS1_2_VERSION);
	struct maker host;

	EVP_PKEY_up_ref(tls_world.host.key);
	host = maker_new(tls_world.host.key, "hypervisor", &tls_world.ca, NULL, NULL, 20);
	tls_world_write_certs(files.certificate, (const struct maker *const[]){ &host, NULL });
	maker_clear(&host);
	offered(&t, &files, false);
	talk_clear(&t);
}
END_TEST

/* Who was verified for any name was not verified for this one. */
START_TEST(with_another_name_the_session_is_not_offered)
{
	struct vmp_tls_files files = tls_world_files();
	struct talk t;

	files.server_name = NULL;
	t = talk_new_with(&files, &tls_world.server, NULL, _i ? TLS1_3_VERSION : TLS1_2_VERSION);
	ck_assert_int_eq(talk_run(&t), TLS_SERVER_SUCCESS);
	t.session_len = vmp_eap_tls_session(t.tls, t.session);
	files.server_name = TLS_WORLD_SERVER;
	offered(&t, &files, false);
	talk_clear(&t);
}
END_TEST

START_TEST(with_another_ca_the_session_is_not_offered)
{
	struct vmp_tls_files files = tls_world_files();
	struct talk t = with_session(_i ? TLS1_3_VERSION : TLS1_2_VERSION);
	struct maker more = maker_new(EVP_EC_gen("P-256"), "More", NULL, "critical,CA:TRUE", MAKER_USAGE, 30);

	tls_world_write_certs(files.ca, (const struct maker *const[]){ &tls_world.ca, &more, NULL });
	maker_clear(&more);
	offered(&t, &files, false);
	talk_clear(&t);
}
END_TEST

START_TEST(a_version_that_is_off_is_not_resumed)
{
	struct vmp_tls_files files = tls_world_files();
	struct talk t = with_session(_i ? TLS1_3_VERSION : TLS1_2_VERSION);

	files.tls13 = !_i;
	files.tls12 = _i;
	SSL_CTX_set_min_proto_version(t.server.ctx, TLS1_2_VERSION);
	SSL_CTX_set_max_proto_version(t.server.ctx, TLS1_3_VERSION);
	offered(&t, &files, false);
	talk_clear(&t);
}
END_TEST

/* The second eight octets say when the server's certificate ends: resumption does not outlive it. */
START_TEST(after_the_servers_end_it_is_not_offered)
{
	struct vmp_tls_files files = tls_world_files();
	struct talk t = with_session(_i ? TLS1_3_VERSION : TLS1_2_VERSION);
	size_t i;
	int64_t ends = 0;

	for (i = 8; i < 16; i++)
		ends = ends << 8 | t.session[i];
	/* The earlier one: the server's, not the CA's. */
	ck_assert_int_eq((ends - time(NULL) + 3600 + 60) / MAKER_DAY, 10);
	memset(t.session + 8, 0, 8);
	offered(&t, &files, false);
	talk_clear(&t);
}
END_TEST

/* It goes over into what a resumed conversation gives. */
START_TEST(the_end_is_inherited)
{
	struct talk t = with_session(_i ? TLS1_3_VERSION : TLS1_2_VERSION);
	uint8_t before[8];

	t.session[15] ^= 1;
	memcpy(before, t.session + 8, 8);
	talk_renew(&t);
	ck_assert_int_eq(talk_run(&t), TLS_SERVER_SUCCESS);
	ck_assert(vmp_eap_tls_resumed(t.tls));
	ck_assert_uint_gt(vmp_eap_tls_session(t.tls, t.session), 16);
	ck_assert_mem_eq(t.session + 8, before, 8);
	talk_clear(&t);
}
END_TEST

/* Damaged ones are of no use, and do no harm. */
START_TEST(sessions_that_are_damaged)
{
	struct talk t = with_session(_i % 2 ? TLS1_3_VERSION : TLS1_2_VERSION);
	size_t len = t.session_len, at = 16 + (size_t)_i * 5 % (len - 16);

	if (_i < 20)
		t.session[at] ^= (uint8_t)(1 << _i % 8);
	else
		t.session_len = at - 16;
	talk_renew(&t);
	/* A master secret that is another one is found out by the Finished. */
	(void)talk_run(&t);
	ck_assert(t.last == VMP_EAP_TLS_DONE || t.last == VMP_EAP_TLS_FAILED);
	talk_clear(&t);
}
END_TEST

START_TEST(sessions_of_no_size)
{
	struct talk t = with_session(0);
	uint8_t big[VMP_TLS_SESSION_MAX + 1] = { 0 };

	memcpy(big, t.session, t.session_len);
	vmp_eap_tls_free(vmp_eap_tls_new(t.identity, big, sizeof(big)));
	vmp_eap_tls_free(vmp_eap_tls_new(t.identity, big, 0));
	vmp_eap_tls_free(vmp_eap_tls_new(t.identity, NULL, 100));
	vmp_eap_tls_free(vmp_eap_tls_new(t.identity, big, 16));
	vmp_eap_tls_free(vmp_eap_tls_new(t.identity, big, t.session_len + 1));
	talk_clear(&t);
}
END_TEST

Suite *check_eap_tls_identity(void)
{
	Suite *s = suite_create("eap_tls_identity");
	TCase *t = tcase_create("eap_tls_identity"), *sessions = tcase_create("sessions");

	tcase_add_checked_fixture(t, tls_world_setup, tls_world_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, files_that_are_missing, 0, 3);
	tcase_add_loop_test(t, files_that_hold_something_else, 0, 3);
	tcase_add_loop_test(t, files_that_are_cut, 0, 3);
	tcase_add_loop_test(t, a_directory_is_no_file, 0, 3);
	tcase_add_loop_test(t, a_key_that_others_may_read, 0, 6);
	tcase_add_loop_test(t, a_key_of_another_certificate, 0, 2);
	tcase_add_test(t, a_key_with_a_passphrase);
	tcase_add_test(t, a_certificate_that_has_ended);
	tcase_add_test(t, a_key_that_is_weak);
	tcase_add_loop_test(t, server_names_that_are_none, 0, 8);
	tcase_add_test(t, no_version_is_no_identity);
	tcase_add_test(t, references);
	suite_add_tcase(s, t);

	tcase_add_checked_fixture(sessions, tls_world_setup, tls_world_teardown);
	tcase_set_timeout(sessions, 60);
	tcase_add_loop_test(sessions, the_same_files_resume, 0, 2);
	tcase_add_loop_test(sessions, after_renewal_the_session_is_not_offered, 0, 2);
	tcase_add_loop_test(sessions, with_another_name_the_session_is_not_offered, 0, 2);
	tcase_add_loop_test(sessions, with_another_ca_the_session_is_not_offered, 0, 2);
	tcase_add_loop_test(sessions, a_version_that_is_off_is_not_resumed, 0, 2);
	tcase_add_loop_test(sessions, after_the_servers_end_it_is_not_offered, 0, 2);
	tcase_add_loop_test(sessions, the_end_is_inherited, 0, 2);
	tcase_add_loop_test(sessions, sessions_that_are_damaged, 0, 40);
	tcase_add_test(sessions, sessions_of_no_size);
	suite_add_tcase(s, sessions);
	return s;
}
