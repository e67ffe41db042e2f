#include "err.h"
#include "suites.h"

#include <string.h>

START_TEST(every_number_has_a_word)
{
	int e;

	for (e = VMP_EACCES; e <= VMP_OK; e++)
		ck_assert_str_ne(vmp_strerror(e), "unknown error");
	ck_assert_str_eq(vmp_strerror(1), "unknown error");
	ck_assert_str_eq(vmp_strerror(-1000), "unknown error");
}
END_TEST

START_TEST(a_message_is_one_line)
{
	struct vmp_msg msg;

	ck_assert_int_eq(vmp_fail(&msg, VMP_EIO, "a%sb", "\n\x1b\x7f"), VMP_EIO);
	ck_assert_str_eq(msg.text, "a???b");
	ck_assert_int_eq(vmp_fail(NULL, VMP_EFULL, "nobody listens"), VMP_EFULL);
}
END_TEST

START_TEST(a_long_message_is_cut)
{
	struct vmp_msg msg;
	char text[2 * VMP_MSG_MAX];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)vmp_fail(&msg, VMP_EIO, "%s", text);
	ck_assert_uint_eq(strlen(msg.text), VMP_MSG_MAX - 1);
}
END_TEST

Suite *check_err(void)
{
	Suite *s = suite_create("err");
	TCase *t = tcase_create("err");

	tcase_add_test(t, every_number_has_a_word);
	tcase_add_test(t, a_message_is_one_line);
	tcase_add_test(t, a_long_message_is_cut);
	suite_add_tcase(s, t);
	return s;
}
