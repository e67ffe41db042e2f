#include "coi.h"
#include "suites.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

START_TEST(none_of_none)
{
	ck_assert_int_eq(vmp_coi_choose(NULL, 0), -1);
}
END_TEST

START_TEST(the_only_one)
{
	static const struct vmp_coi_shared one[] = { { 9, UINT32_MAX, INT64_MAX } };

	ck_assert_int_eq(vmp_coi_choose(one, 1), 0);
}
END_TEST

START_TEST(priority_first)
{
	static const struct vmp_coi_shared of[] = { { 1, 20, 2 }, { 3, 10, 900 }, { 2, 11, 1 } };

	ck_assert_int_eq(vmp_coi_choose(of, COUNT(of)), 1);
}
END_TEST

START_TEST(then_fewest_members)
{
	static const struct vmp_coi_shared of[] = { { 1, 10, 3000000000 }, { 2, 10, 5 }, { 3, 10, 4 }, { 4, 10, 6 } };

	ck_assert_int_eq(vmp_coi_choose(of, COUNT(of)), 2);
}
END_TEST

START_TEST(then_the_lowest_id)
{
	static const struct vmp_coi_shared of[] = { { UINT64_MAX, 10, 4 }, { 3, 10, 4 }, { 2, 10, 4 }, { 5, 10, 4 } };

	ck_assert_int_eq(vmp_coi_choose(of, COUNT(of)), 2);
}
END_TEST

/* Both ends compute the same, whatever order the directory lists them in. */
START_TEST(the_order_does_not_matter)
{
	struct vmp_coi_shared of[4], turned[4];
	unsigned bits, i;

	for (bits = 0; bits < 256; bits++) {
		for (i = 0; i < 4; i++) {
			of[i] = (struct vmp_coi_shared){ i + 1, bits >> (2 * i) & 1, bits >> (2 * i + 1) & 1 };
			turned[3 - i] = of[i];
		}
		ck_assert_uint_eq(of[vmp_coi_choose(of, 4)].id, turned[vmp_coi_choose(turned, 4)].id);
	}
}
END_TEST

Suite *check_coi_choose(void)
{
	Suite *s = suite_create("coi_choose");
	TCase *t = tcase_create("coi_choose");

	tcase_add_test(t, none_of_none);
	tcase_add_test(t, the_only_one);
	tcase_add_test(t, priority_first);
	tcase_add_test(t, then_fewest_members);
	tcase_add_test(t, then_the_lowest_id);
	tcase_add_test(t, the_order_does_not_matter);
	suite_add_tcase(s, t);
	return s;
}
