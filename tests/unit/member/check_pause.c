#include "err.h"
#include "pause.h"
#include "suites_member.h"

/* A quarter more or less than this, whatever is drawn. */
static void is_about(int err, unsigned failures, uint64_t ms)
{
	int i;

	for (i = 0; i < 200; i++) {
		uint64_t got = pause_after(err, failures);

		ck_assert_msg(got + 1 >= ms * 3 / 4 && got <= ms * 5 / 4 + 1, "%llu after %u", (unsigned long long)got,
			      failures);
	}
}

START_TEST(after_failures)
{
	is_about(VMP_EIO, 1, 500);
	is_about(VMP_EIO, 2, 1000);
	is_about(VMP_EIO, 3, 2000);
	is_about(VMP_EIO, 4, 4000);
	is_about(VMP_EIO, 5, 8000);
	is_about(VMP_EIO, 6, 16000);
	is_about(VMP_EIO, 7, PAUSE_LONGEST);
	is_about(VMP_EIO, 8, PAUSE_LONGEST);
	is_about(VMP_EIO, 4000000000u, PAUSE_LONGEST);
	is_about(VMP_EIO, 0, 500);
}
END_TEST

START_TEST(after_refusals)
{
	is_about(VMP_EACCES, 1, PAUSE_LONGEST);
	is_about(VMP_ENOENT, 1, PAUSE_LONGEST);
	is_about(VMP_EACCES, 9, PAUSE_LONGEST);
}
END_TEST

START_TEST(not_all_at_once)
{
	uint64_t least = UINT64_MAX, most = 0;
	int i;

	for (i = 0; i < 200; i++) {
		uint64_t ms = pause_after(VMP_EACCES, 1);

		least = ms < least ? ms : least;
		most = ms > most ? ms : most;
	}
	ck_assert_uint_gt(most - least, PAUSE_LONGEST / 4);
}
END_TEST

Suite *check_pause(void)
{
	Suite *s = suite_create("pause");
	TCase *t = tcase_create("pause");

	tcase_add_test(t, after_failures);
	tcase_add_test(t, after_refusals);
	tcase_add_test(t, not_all_at_once);
	suite_add_tcase(s, t);
	return s;
}
