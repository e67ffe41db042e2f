#include "lease_rig.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

/* -- what is refused ------------------------------------------------------------------------------------------- */

static void invalid(const struct vmp_lease_request *r)
{
	struct vmp_msg msg = { "" };

	ck_assert_int_eq(vmp_lease_ask(rig.book, r, rig.now, &rig.a, &msg), VMP_EINVAL);
	ck_assert_str_ne(msg.text, "");
	ck_assert_int_eq(rig.writes, 0);
}

START_TEST(requests_that_make_no_sense)
{
	static const char *const ids_bad[] = { "", "x", "0000000A-0000-4000-8000-000000000000",
					       "0000000a-0000-4000-8000-00000000000",
					       "0000000a-0000-4000-8000-0000000000000" };
	static const int64_t amounts[] = { -1, VMP_LEASE_MAX + 1, INT64_MIN, INT64_MAX };
	char name[VMP_PRODUCT + 1];
	struct vmp_lease_request r;
	size_t i;

	for (i = 0; i < sizeof(ids_bad) / sizeof(*ids_bad); i++) {
		r = rig_request_of(HOLDER_A, 1);
		r.holder = ids_bad[i];
		invalid(&r);
		r = rig_request_of(HOLDER_A, 1);
		r.id = ids_bad[i];
		invalid(&r);
	}
	for (i = 0; i < sizeof(amounts) / sizeof(*amounts); i++) {
		r = rig_request_of(HOLDER_A, amounts[i]);
		invalid(&r);
		r = rig_request_of(HOLDER_A, 1);
		r.has = amounts[i];
		invalid(&r);
		r = rig_request_of(HOLDER_A, 1);
		r.in_use = amounts[i];
		invalid(&r);
		r = rig_request_of(HOLDER_A, 1);
		r.least = amounts[i];
		invalid(&r);
	}
	r = rig_request_of(HOLDER_A, 1);
	r.seen = -1;
	invalid(&r);
	memset(name, 'x', sizeof(name));
	name[VMP_PRODUCT] = '\0';
	r = rig_request_of(HOLDER_A, 1);
	r.product = name;
	invalid(&r);
	r.product = "";
	invalid(&r);
	r.product = "a\nb";
	invalid(&r);
}
END_TEST

START_TEST(pools_that_make_no_sense)
{
	static const struct vmp_lease_pool good = {
		.id = 7, .product = "p", .owned = 1, .life_ms = 1000, .open = true
	};
	struct vmp_lease_pool pool[10];
	size_t i;
	int64_t n;

	for (i = 0; i < 10; i++)
		pool[i] = good;
	pool[0].id = 0;
	pool[1].owned = -1;
	pool[2].owned = VMP_LEASE_MAX + 1;
	pool[3].overdraft = -1;
	pool[4].overdraft = VMP_LEASE_MAX + 1;
	pool[5].life_ms = -1;
	pool[6].life_ms = VMP_LEASE_LIFE_MS + 1;
	pool[7].grace_ms = VMP_LEASE_LIFE_MS + 1;
	pool[8].product[0] = '\0';
	memset(pool[9].product, 'x', sizeof(pool[9].product));
	for (i = 0; i < 10; i++)
		ck_assert_int_eq(vmp_lease_pool_set(rig.book, &pool[i]), VMP_EINVAL);
	ck_assert_int_eq(vmp_lease_pool_usage(rig.book, 7, &n), VMP_ENOENT);
	vmp_lease_pool_remove(rig.book, 7);
	ck_assert_int_eq(vmp_lease_pool_set(rig.book, &good), VMP_OK);
	ck_assert_int_eq(rig_usage(7), 0);
}
END_TEST

START_TEST(no_pool)
{
	struct vmp_lease_request r = rig_request_of(HOLDER_A, 1);

	r.product = "unheard-of";
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, NULL), VMP_OK);
	ck_assert(rig.a.refused);
	ck_assert_uint_eq(rig.a.reason, VMP_LEASE_NO_POOL);
	ck_assert_int_eq(rig.a.available, 0);
	r.product = "web-std";
	r.n_pools = 0;
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, NULL), VMP_OK);
	ck_assert_uint_eq(rig.a.reason, VMP_LEASE_NO_POOL);
	ck_assert_int_eq(rig.writes, 0); /* and nothing is kept of whoever asks for anything */
	ck_assert_uint_eq(vmp_lease_accounts(rig.book), 0);
}
END_TEST

START_TEST(closed)
{
	rig_shut(1, 5);
	ck_assert_int_eq(rig_ask(HOLDER_A, 1), 0);
	ck_assert(rig.a.refused);
	ck_assert_uint_eq(rig.a.reason, VMP_LEASE_CLOSED);
}
END_TEST

START_TEST(exhausted)
{
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	ck_assert_int_eq(rig_ask(HOLDER_B, 1), 0);
	ck_assert(rig.a.refused);
	ck_assert_uint_eq(rig.a.reason, VMP_LEASE_EXHAUSTED);
	ck_assert_int_eq(rig.a.available, 0);
	ck_assert_int_eq(rig.a.seq, 0);
	ck_assert_int_eq(rig.writes, 1);
	ck_assert_int_eq(rig_usage(1), 5);
}
END_TEST

START_TEST(less_than_is_of_use)
{
	struct vmp_lease_request r = rig_request_of(HOLDER_A, 9);

	r.least = 6;
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, NULL), VMP_OK);
	ck_assert(rig.a.refused);
	ck_assert_int_eq(rig.a.granted, 0);
	ck_assert_int_eq(rig.a.available, 5);
	ck_assert_int_eq(rig_ask(HOLDER_A, 2), 2);
	r = rig_request_of(HOLDER_A, 9);
	r.least = 6;
	rig.now += 1000;
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, NULL), VMP_OK);
	ck_assert(rig.a.refused); /* nothing of the growth, but what was held is renewed */
	ck_assert_int_eq(rig.a.granted, 2);
	ck_assert_int_eq(rig.a.life_ms, 600000);
	ck_assert_int_eq(rig.a.available, 3);
}
END_TEST

START_TEST(least_beyond_wants_means_all)
{
	struct vmp_lease_request r = rig_request_of(HOLDER_A, 3);

	r.least = 100;
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, NULL), VMP_OK);
	ck_assert_int_eq(rig.a.granted, 3);
}
END_TEST

/* -- what is given --------------------------------------------------------------------------------------------- */

START_TEST(granted)
{
	ck_assert_int_eq(rig_ask(HOLDER_A, 3), 3);
	ck_assert(!rig.a.refused && !rig.a.stale && !rig.a.repeated && !rig.a.is_short);
	ck_assert_uint_eq(rig.a.reason, VMP_LEASE_FINE);
	ck_assert_str_eq(vmp_lease_reason_text(rig.a.reason), "");
	ck_assert_int_eq(rig.a.before, 0);
	ck_assert_int_eq(rig.a.seq, 1);
	ck_assert_int_eq(rig.a.life_ms, 600000);
	ck_assert_int_eq(rig.a.grace_ms, 60000);
	ck_assert_int_eq(rig.a.available, 2);
	ck_assert_int_eq(rig.a.overdrawn, 0);
	ck_assert_int_eq(rig.writes, 1);
	ck_assert_str_eq(rig.written.holder, HOLDER_A);
	ck_assert_int_eq(rig.written.end_ms, RIG_NOW + 600000);
	ck_assert_int_eq(rig.written.n_part, 1);
	ck_assert_int_eq(rig.written.part[0].over_ms, RIG_NOW + 660000);
	ck_assert_int_eq(vmp_lease_longest(rig.book), 660000);
	ck_assert_int_eq(vmp_lease_seq(rig.book), 1);
}
END_TEST

START_TEST(a_smaller_grant)
{
	ck_assert_int_eq(rig_ask(HOLDER_A, 9), 5);
	ck_assert(!rig.a.refused);
	ck_assert_uint_eq(rig.a.reason, VMP_LEASE_EXHAUSTED);
	ck_assert_int_eq(rig.a.available, 0);
}
END_TEST

START_TEST(own_pools_before_shared_ones)
{
	rig_set(2, 2);
	ck_assert_int_eq(rig_ask(HOLDER_A, 6), 6);
	ck_assert_int_eq(rig_usage(1), 5);
	ck_assert_int_eq(rig_usage(2), 1);
	ck_assert_int_eq(rig.a.available, 1);
	ck_assert_int_eq(rig_ask(HOLDER_A, 4), 4); /* the last pool's go back first */
	ck_assert_int_eq(rig_usage(1), 4);
	ck_assert_int_eq(rig_usage(2), 0);
}
END_TEST

START_TEST(one_product_is_not_another)
{
	struct vmp_lease_pool pool = {
		.id = 2, .product = "db", .owned = 9, .life_ms = 60000, .until_ms = INT64_MAX, .open = true
	};

	ck_assert_int_eq(vmp_lease_pool_set(rig.book, &pool), VMP_OK);
	ck_assert_int_eq(rig_ask(HOLDER_A, 9), 5);
	ck_assert_int_eq(rig_usage(2), 0);
}
END_TEST

START_TEST(no_more_pools_than_an_account_has_room_for)
{
	int64_t many[VMP_LEASE_PARTS + 2];
	struct vmp_lease_request r;
	int i;

	for (i = 0; i < VMP_LEASE_PARTS + 2; i++)
		rig_set(many[i] = i + 1, 1);
	r = rig_request_of(HOLDER_A, 20);
	r.pools = many;
	r.n_pools = VMP_LEASE_PARTS + 2;
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, NULL), VMP_OK);
	ck_assert_int_eq(rig.a.granted, VMP_LEASE_PARTS);
}
END_TEST

START_TEST(overdraft)
{
	struct vmp_lease_pool pool = { .id = 1,
				       .product = "web-std",
				       .owned = 5,
				       .overdraft = 2,
				       .life_ms = 600000,
				       .until_ms = INT64_MAX,
				       .open = true };

	ck_assert_int_eq(vmp_lease_pool_set(rig.book, &pool), VMP_OK);
	ck_assert_int_eq(rig_ask(HOLDER_A, 4), 4);
	ck_assert_int_eq(rig.a.overdrawn, 0);
	ck_assert_int_eq(rig_ask(HOLDER_B, 2), 2);
	ck_assert_int_eq(rig.a.overdrawn, 1);
	ck_assert_int_eq(rig_ask(HOLDER_B, 2), 2); /* said once */
	ck_assert_int_eq(rig.a.overdrawn, 0);
	ck_assert_int_eq(rig_ask(HOLDER_C, 5), 1);
	ck_assert_int_eq(rig.a.overdrawn, 1);
}
END_TEST

START_TEST(no_life_goes_beyond)
{
	struct vmp_lease_pool pool = { .id = 1,
				       .product = "web-std",
				       .owned = 5,
				       .life_ms = 600000,
				       .grace_ms = 5000,
				       .until_ms = RIG_NOW + 7000,
				       .open = true };

	ck_assert_int_eq(vmp_lease_pool_set(rig.book, &pool), VMP_OK);
	ck_assert_int_eq(rig_ask(HOLDER_A, 1), 1);
	ck_assert_int_eq(rig.a.life_ms, 7000);
	ck_assert_int_eq(rig.a.grace_ms, 5000);
	rig.now += 6001; /* what is left could not be told in seconds */
	ck_assert_int_eq(rig_ask(HOLDER_B, 1), 0);
	ck_assert_uint_eq(rig.a.reason, VMP_LEASE_CLOSED);
}
END_TEST

START_TEST(the_shortest_life_and_grace_of_its_pools)
{
	struct vmp_lease_pool pool = { .id = 2,
				       .product = "web-std",
				       .owned = 5,
				       .life_ms = 30000,
				       .grace_ms = 0,
				       .until_ms = INT64_MAX,
				       .open = true };

	ck_assert_int_eq(vmp_lease_pool_set(rig.book, &pool), VMP_OK);
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	ck_assert_int_eq(rig_ask(HOLDER_A, 6), 6);
	ck_assert_int_eq(rig.a.life_ms, 30000);
	ck_assert_int_eq(rig.a.grace_ms, 0);
	/* It may not know: what it was told before counts on. */
	ck_assert_int_eq(rig.written.part[0].over_ms, RIG_NOW + 660000);
	ck_assert_int_eq(rig.written.part[1].over_ms, RIG_NOW + 30000);
	rig.now += 30000;
	rig_tick();
	ck_assert_int_eq(rig_usage(1), 5);
	ck_assert_int_eq(rig_usage(2), 0);
}
END_TEST

/* -- messages that come twice, late or never ------------------------------------------------------------------- */

START_TEST(the_same_request_again)
{
	struct vmp_lease_request r = rig_request_of(HOLDER_A, 7);
	struct vmp_lease_answer first;

	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &first, NULL), VMP_OK);
	rig.now += 1000;
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, NULL), VMP_OK);
	ck_assert(rig.a.repeated);
	ck_assert_int_eq(rig.a.granted, first.granted);
	ck_assert_int_eq(rig.a.seq, first.seq);
	ck_assert_uint_eq(rig.a.reason, first.reason);
	ck_assert_int_eq(rig.a.available, first.available);
	ck_assert_int_eq(rig.a.refused, first.refused);
	ck_assert_int_eq(rig.a.life_ms, 599000); /* what is left */
	ck_assert_int_eq(rig.writes, 1);
	ck_assert_int_eq(rig_usage(1), 5);
	rig.now += 599000; /* the grace has begun */
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, NULL), VMP_OK);
	ck_assert_int_eq(rig.a.granted, 0);
}
END_TEST

START_TEST(a_refused_growth_again)
{
	struct vmp_lease_request r;

	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	r = rig_request_of(HOLDER_A, 6);
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, NULL), VMP_OK);
	ck_assert(rig.a.refused);
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, NULL), VMP_OK);
	ck_assert(rig.a.repeated && rig.a.refused);
	ck_assert_int_eq(rig.a.granted, 5);
}
END_TEST

START_TEST(a_late_request)
{
	struct vmp_lease_request r = rig_request_of(HOLDER_A, 5), late = r;
	char id[VMP_UUID_TEXT];

	memcpy(id, rig.last_id, sizeof(id));
	late.id = id;
	ck_assert_int_eq(rig_ask(HOLDER_A, 2), 2);
	ck_assert_int_eq(vmp_lease_ask(rig.book, &late, rig.now, &rig.a, NULL), VMP_OK);
	ck_assert(rig.a.stale && !rig.a.repeated);
	ck_assert_int_eq(rig.a.granted, 2); /* as it is */
	ck_assert_int_eq(rig.a.seq, 1);
	ck_assert_int_eq(rig.a.life_ms, 600000);
	ck_assert_int_eq(rig.writes, 1);
	ck_assert_int_eq(rig_usage(1), 2);
}
END_TEST

START_TEST(seen_of_nobody)
{
	struct vmp_lease_request r = rig_request_of(HOLDER_A, 5);

	r.seen = 99;
	ck_assert_int_eq(vmp_lease_ask(rig.book, &r, rig.now, &rig.a, NULL), VMP_OK);
	ck_assert(rig.a.stale);
	ck_assert_int_eq(rig.a.seq, 0);
	ck_assert_int_eq(rig.a.granted, 0);
	ck_assert_int_eq(vmp_lease_recovering(rig.book), 0); /* anybody could say so */
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
}
END_TEST

START_TEST(short_of_licences)
{
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	ck_assert_int_eq(rig_ask(HOLDER_B, 1), 0);
	ck_assert(!rig.a.is_short);
	ck_assert_int_eq(rig_ask(HOLDER_B, 1), 0); /* its own refusal is not another's */
	ck_assert(!rig.a.is_short);
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	ck_assert(rig.a.is_short);
	ck_assert_int_eq(rig_ask(HOLDER_C, 1), 0);
	ck_assert(rig.a.is_short);
	ck_assert_int_eq(rig_ask(HOLDER_B, 1), 0);
	ck_assert(rig.a.is_short);
	rig.now += VMP_LEASE_SHORT_MS;
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	ck_assert(!rig.a.is_short);
}
END_TEST

/* -- renewal, return, end -------------------------------------------------------------------------------------- */

START_TEST(renewed)
{
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	rig.now += 300000;
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	ck_assert_int_eq(rig.a.life_ms, 600000);
	ck_assert_int_eq(rig.a.before, 5);
	ck_assert_int_eq(rig.a.seq, 2);
	ck_assert_int_eq(rig_usage(1), 5);
	ck_assert_int_eq(rig.written.part[0].over_ms, rig.now + 660000);
}
END_TEST

START_TEST(renewed_within_the_grace)
{
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	rig.now += 659999;
	ck_assert_int_eq(rig_ask(HOLDER_B, 1), 0);
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	ck_assert_int_eq(rig.a.before, 5);
	ck_assert_int_eq(rig.a.life_ms, 600000);
}
END_TEST

START_TEST(given_back)
{
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	ck_assert_int_eq(rig_ask(HOLDER_A, 3), 3);
	ck_assert_int_eq(rig_usage(1), 3);
	ck_assert_int_eq(rig_ask(HOLDER_B, 2), 2);
	ck_assert_int_eq(rig_ask(HOLDER_A, 0), 0);
	ck_assert(!rig.a.refused);
	ck_assert_int_eq(rig.a.life_ms, 0);
	ck_assert_int_eq(rig.a.grace_ms, 0);
	ck_assert_int_eq(rig_usage(1), 2);
	ck_assert_int_eq(rig.written.n_part, 0);
	ck_assert_uint_eq(vmp_lease_accounts(rig.book), 2); /* it is kept for its number */
	rig.now += 660000;
	rig_tick();
	ck_assert_uint_eq(vmp_lease_accounts(rig.book), 0);
	ck_assert_int_eq(rig.erased, 2);
}
END_TEST

START_TEST(nothing_to_give_back)
{
	ck_assert_int_eq(rig_ask(HOLDER_A, 0), 0);
	ck_assert(!rig.a.refused);
	ck_assert_uint_eq(rig.a.reason, VMP_LEASE_FINE);
	ck_assert_int_eq(rig.writes, 0);
}
END_TEST

START_TEST(over)
{
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	rig.now += 659999;
	rig_tick();
	ck_assert_int_eq(rig_usage(1), 5);
	ck_assert_int_eq(rig.erased, 0);
	rig.now++;
	rig_tick();
	ck_assert_int_eq(rig_usage(1), 0);
	ck_assert_int_eq(rig.erased, 1);
	ck_assert_ptr_null(vmp_lease_find(rig.book, HOLDER_A, "web-std"));
}
END_TEST

START_TEST(reclaimed_when_needed)
{
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	rig.now += 660000;
	ck_assert_int_eq(rig_ask(HOLDER_B, 4), 4);
	ck_assert_int_eq(rig.erased, 1);
}
END_TEST

/* Its own number is not forgotten by its own request. */
START_TEST(over_and_back)
{
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	rig.now += 700000;
	ck_assert_int_eq(rig_ask(HOLDER_A, 2), 2);
	ck_assert(!rig.a.stale);
	ck_assert_int_eq(rig.a.before, 0);
	ck_assert_int_eq(rig_usage(1), 2);
	ck_assert_int_eq(rig.written.part[0].over_ms, rig.now + 660000);
}
END_TEST

static int ended;

static void count_ended(void *ctx, const struct vmp_lease *lease)
{
	(void)lease;
	ck_assert_ptr_eq(ctx, &ended);
	ended++;
}

START_TEST(told_who_ended)
{
	ended = 0;
	ck_assert_int_eq(rig_ask(HOLDER_A, 1), 1);
	ck_assert_int_eq(rig_ask(HOLDER_B, 1), 1);
	rig.now += 660000;
	ck_assert_int_eq(vmp_lease_tick(rig.book, rig.now, count_ended, &ended, NULL), VMP_OK);
	ck_assert_int_eq(ended, 2);
}
END_TEST

START_TEST(ended_by_hand)
{
	ck_assert_int_eq(vmp_lease_end(rig.book, HOLDER_A, "web-std", NULL), VMP_ENOENT);
	ck_assert_int_eq(rig_ask(HOLDER_A, 5), 5);
	rig.broken = VMP_EFULL;
	ck_assert_int_eq(vmp_lease_end(rig.book, HOLDER_A, "web-std", NULL), VMP_EFULL);
	ck_assert_int_eq(rig_usage(1), 5);
	rig.broken = 0;
	ck_assert_int_eq(vmp_lease_end(rig.book, HOLDER_A, "web-std", NULL), VMP_OK);
	ck_assert_int_eq(rig_usage(1), 0);
	ck_assert_int_eq(rig.erased, 1);
}
END_TEST

Suite *check_lease(void)
{
	Suite *s = suite_create("lease");
	TCase *t;

	t = tcase_create("what is refused");
	tcase_add_checked_fixture(t, rig_setup, rig_teardown);
	tcase_add_test(t, requests_that_make_no_sense);
	tcase_add_test(t, pools_that_make_no_sense);
	tcase_add_test(t, no_pool);
	tcase_add_test(t, closed);
	tcase_add_test(t, exhausted);
	tcase_add_test(t, less_than_is_of_use);
	tcase_add_test(t, least_beyond_wants_means_all);
	suite_add_tcase(s, t);
	t = tcase_create("what is given");
	tcase_add_checked_fixture(t, rig_setup, rig_teardown);
	tcase_add_test(t, granted);
	tcase_add_test(t, a_smaller_grant);
	tcase_add_test(t, own_pools_before_shared_ones);
	tcase_add_test(t, one_product_is_not_another);
	tcase_add_test(t, no_more_pools_than_an_account_has_room_for);
	tcase_add_test(t, overdraft);
	tcase_add_test(t, no_life_goes_beyond);
	tcase_add_test(t, the_shortest_life_and_grace_of_its_pools);
	suite_add_tcase(s, t);
	t = tcase_create("messages that come twice, late or never");
	tcase_add_checked_fixture(t, rig_setup, rig_teardown);
	tcase_add_test(t, the_same_request_again);
	tcase_add_test(t, a_refused_growth_again);
	tcase_add_test(t, a_late_request);
	tcase_add_test(t, seen_of_nobody);
	tcase_add_test(t, short_of_licences);
	suite_add_tcase(s, t);
	t = tcase_create("renewal, return, end");
	tcase_add_checked_fixture(t, rig_setup, rig_teardown);
	tcase_add_test(t, renewed);
	tcase_add_test(t, renewed_within_the_grace);
	tcase_add_test(t, given_back);
	tcase_add_test(t, nothing_to_give_back);
	tcase_add_test(t, over);
	tcase_add_test(t, reclaimed_when_needed);
	tcase_add_test(t, over_and_back);
	tcase_add_test(t, told_who_ended);
	tcase_add_test(t, ended_by_hand);
	suite_add_tcase(s, t);
	return s;
}
