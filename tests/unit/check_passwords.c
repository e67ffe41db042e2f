#include "passwords.h"
#include "folder.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

static struct vmp_msg msg;

static int read_text(const char *text, unsigned mode)
{
	folder_write("md5.conf", text, mode);
	return passwords_read(folder_path("md5.conf"), &msg);
}

static void says(const char *words)
{
	ck_assert_msg(strstr(msg.text, words) != NULL, "%s", msg.text);
}

static void is(uint64_t mac, const char *wanted)
{
	char text[PASSWORD_MAX] = "";

	ck_assert_uint_eq(passwords_find(mac, text), strlen(wanted));
	ck_assert_str_eq(text, wanted);
}

static void teardown(void)
{
	passwords_free();
	folder_teardown();
}

static const struct {
	const char *text, *says;
} bad[] = {
	{ "password = x\n", "expected a section [MAC] or [default]" },
	{ "[52:54:00:00:00]\npassword = x\n", "expected a section [MAC] or [default]" },
	{ "[01:00:00:00:00:01]\npassword = x\n", "expected a section [MAC] or [default]" },
	{ "[Default]\npassword = x\n", "expected a section [MAC] or [default]" },
	{ "[default]\nPassword = x\n", "there is no such option" },
	{ "[default]\nsecret = x\n", "there is no such option" },
	{ "[default]\npassword =\n", "expected 1 to 127 octets" },
	{ "[default]\npassword = x\n[52:54:00:00:00:01]\npassword = y\n[default]\npassword = z\n",
	  "[default] given twice" },
	{ "[52:54:00:00:00:01]\npassword = y\n[5254.0000.0001]\npassword = y\n", "[52:54:00:00:00:01] given twice" },
};

START_TEST(what_is_not_taken)
{
	ck_assert_int_lt(read_text(bad[_i].text, 0600), 0);
	says(bad[_i].says);
	/* Nor what was right in it. */
	is(0x525400000001, "");
}
END_TEST

START_TEST(a_file_that_others_may_read)
{
	static const unsigned modes[] = { 0640, 0604, 0620, 0602, 0644 };
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		ck_assert_int_eq(read_text("[default]\npassword = x\n", modes[i]), VMP_EACCES);
		says("chmod 600");
		is(0x525400000001, "");
	}
	ck_assert_int_eq(read_text("[default]\npassword = x\n", 0400), VMP_OK);
}
END_TEST

START_TEST(one_that_is_none)
{
	ck_assert_int_eq(passwords_read(folder_path("other.conf"), &msg), VMP_ENOENT);
	ck_assert_int_eq(passwords_read(folder_path(NULL), &msg), VMP_EIO);
	is(0x525400000001, "");
}
END_TEST

START_TEST(as_long_as_can_be)
{
	char text[64 + PASSWORD_MAX] = "[default]\npassword = ", longest[PASSWORD_MAX] = "";

	memset(longest, 'x', PASSWORD_MAX - 1);
	strcat(text, longest);
	ck_assert_int_eq(read_text(text, 0600), VMP_OK);
	is(1, longest);
	strcat(text, "x");
	ck_assert_int_eq(read_text(text, 0600), VMP_EINVAL);
	says("expected 1 to 127 octets");
	is(1, "");
}
END_TEST

START_TEST(each_has_its_own_or_the_default)
{
	ck_assert_int_eq(read_text("[52:54:00:00:00:02]\npassword = two\n[52-54-00-00-00-01]\npassword = one\n", 0600),
			 VMP_OK);
	is(0x525400000001, "one");
	is(0x525400000002, "two");
	is(0x525400000003, "");
	ck_assert_int_eq(read_text("[52:54:00:00:00:02]\npassword = two\n[default]\npassword = all\n", 0600), VMP_OK);
	is(0x525400000001, "all");
	is(0x525400000002, "two");
	passwords_free();
	is(0x525400000002, "");
}
END_TEST

START_TEST(many)
{
	static char text[4096];
	size_t n = 0;
	int i;

	for (i = 50; i > 0; i--)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "[52:54:00:00:00:%02x]\npassword = p%d\n",
				      (unsigned)i, i);
	ck_assert_int_eq(read_text(text, 0600), VMP_OK);
	is(0x525400000001, "p1");
	is(0x525400000032, "p50");
	is(0x525400000033, "");
}
END_TEST

Suite *check_passwords(void)
{
	Suite *s = suite_create("passwords");
	TCase *t = tcase_create("passwords");

	tcase_add_checked_fixture(t, folder_setup, teardown);
	tcase_add_loop_test(t, what_is_not_taken, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(t, a_file_that_others_may_read);
	tcase_add_test(t, one_that_is_none);
	tcase_add_test(t, as_long_as_can_be);
	tcase_add_test(t, each_has_its_own_or_the_default);
	tcase_add_test(t, many);
	suite_add_tcase(s, t);
	return s;
}
