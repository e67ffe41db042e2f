#include "join.h"
#include "../folder.h"
#include "sample.h"
#include "suites_coid.h"
#include "volume.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct config c;
static struct bundle own, found;
static struct vmp_msg msg;

static void setup(void)
{
	folder_setup();
	ck_assert_int_eq(config_read(NULL, &c, &msg), VMP_OK);
	snprintf(c.join_directory, sizeof(c.join_directory), "%s", folder_path("join"));
	snprintf(c.join_cidata, sizeof(c.join_cidata), "no");
	snprintf(c.state, sizeof(c.state), "%s", folder_path("state"));
	snprintf(c.certificate, sizeof(c.certificate), "%s", folder_path("state/machine.pem"));
	snprintf(c.key, sizeof(c.key), "%s", folder_path("state/machine.key"));
	snprintf(c.ca, sizeof(c.ca), "%s", folder_path("state/ca.pem"));
	c.ca_is_bundles = true;
	ck_assert_int_eq(mkdir(c.state, 0700), 0);
	ck_assert_int_eq(mkdir(c.join_directory, 0700), 0);
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void teardown(void)
{
	bundle_clear(&own);
	bundle_clear(&found);
	folder_teardown();
}

static bool is_there(const char *name)
{
	return access(folder_path(name), F_OK) == 0;
}

static void have(const char *text)
{
	ck_assert_int_eq(bundle_read(text, strlen(text), &own, &msg), VMP_OK);
	ck_assert_int_eq(join_keep(&c, &own, &msg), VMP_OK);
}

/* -- looking ------------------------------------------------------------------------------------------------------ */

START_TEST(nothing_anywhere)
{
	ck_assert_int_eq(join_look(&c, NULL, &found), JOIN_NOTHING);
	*c.join_directory = '\0';
	ck_assert_int_eq(join_look(&c, NULL, &found), JOIN_NOTHING);
}
END_TEST

START_TEST(in_the_directory)
{
	folder_write("join/join.json", SAMPLE(SAMPLE_UUID, SAMPLE_TOKEN), 0600);
	ck_assert_int_eq(join_look(&c, NULL, &found), JOIN_FIRST);
	ck_assert_str_eq(found.token, SAMPLE_TOKEN);
}
END_TEST

START_TEST(one_that_others_may_read_is_none)
{
	folder_write("join/join.json", SAMPLE(SAMPLE_UUID, SAMPLE_TOKEN), 0644);
	ck_assert_int_eq(join_look(&c, NULL, &found), JOIN_NOTHING);
}
END_TEST

START_TEST(a_bad_one_is_none)
{
	folder_write("join/join.json", "{}", 0600);
	ck_assert_int_eq(join_look(&c, NULL, &found), JOIN_NOTHING);
}
END_TEST

START_TEST(a_credential_comes_first)
{
	ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", folder_path(NULL), 1), 0);
	folder_write("vmprov.join", SAMPLE(SAMPLE_OTHER, SAMPLE_NEXT), 0400);
	folder_write("join/join.json", SAMPLE(SAMPLE_UUID, SAMPLE_TOKEN), 0600);
	ck_assert_int_eq(join_look(&c, NULL, &found), JOIN_FIRST);
	ck_assert_str_eq(found.uuid, SAMPLE_OTHER);
	bundle_clear(&found);
	c.join_credential = false;
	ck_assert_int_eq(join_look(&c, NULL, &found), JOIN_FIRST);
	ck_assert_str_eq(found.uuid, SAMPLE_UUID);
}
END_TEST

START_TEST(a_volume_comes_last)
{
	static const struct volume_file files[] = { { "vmprov", NULL },
						    { "vmprov/join.json", SAMPLE(SAMPLE_UUID, SAMPLE_NEXT) },
						    { NULL, NULL } };
	size_t len;
	char *image = volume_make("cidata", files, &len);
	int fd = open(folder_path("volume"), O_WRONLY | O_CREAT, 0600);

	ck_assert_int_eq(write(fd, image, len), (ssize_t)len);
	close(fd);
	free(image);
	snprintf(c.join_cidata, sizeof(c.join_cidata), "%s", folder_path("volume"));
	ck_assert_int_eq(join_look(&c, NULL, &found), JOIN_FIRST);
	ck_assert_str_eq(found.token, SAMPLE_NEXT);
	bundle_clear(&found);
	/* The directory has the one of the last start still: its token has been tried. */
	folder_write("join/join.json", SAMPLE(SAMPLE_UUID, SAMPLE_TOKEN), 0600);
	have(SAMPLE(SAMPLE_UUID, SAMPLE_TOKEN));
	bundle_use(&own);
	ck_assert_int_eq(join_look(&c, &own, &found), JOIN_TOKEN);
	ck_assert_str_eq(found.token, SAMPLE_NEXT);
}
END_TEST

START_TEST(one_that_was_tried_is_nothing)
{
	have(SAMPLE(SAMPLE_UUID, SAMPLE_TOKEN));
	bundle_use(&own);
	folder_write("join/join.json", SAMPLE(SAMPLE_UUID, SAMPLE_TOKEN), 0600);
	ck_assert_int_eq(join_look(&c, &own, &found), JOIN_NOTHING);
	folder_write("join/join.json", SAMPLE(SAMPLE_UUID, SAMPLE_NEXT), 0600);
	ck_assert_int_eq(join_look(&c, &own, &found), JOIN_TOKEN);
}
END_TEST

START_TEST(another_machines_is_another)
{
	have(SAMPLE(SAMPLE_UUID, SAMPLE_TOKEN));
	folder_write("join/join.json", SAMPLE(SAMPLE_OTHER, SAMPLE_NEXT), 0600);
	ck_assert_int_eq(join_look(&c, &own, &found), JOIN_OTHER);
}
END_TEST

/* -- keeping ------------------------------------------------------------------------------------------------------ */

START_TEST(kept_and_loaded)
{
	struct stat st;

	ck_assert_int_eq(join_load(&c, &found, &msg), VMP_ENOENT);
	have(SAMPLE(SAMPLE_UUID, SAMPLE_TOKEN));
	ck_assert_int_eq(stat(folder_path("state/join.json"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_str_eq(folder_read("state/ca.pem"), own.ca);
	ck_assert(!is_there("state/ca.pem.new"));
	ck_assert_int_eq(join_load(&c, &found, &msg), VMP_OK);
	ck_assert(bundle_is_same(&own, &found));
	ck_assert_str_eq(found.token, SAMPLE_TOKEN);
}
END_TEST

START_TEST(a_token_that_was_used_is_nowhere)
{
	have(SAMPLE(SAMPLE_UUID, SAMPLE_TOKEN));
	bundle_use(&own);
	ck_assert_int_eq(join_keep(&c, &own, &msg), VMP_OK);
	ck_assert_ptr_null(strstr(folder_read("state/join.json"), SAMPLE_TOKEN));
	ck_assert_int_eq(folder_count("state"), 2);
}
END_TEST

START_TEST(a_ca_that_is_none_takes_no_place)
{
	static const char text[] = "{" SAMPLE_HEAD(SAMPLE_UUID) ",\"ca\":\"-----BEGIN CERTIFICATE-----\\nAAAA\\n\"}";

	have(SAMPLE(SAMPLE_UUID, SAMPLE_TOKEN));
	ck_assert_int_eq(bundle_read(text, strlen(text), &found, &msg), VMP_OK);
	ck_assert_int_eq(join_keep(&c, &found, &msg), VMP_EINVAL);
	ck_assert_str_eq(folder_read("state/ca.pem"), own.ca);
	ck_assert(!is_there("state/ca.pem.new"));
}
END_TEST

START_TEST(a_ca_of_somebody_else_stays)
{
	c.ca_is_bundles = false;
	have(SAMPLE(SAMPLE_UUID, SAMPLE_TOKEN));
	ck_assert(!is_there("state/ca.pem"));
}
END_TEST

START_TEST(a_new_token_keeps_what_was_tried)
{
	have(SAMPLE(SAMPLE_UUID, SAMPLE_TOKEN));
	bundle_use(&own);
	ck_assert_int_eq(
		bundle_read(SAMPLE(SAMPLE_UUID, SAMPLE_NEXT), strlen(SAMPLE(SAMPLE_UUID, SAMPLE_NEXT)), &found, &msg),
		VMP_OK);
	ck_assert_int_eq(join_take(&c, JOIN_TOKEN, &own, &found, &msg), VMP_OK);
	ck_assert_ptr_null(found.ca);
	ck_assert_str_eq(own.token, SAMPLE_NEXT);
	folder_write("join/join.json", SAMPLE(SAMPLE_UUID, SAMPLE_TOKEN), 0600);
	ck_assert_int_eq(join_look(&c, &own, &found), JOIN_NOTHING);
}
END_TEST

START_TEST(nothing_of_another_machine_stays)
{
	static const char *const names[] = { "state/machine.pem",      "state/machine.key",   "state/machine.pem.next",
					     "state/machine.key.next", "state/wireguard.key", "state/coi-keys.json" };
	size_t i;

	have(SAMPLE(SAMPLE_OTHER, SAMPLE_TOKEN));
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		folder_write(names[i], "x", 0600);
	ck_assert_int_eq(
		bundle_read(SAMPLE(SAMPLE_UUID, SAMPLE_NEXT), strlen(SAMPLE(SAMPLE_UUID, SAMPLE_NEXT)), &found, &msg),
		VMP_OK);
	ck_assert_int_eq(join_take(&c, JOIN_OTHER, &own, &found, &msg), VMP_OK);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		ck_assert_msg(!is_there(names[i]), "%s", names[i]);
	ck_assert_str_eq(own.uuid, SAMPLE_UUID);
	ck_assert(is_there("state/join.json"));
}
END_TEST

/* -- the beginning ------------------------------------------------------------------------------------------------ */

START_TEST(the_state_folder)
{
	struct stat st;

	snprintf(c.state, sizeof(c.state), "%s/one/two", folder_path(NULL));
	ck_assert_int_eq(join_folder(&c, &msg), VMP_OK);
	ck_assert_int_eq(stat(c.state, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	ck_assert_int_eq(join_folder(&c, &msg), VMP_OK);
	ck_assert_int_eq(chmod(c.state, 0750), 0);
	ck_assert_int_eq(join_folder(&c, &msg), VMP_EIO);
	ck_assert_ptr_nonnull(strstr(msg.text, "0700"));
	ck_assert_int_eq(rmdir(c.state), 0);
	folder_write("one/two", "", 0600);
	ck_assert_int_eq(join_folder(&c, &msg), VMP_EIO);
}
END_TEST

START_TEST(its_own_is_enough)
{
	have(SAMPLE(SAMPLE_UUID, SAMPLE_TOKEN));
	bundle_clear(&own);
	ck_assert_int_eq(join_await(&c, &own, &msg), VMP_OK);
	ck_assert_str_eq(own.uuid, SAMPLE_UUID);
}
END_TEST

START_TEST(what_is_found_is_taken_and_kept)
{
	folder_write("join/join.json", SAMPLE(SAMPLE_UUID, SAMPLE_TOKEN), 0600);
	ck_assert_int_eq(join_await(&c, &own, &msg), VMP_OK);
	ck_assert_str_eq(own.uuid, SAMPLE_UUID);
	ck_assert(is_there("state/join.json"));
}
END_TEST

START_TEST(a_damaged_copy_is_made_anew)
{
	folder_write("join/join.json", SAMPLE(SAMPLE_UUID, SAMPLE_TOKEN), 0600);
	folder_write("state/join.json", "{\"uuid\":", 0600);
	ck_assert_int_eq(join_await(&c, &own, &msg), VMP_OK);
	ck_assert_str_eq(own.uuid, SAMPLE_UUID);
}
END_TEST

/* A copy of a machine that has joined must not become it, nor lose what it is, without being told to. */
START_TEST(another_machines_is_taken_without_a_certificate_or_when_told)
{
	have(SAMPLE(SAMPLE_OTHER, SAMPLE_TOKEN));
	bundle_clear(&own);
	folder_write("join/join.json", SAMPLE(SAMPLE_UUID, SAMPLE_NEXT), 0600);
	if (_i > 0)
		folder_write("state/machine.pem", "x", 0600);
	c.join_again = _i == 2;
	ck_assert_int_eq(join_await(&c, &own, &msg), VMP_OK);
	ck_assert_str_eq(own.uuid, _i == 1 ? SAMPLE_OTHER : SAMPLE_UUID);
	ck_assert_int_eq(is_there("state/machine.pem"), _i == 1);
}
END_TEST

START_TEST(a_signal_ends_the_wait)
{
	sigset_t term, before;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	raise(SIGTERM);
	ck_assert_int_eq(join_await(&c, &own, &msg), VMP_ENOENT);
	sigprocmask(SIG_SETMASK, &before, NULL);
}
END_TEST

Suite *check_join(void)
{
	Suite *s = suite_create("join");
	TCase *t = tcase_create("join");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, nothing_anywhere);
	tcase_add_test(t, in_the_directory);
	tcase_add_test(t, one_that_others_may_read_is_none);
	tcase_add_test(t, a_bad_one_is_none);
	tcase_add_test(t, a_credential_comes_first);
	tcase_add_test(t, a_volume_comes_last);
	tcase_add_test(t, one_that_was_tried_is_nothing);
	tcase_add_test(t, another_machines_is_another);
	tcase_add_test(t, kept_and_loaded);
	tcase_add_test(t, a_token_that_was_used_is_nowhere);
	tcase_add_test(t, a_ca_that_is_none_takes_no_place);
	tcase_add_test(t, a_ca_of_somebody_else_stays);
	tcase_add_test(t, a_new_token_keeps_what_was_tried);
	tcase_add_test(t, nothing_of_another_machine_stays);
	tcase_add_test(t, the_state_folder);
	tcase_add_test(t, its_own_is_enough);
	tcase_add_test(t, what_is_found_is_taken_and_kept);
	tcase_add_test(t, a_damaged_copy_is_made_anew);
	tcase_add_loop_test(t, another_machines_is_taken_without_a_certificate_or_when_told, 0, 3);
	tcase_add_test(t, a_signal_ends_the_wait);
	suite_add_tcase(s, t);
	return s;
}
