#include "filter.h"
#include "nft_stub.h"
#include "rules.h"
#include "suites_gatewayd.h"

#include <stdio.h>
#include <string.h>

static struct vmp_msg msg;
static struct event_base *base;
static int changes;
static bool transit;

static const struct rules_one web = { .id = 7, .protocol = "any" }, db = { .id = 8, .coi = "db" };
static const struct member_stub one = { "fd12::a", NULL, false, "web", { "web" } },
				moved = { "fd12::a", NULL, false, "db", { "db", "web" } },
				far = { "fd12::f", NULL, true, "web", { "web" } };

static void on_changed(void *ctx)
{
	(void)ctx;
	changes++;
}

static int start(void)
{
	const struct filter_settings settings = { .frame = { "vmprov0", "", "icmp", false, transit },
						  .changed = on_changed };

	return filter_init(base, &settings, &msg);
}

static void setup(void)
{
	nft_stub_reset();
	transit = true;
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
}

static void teardown(void)
{
	filter_free(false);
	event_base_free(base);
}

static int take(int version, const struct rules_one *rules, size_t n)
{
	const char *text = rules_text(version, rules, n);
	int64_t at;

	return filter_take(text, strlen(text), &at, &msg);
}

/* Members have changed, and the loop has had its turn. */
static void members(const struct member_stub *machines, size_t n)
{
	member_stub_set(machines, n);
	filter_members();
	event_base_loop(base, EVLOOP_ONCE);
}

static unsigned long long packets(int64_t id)
{
	struct filter_view view;
	struct filter_count count;

	filter_look(&view);
	count = filter_counts_of(&view.counts, id);
	filter_counts_clear(&view.counts);
	return count.packets;
}

START_TEST(without_a_table_there_is_no_start)
{
	nft_stub_fails = true;
	ck_assert_int_eq(start(), VMP_EIO);
	ck_assert_str_eq(msg.text, "nftables: no");
}
END_TEST

START_TEST(it_begins_with_nothing_allowed)
{
	ck_assert_int_eq(start(), VMP_OK);
	ck_assert_ptr_nonnull(strstr(nft_stub_last(), "chain forward"));
	ck_assert_ptr_null(strstr(nft_stub_last(), "jump"));
	ck_assert_ptr_null(filter_trouble());
}
END_TEST

START_TEST(a_table_that_is_there_stays_until_there_are_rules)
{
	nft_stub_table = true;
	ck_assert_int_eq(start(), VMP_OK);
	members(&one, 1);
	ck_assert_int_eq(nft_stub_runs, 0);
	ck_assert_int_eq(take(1, NULL, 0), VMP_OK);
	ck_assert_int_eq(nft_stub_runs, 1);
}
END_TEST

START_TEST(a_table_that_is_there_does_not_outlive_wrong_rules)
{
	const struct rules_one wrong = { .id = 9, .action = "allow" };
	struct filter_view view;

	nft_stub_table = true;
	ck_assert_int_eq(start(), VMP_OK);
	ck_assert_int_eq(take(1, &wrong, 1), VMP_EINVAL);
	ck_assert_int_eq(nft_stub_runs, 1);
	ck_assert_ptr_null(strstr(nft_stub_last(), "jump"));
	filter_look(&view);
	ck_assert_ptr_nonnull(strstr(view.why, "rule 9"));
	ck_assert(!view.kept);
	filter_counts_clear(&view.counts);
}
END_TEST

START_TEST(the_same_rules_change_nothing)
{
	ck_assert_int_eq(start(), VMP_OK);
	ck_assert_int_eq(take(1, &web, 1), VMP_OK);
	ck_assert_int_eq(nft_stub_runs, 2);
	ck_assert_int_eq(take(2, &web, 1), VMP_OK);
	ck_assert_int_eq(nft_stub_runs, 2);
	ck_assert_int_eq(take(3, &db, 1), VMP_OK);
	ck_assert_int_eq(nft_stub_runs, 3);
}
END_TEST

START_TEST(wrong_rules_leave_the_old_ones)
{
	const struct rules_one wrong[] = { db, { .id = 9, .action = "allow" } };
	struct filter_view view;

	ck_assert_int_eq(start(), VMP_OK);
	ck_assert_int_eq(take(1, &web, 1), VMP_OK);
	ck_assert_int_eq(take(2, wrong, 2), VMP_EINVAL);
	ck_assert_int_eq(nft_stub_runs, 2);
	filter_look(&view);
	ck_assert_uint_eq(view.set->n, 1);
	ck_assert_int_eq(view.set->rule[0].id, 7);
	ck_assert_uint_eq(view.refused, 1);
	ck_assert_ptr_nonnull(strstr(view.why, "rule 9"));
	filter_counts_clear(&view.counts);
	ck_assert_ptr_null(filter_trouble());
	ck_assert_int_eq(take(3, &web, 1), VMP_OK);
	filter_look(&view);
	ck_assert_str_eq(view.why, "");
	filter_counts_clear(&view.counts);
}
END_TEST

START_TEST(rules_that_nftables_refuses_leave_the_old_ones)
{
	ck_assert_int_eq(start(), VMP_OK);
	ck_assert_int_eq(take(1, &web, 1), VMP_OK);
	nft_stub_refuses_rules = true;
	ck_assert_int_eq(take(2, &db, 1), VMP_EIO);
	ck_assert_ptr_null(filter_trouble());
	/* And members are judged by those. */
	members(&one, 1);
	ck_assert_ptr_nonnull(strstr(nft_stub_last(), "to6 { fd12::a : jump in_1 }"));
	ck_assert_ptr_null(filter_trouble());
	nft_stub_refuses_rules = false;
	ck_assert_int_eq(take(2, &db, 1), VMP_OK);
	ck_assert_ptr_nonnull(strstr(nft_stub_last(), "counter rule_8 "));
}
END_TEST

START_TEST(members_are_elements)
{
	ck_assert_int_eq(start(), VMP_OK);
	ck_assert_int_eq(take(1, (const struct rules_one[]){ web, db }, 2), VMP_OK);
	members(&one, 1);
	ck_assert_ptr_null(strstr(nft_stub_last(), "delete table"));
	ck_assert_ptr_nonnull(strstr(nft_stub_last(), "add element inet vmprov_gateway to6 { fd12::a : jump in_1 }"));
	members(&moved, 1);
	ck_assert_ptr_nonnull(strstr(nft_stub_last(), "delete element inet vmprov_gateway to6 { fd12::a }"));
	ck_assert_ptr_nonnull(strstr(nft_stub_last(), "add element inet vmprov_gateway to6 { fd12::a : jump in_2 }"));
	members(NULL, 0);
	ck_assert_ptr_nonnull(strstr(nft_stub_last(), "delete element inet vmprov_gateway machines6 { fd12::a }"));
	ck_assert_ptr_null(strstr(nft_stub_last(), "add"));
}
END_TEST

START_TEST(the_first_remote_machine_takes_a_new_table)
{
	const struct member_stub two[] = { one, far };

	ck_assert_int_eq(start(), VMP_OK);
	ck_assert_int_eq(take(1, &web, 1), VMP_OK);
	members(&one, 1);
	ck_assert_ptr_null(strstr(nft_stub_last(), "delete table"));
	members(two, 2);
	ck_assert_ptr_nonnull(strstr(nft_stub_last(), "delete table"));
	ck_assert_ptr_nonnull(strstr(nft_stub_last(), "set remotes_1_6 {"));
	ck_assert_ptr_nonnull(strstr(nft_stub_last(), "elements = { fd12::a, fd12::f }"));
	members(&one, 1);
	ck_assert_ptr_null(strstr(nft_stub_last(), "delete table"));
	ck_assert_ptr_nonnull(strstr(nft_stub_last(), "delete element inet vmprov_gateway remotes_1_6 { fd12::f }"));
}
END_TEST

START_TEST(members_that_are_not_taken_are_a_trouble)
{
	ck_assert_int_eq(start(), VMP_OK);
	ck_assert_int_eq(take(1, &web, 1), VMP_OK);
	nft_stub_fails = true;
	members(&one, 1);
	ck_assert_str_eq(filter_trouble(), "nftables: no");
	ck_assert_int_eq(changes, 1);
	nft_stub_fails = false;
	/* It comes back by itself, and as a whole, since nobody knows what is there. */
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert_ptr_null(filter_trouble());
	ck_assert_int_eq(changes, 2);
	ck_assert_ptr_nonnull(strstr(nft_stub_last(), "delete table"));
	ck_assert_ptr_nonnull(strstr(nft_stub_last(), "fd12::a : jump in_1"));
}
END_TEST

START_TEST(withdrawn_means_nothing_passes)
{
	ck_assert_int_eq(start(), VMP_OK);
	ck_assert_int_eq(take(1, &web, 1), VMP_OK);
	members(&one, 1);
	filter_withdraw("not a gateway");
	ck_assert_ptr_nonnull(strstr(nft_stub_last(), "delete table"));
	ck_assert_ptr_null(strstr(nft_stub_last(), "jump"));
	ck_assert_int_eq(take(1, &web, 1), VMP_OK);
	ck_assert_ptr_nonnull(strstr(nft_stub_last(), "fd12::a : jump in_1"));
}
END_TEST

static const struct nft_stub_counter five[] = { { "rule_7", 5, 100 },
						{ "dropped", 3, 1 },
						{ "rule_x", 1, 1 },
						{ "other", 1, 1 },
						{ NULL, 0, 0 } },
				     two[] = { { "dropped", 3, 1 }, { "rule_7", 2, 100 }, { NULL, 0, 0 } };

START_TEST(counters_outlive_the_table)
{
	ck_assert_int_eq(start(), VMP_OK);
	ck_assert_int_eq(take(1, &web, 1), VMP_OK);
	nft_stub_counters = five;
	ck_assert_uint_eq(packets(7), 5);
	ck_assert_uint_eq(packets(8), 0);
	/* A new table begins at zero. */
	ck_assert_int_eq(take(2, (const struct rules_one[]){ web, db }, 2), VMP_OK);
	nft_stub_counters = two;
	ck_assert_uint_eq(packets(7), 7);
	ck_assert_uint_eq(packets(0), 6);
	nft_stub_refuses_rules = true;
	ck_assert_int_eq(take(3, &db, 1), VMP_EIO);
	ck_assert_uint_eq(packets(7), 7);
}
END_TEST

START_TEST(it_goes_away_when_told)
{
	ck_assert_int_eq(start(), VMP_OK);
	filter_free(true);
	ck_assert_str_eq(nft_stub_last(), FILTER_AWAY);
	ck_assert(!nft_stub_table);
}
END_TEST

START_TEST(what_somebody_takes_away_is_put_back)
{
	ck_assert_int_eq(start(), VMP_OK);
	ck_assert_int_eq(take(1, &web, 1), VMP_OK);
	members(&one, 1);
	nft_stub_table = false;
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert(nft_stub_table);
	ck_assert_ptr_nonnull(strstr(nft_stub_last(), "counter rule_7 "));
	ck_assert_ptr_nonnull(strstr(nft_stub_last(), "fd12::a : jump in_1"));
	ck_assert_ptr_null(filter_trouble());
}
END_TEST

START_TEST(what_was_kept_and_is_taken_away_lets_nothing_pass)
{
	nft_stub_table = true;
	ck_assert_int_eq(start(), VMP_OK);
	nft_stub_table = false;
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert(nft_stub_table);
	ck_assert_ptr_null(strstr(nft_stub_last(), "jump"));
}
END_TEST

START_TEST(nothing_is_forwarded_after_it)
{
	transit = false;
	ck_assert_int_eq(start(), VMP_OK);
	filter_free(true);
	ck_assert_str_eq(nft_stub_last(), FILTER_CLOSED);
}
END_TEST

Suite *check_filter(void)
{
	Suite *suite = suite_create("filter");
	TCase *tc = tcase_create("filter");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, without_a_table_there_is_no_start);
	tcase_add_test(tc, it_begins_with_nothing_allowed);
	tcase_add_test(tc, a_table_that_is_there_stays_until_there_are_rules);
	tcase_add_test(tc, a_table_that_is_there_does_not_outlive_wrong_rules);
	tcase_add_test(tc, the_same_rules_change_nothing);
	tcase_add_test(tc, wrong_rules_leave_the_old_ones);
	tcase_add_test(tc, rules_that_nftables_refuses_leave_the_old_ones);
	tcase_add_test(tc, members_are_elements);
	tcase_add_test(tc, the_first_remote_machine_takes_a_new_table);
	tcase_add_test(tc, members_that_are_not_taken_are_a_trouble);
	tcase_add_test(tc, withdrawn_means_nothing_passes);
	tcase_add_test(tc, counters_outlive_the_table);
	tcase_add_test(tc, it_goes_away_when_told);
	tcase_add_test(tc, nothing_is_forwarded_after_it);
	tcase_add_test(tc, what_somebody_takes_away_is_put_back);
	tcase_add_test(tc, what_was_kept_and_is_taken_away_lets_nothing_pass);
	suite_add_tcase(suite, tc);
	return suite;
}
