/* Requests and their answers. */
#include "../tls_world.h"
#include "http_talk.h"
#include "suites_evlib.h"

#include <stdio.h>
#include <string.h>

#define HOST			 " HTTP/1.1\r\nHost: x\r\n"
#define GET(path)		 "GET " path HOST "\r\n"
#define POST(path, length, body) "POST " path HOST "Content-Length: " length "\r\n\r\n" body

static void setup(void)
{
	http_talk_setup();
	http_talk_listen();
}

static void has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part), "expected %s in: %s", part, text);
}

static void has_not(const char *text, const char *part)
{
	ck_assert_msg(!strstr(text, part), "did not expect %s in: %s", part, text);
}

/* One request on a connection of its own, without a certificate. */
static void answers(const char *request, const char *status, const char *part)
{
	struct http_client_raw *raw = raw_tls(NULL);
	const char *text = raw_ask(raw, request, part);

	has(text, status);
	raw_free(raw);
}

/* -- routes ------------------------------------------------------------------------------------------------------- */

START_TEST(what_is_not_there)
{
	static const char *const requests[] = {
		GET("/"),	GET("/plai"),	  GET("/plainer"),	  GET("/plain/"),	   GET("/fail/"),
		GET("//plain"), GET("/fail/1/2"), POST("/a//b", "0", ""), POST("/a/x/c", "0", ""),
	};

	answers(requests[_i], " 404 ", "{\"error\":\"there is nothing here\"}");
}
END_TEST

START_TEST(what_is_there_for_another_method)
{
	static const char *const requests[] = { POST("/plain", "0", ""), GET("/echo/x"), "DELETE /plain" HOST "\r\n" };

	answers(requests[_i], " 405 ", "{\"error\":\"not with this method\"}");
}
END_TEST

START_TEST(a_second_table)
{
	answers("PUT /plain" HOST "Content-Length: 0\r\n\r\n", " 200 ", "hello");
}
END_TEST

START_TEST(a_segment_of_the_path)
{
	answers(POST("/echo/one", "3", "two"), " 200 ", "<one|two|nobody>");
	answers(POST("/a/one.two/b?x=y", "0", ""), " 200 ", "<one.two||nobody>");
	answers(POST("/echo/%41", "0", ""), " 200 ", "<%41||nobody>");
}
END_TEST

START_TEST(the_longest_segment)
{
	char request[512], wanted[300];

	snprintf(request, sizeof(request), "POST /echo/%0*d" HOST "Content-Length: 0\r\n\r\n", HTTP_SEGMENT_MAX - 1, 0);
	snprintf(wanted, sizeof(wanted), "<%0*d||nobody>", HTTP_SEGMENT_MAX - 1, 0);
	answers(request, " 200 ", wanted);
	snprintf(request, sizeof(request), "POST /echo/%0*d" HOST "Content-Length: 0\r\n\r\n", HTTP_SEGMENT_MAX, 0);
	answers(request, " 404 ", "nothing here");
}
END_TEST

/* -- clients ------------------------------------------------------------------------------------------------------ */

START_TEST(nobody_is_no_member)
{
	answers(POST("/members/x", "0", ""), " 401 ", "{\"error\":\"expected a client certificate issued here\"}");
}
END_TEST

START_TEST(a_serial_number_that_is_not_ours)
{
	struct http_client_raw *raw = raw_tls(&tls_world.server);

	has(raw_ask(raw, POST("/members/x", "0", ""), "\"error\""), " 401 ");
	has(raw_ask(raw, POST("/echo/x", "0", ""), "<x"), "<x||nobody>");
	raw_free(raw);
}
END_TEST

START_TEST(a_member)
{
	struct http_client_raw *raw = raw_tls(&tls_world.host);

	has(raw_ask(raw, POST("/members/x", "0", ""), "<x"), "<x||6ba7b810-9dad-11d1-80b4-00c04fd430c8>");
	has(raw_ask(raw, POST("/echo/y", "0", ""), "<y"), "<y||6ba7b810-9dad-11d1-80b4-00c04fd430c8>");
	ck_assert_int_eq(http_server_counters(http_talk.server)->connections_total, 1);
	raw_free(raw);
}
END_TEST

START_TEST(without_tls)
{
	struct http_client_raw *raw = raw_tcp(http_talk.plain_port);

	has(raw_ask(raw, POST("/echo/x", "1", "y"), "<x"), "<x|y|nobody>");
	has(raw_ask(raw, POST("/members/x", "0", ""), "\"error\""), " 401 ");
	has(raw_ask(raw, GET("/plain"), "hello"), " 200 ");
	ck_assert_int_eq(http_server_counters(http_talk.server)->connections_total, 0);
	raw_free(raw);
}
END_TEST

START_TEST(plain_text_where_tls_is_spoken)
{
	struct http_client_raw *raw = raw_tcp(http_talk.port);

	raw_say(raw, GET("/plain"));
	raw_wait_end(raw);
	has_not(raw_text(raw), "HTTP");
	ck_assert_int_eq(http_talk.handled, 0);
	raw_free(raw);
}
END_TEST

/* -- answers ------------------------------------------------------------------------------------------------------ */

START_TEST(codes_of_errors)
{
	static const struct {
		int err;
		const char *status;
	} cases[] = { { VMP_EINVAL, " 400 " }, { VMP_EACCES, " 403 " }, { VMP_ENOENT, " 404 " },
		      { VMP_EEXIST, " 409 " }, { VMP_EBUSY, " 503 " },	{ VMP_EIO, " 503 " } };
	char request[64], error[96];

	snprintf(request, sizeof(request), "GET /fail/%d" HOST "\r\n", -cases[_i].err);
	snprintf(error, sizeof(error), "{\"error\":\"%s\"}", vmp_strerror(cases[_i].err));
	answers(request, cases[_i].status, error);
}
END_TEST

START_TEST(come_again)
{
	answers("GET /fail/1000" HOST "\r\n", "Retry-After: 1\r\n", "error");
	answers(GET("/json"), " 503 ", "{}"); /* no memory for the answer */
}
END_TEST

START_TEST(json_with_any_code)
{
	struct http_client_raw *raw = raw_tls(NULL);
	const char *text = raw_ask(raw, "GET /json" HOST "X-Name: me\r\n\r\n", "{\"name\":\"me\"}");

	has(text, "HTTP/1.1 409 Conflict\r\n");
	has(text, "Content-Type: application/json\r\n");
	has(text, "Cache-Control: no-store\r\n");
	has(text, "X-Answer: 42\r\n");
	has_not(text, "Retry-After");
	has_not(text, "Connection: close");
	raw_free(raw);
}
END_TEST

START_TEST(head_has_no_body)
{
	struct http_client_raw *raw = raw_tls(NULL);
	const char *text = raw_ask(raw, "HEAD /plain" HOST "\r\n", "\r\n\r\n");

	has(text, " 200 ");
	has(text, "Content-Length: 5\r\n");
	has_not(text, "hello");
	/* And the next answer is not taken for its body. */
	has(raw_ask(raw, GET("/plain"), "hello"), "HTTP/1.1 200");
	raw_free(raw);
}
END_TEST

START_TEST(a_body_that_is_too_large)
{
	char request[8192];

	snprintf(request, sizeof(request), "POST /echo/x" HOST "Content-Length: %d\r\n\r\n%0*d", 4097 + _i * 2000,
		 4097 + _i * 2000, 0);
	answers(request, " 413 ", "Too Large");
	ck_assert_int_eq(http_talk.handled, 0);
}
END_TEST

START_TEST(the_largest_body)
{
	char request[8192];

	snprintf(request, sizeof(request), "POST /echo/x" HOST "Content-Length: 4096\r\n\r\n%04096d", 0);
	answers(request, " 200 ", "<x|0000");
}
END_TEST

START_TEST(headers_that_are_too_large)
{
	struct http_client_raw *raw = raw_tls(NULL);
	char request[3000];

	snprintf(request, sizeof(request), "GET /plain" HOST "X: %02500d\r\n\r\n", 0);
	raw_say(raw, request);
	raw_wait_end(raw);
	has_not(raw_text(raw), " 200 ");
	ck_assert_int_eq(http_talk.handled, 0);
	raw_free(raw);
}
END_TEST

START_TEST(what_is_no_request)
{
	static const char *const requests[] = { "GET\r\n\r\n", "\1\2\3\r\n\r\n", "FROB /plain" HOST "\r\n" };
	struct http_client_raw *raw = raw_tls(NULL);

	raw_say(raw, requests[_i]);
	raw_wait_end(raw);
	has_not(raw_text(raw), " 200 ");
	ck_assert_int_eq(http_talk.handled, 0);
	raw_free(raw);
}
END_TEST

START_TEST(one_connection_for_many)
{
	const struct http_counters *c = http_server_counters(http_talk.server);
	struct http_client_raw *raw = raw_tls(NULL);
	int i;

	for (i = 0; i < 20; i++) {
		has(raw_ask(raw, GET("/plain"), "hello"), " 200 ");
		has(raw_ask(raw, GET("/nothing"), "\"error\""), " 404 ");
	}
	ck_assert_int_eq(http_talk.handled, 20);
	ck_assert_int_eq(c->connections, 1);
	ck_assert_int_eq(c->connections_total, 1);
	ck_assert_int_eq(c->answers_2xx, 20);
	ck_assert_int_eq(c->answers_4xx, 20);
	ck_assert_int_eq(c->answers_5xx, 0);
	raw_free(raw);
}
END_TEST

START_TEST(requests_that_come_together)
{
	struct http_client_raw *raw = raw_tls(NULL);

	raw_say(raw, POST("/echo/one", "1", "1") POST("/echo/two", "1", "2"));
	raw_wait(raw, "<one|1|nobody>");
	raw_wait(raw, "<two|2|nobody>");
	raw_free(raw);
}
END_TEST

Suite *check_http_server(void)
{
	Suite *s = suite_create("http_server");
	TCase *tc = tcase_create("exchanges");

	tcase_add_checked_fixture(tc, setup, http_talk_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, what_is_not_there, 0, 9);
	tcase_add_loop_test(tc, what_is_there_for_another_method, 0, 3);
	tcase_add_test(tc, a_second_table);
	tcase_add_test(tc, a_segment_of_the_path);
	tcase_add_test(tc, the_longest_segment);
	tcase_add_test(tc, nobody_is_no_member);
	tcase_add_test(tc, a_serial_number_that_is_not_ours);
	tcase_add_test(tc, a_member);
	tcase_add_test(tc, without_tls);
	tcase_add_test(tc, plain_text_where_tls_is_spoken);
	tcase_add_loop_test(tc, codes_of_errors, 0, 6);
	tcase_add_test(tc, come_again);
	tcase_add_test(tc, json_with_any_code);
	tcase_add_test(tc, head_has_no_body);
	tcase_add_loop_test(tc, a_body_that_is_too_large, 0, 2);
	tcase_add_test(tc, the_largest_body);
	tcase_add_test(tc, headers_that_are_too_large);
	tcase_add_loop_test(tc, what_is_no_request, 0, 3);
	tcase_add_test(tc, one_connection_for_many);
	tcase_add_test(tc, requests_that_come_together);
	suite_add_tcase(s, tc);
	return s;
}
