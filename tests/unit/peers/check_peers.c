/* member/peers.c: what the directory's answers make of machines. */
#include "peers.h"
#include "fib.h"
#include "member_parts.h"
#include "pair.h"
#include "stage.h"
#include "suites_peers.h"

#include <stdio.h>
#include <string.h>

static struct machine *a, *b;

static void setup(void)
{
	stage_setup();
	a = machine_add("a", "1");
	b = machine_add("b", "2");
	stage_up();
}

static void agree(struct machine *m)
{
	stage_packet(&m->told.inner6);
	stage_until(machine_agreed, m, 5);
	stage_done();
}

START_TEST(all_are_known)
{
	ck_assert_uint_eq(peers_count(), 2);
	ck_assert_ptr_eq(peers_by_uuid(a->told.uuid), peers_by_key(a->told.key));
	ck_assert_ptr_eq(fib_find(&b->told.inner4), peers_by_uuid(b->told.uuid));
	ck_assert_ptr_null(peers_by_uuid(stage.self.uuid));
	stage_run(200);
	ck_assert_uint_eq(stage.names, 3);
	ck_assert_uint_ge(stage.told, 1);
}
END_TEST

/* WireGuard first, then the route, and nothing waits for the answer's end. */
START_TEST(gone)
{
	const char *done;

	agree(a);
	stage_gone(a->told.id);
	done = stage_done();
	ck_assert(done_before(done, "wg- a", "route- fd00::1 "));
	ck_assert(done_before(done, "wg- a", "end of gone"));
	ck_assert_ptr_null(machine_wg(a));
	ck_assert_ptr_null(peers_by_uuid(a->told.uuid));
	ck_assert_uint_eq(peers_count(), 1);
	stage_packet(&a->told.inner6);
	ck_assert_uint_eq(stage.refused, 1);
	stage_gone(a->told.id);
	stage_gone("nonsense");
	ck_assert_uint_eq(peers_count(), 1);
}
END_TEST

START_TEST(gone_with_all)
{
	agree(a);
	stage_tell(true, b, NULL);
	ck_assert_ptr_null(machine_wg(a));
	ck_assert_uint_eq(peers_count(), 1);
	/* A whole answer may be told since the site's prefixes have changed. */
	ck_assert_uint_eq(stage.puts, 2);
	stage_tell(false, a, NULL);
	ck_assert_uint_eq(peers_count(), 2);
}
END_TEST

START_TEST(itself)
{
	struct machine me = *a;

	memcpy(me.told.uuid, stage.self.uuid, sizeof(me.told.uuid));
	memcpy(me.told.key, member.public_key, sizeof(me.told.key));
	me.told.inner6 = stage.self.inner6;
	me.told.inner4 = stage.self.inner4;
	stage_tell(false, &me, NULL);
	ck_assert_uint_eq(peers_count(), 2);
	ck_assert_ptr_null(peers_by_uuid(stage.self.uuid));
}
END_TEST

/* An entry that would take addresses which are not the site's: of a server of names, or of this machine. */
START_TEST(unfit)
{
	struct machine bad[6];
	size_t i;

	agree(a);
	for (i = 0; i < 6; i++)
		bad[i] = *a;
	ck_assert_int_eq(prefix_read("2001:db8::53", &bad[0].told.inner6, NULL), VMP_OK);
	ck_assert_int_eq(prefix_read("192.0.2.53", &bad[1].told.inner4, NULL), VMP_OK);
	bad[2].told.inner6 = stage.self.inner6;
	bad[3].told.inner4 = stage.self.inner4;
	memcpy(bad[4].told.key, member.public_key, sizeof(bad[4].told.key));
	/* WireGuard's own packets would be for it again. */
	memcpy(&bad[5].told.endpoint.in.sin_addr, b->told.inner4.address, 4);
	for (i = 0; i < 6; i++) {
		stage_tell(false, &bad[i], NULL);
		ck_assert_ptr_null(peers_by_uuid(a->told.uuid));
		ck_assert_ptr_null(machine_wg(a));
		ck_assert_ptr_null(fib_find(&bad[i].told.inner6));
		ck_assert_uint_eq(peers_count(), 1);
		stage_tell(false, a, NULL);
		ck_assert_uint_eq(peers_count(), 2);
	}
}
END_TEST

/* Whoever is policyd, or gives licences, keeps its name. */
START_TEST(names_of_servers)
{
	stage.settings.policyd.url = "https://policyd.example:8443";
	stage_tell(false, a, NULL);
	stage_run(200);
	ck_assert_uint_eq(stage.reserved, 1);
	stage.settings.broker = "gw1";
	stage_tell(false, a, NULL);
	stage_run(200);
	ck_assert_uint_eq(stage.reserved, 2);
	ck_assert_uint_eq(stage.names, 3);
}
END_TEST

START_TEST(same_again)
{
	agree(a);
	stage_tell(true, a, b, NULL);
	stage_tell(false, a, NULL);
	ck_assert_str_eq(stage_done(), "");
	ck_assert(machine_agreed(a));
}
END_TEST

/* Another key is another machine. */
START_TEST(other_key)
{
	uint8_t old[VMP_COI_SECRET];

	agree(a);
	memcpy(old, a->told.key, sizeof(old));
	ck_assert_int_eq(vmp_coi_private_new(a->private_key), VMP_OK);
	ck_assert_int_eq(vmp_coi_public(a->private_key, a->told.key), VMP_OK);
	stage_tell(false, a, NULL);
	ck_assert_ptr_null(peers_by_key(old));
	ck_assert_uint_eq(stage.n_wg, 0);
	machine_join(a, false);
	agree(a);
}
END_TEST

START_TEST(other_endpoint)
{
	agree(a);
	a->told.endpoint.in.sin_port = htons(12345);
	stage_tell(false, a, NULL);
	ck_assert_str_eq(stage_done(), "wg+ a endpoint\n");
	ck_assert_uint_eq(machine_wg(a)->endpoint.in.sin_port, htons(12345));
}
END_TEST

START_TEST(other_address)
{
	agree(a);
	ck_assert_int_eq(prefix_read("fd00::77", &a->told.inner6, NULL), VMP_OK);
	stage_tell(false, a, NULL);
	ck_assert_ptr_null(machine_wg(a));
	ck_assert_ptr_nonnull(fib_find(&a->told.inner6));
	machine_join(a, false);
	agree(a);
}
END_TEST

/* Two machines that have changed places. */
START_TEST(swapped)
{
	struct prefix inner = a->told.inner6;

	agree(a);
	agree(b);
	a->told.inner6 = b->told.inner6;
	b->told.inner6 = inner;
	stage_tell(false, a, b, NULL);
	ck_assert_uint_eq(peers_count(), 2);
	ck_assert_uint_eq(stage.n_wg, 0);
	ck_assert_ptr_eq(fib_find(&inner), peers_by_uuid(b->told.uuid));
	ck_assert_ptr_eq(fib_find(&a->told.inner6), peers_by_uuid(a->told.uuid));
	ck_assert_ptr_eq(fib_find(&a->told.inner4), peers_by_uuid(a->told.uuid));
}
END_TEST

/* Made anew under another id, with its key. */
START_TEST(made_anew)
{
	uint8_t old[VMP_COI_ID];

	agree(a);
	memcpy(old, a->told.uuid, sizeof(old));
	a->told.uuid[9] = 9;
	stage_tell(true, a, b, NULL);
	ck_assert_ptr_null(peers_by_uuid(old));
	ck_assert_ptr_eq(peers_by_key(a->told.key), peers_by_uuid(a->told.uuid));
	ck_assert_ptr_null(machine_wg(a));
}
END_TEST

START_TEST(made_anew_in_between)
{
	agree(a);
	a->told.uuid[9] = 9;
	ck_assert_int_eq(prefix_read("fd00::66", &a->told.inner6, NULL), VMP_OK);
	ck_assert_int_eq(prefix_read("10.64.0.66", &a->told.inner4, NULL), VMP_OK);
	stage_tell(false, a, NULL);
	ck_assert_uint_eq(peers_count(), 2);
	ck_assert_ptr_null(machine_wg(a));
	machine_join(a, false);
	agree(a);
}
END_TEST

/* Its address is somebody else's now. */
START_TEST(displaced)
{
	struct machine *c = machine_add("c", "1");

	agree(a);
	c->told.inner6 = a->told.inner6;
	stage_tell(false, c, NULL);
	ck_assert_ptr_null(peers_by_uuid(a->told.uuid));
	ck_assert_ptr_null(machine_wg(a));
	ck_assert_ptr_eq(fib_find(&a->told.inner6), peers_by_uuid(c->told.uuid));
	ck_assert_ptr_null(fib_find(&a->told.inner4));
	b->told.inner4 = c->told.inner4;
	stage_tell(false, b, NULL);
	ck_assert_ptr_null(peers_by_uuid(c->told.uuid));
	ck_assert_uint_eq(peers_count(), 1);
}
END_TEST

START_TEST(no_coi_left)
{
	agree(a);
	a->told.n_coi = 0;
	stage_tell(false, a, NULL);
	ck_assert_ptr_null(machine_wg(a));
	ck_assert_ptr_null(coi_first()->next);
}
END_TEST

/* They share another one now, whose key is there. */
START_TEST(other_coi)
{
	agree(a);
	machine_cois(a, "3");
	machine_keys(a);
	stage_tell(false, a, NULL);
	stage_run(2000);
	ck_assert(machine_agreed(a));
	ck_assert_uint_eq(a->told.coi[0].id, 3);
}
END_TEST

/* One whose key has not come is not talked in: the peer is away until then. */
START_TEST(coi_without_key)
{
	agree(a);
	machine_cois(a, "5");
	stage_tell(false, a, NULL);
	ck_assert_ptr_null(machine_wg(a));
	stage_packet(&a->told.inner6);
	stage_run(100);
	ck_assert_ptr_null(machine_wg(a));
	stage_key("c5", 1);
	machine_join(a, false);
	stage_keys_come();
	stage_until(machine_agreed, a, 5);
	ck_assert_uint_eq(stage.sent, 2);
}
END_TEST

static struct member_peer seen;
static char seen_coi[65];

static int see(void *ctx, const struct member_peer *peer)
{
	if (strcmp(peer->name, ctx) == 0) {
		seen = *peer;
		snprintf(seen_coi, sizeof(seen_coi), "%s", peer->coi);
	}
	return VMP_OK;
}

/* How many members a COI has decides, and is told with one machine for all. */
START_TEST(fewest_members)
{
	machine_cois(a, "12");
	a->told.coi[1].priority = a->told.coi[0].priority;
	a->told.coi[0].members = 3;
	stage_tell(false, a, NULL);
	ck_assert_int_eq(member_each(see, (void *)(uintptr_t) "a"), VMP_OK);
	ck_assert_str_eq(seen_coi, "c2");
	machine_cois(b, "2");
	b->told.coi[0].priority = a->told.coi[0].priority;
	b->told.coi[0].members = 4;
	stage_tell(false, b, NULL);
	ck_assert_int_eq(member_each(see, (void *)(uintptr_t) "a"), VMP_OK);
	ck_assert_str_eq(seen_coi, "c1");
}
END_TEST

/* Also where they talk already; the leader's choice counts. */
START_TEST(fewest_members_while_talking)
{
	machine_other_key(a, true);
	machine_cois(a, "12");
	a->told.coi[1].priority = a->told.coi[0].priority;
	stage_tell(false, a, NULL);
	machine_join(a, false);
	agree(a);
	stage_run(2000);
	ck_assert_uint_eq(peers_by_uuid(a->told.uuid)->pair->seen.coi, 1);
	b->told.n_coi = 0;
	machine_cois(b, "1");
	b->told.coi[0].members = 9;
	stage_tell(false, b, NULL);
	stage_run(2000);
	ck_assert(machine_agreed(a));
	ck_assert_uint_eq(peers_by_uuid(a->told.uuid)->pair->seen.coi, 2);
}
END_TEST

static int stop(void *ctx, const struct member_peer *peer)
{
	(void)peer;
	++*(int *)ctx;
	return VMP_EIO;
}

START_TEST(each_stops)
{
	int n = 0;

	ck_assert_int_eq(member_each(stop, &n), VMP_EIO);
	ck_assert_int_eq(n, 1);
}
END_TEST

Suite *check_peers(void)
{
	Suite *s = suite_create("peers");
	TCase *t = tcase_create("peers");

	tcase_add_checked_fixture(t, setup, stage_teardown);
	tcase_add_test(t, all_are_known);
	tcase_add_test(t, gone);
	tcase_add_test(t, gone_with_all);
	tcase_add_test(t, itself);
	tcase_add_test(t, unfit);
	tcase_add_test(t, names_of_servers);
	tcase_add_test(t, same_again);
	tcase_add_test(t, other_key);
	tcase_add_test(t, other_endpoint);
	tcase_add_test(t, other_address);
	tcase_add_test(t, swapped);
	tcase_add_test(t, made_anew);
	tcase_add_test(t, made_anew_in_between);
	tcase_add_test(t, displaced);
	tcase_add_test(t, no_coi_left);
	tcase_add_test(t, other_coi);
	tcase_add_test(t, coi_without_key);
	tcase_add_test(t, fewest_members);
	tcase_add_test(t, fewest_members_while_talking);
	tcase_add_test(t, each_stops);
	suite_add_tcase(s, t);
	return s;
}
