#include "account.h"
#include "suites.h"

#include <string.h>
#include <unistd.h>

static struct vmp_msg msg;

START_TEST(nobody_else)
{
	unsigned uid = 1, gid = 1;

	ck_assert_int_eq(vmp_account_user("", &uid, &gid, &msg), VMP_OK);
	ck_assert_uint_eq(uid, (unsigned)-1);
	ck_assert_uint_eq(gid, (unsigned)-1);
	ck_assert_int_eq(vmp_account_group("", &gid, &msg), VMP_OK);
	ck_assert_uint_eq(gid, (unsigned)-1);
}
END_TEST

START_TEST(names)
{
	unsigned uid, gid;

	ck_assert_int_eq(vmp_account_user("root", &uid, &gid, &msg), VMP_OK);
	ck_assert_uint_eq(uid, geteuid() == 0 ? 0 : (unsigned)-1);
	ck_assert_int_eq(vmp_account_group("root", &gid, &msg), VMP_OK);
	ck_assert_uint_eq(gid, 0);
}
END_TEST

START_TEST(names_that_do_not_exist)
{
	unsigned uid, gid;

	ck_assert_int_eq(vmp_account_group("no-such-group", &gid, &msg), VMP_EINVAL);
	ck_assert_str_eq(msg.text, "no-such-group: there is no such group");
	if (geteuid() == 0) {
		ck_assert_int_eq(vmp_account_user("no-such-user", &uid, &gid, &msg), VMP_EINVAL);
		ck_assert_str_eq(msg.text, "no-such-user: there is no such user");
	}
}
END_TEST

Suite *check_account(void)
{
	Suite *s = suite_create("account");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, nobody_else);
	tcase_add_test(tc, names);
	tcase_add_test(tc, names_that_do_not_exist);
	suite_add_tcase(s, tc);
	return s;
}
