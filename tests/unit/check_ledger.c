#include "folder.h"
#include "guests_stub.h"
#include "ledger.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define UUID  "11111111-2222-4333-8444-555555555501"
#define OTHER "11111111-2222-4333-8444-555555555502"
#define GOOD  "{\"mac\":\"52:54:00:00:00:01\",\"name\":\"web1\",\"source\":\"libvirt\",\"state\":\"running\"}\n"

static void setup(void)
{
	folder_setup();
	stub_quiet(true);
	ck_assert_int_eq(ledger_open(folder_path(NULL), NULL), VMP_OK);
}

static void teardown(void)
{
	ledger_close();
	stub_quiet(false);
	folder_teardown();
}

static void again(void)
{
	ledger_close();
	ck_assert_int_eq(ledger_open(folder_path(NULL), NULL), VMP_OK);
}

static struct guest_info guest(const char *uuid, const char *name)
{
	struct guest_info info = { .source = GUEST_NETLINK, .nic = { { .mac = 0x525400000001 } }, .n_nic = 1 };

	snprintf(info.uuid, sizeof(info.uuid), "%s", uuid);
	snprintf(info.name, sizeof(info.name), "%s", name);
	return info;
}

START_TEST(lines)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"{\"mac\":\"52:54:00:00:00:01\",\"name\":\"web1\",\"source\":\"libvirt\"}",
		"{\"mac\":\"52:54:00:00:00\",\"name\":\"web1\",\"source\":\"libvirt\",\"state\":\"running\"}",
		"{\"mac\":\"52:54:00:00:00:01\",\"name\":1,\"source\":\"libvirt\",\"state\":\"running\"}",
		"{\"mac\":\"52:54:00:00:00:01\",\"name\":\"web1\",\"source\":\"xen\",\"state\":\"running\"}",
		"{\"mac\":\"52:54:00:00:00:01\",\"name\":\"web1\",\"source\":\"libvirt\",\"state\":\"away\"}",
		"{\"mac\":\"52:54:00:00:00:01\",\"name\":\"web1\",\"source\":\"libvirt\",\"state\":\"running\",\"x\":"
		"1}",
		"{\"mac\":\"52:54:00:00:00:01\",\"name\":\"a\",\"name\":\"b\",\"source\":\"libvirt\",\"state\":"
		"\"running\"}",
		GOOD "x"
	};
	struct ledger_entry e = { .mac = 0 };
	size_t i;

	ck_assert_int_eq(ledger_read_line(GOOD, sizeof(GOOD) - 1, &e, NULL), VMP_OK);
	ck_assert_uint_eq(e.mac, 0x525400000001);
	ck_assert_str_eq(e.name, "web1");
	ck_assert(e.source == GUEST_LIBVIRT && !e.stopped);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(ledger_read_line(bad[i], strlen(bad[i]), &e, NULL) == VMP_EINVAL, "%s", bad[i]);
}
END_TEST

START_TEST(written_and_read_again)
{
	struct guest_info one = guest(UUID, "web \"1\" \xc3\xa4"), two = guest(OTHER, "two");
	struct ledger_entry *e;

	ck_assert_int_eq(ledger_put(&one, NULL), VMP_OK);
	ck_assert_int_eq(ledger_put(&two, NULL), VMP_OK);
	ledger_told(ledger_find(UUID));
	ledger_find(UUID)->stopped = true;
	ledger_write_stopped(ledger_find(UUID));
	again();
	e = ledger_find(UUID);
	ck_assert_ptr_nonnull(e);
	ck_assert_str_eq(e->name, "web \"1\" \xc3\xa4");
	ck_assert(e->told && e->stopped && e->source == GUEST_NETLINK && e->mac == 0x525400000001);
	e = ledger_find(OTHER);
	ck_assert(e && !e->told && !e->stopped);
	/* It runs again. */
	ck_assert_int_eq(ledger_put(&one, NULL), VMP_OK);
	again();
	ck_assert(ledger_find(UUID)->told && !ledger_find(UUID)->stopped);
	ledger_remove(ledger_find(UUID));
	ledger_remove(ledger_find(OTHER));
	ck_assert_int_eq(folder_count("reported"), 0);
	again();
	ck_assert_ptr_null(ledger_first());
}
END_TEST

START_TEST(what_stands_is_not_written_again)
{
	struct guest_info one = guest(UUID, "one");
	struct stat before, after;

	ck_assert_int_eq(ledger_put(&one, NULL), VMP_OK);
	ck_assert_int_eq(stat(folder_path("reported/" UUID ".asked"), &before), 0);
	ck_assert_int_eq(ledger_put(&one, NULL), VMP_OK);
	ck_assert_int_eq(stat(folder_path("reported/" UUID ".asked"), &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	one = guest(UUID, "renamed");
	ck_assert_int_eq(ledger_put(&one, NULL), VMP_OK);
	ck_assert_ptr_nonnull(strstr(folder_read("reported/" UUID ".asked"), "renamed"));
}
END_TEST

START_TEST(damaged_files)
{
	folder_write("reported/" UUID, "", 0600);
	folder_write("reported/" OTHER ".asked", "{\"mac\":", 0600);
	folder_write("reported/README", "not ours", 0600);
	folder_write("reported/11111111-2222-4333-8444-555555555503.bad", "older", 0600);
	folder_write("reported/11111111-2222-4333-8444-555555555504.tmp-AbCdEf", "half", 0600);
	folder_write("reported/11111111-2222-4333-8444-55555555550A", GOOD, 0600);
	again();
	ck_assert_ptr_null(ledger_first());
	ck_assert_ptr_nonnull(folder_read("reported/" UUID ".bad"));
	ck_assert_str_eq(folder_read("reported/" OTHER ".bad"), "{\"mac\":");
	ck_assert_ptr_null(folder_read("reported/" UUID));
	ck_assert_str_eq(folder_read("reported/README"), "not ours");
	ck_assert_ptr_null(folder_read("reported/11111111-2222-4333-8444-555555555504.tmp-AbCdEf"));
	again();
	ck_assert_ptr_null(ledger_first());
}
END_TEST

START_TEST(both_names)
{
	folder_write("reported/" UUID, GOOD, 0600);
	folder_write("reported/" UUID ".asked", GOOD, 0600);
	again();
	ck_assert(ledger_find(UUID)->told);
	ck_assert_ptr_null(ledger_first()->next);
	ledger_remove(ledger_find(UUID));
	ck_assert_int_eq(folder_count("reported"), 0);
}
END_TEST

START_TEST(names)
{
	char out[GUEST_NAME], longest[GUEST_NAME + 8];

	ledger_name("web 1", out);
	ck_assert_str_eq(out, "web 1");
	ledger_name("a\tb", out);
	ck_assert_str_eq(out, "");
	ledger_name("a\xff"
		    "bcdef",
		    out);
	ck_assert_str_eq(out, "");
	memset(longest, 'x', sizeof(longest));
	memcpy(longest + GUEST_NAME - 3, "\xe4\xbd\xa0", 4);
	ledger_name(longest, out);
	ck_assert_uint_eq(strlen(out), GUEST_NAME - 3);
}
END_TEST

START_TEST(many)
{
	struct guest_info info;
	char uuid[VMP_UUID_TEXT];
	int i;

	for (i = 0; i < 300; i++) {
		snprintf(uuid, sizeof(uuid), "%08x-2222-4333-8444-555555555501", i);
		info = guest(uuid, "x");
		ck_assert_int_eq(ledger_put(&info, NULL), VMP_OK);
	}
	again();
	for (i = 299; i >= 0; i--) {
		snprintf(uuid, sizeof(uuid), "%08x-2222-4333-8444-555555555501", i);
		ck_assert_ptr_nonnull(ledger_find(uuid));
		ledger_remove(ledger_find(uuid));
		ck_assert_ptr_null(ledger_find(uuid));
	}
	ck_assert_ptr_null(ledger_first());
}
END_TEST

START_TEST(without_a_directory)
{
	struct vmp_msg msg = { "" };

	ledger_close();
	ck_assert_int_eq(ledger_open(folder_path("none"), &msg), VMP_EIO);
	ck_assert_msg(strstr(msg.text, "none/reported: cannot make the directory") != NULL, "%s", msg.text);
}
END_TEST

Suite *check_ledger(void)
{
	Suite *s = suite_create("ledger");
	TCase *t = tcase_create("ledger");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, lines);
	tcase_add_test(t, written_and_read_again);
	tcase_add_test(t, what_stands_is_not_written_again);
	tcase_add_test(t, damaged_files);
	tcase_add_test(t, both_names);
	tcase_add_test(t, names);
	tcase_add_test(t, many);
	tcase_add_test(t, without_a_directory);
	suite_add_tcase(s, t);
	return s;
}
