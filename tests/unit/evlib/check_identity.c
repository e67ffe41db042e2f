#include "identity.h"
#include "../folder.h"
#include "../tls_world.h"
#include "est.h"
#include "suites_evlib.h"
#include "web.h"

#include <event2/buffer.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define TOKEN "abcDEF-123"

static struct event_base *base;
static struct vmp_ca *ca;
/* Of the server's certificate, and of the clients' (ca's certificate, without a key). */
static struct maker server_ca, own, clients;
static struct web_server *server;
static struct http_client *client;
static char server_ca_file[FOLDER_PATH], certificate[FOLDER_PATH], key[FOLDER_PATH], token_file[FOLDER_PATH];
static struct identity_settings settings;
static struct identity_status status;
static unsigned told, used;
static bool use_fails;

/* -- policyd ---------------------------------------------------------------------------------------------------- */

static struct {
	int status;	  /* 0: issue */
	const char *body; /* NULL: what belongs there */
	bool other_key;	  /* a certificate for somebody else */
	unsigned serial;  /* of the last one */
} est;

static void issue(const char *request, struct evbuffer *out)
{
	uint8_t csr[VMP_CSR_MAX], der[VMP_CERT_MAX];
	size_t csr_len = sizeof(csr), len = sizeof(der), text_len;
	struct vmp_cert_order order;
	char *text;

	maker_order(&order, own.key);
	order.common_name = "52:54:00:00:00:09";
	order.serial[1] = (uint8_t)++est.serial;
	if (!est.other_key) {
		ck_assert_int_eq(vmp_est_request(request, strlen(request), csr, &csr_len, NULL), VMP_OK);
		ck_assert_int_eq(vmp_csr_read(csr, csr_len, &order.key, NULL), VMP_OK);
	}
	ck_assert_int_eq(vmp_ca_issue(ca, &order, der, &len, NULL), VMP_OK);
	text = vmp_est_certs(der, len, &text_len);
	evbuffer_add(out, text, text_len);
	free(text);
}

static void answer_est(struct evhttp_request *req)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req), *out = evbuffer_new();
	char request[VMP_CSR_MAX * 2] = "";

	evbuffer_copyout(in, request, sizeof(request) - 1);
	if (est.body)
		evbuffer_add_printf(out, "%s", est.body);
	else if (est.status)
		evbuffer_add_printf(out, "{\"error\": \"because\"}");
	else
		issue(request, out);
	evhttp_send_reply(req, est.status ? est.status : 200, NULL, out);
	evbuffer_free(out);
}

/* -- the program ------------------------------------------------------------------------------------------------ */

static void tell(void)
{
	told++;
}

static int use(void *ctx, struct vmp_msg *msg)
{
	ck_assert_ptr_eq(ctx, &settings);
	used++;
	return use_fails ? vmp_fail(msg, VMP_EINVAL, "cannot use it") : VMP_OK;
}

static void turn(unsigned ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_base_loopexit(base, &tv);
	event_base_dispatch(base);
	identity_status(&status);
}

/* Turn until so much has been asked and answered. */
static void await(unsigned long long done)
{
	int i;

	for (i = 0; i < 500; i++) {
		turn(20);
		if (status.enrolments + status.renewals + status.failures >= done)
			return;
	}
	ck_abort_msg("nothing happens: %s", status.error);
}

static void start(void)
{
	struct vmp_msg msg = { "" };

	identity_changed(tell);
	ck_assert_msg(identity_init(base, &settings, &msg) == VMP_OK, "%s", msg.text);
}

static void again(void)
{
	identity_free();
	start();
}

static void setup(void)
{
	struct http_client_settings http = { .ca = server_ca_file, .agent = "test/1", .timeout_ms = 10000 };
	STACK_OF(X509) * chain;

	folder_setup();
	maker_setup();
	base = event_base_new();
	ca = maker_created();
	chain = maker_chain(ca);
	clients.cert = X509_dup(sk_X509_value(chain, 0));
	sk_X509_pop_free(chain, X509_free);
	server_ca = maker_new(EVP_EC_gen("P-256"), "Server CA", NULL, "critical,CA:TRUE", MAKER_USAGE, 30);
	own = maker_new(EVP_EC_gen("P-256"), "policyd", &server_ca, NULL, NULL, 10);
	tls_world_extend(&own, &server_ca, NID_subject_alt_name, "IP:127.0.0.1");
	snprintf(server_ca_file, FOLDER_PATH, "%s", folder_path("server-ca.pem"));
	snprintf(certificate, FOLDER_PATH, "%s", folder_path("own.pem"));
	snprintf(key, FOLDER_PATH, "%s", folder_path("own.key"));
	snprintf(token_file, FOLDER_PATH, "%s", folder_path("token"));
	tls_world_write_certs(server_ca_file, (const struct maker *const[]){ &server_ca, NULL });
	server = web_server_new(base, &(struct web_tls){ .own = &own, .trust = &clients, .optional = true });
	web_server_answer(server, answer_est);
	http.url = web_server_url(server);
	ck_assert_int_eq(http_client_new(base, &http, &client, NULL), VMP_OK);
	settings = (struct identity_settings){ .certificate = certificate,
					       .key = key,
					       .enrol = true,
					       .client = client,
					       .label = "gateway",
					       .token_file = token_file,
					       .owner = "the gateway",
					       .expected = "a token in [identity] token_file",
					       .use = use,
					       .ctx = &settings };
	told = used = 0;
	use_fails = false;
	memset(&est, 0, sizeof(est));
}

static void teardown(void)
{
	identity_free();
	http_client_free(client);
	web_server_free(server);
	event_base_free(base);
	maker_clear(&server_ca);
	maker_clear(&own);
	maker_clear(&clients);
	memset(&clients, 0, sizeof(clients));
	vmp_ca_free(ca);
	maker_teardown();
	folder_teardown();
}

static unsigned requests(void)
{
	return web_server_seen(server)->requests;
}

static void ck_error(const char *text)
{
	ck_assert_msg(strstr(status.error, text) != NULL, "%s", status.error);
}

static void ck_seen(const char *text)
{
	ck_assert_msg(strstr(web_server_seen(server)->text, text) != NULL, "%s", web_server_seen(server)->text);
}

/* A pair of ca's that was got when its time began. @param from,to  [s] from now */
static void write_pair(const char *name, int from, int to)
{
	const struct timespec then[2] = { { .tv_sec = time(NULL) + from }, { .tv_sec = time(NULL) + from } };
	struct maker m = { .key = EVP_EC_gen("P-256") };
	struct vmp_cert_order order;

	maker_order(&order, m.key);
	order.not_before = time(NULL) + from;
	order.not_after = time(NULL) + to;
	order.common_name = name;
	m.cert = maker_issue(ca, &order);
	tls_world_write_certs(certificate, (const struct maker *const[]){ &m, NULL });
	tls_world_write_key(key, m.key, 0600);
	ck_assert_int_eq(utimensat(AT_FDCWD, certificate, then, 0), 0);
	maker_clear(&m);
}

/* -- what cannot be --------------------------------------------------------------------------------------------- */

START_TEST(settings_that_are_refused)
{
	char label[66], name[300];
	struct vmp_msg msg = { "" };

	memset(label, 'x', sizeof(label));
	label[65] = '\0';
	settings.label = label;
	ck_assert_int_eq(identity_check(&settings, &msg), VMP_EINVAL);
	ck_assert_int_eq(identity_init(base, &settings, &msg), VMP_EINVAL);
	settings.label = label + 1;
	ck_assert_int_eq(identity_check(&settings, &msg), VMP_OK);
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	settings.key = name;
	ck_assert_int_eq(identity_check(&settings, &msg), VMP_EINVAL);
}
END_TEST

START_TEST(not_ours_to_enrol)
{
	struct vmp_msg msg = { "" };

	settings.enrol = false;
	folder_write("token", TOKEN, 0600);
	ck_assert_int_eq(identity_check(&settings, &msg), VMP_ENOENT);
	start();
	turn(100);
	ck_assert(!identity_is_there() && !status.there);
	ck_error("own.pem");
	ck_assert_int_eq(identity_enrol(TOKEN, &msg), VMP_EINVAL);
	ck_assert_uint_eq(requests(), 0);
	write_pair("byhand", 0, 1000);
	ck_assert_int_eq(identity_check(&settings, &msg), VMP_OK);
	again();
	turn(100);
	ck_assert(identity_is_there());
	ck_assert_str_eq(status.name, "byhand");
	ck_assert_int_eq(status.renew_at, 0);
}
END_TEST

START_TEST(without_policyd)
{
	struct vmp_msg msg = { "" };

	settings.client = NULL;
	folder_write("token", TOKEN, 0600);
	start();
	turn(100);
	ck_assert_int_eq(identity_enrol(TOKEN, &msg), VMP_EINVAL);
	ck_assert(!status.there);
	ck_assert_uint_eq(status.failures, 0);
}
END_TEST

START_TEST(without_a_token)
{
	start();
	turn(100);
	ck_assert_str_eq(status.error, "the gateway has no certificate: expected a token in [identity] token_file");
	ck_assert_uint_eq(requests(), 0);
	ck_assert_uint_eq(told + used, 0);
	ck_assert_int_eq(identity_enrol("", NULL), VMP_EINVAL);
	ck_assert_int_eq(identity_enrol("two words", NULL), VMP_EINVAL);
}
END_TEST

START_TEST(a_token_that_is_refused)
{
	folder_write("token", TOKEN, 0600);
	est.status = 401;
	start();
	await(1);
	ck_error("because (401)");
	/* It is of no use, now or later. */
	turn(1500);
	ck_assert_uint_eq(requests(), 1);
	ck_assert_uint_eq(status.failures, 1);
	ck_assert_ptr_nonnull(folder_read("token"));
	est.status = 0;
	ck_assert_int_eq(identity_enrol("another", NULL), VMP_OK);
	await(2);
	ck_assert(identity_is_there());
	ck_assert_str_eq(status.error, "");
	/* Not the one that did it. */
	ck_assert_ptr_nonnull(folder_read("token"));
}
END_TEST

START_TEST(answers_that_are_none)
{
	static const char *const bodies[] = { "", "nonsense", "{}" };
	size_t i;

	start();
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		est.body = bodies[i];
		ck_assert_int_eq(identity_enrol(TOKEN, NULL), VMP_OK);
		await(i + 1);
		ck_assert(!identity_is_there());
		ck_assert_str_ne(status.error, "");
	}
	est.body = NULL;
	est.other_key = true;
	ck_assert_int_eq(identity_enrol(TOKEN, NULL), VMP_OK);
	await(i + 1);
	ck_assert(!identity_is_there());
	ck_assert_ptr_null(folder_read("own.pem"));
	ck_assert_uint_eq(told, 0);
}
END_TEST

START_TEST(it_tries_again)
{
	est.status = 503;
	start();
	ck_assert_int_eq(identity_enrol(TOKEN, NULL), VMP_OK);
	await(1);
	ck_assert(!identity_is_there());
	est.status = 0;
	await(2);
	ck_assert_uint_eq(status.enrolments, 1);
	ck_assert(identity_is_there());
}
END_TEST

/* -- a first certificate ---------------------------------------------------------------------------------------- */

START_TEST(by_a_token_file)
{
	folder_write("token", TOKEN "\n", 0600);
	start();
	await(1);
	ck_assert_str_eq(status.error, "");
	ck_assert(identity_is_there() && status.there);
	ck_seen("POST /.well-known/est/gateway/simpleenroll\n");
	ck_seen("Content-Type: application/pkcs10\n");
	ck_seen("Authorization: Basic aG9zdDphYmNERUYtMTIz\n");
	ck_assert_str_eq(web_server_seen(server)->peer, "");
	ck_assert_str_eq(status.name, "52:54:00:00:00:09");
	ck_assert_uint_eq(status.enrolments, 1);
	ck_assert_int_gt(status.renew_at, time(NULL) + MAKER_DAY / 2);
	ck_assert_int_gt(status.not_after, status.renew_at);
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_eq(used, 1);
	ck_assert_ptr_null(folder_read("token"));
	/* It stays. */
	again();
	turn(100);
	ck_assert(identity_is_there());
	ck_assert_uint_eq(requests(), 1);
}
END_TEST

START_TEST(without_a_label)
{
	settings.label = "";
	start();
	ck_assert_int_eq(identity_enrol(TOKEN, NULL), VMP_OK);
	await(1);
	ck_seen("POST /.well-known/est/simpleenroll\n");
	ck_assert(identity_is_there());
}
END_TEST

START_TEST(one_that_the_program_cannot_use)
{
	use_fails = true;
	folder_write("ca.pem", "none", 0644);
	settings.ca = strdup(folder_path("ca.pem"));
	write_pair("early", -10, 1000);
	start();
	turn(100);
	ck_assert(status.there);
	ck_assert_str_eq(status.error, "cannot use it");
	told = used = 0;
	use_fails = false;
	folder_write("ca.pem", "another", 0644);
	/* Looks at the files as well. */
	est.status = 503;
	ck_assert_int_eq(identity_enrol(TOKEN, NULL), VMP_OK);
	turn(10);
	ck_assert_uint_eq(used, 1);
	ck_assert_uint_eq(told, 1);
	free((void *)(uintptr_t)settings.ca);
}
END_TEST

/* -- the next --------------------------------------------------------------------------------------------------- */

START_TEST(it_is_renewed)
{
	write_pair("old", -800, 200);
	start();
	ck_assert(identity_is_there());
	await(1);
	ck_assert_str_eq(status.error, "");
	ck_assert_uint_eq(status.renewals, 1);
	ck_seen("POST /.well-known/est/gateway/simplereenroll\n");
	ck_assert_str_eq(web_server_seen(server)->peer, "old");
	ck_assert_ptr_null(strstr(web_server_seen(server)->text, "Authorization"));
	ck_assert_str_eq(status.name, "52:54:00:00:00:09");
	/* Once when it was loaded, and once for the new one. */
	ck_assert_uint_eq(told, 2);
	ck_assert_uint_eq(used, 2);
	turn(300);
	ck_assert_uint_eq(requests(), 1);
}
END_TEST

START_TEST(not_before_its_time)
{
	write_pair("young", -500, 500);
	start();
	turn(300);
	ck_assert_uint_eq(requests(), 0);
	ck_assert_int_gt(status.renew_at, time(NULL) + 100);
	ck_assert_int_lt(status.renew_at, time(NULL) + 300);
}
END_TEST

START_TEST(a_renewal_that_is_refused)
{
	write_pair("old", -800, 200);
	est.status = 403;
	start();
	await(1);
	ck_error("because (403)");
	ck_assert(identity_is_there());
	ck_assert_str_eq(status.name, "old");
	/* Then a token does. */
	est.status = 0;
	ck_assert_int_eq(identity_enrol(TOKEN, NULL), VMP_OK);
	await(2);
	ck_assert_uint_eq(status.enrolments, 1);
}
END_TEST

START_TEST(one_that_has_ended)
{
	write_pair("late", -1000, -1);
	start();
	turn(100);
	ck_assert(status.there && !identity_is_there());
	ck_error("has ended");
	ck_assert_uint_eq(requests(), 0);
	ck_assert_int_eq(identity_enrol(TOKEN, NULL), VMP_OK);
	await(1);
	ck_assert(identity_is_there());
}
END_TEST

Suite *check_identity(void)
{
	const TTest *const tests[] = { settings_that_are_refused,
				       not_ours_to_enrol,
				       without_policyd,
				       without_a_token,
				       a_token_that_is_refused,
				       answers_that_are_none,
				       it_tries_again,
				       by_a_token_file,
				       without_a_label,
				       one_that_the_program_cannot_use,
				       it_is_renewed,
				       not_before_its_time,
				       a_renewal_that_is_refused,
				       one_that_has_ended };
	Suite *s = suite_create("identity");
	TCase *t = tcase_create("identity");
	size_t i;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return s;
}
