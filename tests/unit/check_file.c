#include "file.h"
#include "folder.h"
#include "suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned mode_of(const char *name)
{
	struct stat st;

	ck_assert_int_eq(stat(folder_path(name), &st), 0);
	return st.st_mode & 07777;
}

START_TEST(create_replaces_nothing)
{
	struct vmp_msg msg = { "" };

	ck_assert_int_eq(vmp_file_create(folder_path("a"), "one", 3, 0600, &msg), VMP_OK);
	ck_assert_int_eq(vmp_file_create(folder_path("a"), "two", 3, 0600, &msg), VMP_EEXIST);
	ck_assert_str_eq(folder_read("a"), "one");
	ck_assert_uint_eq(mode_of("a"), 0600);
	ck_assert_int_eq(folder_count(NULL), 1);
}
END_TEST

START_TEST(replace_takes_the_place)
{
	umask(077);
	ck_assert_int_eq(vmp_file_replace(folder_path("a"), "one", 3, 0600, NULL), VMP_OK);
	ck_assert_int_eq(vmp_file_replace(folder_path("a"), "second", 6, 0644, NULL), VMP_OK);
	ck_assert_str_eq(folder_read("a"), "second");
	ck_assert_uint_eq(mode_of("a"), 0644);
	ck_assert_int_eq(folder_count(NULL), 1);
}
END_TEST

START_TEST(where_nothing_can_be_written)
{
	struct vmp_msg msg = { "" };
	char longer[5000];

	ck_assert_int_eq(vmp_file_replace(folder_path("none/a"), "x", 1, 0600, &msg), VMP_ENOENT);
	ck_assert_msg(strstr(msg.text, "none/a: cannot create") != NULL, "%s", msg.text);
	ck_assert_int_eq(mkdir(folder_path("dir"), 0700), 0);
	ck_assert_int_ne(vmp_file_replace(folder_path("dir"), "x", 1, 0600, &msg), VMP_OK);
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	ck_assert_int_eq(vmp_file_replace(longer, "x", 1, 0600, &msg), VMP_EINVAL);
	ck_assert_int_eq(folder_count(NULL), 1);
	ck_assert_int_eq(folder_count("dir"), 0);
}
END_TEST

START_TEST(a_full_disk_leaves_the_old)
{
	const struct rlimit few = { 100, 100 };
	struct vmp_msg msg = { "" };
	char text[1000];

	memset(text, 'x', sizeof(text));
	ck_assert_int_eq(vmp_file_replace(folder_path("a"), "old", 3, 0600, NULL), VMP_OK);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &few), 0);
	ck_assert_int_eq(vmp_file_replace(folder_path("a"), text, sizeof(text), 0600, &msg), VMP_EFULL);
	ck_assert_int_eq(vmp_file_create(folder_path("b"), text, sizeof(text), 0600, &msg), VMP_EFULL);
	ck_assert_str_eq(folder_read("a"), "old");
	ck_assert_int_eq(folder_count(NULL), 1);
}
END_TEST

START_TEST(zeros_at_the_end_take_no_room)
{
	enum { SIZE = 1024 * 1024 };
	char *text = calloc(1, SIZE), *out = NULL;
	struct stat st;
	size_t len = 0;

	memcpy(text, "begin", 5);
	ck_assert_int_eq(vmp_file_replace(folder_path("a"), text, SIZE, 0600, NULL), VMP_OK);
	ck_assert_int_eq(stat(folder_path("a"), &st), 0);
	ck_assert_int_eq(st.st_size, SIZE);
	ck_assert_int_le(st.st_blocks * 512, 65536);
	ck_assert_int_eq(vmp_file_read(folder_path("a"), SIZE, true, &out, &len, NULL), VMP_OK);
	ck_assert_uint_eq(len, SIZE);
	ck_assert_int_eq(memcmp(out, text, SIZE), 0);
	free(out);
	free(text);
}
END_TEST

START_TEST(what_is_not_read)
{
	struct vmp_msg msg = { "" };
	char *out = NULL;
	size_t len;

	folder_write("open", "x", 0640);
	folder_write("long", "12345", 0600);
	ck_assert_int_eq(vmp_file_read(folder_path("none"), 9, false, &out, &len, &msg), VMP_ENOENT);
	ck_assert_int_eq(vmp_file_read(folder_path(NULL), 9, false, &out, &len, &msg), VMP_EINVAL);
	ck_assert_int_eq(vmp_file_read(folder_path("long"), 4, false, &out, &len, &msg), VMP_EINVAL);
	ck_assert_int_eq(vmp_file_read(folder_path("open"), 9, true, &out, &len, &msg), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, "mode 640: expected") != NULL, "%s", msg.text);
	ck_assert_ptr_null(out);
	ck_assert_int_eq(vmp_file_read(folder_path("long"), 5, true, &out, &len, &msg), VMP_OK);
	ck_assert_str_eq(out, "12345");
	free(out);
}
END_TEST

START_TEST(sweeping)
{
	static const char *const all[] = { "a.tmp-AbCdEf",  "b.tmp-000000", "a.tmp-short",
					   "a.tmp-toolong", ".tmp-AbCdEf",  "a.backup" };
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		folder_write(all[i], "", 0600);
	vmp_file_sweep(folder_path("none"), NULL);
	vmp_file_sweep(folder_path(NULL), "a");
	ck_assert_ptr_null(folder_read("a.tmp-AbCdEf"));
	ck_assert_ptr_nonnull(folder_read("b.tmp-000000"));
	vmp_file_sweep(folder_path(NULL), NULL);
	ck_assert_ptr_null(folder_read("b.tmp-000000"));
	for (i = 2; i < sizeof(all) / sizeof(all[0]); i++)
		ck_assert_ptr_nonnull(folder_read(all[i]));
}
END_TEST

Suite *check_file(void)
{
	Suite *s = suite_create("file");
	TCase *t = tcase_create("file");

	tcase_add_checked_fixture(t, folder_setup, folder_teardown);
	tcase_add_test(t, create_replaces_nothing);
	tcase_add_test(t, replace_takes_the_place);
	tcase_add_test(t, where_nothing_can_be_written);
	tcase_add_test(t, a_full_disk_leaves_the_old);
	tcase_add_test(t, zeros_at_the_end_take_no_room);
	tcase_add_test(t, what_is_not_read);
	tcase_add_test(t, sweeping);
	suite_add_tcase(s, t);
	return s;
}
