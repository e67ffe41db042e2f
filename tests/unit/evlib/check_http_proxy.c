/* The HTTP client through a proxy: CONNECT, and TLS twice. */
#include "client_stage.h"
#include "suites_evlib.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

START_TEST(a_tunnel)
{
	struct http_request request = stage_request("POST", "/");
	struct web_seen *seen;
	char line[64];

	stage_serve_well();
	stage_proxy_well();
	seen = web_proxy_seen(stage.proxy);
	request.password = "secret";
	stage_send(&request);
	stage_await();
	ck_assert_msg(stage.got == 200, "%s", stage.why);
	ck_assert_str_eq(web_server_seen(stage.server)->peer, "for the server");
	stage_seen(web_server_seen(stage.server), "Authorization: Basic ");
	ck_assert_str_eq(seen->peer, "for the proxy");
	snprintf(line, sizeof(line), "CONNECT %s HTTP/1.1\r\n", stage.settings.url + strlen("https://"));
	stage_seen(seen, line);
	ck_assert_msg(strstr(seen->text, "Authorization") == NULL, "%s", seen->text);
	ck_assert_int_eq(stage_ask("/"), 200);
	ck_assert_uint_eq(seen->connections, 1);
	ck_assert_uint_eq(web_server_seen(stage.server)->connections, 1);
}
END_TEST

/* TLS in TLS has octets in hand of which the socket says nothing. */
START_TEST(long_ones_through_a_tunnel)
{
	struct http_request request = stage_request("POST", "/long");
	char *octets = malloc(500001);
	int i;

	ck_assert_ptr_nonnull(octets);
	memset(octets, 'x', 500000);
	octets[500000] = '\0';
	stage_serve_well();
	stage_proxy_well();
	stage.settings.answer_max = 4 << 20;
	for (i = 0; i < 20; i++) {
		ck_assert_msg(stage_ask("/big/200000") == 200, "%s", stage.why);
		ck_assert_uint_eq(strlen(stage.body), 200000);
	}
	ck_assert_int_eq(stage_ask("/big/4000000"), 200);
	ck_assert_uint_eq(strlen(stage.body), 4000000);
	request.body = octets;
	stage_send(&request);
	stage_await();
	ck_assert_msg(stage.got == 200, "%s", stage.why);
	stage_seen(web_server_seen(stage.server), "Content-Length: 500000\n");
	free(octets);
}
END_TEST

START_TEST(several_tunnels)
{
	const struct http_request request = stage_request("GET", "/big/30000");
	int i;

	stage_serve_well();
	stage_proxy_well();
	for (i = 0; i < 12; i++)
		stage_send(&request);
	for (i = 0; i < 12; i++) {
		stage_await();
		ck_assert_msg(stage.got == 200, "%s", stage.why);
	}
}
END_TEST

START_TEST(a_proxy_of_another_ca)
{
	stage_serve_well();
	stage_proxy_with(&(struct web_tls){ .own = &stage.server_own });
	stage_no_answer("certificate");
	ck_assert_msg(strstr(stage.why, stage.settings.proxy) != NULL, "%s", stage.why);
	ck_assert_uint_eq(web_server_seen(stage.server)->connections, 0);
}
END_TEST

START_TEST(a_proxy_that_is_a_client)
{
	stage_serve_well();
	stage_proxy_with(&(struct web_tls){ .own = &stage.proxy_client });
	stage_no_answer("certificate");
	ck_assert_uint_eq(web_proxy_seen(stage.proxy)->requests, 0);
}
END_TEST

START_TEST(a_proxy_of_an_older_tls)
{
	stage_serve_well();
	stage_proxy_with(&(struct web_tls){ .own = &stage.proxy_own, .version = TLS1_2_VERSION });
	stage_no_answer("protocol version");
}
END_TEST

START_TEST(a_proxy_that_refuses)
{
	stage_serve_well();
	stage_proxy_well();
	web_proxy_refuse(stage.proxy, "403 Forbidden");
	stage_no_answer("403");
	ck_assert_uint_eq(web_server_seen(stage.server)->connections, 0);
	web_proxy_refuse(stage.proxy, NULL);
	ck_assert_int_eq(stage_ask("/"), 200);
}
END_TEST

START_TEST(a_proxy_that_wants_a_certificate)
{
	stage_serve_well();
	stage_proxy_well();
	stage.settings.proxy_certificate = NULL;
	stage_no_answer("");
	ck_assert_uint_eq(web_proxy_seen(stage.proxy)->requests, 0);
}
END_TEST

START_TEST(a_server_behind_it_of_another_ca)
{
	struct maker other = stage_certificate("policyd", &stage.proxy_ca, "serverAuth", "IP:" STAGE_IS);

	stage_serve(&(struct web_tls){ .own = &other });
	stage_proxy_well();
	stage_no_answer("certificate");
	ck_assert_uint_eq(web_server_seen(stage.server)->requests, 0);
	maker_clear(&other);
}
END_TEST

START_TEST(another_certificate_for_the_proxy)
{
	struct maker other = stage_certificate("the next one", &stage.proxy_ca, "clientAuth", NULL);

	stage_serve_well();
	stage_proxy_well();
	ck_assert_int_eq(stage_ask("/"), 200);
	stage_write_pair(&other, stage.proxy_certificate, stage.proxy_key);
	ck_assert_int_eq(stage_ask("/"), 200);
	ck_assert_str_eq(web_proxy_seen(stage.proxy)->peer, "the next one");
	maker_clear(&other);
}
END_TEST

START_TEST(the_environment_does_not_go_past_it)
{
	setenv("no_proxy", "*", 1);
	setenv("NO_PROXY", "*", 1);
	stage_serve_well();
	stage_proxy_well();
	ck_assert_int_eq(stage_ask("/"), 200);
	ck_assert_uint_eq(web_proxy_seen(stage.proxy)->requests, 1);
	unsetenv("no_proxy");
	unsetenv("NO_PROXY");
}
END_TEST

Suite *check_http_proxy(void)
{
	const TTest *const proxies[] = { a_tunnel,
					 long_ones_through_a_tunnel,
					 several_tunnels,
					 a_proxy_of_another_ca,
					 a_proxy_that_is_a_client,
					 a_proxy_of_an_older_tls,
					 a_proxy_that_refuses,
					 a_proxy_that_wants_a_certificate,
					 a_server_behind_it_of_another_ca,
					 another_certificate_for_the_proxy,
					 the_environment_does_not_go_past_it,
					 NULL };
	Suite *s = suite_create("http_proxy");

	stage_add(s, "proxy", proxies);
	return s;
}
