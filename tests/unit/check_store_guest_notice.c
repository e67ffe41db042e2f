/* What a host is told of its guests. */
#include "suites.h"
#include "world.h"

static int tell(void *ctx, uint64_t mac)
{
	uint64_t *sum = ctx;

	*sum = *sum * 16 + (mac & 15);
	return mac == 0x525400000003 ? VMP_EFULL : VMP_OK;
}

START_TEST(a_host_is_told_whose_session_was_taken_down)
{
	int64_t after = 0, last = 0;
	uint64_t told = 0;

	world_guest(1, "web");
	world_guest(2, "web");
	scratch_sql("UPDATE guest SET host_id = 2 WHERE mac = 0x525400000002");
	scratch_sql("INSERT INTO audit (event, actor, subject, detail) VALUES ('session-disconnected', 'policyd', 'vm "
		    "52:54:00:00:00:01', ''), "
		    "('started', 'host hv1', 'vm 52:54:00:00:00:01', ''), ('session-disconnected', 'policyd', 'vm "
		    "52:54:00:00:00:02 two', ''), "
		    "('session-disconnected', 'policyd', 'vm 52:54:00:00:00:09', ''), ('session-disconnected', "
		    "'policyd', 'nas', '')");
	ck_assert_int_eq(vmp_store_guest_last_notice(world, &last, &world_msg), VMP_OK);
	ck_assert_int_eq(vmp_store_guest_disconnected(world, 1, &after, tell, &told, &world_msg), VMP_OK);
	ck_assert_uint_eq(told, 1);
	ck_assert_int_eq(after, last);
	ck_assert_int_eq(vmp_store_guest_disconnected(world, 1, &after, tell, &told, &world_msg), VMP_OK);
	ck_assert_uint_eq(told, 1);
	after = 0;
	told = 0;
	ck_assert_int_eq(vmp_store_guest_disconnected(world, 2, &after, tell, &told, &world_msg), VMP_OK);
	ck_assert_uint_eq(told, 2);
}
END_TEST

START_TEST(a_host_is_told_until_somebody_objects)
{
	int64_t after = 0;
	uint64_t told = 0;

	world_guest(1, "web");
	world_guest(3, "web");
	scratch_sql("INSERT INTO audit (id, event, actor, subject, detail) VALUES (1001, 'session-disconnected', "
		    "'policyd', 'vm 52:54:00:00:00:03', ''), "
		    "(1002, 'session-disconnected', 'policyd', 'vm 52:54:00:00:00:01', '')");
	ck_assert_int_eq(vmp_store_guest_disconnected(world, 1, &after, tell, &told, &world_msg), VMP_EFULL);
	ck_assert_uint_eq(told, 3);
	ck_assert_int_eq(after, 1001);
}
END_TEST

Suite *check_store_guest_notice(void)
{
	Suite *s = suite_create("store_guest_notice");
	TCase *t = tcase_create("store_guest_notice");

	tcase_add_checked_fixture(t, world_setup, world_teardown);
	tcase_set_timeout(t, 60); /* [s] a disk that syncs slowly, and sanitizers */
	tcase_add_test(t, a_host_is_told_whose_session_was_taken_down);
	tcase_add_test(t, a_host_is_told_until_somebody_objects);
	suite_add_tcase(s, t);
	return s;
}
