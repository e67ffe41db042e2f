#include "lease_rig.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

/* -- pools that change ----------------------------------------------------------------------------------------- */

START_TEST(what_a_closed_pool_gave_runs_to_its_end)
{
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	rig_shut(1, 5);
	rig.now += 300000;
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	ck_assert(!rig.a.refused);
	ck_assert_uint_eq(rig.a.reason, VMP_LEASE_CLOSED);
	ck_assert_int_eq(rig.a.life_ms, 300000);
	ck_assert_int_eq(rig.a.grace_ms, 60000);
	ck_assert_int_eq(rig_ask(HOLDER_A, 2), 2);
	ck_assert_int_eq(rig.a.life_ms, 300000);
	ck_assert_int_eq(rig_usage(1), 2);
	rig_set(1, 5); /* and open again */
	ck_assert_int_eq(rig_ask(HOLDER_A, 2), 2);
	ck_assert_int_eq(rig.a.life_ms, 600000);
	ck_assert_int_eq(rig.written.part[0].lapsing, 0);
}
END_TEST

START_TEST(an_open_pool_replaces_a_closed_one)
{
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	rig_shut(1, 5);
	rig_set(2, 3);
	rig.now += 300000;
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 3);
	ck_assert_int_eq(rig.a.life_ms, 600000);
	ck_assert_int_eq(rig_usage(1), 5); /* it may not know yet */
	ck_assert_int_eq(rig_ask(HOLDER_A, 3), 3);
	ck_assert_int_eq(rig_usage(1), 0); /* now it does */
	ck_assert_int_eq(rig_usage(2), 3);
}
END_TEST

START_TEST(what_a_removed_pool_gave_counts_on)
{
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	vmp_lease_pool_remove(rig.book, 1);
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	ck_assert_uint_eq(rig.a.reason, VMP_LEASE_NO_POOL);
	ck_assert_int_eq(rig_ask(HOLDER_B, 1), 0);
	rig_set(1, 5);
	ck_assert_int_eq(rig_usage(1), 5);
	ck_assert_int_eq(rig_ask(HOLDER_B, 1), 0);
}
END_TEST

/* It belongs to another tenant now, say. */
START_TEST(a_pool_that_is_not_its_own_any_more)
{
	struct vmp_lease_request r;

	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	r = rig_request_of(HOLDER_A, 5);
	r.n_pools = 0;
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, NULL), VMP_OK);
	ck_assert_int_eq(rig.a.granted, 5);
	ck_assert_uint_eq(rig.a.reason, VMP_LEASE_NO_POOL);
	ck_assert_int_eq(rig.written.part[0].lapsing, 5);
}
END_TEST

START_TEST(less_is_owned)
{
	ck_assert_int_eq(rig_ask(HOLDER_A, 3), 3);
	ck_assert_int_eq(rig_ask(HOLDER_B, 2), 2);
	rig_set(1, 3);
	rig.now += 100000;
	ck_assert_int_eq(rig_ask(HOLDER_A, 3), 1);
	ck_assert(!rig.a.refused);
	ck_assert_uint_eq(rig.a.reason, VMP_LEASE_REDUCED);
	ck_assert_int_eq(rig.a.life_ms, 600000);
	ck_assert_int_eq(rig_usage(1), 5); /* the other two run to the end it was told */
	ck_assert_int_eq(rig_ask(HOLDER_B, 2), 2);
	ck_assert_uint_eq(rig.a.reason, VMP_LEASE_FINE);
	rig.now = RIG_NOW + 660000;
	rig_tick();
	ck_assert_int_eq(rig_usage(1), 3);
	ck_assert_int_eq(vmp_lease_count(vmp_lease_find(rig.book, HOLDER_A, "web-std")), 1);
	ck_assert_int_eq(rig_ask(HOLDER_A, 3), 1);
	ck_assert_uint_eq(rig.a.reason, VMP_LEASE_EXHAUSTED);
}
END_TEST

START_TEST(nothing_is_left_for_one)
{
	ck_assert_int_eq(rig_ask(HOLDER_A, 3), 3);
	ck_assert_int_eq(rig_ask(HOLDER_B, 2), 2);
	rig_set(1, 2);
	rig.now += 100000;
	ck_assert_int_eq(rig_ask(HOLDER_A, 3), 3); /* to the old end */
	ck_assert_uint_eq(rig.a.reason, VMP_LEASE_REDUCED);
	ck_assert_int_eq(rig.a.life_ms, 500000);
	ck_assert_int_eq(rig_ask(HOLDER_B, 2), 2); /* which does not stand against the other's renewal */
	ck_assert_int_eq(rig.a.life_ms, 600000);
	rig.now = RIG_NOW + 600000;
	ck_assert_int_eq(rig_ask(HOLDER_A, 3), 0);
	ck_assert(rig.a.refused);
	rig.now = RIG_NOW + 660000;
	rig_tick();
	ck_assert_int_eq(rig_usage(1), 2);
}
END_TEST

START_TEST(more_is_owned_again)
{
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	rig_set(1, 2);
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 2);
	ck_assert_int_eq(rig_ask(HOLDER_B, 3), 0);
	rig_set(1, 5);
	ck_assert_int_eq(rig_ask(HOLDER_B, 3), 0); /* the answer to A may be lost */
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	ck_assert_uint_eq(rig.a.reason, VMP_LEASE_FINE);
	ck_assert_int_eq(rig_usage(1), 5);
}
END_TEST

/* -- a store that fails, starts again, or is an older copy ------------------------------------------------------- */

START_TEST(what_is_not_written_does_not_count)
{
	struct vmp_lease_request r = rig_request_of(HOLDER_A, 3);
	struct vmp_msg msg;

	rig.broken = VMP_EFULL;
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, &msg), VMP_EFULL);
	ck_assert_str_eq(msg.text, "broken");
	ck_assert_uint_eq(vmp_lease_accounts(rig.book), 0);
	ck_assert_int_eq(rig_usage(1), 0);
	ck_assert_int_eq(vmp_lease_seq(rig.book), 0);
	rig.broken = 0;
	ck_assert_int_eq(rig_ask(HOLDER_A, 3), 3);
	rig.broken = VMP_EIO;
	r = rig_request_of(HOLDER_A, 0);
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, &msg), VMP_EIO);
	ck_assert_int_eq(rig_usage(1), 3);
	ck_assert_int_eq(vmp_lease_find(rig.book, HOLDER_A, "web-std")->seq, 1);
	rig.now += 660000;
	ck_assert_int_eq(vmp_lease_tick(rig.book, rig.now, NULL, NULL, &msg), VMP_EIO);
	ck_assert_int_eq(rig_usage(1), 3);
	rig.broken = 0;
	rig_tick();
	ck_assert_int_eq(rig_usage(1), 0);
}
END_TEST

START_TEST(started_again)
{
	ck_assert_int_eq(rig_ask(HOLDER_A, 4), 4);
	rig.now += 5000;
	rig_again(false);
	ck_assert_int_eq(rig_usage(1), 4);
	ck_assert_int_eq(vmp_lease_seq(rig.book), 1);
	ck_assert_int_eq(vmp_lease_longest(rig.book), 660000);
	ck_assert_int_eq(rig_ask(HOLDER_B, 5), 1);
	rig.now = RIG_NOW + 660000;
	ck_assert_int_eq(rig_ask(HOLDER_B, 5), 5);
}
END_TEST

START_TEST(started_in_another_boot)
{
	ck_assert_int_eq(rig_ask(HOLDER_A, 4), 4);
	rig.now = 10; /* this clock began anew */
	rig_again(true);
	rig.now = 10 + 659999;
	rig_tick();
	ck_assert_int_eq(rig_usage(1), 4);
	rig.now++;
	rig_tick();
	ck_assert_int_eq(rig_usage(1), 0);
}
END_TEST

/* What is written down of it must be such that it can be read again. */
START_TEST(another_boot_has_no_times_before_it_began)
{
	const struct vmp_lease *l;
	int i;

	rig.now = 864000000; /* ten days up */
	ck_assert_int_eq(rig_ask(HOLDER_A, 4), 4);
	rig.now = 10;
	rig_again(true);
	l = vmp_lease_find(rig.book, HOLDER_A, "web-std");
	for (i = 0; i < l->n_part; i++)
		ck_assert(l->part[i].over_ms >= 0 && l->part[i].lapsed_ms >= 0);
	ck_assert_int_eq(l->part[0].over_ms, 10 + 660000);
}
END_TEST

START_TEST(another_boot_with_a_later_clock)
{
	ck_assert_int_eq(rig_ask(HOLDER_A, 4), 4);
	rig.now += 100000000;
	rig_again(true);
	rig_tick();
	ck_assert_int_eq(rig_usage(1), 4);
	ck_assert_int_eq(rig_ask(HOLDER_A, 4), 4);
	ck_assert_int_eq(rig.a.life_ms, 600000);
}
END_TEST

START_TEST(pools_may_come_after_accounts)
{
	static const struct vmp_lease lease = { .holder = HOLDER_A,
						.product = "web-std",
						.seq = 9,
						.end_ms = RIG_NOW + 1,
						.n_part = 1,
						.part = { { .pool = 3, .count = 2, .over_ms = RIG_NOW + 1 } } };
	int64_t n;

	ck_assert_int_eq(vmp_lease_restore(rig.book, &lease, false, rig.now), VMP_OK);
	ck_assert_int_eq(vmp_lease_pool_usage(rig.book, 3, &n), VMP_ENOENT);
	rig_set(3, 5);
	ck_assert_int_eq(rig_usage(3), 2);
	ck_assert_int_eq(vmp_lease_restore(rig.book, &lease, false, rig.now), VMP_OK); /* twice is once */
	ck_assert_int_eq(rig_usage(3), 2);
}
END_TEST

START_TEST(recovery)
{
	struct vmp_lease_request r;

	ck_assert_int_eq(rig_ask(HOLDER_A, 3), 3);
	vmp_lease_recover(rig.book, rig.now + 660000);
	ck_assert_int_eq(rig_ask(HOLDER_B, 1), 0);
	ck_assert(rig.a.refused);
	ck_assert_uint_eq(rig.a.reason, VMP_LEASE_RECOVERING);
	ck_assert_int_eq(rig.a.available, 0);
	ck_assert_int_eq(rig_ask(HOLDER_A, 4), 3); /* renewed, and no growth */
	ck_assert(rig.a.refused);
	ck_assert_int_eq(rig.a.life_ms, 600000);
	r = rig_request_of(HOLDER_A, 3);
	r.has = 2; /* the rest was given back, after the copy was made */
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, NULL), VMP_OK);
	ck_assert_int_eq(rig.a.granted, 2);
	r = rig_request_of(HOLDER_A, 3);
	r.has = 3; /* a holder's word alone is not enough */
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, NULL), VMP_OK);
	ck_assert_int_eq(rig.a.granted, 2);
	ck_assert_int_eq(vmp_lease_recovering(rig.book), rig.now + 660000);
	rig.now += 660000;
	ck_assert_int_eq(rig_ask(HOLDER_B, 1), 1);
	ck_assert_int_eq(vmp_lease_recovering(rig.book), 0);
}
END_TEST

START_TEST(a_trusted_holder_has_seen_more)
{
	struct vmp_lease_request r;

	ck_assert_int_eq(rig_ask(HOLDER_A, 3), 3);
	r = rig_request_of(HOLDER_B, 1);
	r.trusted = true;
	r.seen = 40;
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, NULL), VMP_OK);
	ck_assert(rig.a.stale);
	ck_assert_int_eq(vmp_lease_recovering(rig.book), rig.now + 660000);
	ck_assert_int_eq(vmp_lease_seq(rig.book), 40);
	ck_assert_int_eq(rig_ask(HOLDER_C, 1), 0);
	rig.now += 1000;
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, NULL), VMP_OK); /* and does not begin it again */
	ck_assert_int_eq(vmp_lease_recovering(rig.book), rig.now + 659000);
	r.seen = INT64_MAX; /* nobody has seen so much */
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, NULL), VMP_OK);
	ck_assert_int_eq(vmp_lease_seq(rig.book), 40);
}
END_TEST

START_TEST(but_is_believed_for_a_while_only)
{
	struct vmp_lease_request r = rig_request_of(HOLDER_B, 1);

	vmp_lease_believe(rig.book, rig.now + 5000);
	r.trusted = true;
	r.seen = 40;
	rig.now += 5000;
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, NULL), VMP_OK);
	ck_assert(rig.a.stale);
	ck_assert_int_eq(vmp_lease_recovering(rig.book), 0);
	vmp_lease_believe(rig.book, rig.now + 1);
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, NULL), VMP_OK);
	ck_assert_int_gt(vmp_lease_recovering(rig.book), 0);
}
END_TEST

START_TEST(numbers_only_grow)
{
	vmp_lease_seq_set(rig.book, 100);
	vmp_lease_seq_set(rig.book, 50);
	vmp_lease_longest_set(rig.book, 1000);
	vmp_lease_longest_set(rig.book, 10);
	ck_assert_int_eq(vmp_lease_seq(rig.book), 100);
	ck_assert_int_eq(vmp_lease_longest(rig.book), 1000);
	ck_assert_int_eq(rig_ask(HOLDER_A, 1), 1);
	ck_assert_int_eq(rig.a.seq, 101);
}
END_TEST

/* -- many ------------------------------------------------------------------------------------------------------ */

static void count_each(void *ctx, const struct vmp_lease *lease)
{
	*(int64_t *)ctx += vmp_lease_count(lease);
}

START_TEST(many_accounts)
{
	char holder[VMP_UUID_TEXT];
	int64_t sum = 0;
	int i;

	rig_set(1, 3000);
	for (i = 0; i < 5000; i++) {
		snprintf(holder, sizeof(holder), "%08x-0000-4000-8000-000000000000", (unsigned)i);
		ck_assert_int_eq(rig_ask(holder, 1), i < 3000);
	}
	ck_assert_uint_eq(vmp_lease_accounts(rig.book), 3000);
	vmp_lease_each(rig.book, count_each, &sum);
	ck_assert_int_eq(sum, 3000);
	rig.now += 660000;
	rig_tick();
	ck_assert_uint_eq(vmp_lease_accounts(rig.book), 0);
	ck_assert_int_eq(rig_usage(1), 0);
}
END_TEST

START_TEST(many_pools)
{
	int64_t i, n;

	for (i = 100; i > 0; i--)
		rig_set(i, i);
	for (i = 2; i <= 100; i += 2)
		vmp_lease_pool_remove(rig.book, i);
	for (i = 1; i <= 100; i++)
		ck_assert_int_eq(vmp_lease_pool_usage(rig.book, i, &n), i % 2 ? VMP_OK : VMP_ENOENT);
}
END_TEST

START_TEST(no_journal)
{
	struct vmp_lease_book *book = vmp_lease_book_new(NULL);
	struct vmp_lease_request r = rig_request_of(HOLDER_A, 1);
	struct vmp_lease_pool pool = {
		.id = 1, .product = "web-std", .owned = 1, .life_ms = 1000, .until_ms = INT64_MAX, .open = true
	};

	ck_assert_int_eq(vmp_lease_pool_set(book, &pool), VMP_OK);
	ck_assert_int_eq(vmp_lease_ask(book, &r, rig.now, &rig.a, NULL), VMP_OK);
	ck_assert_int_eq(rig.a.granted, 1);
	ck_assert_int_eq(vmp_lease_end(book, HOLDER_A, "web-std", NULL), VMP_OK);
	vmp_lease_book_free(book);
	vmp_lease_book_free(NULL);
}
END_TEST

START_TEST(every_reason_has_a_sentence)
{
	unsigned i;

	for (i = 1; i < VMP_LEASE_REASONS; i++)
		ck_assert_uint_gt(strlen(vmp_lease_reason_text(i)), 10);
	ck_assert_str_eq(vmp_lease_reason_text(VMP_LEASE_REASONS), "unknown reason");
}
END_TEST

Suite *check_lease_book(void)
{
	Suite *s = suite_create("lease_book");
	TCase *t;

	t = tcase_create("pools that change");
	tcase_add_checked_fixture(t, rig_setup, rig_teardown);
	tcase_add_test(t, what_a_closed_pool_gave_runs_to_its_end);
	tcase_add_test(t, an_open_pool_replaces_a_closed_one);
	tcase_add_test(t, what_a_removed_pool_gave_counts_on);
	tcase_add_test(t, a_pool_that_is_not_its_own_any_more);
	tcase_add_test(t, less_is_owned);
	tcase_add_test(t, nothing_is_left_for_one);
	tcase_add_test(t, more_is_owned_again);
	suite_add_tcase(s, t);
	t = tcase_create("a store that fails, starts again, or is an older copy");
	tcase_add_checked_fixture(t, rig_setup, rig_teardown);
	tcase_add_test(t, what_is_not_written_does_not_count);
	tcase_add_test(t, started_again);
	tcase_add_test(t, started_in_another_boot);
	tcase_add_test(t, another_boot_has_no_times_before_it_began);
	tcase_add_test(t, another_boot_with_a_later_clock);
	tcase_add_test(t, pools_may_come_after_accounts);
	tcase_add_test(t, recovery);
	tcase_add_test(t, a_trusted_holder_has_seen_more);
	tcase_add_test(t, but_is_believed_for_a_while_only);
	tcase_add_test(t, numbers_only_grow);
	suite_add_tcase(s, t);
	t = tcase_create("many");
	tcase_add_checked_fixture(t, rig_setup, rig_teardown);
	tcase_add_test(t, many_accounts);
	tcase_add_test(t, many_pools);
	tcase_add_test(t, no_journal);
	tcase_add_test(t, every_reason_has_a_sentence);
	suite_add_tcase(s, t);
	return s;
}
