/* TLS with certificates of files: whom it takes, and what becomes of files that are not good. */
#include "suites_evlib.h"
#include "tls_files.h"
#include "tls_pair.h"
#include "../tls_world.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct tls_files *files;

static struct tls_files *make(enum tls_role role)
{
	const struct tls_files_settings settings = { .role = role,
						     .certificate = tls_world.certificate,
						     .key = tls_world.key,
						     .ca = tls_world.ca_file,
						     .http = true };

	tls_files_free(files);
	files = tls_files_new(&settings, NULL);
	ck_assert_ptr_nonnull(files);
	return files;
}

static void load(void)
{
	struct vmp_msg msg = { "" };

	ck_assert_msg(tls_files_load(files, &msg) == VMP_OK, "%s", msg.text);
	ck_assert(tls_files_ready(files));
}

static void refused(int err, const char *part, const char *other)
{
	struct vmp_msg msg = { "" };

	ck_assert_int_eq(tls_files_load(files, &msg), err);
	ck_assert_msg(strstr(msg.text, part) && strstr(msg.text, other), "%s", msg.text);
}

static void teardown(void)
{
	tls_files_free(files);
	files = NULL;
	tls_world_teardown();
}

static bool takes_client(const struct maker *client)
{
	struct tls_pair p = tls_pair_shake(tls_pair_client(client), tls_files_ssl(files));
	bool works = tls_pair_works(&p);

	tls_pair_clear(&p);
	return works;
}

static bool takes_server(const struct maker *server)
{
	struct tls_pair p = tls_pair_shake(tls_files_ssl(files), tls_pair_server(server));
	bool works = tls_pair_works(&p);

	tls_pair_clear(&p);
	return works;
}

/* The host of tls_world as its file has it. */
static void write_host(const char *usage)
{
	if (usage)
		tls_world_extend(&tls_world.host, &tls_world.ca, NID_ext_key_usage, usage);
	tls_world_write_certs(tls_world.certificate, (const struct maker *const[]){ &tls_world.host, NULL });
}

/* -- files -------------------------------------------------------------------------------------------------------- */

START_TEST(nothing_before_it_is_loaded)
{
	make(TLS_SERVER);
	ck_assert(!tls_files_ready(files));
	ck_assert_ptr_null(tls_files_ssl(files));
	ck_assert_ptr_null(tls_files_new_ssl(files));
}
END_TEST

START_TEST(a_file_that_is_missing)
{
	const char *const paths[] = { tls_world.certificate, tls_world.key, tls_world.ca_file };

	make((enum tls_role)(_i / 3));
	ck_assert_int_eq(unlink(paths[_i % 3]), 0);
	refused(VMP_ENOENT, paths[_i % 3], "No such file");
	ck_assert(!tls_files_ready(files));
}
END_TEST

START_TEST(a_key_of_another_certificate)
{
	make(TLS_SERVER);
	tls_world_write_key(tls_world.key, tls_world.server.key, 0600);
	refused(VMP_EINVAL, tls_world.key, "not the key of");
}
END_TEST

START_TEST(a_key_that_others_may_read)
{
	make(TLS_CLIENT);
	tls_world_write_key(tls_world.key, tls_world.host.key, 0640);
	refused(VMP_EINVAL, tls_world.key, "mode 640");
}
END_TEST

START_TEST(a_certificate_that_has_ended)
{
	struct maker old;

	EVP_PKEY_up_ref(tls_world.host.key);
	old = maker_new(tls_world.host.key, "old", &tls_world.ca, NULL, NULL, 0);
	tls_world_write_certs(tls_world.certificate, (const struct maker *const[]){ &old, NULL });
	maker_clear(&old);
	make(TLS_SERVER);
	refused(VMP_EINVAL, tls_world.certificate, "ended");
}
END_TEST

START_TEST(a_certificate_for_another_role)
{
	write_host(_i == TLS_CLIENT ? "serverAuth" : "clientAuth");
	make((enum tls_role)_i);
	refused(VMP_EINVAL, tls_world.certificate, _i == TLS_CLIENT ? "clientAuth" : "serverAuth");
}
END_TEST

START_TEST(a_certificate_for_both_roles)
{
	write_host("clientAuth,serverAuth");
	make((enum tls_role)_i);
	load();
}
END_TEST

START_TEST(what_was_loaded_stays)
{
	FILE *out;

	make(TLS_SERVER);
	load();
	out = fopen(_i ? tls_world.ca_file : tls_world.certificate, "w");
	fputs("no PEM\n", out);
	fclose(out);
	refused(VMP_EINVAL, _i ? tls_world.ca_file : tls_world.certificate, "PEM");
	ck_assert(tls_files_ready(files));
	ck_assert(takes_client(&tls_world.host));
}
END_TEST

START_TEST(new_files_for_new_connections)
{
	struct tls_pair before, after;

	make(TLS_SERVER);
	load();
	before = tls_pair_shake(tls_pair_client(NULL), tls_files_ssl(files));
	tls_world_write_certs(tls_world.certificate, (const struct maker *const[]){ &tls_world.server, NULL });
	tls_world_write_key(tls_world.key, tls_world.server.key, 0600);
	load();
	after = tls_pair_shake(tls_pair_client(NULL), tls_files_ssl(files));
	ck_assert(tls_pair_works(&before) && tls_pair_works(&after));
	ck_assert(X509_cmp(SSL_get0_peer_certificate(before.client), tls_world.host.cert) == 0);
	ck_assert(X509_cmp(SSL_get0_peer_certificate(after.client), tls_world.server.cert) == 0);
	tls_pair_clear(&before);
	tls_pair_clear(&after);
}
END_TEST

/* -- roles -------------------------------------------------------------------------------------------------------- */

START_TEST(clients_without_a_certificate)
{
	make(TLS_SERVER_REQUIRED);
	load();
	ck_assert(!takes_client(NULL));
	make(TLS_SERVER);
	load();
	ck_assert(takes_client(NULL));
}
END_TEST

START_TEST(clients_of_another_ca)
{
	struct maker other = maker_new(EVP_EC_gen("P-256"), "Test CA", NULL, "critical,CA:TRUE", MAKER_USAGE, 30);
	struct maker client = maker_new(EVP_EC_gen("P-256"), "hypervisor", &other, NULL, NULL, 10);

	make((enum tls_role)_i);
	load();
	ck_assert(!takes_client(&client));
	ck_assert(takes_client(&tls_world.host));
	maker_clear(&client);
	maker_clear(&other);
}
END_TEST

START_TEST(clients_with_a_certificate_for_servers)
{
	make((enum tls_role)_i);
	load();
	tls_world_extend(&tls_world.server, &tls_world.ca, NID_ext_key_usage, "serverAuth");
	ck_assert(!takes_client(&tls_world.server));
}
END_TEST

START_TEST(servers_of_another_ca_or_purpose)
{
	struct maker other = maker_new(EVP_EC_gen("P-256"), "Test CA", NULL, "critical,CA:TRUE", MAKER_USAGE, 30);
	struct maker server = maker_new(EVP_EC_gen("P-256"), TLS_WORLD_SERVER, &other, NULL, NULL, 10);

	make(TLS_CLIENT);
	load();
	ck_assert(!takes_server(&server));
	ck_assert(takes_server(&tls_world.server));
	tls_world_extend(&tls_world.server, &tls_world.ca, NID_ext_key_usage, "clientAuth");
	ck_assert(!takes_server(&tls_world.server));
	maker_clear(&server);
	maker_clear(&other);
}
END_TEST

START_TEST(older_versions)
{
	SSL *client = tls_pair_client(NULL);
	struct tls_pair p;

	make(TLS_SERVER);
	load();
	SSL_set_max_proto_version(client, TLS1_2_VERSION);
	p = tls_pair_shake(client, tls_files_ssl(files));
	ck_assert(!p.client_done && !p.server_done);
	tls_pair_clear(&p);
}
END_TEST

START_TEST(what_is_spoken)
{
	static const struct {
		const char *offer, *chosen;
	} cases[] = { { "\10http/1.1", "http/1.1" }, { "\2h2\10http/1.1", "http/1.1" }, { "\2h2", "" } };
	SSL *client = tls_pair_client(NULL);
	const unsigned char *chosen = NULL;
	struct tls_pair p;
	unsigned len = 0;

	make(TLS_SERVER);
	load();
	ck_assert(SSL_set_alpn_protos(client, (const unsigned char *)cases[_i].offer,
				      (unsigned)strlen(cases[_i].offer)) == 0);
	p = tls_pair_shake(client, tls_files_ssl(files));
	ck_assert(tls_pair_works(&p));
	SSL_get0_alpn_selected(p.client, &chosen, &len);
	ck_assert_uint_eq(len, strlen(cases[_i].chosen));
	ck_assert(len == 0 || memcmp(chosen, cases[_i].chosen, len) == 0);
	tls_pair_clear(&p);
}
END_TEST

/* -- whose certificates are taken --------------------------------------------------------------------------------- */

static struct maker issuing, client;

/* A CA below tls_world's, and a client of it; ca.pem has what list says. */
static void issuing_ca(const struct maker *const *list)
{
	issuing = maker_new(EVP_EC_gen("P-256"), "Issuing CA", &tls_world.ca, "critical,CA:TRUE", MAKER_USAGE, 20);
	client = maker_new(EVP_EC_gen("P-256"), "client", &issuing, NULL, NULL, 10);
	tls_world_write_certs(tls_world.ca_file, list);
	make(TLS_SERVER_REQUIRED);
	load();
}

static void issuing_gone(void)
{
	maker_clear(&client);
	maker_clear(&issuing);
}

START_TEST(an_issuing_ca_alone)
{
	issuing_ca((const struct maker *const[]){ &issuing, NULL });
	ck_assert(takes_client(&client));
	ck_assert(!takes_client(&tls_world.host));
	issuing_gone();
}
END_TEST

START_TEST(an_issuing_ca_and_its_root)
{
	issuing_ca(_i ? (const struct maker *const[]){ &tls_world.ca, &issuing, NULL }
		      : (const struct maker *const[]){ &issuing, &tls_world.ca, NULL });
	ck_assert(takes_client(&client));
	/* The root may have further issuing CAs, whose certificates are not ours. */
	ck_assert(!takes_client(&tls_world.host));
	issuing_gone();
}
END_TEST

START_TEST(a_root_and_its_successor)
{
	struct maker next, there;

	next = maker_new(EVP_EC_gen("P-256"), "Test CA", NULL, "critical,CA:TRUE", MAKER_USAGE, 30);
	there = maker_new(EVP_EC_gen("P-256"), "there", &next, NULL, NULL, 10);
	tls_world_write_certs(tls_world.ca_file, (const struct maker *const[]){ &tls_world.ca, &next, NULL });
	make(TLS_SERVER_REQUIRED);
	load();
	ck_assert(takes_client(&tls_world.host));
	ck_assert(takes_client(&there));
	maker_clear(&there);
	maker_clear(&next);
}
END_TEST

/* Without key identifiers it takes the signature to tell whose it is. */
static void forget_key_id(struct maker *m, const struct maker *issuer)
{
	int at = X509_get_ext_by_NID(m->cert, NID_authority_key_identifier, -1);

	ck_assert_int_ge(at, 0);
	X509_EXTENSION_free(X509_delete_ext(m->cert, at));
	ck_assert(X509_sign(m->cert, issuer->key, EVP_sha256()) > 0);
}

START_TEST(roots_of_one_name)
{
	struct maker next, there, below;

	next = maker_new(EVP_EC_gen("P-256"), "Test CA", NULL, "critical,CA:TRUE", MAKER_USAGE, 30);
	there = maker_new(EVP_EC_gen("P-256"), "there", &next, NULL, NULL, 10);
	below = maker_new(EVP_EC_gen("P-256"), "Issuing CA", &tls_world.ca, "critical,CA:TRUE", MAKER_USAGE, 20);
	forget_key_id(&below, &tls_world.ca);
	tls_world_write_certs(tls_world.ca_file, (const struct maker *const[]){ &tls_world.ca, &next, &below, NULL });
	make(TLS_SERVER_REQUIRED);
	load();
	ck_assert(!takes_client(&tls_world.host));
	ck_assert(takes_client(&there));
	maker_clear(&below);
	maker_clear(&there);
	maker_clear(&next);
}
END_TEST

START_TEST(a_root_that_was_renewed_with_its_key)
{
	struct maker again;

	EVP_PKEY_up_ref(tls_world.ca.key);
	again = maker_new(tls_world.ca.key, "Test CA", NULL, "critical,CA:TRUE", MAKER_USAGE, 60);
	tls_world_write_certs(tls_world.ca_file,
			      (const struct maker *const[]){ &tls_world.ca, &again, &tls_world.ca, NULL });
	make(TLS_SERVER_REQUIRED);
	load();
	ck_assert(takes_client(&tls_world.host));
	maker_clear(&again);
}
END_TEST

Suite *check_tls_files(void)
{
	Suite *s = suite_create("tls_files");
	TCase *tc = tcase_create("files");

	tcase_add_checked_fixture(tc, tls_world_setup, teardown);
	tcase_add_test(tc, nothing_before_it_is_loaded);
	tcase_add_loop_test(tc, a_file_that_is_missing, 0, 9);
	tcase_add_test(tc, a_key_of_another_certificate);
	tcase_add_test(tc, a_key_that_others_may_read);
	tcase_add_test(tc, a_certificate_that_has_ended);
	tcase_add_loop_test(tc, a_certificate_for_another_role, TLS_SERVER, TLS_CLIENT + 1);
	tcase_add_loop_test(tc, a_certificate_for_both_roles, TLS_SERVER, TLS_CLIENT + 1);
	tcase_add_loop_test(tc, what_was_loaded_stays, 0, 2);
	tcase_add_test(tc, new_files_for_new_connections);
	tcase_add_test(tc, clients_without_a_certificate);
	tcase_add_loop_test(tc, clients_of_another_ca, TLS_SERVER, TLS_CLIENT);
	tcase_add_loop_test(tc, clients_with_a_certificate_for_servers, TLS_SERVER, TLS_CLIENT);
	tcase_add_test(tc, servers_of_another_ca_or_purpose);
	tcase_add_test(tc, older_versions);
	tcase_add_loop_test(tc, what_is_spoken, 0, 3);
	tcase_add_test(tc, an_issuing_ca_alone);
	tcase_add_loop_test(tc, an_issuing_ca_and_its_root, 0, 2);
	tcase_add_test(tc, a_root_and_its_successor);
	tcase_add_test(tc, roots_of_one_name);
	tcase_add_test(tc, a_root_that_was_renewed_with_its_key);
	suite_add_tcase(s, tc);
	return s;
}
