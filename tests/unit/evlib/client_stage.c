#include "client_stage.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct client_stage stage;

/* -- the last answer -------------------------------------------------------------------------------------------- */

void stage_answered(void *ctx, int status, const char *text, size_t len, const char *reason)
{
	(void)ctx;
	ck_assert_uint_eq(strlen(text), len);
	stage.answers++;
	stage.got = status;
	free(stage.body);
	stage.body = strdup(text);
	snprintf(stage.why, sizeof(stage.why), "%s", reason);
	event_base_loopbreak(stage.base);
}

/* Let the loop turn until an answer is there. */
void stage_await(void)
{
	static const struct timeval longest = { .tv_sec = 20 };
	unsigned before = stage.answers;

	event_base_loopexit(stage.base, &longest);
	event_base_dispatch(stage.base);
	ck_assert_uint_eq(stage.answers, before + 1);
}

void stage_turn(void)
{
	static const struct timeval shortly = { .tv_usec = 50000 };

	event_base_loopexit(stage.base, &shortly);
	event_base_dispatch(stage.base);
}

/* -- certificates ----------------------------------------------------------------------------------------------- */

struct maker stage_certificate(const char *name, const struct maker *ca, const char *purpose, const char *san)
{
	struct maker m = maker_new(EVP_EC_gen("P-256"), name, ca, NULL, NULL, 10);

	tls_world_extend(&m, ca, NID_ext_key_usage, purpose);
	if (san)
		tls_world_extend(&m, ca, NID_subject_alt_name, san);
	return m;
}

void stage_write_pair(const struct maker *m, const char *cert_path, const char *key_path)
{
	tls_world_write_certs(cert_path, (const struct maker *const[]){ m, NULL });
	tls_world_write_key(key_path, m->key, 0600);
}

static void path_of(char out[FOLDER_PATH], const char *name)
{
	snprintf(out, FOLDER_PATH, "%s", folder_path(name));
}

void stage_setup(void)
{
	folder_setup();
	stage.base = event_base_new();
	stage.server_ca = maker_new(EVP_EC_gen("P-256"), "Server CA", NULL, "critical,CA:TRUE", MAKER_USAGE, 30);
	stage.proxy_ca = maker_new(EVP_EC_gen("P-256"), "Proxy CA", NULL, "critical,CA:TRUE", MAKER_USAGE, 30);
	stage.server_own = stage_certificate("policyd", &stage.server_ca, "serverAuth", "IP:" STAGE_IS);
	stage.proxy_own = stage_certificate("52:54:00:00:00:01", &stage.proxy_ca, "serverAuth,clientAuth", NULL);
	stage.server_client = stage_certificate("for the server", &stage.server_ca, "clientAuth", NULL);
	stage.proxy_client = stage_certificate("for the proxy", &stage.proxy_ca, "clientAuth", NULL);
	path_of(stage.server_ca_file, "server-ca.pem");
	path_of(stage.proxy_ca_file, "proxy-ca.pem");
	path_of(stage.certificate, "own.pem");
	path_of(stage.key, "own.key");
	path_of(stage.proxy_certificate, "proxy.pem");
	path_of(stage.proxy_key, "proxy.key");
	tls_world_write_certs(stage.server_ca_file, (const struct maker *const[]){ &stage.server_ca, NULL });
	tls_world_write_certs(stage.proxy_ca_file, (const struct maker *const[]){ &stage.proxy_ca, NULL });
	stage_write_pair(&stage.server_client, stage.certificate, stage.key);
	stage_write_pair(&stage.proxy_client, stage.proxy_certificate, stage.proxy_key);
	stage.settings =
		(struct http_client_settings){ .ca = stage.server_ca_file, .agent = "test/1", .timeout_ms = 10000 };
	stage.answers = 0;
}

void stage_serve(const struct web_tls *tls)
{
	stage.server = web_server_new(stage.base, tls);
	stage.settings.url = web_server_url(stage.server);
}

void stage_serve_well(void)
{
	stage_serve(&(struct web_tls){ .own = &stage.server_own, .trust = &stage.server_ca });
}

void stage_proxy_with(const struct web_tls *tls)
{
	stage.proxy = web_proxy_new(stage.base, tls);
	stage.settings.proxy = web_proxy_url(stage.proxy);
	stage.settings.proxy_ca = stage.proxy_ca_file;
	stage.settings.proxy_certificate = stage.proxy_certificate;
	stage.settings.proxy_key = stage.proxy_key;
}

void stage_proxy_well(void)
{
	stage_proxy_with(&(struct web_tls){ .own = &stage.proxy_own, .trust = &stage.proxy_ca });
}

void stage_teardown(void)
{
	struct maker *const all[] = { &stage.server_ca, &stage.proxy_ca,      &stage.server_own,
				      &stage.proxy_own, &stage.server_client, &stage.proxy_client };
	size_t i;

	http_client_free(stage.client);
	stage.client = NULL;
	if (stage.server)
		web_server_free(stage.server);
	stage.server = NULL;
	if (stage.proxy)
		web_proxy_free(stage.proxy);
	stage.proxy = NULL;
	event_base_free(stage.base);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		maker_clear(all[i]);
	free(stage.body);
	stage.body = NULL;
	folder_teardown();
}

/* -- asking ----------------------------------------------------------------------------------------------------- */

struct http_request stage_request(const char *method, const char *path)
{
	return (struct http_request){
		.method = method, .path = path, .certificate = stage.certificate, .key = stage.key
	};
}

void stage_client(void)
{
	struct vmp_msg msg = { "" };

	if (!stage.client)
		ck_assert_msg(http_client_new(stage.base, &stage.settings, &stage.client, &msg) == VMP_OK, "%s",
			      msg.text);
}

void stage_send(const struct http_request *request)
{
	struct vmp_msg msg = { "" };

	stage_client();
	ck_assert_msg(http_client_send(stage.client, request, stage_answered, NULL, &msg) == VMP_OK, "%s", msg.text);
}

int stage_ask(const char *path)
{
	const struct http_request request = stage_request("GET", path);

	stage_send(&request);
	stage_await();
	return stage.got;
}

/* It fails, and says where, and something like why. */
void stage_no_answer(const char *reason)
{
	ck_assert_int_eq(stage_ask("/"), 0);
	ck_assert_str_eq(stage.body, "");
	ck_assert_msg(strncmp(stage.why, stage.settings.url, strlen(stage.settings.url)) == 0, "%s", stage.why);
	ck_assert_msg(strstr(stage.why, reason) != NULL, "%s", stage.why);
	ck_assert_uint_eq(http_client_counters(stage.client)->failures, 1);
}

void stage_seen(struct web_seen *seen, const char *text)
{
	ck_assert_msg(strstr(seen->text, text) != NULL, "%s in %s", text, seen->text);
}

TCase *stage_add(Suite *s, const char *name, const TTest *const *tests)
{
	TCase *t = tcase_create(name);

	tcase_add_checked_fixture(t, stage_setup, stage_teardown);
	tcase_set_timeout(t, 30);
	for (; *tests; tests++)
		tcase_add_test(t, *tests);
	suite_add_tcase(s, t);
	return t;
}
