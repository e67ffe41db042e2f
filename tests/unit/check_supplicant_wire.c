/* Several guests on one port, whose switch replies to the group's address: each frame reaches all of them. */
#include "authenticator.h"
#include "suites.h"
#include "tls_world.h"

#include <stdlib.h>
#include <string.h>

#define GUESTS 3

static struct port *guests[GUESTS];
static struct authenticator *switches[GUESTS];
static struct vmp_tls_identity *identity;
static SSL_CTX *server;
static uint32_t seed;

static uint32_t draw(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

static void guest_new(int i)
{
	struct port *p = guests[i] = malloc(sizeof(struct port));

	ck_assert_ptr_nonnull(p);
	port_init(p);
	p->mac += (uint64_t)i;
	p->tls = identity;
	p->group = true;
	p->random = draw();
}

static void setup(void)
{
	struct vmp_tls_files files;
	int i;

	tls_world_setup();
	files = tls_world_files();
	identity = tls_world_identity(&files);
	server = tls_world_server(&tls_world.server, NULL, 0);
	seed = 1;
	for (i = 0; i < GUESTS; i++) {
		guest_new(i);
		switches[i] = malloc(sizeof(struct authenticator));
		ck_assert_ptr_nonnull(switches[i]);
		authenticator_init(switches[i], VMP_EAP_TLS);
		switches[i]->tls.ctx = server;
	}
}

static void teardown(void)
{
	int i;

	for (i = 0; i < GUESTS; i++) {
		port_clear(guests[i]);
		authenticator_clear(switches[i]);
		free(guests[i]);
		free(switches[i]);
	}
	SSL_CTX_free(server);
	vmp_tls_identity_free(identity);
	tls_world_teardown();
}

/* -- the wire -- */

static bool expected(const uint8_t *packet, size_t len)
{
	struct vmp_eapol e = { .dst = VMP_EAPOL_PAE_GROUP,
			       .src = PORT_SWITCH,
			       .version = 2,
			       .type = VMP_EAPOL_EAP,
			       .body = packet,
			       .len = (uint16_t)len };
	int i;

	for (i = 0; i < GUESTS; i++) {
		if (vmp_supplicant_expects(guests[i]->s, &e))
			return true;
	}
	return false;
}

/* To all of them; or, as hostd does, to those that expect it, if any does. */
static void deliver(const struct authenticator *a, bool filter)
{
	int i;

	filter = filter && expected(a->packet, a->len);
	for (i = 0; i < GUESTS; i++) {
		guests[i]->expecting = filter;
		(void)port_give(guests[i], a->packet, a->len);
		guests[i]->expecting = false;
	}
}

/* One frame of one guest. @return whether there was one. */
static bool carry(int i, bool filter)
{
	const struct port_sent *sent = port_next(guests[i]);

	if (sent && authenticator_take(switches[i], sent) > 0)
		deliver(switches[i], filter);
	return sent != NULL;
}

/* In turn, one frame each, until all are quiet. */
static void carry_all(bool filter)
{
	bool any;
	int i;

	do {
		any = false;
		for (i = 0; i < GUESTS; i++)
			any |= carry(i, filter);
	} while (any);
}

static void pass(uint64_t ms, bool filter)
{
	uint64_t end = guests[0]->now + ms;

	while (guests[0]->now < end) {
		int i;

		for (i = 0; i < GUESTS; i++)
			port_pass(guests[i], 100);
		carry_all(filter);
	}
}

static void start(int i)
{
	vmp_supplicant_start(guests[i]->s, guests[i]->now);
}

/* What a guest believes is what its switch holds. */
static void agree(void)
{
	int i;

	for (i = 0; i < GUESTS; i++)
		ck_assert_int_eq(port_status(guests[i]).authorized, switches[i]->authorized);
}

static void all_open(void)
{
	int i;

	agree();
	for (i = 0; i < GUESTS; i++)
		port_state(guests[i], VMP_PAE_AUTHENTICATED, true);
}

static void use_md5(void)
{
	int i;

	for (i = 0; i < GUESTS; i++)
		switches[i]->method = VMP_EAP_MD5;
}

/* Different conversations begin with different identifiers, as they do with a switch that draws them. */
static void spread(void)
{
	int i;

	for (i = 0; i < GUESTS; i++)
		switches[i]->first_id = (uint8_t)(draw() % 64 + 80U * (unsigned)i);
}

/* -- one after the other -- */

START_TEST(one_after_the_other)
{
	int i;

	if (_i)
		use_md5();
	spread();
	for (i = 0; i < GUESTS; i++) {
		start(i);
		carry_all(true);
		port_state(guests[i], VMP_PAE_AUTHENTICATED, true);
		agree();
	}
	all_open();
}
END_TEST

/* Those that are open answer what is not theirs, and come to rest again. */
START_TEST(one_after_the_other_and_all_hear_it)
{
	int i;

	if (_i)
		use_md5();
	spread();
	for (i = 0; i < GUESTS; i++) {
		start(i);
		carry_all(false);
		agree();
	}
	pass(40000, false);
	all_open();
}
END_TEST

/* As hostd does: the next begins as soon as the last one's server has named its method. */
START_TEST(conversations_overlap)
{
	int i;

	for (i = 0; i < GUESTS; i++)
		switches[i]->tls.fragment = 100;
	spread();
	for (i = 0; i < GUESTS; i++) {
		start(i);
		while (port_status(guests[i]).selected == VMP_EAP_NONE)
			ck_assert(carry(i, true));
	}
	for (i = 0; i < GUESTS; i++)
		port_state(guests[i], VMP_PAE_AUTHENTICATING, false);
	carry_all(true);
	all_open();
}
END_TEST

START_TEST(all_at_once_come_in_at_last)
{
	int i;

	spread();
	for (i = 0; i < GUESTS; i++) {
		guests[i]->params.jitter = 50;
		start(i);
	}
	carry_all(true);
	for (i = 0; i < 100; i++) {
		pass(1000, true);
		agree();
	}
	all_open();
}
END_TEST

/* -- what is not theirs -- */

START_TEST(anothers_success_is_not_ours)
{
	use_md5();
	spread();
	start(0);
	while (port_status(guests[0]).selected == VMP_EAP_NONE)
		ck_assert(carry(0, true));
	/* Its response is lost, and another one is let in meanwhile. */
	guests[0]->n_read = guests[0]->n_sent;
	start(1);
	while (carry(1, false))
		;
	port_state(guests[1], VMP_PAE_AUTHENTICATED, true);
	port_state(guests[0], VMP_PAE_AUTHENTICATING, false);
	agree();
}
END_TEST

START_TEST(anothers_failure_is_not_ours)
{
	int i;

	if (_i)
		use_md5();
	spread();
	start(0);
	carry_all(true);
	port_state(guests[0], VMP_PAE_AUTHENTICATED, true);
	switches[1]->reject = true;
	for (i = 0; i < 20; i++) {
		start(1);
		carry_all(false);
		port_state(guests[1], VMP_PAE_HELD, false);
		ck_assert(port_status(guests[0]).authorized);
		pass(40000, false);
		ck_assert(port_status(guests[0]).authorized);
		ck_assert(switches[0]->authorized);
	}
}
END_TEST

/* Held or silent, it answers another's identity and challenge; the Success is still not its own. */
START_TEST(anothers_success_does_not_open_a_held_port)
{
	use_md5();
	spread();
	switches[0]->reject = true;
	start(0);
	carry_all(true);
	port_state(guests[0], VMP_PAE_HELD, false);
	start(1);
	carry_all(false);
	port_state(guests[1], VMP_PAE_AUTHENTICATED, true);
	agree();
	pass(100000, false);
	agree();
}
END_TEST

START_TEST(nor_a_silent_one)
{
	use_md5();
	spread();
	switches[0]->deaf = true;
	start(0);
	pass(20000, true);
	port_state(guests[0], VMP_PAE_AUTHENTICATED, false);
	start(1);
	carry_all(false);
	port_state(guests[1], VMP_PAE_AUTHENTICATED, true);
	agree();
	pass(100000, false);
	agree();
}
END_TEST

/* What TLS has proved is ours, whoever began. */
START_TEST(tls_opens_a_silent_port)
{
	spread();
	switches[0]->deaf = true;
	start(0);
	pass(20000, true);
	ck_assert(port_status(guests[0]).silent);
	switches[0]->deaf = false;
	guests[0]->n_read = guests[0]->n_sent;
	ck_assert_uint_gt(authenticator_begin(switches[0]), 0);
	deliver(switches[0], false);
	carry_all(false);
	port_state(guests[0], VMP_PAE_AUTHENTICATED, true);
	ck_assert(!port_status(guests[0]).silent);
	ck_assert_uint_eq(port_status(guests[0]).due, guests[0]->now + 3600000);
}
END_TEST

/* And MD5 has not, but makes us ask. */
START_TEST(md5_opens_a_silent_port_after_a_while)
{
	use_md5();
	spread();
	switches[0]->deaf = true;
	start(0);
	pass(20000, true);
	switches[0]->deaf = false;
	guests[0]->n_read = guests[0]->n_sent;
	ck_assert_uint_gt(authenticator_begin(switches[0]), 0);
	deliver(switches[0], false);
	carry_all(false);
	port_state(guests[0], VMP_PAE_AUTHENTICATED, false);
	pass(60000, true);
	port_state(guests[0], VMP_PAE_AUTHENTICATED, true);
}
END_TEST

/* -- the switch re-authenticates one -- */

START_TEST(a_switch_reauthenticates_one_of_them)
{
	int i;

	if (_i)
		use_md5();
	spread();
	for (i = 0; i < GUESTS; i++) {
		start(i);
		carry_all(true);
	}
	for (i = 0; i < GUESTS; i++) {
		ck_assert_uint_gt(authenticator_begin(switches[i]), 0);
		deliver(switches[i], true);
		carry_all(true);
		ck_assert(switches[i]->authorized);
		agree();
		pass(40000, true);
	}
	all_open();
}
END_TEST

START_TEST(a_switch_reauthenticates_and_rejects_one_of_them)
{
	int i;

	if (_i)
		use_md5();
	spread();
	for (i = 0; i < GUESTS; i++) {
		start(i);
		carry_all(true);
	}
	switches[1]->reject = true;
	ck_assert_uint_gt(authenticator_begin(switches[1]), 0);
	deliver(switches[1], true);
	carry_all(true);
	pass(58000, true);
	port_state(guests[1], VMP_PAE_HELD, false);
	ck_assert(port_status(guests[0]).authorized && switches[0]->authorized);
	ck_assert(port_status(guests[2]).authorized && switches[2]->authorized);
}
END_TEST

Suite *check_supplicant_wire(void)
{
	Suite *s = suite_create("supplicant_wire");
	TCase *t = tcase_create("supplicant_wire");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, one_after_the_other, 0, 2);
	tcase_add_loop_test(t, one_after_the_other_and_all_hear_it, 0, 2);
	tcase_add_test(t, conversations_overlap);
	tcase_add_test(t, all_at_once_come_in_at_last);
	tcase_add_test(t, anothers_success_is_not_ours);
	tcase_add_loop_test(t, anothers_failure_is_not_ours, 0, 2);
	tcase_add_test(t, anothers_success_does_not_open_a_held_port);
	tcase_add_test(t, nor_a_silent_one);
	tcase_add_test(t, tls_opens_a_silent_port);
	tcase_add_test(t, md5_opens_a_silent_port_after_a_while);
	tcase_add_loop_test(t, a_switch_reauthenticates_one_of_them, 0, 2);
	tcase_add_loop_test(t, a_switch_reauthenticates_and_rejects_one_of_them, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
