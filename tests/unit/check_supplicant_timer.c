/* The Supplicant PAE's timers: silence, time-outs, back-off, re-authentication. */
#include "port.h"
#include "suites.h"

#include <stdlib.h>

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

/* -- silence -- */

START_TEST(silence_is_no_authorization)
{
	port_start(p);
	port_pass(p, 4999);
	port_sent_nothing(p);
	port_pass(p, 1);
	port_sent_start(p);
	port_pass(p, 5000);
	port_sent_start(p);
	port_state(p, VMP_PAE_CONNECTING, false);
	port_pass(p, 5000);
	port_sent_nothing(p);
	port_event(p, VMP_AUTH_SILENT);
	port_state(p, VMP_PAE_AUTHENTICATED, false);
	ck_assert(port_status(p).silent);
	ck_assert_str_eq(port_status(p).why, "nobody answers EAPOL-Start");
}
END_TEST

START_TEST(a_silent_switch_is_asked_again)
{
	port_start(p);
	port_pass(p, 15000);
	port_event(p, VMP_AUTH_SILENT);
	p->n_read = p->n_sent;
	port_pass(p, 294999);
	port_sent_nothing(p);
	port_pass(p, 1);
	port_sent_start(p);
	port_state(p, VMP_PAE_CONNECTING, false);
	port_pass(p, 5000);
	port_state(p, VMP_PAE_AUTHENTICATED, false);
	port_pass(p, 600000);
	port_sent_start(p);
	port_sent_start(p);
	port_sent_nothing(p);
	port_no_event(p);
	port_state(p, VMP_PAE_AUTHENTICATED, false);
}
END_TEST

START_TEST(or_never_if_so_configured)
{
	p->params.silent_period = 0;
	port_start(p);
	port_pass(p, 15000);
	port_event(p, VMP_AUTH_SILENT);
	ck_assert_uint_eq(port_status(p).due, PORT_NEVER);
}
END_TEST

START_TEST(a_switch_that_comes_back_is_answered)
{
	port_start(p);
	port_pass(p, 400000);
	p->n_read = p->n_sent;
	p->n_events = 0;
	port_converse(p, 3);
	ck_assert(!port_status(p).silent);
	ck_assert(port_success(p, 4));
	port_event(p, VMP_AUTH_SUCCEEDED);
	port_state(p, VMP_PAE_AUTHENTICATED, true);
}
END_TEST

/* -- time-outs -- */

START_TEST(a_conversation_that_breaks_off_begins_anew)
{
	port_start(p);
	port_converse(p, 7);
	port_pass(p, 29999);
	port_sent_nothing(p);
	port_pass(p, 1);
	port_sent_start(p);
	port_event(p, VMP_AUTH_TIMED_OUT);
	port_state(p, VMP_PAE_CONNECTING, false);
	ck_assert_str_eq(port_status(p).why, "no answer from the authenticator after EAP-MD5");
	/* Too late. */
	ck_assert(!port_success(p, 8));
	port_state(p, VMP_PAE_CONNECTING, false);
}
END_TEST

START_TEST(as_many_times_as_at_first)
{
	port_start(p);
	port_pass(p, 12000);
	ck_assert(port_identity(p, 7));
	port_pass(p, 30000);
	port_state(p, VMP_PAE_CONNECTING, false);
	p->n_read = p->n_sent;
	port_pass(p, 10000);
	port_sent_start(p);
	port_sent_start(p);
	port_state(p, VMP_PAE_CONNECTING, false);
	port_pass(p, 5000);
	port_state(p, VMP_PAE_AUTHENTICATED, false);
}
END_TEST

START_TEST(each_request_prolongs_it)
{
	port_start(p);
	ck_assert(port_identity(p, 7));
	port_pass(p, 29999);
	ck_assert(port_challenge(p, 8));
	port_pass(p, 29999);
	port_state(p, VMP_PAE_AUTHENTICATING, false);
	ck_assert(port_success(p, 8));
	port_state(p, VMP_PAE_AUTHENTICATED, true);
}
END_TEST

START_TEST(a_repetition_does_not_prolong_it)
{
	port_start(p);
	ck_assert(port_identity(p, 7));
	port_pass(p, 20000);
	ck_assert(port_identity(p, 7));
	port_pass(p, 10000);
	port_state(p, VMP_PAE_CONNECTING, false);
}
END_TEST

/* -- held back -- */

START_TEST(a_failure_holds_back)
{
	port_start(p);
	port_reject(p, 7);
	ck_assert_str_eq(port_status(p).why, "EAP-Failure after EAP-MD5");
	ck_assert_uint_eq(port_status(p).failures, 1);
	port_pass(p, 59999);
	port_sent_nothing(p);
	port_pass(p, 1);
	port_sent_start(p);
	port_state(p, VMP_PAE_CONNECTING, false);
}
END_TEST

START_TEST(each_failure_holds_back_longer)
{
	static const uint64_t held[] = { 60000, 120000, 200000, 200000, 200000 };
	size_t i;

	port_start(p);
	for (i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
		port_reject(p, (uint8_t)(7 + i));
		ck_assert_uint_eq(port_status(p).due, p->now + held[i]);
		port_pass(p, held[i]);
		port_sent_start(p);
	}
	port_converse(p, 100);
	ck_assert(port_success(p, 101));
	port_event(p, VMP_AUTH_SUCCEEDED);
	ck_assert_uint_eq(port_status(p).failures, 0);
}
END_TEST

START_TEST(a_success_between_failures_starts_over)
{
	port_start(p);
	port_reject(p, 7);
	port_pass(p, 60000);
	port_sent_start(p);
	port_converse(p, 20);
	ck_assert(port_success(p, 21));
	p->n_events = 0;
	port_reject(p, 40);
	ck_assert_uint_eq(port_status(p).due, p->now + 60000);
}
END_TEST

START_TEST(a_switch_that_asks_does_not_wait)
{
	port_start(p);
	port_reject(p, 7);
	port_pass(p, 100);
	port_converse(p, 30);
	ck_assert(port_success(p, 31));
	port_state(p, VMP_PAE_AUTHENTICATED, true);
}
END_TEST

START_TEST(nor_does_the_owner)
{
	port_start(p);
	port_reject(p, 7);
	port_start(p);
	port_state(p, VMP_PAE_CONNECTING, false);
	port_reject(p, 9);
	ck_assert_uint_eq(port_status(p).due, p->now + 120000);
}
END_TEST

START_TEST(strays_are_not_heard_while_held)
{
	port_start(p);
	port_reject(p, 7);
	ck_assert(!port_failure(p, 8));
	ck_assert(!port_success(p, 8));
	ck_assert(!port_challenge(p, 8));
	port_sent_nothing(p);
	ck_assert_uint_eq(port_status(p).failures, 1);
	port_state(p, VMP_PAE_HELD, false);
}
END_TEST

/* -- re-authentication -- */

START_TEST(we_ask_again_after_a_while)
{
	port_authenticate(p);
	ck_assert_uint_eq(port_status(p).due, p->now + 3600000);
	port_pass(p, 3600000);
	port_sent_start(p);
	port_state(p, VMP_PAE_CONNECTING, true);
	port_converse(p, 50);
	ck_assert(port_success(p, 51));
	port_state(p, VMP_PAE_AUTHENTICATED, true);
	ck_assert_uint_eq(port_status(p).authorized_at, p->now);
}
END_TEST

START_TEST(or_wait_for_the_switch)
{
	p->params.reauth_period = 0;
	port_authenticate(p);
	ck_assert_uint_eq(port_status(p).due, PORT_NEVER);
	port_converse(p, 50);
	port_state(p, VMP_PAE_AUTHENTICATING, true);
	ck_assert(port_success(p, 51));
	port_event(p, VMP_AUTH_SUCCEEDED);
	port_state(p, VMP_PAE_AUTHENTICATED, true);
}
END_TEST

START_TEST(a_rejected_reauthentication_closes_the_port)
{
	port_authenticate(p);
	port_reject(p, 50);
}
END_TEST

START_TEST(a_switch_that_is_away_takes_nothing)
{
	port_authenticate(p);
	port_pass(p, 3600000);
	port_pass(p, 15000);
	p->n_read = p->n_sent;
	port_event(p, VMP_AUTH_SILENT);
	port_state(p, VMP_PAE_AUTHENTICATED, true);
	ck_assert(port_status(p).silent);
	port_pass(p, 295000);
	port_sent_start(p);
	port_converse(p, 60);
	ck_assert(port_success(p, 61));
	port_event(p, VMP_AUTH_SUCCEEDED);
	ck_assert(!port_status(p).silent);
	ck_assert_uint_eq(port_status(p).due, p->now + 3600000);
}
END_TEST

START_TEST(a_reauthentication_of_ours_that_breaks_off_is_tried_again)
{
	port_authenticate(p);
	port_pass(p, 3600000);
	port_sent_start(p);
	port_converse(p, 50);
	port_pass(p, 30000);
	port_event(p, VMP_AUTH_TIMED_OUT);
	port_state(p, VMP_PAE_AUTHENTICATED, true);
	port_sent_nothing(p);
	port_pass(p, 60000);
	port_sent_start(p);
	port_state(p, VMP_PAE_CONNECTING, true);
}
END_TEST

START_TEST(even_if_the_switch_began_it_once_more)
{
	port_authenticate(p);
	port_pass(p, 3600000);
	port_sent_start(p);
	port_converse(p, 50);
	port_converse(p, 90);
	port_pass(p, 30000);
	port_event(p, VMP_AUTH_TIMED_OUT);
	port_state(p, VMP_PAE_AUTHENTICATED, true);
	ck_assert_uint_eq(port_status(p).due, p->now + 60000);
}
END_TEST

/* -- randomness, and parameters at their ends -- */

START_TEST(jitter_shortens)
{
	uint64_t least = PORT_NEVER, most = 0;
	int i;

	p->params.jitter = 20;
	for (i = 0; i < 1000; i++) {
		uint64_t due;

		port_clear(p);
		port_init(p);
		p->params.jitter = 20;
		p->random = (uint32_t)i * 2654435761u;
		port_authenticate(p);
		due = port_status(p).due - p->now;
		least = due < least ? due : least;
		most = due > most ? due : most;
	}
	ck_assert_uint_le(most, 3600000);
	ck_assert_uint_gt(most, 3500000);
	ck_assert_uint_ge(least, 2880000);
	ck_assert_uint_lt(least, 2980000);
}
END_TEST

START_TEST(jitter_holds_for_failures_and_silence_too)
{
	p->params.jitter = 50;
	p->random = UINT32_MAX;
	port_start(p);
	port_reject(p, 7);
	ck_assert_uint_ge(port_status(p).due, p->now + 30000);
	ck_assert_uint_lt(port_status(p).due, p->now + 60000);
	port_start(p);
	port_pass(p, 15000);
	ck_assert(port_status(p).silent);
	ck_assert_uint_ge(port_status(p).due, p->now + 145000);
	ck_assert_uint_lt(port_status(p).due, p->now + 300000);
}
END_TEST

START_TEST(periods_of_nothing_do_not_hang)
{
	p->params = (struct vmp_supplicant_params){ .jitter = 255, .method = { VMP_EAP_MD5 } };
	port_start(p);
	port_pass(p, 100);
	port_event(p, VMP_AUTH_SILENT);
	ck_assert_uint_eq(port_status(p).due, PORT_NEVER);
	p->n_read = p->n_sent;
	port_converse(p, 7);
	ck_assert(port_failure(p, 8));
	port_event(p, VMP_AUTH_REJECTED);
	port_pass(p, 100);
	port_event(p, VMP_AUTH_SILENT);
	ck_assert_int_lt(p->n_sent, 10);
}
END_TEST

START_TEST(a_step_that_comes_late_catches_up)
{
	port_start(p);
	p->now += 10000000;
	(void)vmp_supplicant_step(p->s, p->now);
	port_sent_start(p);
	port_sent_nothing(p);
	ck_assert_uint_gt(vmp_supplicant_step(p->s, p->now), p->now);
}
END_TEST

Suite *check_supplicant_timer(void)
{
	Suite *s = suite_create("supplicant_timer");
	TCase *t = tcase_create("supplicant_timer");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, silence_is_no_authorization);
	tcase_add_test(t, a_silent_switch_is_asked_again);
	tcase_add_test(t, or_never_if_so_configured);
	tcase_add_test(t, a_switch_that_comes_back_is_answered);
	tcase_add_test(t, a_conversation_that_breaks_off_begins_anew);
	tcase_add_test(t, as_many_times_as_at_first);
	tcase_add_test(t, each_request_prolongs_it);
	tcase_add_test(t, a_repetition_does_not_prolong_it);
	tcase_add_test(t, a_failure_holds_back);
	tcase_add_test(t, each_failure_holds_back_longer);
	tcase_add_test(t, a_success_between_failures_starts_over);
	tcase_add_test(t, a_switch_that_asks_does_not_wait);
	tcase_add_test(t, nor_does_the_owner);
	tcase_add_test(t, strays_are_not_heard_while_held);
	tcase_add_test(t, we_ask_again_after_a_while);
	tcase_add_test(t, or_wait_for_the_switch);
	tcase_add_test(t, a_rejected_reauthentication_closes_the_port);
	tcase_add_test(t, a_switch_that_is_away_takes_nothing);
	tcase_add_test(t, a_reauthentication_of_ours_that_breaks_off_is_tried_again);
	tcase_add_test(t, even_if_the_switch_began_it_once_more);
	tcase_add_test(t, jitter_shortens);
	tcase_add_test(t, jitter_holds_for_failures_and_silence_too);
	tcase_add_test(t, periods_of_nothing_do_not_hang);
	tcase_add_test(t, a_step_that_comes_late_catches_up);
	suite_add_tcase(s, t);
	return s;
}
