#include "connect.h"
#include "suites_relayd.h"

#include <string.h>

static int read_answer(const char *text, size_t len, struct connect_answer *out, size_t *used)
{
	struct vmp_msg why = { "" };
	int err = connect_read_answer(text, len, out, used, &why);

	ck_assert_int_eq(err == VMP_EINVAL, *why.text != '\0');
	return err;
}

static const char *const bad[] = {
	"SSH-2.0-OpenSSH\r\n\r\n",
	"HTTP/1.1 200\r\n\r\n",
	"HTTP/1.1 20 OK\r\n\r\n",
	"HTTP/1.1 2000 OK\r\n\r\n",
	"HTTP/1.1 2x0 OK\r\n\r\n",
	"HTTP/1.0 200 OK\r\n\r\n",
	"HTTP/2 200 OK\r\n\r\n",
	"http/1.1 200 OK\r\n\r\n",
	"HTTP/1.1 100 Continue\r\n\r\n",
	"HTTP/1.1 302 Found\r\nLocation: x\r\n\r\n",
	"HTTP/1.1 600 X\r\n\r\n",
	"HTTP/1.1 000 X\r\n\r\n",
	"HTTP/1.1 403 X\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 403 X\r\nContent-Length: x\r\n\r\n",
	"HTTP/1.1 403 X\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
	"HTTP/1.1 403 X\r\nno colon\r\n\r\n",
	"HTTP/1.1 403 X\r\nX: \x01\r\n\r\n",
};

START_TEST(bad_answers_are_refused)
{
	struct connect_answer answer;
	size_t used;

	ck_assert_int_eq(read_answer(bad[_i], strlen(bad[_i]), &answer, &used), VMP_EINVAL);
}
END_TEST

START_TEST(a_head_that_does_not_end_is_refused)
{
	static char text[CONNECT_HEAD + 1];
	struct connect_answer answer;
	size_t used;

	memset(text, 'x', sizeof(text));
	memcpy(text, "HTTP/1.1 200 ", 13);
	ck_assert_int_eq(read_answer(text, CONNECT_HEAD - 1, &answer, &used), VMP_ENOENT);
	ck_assert_int_eq(read_answer(text, CONNECT_HEAD, &answer, &used), VMP_EINVAL);
}
END_TEST

static const struct {
	const char *text;
	size_t rest; /* behind what is read */
	int status;
	const char *sentence;
} good[] = {
	{ "HTTP/1.1 200 Connection established\r\n\r\n", 0, 200, "" },
	{ "HTTP/1.1 200 \r\n\r\n", 0, 200, "" },
	{ "HTTP/1.1 200 OK\r\n\r\nocts", 4, 200, "" },
	/* RFC 9110 section 9.3.6: no body after 2xx, whatever it says */
	{ "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nocts", 4, 200, "" },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nocts", 4, 200, "" },
	{ "HTTP/1.1 403 Forbidden\r\nContent-Length: 8\r\n\r\nnot you\n", 0, 403, "not you" },
	{ "HTTP/1.1 403 Forbidden\r\ncontent-length: 12\r\n\r\none\r\ntwo\r\n\r\n", 0, 403, "one" },
	{ "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", 0, 502, "" },
	{ "HTTP/1.1 503 X\r\n\r\n", 0, 503, "" },
	{ "HTTP/1.1 508 X\r\nContent-Length: 4\r\n\r\na\x01\x80z", 0, 508, "a??z" },
};

START_TEST(good_answers_are_read)
{
	size_t len = strlen(good[_i].text), used = 0, i;
	struct connect_answer answer;

	ck_assert_int_eq(read_answer(good[_i].text, len, &answer, &used), VMP_OK);
	ck_assert_int_eq(answer.status, good[_i].status);
	ck_assert_str_eq(answer.sentence, good[_i].sentence);
	if (answer.status == 200)
		ck_assert_uint_eq(used, len - good[_i].rest);
	for (i = 0; i < len - good[_i].rest; i++)
		ck_assert_int_eq(read_answer(good[_i].text, i, &answer, &used), VMP_ENOENT);
}
END_TEST

START_TEST(a_long_refusal_is_cut)
{
	static char text[2 * CONNECT_HEAD] = "HTTP/1.1 403 X\r\nContent-Length: 999999\r\n\r\n";
	struct connect_answer answer;
	size_t used, head = strlen(text);

	memset(text + head, 'x', 5000);
	ck_assert_int_eq(read_answer(text, head + 5000, &answer, &used), VMP_OK);
	ck_assert_uint_eq(strlen(answer.sentence), CONNECT_SENTENCE - 1);
}
END_TEST

static const int statuses[] = { 200, 400, 403, 405, 408, 429, 431, 502, 503, 504, 505, 508 };

START_TEST(what_is_written_is_read)
{
	const char *sentence = statuses[_i] == 200 ? NULL : "one line";
	struct connect_answer answer;
	char text[1024];
	size_t used, len = connect_write_answer(statuses[_i], sentence, text, sizeof(text));

	ck_assert_uint_gt(len, 0);
	ck_assert_ptr_null(strstr(text, "Refused"));
	ck_assert_int_eq(read_answer(text, len, &answer, &used), VMP_OK);
	ck_assert_int_eq(answer.status, statuses[_i]);
	ck_assert_str_eq(answer.sentence, sentence ? sentence : "");
	ck_assert_uint_eq(connect_write_answer(statuses[_i], sentence, text, len), 0);
	/* RFC 9110 section 15.5.6 */
	ck_assert_int_eq(strstr(text, "Allow: CONNECT") != NULL, statuses[_i] == 405);
}
END_TEST

Suite *check_connect_answer(void)
{
	Suite *s = suite_create("relayd connect answer");
	TCase *c = tcase_create("all");

	suite_add_tcase(s, c);
	tcase_add_loop_test(c, bad_answers_are_refused, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(c, a_head_that_does_not_end_is_refused);
	tcase_add_loop_test(c, good_answers_are_read, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_test(c, a_long_refusal_is_cut);
	tcase_add_loop_test(c, what_is_written_is_read, 0, sizeof(statuses) / sizeof(statuses[0]));
	return s;
}
