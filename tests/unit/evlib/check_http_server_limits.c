/* How many connections, how long, and the end. */
#include "../tls_world.h"
#include "http_talk.h"
#include "suites_evlib.h"

#include <string.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static const struct http_counters *counters(void)
{
	return http_server_counters(http_talk.server);
}

static bool is_held(void *ctx)
{
	(void)ctx;
	return http_talk.held != NULL;
}

static bool is_gone(void *ctx)
{
	(void)ctx;
	return http_talk.gone > 0;
}

static bool none_left(void *ctx)
{
	(void)ctx;
	return counters()->connections == 0;
}

/* A client whose request waits. */
static struct http_client_raw *waiting(void)
{
	struct http_client_raw *raw = raw_tls(&tls_world.host);

	raw_say(raw, GET("/later"));
	http_talk_until(is_held, NULL);
	return raw;
}

static void answer(void)
{
	struct http_exchange *x = http_talk.held;

	http_talk.held = NULL;
	http_exchange_send(x, 200, "text/plain", "at last", 7);
}

/* -- deadlines ---------------------------------------------------------------------------------------------------- */

START_TEST(who_says_too_little)
{
	static const char *const sayings[] = { "", "GET /pl", "POST /echo/x HTTP/1.1\r\nContent-Length: 5\r\n\r\nab",
					       "POST /echo/x HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\nab" };
	struct http_client_raw *raw;

	http_talk.settings.request_timeout = 1;
	http_talk_listen();
	raw = raw_tls(NULL);
	raw_say(raw, sayings[_i]);
	raw_wait_end(raw);
	ck_assert_int_eq(counters()->timeouts, 1);
	ck_assert_int_eq(counters()->answers_2xx, 0);
	raw_free(raw);
}
END_TEST

START_TEST(who_does_not_even_shake_hands)
{
	struct http_client_raw *raw;

	http_talk.settings.request_timeout = 1;
	http_talk_listen();
	raw = raw_tcp(http_talk.port);
	raw_wait_end(raw);
	ck_assert_int_eq(counters()->timeouts, 1);
	http_talk_until(none_left, NULL);
	ck_assert_int_eq(counters()->handshakes_failed, 1);
	raw_free(raw);
}
END_TEST

START_TEST(we_may_take_longer)
{
	struct http_client_raw *raw;

	http_talk.settings.request_timeout = 1;
	http_talk_listen();
	raw = waiting();
	http_talk_pass(1500);
	ck_assert(!raw_ended(raw));
	answer();
	raw_wait(raw, "at last");
	/* Nor does a long poll's time count. */
	ck_assert_int_lt(counters()->busy_ms, 1000);
	ck_assert_int_eq(counters()->timeouts, 0);
	raw_free(raw);
}
END_TEST

START_TEST(who_stays_idle)
{
	struct http_client_raw *raw;

	http_talk.settings.idle_timeout = 1;
	http_talk_listen();
	raw = raw_tls(NULL);
	raw_ask(raw, GET("/plain"), "hello");
	raw_wait_end(raw);
	http_talk_until(none_left, NULL);
	raw_free(raw);
}
END_TEST

START_TEST(busy_time_is_counted)
{
	http_talk_listen();
	struct http_client_raw *raw = waiting();

	http_talk.held->long_poll = false;
	http_talk_pass(100);
	answer();
	raw_wait(raw, "at last");
	ck_assert_int_ge(counters()->busy_ms, 100);
	raw_free(raw);
}
END_TEST

/* -- how many ----------------------------------------------------------------------------------------------------- */

START_TEST(no_more_than_there_may_be)
{
	struct http_client_raw *raw[3], *plain;

	http_talk.settings.max_connections = 2;
	http_talk_listen();
	raw[0] = raw_tls(NULL);
	raw_ask(raw[0], GET("/plain"), "hello");
	raw[1] = raw_tls(NULL);
	raw_ask(raw[1], GET("/plain"), "hello");
	ck_assert_int_eq(counters()->pauses, 1);
	raw[2] = raw_tls(NULL);
	raw_say(raw[2], GET("/plain"));
	http_talk_pass(200);
	ck_assert_str_eq(raw_text(raw[2]), "");
	ck_assert_int_eq(counters()->connections_total, 2);
	/* Who watches still gets in. */
	plain = raw_tcp(http_talk.plain_port);
	raw_ask(plain, GET("/plain"), "hello");
	raw_free(raw[0]);
	raw_wait(raw[2], "hello");
	ck_assert_int_eq(counters()->connections_total, 3);
	ck_assert_int_eq(counters()->pauses, 2);
	raw_free(raw[1]);
	raw_free(raw[2]);
	raw_free(plain);
	http_talk_until(none_left, NULL);
}
END_TEST

START_TEST(a_full_server_beside_another)
{
	struct http_server *full;
	struct http_client_raw *first, *second, *third;

	http_talk.settings.max_connections = 1;
	http_talk_listen();
	full = http_talk.server;
	first = raw_tls(NULL);
	raw_ask(first, GET("/plain"), "hello");
	third = raw_tls(NULL); /* to the full one as well */
	http_talk_listen();
	second = raw_tls(NULL);
	raw_ask(second, GET("/plain"), "hello");
	http_talk_pass(100);
	ck_assert_int_eq(http_server_counters(full)->connections_total, 1);
	ck_assert_int_eq(counters()->connections_total, 1);
	raw_free(first);
	raw_free(second);
	raw_free(third);
	http_server_free(full);
	/* What is left goes on. */
	http_talk_until(none_left, NULL);
	second = raw_tls(NULL);
	raw_ask(second, GET("/plain"), "hello");
	raw_free(second);
}
END_TEST

/* -- clients that go ---------------------------------------------------------------------------------------------- */

START_TEST(a_client_goes_while_its_request_waits)
{
	struct http_client_raw *raw;

	http_talk_listen();
	raw = waiting();
	raw_free(raw);
	http_talk_until(is_gone, NULL);
	http_talk_until(none_left, NULL);
	ck_assert_int_eq(http_talk.gone, 1);
	ck_assert_int_eq(counters()->answers_5xx, 1);
}
END_TEST

START_TEST(a_client_goes_after_its_answer)
{
	struct http_client_raw *raw;

	http_talk_listen();
	raw = waiting();
	answer();
	raw_wait(raw, "at last");
	raw_free(raw);
	http_talk_until(none_left, NULL);
	ck_assert_int_eq(http_talk.gone, 0);
}
END_TEST

/* -- the end ------------------------------------------------------------------------------------------------------ */

static bool is_drained(void *ctx)
{
	(void)ctx;
	return http_server_drained(http_talk.server);
}

START_TEST(stopping_with_nothing_to_do)
{
	struct http_client_raw *raw;

	http_talk_listen();
	ck_assert(!http_server_stopping(http_talk.server));
	ck_assert(!http_server_drained(http_talk.server));
	http_server_stop(http_talk.server);
	ck_assert(http_server_stopping(http_talk.server));
	ck_assert(!http_server_drained(http_talk.server));
	raw = raw_tls(NULL);
	raw_say(raw, GET("/plain"));
	http_talk_until(is_drained, NULL);
	ck_assert_str_eq(raw_text(raw), "");
	ck_assert_int_eq(counters()->connections_total, 0);
	raw_free(raw);
}
END_TEST

START_TEST(stopping_answers_what_has_begun)
{
	struct http_client_raw *raw;

	http_talk_listen();
	raw = waiting();
	http_server_stop(http_talk.server);
	http_talk_pass(500);
	ck_assert(!http_server_drained(http_talk.server));
	answer();
	raw_wait(raw, "at last");
	ck_assert_msg(strstr(raw_text(raw), "Connection: close\r\n"), "%s", raw_text(raw));
	raw_wait_end(raw);
	ck_assert(http_server_drained(http_talk.server));
	raw_free(raw);
}
END_TEST

START_TEST(stopping_does_not_wait_for_ever)
{
	struct http_client_raw *raw;

	http_talk_listen();
	raw = waiting();
	http_server_stop(http_talk.server);
	http_talk_until(is_drained, NULL);
	ck_assert_ptr_nonnull(http_talk.held);
	raw_free(raw);
}
END_TEST

START_TEST(a_server_that_is_freed)
{
	struct http_client_raw *raw[3];

	http_talk_listen();
	raw[0] = waiting();
	raw[1] = raw_tls(NULL);
	raw_ask(raw[1], GET("/plain"), "hello");
	raw[2] = raw_tcp(http_talk.port);
	http_talk_pass(50);
	http_server_free(http_talk.server);
	http_talk.server = NULL;
	raw_wait_end(raw[0]);
	raw_wait_end(raw[1]);
	raw_wait_end(raw[2]);
	ck_assert_int_eq(http_talk.gone, 0);
	raw_free(raw[0]);
	raw_free(raw[1]);
	raw_free(raw[2]);
}
END_TEST

Suite *check_http_server_limits(void)
{
	Suite *s = suite_create("http_server_limits");
	TCase *tc = tcase_create("limits");

	tcase_add_checked_fixture(tc, http_talk_setup, http_talk_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, who_says_too_little, 0, 4);
	tcase_add_test(tc, who_does_not_even_shake_hands);
	tcase_add_test(tc, we_may_take_longer);
	tcase_add_test(tc, who_stays_idle);
	tcase_add_test(tc, busy_time_is_counted);
	tcase_add_test(tc, no_more_than_there_may_be);
	tcase_add_test(tc, a_full_server_beside_another);
	tcase_add_test(tc, a_client_goes_while_its_request_waits);
	tcase_add_test(tc, a_client_goes_after_its_answer);
	tcase_add_test(tc, stopping_with_nothing_to_do);
	tcase_add_test(tc, stopping_answers_what_has_begun);
	tcase_add_test(tc, stopping_does_not_wait_for_ever);
	tcase_add_test(tc, a_server_that_is_freed);
	suite_add_tcase(s, tc);
	return s;
}
