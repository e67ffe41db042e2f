#include "connect.h"
#include "suites.h"

#include <stdlib.h>
#include <string.h>

#define HOST "Host: policyd.example:8444\r\n"
#define LINE "CONNECT policyd.example:8444 HTTP/1.1\r\n"

static struct connect_request request;
static struct connect_answer answer;
static struct vmp_msg why;
static char text[2 * CONNECT_HEAD];
static size_t head;

static int read_it(const char *request_text)
{
	*why.text = '\0';
	return connect_read(request_text, strlen(request_text), &request, &head, &why);
}

/* -- HOST:PORT ---------------------------------------------------------------------------------------------------- */

static const struct {
	const char *text, *read; /* read NULL: refused */
} authorities[] = {
	{ "Policyd.Example:8444", "policyd.example:8444" },
	{ "192.0.2.1:1", "192.0.2.1:1" },
	{ "[2001:DB8::1]:65535", "[2001:db8::1]:65535" },
	{ "a:80", "a:80" },
	{ "", NULL },
	{ ":80", NULL },
	{ "a", NULL },
	{ "a:", NULL },
	{ "a:0", NULL },
	{ "a:080", NULL },
	{ "a:65536", NULL },
	{ "a:99999", NULL },
	{ "a:+80", NULL },
	{ "a:80 ", NULL },
	{ "a b:80", NULL },
	{ "a..b:80", NULL },
	{ ".a:80", NULL },
	{ "a.:80", NULL },
	{ "-a:80", NULL },
	{ "a-:80", NULL },
	{ "a_b:80", NULL },
	{ "user@a:80", NULL },
	{ "2001:db8::1:80", NULL },
	{ "[2001:db8::g]:80", NULL },
	{ "[]:80", NULL },
	{ "[a]:80", NULL },
	{ "[::1%lo]:80", NULL },
	{ "https://a:80", NULL },
};

START_TEST(an_authority)
{
	char out[AUTHORITY_TEXT] = "before";
	int err = authority_read(authorities[_i].text, strlen(authorities[_i].text), out);

	ck_assert_int_eq(err, authorities[_i].read ? VMP_OK : VMP_EINVAL);
	ck_assert_str_eq(out, authorities[_i].read ? authorities[_i].read : "before");
}
END_TEST

START_TEST(an_authoritys_parts)
{
	char host[AUTHORITY_HOST];
	uint16_t port;

	authority_split("[2001:db8::1]:8444", host, &port);
	ck_assert_str_eq(host, "2001:db8::1");
	ck_assert_uint_eq(port, 8444);
	authority_split("policyd.example:1", host, &port);
	ck_assert_str_eq(host, "policyd.example");
	ck_assert_uint_eq(port, 1);
}
END_TEST

START_TEST(a_name_of_253_octets_and_no_more)
{
	char out[AUTHORITY_TEXT], name[300];
	size_t i;

	for (i = 0; i < sizeof(name); i++)
		name[i] = i % 64 == 63 ? '.' : 'a';
	memcpy(name + 253, ":80", 4);
	ck_assert_int_eq(authority_read(name, 256, out), VMP_OK);
	name[253] = 'a';
	memcpy(name + 254, ":80", 4);
	ck_assert_int_eq(authority_read(name, 257, out), VMP_EINVAL);
}
END_TEST

/* -- requests ----------------------------------------------------------------------------------------------------- */

START_TEST(a_request)
{
	static const char whole[] = LINE HOST
		"User-Agent: x\r\nVia: 1.1 one,1.1 two\r\nProxy-Connection: Keep-Alive\r\n"
		"via: 1.1 three\r\n\r\n";

	ck_assert_int_eq(read_it(whole), 200);
	ck_assert_str_eq(request.authority, "policyd.example:8444");
	ck_assert_uint_eq(head, sizeof(whole) - 1);
	ck_assert_int_eq(request.n_via, 3);
	ck_assert_str_eq(request.via[0], "one");
	ck_assert_str_eq(request.via[2], "three");
}
END_TEST

START_TEST(every_beginning_of_a_request_wants_more)
{
	static const char whole[] = LINE HOST "Via: 1.1 one\r\n\r\n";
	size_t i;

	for (i = 0; i < sizeof(whole) - 1; i++)
		ck_assert_int_eq(connect_read(whole, i, &request, &head, &why), 0);
}
END_TEST

START_TEST(what_follows_is_not_the_heads)
{
	ck_assert_int_eq(read_it(LINE HOST "\r\nmore\r\n\r\n"), 200);
	ck_assert_uint_eq(head, strlen(LINE HOST "\r\n"));
}
END_TEST

static const struct {
	const char *text;
	int status;
	const char *why;
} bad[] = {
	{ "\x16\x03\x01", 400, "expected CONNECT" },
	{ "\r\n\r\n", 400, "expected CONNECT" },
	{ "connect a:80 HTTP/1.1\r\n\r\n", 400, "expected CONNECT" },
	{ "VERYLONGMETHODNAME", 400, "expected CONNECT" },
	{ "GET / HTTP/1.1\r\n" HOST "\r\n", 405, "serves nothing" },
	{ "CONNECTS policyd.example:8444 HTTP/1.1\r\n" HOST "\r\n", 405, "serves nothing" },
	{ "CONNECT policyd.example:8444\r\n" HOST "\r\n", 400, "expected CONNECT" },
	{ "CONNECT  policyd.example:8444 HTTP/1.1\r\n" HOST "\r\n", 400, "expected CONNECT" },
	{ "CONNECT policyd.example:8444 HTTP/1.1 \r\n" HOST "\r\n", 400, "expected CONNECT" },
	{ "CONNECT policyd.example HTTP/1.1\r\n" HOST "\r\n", 400, "the port" },
	{ "CONNECT https://policyd.example:8444 HTTP/1.1\r\n" HOST "\r\n", 400, "the port" },
	{ "CONNECT policyd.example:8444 HTTP/1.0\r\n" HOST "\r\n", 505, "HTTP/1.1" },
	{ "CONNECT policyd.example:8444 HTTP/2.0\r\n" HOST "\r\n", 505, "HTTP/1.1" },
	{ LINE "\r\n", 400, "Host" },
	{ LINE HOST HOST "\r\n", 400, "Host" },
	{ LINE "Host: other.example:8444\r\n\r\n", 400, "Host" },
	{ LINE "Host: policyd.example\r\n\r\n", 400, "Host" },
	{ LINE HOST "Content-Length: 5\r\n\r\nhello", 400, "no body" },
	{ LINE HOST "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", 400, "Content-Length" },
	{ LINE HOST "Content-Length: 0x0\r\n\r\n", 400, "Content-Length" },
	{ LINE HOST "Content-Length:\r\n\r\n", 400, "Content-Length" },
	{ LINE HOST "Transfer-Encoding: chunked\r\n\r\n", 400, "no body" },
	{ LINE HOST " folded\r\n\r\n", 400, "header lines" },
	{ LINE HOST "no colon\r\n\r\n", 400, "header lines" },
	{ LINE HOST "Name : value\r\n\r\n", 400, "header lines" },
	{ LINE HOST ": value\r\n\r\n", 400, "header lines" },
	{ LINE HOST "X: a\nY: b\r\n\r\n", 400, "CR LF" },
	{ LINE HOST "X: a\rb\r\n\r\n", 400, "CR LF" },
	{ LINE HOST "X: \x01\r\n\r\n", 400, "CR LF" },
	{ LINE HOST "Via: 1.0 one\r\n\r\n", 400, "Via" },
	{ LINE HOST "Via: one\r\n\r\n", 400, "Via" },
	{ LINE HOST "Via: 1.1 one (comment)\r\n\r\n", 400, "Via" },
	{ LINE HOST "Via: 1.1 one,\r\n\r\n", 400, "Via" },
	{ LINE HOST "Via:\r\n\r\n", 400, "Via" },
};

START_TEST(a_bad_request)
{
	ck_assert_int_eq(read_it(bad[_i].text), bad[_i].status);
	ck_assert_msg(strstr(why.text, bad[_i].why), "%s", why.text);
}
END_TEST

START_TEST(a_length_of_nothing_is_no_body)
{
	ck_assert_int_eq(read_it(LINE HOST "Content-Length: 0\r\n\r\n"), 200);
}
END_TEST

START_TEST(a_nul_is_no_part_of_a_request)
{
	static const char whole[] = LINE HOST "X: a\0b\r\n\r\n";

	ck_assert_int_eq(connect_read(whole, sizeof(whole) - 1, &request, &head, &why), 400);
}
END_TEST

START_TEST(a_head_that_is_too_long)
{
	size_t n = strlen(LINE HOST);

	memset(text, 'a', sizeof(text));
	memcpy(text, LINE HOST "X: ", n + 3);
	ck_assert_int_eq(connect_read(text, CONNECT_HEAD - 1, &request, &head, &why), 0);
	ck_assert_int_eq(connect_read(text, CONNECT_HEAD, &request, &head, &why), 431);
	memcpy(text + CONNECT_HEAD - 4, "\r\n\r\n", 4);
	ck_assert_int_eq(connect_read(text, sizeof(text), &request, &head, &why), 200);
	memcpy(text + CONNECT_HEAD - 4, "a\r\n\r\n", 5);
	ck_assert_int_eq(connect_read(text, sizeof(text), &request, &head, &why), 431);
}
END_TEST

START_TEST(many_header_lines)
{
	int i;

	strcpy(text, LINE HOST);
	for (i = 1; i < CONNECT_HEADERS; i++)
		strcat(text, "X: y\r\n");
	strcat(text, "\r\n");
	ck_assert_int_eq(read_it(text), 200);
	text[strlen(text) - 2] = '\0';
	strcat(text, "X: y\r\n\r\n");
	ck_assert_int_eq(read_it(text), 431);
}
END_TEST

START_TEST(many_entries_of_via)
{
	int i;

	strcpy(text, LINE HOST "Via: 1.1 x");
	for (i = 1; i < CONNECT_VIA; i++)
		strcat(text, ", 1.1 x");
	strcat(text, "\r\n\r\n");
	ck_assert_int_eq(read_it(text), 200);
	ck_assert_int_eq(request.n_via, CONNECT_VIA);
	text[strlen(text) - 4] = '\0';
	strcat(text, ", 1.1 x\r\n\r\n");
	ck_assert_int_eq(read_it(text), 400);
}
END_TEST

START_TEST(what_is_written_can_be_read)
{
	char out[CONNECT_HEAD];
	size_t n;

	ck_assert_int_eq(read_it(LINE HOST "Via: 1.1 one\r\n\r\n"), 200);
	n = connect_write(&request, "two", out, sizeof(out));
	ck_assert_uint_eq(n, strlen(out));
	ck_assert_int_eq(connect_read(out, n, &request, &head, &why), 200);
	ck_assert_uint_eq(head, n);
	ck_assert_int_eq(request.n_via, 2);
	ck_assert_str_eq(request.via[1], "two");
	ck_assert_str_eq(request.authority, "policyd.example:8444");
	ck_assert_uint_eq(connect_write(&request, "three", out, 60), 0);
	ck_assert_uint_eq(connect_write(&request, "three", out, 100), 0);
}
END_TEST

/* -- answers ------------------------------------------------------------------------------------------------------ */

static int read_answer(const char *answer_text, size_t *used)
{
	return connect_read_answer(answer_text, strlen(answer_text), &answer, used, &why);
}

START_TEST(an_answer_of_200)
{
	size_t used = 0, n = connect_write_answer(200, NULL, text, sizeof(text));

	strcpy(text + n, "what follows");
	ck_assert_int_eq(read_answer(text, &used), VMP_OK);
	ck_assert_int_eq(answer.status, 200);
	ck_assert_uint_eq(used, n);
}
END_TEST

START_TEST(a_refusal_with_its_sentence)
{
	size_t i, used, n = connect_write_answer(403, "not here", text, sizeof(text));

	for (i = 0; i < n; i++)
		ck_assert_int_eq(connect_read_answer(text, i, &answer, &used, &why), VMP_ENOENT);
	ck_assert_int_eq(connect_read_answer(text, n, &answer, &used, &why), VMP_OK);
	ck_assert_int_eq(answer.status, 403);
	ck_assert_str_eq(answer.sentence, "not here");
	ck_assert_uint_eq(connect_write_answer(403, "not here", text, n), 0);
}
END_TEST

START_TEST(a_sentence_is_one_line_of_what_can_be_shown)
{
	size_t used;

	ck_assert_int_eq(read_answer("HTTP/1.1 502 x\r\nContent-Length: 6\r\n\r\na\x1b"
				     "b\ncd",
				     &used),
			 VMP_OK);
	ck_assert_str_eq(answer.sentence, "a?b");
}
END_TEST

START_TEST(a_long_body_is_not_waited_for)
{
	size_t used;

	memset(text, 'b', sizeof(text));
	memcpy(text, "HTTP/1.1 502 x\r\nContent-Length: 99999999\r\n\r\n", 44);
	ck_assert_int_eq(connect_read_answer(text, 44 + 4096, &answer, &used, &why), VMP_OK);
	ck_assert_uint_eq(strlen(answer.sentence), CONNECT_SENTENCE - 1);
}
END_TEST

static const char *const bad_answers[] = {
	"HTTP/1.0 200 OK\r\n\r\n",
	"HTTP/1.1 100 Continue\r\n\r\n",
	"HTTP/1.1 302 Found\r\n\r\n",
	"HTTP/1.1 2000 OK\r\n\r\n",
	"HTTP/1.1 20x OK\r\n\r\n",
	"HTTP/1.1 200\r\n\r\n",
	"SSH-2.0-x\r\n\r\n",
	"\r\n\r\n",
	"HTTP/1.1 200 OK\r\nbad\r\n\r\n",
	"HTTP/1.1 200 OK\nX: y\r\n\r\n",
	"HTTP/1.1 999 OK\r\n\r\n",
};

START_TEST(what_is_no_answer)
{
	size_t used;

	ck_assert_int_eq(read_answer(bad_answers[_i], &used), VMP_EINVAL);
}
END_TEST

START_TEST(an_answer_that_is_too_long)
{
	size_t used;

	memset(text, 'a', sizeof(text));
	ck_assert_int_eq(connect_read_answer(text, CONNECT_HEAD, &answer, &used, &why), VMP_EINVAL);
}
END_TEST

Suite *check_relay_connect(void)
{
	Suite *s = suite_create("relay_connect");
	TCase *t = tcase_create("relay_connect");

	tcase_add_loop_test(t, an_authority, 0, (int)(sizeof(authorities) / sizeof(authorities[0])));
	tcase_add_test(t, an_authoritys_parts);
	tcase_add_test(t, a_name_of_253_octets_and_no_more);
	tcase_add_test(t, a_request);
	tcase_add_test(t, every_beginning_of_a_request_wants_more);
	tcase_add_test(t, what_follows_is_not_the_heads);
	tcase_add_loop_test(t, a_bad_request, 0, (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(t, a_length_of_nothing_is_no_body);
	tcase_add_test(t, a_nul_is_no_part_of_a_request);
	tcase_add_test(t, a_head_that_is_too_long);
	tcase_add_test(t, many_header_lines);
	tcase_add_test(t, many_entries_of_via);
	tcase_add_test(t, what_is_written_can_be_read);
	tcase_add_test(t, an_answer_of_200);
	tcase_add_test(t, a_refusal_with_its_sentence);
	tcase_add_test(t, a_sentence_is_one_line_of_what_can_be_shown);
	tcase_add_test(t, a_long_body_is_not_waited_for);
	tcase_add_loop_test(t, what_is_no_answer, 0, (int)(sizeof(bad_answers) / sizeof(bad_answers[0])));
	tcase_add_test(t, an_answer_that_is_too_long);
	suite_add_tcase(s, t);
	return s;
}
