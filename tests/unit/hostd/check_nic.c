/* Interfaces and their turns: the host's own first, slots that come back, what the switch forgets. */
#include "stage.h"
#include "suites_hostd.h"

#include <string.h>

static void with_host(void)
{
	stage_config()->uplink[0].host = true;
	stage_restart();
}

static void is_authorized(int n, bool is)
{
	ck_assert_int_eq(stage_switch[0].authorized[n], is);
	stage_check();
}

/* -- the host's own ----------------------------------------------------------------------------- */

START_TEST(the_host_goes_first)
{
	stage_switch[0].deaf = true;
	with_host();
	stage_tell(1, GUEST_STARTED);
	stage_pass(10000);
	ck_assert_str_eq(stage_word(1), "waiting");
	ck_assert_uint_eq(stage_switch[0].last_start, stage_mac(0));
	stage_switch[0].deaf = false;
	stage_pass(5000);
	is_authorized(0, true);
	is_authorized(1, true);
}
END_TEST

START_TEST(a_silent_switch_does_not_stop_it)
{
	stage_switch[0].deaf = true;
	with_host();
	stage_tell(1, GUEST_STARTED);
	stage_pass(40000);
	ck_assert_str_eq(nic_word(uplink_at(0)->host), "silent");
	ck_assert_str_eq(stage_word(1), "silent");
}
END_TEST

START_TEST(nor_a_host_that_is_rejected)
{
	stage_switch[0].reject = true;
	with_host();
	stage_pass(100);
	ck_assert_str_eq(nic_word(uplink_at(0)->host), "held");
	stage_switch[0].reject = false;
	stage_tell(1, GUEST_STARTED);
	stage_pass(100);
	is_authorized(1, true);
}
END_TEST

static void log_off_host(void)
{
	uplink_at(0)->host->held_by_operator = true;
	nic_logoff(uplink_at(0)->host);
	stage_pass(100);
}

START_TEST(nor_one_that_was_logged_off)
{
	stage_switch[0].deaf = true;
	with_host();
	stage_tell(1, GUEST_STARTED);
	stage_switch[0].deaf = false;
	log_off_host();
	stage_pass(1000);
	is_authorized(1, true);
	stage_carrier(0, false);
	stage_carrier(0, true);
	stage_pass(1000);
	is_authorized(1, true);
	is_authorized(0, false);
}
END_TEST

START_TEST(once_for_each_time_the_uplink_comes_up)
{
	unsigned starts;

	with_host();
	stage_pass(1000);
	ck_assert_uint_eq(stage_switch[0].starts, 1);
	starts = stage_switch[0].starts;
	stage_carrier(0, false);
	stage_carrier(0, true);
	stage_pass(1000);
	ck_assert_uint_eq(stage_switch[0].starts, starts + 1);
}
END_TEST

START_TEST(first_also_when_the_certificate_comes_late)
{
	stage_credentials(false);
	with_host();
	stage_tell(1, GUEST_STARTED);
	stage_pass(1000);
	ck_assert_str_eq(stage_word(1), "waiting");
	ck_assert_str_eq(stage_nic(1)->last_error, "no certificate of this host yet, and no password");
	stage_switch[0].deaf = true;
	stage_credentials(true);
	stage_pass(2000);
	ck_assert_str_eq(stage_word(1), "waiting");
	stage_switch[0].deaf = false;
	stage_pass(5000);
	is_authorized(0, true);
	is_authorized(1, true);
	ck_assert_str_eq(stage_nic(1)->last_error, "");
}
END_TEST

/* -- slots -------------------------------------------------------------------------------------- */

/* The switch begins with one that waits for its turn. */
START_TEST(one_slot_for_each)
{
	int i;

	stage_tell(1, GUEST_STARTED);
	stage_pass(100);
	for (i = 0; i < 10; i++) {
		stage_config()->uplink[0].window = 0;
		nic_start(stage_nic(1), NIC_AGAIN);
		stage_switch[0].deaf = true; /* it asks, and hears no answer */
		stage_switch_asks(0, 1);
		stage_config()->uplink[0].window = 4;
		stage_check();
		uplink_serve(uplink_at(0));
		stage_check();
		stage_switch[0].deaf = false;
		stage_pass(10000);
		ck_assert_uint_eq(uplink_at(0)->n_running, 0);
	}
	is_authorized(1, true);
}
END_TEST

START_TEST(nobody_holds_one_for_ever)
{
	int i;

	strcpy(stage_config()->uplink[0].replies, "group");
	stage_switch[0].deaf = true;
	stage_tell(1, GUEST_STARTED);
	stage_tell(2, GUEST_STARTED);
	for (i = 0; i < 60 && strcmp(stage_word(2), "waiting") == 0; i++) {
		stage_switch_asks(0, 1);
		stage_pass(900);
	}
	ck_assert_int_ge(i, 30);
	ck_assert_int_lt(i, 40);
}
END_TEST

START_TEST(all_come_in_one_by_one)
{
	int n;

	stage_switch[0].group = true;
	strcpy(stage_config()->uplink[0].replies, "auto");
	for (n = 1; n <= STAGE_GUESTS; n++)
		stage_tell(n, GUEST_STARTED);
	stage_pass(5000);
	for (n = 1; n <= STAGE_GUESTS; n++)
		is_authorized(n, true);
	ck_assert(uplink_at(0)->grouped);
}
END_TEST

/* A frame to the group that nobody waits for says nothing, and a unicast answer says more. */
START_TEST(forged_group_frames_do_not_last)
{
	strcpy(stage_config()->uplink[0].replies, "auto");
	stage_tell(1, GUEST_STARTED);
	stage_pass(100);
	stage_switch[0].group = true;
	stage_switch_asks(0, 1);
	stage_switch[0].group = false;
	stage_pass(60000);
	nic_start(stage_nic(1), NIC_AGAIN);
	stage_pass(100);
	ck_assert(!uplink_at(0)->grouped);
	is_authorized(1, true);
}
END_TEST

/* -- what the switch forgets -------------------------------------------------------------------- */

/* And once more, when it has had the time to throw it out again. */
START_TEST(disconnected)
{
	unsigned starts;

	stage_tell(1, GUEST_STARTED);
	stage_pass(100);
	starts = stage_switch[0].starts;
	stage_switch_forgets(0, 1);
	nic_disconnected(stage_nic(1));
	stage_pass(5000);
	is_authorized(1, true);
	stage_switch_forgets(0, 1);
	stage_pass(10000);
	is_authorized(1, true);
	ck_assert_uint_eq(stage_switch[0].starts, starts + 2);
}
END_TEST

START_TEST(one_that_is_rejected_then_is_held_back)
{
	unsigned starts;

	stage_config()->held_period = 60;
	stage_restart();
	stage_tell(1, GUEST_STARTED);
	stage_pass(100);
	stage_switch[0].reject = true;
	nic_disconnected(stage_nic(1));
	stage_pass(100);
	ck_assert_str_eq(stage_word(1), "held");
	starts = stage_switch[0].starts;
	stage_pass(30000);
	ck_assert_uint_eq(stage_switch[0].starts, starts);
}
END_TEST

START_TEST(it_authenticates_again_in_time)
{
	stage_tell(1, GUEST_STARTED);
	stage_pass(100);
	stage_switch_forgets(0, 1);
	stage_pass(3600000);
	is_authorized(1, true);
}
END_TEST

Suite *check_nic(void)
{
	const TTest *const tests[] = { the_host_goes_first,
				       a_silent_switch_does_not_stop_it,
				       nor_a_host_that_is_rejected,
				       nor_one_that_was_logged_off,
				       once_for_each_time_the_uplink_comes_up,
				       first_also_when_the_certificate_comes_late,
				       one_slot_for_each,
				       nobody_holds_one_for_ever,
				       all_come_in_one_by_one,
				       forged_group_frames_do_not_last,
				       disconnected,
				       one_that_is_rejected_then_is_held_back,
				       it_authenticates_again_in_time };
	Suite *s = suite_create("nic");
	TCase *t = tcase_create("nic");
	size_t i;

	tcase_add_checked_fixture(t, stage_setup, stage_teardown);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return s;
}
