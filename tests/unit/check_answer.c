#include "answer.h"
#include "bundle.h"
#include "retry.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int read_answer(int status, const char *body, struct vmp_msg *msg)
{
	return answer_read(status, body, strlen(body), "no route", msg);
}

START_TEST(each_status)
{
	static const struct {
		int status, err;
	} rows[] = { { 200, VMP_OK },	  { 204, VMP_OK },     { 400, VMP_EINVAL }, { 401, VMP_EACCES },
		     { 403, VMP_EACCES }, { 404, VMP_ENOENT }, { 405, VMP_EINVAL }, { 409, VMP_EEXIST },
		     { 413, VMP_EINVAL }, { 415, VMP_EINVAL }, { 302, VMP_EIO },    { 429, VMP_EIO },
		     { 500, VMP_EIO },	  { 501, VMP_EIO },    { 503, VMP_EIO },    { 100, VMP_EIO } };
	struct vmp_msg msg;
	char wanted[64];
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		msg.text[0] = '\0';
		ck_assert_int_eq(read_answer(rows[i].status, "{\"error\": \"because\"}", &msg), rows[i].err);
		wanted[0] = '\0';
		if (rows[i].err)
			snprintf(wanted, sizeof(wanted), "policyd: because (%d)", rows[i].status);
		ck_assert_str_eq(msg.text, wanted);
	}
}
END_TEST

START_TEST(without_a_sentence)
{
	static const char *const bodies[] = { "",
					      "<html>403</html>",
					      "{}",
					      "[]",
					      "{\"error\": 1}",
					      "{\"error\": \"a\"",
					      "{\"error\":\"a\",\"error\":\"b\"}" };
	struct vmp_msg msg = { "" };
	size_t i;

	for (i = 0; i < COUNT(bodies); i++) {
		ck_assert_int_eq(read_answer(403, bodies[i], &msg), VMP_EACCES);
		ck_assert_str_eq(msg.text, "policyd: status 403");
	}
	ck_assert_int_eq(read_answer(0, "", &msg), VMP_EIO);
	ck_assert_str_eq(msg.text, "no route");
}
END_TEST

START_TEST(a_sentence_is_one_line)
{
	struct vmp_msg msg = { "" };

	ck_assert_int_eq(read_answer(404, "{\"error\": \"a\\nb\\u001b[31m\"}", &msg), VMP_ENOENT);
	ck_assert_str_eq(msg.text, "policyd: a?b?[31m (404)");
}
END_TEST

#define UUID "11111111-2222-4333-8444-555555555501"

START_TEST(bundles)
{
	static const char good[] = "{\"uuid\": \"" UUID "\", \"token\": \"t\", \"more\": [1]}";
	static const char *const bad[] = { "",
					   "{}",
					   "[]",
					   "{\"uuid\": \"" UUID "\"}",
					   "{\"token\": \"t\"}",
					   "{\"uuid\": \"" UUID "\", \"token\": 1}",
					   "{\"uuid\": \"11111111-2222-4333-8444-555555555502\", \"token\": \"t\"}",
					   "{\"uuid\": \"" UUID "\", \"token\": \"t\"} x",
					   "{\"uuid\": \"" UUID "\", \"token\": \"t\", \"token\": \"u\"}" };
	struct vmp_msg msg = { "" };
	size_t i;

	ck_assert_int_eq(bundle_check(good, sizeof(good) - 1, UUID, &msg), VMP_OK);
	for (i = 0; i < COUNT(bad); i++)
		ck_assert_msg(bundle_check(bad[i], strlen(bad[i]), UUID, &msg) == VMP_EIO, "%s", bad[i]);
	ck_assert_str_eq(msg.text, "policyd: expected a join bundle for " UUID);
}
END_TEST

START_TEST(pauses)
{
	uint64_t wanted = 1000, ms;
	unsigned tries, i;

	for (tries = 1; tries < 40; tries++) {
		for (i = 0; i < 50; i++) {
			ms = retry_pause(tries);
			ck_assert_uint_ge(ms, wanted * 3 / 4);
			ck_assert_uint_le(ms, wanted * 5 / 4);
		}
		wanted = wanted * 2 < 300000 ? wanted * 2 : 300000;
	}
	ck_assert_uint_le(retry_pause(0), 1250);
	ck_assert_uint_le(retry_pause(4000000000u), 375000);
}
END_TEST

Suite *check_answer(void)
{
	Suite *s = suite_create("answer");
	TCase *t = tcase_create("answer");

	tcase_add_test(t, each_status);
	tcase_add_test(t, without_a_sentence);
	tcase_add_test(t, a_sentence_is_one_line);
	tcase_add_test(t, bundles);
	tcase_add_test(t, pauses);
	suite_add_tcase(s, t);
	return s;
}
