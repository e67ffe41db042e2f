#include "lease.h"
#include "suites.h"

static const struct vmp_forecast_rule rule = { .horizon_ms = 30000, .margin = 20, .least = 2, .slack = 25 };

START_TEST(nothing_known)
{
	struct vmp_forecast f = { 0 };

	ck_assert_int_eq(vmp_forecast_target(&f, &rule, 0, 0, false), 2);
	ck_assert_int_eq(vmp_forecast_target(&f, &rule, 0, 0, true), 0);
	vmp_forecast_note(&f, 100, 5000);
	ck_assert_int_eq(f.starts, 0); /* they were there before anybody looked */
	ck_assert_int_eq(vmp_forecast_target(&f, &rule, 100, 0, false), 120);
}
END_TEST

START_TEST(never_less_than_in_use)
{
	struct vmp_forecast f = { 0 };
	int64_t in_use, held;

	for (in_use = 0; in_use < 300; in_use += 7) {
		vmp_forecast_note(&f, in_use, 1000 * (in_use + 1));
		for (held = 0; held < 600; held += 11) {
			ck_assert_int_ge(vmp_forecast_target(&f, &rule, in_use, held, false), in_use);
			ck_assert_int_eq(vmp_forecast_target(&f, &rule, in_use, held, true), in_use);
		}
	}
}
END_TEST

/* Demand goes up and down by a few around any level: after the first request, no more. */
START_TEST(a_swing_asks_for_nothing)
{
	int64_t level, held, target, now, i;

	for (level = 20; level <= 2000; level += 220) {
		struct vmp_forecast f = { 0 };
		int requests = 0;

		held = 0;
		for (i = 0; i < 2000; i++) {
			int64_t in_use = level + (i % 2 ? 2 : -2);

			now = 1000 + i * 700;
			vmp_forecast_note(&f, in_use, now);
			target = vmp_forecast_target(&f, &rule, in_use, held, false);
			requests += target != held;
			held = target;
		}
		ck_assert_int_le(requests, 3);
		ck_assert_int_ge(held, level + 2);
		ck_assert_int_le(held, level * 2);
	}
}
END_TEST

/* Ten thousand machines start: as many within each second as are waited for. */
START_TEST(a_storm_needs_few_requests)
{
	struct vmp_forecast f = { 0 };
	int64_t held = 0, in_use, target;
	int requests = 0;

	for (in_use = 1; in_use <= 10000; in_use++) {
		vmp_forecast_note(&f, in_use, 1000 + in_use / 2);
		target = vmp_forecast_target(&f, &rule, in_use, held, false);
		requests += target != held;
		held = target;
		ck_assert_int_ge(held, in_use);
	}
	ck_assert_int_le(requests, 40);
	ck_assert_int_le(held, 20000);
}
END_TEST

START_TEST(after_a_storm_the_rest_goes_back)
{
	struct vmp_forecast f = { 0 };
	int64_t held, i;

	vmp_forecast_note(&f, 0, 1000);
	vmp_forecast_note(&f, 1000, 11000);
	ck_assert_double_eq_tol(f.rate, 100, 0.01);
	held = vmp_forecast_target(&f, &rule, 1000, 0, false);
	ck_assert_int_eq(held, 2000);
	for (i = 1; i <= 40; i++) {
		vmp_forecast_note(&f, 1000, 11000 + i * 30000);
		held = vmp_forecast_target(&f, &rule, 1000, held, false);
	}
	ck_assert_int_le(held, 1500);
	vmp_forecast_note(&f, 10, 2000000);
	ck_assert_int_eq(vmp_forecast_target(&f, &rule, 10, held, false), 12);
}
END_TEST

START_TEST(stops_are_no_negative_rate)
{
	struct vmp_forecast f = { 0 };

	vmp_forecast_note(&f, 1000, 1000);
	vmp_forecast_note(&f, 10, 3000);
	ck_assert_double_eq(f.rate, 0);
	ck_assert_int_eq(vmp_forecast_target(&f, &rule, 10, 10, false), 12);
}
END_TEST

START_TEST(grows_before_all_is_in_use)
{
	struct vmp_forecast f = { 0 };

	vmp_forecast_note(&f, 100, 1000);
	ck_assert_int_eq(vmp_forecast_target(&f, &rule, 100, 110, false), 110); /* half of the margin is there */
	ck_assert_int_eq(vmp_forecast_target(&f, &rule, 100, 109, false), 120);
	ck_assert_int_eq(vmp_forecast_target(&f, &rule, 100, 150, false), 150);
	ck_assert_int_eq(vmp_forecast_target(&f, &rule, 100, 151, false), 120);
}
END_TEST

Suite *check_lease_forecast(void)
{
	Suite *s = suite_create("lease_forecast");
	TCase *t = tcase_create("lease_forecast");

	tcase_add_test(t, nothing_known);
	tcase_add_test(t, never_less_than_in_use);
	tcase_add_test(t, a_swing_asks_for_nothing);
	tcase_add_test(t, a_storm_needs_few_requests);
	tcase_add_test(t, after_a_storm_the_rest_goes_back);
	tcase_add_test(t, stops_are_no_negative_rate);
	tcase_add_test(t, grows_before_all_is_in_use);
	suite_add_tcase(s, t);
	return s;
}
