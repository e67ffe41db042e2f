/* Guests come and go, in every order that sources and hooks can tell of it. */
#include "guest_report.h"
#include "stage.h"
#include "suites_hostd.h"

#include <string.h>

static void is_word(int n, const char *word)
{
	ck_assert_str_eq(stage_word(n), word);
}

static void is_in(int n, const char *word)
{
	stage_pass(1000);
	is_word(n, word);
	ck_assert_int_eq(stage_switch[0].authorized[n], strcmp(word, "authorized") == 0);
	stage_check();
}

/* -- start and stop ----------------------------------------------------------------------------- */

START_TEST(it_starts_and_stops)
{
	stage_tell(1, GUEST_STARTED);
	is_in(1, "authorized");
	stage_gone(1, GUEST_STOPPED);
	is_in(1, "none");
	ck_assert_uint_eq(stage_switch[0].logoffs, 1);
	ck_assert_uint_eq(guest_count(), 0);
}
END_TEST

START_TEST(it_stops_in_the_middle_of_a_conversation)
{
	stage_switch[0].deaf = true;
	stage_tell(1, GUEST_STARTED);
	is_in(1, "connecting");
	stage_gone(1, GUEST_STOPPED);
	ck_assert_uint_eq(stage_switch[0].logoffs, 1);
	stage_pass(60000);
	ck_assert_uint_eq(stage_switch[0].starts, 1);
}
END_TEST

/* Let in, and waiting for its turn once more. */
START_TEST(it_stops_in_the_queue)
{
	stage_tell(1, GUEST_STARTED);
	is_in(1, "authorized");
	stage_config()->uplink[0].window = 0;
	nic_start(stage_nic(1), NIC_AGAIN);
	ck_assert_int_eq(stage_nic(1)->stage, NIC_WAITING);
	stage_gone(1, GUEST_STOPPED);
	ck_assert_uint_eq(stage_switch[0].logoffs, 1);
	is_in(1, "none");
}
END_TEST

START_TEST(hook_then_event)
{
	const struct guest_info info = stage_info(1);

	stage_prepare(&info);
	ck_assert_str_eq(stage_prepared(), "good");
	ck_assert(stage_guest(1)->prepared);
	is_in(1, "idle");
	stage_tell(1, GUEST_STARTED);
	is_in(1, "authorized");
}
END_TEST

START_TEST(a_start_that_fails)
{
	const struct guest_info info = stage_info(1);

	stage_prepare(&info);
	guest_release(stage_uuid(1));
	ck_assert_uint_eq(guest_count(), 0);
	ck_assert_str_eq(stage_told(), "stopped 1, ");
	guest_release(stage_uuid(1));
	stage_prepare(&info);
	stage_pass(GUEST_PREPARED_S * 1000);
	ck_assert_uint_eq(guest_count(), 0);
}
END_TEST

/* The hook of the next start overtakes the event of the last end. */
START_TEST(an_end_that_is_told_late)
{
	const struct guest_info info = stage_info(1);

	stage_tell(1, GUEST_STARTED);
	is_in(1, "authorized");
	stage_prepare(&info);
	ck_assert_str_eq(stage_told(), "stopped 1, ");
	stage_gone(1, GUEST_STOPPED);
	ck_assert_ptr_nonnull(stage_guest(1));
	ck_assert(stage_guest(1)->prepared);
	stage_tell(1, GUEST_STARTED);
	is_in(1, "authorized");
	ck_assert_str_eq(stage_told(), "");
}
END_TEST

START_TEST(the_release_of_a_guest_that_runs_is_nothing)
{
	stage_tell(1, GUEST_STARTED);
	guest_release(stage_uuid(1));
	is_in(1, "authorized");
}
END_TEST

START_TEST(a_guest_of_another_source)
{
	struct guest_info info = stage_info(1);

	stage_tell(1, GUEST_STARTED);
	info.source = GUEST_NETLINK;
	info.nic[0].mac = stage_mac(2);
	guest_present(&info, GUEST_STARTED);
	ck_assert_uint_eq(guest_count(), 1);
	guest_gone(GUEST_NETLINK, info.uuid, GUEST_STOPPED);
	is_in(1, "authorized");
	info.source = GUEST_LIBVIRT;
	info.nic[0].mac = stage_mac(1);
	stage_gone(1, GUEST_STOPPED);
	info.source = GUEST_NETLINK;
	guest_present(&info, GUEST_CHANGED);
	stage_prepare(&(struct guest_info){ .source = GUEST_LIBVIRT, .uuid = "00000000-0000-4000-8000-000000000001" });
	ck_assert_str_eq(stage_prepared(), "another guest of this host has this UUID");
	is_in(1, "authorized");
}
END_TEST

/* -- synchronization ---------------------------------------------------------------------------- */

START_TEST(those_that_are_not_told_have_gone)
{
	const struct guest_info info = stage_info(3);

	stage_tell(1, GUEST_STARTED);
	stage_tell(2, GUEST_STARTED);
	stage_prepare(&info);
	guest_sync_begin(GUEST_LIBVIRT);
	stage_tell(2, GUEST_FOUND);
	guest_sync_end(GUEST_LIBVIRT);
	is_in(1, "none");
	is_in(2, "authorized");
	ck_assert(stage_guest(3)->prepared);
	guest_sync_begin(GUEST_LIBVIRT);
	stage_tell(3, GUEST_FOUND);
	guest_sync_end(GUEST_LIBVIRT);
	is_in(2, "none");
	is_in(3, "authorized");
}
END_TEST

START_TEST(one_that_comes_meanwhile_has_not)
{
	stage_tell(1, GUEST_INCOMING);
	stage_pass(1000);
	guest_sync_begin(GUEST_LIBVIRT);
	stage_tell(2, GUEST_STARTED);
	guest_sync_end(GUEST_LIBVIRT);
	ck_assert(stage_guest(1)->incoming);
	is_in(2, "authorized");
	stage_pass(30000);
	guest_sync_begin(GUEST_LIBVIRT);
	stage_tell(2, GUEST_FOUND);
	guest_sync_end(GUEST_LIBVIRT);
	ck_assert_ptr_null(stage_guest(1));
	is_in(2, "authorized");
}
END_TEST

/* hostd was restarted: the switch still knows them. */
START_TEST(found_again)
{
	unsigned starts;

	stage_tell(1, GUEST_STARTED);
	is_in(1, "authorized");
	stage_restart();
	ck_assert_uint_eq(stage_switch[0].logoffs, 0);
	ck_assert(stage_switch[0].authorized[1]);
	starts = stage_switch[0].starts;
	stage_tell(1, GUEST_FOUND);
	is_in(1, "authorized");
	ck_assert_uint_eq(stage_switch[0].starts, starts + 1);
}
END_TEST

START_TEST(all_are_logged_off_the_host_last)
{
	int n;

	stage_config()->uplink[0].host = true;
	strcpy(stage_config()->on_stop, "logoff");
	stage_restart();
	for (n = 1; n <= STAGE_GUESTS; n++)
		stage_tell(n, GUEST_STARTED);
	is_in(STAGE_GUESTS, "authorized");
	ck_assert(stage_switch[0].authorized[0]);
	nic_start(stage_nic(3), NIC_AGAIN);
	stage_restart();
	ck_assert_uint_eq(stage_switch[0].logoffs, STAGE_GUESTS + 1);
	ck_assert_uint_eq(stage_switch[0].last_logoff, stage_mac(0));
	for (n = 1; n <= STAGE_GUESTS; n++)
		ck_assert(!stage_switch[0].authorized[n]);
}
END_TEST

/* -- migration ---------------------------------------------------------------------------------- */

static void comes(void)
{
	const struct guest_info info = stage_info(1);

	stage_tell(1, GUEST_INCOMING);
	stage_prepare(&info);
	ck_assert_str_eq(stage_prepared(), "good");
	stage_tell(1, GUEST_INCOMING);
}

START_TEST(a_migration_to_here)
{
	comes();
	is_in(1, "idle");
	ck_assert(stage_guest(1)->incoming);
	stage_tell(1, GUEST_MIGRATED);
	is_in(1, "authorized");
	stage_gone(1, GUEST_LEFT);
	is_in(1, "none");
	ck_assert_str_eq(stage_told(), "left 1, ");
}
END_TEST

/* And once more when it runs here: what the switch knew may have been taken down. */
START_TEST(it_may_authenticate_before_it_runs)
{
	strcpy(stage_config()->authenticate, "start");
	comes();
	is_in(1, "authorized");
	stage_switch_forgets(0, 1);
	stage_tell(1, GUEST_MIGRATED);
	is_in(1, "authorized");
}
END_TEST

START_TEST(a_migration_to_here_that_fails)
{
	strcpy(stage_config()->authenticate, "start");
	comes();
	is_in(1, "authorized");
	stage_gone(1, GUEST_STOPPED);
	is_in(1, "none");
	ck_assert_str_eq(stage_told(), "left 1, ");
}
END_TEST

START_TEST(a_migration_that_is_refused_before_it_begins)
{
	strcpy(stage_config()->authenticate, "start");
	stage_tell(1, GUEST_INCOMING);
	is_in(1, "authorized");
	stage_pass(GUEST_PREPARED_S * 1000);
	is_in(1, "none");
	comes();
	stage_pass(GUEST_PREPARED_S * 1000);
	is_in(1, "authorized");
}
END_TEST

/* policyd has had its session taken down for the destination's. */
START_TEST(a_migration_from_here_that_fails)
{
	uint64_t since;

	stage_tell(1, GUEST_STARTED);
	is_in(1, "authorized");
	since = stage_guest(1)->since;
	stage_switch_forgets(0, 1);
	stage_tell(1, GUEST_MIGRATED);
	is_in(1, "authorized");
	ck_assert_uint_eq(stage_guest(1)->since, since);
}
END_TEST

/* It left, unseen, and comes back. */
START_TEST(it_comes_back_before_it_has_left)
{
	stage_tell(1, GUEST_STARTED);
	comes();
	ck_assert(stage_guest(1)->incoming);
	ck_assert_str_eq(stage_told(), "left 1, ");
	stage_tell(1, GUEST_MIGRATED);
	is_in(1, "authorized");
}
END_TEST

/* Somebody tries to migrate it to where it is. */
START_TEST(a_migration_to_itself)
{
	stage_tell(1, GUEST_STARTED);
	stage_tell(1, GUEST_INCOMING);
	is_in(1, "authorized");
	stage_gone(1, GUEST_STOPPED);
	is_in(1, "none");
	ck_assert_str_eq(stage_told(), "stopped 1, ");
}
END_TEST

/* -- its interfaces ----------------------------------------------------------------------------- */

START_TEST(an_interface_more_and_one_less)
{
	struct guest_info info = stage_info(1);

	stage_tell(1, GUEST_STARTED);
	info.nic[1] = info.nic[0];
	info.nic[1].mac = stage_mac(2);
	info.n_nic = 2;
	guest_present(&info, GUEST_CHANGED);
	stage_pass(1000);
	ck_assert(stage_switch[0].authorized[1] && stage_switch[0].authorized[2]);
	info.nic[0] = info.nic[1];
	info.n_nic = 1;
	guest_present(&info, GUEST_CHANGED);
	stage_pass(1000);
	ck_assert(!stage_switch[0].authorized[1] && stage_switch[0].authorized[2]);
	stage_check();
}
END_TEST

START_TEST(an_interface_goes_to_another_bridge)
{
	struct guest_info info = stage_info(1);

	stage_tell(1, GUEST_STARTED);
	is_in(1, "authorized");
	strcpy(info.nic[0].bridge, "br1");
	guest_present(&info, GUEST_CHANGED);
	stage_pass(1000);
	ck_assert(!stage_switch[0].authorized[1] && stage_switch[1].authorized[1]);
	strcpy(info.nic[0].bridge, "other");
	guest_present(&info, GUEST_CHANGED);
	stage_pass(1000);
	ck_assert(!stage_switch[1].authorized[1]);
	is_word(1, "none");
}
END_TEST

START_TEST(an_address_that_changes)
{
	struct guest_info info = stage_info(1);

	stage_tell(1, GUEST_STARTED);
	is_in(1, "authorized");
	info.nic[0].mac = stage_mac(2);
	guest_present(&info, GUEST_CHANGED);
	stage_pass(1000);
	ck_assert(!stage_switch[0].authorized[1] && stage_switch[0].authorized[2]);
}
END_TEST

START_TEST(an_address_that_libvirt_has_as_well)
{
	struct guest_info port = stage_info(2);

	port.source = GUEST_NETLINK;
	port.nic[0].mac = stage_mac(1);
	guest_present(&port, GUEST_STARTED);
	stage_pass(1000);
	ck_assert_str_eq(stage_word(2), "authorized");
	stage_tell(1, GUEST_STARTED);
	stage_pass(1000);
	ck_assert_str_eq(stage_word(1), "authorized");
	ck_assert_str_eq(stage_word(2), "none");
	guest_gone(GUEST_NETLINK, stage_uuid(2), GUEST_STOPPED);
	stage_pass(1000);
	ck_assert_str_eq(stage_word(1), "authorized");
	guest_present(&port, GUEST_STARTED);
	stage_gone(1, GUEST_STOPPED);
	stage_pass(1000);
	ck_assert_str_eq(stage_word(2), "authorized");
}
END_TEST

START_TEST(an_address_twice)
{
	struct guest_info info = stage_info(2);

	info.nic[0].mac = stage_mac(1);
	stage_tell(1, GUEST_STARTED);
	guest_present(&info, GUEST_STARTED);
	is_in(1, "authorized");
	is_word(2, "none");
	ck_assert_str_eq(stage_guest(2)->last_error, "52:54:00:00:00:01 is g1's already");
	stage_gone(1, GUEST_STOPPED);
	stage_pass(1000);
	is_word(2, "authorized");
	ck_assert_str_eq(stage_guest(2)->last_error, "");
	ck_assert(stage_switch[0].authorized[1]);
}
END_TEST

START_TEST(told_as_changed_at_first)
{
	stage_tell(1, GUEST_CHANGED);
	is_in(1, "authorized");
}
END_TEST

/* -- uplinks ------------------------------------------------------------------------------------ */

START_TEST(the_uplink_joins_its_bridge_late)
{
	stage_enslave(0, NULL);
	stage_tell(1, GUEST_STARTED);
	is_in(1, "none");
	stage_enslave(0, "br0");
	is_in(1, "authorized");
	stage_enslave(0, "br1");
	is_in(1, "none");
	stage_enslave(0, "br0");
	is_in(1, "authorized");
}
END_TEST

START_TEST(the_uplink_goes_down_and_up)
{
	stage_tell(1, GUEST_STARTED);
	is_in(1, "authorized");
	stage_carrier(0, false);
	is_in(1, "waiting");
	ck_assert_str_eq(stage_nic(1)->last_error, "the uplink is down");
	stage_carrier(0, true);
	is_in(1, "authorized");
	ck_assert_str_eq(stage_nic(1)->last_error, "");
}
END_TEST

START_TEST(the_uplink_is_made_again)
{
	stage_tell(1, GUEST_STARTED);
	is_in(1, "authorized");
	stage_delete(0);
	is_in(1, "waiting");
	stage_create(0);
	is_in(1, "authorized");
	stage_replace(0);
	is_in(1, "authorized");
}
END_TEST

/* The socket that the parent sends is that of the one before. */
START_TEST(the_uplink_is_made_again_while_the_parent_is_asked)
{
	stage_delete(0);
	stage_parent_away(true);
	stage_create(0);
	stage_delete(0);
	stage_create(0);
	stage_tell(1, GUEST_STARTED);
	is_in(1, "waiting");
	stage_parent_away(false);
	is_in(1, "authorized");
}
END_TEST

/* -- an operator -------------------------------------------------------------------------------- */

static void log_off(int n)
{
	stage_nic(n)->held_by_operator = true;
	nic_logoff(stage_nic(n));
	is_in(n, "logged-off");
}

START_TEST(logged_off_it_stays_so)
{
	struct guest_info info = stage_info(1);

	stage_tell(1, GUEST_STARTED);
	is_in(1, "authorized");
	log_off(1);
	stage_tell(1, GUEST_FOUND);
	stage_tell(1, GUEST_MIGRATED);
	nic_disconnected(stage_nic(1));
	stage_carrier(0, false);
	stage_carrier(0, true);
	is_in(1, "logged-off");
	stage_enslave(0, NULL);
	stage_enslave(0, "br0");
	is_in(1, "logged-off");
	strcpy(info.nic[0].bridge, "br1");
	guest_present(&info, GUEST_CHANGED);
	stage_pass(1000);
	is_word(1, "logged-off");
	stage_nic(1)->held_by_operator = false;
	nic_start(stage_nic(1), NIC_STARTED);
	stage_pass(1000);
	is_word(1, "authorized");
	stage_gone(1, GUEST_STOPPED);
	stage_tell(1, GUEST_STARTED);
	is_in(1, "authorized");
}
END_TEST

Suite *check_guest(void)
{
	const TTest *const tests[] = { it_starts_and_stops,
				       it_stops_in_the_middle_of_a_conversation,
				       it_stops_in_the_queue,
				       hook_then_event,
				       a_start_that_fails,
				       an_end_that_is_told_late,
				       the_release_of_a_guest_that_runs_is_nothing,
				       a_guest_of_another_source,
				       those_that_are_not_told_have_gone,
				       one_that_comes_meanwhile_has_not,
				       found_again,
				       all_are_logged_off_the_host_last,
				       a_migration_to_here,
				       it_may_authenticate_before_it_runs,
				       a_migration_to_here_that_fails,
				       a_migration_that_is_refused_before_it_begins,
				       a_migration_from_here_that_fails,
				       it_comes_back_before_it_has_left,
				       a_migration_to_itself,
				       an_interface_more_and_one_less,
				       an_interface_goes_to_another_bridge,
				       an_address_that_changes,
				       an_address_that_libvirt_has_as_well,
				       an_address_twice,
				       told_as_changed_at_first,
				       the_uplink_joins_its_bridge_late,
				       the_uplink_goes_down_and_up,
				       the_uplink_is_made_again,
				       the_uplink_is_made_again_while_the_parent_is_asked,
				       logged_off_it_stays_so };
	Suite *s = suite_create("guest");
	TCase *t = tcase_create("guest");
	size_t i;

	tcase_add_checked_fixture(t, stage_setup, stage_teardown);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return s;
}
