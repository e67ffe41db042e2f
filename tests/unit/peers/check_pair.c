/* member/pair*.c: the first packet, keys, and what waits for them. */
#include "pair.h"
#include "member_parts.h"
#include "peers.h"
#include "stage.h"
#include "suites_peers.h"

#include <string.h>

static struct machine *a, *b;

static void setup(void)
{
	stage_setup();
	a = machine_add("a", "1");
	b = machine_add("b", "2");
	stage_up();
}

static struct pair *pair_of(const struct machine *m)
{
	return peers_by_uuid(m->told.uuid)->pair;
}

START_TEST(first_packet)
{
	const char *done;

	stage_packet(&a->told.inner6);
	ck_assert_ptr_null(machine_wg(a));
	stage_until(machine_agreed, a, 2);
	stage_run(1000);
	done = stage_done();
	ck_assert(done_before(done, "wg+ a psk allowed endpoint", "route+ fd00::1 vmprov0\n"));
	ck_assert(done_before(done, "route+ fd00::1 vmprov0\n", "send "));
	ck_assert_ptr_nonnull(strstr(done, "route+ 10.64.0.1 vmprov0\n"));
	ck_assert_uint_eq(stage.sent, 1);
	ck_assert_uint_eq(machine_wg(a)->n_allowed, 2);
	ck_assert_ptr_null(machine_wg(b));
	ck_assert_uint_eq(b->received, 0);
}
END_TEST

START_TEST(by_ipv4)
{
	stage_packet(&a->told.inner4);
	stage_until(machine_agreed, a, 2);
	stage_run(1000);
	ck_assert_uint_eq(stage.sent, 1);
}
END_TEST

/* Whom nobody here has asked for. */
START_TEST(other_end_asks)
{
	machine_need(a);
	stage_until(machine_agreed, a, 2);
	ck_assert_uint_eq(stage.sent, 0);
	ck_assert_uint_eq(pairs_up(), 1);
}
END_TEST

START_TEST(nobody_has_it)
{
	struct prefix to;

	ck_assert_int_eq(prefix_read("fd00::99", &to, NULL), VMP_OK);
	stage_packet(&to);
	ck_assert_int_eq(prefix_read("10.64.9.9", &to, NULL), VMP_OK);
	stage_packet(&to);
	ck_assert_uint_eq(stage.refused, 2);
	ck_assert_uint_eq(pairs_count(), 0);
}
END_TEST

/* As many as are held go on in their order; later ones do not push them out. */
START_TEST(packets_wait)
{
	const char *done;
	unsigned i;

	a->mute = true;
	for (i = 0; i < PAIR_HELD + 4; i++)
		stage_packet(&a->told.inner6);
	ck_assert_uint_eq(pair_of(a)->n_held, PAIR_HELD);
	ck_assert_uint_eq(member.count.dropped, 4);
	a->mute = false;
	stage_until(machine_agreed, a, 3);
	stage_run(1000);
	done = stage_done();
	ck_assert_uint_eq(stage.sent, PAIR_HELD);
	ck_assert_uint_eq(pair_of(a)->n_held, 0);
	ck_assert(strstr(done, "send ") != NULL);
}
END_TEST

START_TEST(packets_wait_no_longer)
{
	a->mute = true;
	stage_packet(&a->told.inner6);
	stage_run(HELD_MS + 1000);
	ck_assert_uint_eq(member.count.dropped, 1);
	ck_assert_uint_eq(pair_of(a)->n_held, 0);
	a->mute = false;
	stage_until(machine_agreed, a, 10);
	stage_run(1000);
	ck_assert_uint_eq(stage.sent, 0);
}
END_TEST

/* Nobody answers: it is forgotten, and the next packet asks anew. */
START_TEST(no_answer)
{
	a->deaf = true;
	stage_packet(&a->told.inner6);
	stage_run(120000);
	ck_assert_ptr_null(pair_of(a));
	ck_assert_ptr_null(machine_wg(a));
	a->deaf = false;
	stage_packet(&a->told.inner6);
	stage_until(machine_agreed, a, 3);
}
END_TEST

/* One that came by the TUN interface while the route was being set. */
START_TEST(late_packet)
{
	unsigned i;

	stage_packet(&a->told.inner6);
	stage_until(machine_agreed, a, 2);
	stage_run(1000);
	stage_packet(&a->told.inner6);
	ck_assert_uint_eq(stage.sent, 2);
	for (i = 0; i < 1000; i++)
		stage_packet(&a->told.inner6);
	ck_assert_uint_lt(stage.sent, 100);
}
END_TEST

/* A new epoch: a new key, while the old one goes on; nothing is taken away in between. */
START_TEST(new_epoch)
{
	uint8_t old[VMP_COI_SECRET];
	const char *done;

	stage_packet(&a->told.inner6);
	stage_until(machine_agreed, a, 2);
	stage_run(1000);
	memcpy(old, machine_wg(a)->psk, sizeof(old));
	stage_done();
	stage_key("c1", 2);
	machine_keys(a);
	stage_keys_come();
	stage_run(3000);
	ck_assert(machine_agreed(a));
	ck_assert_int_ne(memcmp(old, machine_wg(a)->psk, sizeof(old)), 0);
	ck_assert_uint_eq(pair_of(a)->seen.epoch, 2);
	done = stage_done();
	ck_assert_ptr_nonnull(strstr(done, "wg+ a psk\n"));
	ck_assert_ptr_null(strstr(done, "wg-"));
	ck_assert_ptr_null(strstr(done, "route"));
}
END_TEST

START_TEST(keys_end)
{
	stage_packet(&a->told.inner6);
	stage_until(machine_agreed, a, 2);
	stage.n_key = 0;
	stage_keys_come();
	ck_assert_ptr_null(machine_wg(a));
	ck_assert_uint_eq(stage.n_wg, 0);
}
END_TEST

START_TEST(refreshed)
{
	uint8_t old[VMP_COI_SECRET];

	stage_packet(&a->told.inner6);
	stage_until(machine_agreed, a, 2);
	memcpy(old, machine_wg(a)->psk, sizeof(old));
	stage_run(130000);
	ck_assert(machine_agreed(a));
	ck_assert_int_ne(memcmp(old, machine_wg(a)->psk, sizeof(old)), 0);
}
END_TEST

START_TEST(bye)
{
	const char *done;

	stage_packet(&a->told.inner6);
	stage_until(machine_agreed, a, 2);
	stage_run(1000);
	stage_done();
	vmp_coi_pair_release(a->pair, 0);
	stage_run(100);
	ck_assert_ptr_null(machine_wg(a));
	done = stage_done();
	ck_assert(done_before(done, "wg- a", "route- fd00::1 vmprov0"));
}
END_TEST

/* WireGuard refuses: it is begun anew, and nothing is sent until then. */
START_TEST(wireguard_fails)
{
	stage.wg_err = VMP_EIO;
	stage_packet(&a->told.inner6);
	stage_run(900);
	ck_assert_uint_eq(stage.sent, 0);
	ck_assert_ptr_nonnull(member_trouble());
	ck_assert_ptr_nonnull(strstr(member_trouble(), "as the test wants it"));
	stage.wg_err = VMP_OK;
	stage_run(15000);
	stage_packet(&a->told.inner6);
	stage_until(machine_agreed, a, 10);
	stage_run(1000);
	ck_assert_uint_ge(stage.sent, 1);
	ck_assert_ptr_null(member_trouble());
}
END_TEST

/* A key that no agreement can be made with. */
START_TEST(unusable)
{
	memset(b->told.key, 0, sizeof(b->told.key));
	stage_tell(false, b, NULL);
	stage_packet(&b->told.inner6);
	stage_run(100);
	ck_assert_uint_eq(pairs_count(), 0);
	ck_assert_uint_eq(member.count.dropped, 1);
	/* It is said once, and not tried again until it has another key. */
	ck_assert(peers_by_uuid(b->told.uuid)->unusable);
	machine_other_key(b, true);
	stage_tell(false, b, NULL);
	machine_join(b, false);
	stage_packet(&b->told.inner6);
	stage_until(machine_agreed, b, 5);
}
END_TEST

Suite *check_pair(void)
{
	Suite *s = suite_create("pair");
	TCase *t = tcase_create("pair");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, stage_teardown);
	tcase_add_test(t, first_packet);
	tcase_add_test(t, by_ipv4);
	tcase_add_test(t, other_end_asks);
	tcase_add_test(t, nobody_has_it);
	tcase_add_test(t, packets_wait);
	tcase_add_test(t, packets_wait_no_longer);
	tcase_add_test(t, no_answer);
	tcase_add_test(t, late_packet);
	tcase_add_test(t, new_epoch);
	tcase_add_test(t, keys_end);
	tcase_add_test(t, refreshed);
	tcase_add_test(t, bye);
	tcase_add_test(t, wireguard_fails);
	tcase_add_test(t, unusable);
	suite_add_tcase(s, t);
	return s;
}
