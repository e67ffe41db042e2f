/* member/traffic.c: idle, silent, too many, strangers. */
#include "member_parts.h"
#include "pair.h"
#include "peers.h"
#include "stage.h"
#include "suites_peers.h"

#include <string.h>

static struct machine *a, *b, *c;

static void agree(struct machine *m)
{
	stage_packet(&m->told.inner6);
	stage_until(machine_agreed, m, 3);
}

static void setup(void)
{
	stage_setup();
	a = machine_add("a", "1");
	b = machine_add("b", "2");
	c = machine_add("c", "3");
	stage_up();
}

START_TEST(idle)
{
	unsigned i;

	stage.settings.idle_s = 60;
	agree(a);
	agree(b);
	for (i = 0; i < 10; i++) {
		machine_wg(b)->received += 100;
		stage_run(10000);
	}
	ck_assert_ptr_null(machine_wg(a));
	ck_assert_uint_eq(a->byes, 1);
	ck_assert(machine_agreed(b));
	ck_assert_uint_eq(b->byes, 0);
	/* Nobody has noticed. */
	machine_join(a, false);
	agree(a);
}
END_TEST

START_TEST(silent)
{
	unsigned long long before;

	agree(a);
	stage_run(20000);
	before = member.count.stalled;
	machine_wg(a)->sent += 1000;
	machine_wg(a)->received += 1000;
	stage_run(10000);
	ck_assert_uint_eq(member.count.stalled, before);
	machine_wg(a)->sent += 32;
	stage_run(10000);
	ck_assert_uint_eq(member.count.stalled, before);
	machine_wg(a)->sent += 1000;
	stage_run(10000);
	ck_assert_uint_eq(member.count.stalled, before + 1);
}
END_TEST

/* The other end has been switched off and on: it knows nothing of us any more. */
START_TEST(forgotten_by_the_other_end)
{
	uint8_t old[VMP_COI_SECRET];

	agree(a);
	stage_run(5000);
	memcpy(old, machine_wg(a)->psk, sizeof(old));
	machine_join(a, false);
	machine_wg(a)->sent += 1000;
	stage_run(11000);
	machine_wg(a)->sent += 1000;
	stage_until(machine_agreed, a, 20);
	ck_assert_int_ne(memcmp(old, machine_wg(a)->psk, sizeof(old)), 0);
}
END_TEST

/* Those that were quiet for longest go. */
START_TEST(too_many)
{
	stage.settings.most = 2;
	agree(a);
	stage_run(11000);
	agree(b);
	stage_run(11000);
	machine_wg(a)->received += 100;
	stage_run(11000);
	agree(c);
	stage_run(2000);
	ck_assert_uint_eq(stage.n_wg, 2);
	ck_assert_ptr_null(machine_wg(b));
	ck_assert_ptr_nonnull(machine_wg(a));
	ck_assert_ptr_nonnull(machine_wg(c));
	ck_assert_uint_eq(member.count.evicted, 1);
}
END_TEST

START_TEST(strangers)
{
	agree(a);
	memset(&stage.wg[stage.n_wg], 0x55, sizeof(stage.wg[0]));
	stage.wg[stage.n_wg].n_allowed = 0;
	stage.n_wg++;
	stage_run(11000);
	ck_assert_uint_eq(stage.n_wg, 1);
	ck_assert(machine_agreed(a));
}
END_TEST

/* A removal that failed is made good, within a second or two of WireGuard's coming back. */
START_TEST(removal_failed)
{
	agree(a);
	stage.wg_err = VMP_EIO;
	stage_gone(a->told.id);
	ck_assert_uint_eq(stage.n_wg, 1);
	stage.wg_err = VMP_OK;
	stage_run(2000);
	ck_assert_uint_eq(stage.n_wg, 0);
}
END_TEST

/* Somebody has taken the peer out of WireGuard. */
START_TEST(taken_away)
{
	agree(a);
	stage_run(2000);
	stage.n_wg = 0;
	machine_join(a, false);
	stage_run(11000);
	stage_until(machine_agreed, a, 10);
}
END_TEST

START_TEST(wireguard_is_dead)
{
	agree(a);
	stage.wg_err = VMP_EIO;
	stage_run(25000);
	ck_assert_uint_eq(stage.failed, 0);
	stage_run(10000);
	ck_assert_uint_eq(stage.failed, 1);
	stage_run(60000);
	ck_assert_uint_eq(stage.failed, 1);
	stage.wg_err = VMP_OK;
}
END_TEST

Suite *check_traffic(void)
{
	Suite *s = suite_create("traffic");
	TCase *t = tcase_create("traffic");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, stage_teardown);
	tcase_add_test(t, idle);
	tcase_add_test(t, silent);
	tcase_add_test(t, forgotten_by_the_other_end);
	tcase_add_test(t, too_many);
	tcase_add_test(t, strangers);
	tcase_add_test(t, removal_failed);
	tcase_add_test(t, taken_away);
	tcase_add_test(t, wireguard_is_dead);
	suite_add_tcase(s, t);
	return s;
}
