#include "server_answer.h"
#include "suites_gatewayd.h"

#include <stdio.h>
#include <string.h>

#define NAMES	"\"product\":\"web-std\",\"request_id\":\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\""
#define NUMBERS "\"seq\":9,\"granted\":3,\"duration_s\":60,\"grace_s\":5,\"available\":1"

static const char *const bad_answers[] = {
	"",
	"[]",
	"{}",
	"{" NAMES "}",
	"{" NUMBERS "}",
	"{" NAMES "," NUMBERS "} x",
	"{" NAMES ",\"seq\":-1,\"granted\":3,\"duration_s\":60,\"grace_s\":5,\"available\":1}",
	"{" NAMES ",\"seq\":1.5,\"granted\":3,\"duration_s\":60,\"grace_s\":5,\"available\":1}",
	"{" NAMES ",\"seq\":1,\"granted\":100000001,\"duration_s\":60,\"grace_s\":5,\"available\":1}",
	"{" NAMES ",\"seq\":1,\"granted\":1,\"duration_s\":2592001,\"grace_s\":5,\"available\":1}",
	"{" NAMES ",\"seq\":1,\"granted\":1,\"duration_s\":60,\"grace_s\":2592001,\"available\":1}",
	"{\"product\":\"\",\"request_id\":\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"," NUMBERS "}",
	"{\"product\":\"a\\u0007\",\"request_id\":\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"," NUMBERS "}",
	"{\"product\":\"web-std\",\"request_id\":\"6BA7B810-9DAD-41D1-80B4-00C04FD430C8\"," NUMBERS "}",
	"{" NAMES "," NUMBERS ",\"refused\":{}}",
	"{" NAMES "," NUMBERS ",\"refused\":[\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"]}",
	"{" NAMES "," NUMBERS ",\"refused\":[{\"id\":\"x\",\"reason\":\"y\"}]}",
	"{" NAMES "," NUMBERS ",\"refused\":[{\"id\":\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"}]}",
};

static const char *const bad_watches[] = {
	"",
	"{}",
	"{\"version\":-1}",
	"{\"version\":1,\"stopped\":{}}",
	"{\"version\":1,\"stopped\":[1]}",
	"{\"version\":1,\"stopped\":[\"x\"]}",
	"{\"version\":1,\"short\":\"web-std\"}",
	"{\"version\":1,\"short\":[\"\"]}",
	"{\"version\":1,\"full\":true}",
	"{\"version\":1,\"full\":true,\"licensed\":[]}",
	"{\"version\":1,\"full\":true,\"licensed\":{\"web-std\":[\"x\"]}}",
	"{\"version\":1,\"full\":true,\"licensed\":{\"\":[]}}",
};

static int read_one(const char *text, struct server_answer *out, struct vmp_msg *msg)
{
	return server_answer_read(text, strlen(text), out, msg);
}

START_TEST(bad_answers_are_refused)
{
	struct server_answer answer;
	struct vmp_msg msg = { "" };

	ck_assert_int_eq(read_one(bad_answers[_i], &answer, &msg), VMP_EINVAL);
	ck_assert_str_ne(msg.text, "");
	server_answer_clear(&answer);
}
END_TEST

START_TEST(bad_watches_are_refused)
{
	struct server_watch watch;
	struct vmp_msg msg = { "" };

	ck_assert_int_eq(server_watch_read(bad_watches[_i], strlen(bad_watches[_i]), &watch, &msg), VMP_EINVAL);
	ck_assert_str_ne(msg.text, "");
	server_watch_clear(&watch);
}
END_TEST

START_TEST(an_answer_is_read)
{
	static const char text[] = "{" NAMES "," NUMBERS ",\"reason\":\"one\\ntwo\",\"short\":true,\"licensed\":2,"
				   "\"refused\":[{\"id\":\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\",\"reason\":\"no\"}]}";
	struct server_answer a;
	struct vmp_msg msg;

	ck_assert_int_eq(read_one(text, &a, &msg), VMP_OK);
	ck_assert_str_eq(a.product, "web-std");
	ck_assert_int_eq(a.seq, 9);
	ck_assert_int_eq(a.granted, 3);
	ck_assert_int_eq(a.life_ms, 60000);
	ck_assert_int_eq(a.grace_ms, 5000);
	ck_assert_int_eq(a.available, 1);
	ck_assert_int_eq(a.licensed, 2);
	ck_assert_str_eq(a.reason, "one?two");
	ck_assert(a.is_short && !a.stale);
	ck_assert_uint_eq(json_array_size(a.refused), 1);
	server_answer_clear(&a);
}
END_TEST

START_TEST(a_long_reason_is_cut_between_characters)
{
	char text[2048], reason[1024] = "";
	struct server_answer a;
	struct vmp_msg msg;
	int i;

	for (i = 0; i < 200; i++)
		strcat(reason, "\xc3\xa9x");
	snprintf(text, sizeof(text), "{" NAMES "," NUMBERS ",\"reason\":\"%s\"}", reason);
	ck_assert_int_eq(read_one(text, &a, &msg), VMP_OK);
	ck_assert_uint_ge(strlen(a.reason), SERVER_REASON - 4);
	ck_assert_ptr_nonnull(strstr(reason, a.reason));
	ck_assert_int_ne((unsigned char)a.reason[strlen(a.reason) - 1], 0xc3);
	server_answer_clear(&a);
}
END_TEST

START_TEST(what_it_does_not_say_is_not_made_up)
{
	struct server_answer a;
	struct vmp_msg msg;

	ck_assert_int_eq(read_one("{" NAMES "," NUMBERS "}", &a, &msg), VMP_OK);
	ck_assert_int_eq(a.licensed, -1);
	ck_assert_str_eq(a.reason, "");
	ck_assert(!a.stale && !a.is_short && !a.refused);
	server_answer_clear(&a);
}
END_TEST

START_TEST(errors_are_one_line)
{
	char why[SERVER_REASON];

	server_error_read("{\"error\":\"a\\nb\"}", 16, 403, why);
	ck_assert_str_eq(why, "a?b");
	server_error_read("<html>", 6, 502, why);
	ck_assert_str_eq(why, "the server answers with status 502");
	server_error_read("", 0, 500, why);
	ck_assert_str_eq(why, "the server answers with status 500");
}
END_TEST

START_TEST(product_names)
{
	char longest[VMP_PRODUCT + 1] = "";

	memset(longest, 'x', VMP_PRODUCT);
	ck_assert(!product_name_is_good(""));
	ck_assert(!product_name_is_good("a\tb"));
	ck_assert(!product_name_is_good("caf\xc3\xa9"));
	ck_assert(!product_name_is_good(longest));
	longest[VMP_PRODUCT - 1] = '\0';
	ck_assert(product_name_is_good(longest));
	ck_assert(product_name_is_good("web std \"7\""));
}
END_TEST

Suite *check_server_answer(void)
{
	Suite *s = suite_create("server_answer");
	TCase *c = tcase_create("all");

	suite_add_tcase(s, c);
	tcase_add_loop_test(c, bad_answers_are_refused, 0, sizeof(bad_answers) / sizeof(bad_answers[0]));
	tcase_add_loop_test(c, bad_watches_are_refused, 0, sizeof(bad_watches) / sizeof(bad_watches[0]));
	tcase_add_test(c, an_answer_is_read);
	tcase_add_test(c, a_long_reason_is_cut_between_characters);
	tcase_add_test(c, what_it_does_not_say_is_not_made_up);
	tcase_add_test(c, errors_are_one_line);
	tcase_add_test(c, product_names);
	return s;
}
