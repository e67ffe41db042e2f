/* Sessions that are over, and clones. */
#include "network.h"
#include "suites.h"

START_TEST(back_too_soon)
{
	network_auth(1, 'A', 1, 100);
	network_auth(1, 'B', 2, 110);
	ck_assert(!network_effect.clone);
	network_auth(1, 'A', 3, 120);
	ck_assert(network_effect.moved && network_effect.clone);
	ck_assert_str_eq(network_effect.newer_nas, "192.0.2.1");
	ck_assert_str_eq(network_effect.newer_port_id, "Gi1/0/1");
	ck_assert_int_eq(network_effect.newer_port, 1);
	ck_assert_str_eq(network_effect.older_nas, "192.0.2.2");
	ck_assert_str_eq(scratch_text("SELECT past_id || nas || detail FROM notice WHERE kind = 'clone'"),
			 "2192.0.2.1authorized at 192.0.2.1 port Gi1/0/1, just now it was at 192.0.2.2 port Gi1/0/1");
	/* The other place once, this one not again. */
	network_auth(1, 'B', 4, 130);
	ck_assert(network_effect.clone);
	network_auth(1, 'A', 5, 140);
	ck_assert(network_effect.moved && !network_effect.clone);
	network_auth(1, 'B', 6, 150);
	ck_assert(!network_effect.clone);
	network_auth(1, 'A', 7, 180);
	ck_assert(network_effect.clone);
}
END_TEST

/* What happens between a move from A to B at 110 and the return, and whether that is an alarm. */
static const struct {
	int64_t window_s, back_at;
	bool stop_a, stop_b, end_a;
	bool alarm;
} returns[] = {
	{ 60, 169, false, false, false, true },	 { 60, 170, false, false, false, false },
	{ 0, 120, false, false, false, false },	 { 60, 120, true, false, false, false },
	{ 60, 120, false, false, true, false },	 { 60, 120, false, true, false, false },
	{ 600, 700, false, false, false, true },
};

START_TEST(which_return_is_an_alarm)
{
	network_window_s = returns[_i].window_s;
	network_auth(1, 'A', 1, 100);
	network_auth(1, 'B', 2, 110);
	if (returns[_i].stop_a)
		network_acct(VMP_REPORT_STOP, 1, 'A', 1, 112, "S1", 0);
	if (returns[_i].stop_b)
		network_acct(VMP_REPORT_STOP, 1, 'B', 2, 112, "S2", 0);
	if (returns[_i].end_a)
		ck_assert_int_eq(vmp_session_end(network, network_mac(1), 1, 1, 112, "moved", &network_msg), VMP_OK);
	network_auth(1, 'A', 3, returns[_i].back_at);
	ck_assert_int_eq(network_effect.clone, returns[_i].alarm);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM notice WHERE kind = 'clone'"), returns[_i].alarm);
	ck_assert_str_eq(network_sketch(1), "A authorized 3 ");
}
END_TEST

START_TEST(activity_where_it_is_not)
{
	network_auth(1, 'A', 1, 100);
	network_auth(1, 'B', 2, 110);
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 1, 115, "S1", 5);
	ck_assert(!network_effect.clone);
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 1, 116, "S1", 6);
	ck_assert(network_effect.clone && !network_effect.moved);
	ck_assert_str_eq(network_effect.newer_nas, "192.0.2.2");
	ck_assert_str_eq(network_effect.older_nas, "192.0.2.1");
	ck_assert_str_eq(scratch_text("SELECT past_id || nas || detail FROM notice WHERE kind = 'clone'"),
			 "1192.0.2.1authorized at 192.0.2.2 port Gi1/0/1, still active at 192.0.2.1 port Gi1/0/1");
	ck_assert_int_eq(scratch_number("SELECT input_octets FROM past"), 6);
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 1, 116, "S1", 6);
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 1, 175, "S1", 7);
	ck_assert(!network_effect.clone);
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 1, 176, "S1", 8);
	ck_assert(network_effect.clone);
	network_window_s = 0;
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 1, 300, "S1", 9);
	ck_assert(!network_effect.clone);
	ck_assert_str_eq(network_sketch(1), "B authorized 2 ");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM notice"), 3);
}
END_TEST

START_TEST(activity_of_a_place_that_it_came_back_to)
{
	network_auth(1, 'A', 1, 100);
	network_auth(1, 'B', 2, 1000);
	network_auth(1, 'A', 3, 2000);
	network_acct(VMP_REPORT_INTERIM, 1, 'A', 1, 2001, "S1", 5);
	ck_assert(!network_effect.clone);
	ck_assert_str_eq(network_sketch(1), "A authorized 3 ");
}
END_TEST

START_TEST(sessions_expire)
{
	struct vmp_report report = network_report(VMP_REPORT_AUTHORIZED, 1, 'A', 1, 1000);
	uint64_t mac = 0;
	int i, n, all = 0, steps = 0;

	for (i = 1; i <= 10; i++) {
		report = network_report(VMP_REPORT_AUTHORIZED, i, 'A', (uint64_t)i, 1000);
		report.timeout_s = i == 10 ? 0 : i % 2 ? 100 : 1000;
		network_take(&report);
	}
	ck_assert_int_eq(vmp_session_expire(network, 1159, &mac, 100, &n, &network_msg), VMP_OK);
	ck_assert_int_eq(n, 0);
	ck_assert_uint_eq(mac, 0);
	do {
		ck_assert_int_eq(vmp_session_expire(network, 1160, &mac, 3, &n, &network_msg), VMP_OK);
		ck_assert_int_le(n, 2);
		all += n;
		steps++;
	} while (mac);
	ck_assert_int_eq(all, 5);
	ck_assert_int_eq(steps, 4);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM past WHERE state = 'expired' AND ended_at = 1160"), 5);
	ck_assert_int_eq(vmp_session_expire(network, 1 << 30, &mac, 1000, &n, &network_msg), VMP_OK);
	ck_assert_int_eq(n, 4);
	ck_assert_str_eq(network_sketch(10), "A authorized 10 ");
}
END_TEST

START_TEST(its_nas_has_taken_it_down)
{
	network_auth(1, 'A', 1, 100);
	ck_assert_int_eq(vmp_session_end(network, network_mac(1), 2, 0, 150, "policy", &network_msg), VMP_OK);
	ck_assert_str_eq(network_sketch(1), "A authorized 1 ");
	network_auth(1, 'B', 2, 110);
	/* It has moved: that is closed, and not what lasts. */
	ck_assert_int_eq(vmp_session_end(network, network_mac(1), 1, 0, 150, "policy", &network_msg), VMP_OK);
	ck_assert_str_eq(network_sketch(1), "B authorized 2 ");
	ck_assert_str_eq(scratch_text("SELECT state || cause || closed_at FROM past"), "movedpolicy150");
	ck_assert_int_eq(vmp_session_end(network, network_mac(1), 2, 0, 160, "vm-disabled", &network_msg), VMP_OK);
	ck_assert_str_eq(scratch_text("SELECT state || cause || closed_at FROM past WHERE id = 2"),
			 "stoppedvm-disabled160");
	ck_assert_int_eq(vmp_session_end(network, network_mac(1), 2, 77, 160, "x", &network_msg), VMP_OK);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM past"), 2);
}
END_TEST

START_TEST(what_is_old_is_forgotten)
{
	int i, n;

	for (i = 0; i < 10; i++)
		network_auth(1, i % 2 ? 'A' : 'B', (uint64_t)i + 1, 1000 + 100 * i);
	/* One NAS's clock is far ahead. */
	scratch_sql("UPDATE past SET ended_at = 99999999 WHERE id = 1");
	ck_assert_int_eq(vmp_session_tidy(network, 2000, 1000, 100, &n, &network_msg), VMP_OK);
	ck_assert_int_eq(n, 1);
	ck_assert_int_eq(vmp_session_tidy(network, 2300, 1000, 2, &n, &network_msg), VMP_OK);
	ck_assert_int_eq(n, 3);
	ck_assert_int_eq(scratch_number("SELECT min(ended_at) FROM past"), 1300);
	ck_assert_int_eq(scratch_number("SELECT min(at) FROM notice"), 1300);
	ck_assert_int_eq(vmp_session_tidy(network, 1 << 30, 0, 1000, &n, &network_msg), VMP_OK);
	ck_assert_int_eq(scratch_number("SELECT (SELECT count(*) FROM past) + (SELECT count(*) FROM notice)"), 0);
	ck_assert_str_eq(network_sketch(1), "A authorized 10 ");
	/* Numbers are not used again. */
	network_auth(1, 'B', 11, 9000);
	ck_assert_int_eq(scratch_number("SELECT id FROM past"), 10);
	ck_assert_int_ge(scratch_number("SELECT id FROM notice"), 10);
}
END_TEST

Suite *check_store_session_past(void)
{
	Suite *s = suite_create("store_session_past");
	TCase *t = tcase_create("store_session_past");

	tcase_add_checked_fixture(t, network_setup, network_teardown);
	tcase_set_timeout(t, 60); /* [s] a disk that syncs slowly, and sanitizers */
	tcase_add_test(t, back_too_soon);
	tcase_add_loop_test(t, which_return_is_an_alarm, 0, sizeof(returns) / sizeof(returns[0]));
	tcase_add_test(t, activity_where_it_is_not);
	tcase_add_test(t, activity_of_a_place_that_it_came_back_to);
	tcase_add_test(t, sessions_expire);
	tcase_add_test(t, its_nas_has_taken_it_down);
	tcase_add_test(t, what_is_old_is_forgotten);
	suite_add_tcase(s, t);
	return s;
}
