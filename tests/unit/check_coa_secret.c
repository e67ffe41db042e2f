#include "coa/secret.h"
#include "suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct secrets *secrets;
static struct vmp_msg msg;

static void teardown(void)
{
	secrets_free(secrets);
	secrets = NULL;
}

static int take(const char *text)
{
	return secrets_text("nas-secrets.conf", text, strlen(text), &secrets, &msg);
}

static const char *find(const char *name, const char *address)
{
	struct vmp_addr addr;

	ck_assert_int_eq(vmp_addr_parse(address, &addr), VMP_OK);
	return secrets_find(secrets, name, &addr);
}

START_TEST(what_fits_best_counts)
{
	ck_assert_int_eq(take("[default]\nsecret = all\n[192.0.2.0/24]\nsecret = net\n[192.0.2.128/25]\nsecret = half\n"
			      "[192.0.2.129]\nsecret = one\n[leaf1]\nsecret = a name\n[2001:db8::/33]\nsecret = six\n"
			      "[0.0.0.0/0]\nsecret = four\n"),
			 VMP_OK);
	ck_assert_str_eq(find("leaf1", "192.0.2.129"), "a name");
	ck_assert_str_eq(find("leaf2", "192.0.2.129"), "one");
	ck_assert_str_eq(find("", "192.0.2.130"), "half");
	ck_assert_str_eq(find("", "192.0.2.127"), "net");
	ck_assert_str_eq(find("", "192.0.3.1"), "four");
	ck_assert_str_eq(find("", "2001:db8:7fff::1"), "six");
	ck_assert_str_eq(find("", "2001:db8:8000::1"), "all");
}
END_TEST

START_TEST(without_a_fit_there_is_none)
{
	ck_assert_int_eq(take("[leaf1]\nsecret = a\n[192.0.2.0/24]\nsecret = b\n"), VMP_OK);
	ck_assert_ptr_null(find("", "198.51.100.1"));
	ck_assert_ptr_null(find("leaf", "198.51.100.1"));
	ck_assert_ptr_null(find("", "2001:db8::1"));
	teardown();
	ck_assert_int_eq(take(""), VMP_OK);
	ck_assert_ptr_null(find("", "192.0.2.1"));
}
END_TEST

START_TEST(a_secret_is_what_stands_there)
{
	ck_assert_int_eq(take("[a]\nsecret = =:\"#;x y\\\n"), VMP_OK);
	ck_assert_str_eq(find("a", "192.0.2.1"), "=:\"#;x y\\");
}
END_TEST

START_TEST(what_is_wrong_is_refused_with_its_line)
{
	static const char *const wrong[] = {
		"[192.0.2.1/24]\nsecret = a\n",
		"[192.0.2.0/33]\nsecret = a\n",
		"[2001:db8::/129]\nsecret = a\n",
		"[192.0.2.0/x]\nsecret = a\n",
		"[192.0.2.0/]\nsecret = a\n",
		"[/24]\nsecret = a\n",
		"[leaf 1]\nsecret = a\n",
		"\nsecret = a\n",
		"[a]\nsecret =\n",
		"[a]\npassword = a\n",
		"[a]\nsecret = a ;b\n",
	};

	ck_assert_int_eq(take(wrong[_i]), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, "nas-secrets.conf:2: ") == msg.text, "%s", msg.text);
}
END_TEST

START_TEST(a_nas_has_one_secret)
{
	static const char *const twice[] = {
		"[a]\nsecret = x\n[a]\nsecret = x\n",
		"[192.0.2.1]\nsecret = x\n[192.0.2.1/32]\nsecret = x\n",
		"[2001:db8::1]\nsecret = x\n[2001:DB8:0::1]\nsecret = x\n",
		"[default]\nsecret = x\nsecret = x\n",
	};

	ck_assert_int_eq(take(twice[_i]), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "given twice"));
}
END_TEST

START_TEST(no_message_has_a_secret_in_it)
{
	ck_assert_int_eq(take("[a]\nsecret = hidden\n[a]\nsecret = hidden\n"), VMP_EINVAL);
	ck_assert_ptr_null(strstr(msg.text, "hidden"));
	ck_assert_int_eq(take("[a]\nsecret = hidden ;hidden\n"), VMP_EINVAL);
	ck_assert_ptr_null(strstr(msg.text, "hidden"));
}
END_TEST

START_TEST(many_are_found)
{
	static char text[120000];
	char name[16];
	size_t len = 0;
	int i;

	for (i = 0; i < 2000; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "[nas%d]\nsecret = s%d\n", i, i);
	ck_assert_int_eq(take(text), VMP_OK);
	for (i = 0; i < 2000; i += 333) {
		snprintf(name, sizeof(name), "nas%d", i);
		ck_assert_str_eq(find(name, "192.0.2.1") + 1, name + 3);
	}
}
END_TEST

START_TEST(a_file_for_others_is_refused)
{
	static const mode_t modes[] = { 0640, 0604, 0660, 0610, 0602 };
	char path[] = "/tmp/nas-secrets.XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_eq(write(fd, "[a]\nsecret = x\n", 15), 15);
	ck_assert_int_eq(fchmod(fd, modes[_i]), 0);
	ck_assert_int_eq(secrets_read(path, &secrets, &msg), VMP_EACCES);
	ck_assert_ptr_nonnull(strstr(msg.text, path));
	ck_assert_int_eq(fchmod(fd, 0600), 0);
	ck_assert_int_eq(secrets_read(path, &secrets, &msg), VMP_OK);
	ck_assert_str_eq(find("a", "192.0.2.1"), "x");
	close(fd);
	unlink(path);
}
END_TEST

START_TEST(no_file_and_no_regular_file_are_told_apart)
{
	ck_assert_int_eq(secrets_read("/nonexistent/nas-secrets.conf", &secrets, &msg), VMP_ENOENT);
	ck_assert_int_eq(secrets_read("/dev/null", &secrets, &msg), VMP_EIO);
	ck_assert_int_eq(secrets_read("/tmp", &secrets, &msg), VMP_EIO);
}
END_TEST

Suite *check_coa_secret(void)
{
	Suite *s = suite_create("coa_secret");
	TCase *t = tcase_create("coa_secret");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, what_fits_best_counts);
	tcase_add_test(t, without_a_fit_there_is_none);
	tcase_add_test(t, a_secret_is_what_stands_there);
	tcase_add_loop_test(t, what_is_wrong_is_refused_with_its_line, 0, 11);
	tcase_add_loop_test(t, a_nas_has_one_secret, 0, 4);
	tcase_add_test(t, no_message_has_a_secret_in_it);
	tcase_add_test(t, many_are_found);
	tcase_add_loop_test(t, a_file_for_others_is_refused, 0, 5);
	tcase_add_test(t, no_file_and_no_regular_file_are_told_apart);
	suite_add_tcase(s, t);
	return s;
}
