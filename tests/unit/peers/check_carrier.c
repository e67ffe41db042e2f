/* Gateways: their routes, and machines that are reached through them. */
#include "fib.h"
#include "member_parts.h"
#include "pair.h"
#include "peers.h"
#include "stage_parts.h"
#include "suites_peers.h"

#include <string.h>

static struct machine *g, *h, *a, *r;

static struct prefix at(const char *text)
{
	struct prefix prefix;

	ck_assert_int_eq(prefix_read(text, &prefix, NULL), VMP_OK);
	return prefix;
}

static void route(struct machine *m, const char *text)
{
	m->told.route[m->told.n_route++] = at(text);
}

/* Two gateways, a machine beside us, and a remote one. */
static void setup(void)
{
	stage_setup();
	g = machine_add("g", "1");
	h = machine_add("h", "12");
	a = machine_add("a", "12");
	r = machine_add("r", "1");
	g->told.gateway = h->told.gateway = true;
	r->told.remote = true;
	r->told.endpoint.sa.sa_family = 0;
	route(g, "0.0.0.0/0");
	route(h, "0.0.0.0/0");
	route(h, "2001:db8::/32");
}

static bool allowed(const struct machine *m, const char *text)
{
	const struct stage_peer *wg = machine_wg(m);
	struct prefix prefix = at(text);
	size_t i;

	for (i = 0; wg && i < wg->n_allowed; i++) {
		if (prefix_equal(&wg->allowed[i], &prefix))
			return true;
	}
	return false;
}

static void packet(const char *text)
{
	struct prefix to = at(text);

	stage_packet(&to);
}

START_TEST(clear_network)
{
	const char *done;

	stage_up();
	packet("198.51.100.1");
	stage_until(machine_agreed, g, 3);
	stage_run(1000);
	done = stage_done();
	ck_assert(done_before(done, "wg+ g psk", "route+ 0.0.0.0/0 vmprov0\n"));
	ck_assert(done_before(done, "route+ 0.0.0.0/0 vmprov0\n", "send "));
	ck_assert(allowed(g, "0.0.0.0/0"));
	packet("2001:db8::1");
	stage_until(machine_agreed, h, 3);
	/* What another gateway leads to already stays with that one. */
	ck_assert(allowed(h, "2001:db8::/32"));
	ck_assert(!allowed(h, "0.0.0.0/0"));
	ck_assert(allowed(g, "0.0.0.0/0"));
	packet("203.0.113.1");
	ck_assert_uint_eq(stage.refused, 0);
	packet("3fff::1");
	ck_assert_uint_eq(stage.refused, 1);
}
END_TEST

/* A packet that waits for a way which is taken away would leave by the default route, in the clear. */
START_TEST(route_goes_while_packets_wait)
{
	stage_up();
	g->mute = true;
	packet("198.51.100.1");
	stage_run(100);
	ck_assert_uint_eq(peers_by_uuid(g->told.uuid)->pair->n_held, 1);
	g->told.n_route = 0;
	stage_tell(false, g, NULL);
	ck_assert_uint_eq(peers_by_uuid(g->told.uuid)->pair->n_held, 0);
	g->mute = false;
	stage_until(machine_agreed, g, 5);
	ck_assert_uint_eq(stage.sent, 0);
}
END_TEST

/* No gateway's route takes another machine's inner address. */
START_TEST(route_to_an_inner_address)
{
	route(g, "10.64.0.3");
	route(g, "fd00::/64");
	route(g, "fd00::/48");
	stage_up();
	ck_assert_ptr_eq(fib_find(&a->told.inner4), peers_by_uuid(a->told.uuid));
	ck_assert_uint_eq(peers_by_uuid(g->told.uuid)->n_route, 2);
	packet("198.51.100.1");
	stage_until(machine_agreed, g, 3);
	ck_assert(!allowed(g, "10.64.0.3"));
	ck_assert(!allowed(g, "fd00::/64"));
	ck_assert(allowed(g, "fd00::/48"));
}
END_TEST

/* One gateway goes: the other one has its routes. */
START_TEST(other_gateway)
{
	const char *done;

	stage_up();
	packet("198.51.100.1");
	packet("2001:db8::1");
	stage_until(machine_agreed, g, 3);
	stage_until(machine_agreed, h, 3);
	stage_run(1000);
	stage_done();
	stage_gone(g->told.id);
	done = stage_done();
	ck_assert(done_before(done, "wg- g", "wg+ h allowed"));
	ck_assert(allowed(h, "0.0.0.0/0"));
	stage_done();
	stage_tell(false, g, NULL);
	ck_assert(!allowed(h, "0.0.0.0/0"));
	ck_assert_ptr_nonnull(strstr(stage_done(), "route+ 0.0.0.0/0 vmprov0n\n"));
}
END_TEST

START_TEST(routes_change)
{
	stage_up();
	packet("198.51.100.1");
	stage_until(machine_agreed, g, 3);
	stage_run(1000);
	stage_done();
	g->told.n_route = 0;
	route(g, "203.0.113.0/24");
	stage_tell(false, g, NULL);
	ck_assert(machine_agreed(g));
	ck_assert(allowed(g, "203.0.113.0/24"));
	ck_assert(!allowed(g, "0.0.0.0/0"));
	ck_assert_ptr_nonnull(strstr(stage_done(), "route+ 203.0.113.0/24 vmprov0\n"));
}
END_TEST

/* A gateway does not go by another one. */
START_TEST(we_are_a_gateway)
{
	stage.self.gateway = true;
	stage_up();
	packet("198.51.100.1");
	ck_assert_uint_eq(stage.refused, 1);
	ck_assert_ptr_null(strstr(stage_done(), "0.0.0.0/0"));
}
END_TEST

/* Through the gateway with the lowest id that is in the COI too. */
START_TEST(to_a_remote_one)
{
	const char *done;

	stage_up();
	stage_packet(&r->told.inner6);
	stage_until(machine_agreed, g, 3);
	stage_run(1000);
	done = stage_done();
	ck_assert(done_before(done, "wg+ g psk", "route+ fd00::4 vmprov0\n"));
	ck_assert(done_before(done, "route+ fd00::4 vmprov0\n", "send "));
	ck_assert(allowed(g, "fd00::4"));
	ck_assert(allowed(g, "10.64.0.4"));
	ck_assert_ptr_null(machine_wg(r));
	ck_assert_uint_eq(r->received, 0);
	stage_gone(r->told.id);
	ck_assert(!allowed(g, "fd00::4"));
	ck_assert_ptr_nonnull(strstr(stage_done(), "route- fd00::4 vmprov0\n"));
	ck_assert(machine_agreed(g));
}
END_TEST

START_TEST(carrier_changes)
{
	stage_up();
	stage_packet(&r->told.inner6);
	stage_packet(&h->told.inner6);
	stage_until(machine_agreed, g, 3);
	stage_until(machine_agreed, h, 3);
	stage_gone(g->told.id);
	ck_assert(allowed(h, "fd00::4"));
	/* They talk in another COI now, which that gateway is not in. */
	machine_cois(r, "3");
	stage_tell(false, r, NULL);
	ck_assert(!allowed(h, "fd00::4"));
	stage_packet(&r->told.inner6);
	ck_assert_uint_eq(stage.refused, 1);
}
END_TEST

START_TEST(messages_of_a_carried_one)
{
	stage_up();
	machine_need(r);
	stage_run(3000);
	ck_assert_ptr_null(machine_wg(r));
	ck_assert_uint_ge(member.count.unknown, 1);
	ck_assert_ptr_null(peers_by_uuid(r->told.uuid)->pair);
}
END_TEST

/* We are the remote one: all but gateways are reached through one. */
START_TEST(we_are_remote)
{
	stage.self.remote = true;
	stage_up();
	stage_packet(&a->told.inner6);
	stage_until(machine_agreed, g, 3);
	ck_assert(allowed(g, "fd00::3"));
	ck_assert(allowed(g, "fd00::4"));
	ck_assert_ptr_null(machine_wg(a));
	ck_assert_uint_eq(machine_wg(g)->keepalive, 25);
	/* Its own keepalive keeps the messages' way open. */
	stage_run(30000);
	ck_assert_uint_eq(g->octets, 1);
}
END_TEST

/* So that others can reach us. */
START_TEST(remote_goes_first)
{
	stage.self.remote = true;
	stage_up();
	stage_until(machine_agreed, g, 3);
	ck_assert(allowed(g, "fd00::3"));
	ck_assert_ptr_null(machine_wg(h));
	g->told.endpoint.in.sin_port = htons(1);
	stage_gone(g->told.id);
	stage_until(machine_agreed, h, 3);
	ck_assert(allowed(h, "fd00::3"));
}
END_TEST

START_TEST(remote_comes_again)
{
	stage.self.remote = true;
	stage_up();
	stage_until(machine_agreed, g, 3);
	stage_run(1000);
	vmp_coi_pair_release(g->pair, stage_clock());
	stage_run(100);
	ck_assert_ptr_null(machine_wg(g));
	stage_until(machine_agreed, g, 30);
}
END_TEST

/* Where it roams, WireGuard knows better. */
START_TEST(remote_one_with_an_endpoint)
{
	stage.self.gateway = true;
	r->told.endpoint = a->told.endpoint;
	stage_up();
	machine_need(r);
	stage_until(machine_agreed, r, 10);
	ck_assert_int_eq(machine_wg(r)->endpoint.sa.sa_family, 0);
	ck_assert_uint_eq(a->received, 0);
}
END_TEST

START_TEST(without_an_endpoint)
{
	stage.settings.endpoint = "none";
	stage_up();
	ck_assert_str_eq(stage.put, "");
	stage_packet(&a->told.inner6);
	stage_until(machine_agreed, g, 3);
	ck_assert_ptr_null(machine_wg(a));
}
END_TEST

/* We are the gateway of a remote one: we answer where it calls from. */
START_TEST(remote_one_calls)
{
	stage.self.gateway = true;
	stage_up();
	stage_packet(&r->told.inner6);
	stage_run(1000);
	ck_assert_uint_eq(r->received, 0);
	machine_need(r);
	stage_until(machine_agreed, r, 10);
	ck_assert_int_eq(machine_wg(r)->endpoint.sa.sa_family, 0);
	/* And without being asked, later. */
	stage_run(1000);
	r->received = 0;
	stage_key("c1", 2);
	machine_keys(r);
	stage_keys_come();
	stage_run(1000);
	ck_assert(machine_agreed(r));
	ck_assert_uint_eq(peers_by_uuid(r->told.uuid)->pair->seen.epoch, 2);
}
END_TEST

/* Somebody sends again what it said: he is not where it is. */
START_TEST(copy_from_elsewhere)
{
	const struct pair *pair;
	unsigned i;

	stage.self.gateway = true;
	stage_up();
	machine_need(r);
	stage_until(machine_agreed, r, 10);
	stage_run(1000);
	pair = peers_by_uuid(r->told.uuid)->pair;
	ck_assert_uint_eq(ntohs(pair->heard.in.sin_port), STAGE_PORT + 41);
	for (i = 0; i < 5; i++) {
		machine_says(a, r->said, r->said_len);
		stage_run(50);
	}
	ck_assert_uint_eq(ntohs(pair->heard.in.sin_port), STAGE_PORT + 41);
	ck_assert(machine_agreed(r));
}
END_TEST

Suite *check_carrier(void)
{
	Suite *s = suite_create("carrier");
	TCase *t = tcase_create("carrier");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, stage_teardown);
	tcase_add_test(t, clear_network);
	tcase_add_test(t, route_goes_while_packets_wait);
	tcase_add_test(t, route_to_an_inner_address);
	tcase_add_test(t, other_gateway);
	tcase_add_test(t, routes_change);
	tcase_add_test(t, we_are_a_gateway);
	tcase_add_test(t, to_a_remote_one);
	tcase_add_test(t, carrier_changes);
	tcase_add_test(t, messages_of_a_carried_one);
	tcase_add_test(t, we_are_remote);
	tcase_add_test(t, remote_goes_first);
	tcase_add_test(t, remote_comes_again);
	tcase_add_test(t, copy_from_elsewhere);
	tcase_add_test(t, remote_one_with_an_endpoint);
	tcase_add_test(t, without_an_endpoint);
	tcase_add_test(t, remote_one_calls);
	suite_add_tcase(s, t);
	return s;
}
