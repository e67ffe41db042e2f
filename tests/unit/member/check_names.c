#include "../folder.h"
#include "names.h"
#include "suites_member.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "namespace.h"

#define PART NAMES_BEGIN "\nfd12::a web\n" NAMES_END "\n"

static struct prefix six, none;
static struct names_entry web = { "web", &six, &none };

static void setup(void)
{
	folder_setup();
	ck_assert_int_eq(prefix_read("fd12::a", &six, NULL), VMP_OK);
}

static void is_written(const char *name)
{
	struct vmp_msg msg = { "" };

	ck_assert_msg(names_write(folder_path(name), "", &web, 1, &msg) == VMP_OK, "%s", msg.text);
}

static struct stat look(const char *name)
{
	struct stat st;

	ck_assert_int_eq(lstat(folder_path(name), &st), 0);
	return st;
}

START_TEST(no_file_at_all)
{
	ck_assert_int_eq(names_write("", ".coi", &web, 1, NULL), VMP_OK);
}
END_TEST

START_TEST(files_that_cannot_be_used)
{
	struct vmp_msg msg = { "" };

	ck_assert_int_eq(names_write("/nowhere/hosts", "", &web, 1, &msg), VMP_EIO);
	ck_assert_msg(strstr(msg.text, "/nowhere/hosts") != NULL, "%s", msg.text);
	ck_assert_int_eq(names_write(folder_path(NULL), "", &web, 1, &msg), VMP_EINVAL);
	folder_write("hosts", NAMES_BEGIN "\n", 0644);
	ck_assert_int_eq(names_write(folder_path("hosts"), "", &web, 1, &msg), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, folder_path("hosts")) != NULL, "%s", msg.text);
	ck_assert_str_eq(folder_read("hosts"), NAMES_BEGIN "\n");
	ck_assert_int_eq(truncate(folder_path("hosts"), NAMES_FILE + 1), 0);
	ck_assert_int_eq(names_write(folder_path("hosts"), "", &web, 1, &msg), VMP_EINVAL);
	ck_assert_int_eq(look("hosts").st_size, NAMES_FILE + 1);
}
END_TEST

START_TEST(one_that_is_not_there)
{
	is_written("hosts");
	ck_assert_str_eq(folder_read("hosts"), PART);
	ck_assert_uint_eq(look("hosts").st_mode & 07777, 0644);
}
END_TEST

START_TEST(mode_and_owner_stay)
{
	struct stat before, after;

	folder_write("hosts", "x\n", 0640);
	if (geteuid() == 0)
		ck_assert_int_eq(chown(folder_path("hosts"), 12345, 54321), 0);
	before = look("hosts");
	is_written("hosts");
	after = look("hosts");
	ck_assert_str_eq(folder_read("hosts"), "x\n" PART);
	ck_assert_uint_eq(after.st_mode, before.st_mode);
	ck_assert_uint_eq(after.st_uid, before.st_uid);
	ck_assert_uint_eq(after.st_gid, before.st_gid);
}
END_TEST

START_TEST(it_is_replaced_in_one_step)
{
	ino_t before;

	folder_write("hosts", "x\n", 0600);
	before = look("hosts").st_ino;
	is_written("hosts");
	ck_assert_uint_ne(look("hosts").st_ino, before);
	ck_assert_uint_eq(look("hosts").st_mode & 07777, 0600);
	ck_assert_int_eq(folder_count(NULL), 1);
}
END_TEST

START_TEST(nothing_is_written_when_nothing_differs)
{
	struct stat before, after;

	folder_write("hosts", "x\n" PART, 0644);
	before = look("hosts");
	is_written("hosts");
	after = look("hosts");
	ck_assert_uint_eq(after.st_ino, before.st_ino);
	ck_assert(after.st_mtim.tv_sec == before.st_mtim.tv_sec && after.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
}
END_TEST

START_TEST(other_names_of_the_file_stay_its_names)
{
	folder_write("hosts", "x\n", 0644);
	ck_assert_int_eq(link(folder_path("hosts"), folder_path("other")), 0);
	is_written("hosts");
	ck_assert_str_eq(folder_read("other"), "x\n" PART);
	ck_assert_uint_eq(look("hosts").st_nlink, 2);
}
END_TEST

START_TEST(a_link_is_followed)
{
	folder_write("real", "x\n", 0644);
	ck_assert_int_eq(symlink("real", folder_path("hosts")), 0);
	is_written("hosts");
	ck_assert(S_ISLNK(look("hosts").st_mode));
	ck_assert_str_eq(folder_read("real"), "x\n" PART);
	ck_assert_int_eq(symlink("hosts2", folder_path("hosts2")), 0);
	ck_assert_int_eq(names_write(folder_path("hosts2"), "", &web, 1, NULL), VMP_EIO);
}
END_TEST

START_TEST(a_mount_is_written_in_place)
{
	struct vmp_msg msg = { "" };
	char long_text[3000];
	ino_t before;

	if (!namespace_is_own()) {
		puts("names: mounts are not tested without root");
		return;
	}
	memset(long_text, '#', sizeof(long_text));
	memcpy(long_text + 10, "\n" PART, strlen(PART) + 1);
	memset(long_text + 11 + strlen(PART), '#', 2000);
	long_text[sizeof(long_text) - 1] = '\0';
	folder_write("source", long_text, 0644);
	folder_write("hosts", "", 0644);
	ck_assert_int_eq(mount(folder_path("source"), folder_path("hosts"), NULL, MS_BIND, NULL), 0);
	before = look("hosts").st_ino;
	ck_assert_int_eq(names_write(folder_path("hosts"), "", NULL, 0, &msg), VMP_OK);
	ck_assert_uint_eq(look("hosts").st_ino, before);
	/* It has become shorter. */
	ck_assert_uint_eq(strlen(folder_read("source")), strlen(long_text) - strlen(PART));
	ck_assert_int_eq(umount(folder_path("hosts")), 0);
	ck_assert_int_eq(folder_count(NULL), 2);
}
END_TEST

START_TEST(a_disk_that_is_full)
{
	struct rlimit limit = { 100, RLIM_INFINITY };
	struct vmp_msg msg = { "" };
	char text[120];

	memset(text, 'x', sizeof(text));
	text[99] = '\0';
	folder_write("hosts", text, 0644);
	/* As EFBIG, which counts as full. */
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(names_write(folder_path("hosts"), "", &web, 1, &msg), VMP_EFULL);
	ck_assert_str_eq(folder_read("hosts"), text);
	/* In place as well. */
	ck_assert_int_eq(link(folder_path("hosts"), folder_path("other")), 0);
	ck_assert_int_eq(names_write(folder_path("hosts"), "", &web, 1, &msg), VMP_EFULL);
	ck_assert_str_eq(folder_read("hosts"), text);
	ck_assert_int_eq(folder_count(NULL), 2);
}
END_TEST

Suite *check_names(void)
{
	Suite *s = suite_create("names");
	TCase *t = tcase_create("names");

	tcase_add_checked_fixture(t, setup, folder_teardown);
	tcase_add_test(t, no_file_at_all);
	tcase_add_test(t, files_that_cannot_be_used);
	tcase_add_test(t, one_that_is_not_there);
	tcase_add_test(t, mode_and_owner_stay);
	tcase_add_test(t, it_is_replaced_in_one_step);
	tcase_add_test(t, nothing_is_written_when_nothing_differs);
	tcase_add_test(t, other_names_of_the_file_stay_its_names);
	tcase_add_test(t, a_link_is_followed);
	tcase_add_test(t, a_mount_is_written_in_place);
	tcase_add_test(t, a_disk_that_is_full);
	suite_add_tcase(s, t);
	return s;
}
