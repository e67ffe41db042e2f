#include "peers.h"
#include "../folder.h"
#include "suites_relayd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UUID  "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
#define OTHER "6ba7b810-9dad-41d1-80b4-00c04fd430c9"
#define MAC   "52:54:00:aa:bb:cc"

static const struct tls_peer machine = { .uuid = UUID, .name = MAC },
			     stranger = { .uuid = OTHER, .name = "52:54:00:aa:bb:cd" }, nameless = { .uuid = "" };

static struct peers peers;
static struct vmp_msg msg;

static void teardown(void)
{
	peers_clear(&peers);
	folder_teardown();
}

static const char *const bad[] = {
	"everyone",	     "6ba7b810-9dad-41d1-80b4", UUID " x", "*.example",
	"00:00:00:00:00:00", "01:00:5e:00:00:01",	MAC ":dd",
};

START_TEST(bad_lists_are_refused)
{
	ck_assert_int_eq(peers_read(bad[_i], &peers, &msg), VMP_EINVAL);
	ck_assert_str_ne(msg.text, "");
	ck_assert_ptr_null(peers.name);
}
END_TEST

START_TEST(a_word_that_is_too_long_is_refused)
{
	char list[VMP_INI_TEXT + 64];

	memset(list, 'a', sizeof(list) - 1);
	list[sizeof(list) - 1] = '\0';
	ck_assert_int_eq(peers_read(list, &peers, &msg), VMP_EINVAL);
}
END_TEST

START_TEST(nobody_may_come_unless_somebody_may)
{
	ck_assert_int_eq(peers_read("", &peers, &msg), VMP_OK);
	ck_assert(!peers_has(&peers, &machine));
	ck_assert(!peers_has(&peers, &nameless));
}
END_TEST

START_TEST(a_star_is_anyone)
{
	ck_assert_int_eq(peers_read(OTHER " *", &peers, &msg), VMP_OK);
	ck_assert(peers_has(&peers, &machine));
	ck_assert(peers_has(&peers, &nameless));
}
END_TEST

static const char *const good[] = {
	UUID,
	"6BA7B810-9DAD-41D1-80B4-00C04FD430C8",
	MAC,
	"52-54-00-AA-BB-CC",
	"525400aabbcc",
	"00000000-0000-4000-8000-000000000001,6ba7b810-9dad-41d1-80b4-00c04fd430c8",
	" 52:54:00:00:00:01 , 52:54:00:aa:bb:cc ",
};

START_TEST(a_name_is_one_machine)
{
	ck_assert_int_eq(peers_read(good[_i], &peers, &msg), VMP_OK);
	ck_assert(peers_has(&peers, &machine));
	ck_assert(!peers_has(&peers, &stranger));
	ck_assert(!peers_has(&peers, &nameless));
}
END_TEST

START_TEST(a_certificate_says_its_name_in_any_form)
{
	const struct tls_peer dashes = { .name = "52-54-00-AA-BB-CC" }, host = { .name = "relay.example" };

	ck_assert_int_eq(peers_read(MAC, &peers, &msg), VMP_OK);
	ck_assert(peers_has(&peers, &dashes));
	ck_assert(!peers_has(&peers, &host));
}
END_TEST

START_TEST(a_file_has_many)
{
	static char text[200000] = "# who may come\n\n \t# nobody else\r\n" UUID ", 52:54:00:00:00:01\r\n";
	const struct tls_peer last = { .name = "52:54:00:00:0f:ff" }, one_more = { .name = "52:54:00:00:10:00" };
	size_t at = strlen(text);
	int i;

	for (i = 2; i < 0x1000; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "52:54:00:00:%02x:%02x\n", i >> 8, i & 0xff);
	folder_write("peers", text, 0600);
	ck_assert_msg(peers_read(folder_path("peers"), &peers, &msg) == VMP_OK, "%s", msg.text);
	ck_assert_uint_eq(peers.n, 0x1000);
	ck_assert(peers_has(&peers, &machine));
	ck_assert(peers_has(&peers, &last));
	ck_assert(!peers_has(&peers, &one_more));
}
END_TEST

START_TEST(a_bad_file_says_where)
{
	folder_write("peers", "*\n" MAC "\n" UUID " somebody\n", 0600);
	ck_assert_int_eq(peers_read(folder_path("peers"), &peers, &msg), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, "peers:3: somebody") != NULL, "%s", msg.text);
	ck_assert_int_eq(peers_read(folder_path("none"), &peers, &msg), VMP_ENOENT);
	ck_assert(!peers_has(&peers, &machine));
}
END_TEST

START_TEST(names)
{
	struct peers_name name;

	ck_assert_int_eq(peers_name_read("", &name), VMP_EINVAL);
	ck_assert_int_eq(peers_name_read("*", &name), VMP_EINVAL);
	ck_assert(!peers_name_is(&name, &machine));
	ck_assert(!peers_name_is(&name, &nameless));
	ck_assert_int_eq(peers_name_read(UUID, &name), VMP_OK);
	ck_assert(peers_name_is(&name, &machine));
	ck_assert(!peers_name_is(&name, &stranger));
	ck_assert(!peers_name_is(&name, &nameless));
}
END_TEST

Suite *check_peers(void)
{
	Suite *s = suite_create("relayd peers");
	TCase *c = tcase_create("all");

	suite_add_tcase(s, c);
	tcase_add_checked_fixture(c, folder_setup, teardown);
	tcase_add_loop_test(c, bad_lists_are_refused, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(c, a_word_that_is_too_long_is_refused);
	tcase_add_test(c, nobody_may_come_unless_somebody_may);
	tcase_add_test(c, a_star_is_anyone);
	tcase_add_loop_test(c, a_name_is_one_machine, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_test(c, a_certificate_says_its_name_in_any_form);
	tcase_add_test(c, a_file_has_many);
	tcase_add_test(c, a_bad_file_says_where);
	tcase_add_test(c, names);
	return s;
}
