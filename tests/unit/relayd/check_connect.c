#include "connect.h"
#include "suites_relayd.h"

#include <stdio.h>
#include <string.h>

#define LINE "CONNECT a.example:443 HTTP/1.1\r\n"
#define HOST "Host: a.example:443\r\n"
#define END  "\r\n"
#define ID   "6ba7b810-9dad-41d1-80b4-00c04fd430c8"

static int read_text(const char *text, size_t len, struct connect_request *out)
{
	struct vmp_msg why = { "" };
	size_t head = 0;
	int status = connect_read(text, len, out, &head, &why);

	if (status == 200)
		ck_assert_uint_le(head, len);
	else if (status != 0)
		ck_assert_str_ne(why.text, "");
	return status;
}

static int status_of(const char *text)
{
	struct connect_request request;

	return read_text(text, strlen(text), &request);
}

/* -- what is refused ---------------------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	int status;
} bad[] = {
	/* another protocol: known as soon as it begins */
	{ "\x16\x03\x01", 400 },
	{ "connect", 400 },
	{ " CONNECT", 400 },
	{ "SSH-2.0-x", 400 },
	{ "CONNECTCONNECTCONNECT", 400 },
	/* another method, or version */
	{ "GET / HTTP/1.1\r\n" HOST END, 405 },
	{ "CONNEC a.example:443 HTTP/1.1\r\n" HOST END, 405 },
	{ "CONNECT a.example:443 HTTP/1.0\r\n" HOST END, 505 },
	{ "CONNECT a.example:443 HTTP/2.0\r\n" HOST END, 505 },
	/* request lines */
	{ "CONNECT a.example:443\r\n" HOST END, 400 },
	{ "CONNECT  a.example:443 HTTP/1.1\r\n" HOST END, 400 },
	{ "CONNECT a.example:443  HTTP/1.1\r\n" HOST END, 400 },
	{ "CONNECT a.example:443 HTTP/1.1 \r\n" HOST END, 400 },
	{ "CONNECT a.example:443 http/1.1\r\n" HOST END, 400 },
	{ "CONNECT a.example HTTP/1.1\r\n" HOST END, 400 },
	{ "CONNECT a.example:0 HTTP/1.1\r\n" HOST END, 400 },
	{ "CONNECT https://a.example:443 HTTP/1.1\r\n" HOST END, 400 },
	{ "CONNECT /a.example:443 HTTP/1.1\r\n" HOST END, 400 },
	/* Host */
	{ LINE END, 400 },
	{ LINE HOST HOST END, 400 },
	{ LINE "Host: b.example:443\r\n" END, 400 },
	{ LINE "Host: a.example\r\n" END, 400 },
	{ LINE "Host:\r\n" END, 400 },
	/* bodies */
	{ LINE HOST "Content-Length: 1\r\n" END, 400 },
	{ LINE HOST "Content-Length: 0\r\nContent-Length: 0\r\n" END, 400 },
	{ LINE HOST "Content-Length: -1\r\n" END, 400 },
	{ LINE HOST "Content-Length: 0, 0\r\n" END, 400 },
	{ LINE HOST "Content-Length: 18446744073709551616\r\n" END, 400 },
	{ LINE HOST "Content-Length:\r\n" END, 400 },
	{ LINE HOST "Transfer-Encoding: chunked\r\n" END, 400 },
	{ LINE HOST "transfer-encoding: identity\r\n" END, 400 },
	/* header lines */
	{ LINE HOST "X\r\n" END, 400 },
	{ LINE HOST ": x\r\n" END, 400 },
	{ LINE HOST "X : x\r\n" END, 400 },
	{ LINE HOST " X: x\r\n" END, 400 },
	{ LINE "Host: a.example:443\r\n folded\r\n" END, 400 },
	{ LINE HOST "X: a\rb\r\n" END, 400 },
	{ LINE HOST "X: a\nY: b\r\n" END, 400 },
	{ LINE HOST "X: \x01\r\n" END, 400 },
	{ LINE HOST "X: \x7f\r\n" END, 400 },
	{ "CONNECT a.example:443 HTTP/1.1\n" HOST END, 400 },
	/* Via */
	{ LINE HOST "Via:\r\n" END, 400 },
	{ LINE HOST "Via: " ID "\r\n" END, 400 },
	{ LINE HOST "Via: 1.0 " ID "\r\n" END, 400 },
	{ LINE HOST "Via: 2 " ID "\r\n" END, 400 },
	{ LINE HOST "Via: 1.1\r\n" END, 400 },
	{ LINE HOST "Via: 1.1 \r\n" END, 400 },
	{ LINE HOST "Via: 1.1  " ID "\r\n" END, 400 },
	{ LINE HOST "Via: 1.1 " ID " (squid)\r\n" END, 400 },
	{ LINE HOST "Via: 1.1 " ID ",\r\n" END, 400 },
	{ LINE HOST "Via: ,1.1 " ID "\r\n" END, 400 },
	{ LINE HOST "Via: 1.1 " ID ",,1.1 x\r\n" END, 400 },
	{ LINE HOST "Via: 1.1 a/b\r\n" END, 400 },
	{ LINE HOST "Via: 1.1 " ID ID "\r\n" END, 400 },
};

START_TEST(bad_requests_are_refused)
{
	ck_assert_int_eq(status_of(bad[_i].text), bad[_i].status);
}
END_TEST

START_TEST(a_nul_is_refused)
{
	struct connect_request request;
	static const char text[] = LINE HOST "X: a\0b\r\n" END, name[] = LINE HOST "X\0: b\r\n" END;

	ck_assert_int_eq(read_text(text, sizeof(text) - 1, &request), 400);
	ck_assert_int_eq(read_text(name, sizeof(name) - 1, &request), 400);
	ck_assert_int_eq(read_text("\0", 1, &request), 400);
}
END_TEST

/* A head of exactly len octets, its end perhaps among them. */
static size_t make_head(char *text, size_t len)
{
	static const char start[] = LINE HOST "X: ", end[] = "\r\n\r\n";

	memset(text, 'x', len);
	memcpy(text, start, sizeof(start) - 1);
	memcpy(text + len - 4, end, 4);
	return len;
}

START_TEST(a_head_has_8192_octets_at_most)
{
	static char text[CONNECT_HEAD + 16];
	struct connect_request request;

	ck_assert_int_eq(read_text(text, make_head(text, CONNECT_HEAD), &request), 200);
	ck_assert_int_eq(read_text(text, CONNECT_HEAD - 1, &request), 0);
	ck_assert_int_eq(read_text(text, make_head(text, CONNECT_HEAD + 1), &request), 431);
	ck_assert_int_eq(read_text(text, CONNECT_HEAD, &request), 431);
}
END_TEST

START_TEST(a_head_has_64_lines_at_most)
{
	char text[CONNECT_HEAD] = LINE HOST;
	int i;

	for (i = 1; i < CONNECT_HEADERS; i++)
		strcat(text, "X: x\r\n");
	strcat(text, END);
	ck_assert_int_eq(status_of(text), 200);
	strcpy(text + strlen(text) - 2, "X: x\r\n" END);
	ck_assert_int_eq(status_of(text), 431);
}
END_TEST

START_TEST(via_has_16_entries_at_most)
{
	char text[CONNECT_HEAD] = LINE HOST "Via: 1.1 n1";
	struct connect_request request;
	int i;

	for (i = 2; i <= CONNECT_VIA; i++)
		snprintf(text + strlen(text), 16, ",1.1 n%d", i);
	strcat(text, "\r\n" END);
	ck_assert_int_eq(read_text(text, strlen(text), &request), 200);
	ck_assert_int_eq(request.n_via, CONNECT_VIA);
	ck_assert_str_eq(request.via[CONNECT_VIA - 1], "n16");
	strcpy(text + strlen(text) - 2, "Via: 1.1 n17\r\n" END);
	ck_assert_int_eq(status_of(text), 400);
}
END_TEST

/* -- what is read ------------------------------------------------------------------------------------------------- */

static const struct {
	const char *text, *authority;
	int n_via;
	const char *first, *last;
} good[] = {
	{ LINE HOST END, "a.example:443", 0, NULL, NULL },
	{ "CONNECT A.Example:443 HTTP/1.1\r\nhOST:A.EXAMPLE:443\r\n" END, "a.example:443", 0, NULL, NULL },
	{ "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n" END, "[::1]:443", 0, NULL, NULL },
	{ LINE HOST "Content-Length: 0\r\n" END, "a.example:443", 0, NULL, NULL },
	{ LINE HOST "User-Agent: curl/7.88.1\r\nProxy-Connection: Keep-Alive\r\nX:\r\nY: \xc3\xb6\t!\r\n" END,
	  "a.example:443", 0, NULL, NULL },
	{ LINE HOST "Via: 1.1 " ID "\r\n" END, "a.example:443", 1, ID, ID },
	{ LINE HOST "via:1.1 one ,\t1.1 two\r\n" END, "a.example:443", 2, "one", "two" },
	{ LINE "Via: 1.1 one\r\n" HOST "Via: 1.1 52:54:00:aa:bb:cc\r\n" END, "a.example:443", 2, "one",
	  "52:54:00:aa:bb:cc" },
};

START_TEST(good_requests_are_read)
{
	struct connect_request request;

	ck_assert_int_eq(read_text(good[_i].text, strlen(good[_i].text), &request), 200);
	ck_assert_str_eq(request.authority, good[_i].authority);
	ck_assert_int_eq(request.n_via, good[_i].n_via);
	if (!good[_i].n_via)
		return;
	ck_assert_str_eq(request.via[0], good[_i].first);
	ck_assert_str_eq(request.via[request.n_via - 1], good[_i].last);
}
END_TEST

START_TEST(less_than_a_head_waits_for_more)
{
	const char *text = good[_i].text;
	struct connect_request request;
	size_t i;

	for (i = 0; i < strlen(text); i++)
		ck_assert_int_eq(read_text(text, i, &request), 0);
}
END_TEST

START_TEST(what_follows_is_not_of_the_head)
{
	static const char text[] = LINE HOST END "\x16\x03\x01";
	struct connect_request request;
	struct vmp_msg why;
	size_t head;

	ck_assert_int_eq(connect_read(text, sizeof(text) - 1, &request, &head, &why), 200);
	ck_assert_uint_eq(head, sizeof(text) - 1 - 3);
}
END_TEST

/* -- what goes on ------------------------------------------------------------------------------------------------- */

START_TEST(the_next_one_reads_what_is_written)
{
	struct connect_request request, next;
	char text[CONNECT_HEAD];
	size_t len;
	int i;

	ck_assert_int_eq(read_text(good[_i].text, strlen(good[_i].text), &request), 200);
	len = connect_write(&request, "me", text, sizeof(text));
	ck_assert_uint_gt(len, 0);
	ck_assert_int_eq(read_text(text, len, &next), 200);
	ck_assert_str_eq(next.authority, request.authority);
	ck_assert_int_eq(next.n_via, request.n_via + 1);
	for (i = 0; i < request.n_via; i++)
		ck_assert_str_eq(next.via[i], request.via[i]);
	ck_assert_str_eq(next.via[request.n_via], "me");
}
END_TEST

START_TEST(too_little_room_writes_nothing)
{
	struct connect_request request;
	char text[CONNECT_HEAD];
	size_t len, room;

	ck_assert_int_eq(read_text(good[_i].text, strlen(good[_i].text), &request), 200);
	len = connect_write(&request, "me", text, sizeof(text));
	for (room = 1; room <= len; room++)
		ck_assert_uint_eq(connect_write(&request, "me", text, room), 0);
	ck_assert_uint_eq(connect_write(&request, "me", text, len + 1), len);
}
END_TEST

START_TEST(ids)
{
	static const char most[] = ID "-"
				      "123456789.123456789.1234567";

	ck_assert_uint_eq(sizeof(most), CONNECT_ID);
	ck_assert(connect_is_id(most, sizeof(most) - 1));
	ck_assert(connect_is_id("52:54:00:aa:bb:cc", 17));
	ck_assert(!connect_is_id("", 0));
	ck_assert(!connect_is_id("a\0b", 3));
	ck_assert(!connect_is_id("a b", 3));
	ck_assert(!connect_is_id("a,b", 3));
	ck_assert(!connect_is_id(ID ID, 72));
}
END_TEST

Suite *check_connect(void)
{
	const int n_good = sizeof(good) / sizeof(good[0]);
	Suite *s = suite_create("relayd connect");
	TCase *c = tcase_create("all");

	suite_add_tcase(s, c);
	tcase_add_loop_test(c, bad_requests_are_refused, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(c, a_nul_is_refused);
	tcase_add_test(c, a_head_has_8192_octets_at_most);
	tcase_add_test(c, a_head_has_64_lines_at_most);
	tcase_add_test(c, via_has_16_entries_at_most);
	tcase_add_loop_test(c, good_requests_are_read, 0, n_good);
	tcase_add_loop_test(c, less_than_a_head_waits_for_more, 0, n_good);
	tcase_add_test(c, what_follows_is_not_of_the_head);
	tcase_add_loop_test(c, the_next_one_reads_what_is_written, 0, n_good);
	tcase_add_loop_test(c, too_little_room_writes_nothing, 0, n_good);
	tcase_add_test(c, ids);
	return s;
}
