/* A guest and policyd: who waits for its answer, and what becomes of the volume with its token. */
#include "guest_report.h"
#include "stage.h"
#include "suites_hostd.h"

#include <string.h>

static struct guest_info with_template(int n)
{
	struct guest_info info = stage_info(n);

	strcpy(info.template_name, "web");
	return info;
}

static void tell(int n, enum guest_arrival how)
{
	const struct guest_info info = with_template(n);

	guest_present(&info, how);
	stage_pass(0);
}

static void prepare(int n)
{
	const struct guest_info info = with_template(n);

	stage_prepare(&info);
}

static void is_in(int n, const char *word, enum guest_report report)
{
	stage_pass(500);
	ck_assert_str_eq(stage_word(n), word);
	ck_assert_int_eq(stage_guest(n)->report, report);
	stage_check();
}

START_TEST(the_hook_waits_for_policyd)
{
	prepare(1);
	ck_assert_str_eq(stage_prepared(), "");
	stage_answer(VMP_OK, "");
	ck_assert_str_eq(stage_prepared(), "good");
	ck_assert_str_eq(stage_volume(1), "bundle");
	tell(1, GUEST_STARTED);
	is_in(1, "authorized", GUEST_REPORTED);
	ck_assert_str_eq(stage_told(), "starting 1, ");
	stage_gone(1, GUEST_STOPPED);
	ck_assert_str_eq(stage_told(), "stopped 1, ");
	ck_assert_str_eq(stage_volume(1), "nothing");
}
END_TEST

START_TEST(policyd_refuses)
{
	prepare(1);
	stage_answer(VMP_EACCES, "policyd: no");
	ck_assert_str_eq(stage_prepared(), "policyd: no");
	is_in(1, "idle", GUEST_REFUSED);
	ck_assert_str_eq(stage_guest(1)->last_error, "policyd: no");
	ck_assert_str_eq(stage_volume(1), "none");
	guest_release(stage_uuid(1));
	ck_assert_uint_eq(guest_count(), 0);
	tell(1, GUEST_STARTED);
	stage_answer(VMP_EACCES, "policyd: no");
	is_in(1, "authorized", GUEST_REFUSED);
}
END_TEST

/* The network has waited once. */
START_TEST(policyd_is_away)
{
	prepare(1);
	stage_answer(VMP_EIO, "away");
	ck_assert_str_eq(stage_prepared(), "good");
	ck_assert_str_eq(stage_volume(1), "nothing");
	tell(1, GUEST_STARTED);
	is_in(1, "authorized", GUEST_UNREPORTED);
	ck_assert_str_eq(stage_guest(1)->last_error, "away");
	stage_pass(5000);
	ck_assert_uint_eq(stage_asked(), 1);
	stage_answer(VMP_EIO, "away");
	stage_pass(9000);
	ck_assert_uint_eq(stage_asked(), 0);
	stage_pass(1000);
	stage_answer(VMP_OK, "");
	is_in(1, "authorized", GUEST_REPORTED);
	ck_assert_str_eq(stage_guest(1)->last_error, "");
	ck_assert_str_eq(stage_volume(1), "bundle");
	stage_gone(1, GUEST_STOPPED);
	ck_assert_str_eq(stage_volume(1), "nothing");
}
END_TEST

START_TEST(without_the_hook_it_waits_two_seconds)
{
	tell(1, GUEST_STARTED);
	is_in(1, "idle", GUEST_REPORTING);
	stage_pass(1000);
	is_in(1, "authorized", GUEST_REPORTING);
	stage_answer(VMP_OK, "");
	is_in(1, "authorized", GUEST_REPORTED);
	tell(2, GUEST_STARTED);
	is_in(2, "idle", GUEST_REPORTING);
	stage_answer(VMP_OK, "");
	is_in(2, "authorized", GUEST_REPORTED);
}
END_TEST

START_TEST(one_that_was_found_does_not)
{
	stage_known(1);
	tell(1, GUEST_FOUND);
	is_in(1, "authorized", GUEST_REPORTED);
	ck_assert_str_eq(stage_told(), "");
	tell(2, GUEST_FOUND);
	is_in(2, "authorized", GUEST_REPORTING);
	stage_answer(VMP_OK, "");
	ck_assert_str_eq(stage_volume(2), "none");
}
END_TEST

START_TEST(it_ends_before_policyd_answers)
{
	prepare(1);
	guest_release(stage_uuid(1));
	ck_assert_str_eq(stage_prepared(), "its start was given up");
	ck_assert_uint_eq(stage_asked(), 0);
	tell(1, GUEST_STARTED);
	stage_gone(1, GUEST_STOPPED);
	ck_assert_uint_eq(stage_asked(), 0);
	stage_pass(GUEST_PREPARED_S * 1000);
	ck_assert_uint_eq(guest_count(), 0);
}
END_TEST

/* Or is told to have ended, by an event of its last life. */
START_TEST(an_old_end_while_the_hook_waits)
{
	prepare(1);
	stage_gone(1, GUEST_STOPPED);
	ck_assert_str_eq(stage_prepared(), "");
	stage_answer(VMP_OK, "");
	ck_assert_str_eq(stage_prepared(), "good");
	tell(1, GUEST_STARTED);
	is_in(1, "authorized", GUEST_REPORTED);
}
END_TEST

START_TEST(the_hook_twice)
{
	struct guest_info info = with_template(1);

	prepare(1);
	stage_prepare(&info);
	ck_assert_str_eq(stage_prepared(), "libvirt has asked once more");
	ck_assert_uint_eq(stage_asked(), 1);
	stage_answer(VMP_OK, "");
	ck_assert_str_eq(stage_prepared(), "good");
	/* And then without a template. */
	info.template_name[0] = '\0';
	prepare(1);
	stage_prepare(&info);
	ck_assert_str_eq(stage_prepared(), "good");
	is_in(1, "idle", GUEST_UNREPORTED);
	stage_tell(1, GUEST_STARTED);
	is_in(1, "authorized", GUEST_UNREPORTED);
}
END_TEST

START_TEST(one_starts_while_the_hook_waits_for_another)
{
	prepare(1);
	stage_tell(2, GUEST_STARTED);
	is_in(2, "authorized", GUEST_UNREPORTED);
	ck_assert_str_eq(stage_prepared(), "");
	stage_answer(VMP_EIO, "away");
	ck_assert_str_eq(stage_prepared(), "good");
}
END_TEST

START_TEST(a_migration_is_no_start)
{
	tell(1, GUEST_INCOMING);
	prepare(1);
	ck_assert_str_eq(stage_prepared(), "good");
	ck_assert_str_eq(stage_volume(1), "nothing");
	ck_assert_uint_eq(stage_asked(), 0);
	tell(1, GUEST_MIGRATED);
	is_in(1, "authorized", GUEST_REPORTING);
	stage_answer(VMP_OK, "");
	is_in(1, "authorized", GUEST_REPORTED);
	ck_assert_str_eq(stage_volume(1), "nothing");
}
END_TEST

START_TEST(its_token_goes_with_it)
{
	prepare(1);
	stage_answer(VMP_OK, "");
	tell(1, GUEST_STARTED);
	stage_gone(1, GUEST_LEFT);
	ck_assert_str_eq(stage_volume(1), "nothing");
}
END_TEST

START_TEST(also_when_it_stops_while_nobody_looks)
{
	prepare(1);
	stage_answer(VMP_OK, "");
	tell(1, GUEST_STARTED);
	ck_assert_str_eq(stage_volume(1), "bundle");
	stage_restart();
	ck_assert_str_eq(stage_volume(1), "bundle");
	guest_sync_begin(GUEST_LIBVIRT);
	guest_sync_end(GUEST_LIBVIRT);
	ck_assert_str_eq(stage_volume(1), "nothing");
	ck_assert_str_eq(stage_told(), "starting 1, stopped 1, ");
}
END_TEST

START_TEST(one_that_gets_its_interface_later)
{
	struct guest_info info = with_template(1);

	info.n_nic = 0;
	guest_present(&info, GUEST_STARTED);
	ck_assert_uint_eq(stage_asked(), 0);
	tell(1, GUEST_CHANGED);
	is_in(1, "authorized", GUEST_REPORTING);
	stage_answer(VMP_OK, "");
	is_in(1, "authorized", GUEST_REPORTED);
}
END_TEST

/* What is wrong with its address is not forgotten over policyd's answer. */
START_TEST(reported_but_without_its_address)
{
	struct guest_info info = with_template(2);

	stage_tell(1, GUEST_STARTED);
	info.nic[0].mac = stage_mac(1);
	guest_present(&info, GUEST_STARTED);
	stage_answer(VMP_OK, "");
	ck_assert_str_eq(stage_guest(2)->last_error, "52:54:00:00:00:01 is g1's already");
}
END_TEST

START_TEST(a_volume_is_attached_for_the_next_start)
{
	struct guest_info info = with_template(1);

	stage_config()->attach = true;
	info.cidata[0] = '\0';
	stage_prepare(&info);
	stage_answer(VMP_OK, "");
	ck_assert_uint_eq(stage_attached(), 0);
	guest_present(&info, GUEST_STARTED);
	guest_present(&info, GUEST_FOUND);
	ck_assert_uint_eq(stage_attached(), 1);
	tell(2, GUEST_STARTED);
	stage_tell(3, GUEST_STARTED);
	ck_assert_uint_eq(stage_attached(), 1);
	stage_gone(1, GUEST_STOPPED);
	ck_assert_str_eq(stage_volume(1), "none");
}
END_TEST

Suite *check_guest_report(void)
{
	const TTest *const tests[] = { the_hook_waits_for_policyd,
				       policyd_refuses,
				       policyd_is_away,
				       without_the_hook_it_waits_two_seconds,
				       one_that_was_found_does_not,
				       it_ends_before_policyd_answers,
				       an_old_end_while_the_hook_waits,
				       the_hook_twice,
				       one_starts_while_the_hook_waits_for_another,
				       a_migration_is_no_start,
				       its_token_goes_with_it,
				       also_when_it_stops_while_nobody_looks,
				       one_that_gets_its_interface_later,
				       reported_but_without_its_address,
				       a_volume_is_attached_for_the_next_start };
	Suite *s = suite_create("guest_report");
	TCase *t = tcase_create("guest_report");
	size_t i;

	tcase_add_checked_fixture(t, stage_setup, stage_teardown);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return s;
}
