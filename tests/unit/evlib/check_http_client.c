#include "client_stage.h"
#include "suites_evlib.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* -- settings --------------------------------------------------------------------------------------------------- */

START_TEST(settings_that_are_refused)
{
	static const struct http_client_settings bad[] = {
		{ .ca = "ca", .agent = "a" },
		{ .url = "", .ca = "ca", .agent = "a" },
		{ .url = "http://127.0.0.1", .ca = "ca", .agent = "a" },
		{ .url = "https:/127.0.0.1", .ca = "ca", .agent = "a" },
		{ .url = "https://127.0.0.1", .agent = "a" },
		{ .url = "https://127.0.0.1", .ca = "ca", .agent = "a", .proxy = "https://127.0.0.1" },
		{ .url = "https://127.0.0.1", .ca = "ca", .agent = "a", .proxy = "http://p", .proxy_ca = "ca" },
		{ .url = "https://127.0.0.1", .ca = "ca", .agent = "a", .proxy = "p:1", .proxy_ca = "ca" },
	};
	struct vmp_msg msg;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		msg.text[0] = '\0';
		ck_assert_int_eq(http_client_new(stage.base, &bad[i], &stage.client, &msg), VMP_EINVAL);
		ck_assert_str_ne(msg.text, "");
		ck_assert_int_eq(http_client_check(&bad[i], NULL), VMP_EINVAL);
	}
	ck_assert_ptr_null(stage.client);
}
END_TEST

START_TEST(files_of_cas_are_checked)
{
	stage.settings.url = "https://127.0.0.1";
	ck_assert_int_eq(http_client_check(&stage.settings, NULL), VMP_OK);
	stage.settings.proxy = "https://127.0.0.1:2";
	stage.settings.proxy_ca = "/nowhere/ca.pem";
	ck_assert_int_eq(http_client_check(&stage.settings, NULL), VMP_ENOENT);
	stage.settings.proxy_ca = stage.proxy_ca_file;
	ck_assert_int_eq(http_client_check(&stage.settings, NULL), VMP_OK);
	stage.settings.ca = stage.key;
	ck_assert_int_eq(http_client_check(&stage.settings, NULL), VMP_EINVAL);
}
END_TEST

START_TEST(files_that_cannot_be_used)
{
	struct http_request request = stage_request("GET", "/");
	struct vmp_msg msg = { "" };

	stage_serve_well();
	stage_client();
	request.certificate = "/nowhere/own.pem";
	ck_assert_int_eq(http_client_send(stage.client, &request, stage_answered, NULL, &msg), VMP_ENOENT);
	request.certificate = stage.certificate;
	ck_assert_int_eq(chmod(stage.key, 0640), 0);
	ck_assert_int_eq(http_client_send(stage.client, &request, stage_answered, NULL, &msg), VMP_EINVAL);
	stage_turn();
	ck_assert_uint_eq(stage.answers, 0);
	ck_assert_uint_eq(http_client_counters(stage.client)->requests, 0);
}
END_TEST

/* -- the server ------------------------------------------------------------------------------------------------- */

START_TEST(a_server_of_another_ca)
{
	struct maker other = stage_certificate("policyd", &stage.proxy_ca, "serverAuth", "IP:" STAGE_IS);

	stage_serve(&(struct web_tls){ .own = &other });
	stage_no_answer("certificate");
	maker_clear(&other);
}
END_TEST

START_TEST(a_server_of_another_name)
{
	struct maker other = stage_certificate("policyd", &stage.server_ca, "serverAuth",
					       "DNS:other.example,IP:127.0.0.2");

	stage_serve(&(struct web_tls){ .own = &other });
	stage_no_answer("127.0.0.1");
	maker_clear(&other);
}
END_TEST

START_TEST(a_server_that_is_a_client)
{
	struct maker other = stage_certificate("guest", &stage.server_ca, "clientAuth", "IP:" STAGE_IS);

	stage_serve(&(struct web_tls){ .own = &other });
	stage_no_answer("certificate");
	maker_clear(&other);
}
END_TEST

START_TEST(a_server_of_an_older_tls)
{
	stage_serve(&(struct web_tls){ .own = &stage.server_own, .version = TLS1_2_VERSION });
	stage_no_answer("protocol version");
}
END_TEST

START_TEST(names_that_do_not_matter)
{
	struct maker gateway = stage_certificate("52:54:00:00:00:01", &stage.server_ca, "serverAuth,clientAuth", NULL);

	stage_serve(&(struct web_tls){ .own = &gateway });
	stage.settings.any_name = true;
	ck_assert_int_eq(stage_ask("/"), 200);
	maker_clear(&gateway);
}
END_TEST

START_TEST(chain_and_purpose_matter_without_a_name)
{
	struct maker guest = stage_certificate("guest", &stage.server_ca, "clientAuth", "IP:" STAGE_IS);
	struct maker other = stage_certificate("other", &stage.proxy_ca, "serverAuth", "IP:" STAGE_IS);
	struct maker *const all[] = { &guest, &other };
	size_t i;

	stage.settings.any_name = true;
	for (i = 0; i < 2; i++) {
		stage_serve(&(struct web_tls){ .own = all[i] });
		stage_no_answer("certificate");
		http_client_free(stage.client);
		stage.client = NULL;
		web_server_free(stage.server);
		maker_clear(all[i]);
	}
	stage.server = NULL;
}
END_TEST

/* How many sockets of this process have this mark. */
static int marked(uint32_t mark)
{
	int fd, n = 0;

	for (fd = 0; fd < 1024; fd++) {
		uint32_t has = 0;
		socklen_t len = sizeof(has);

		n += getsockopt(fd, SOL_SOCKET, SO_MARK, &has, &len) == 0 && has == mark;
	}
	return n;
}

START_TEST(packets_are_marked)
{
	if (geteuid() != 0) {
		puts("http_client: marks are not tested, since only root may set them");
		return;
	}
	stage_serve_well();
	ck_assert_int_eq(stage_ask("/"), 200);
	ck_assert_int_eq(marked(0x766d), 0);
	http_client_free(stage.client);
	stage.client = NULL;
	stage.settings.mark = 0x766d;
	ck_assert_int_eq(stage_ask("/"), 200);
	ck_assert_int_eq(marked(0x766d), 1);
}
END_TEST

START_TEST(nothing_is_sent_without_the_mark)
{
	const struct http_request request = stage_request("GET", "/");
	bool root = geteuid() == 0;

	stage_serve_well();
	stage.settings.mark = 0x766d;
	stage_send(&request);
	ck_assert(!root || seteuid(65534) == 0);
	stage_await();
	ck_assert(!root || seteuid(0) == 0);
	ck_assert_int_eq(stage.got, 0);
	ck_assert_msg(strstr(stage.why, "cannot mark packets with 30317: Operation not permitted") != NULL, "%s",
		      stage.why);
	ck_assert_uint_eq(web_server_seen(stage.server)->connections, 0);
}
END_TEST

START_TEST(nobody_is_there)
{
	stage.settings.url = "https://127.0.0.1:1";
	stage_no_answer("connect");
}
END_TEST

START_TEST(it_does_not_answer)
{
	struct http_request request = stage_request("GET", "/silent");

	stage_serve_well();
	request.timeout = 300;
	stage_send(&request);
	stage_await();
	ck_assert_int_eq(stage.got, 0);
	ck_assert_msg(strstr(stage.why, "timed out") != NULL, "%s", stage.why);
	/* The client's own holds for others. */
	ck_assert_int_eq(stage_ask("/"), 200);
}
END_TEST

START_TEST(each_status_is_handed_on)
{
	static const int statuses[] = { 200, 302, 400, 401, 403, 404, 409, 413, 500, 503 };
	char path[32];
	size_t i;

	stage_serve_well();
	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		snprintf(path, sizeof(path), "/status/%d", statuses[i]);
		ck_assert_int_eq(stage_ask(path), statuses[i]);
		ck_assert_str_eq(stage.body, "{\"error\": \"because\"}");
		ck_assert_str_eq(stage.why, "");
	}
	/* Nobody was followed elsewhere. */
	ck_assert_uint_eq(web_server_seen(stage.server)->requests, i);
}
END_TEST

START_TEST(the_environment_has_no_say)
{
	static const char *const names[] = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		setenv(names[i], "http://127.0.0.1:1", 1);
	setenv("SSL_CERT_FILE", stage.proxy_ca_file, 1);
	stage_serve_well();
	ck_assert_int_eq(stage_ask("/"), 200);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
	unsetenv("SSL_CERT_FILE");
}
END_TEST

START_TEST(answers_have_a_longest)
{
	stage_serve_well();
	stage.settings.answer_max = 1000;
	ck_assert_int_eq(stage_ask("/big/1000"), 200);
	ck_assert_uint_eq(strlen(stage.body), 1000);
	ck_assert_int_eq(stage_ask("/big/1001"), 0);
	ck_assert_msg(strstr(stage.why, "larger than 1000 octets") != NULL, "%s", stage.why);
	ck_assert_int_eq(stage_ask("/"), 200);
}
END_TEST

START_TEST(what_the_server_sees)
{
	struct http_request request = stage_request("POST", "/a?b=c");
	struct web_seen *seen;

	stage_serve_well();
	seen = web_server_seen(stage.server);
	request.type = "application/json";
	request.body = "{\"a\": 1}";
	request.password = "secret";
	stage_send(&request);
	stage_await();
	ck_assert_int_eq(stage.got, 200);
	ck_assert_str_eq(stage.body, "good");
	stage_seen(seen, "POST /a?b=c\n");
	stage_seen(seen, "Content-Type: application/json\n");
	stage_seen(seen, "User-Agent: test/1\n");
	stage_seen(seen, "Authorization: Basic aG9zdDpzZWNyZXQ=\n");
	stage_seen(seen, "\n{\"a\": 1}");
	ck_assert_str_eq(seen->peer, "for the server");
	request = stage_request("PUT", "/x");
	request.type = "text/plain";
	request.body = "put";
	stage_send(&request);
	stage_await();
	stage_seen(seen, "PUT /x\n");
	stage_seen(seen, "Content-Length: 3\n");
	ck_assert_msg(strstr(seen->text, "Authorization") == NULL, "%s", seen->text);
	request = stage_request("POST", "/y");
	stage_send(&request);
	stage_await();
	stage_seen(seen, "Content-Length: 0\n");
	ck_assert_msg(strstr(seen->text, "Content-Type") == NULL, "%s", seen->text);
}
END_TEST

START_TEST(a_path_behind_the_url)
{
	char url[96];

	stage_serve_well();
	snprintf(url, sizeof(url), "%s/site/", web_server_url(stage.server));
	stage.settings.url = url;
	ck_assert_int_eq(stage_ask("/v1/x"), 200);
	stage_seen(web_server_seen(stage.server), "GET /site/v1/x\n");
	ck_assert_str_eq(http_client_url(stage.client), url);
	ck_assert_str_eq(http_client_url(NULL), "");
}
END_TEST

START_TEST(a_connection_is_used_again)
{
	int i;

	stage_serve_well();
	for (i = 0; i < 5; i++)
		ck_assert_int_eq(stage_ask("/"), 200);
	ck_assert_uint_eq(web_server_seen(stage.server)->connections, 1);
	ck_assert_uint_eq(http_client_counters(stage.client)->requests, 5);
	ck_assert_uint_eq(http_client_counters(stage.client)->connections, 1);
	ck_assert_uint_eq(http_client_counters(stage.client)->failures, 0);
}
END_TEST

START_TEST(but_not_with_another_certificate)
{
	struct maker other = stage_certificate("the next one", &stage.server_ca, "clientAuth", NULL);

	stage_serve_well();
	ck_assert_int_eq(stage_ask("/"), 200);
	stage_write_pair(&other, stage.certificate, stage.key);
	ck_assert_int_eq(stage_ask("/"), 200);
	ck_assert_str_eq(web_server_seen(stage.server)->peer, "the next one");
	ck_assert_uint_eq(web_server_seen(stage.server)->connections, 2);
	maker_clear(&other);
}
END_TEST

START_TEST(several_at_a_time)
{
	const struct http_request request = stage_request("GET", "/");
	int i;

	stage_serve_well();
	for (i = 0; i < 20; i++)
		stage_send(&request);
	for (i = 0; i < 20; i++) {
		stage_await();
		ck_assert_int_eq(stage.got, 200);
	}
}
END_TEST

START_TEST(two_clients)
{
	struct http_client *other = NULL;
	const struct http_request request = stage_request("GET", "/");

	stage_serve_well();
	ck_assert_int_eq(stage_ask("/"), 200);
	/* One that trusts nobody who is there, and whose end does not end the first. */
	stage.settings.ca = stage.proxy_ca_file;
	ck_assert_int_eq(http_client_new(stage.base, &stage.settings, &other, NULL), VMP_OK);
	ck_assert_int_eq(http_client_send(other, &request, stage_answered, NULL, NULL), VMP_OK);
	stage_await();
	ck_assert_int_eq(stage.got, 0);
	http_client_free(other);
	ck_assert_int_eq(stage_ask("/"), 200);
	ck_assert_uint_eq(http_client_counters(stage.client)->requests, 2);
}
END_TEST

START_TEST(freed_while_they_wait)
{
	const struct http_request silent = stage_request("GET", "/silent"), good = stage_request("GET", "/");

	stage_serve_well();
	ck_assert_int_eq(stage_ask("/"), 200);
	stage_send(&silent);
	stage_turn();
	stage_send(&good);
	http_client_free(stage.client);
	stage.client = NULL;
	stage_turn();
	ck_assert_uint_eq(stage.answers, 1);
}
END_TEST

static void not_told(void *ctx, int status, const char *text, size_t len, const char *reason)
{
	(void)ctx;
	(void)len;
	ck_abort_msg("status %d %s %s", status, text, reason);
}

START_TEST(requests_are_taken_back)
{
	const struct http_request silent = stage_request("GET", "/silent"), good = stage_request("GET", "/");
	int one, two;

	stage_serve_well();
	stage_client();
	ck_assert_int_eq(http_client_send(stage.client, &good, not_told, &one, NULL), VMP_OK);
	http_client_cancel(stage.client, not_told, &one);
	ck_assert_int_eq(http_client_send(stage.client, &silent, not_told, &one, NULL), VMP_OK);
	ck_assert_int_eq(http_client_send(stage.client, &silent, not_told, &two, NULL), VMP_OK);
	stage_turn();
	ck_assert_uint_eq(web_server_seen(stage.server)->requests, 2);
	http_client_cancel(stage.client, not_told, &two);
	http_client_cancel(stage.client, stage_answered, &one);
	http_client_cancel(stage.client, not_told, &one);
	http_client_cancel(stage.client, not_told, &one);
	/* Others go on. */
	ck_assert_int_eq(stage_ask("/"), 200);
}
END_TEST

START_TEST(others_are_not_taken_back)
{
	const struct http_request good = stage_request("GET", "/");

	stage_serve_well();
	stage_send(&good);
	http_client_cancel(stage.client, stage_answered, &stage);
	http_client_cancel(stage.client, not_told, NULL);
	stage_await();
	ck_assert_int_eq(stage.got, 200);
}
END_TEST

Suite *check_http_client(void)
{
	const TTest *const files[] = { settings_that_are_refused, files_of_cas_are_checked, files_that_cannot_be_used,
				       NULL };
	const TTest *const servers[] = { a_server_of_another_ca,
					 a_server_of_another_name,
					 a_server_that_is_a_client,
					 a_server_of_an_older_tls,
					 names_that_do_not_matter,
					 chain_and_purpose_matter_without_a_name,
					 packets_are_marked,
					 nothing_is_sent_without_the_mark,
					 nobody_is_there,
					 it_does_not_answer,
					 each_status_is_handed_on,
					 the_environment_has_no_say,
					 answers_have_a_longest,
					 what_the_server_sees,
					 a_path_behind_the_url,
					 a_connection_is_used_again,
					 but_not_with_another_certificate,
					 several_at_a_time,
					 two_clients,
					 freed_while_they_wait,
					 requests_are_taken_back,
					 others_are_not_taken_back,
					 NULL };
	Suite *s = suite_create("http_client");

	stage_add(s, "files", files);
	stage_add(s, "server", servers);
	return s;
}
