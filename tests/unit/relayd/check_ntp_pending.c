#include "ntp_pending.h"
#include "suites_relayd.h"

#include <string.h>

static struct ntp_pending pending;

static void empty(void)
{
	memset(&pending, 0, sizeof(pending));
}

START_TEST(who_has_not_asked_is_not_told)
{
	struct ntp_asker asker;

	ck_assert(!ntp_pending_take(&pending, 1, 0, &asker));
	ck_assert_int_eq(ntp_pending_add(&pending, 1, 0, NULL), VMP_OK);
	ck_assert(!ntp_pending_take(&pending, 2, 0, &asker));
	/* What an answered one leaves behind is nobody's. */
	ck_assert(ntp_pending_take(&pending, 1, 0, NULL));
	ck_assert(!ntp_pending_take(&pending, 0, 0, &asker));
}
END_TEST

START_TEST(each_is_told_once)
{
	const struct ntp_asker first = { .fd = 7, .len = 3 }, second = { .fd = 8, .len = 4 };
	struct ntp_asker asker;

	ck_assert_int_eq(ntp_pending_add(&pending, 1, 0, &first), VMP_OK);
	ck_assert_int_eq(ntp_pending_add(&pending, 2, 0, &second), VMP_OK);
	ck_assert(ntp_pending_take(&pending, 2, 1, &asker));
	ck_assert_int_eq(asker.fd, 8);
	ck_assert(!ntp_pending_take(&pending, 2, 1, &asker));
	ck_assert(ntp_pending_take(&pending, 1, 1, &asker));
	ck_assert_int_eq(asker.fd, 7);
	ck_assert_uint_eq(asker.len, 3);
	ck_assert(!ntp_pending_take(&pending, 1, 1, &asker));
}
END_TEST

START_TEST(nobody_takes_anothers_place)
{
	const struct ntp_asker first = { .fd = 7 }, second = { .fd = 8 };
	struct ntp_asker asker;

	ck_assert_int_eq(ntp_pending_add(&pending, 1, 0, &first), VMP_OK);
	ck_assert_int_eq(ntp_pending_add(&pending, 1, 1, &second), VMP_EEXIST);
	ck_assert(ntp_pending_take(&pending, 1, 1, &asker));
	ck_assert_int_eq(asker.fd, 7);
	ck_assert_int_eq(ntp_pending_add(&pending, 1, 1, &second), VMP_OK);
}
END_TEST

START_TEST(one_waits_five_seconds)
{
	ck_assert_int_eq(ntp_pending_add(&pending, 1, 100, NULL), VMP_OK);
	ck_assert_int_eq(ntp_pending_add(&pending, 2, 100, NULL), VMP_OK);
	ck_assert(ntp_pending_take(&pending, 1, 100 + NTP_PENDING_MS - 1, NULL));
	ck_assert(!ntp_pending_take(&pending, 2, 100 + NTP_PENDING_MS, NULL));
	ck_assert_uint_eq(pending.n, 0);
}
END_TEST

START_TEST(there_is_room_for_1024)
{
	uint64_t i;

	for (i = 1; i <= NTP_PENDING; i++)
		ck_assert_int_eq(ntp_pending_add(&pending, i, i, NULL), VMP_OK);
	ck_assert_int_eq(ntp_pending_add(&pending, i, i, NULL), VMP_EFULL);
	/* The first one's place is free again, either way. */
	ck_assert(ntp_pending_take(&pending, 1, i, NULL));
	ck_assert_int_eq(ntp_pending_add(&pending, i, i, NULL), VMP_OK);
	ck_assert_int_eq(ntp_pending_add(&pending, i + 1, i, NULL), VMP_EFULL);
	ck_assert_int_eq(ntp_pending_add(&pending, i + 1, 2 + NTP_PENDING_MS, NULL), VMP_OK);
	ck_assert_int_eq(ntp_pending_add(&pending, i + 2, 2 + NTP_PENDING_MS, NULL), VMP_EFULL);
}
END_TEST

START_TEST(the_ring_goes_round)
{
	uint64_t i;

	for (i = 1; i <= 5 * NTP_PENDING; i++) {
		const struct ntp_asker asker = { .fd = (int)i };
		struct ntp_asker got;

		ck_assert_int_eq(ntp_pending_add(&pending, i, i * 100, &asker), VMP_OK);
		if (i % 3)
			continue;
		ck_assert(ntp_pending_take(&pending, i - 1, i * 100, &got));
		ck_assert_int_eq(got.fd, (int)i - 1);
	}
	ck_assert_uint_le(pending.n, NTP_PENDING_MS / 100 + 1);
}
END_TEST

Suite *check_ntp_pending(void)
{
	Suite *s = suite_create("relayd ntp pending");
	TCase *c = tcase_create("all");

	suite_add_tcase(s, c);
	tcase_add_checked_fixture(c, empty, NULL);
	tcase_add_test(c, who_has_not_asked_is_not_told);
	tcase_add_test(c, each_is_told_once);
	tcase_add_test(c, nobody_takes_anothers_place);
	tcase_add_test(c, one_waits_five_seconds);
	tcase_add_test(c, there_is_room_for_1024);
	tcase_add_test(c, the_ring_goes_round);
	return s;
}
