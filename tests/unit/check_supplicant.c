/* The Supplicant PAE: states, timers, and who may move it. */
#include "port.h"
#include "suites.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static struct port *p;

static void setup(void)
{
	p = malloc(sizeof(*p));
	ck_assert_ptr_nonnull(p);
	port_init(p);
}

static void teardown(void)
{
	port_clear(p);
	free(p);
}

/* -- beginning -- */

START_TEST(nothing_is_sent_before_the_start)
{
	port_state(p, VMP_PAE_DISCONNECTED, false);
	ck_assert_uint_eq(vmp_supplicant_step(p->s, p->now), PORT_NEVER);
	ck_assert(!port_identity(p, 1));
	ck_assert(!port_success(p, 1));
	ck_assert(!port_failure(p, 1));
	port_sent_nothing(p);
	port_no_event(p);
}
END_TEST

START_TEST(the_start_is_sent_at_once)
{
	port_start(p);
	port_state(p, VMP_PAE_CONNECTING, false);
	port_sent_nothing(p);
	ck_assert_uint_eq(port_status(p).starts, 1);
	ck_assert_uint_eq(port_status(p).due, p->now + 5000);
}
END_TEST

START_TEST(md5_opens_the_port)
{
	port_authenticate(p);
	port_sent_nothing(p);
	ck_assert_uint_eq(port_status(p).method, VMP_EAP_MD5);
	ck_assert_uint_eq(port_status(p).authorized_at, p->now);
	ck_assert_uint_eq(port_status(p).request_id, 8);
	ck_assert_str_eq(port_status(p).why, "");
}
END_TEST

START_TEST(a_switch_may_speak_first)
{
	port_start(p);
	port_pass(p, 4999);
	port_converse(p, 200);
	ck_assert(port_success(p, 201));
	port_state(p, VMP_PAE_AUTHENTICATED, true);
}
END_TEST

START_TEST(a_second_start_begins_anew)
{
	port_start(p);
	ck_assert(port_identity(p, 7));
	(void)port_response(p, 7, VMP_EAP_IDENTITY, NULL);
	port_start(p);
	port_state(p, VMP_PAE_CONNECTING, false);
	/* What the first conversation had is gone. */
	ck_assert(!port_success(p, 7));
	ck_assert(!port_failure(p, 7));
	port_state(p, VMP_PAE_CONNECTING, false);
}
END_TEST

START_TEST(a_start_while_authorized_keeps_the_port)
{
	port_authenticate(p);
	port_start(p);
	port_state(p, VMP_PAE_CONNECTING, true);
	port_converse(p, 90);
	port_state(p, VMP_PAE_AUTHENTICATING, true);
	ck_assert(port_success(p, 91));
	port_event(p, VMP_AUTH_SUCCEEDED);
	port_state(p, VMP_PAE_AUTHENTICATED, true);
}
END_TEST

/* -- what anybody may send to an open port -- */

START_TEST(a_bogus_conversation_takes_nothing)
{
	uint64_t due;

	port_authenticate(p);
	due = port_status(p).due;
	port_converse(p, 50);
	port_state(p, VMP_PAE_AUTHENTICATING, true);
	port_pass(p, 30000);
	port_event(p, VMP_AUTH_TIMED_OUT);
	port_state(p, VMP_PAE_AUTHENTICATED, true);
	port_sent_nothing(p);
	ck_assert_uint_eq(port_status(p).due, due);
}
END_TEST

START_TEST(even_when_our_own_was_due_within_it)
{
	port_authenticate(p);
	port_pass(p, 3590000);
	port_converse(p, 50);
	port_pass(p, 30000);
	port_sent_start(p);
	port_state(p, VMP_PAE_CONNECTING, true);
}
END_TEST

START_TEST(a_failure_out_of_nothing_is_a_hint)
{
	port_authenticate(p);
	port_pass(p, 10000);
	ck_assert(port_failure(p, 77));
	port_pass(p, 0);
	port_sent_start(p);
	port_no_event(p);
	port_state(p, VMP_PAE_CONNECTING, true);
}
END_TEST

START_TEST(hints_come_one_in_a_start_period)
{
	port_authenticate(p);
	port_pass(p, 1000);
	ck_assert(port_failure(p, 77));
	ck_assert(port_failure(p, 78));
	port_sent_nothing(p);
	port_state(p, VMP_PAE_AUTHENTICATED, true);
	port_pass(p, 3999);
	port_sent_nothing(p);
	port_pass(p, 1);
	port_sent_start(p);
	port_state(p, VMP_PAE_CONNECTING, true);
	/* And the conversation that follows is like any. */
	port_converse(p, 90);
	ck_assert(port_failure(p, 91));
	port_state(p, VMP_PAE_HELD, false);
}
END_TEST

START_TEST(a_hint_to_the_group_is_anybodys)
{
	port_authenticate(p);
	port_pass(p, 10000);
	p->group = true;
	ck_assert(!port_failure(p, 77));
	ck_assert(!port_failure(p, 8));
	port_sent_nothing(p);
	port_state(p, VMP_PAE_AUTHENTICATED, true);
}
END_TEST

START_TEST(a_success_out_of_nothing_is_nothing)
{
	port_start(p);
	ck_assert(!port_success(p, 0));
	ck_assert(!port_success(p, 1));
	port_state(p, VMP_PAE_CONNECTING, false);
	port_pass(p, 400000);
	ck_assert(!port_success(p, 0));
	port_state(p, VMP_PAE_AUTHENTICATED, false);
}
END_TEST

START_TEST(a_late_repetition_begins_nothing)
{
	port_authenticate(p);
	ck_assert(!port_challenge(p, 8));
	port_sent_nothing(p);
	port_state(p, VMP_PAE_AUTHENTICATED, true);
}
END_TEST

START_TEST(a_failure_before_any_answer_is_nothing)
{
	port_start(p);
	ck_assert(!port_failure(p, 0));
	port_no_event(p);
	port_state(p, VMP_PAE_CONNECTING, false);
}
END_TEST

START_TEST(frames_that_are_no_eap_are_not_ours)
{
	static const uint8_t start[] = { 1, 7, 0, 5, 1 };
	struct vmp_eapol e = { .dst = PORT_MAC, .src = PORT_SWITCH, .version = 2, .body = start, .len = 5 };
	unsigned type;

	port_start(p);
	for (type = 1; type < 256; type++) {
		e.type = (uint8_t)type;
		ck_assert(!vmp_supplicant_receive(p->s, &e, p->now));
		ck_assert(!vmp_supplicant_expects(p->s, &e));
	}
	port_sent_nothing(p);
	e.type = VMP_EAPOL_EAP;
	e.version = 99;
	ck_assert(vmp_supplicant_receive(p->s, &e, p->now));
}
END_TEST

START_TEST(malformed_packets_are_not_heard)
{
	static const struct {
		uint8_t len, packet[8];
	} cases[] = { { 0, { 0 } },
		      { 3, { 1, 7, 0 } },
		      { 4, { 1, 7, 0, 4 } },
		      { 5, { 1, 7, 0, 6, 1 } },
		      { 5, { 0, 7, 0, 5, 1 } },
		      { 5, { 2, 7, 0, 5, 1 } },
		      { 5, { 5, 7, 0, 5, 1 } },
		      { 5, { 1, 7, 0, 5, 0 } },
		      { 5, { 1, 7, 0, 5, 3 } },
		      { 6, { 1, 7, 0, 6, 3, 4 } } };
	size_t i;

	port_start(p);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert(!port_give(p, cases[i].packet, cases[i].len));
	port_sent_nothing(p);
	port_no_event(p);
	port_state(p, VMP_PAE_CONNECTING, false);
}
END_TEST

/* -- logging off -- */

START_TEST(a_logoff_closes_the_port)
{
	port_authenticate(p);
	vmp_supplicant_logoff(p->s, p->now);
	port_sent_logoff(p);
	port_event(p, VMP_AUTH_LOGGED_OFF);
	port_state(p, VMP_PAE_LOGOFF, false);
	ck_assert_uint_eq(port_status(p).due, PORT_NEVER);
	ck_assert(!port_identity(p, 1));
	ck_assert(!port_failure(p, 8));
	vmp_supplicant_logoff(p->s, p->now);
	port_sent_nothing(p);
	port_no_event(p);
}
END_TEST

START_TEST(a_logoff_in_each_state)
{
	static void (*const ways[])(struct port *) = { port_start, port_authenticate };
	size_t i;

	vmp_supplicant_logoff(p->s, p->now);
	port_sent_logoff(p);
	for (i = 0; i < 2; i++) {
		p->n_events = 0;
		ways[i](p);
		vmp_supplicant_logoff(p->s, p->now);
		port_sent_logoff(p);
		port_state(p, VMP_PAE_LOGOFF, false);
	}
	port_start(p);
	p->n_events = 0;
	port_reject(p, 7);
	vmp_supplicant_logoff(p->s, p->now);
	port_sent_logoff(p);
	port_event(p, VMP_AUTH_LOGGED_OFF);
}
END_TEST

START_TEST(a_logoff_during_a_conversation_ends_it)
{
	port_start(p);
	port_converse(p, 7);
	vmp_supplicant_logoff(p->s, p->now);
	port_sent_logoff(p);
	ck_assert(!port_success(p, 8));
	port_state(p, VMP_PAE_LOGOFF, false);
	port_start(p);
	ck_assert(!port_success(p, 8));
	port_state(p, VMP_PAE_CONNECTING, false);
}
END_TEST

START_TEST(the_owner_may_act_on_what_it_hears)
{
	p->logoff_on = VMP_AUTH_REJECTED;
	port_start(p);
	port_converse(p, 7);
	ck_assert(port_failure(p, 8));
	port_sent_logoff(p);
	port_state(p, VMP_PAE_LOGOFF, false);
	p->logoff_on = VMP_AUTH_BEGAN;
	port_start(p);
	ck_assert(port_identity(p, 9));
	(void)port_response(p, 9, VMP_EAP_IDENTITY, NULL);
	port_sent_logoff(p);
	p->logoff_on = VMP_AUTH_SILENT;
	port_start(p);
	port_pass(p, 20000);
	port_state(p, VMP_PAE_LOGOFF, false);
	p->logoff_on = -1;
	p->start_on = VMP_AUTH_LOGGED_OFF;
	port_start(p);
	vmp_supplicant_logoff(p->s, p->now);
	port_state(p, VMP_PAE_CONNECTING, false);
}
END_TEST

/* -- the instance -- */

START_TEST(names)
{
	ck_assert_str_eq(vmp_pae_name(VMP_PAE_AUTHENTICATED), "AUTHENTICATED");
	ck_assert_str_eq(vmp_pae_name(VMP_PAE_LOGOFF), "LOGOFF");
	ck_assert_str_eq(vmp_pae_name((enum vmp_pae_state)99), "unknown");
	ck_assert_str_eq(vmp_auth_name(VMP_AUTH_LOGGED_OFF), "logged-off");
	ck_assert_str_eq(vmp_auth_name((enum vmp_auth_event)99), "unknown");
}
END_TEST

START_TEST(the_longest_identity_fits)
{
	char identity[300];
	struct vmp_supplicant_ops none = { 0 };
	struct vmp_supplicant *s;

	memset(identity, 'i', sizeof(identity) - 1);
	identity[sizeof(identity) - 1] = '\0';
	s = vmp_supplicant_new(&p->params, &none, NULL, identity);
	ck_assert_ptr_nonnull(s);
	vmp_supplicant_free(s);
	vmp_supplicant_free(NULL);
}
END_TEST

/* A thousand guests that have been authenticated, and rest. */
START_TEST(an_instance_at_rest_is_small)
{
	enum { N = 1000 };
	static struct vmp_supplicant *all[N];
	size_t before, after;
	int i;

	port_authenticate(p);
	before = mallinfo2().uordblks;
	for (i = 0; i < N; i++) {
		struct vmp_supplicant *own = p->s;

		p->n_sent = p->n_read = p->n_events = 0;
		port_init(p);
		all[i] = p->s;
		port_authenticate(p);
		p->s = own;
	}
	after = mallinfo2().uordblks;
	for (i = 0; i < N; i++)
		vmp_supplicant_free(all[i]);
	/* Sanitizers have an allocator of their own. */
	if (before == 0)
		return;
	ck_assert_uint_lt((after - before) / N, 4096 - VMP_TLS_SESSION_MAX);
}
END_TEST

Suite *check_supplicant(void)
{
	Suite *s = suite_create("supplicant");
	TCase *t = tcase_create("supplicant");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, nothing_is_sent_before_the_start);
	tcase_add_test(t, the_start_is_sent_at_once);
	tcase_add_test(t, md5_opens_the_port);
	tcase_add_test(t, a_switch_may_speak_first);
	tcase_add_test(t, a_second_start_begins_anew);
	tcase_add_test(t, a_start_while_authorized_keeps_the_port);
	tcase_add_test(t, a_bogus_conversation_takes_nothing);
	tcase_add_test(t, even_when_our_own_was_due_within_it);
	tcase_add_test(t, a_failure_out_of_nothing_is_a_hint);
	tcase_add_test(t, hints_come_one_in_a_start_period);
	tcase_add_test(t, a_hint_to_the_group_is_anybodys);
	tcase_add_test(t, a_success_out_of_nothing_is_nothing);
	tcase_add_test(t, a_late_repetition_begins_nothing);
	tcase_add_test(t, a_failure_before_any_answer_is_nothing);
	tcase_add_test(t, frames_that_are_no_eap_are_not_ours);
	tcase_add_test(t, malformed_packets_are_not_heard);
	tcase_add_test(t, a_logoff_closes_the_port);
	tcase_add_test(t, a_logoff_in_each_state);
	tcase_add_test(t, a_logoff_during_a_conversation_ends_it);
	tcase_add_test(t, the_owner_may_act_on_what_it_hears);
	tcase_add_test(t, names);
	tcase_add_test(t, the_longest_identity_fits);
	tcase_add_test(t, an_instance_at_rest_is_small);
	suite_add_tcase(s, t);
	return s;
}
