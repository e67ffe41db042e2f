/* member/adopt.c: peers of an earlier life. */
#include "adopt.h"
#include "member_parts.h"
#include "pair.h"
#include "stage.h"
#include "suites_peers.h"
#include "traffic.h"

#include <string.h>

static struct machine *a, *b;

/* Both are peers, and the program is killed. */
static void setup(void)
{
	stage_setup();
	a = machine_add("a", "1");
	b = machine_add("b", "2");
	stage_up();
	stage_packet(&a->told.inner6);
	stage_packet(&b->told.inner6);
	stage_until(machine_agreed, a, 3);
	stage_until(machine_agreed, b, 3);
	stage_run(1000);
	member_free(false);
	stage.wg_there = true;
	stage_done();
}

/* They go on with the key that they have, and get a new one soon. */
START_TEST(go_on)
{
	uint8_t old[VMP_COI_SECRET];
	const char *done;

	memcpy(old, machine_wg(a)->psk, sizeof(old));
	stage_begin();
	stage_registered();
	stage_tell(true, a, b, NULL);
	ck_assert(!adopt_waits());
	done = stage_done();
	ck_assert_ptr_null(strstr(done, "wg-"));
	ck_assert_ptr_null(strstr(done, "allowed"));
	ck_assert_ptr_null(strstr(done, "route-"));
	ck_assert_ptr_nonnull(strstr(done, "route+ fd00::1 vmprov0\n"));
	ck_assert_uint_eq(pairs_up(), 2);
	stage_run(10000);
	ck_assert(machine_agreed(a));
	ck_assert(machine_agreed(b));
	ck_assert_int_ne(memcmp(old, machine_wg(a)->psk, sizeof(old)), 0);
	ck_assert_ptr_null(strstr(stage_done(), "wg-"));
}
END_TEST

/* A gateway has gone meanwhile, and its default route would swallow everything. */
START_TEST(older_routes)
{
	const char *done;

	stage.old[0] = a->told.inner6;
	ck_assert_int_eq(prefix_read("0.0.0.0/0", &stage.old[1], NULL), VMP_OK);
	stage.n_old = 2;
	stage_begin();
	stage_registered();
	stage_tell(true, a, b, NULL);
	done = stage_done();
	ck_assert_ptr_nonnull(strstr(done, "route- 0.0.0.0/0 pruned\n"));
	ck_assert_ptr_null(strstr(done, "route- fd00::1 "));
}
END_TEST

/* This machine has left all its COIs meanwhile: nobody waits for keys that will not come. */
START_TEST(gone_without_keys)
{
	stage.n_key = 0;
	stage_begin();
	stage_registered();
	stage_tell(true, b, NULL);
	ck_assert_ptr_null(machine_wg(a));
	ck_assert_ptr_nonnull(machine_wg(b));
	stage_keys_state(VMP_OK, "");
	ck_assert(!adopt_waits());
	ck_assert_ptr_null(machine_wg(b));
}
END_TEST

START_TEST(gone_all)
{
	stage.n_key = 0;
	stage_begin();
	stage_registered();
	stage_tell(true, NULL);
	ck_assert_uint_eq(stage.n_wg, 0);
	ck_assert(!adopt_waits());
}
END_TEST

/* Routes without any peer that could be adopted. */
START_TEST(routes_alone)
{
	stage.n_wg = 0;
	stage.old[0] = a->told.inner6;
	stage.n_old = 1;
	stage_begin();
	ck_assert_ptr_nonnull(strstr(stage_done(), "route- fd00::1 pruned\n"));
}
END_TEST

/* Keys come after the directory: the peers wait for them. */
START_TEST(keys_late)
{
	struct keys_one keys[16];
	size_t n = stage.n_key;

	memcpy(keys, stage.key, sizeof(keys));
	stage.n_key = 0;
	stage_begin();
	stage_registered();
	stage_tell(true, a, b, NULL);
	ck_assert(adopt_waits());
	ck_assert_uint_eq(stage.n_wg, 2);
	memcpy(stage.key, keys, sizeof(keys));
	stage.n_key = n;
	stage_keys_come();
	ck_assert(!adopt_waits());
	ck_assert_uint_eq(pairs_up(), 2);
}
END_TEST

START_TEST(one_is_gone)
{
	const char *done;

	stage_begin();
	stage_registered();
	stage_tell(true, b, NULL);
	done = stage_done();
	ck_assert_ptr_nonnull(strstr(done, "wg- a\n"));
	ck_assert_ptr_null(machine_wg(a));
	ck_assert_ptr_nonnull(machine_wg(b));
	/* Its route is looked at when it comes again. */
	stage_tell(false, a, NULL);
	ck_assert_ptr_nonnull(strstr(stage_done(), "route- fd00::1 vmprov0\n"));
}
END_TEST

/* It was another machine's, or somebody changed it meanwhile. */
START_TEST(other_addresses)
{
	machine_wg(a)->n_allowed = 1;
	machine_wg(a)->endpoint.in.sin_port = 1;
	stage_begin();
	stage_registered();
	stage_tell(true, a, b, NULL);
	ck_assert_ptr_nonnull(strstr(stage_done(), "wg+ a allowed endpoint\n"));
	ck_assert_uint_eq(machine_wg(a)->n_allowed, 2);
}
END_TEST

/* Whoever is allowed is not known for too long: nobody is. */
START_TEST(no_directory)
{
	stage_begin();
	stage_run(599000);
	ck_assert_uint_eq(stage.n_wg, 2);
	stage_run(2000);
	ck_assert_uint_eq(stage.n_wg, 0);
	ck_assert(!adopt_waits());
}
END_TEST

START_TEST(refused)
{
	stage_begin();
	stage_self_fails(VMP_EACCES, "revoked");
	ck_assert_uint_eq(stage.n_wg, 0);
}
END_TEST

START_TEST(halted)
{
	stage_begin();
	member_halt("no licence");
	ck_assert_uint_eq(stage.n_wg, 0);
}
END_TEST

/* While they wait they are no strangers. */
START_TEST(swept)
{
	stage_begin();
	stage_registered();
	traffic_soon();
	stage_run(2000);
	ck_assert_uint_eq(stage.n_wg, 2);
	stage_tell(true, a, b, NULL);
	stage_run(25000);
	ck_assert_uint_eq(stage.n_wg, 2);
}
END_TEST

/* Both ends were started anew. */
START_TEST(both_ends)
{
	stage_begin();
	stage_registered();
	machine_join(a, true);
	stage_tell(true, a, b, NULL);
	stage_until(machine_agreed, a, 10);
	ck_assert_ptr_null(strstr(stage_done(), "wg-"));
}
END_TEST

/* Somebody needs one of them before all is known. */
START_TEST(needed_meanwhile)
{
	stage_begin();
	stage_registered();
	stage_tell(false, a, NULL);
	stage_packet(&a->told.inner6);
	stage_tell(true, a, b, NULL);
	stage_until(machine_agreed, a, 10);
	ck_assert_ptr_null(strstr(stage_done(), "wg-"));
	stage_run(20000);
	ck_assert(machine_agreed(a));
	ck_assert(machine_agreed(b));
}
END_TEST

Suite *check_adopt(void)
{
	Suite *s = suite_create("adopt");
	TCase *t = tcase_create("adopt");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, stage_teardown);
	tcase_add_test(t, go_on);
	tcase_add_test(t, older_routes);
	tcase_add_test(t, gone_without_keys);
	tcase_add_test(t, gone_all);
	tcase_add_test(t, routes_alone);
	tcase_add_test(t, keys_late);
	tcase_add_test(t, one_is_gone);
	tcase_add_test(t, other_addresses);
	tcase_add_test(t, no_directory);
	tcase_add_test(t, refused);
	tcase_add_test(t, halted);
	tcase_add_test(t, swept);
	tcase_add_test(t, both_ends);
	tcase_add_test(t, needed_meanwhile);
	suite_add_tcase(s, t);
	return s;
}
