/* The broker towards its servers. */
#include "site.h"
#include "suites_gatewayd.h"

#include <string.h>

START_TEST(a_lost_answer_is_asked_for_again)
{
	struct site_wait w;

	site.server[0].lossy = true;
	site_wait(&w, 1, 3000);
	ck_assert(!w.answered);
	site_pass(600);
	ck_assert(w.answered && w.answer.lease.granted == 1);
	/* The lost one, the same again, and the report of the VM; answered twice. */
	ck_assert_int_eq(site.server[0].requests, 3);
	ck_assert_int_eq(vmp_lease_seq(site.server[0].book), 2);
}
END_TEST

START_TEST(a_request_of_before_a_kill_is_sent_again_as_it_was)
{
	struct site_wait w;
	char first[VMP_BROKER_BODY];

	site.server[0].lossy = true;
	site_wait(&w, 1, 3000);
	broker_leave(&w.waiter);
	strcpy(first, site.server[0].last);
	site_restart();
	ck_assert_int_eq(vmp_lease_seq(site.server[0].book), 1);
	ck_assert_int_eq(site.server[0].requests, 2);
	ck_assert_str_eq(site.server[0].last, first);
	ck_assert_int_ge(site_held(0), 1);
}
END_TEST

START_TEST(an_answer_that_cannot_be_written_is_asked_for_again)
{
	struct site_wait w;

	site.server[0].full = true;
	site_wait(&w, 1, 5000);
	ck_assert(!w.answered);
	ck_assert_int_eq(site_held(0), 0);
	site_pass(2000);
	ck_assert(w.answered && w.answer.lease.granted == 1);
	ck_assert_int_eq(vmp_lease_seq(site.server[0].book), 2);
}
END_TEST

START_TEST(an_answer_that_nobody_looked_at_is_asked_for_again)
{
	struct site_wait w;
	struct parent *parent;

	site.server[0].silent = true;
	site_wait(&w, 1, 60000);
	site.server[0].silent = false;
	site.now += 600;
	parent = broker_send(site.broker, site.now);
	ck_assert_ptr_nonnull(parent);
	/* As long as it is on its way, it is not sent again. */
	site_pass(5000);
	ck_assert(!w.answered);
	broker_unheard(site.broker, parent, site.now);
	site_pass(1000);
	ck_assert(w.answered && w.answer.lease.granted == 1);
}
END_TEST

START_TEST(what_a_longer_lease_promised_is_not_given_back)
{
	struct parent *parent;

	site.settings.life_ms = 50000;
	site_restart();
	ck_assert(site_gets(1));
	site.server[0].pool.life_ms = 5000;
	site.server[0].pool.grace_ms = 0;
	site_own(0, 10);
	site_pass(11000);
	parent = broker_parent(site.broker, PRODUCT, 0);
	ck_assert_int_lt(parent->end_ms, site.now + 5000);
	site.server[0].silent = true;
	site_pass(10000);
	/* The lease is over, and VM 1 has been promised more than that. */
	ck_assert_int_eq(parent->held, 0);
	ck_assert_int_eq(site_occupied(), 1);
	ck_assert_int_ge(parent->lapsing, 1);
	site_restart();
	ck_assert_int_ge(broker_parent(site.broker, PRODUCT, 0)->lapsing, 1);
	site_pass(60000);
	ck_assert_int_eq(site_occupied(), 0);
	ck_assert_int_eq(broker_parent(site.broker, PRODUCT, 0)->lapsing, 0);
}
END_TEST

START_TEST(what_lapses_is_not_given_back_for_what_ends_before)
{
	site.settings.life_ms = 50000;
	site_restart();
	site.server[1].pool.life_ms = 15000;
	site_own(1, 10);
	site_own(0, 2);
	ck_assert(site_gets(1));
	ck_assert(site_gets(2));
	ck_assert(site_gets(3));
	(void)site_ask(3, 0);
	site_own(0, 1);
	site_pass(25000);
	ck_assert_int_eq(site_held(0), 1);
	ck_assert_int_ge(site_held(1), 1);
	ck_assert_int_eq(broker_parent(site.broker, PRODUCT, 0)->lapsing, 1);
	/* The second server's lease ends before the VMs' do. */
	site.server[0].silent = site.server[1].silent = true;
	site_pass(60000);
	ck_assert_int_eq(site_occupied(), 0);
}
END_TEST

START_TEST(the_next_server_is_asked_on_refusal)
{
	site_own(0, 0);
	ck_assert(site_gets(1));
	ck_assert_int_eq(site_held(0), 0);
	ck_assert_int_ge(site_held(1), 1);
}
END_TEST

START_TEST(the_next_server_is_asked_on_silence)
{
	site.server[0].silent = true;
	ck_assert(site_gets(1));
	ck_assert_int_ge(site_held(1), 1);
}
END_TEST

START_TEST(the_next_server_is_asked_when_one_turns_us_away)
{
	site.server[0].status = 403;
	ck_assert(site_gets(1));
	ck_assert_int_ge(site_held(1), 1);
	ck_assert_ptr_null(broker_parent(site.broker, PRODUCT, 0)->body);
}
END_TEST

START_TEST(then_a_smaller_number)
{
	struct site_wait w[6];
	int i, n = 0;

	site_own(0, 2);
	site_own(1, 3);
	site.server[0].silent = site.server[1].silent = true;
	for (i = 0; i < 6; i++)
		site_wait(&w[i], i + 1, 8000);
	site.server[0].silent = site.server[1].silent = false;
	site_pass(8000);
	for (i = 0; i < 6; i++) {
		ck_assert(w[i].answered);
		n += w[i].answer.lease.granted == 1;
	}
	ck_assert_int_eq(n, 5);
	ck_assert_int_eq(site_held(0), 2);
	ck_assert_int_eq(site_held(1), 3);
}
END_TEST

START_TEST(a_refused_round_is_not_repeated_in_haste)
{
	struct site_wait w;

	site_own(0, 0);
	site_own(1, 0);
	site_wait(&w, 1, 10000);
	site_pass(10000);
	ck_assert(w.answered && w.answer.lease.refused);
	ck_assert_int_lt(site.server[0].requests, 12);
	ck_assert_int_lt(site.server[1].requests, 12);
}
END_TEST

START_TEST(renewals_keep_what_is_held)
{
	ck_assert(site_gets(1));
	site_live(1000000, 1, 1);
	ck_assert_int_ge(site.server[0].requests, 50);
	ck_assert_int_eq(site.server[1].requests, 0);
}
END_TEST

START_TEST(children_go_on_until_the_parents_end)
{
	int i;

	ck_assert(site_gets(1));
	site.server[0].silent = site.server[1].silent = true;
	for (i = 0; i < 5; i++) {
		site_pass(9000);
		ck_assert_int_eq(site_ask(1, 1).lease.granted, 1);
	}
	site_pass(15000); /* 60 s are over: no renewal, no grant */
	ck_assert_int_eq(site_ask(2, 1).lease.granted, 0);
	site_pass(10000);
	ck_assert_int_eq(site_occupied(), 0);
	ck_assert_int_eq(site_held(0), 0);
	site.server[0].silent = false;
	site_pass(8000);
	ck_assert(site_gets(1));
}
END_TEST

START_TEST(a_silent_servers_share_is_taken_from_the_next)
{
	ck_assert(site_gets(1));
	site.server[0].silent = true;
	site_live(50000, 1, 1);
	ck_assert_int_ge(site_held(1), 1);
	site_live(100000, 1, 1);
	ck_assert_int_eq(site_ask(1, 1).lease.granted, 1);
}
END_TEST

START_TEST(surplus_goes_back_when_nobody_uses_it)
{
	int i;

	for (i = 1; i <= 10; i++)
		ck_assert(site_gets(i));
	for (i = 1; i <= 10; i++)
		(void)site_ask(i, 0);
	site_pass(60000);
	ck_assert_int_eq(site_held(0) + site_held(1), 0);
}
END_TEST

START_TEST(surplus_goes_back_at_once_when_others_lack)
{
	static const char text[] = "{\"version\": 2, \"short\": [\"" PRODUCT "\"]}";
	struct server_watch watch;

	ck_assert(site_gets(1));
	ck_assert_int_ge(site_held(0), 2);
	site_pass(1000);
	ck_assert_int_eq(server_watch_read(text, strlen(text), &watch, &site.msg), VMP_OK);
	ck_assert_int_eq(broker_watched(site.broker, 0, &watch, site.now, &site.msg), VMP_OK);
	server_watch_clear(&watch);
	site_pump();
	ck_assert_int_eq(site_held(0), 1);
	ck_assert_int_eq(site_ask(1, 1).lease.granted, 1);
}
END_TEST

START_TEST(what_stays_carries_what_vms_have)
{
	static const char text[] = "{\"version\": 2, \"short\": [\"" PRODUCT "\"]}";
	struct server_watch watch;

	site.settings.life_ms = 50000;
	site_restart();
	site.server[1].pool.life_ms = 15000;
	site_own(1, 10);
	site_own(0, 2);
	ck_assert(site_gets(1));
	ck_assert(site_gets(2));
	ck_assert(site_gets(3));
	(void)site_ask(2, 0);
	(void)site_ask(3, 0);
	site_pass(1000);
	ck_assert_int_eq(server_watch_read(text, strlen(text), &watch, &site.msg), VMP_OK);
	ck_assert_int_eq(broker_watched(site.broker, 0, &watch, site.now, &site.msg), VMP_OK);
	server_watch_clear(&watch);
	/* VM 1's lease goes on for longer than the second server's. */
	site_pass(1000);
	ck_assert_int_ge(site_held(0), 1);
	site_pass(60000);
	ck_assert_int_eq(site_occupied(), 0);
}
END_TEST

START_TEST(what_is_given_back_is_gone_before_it_is_sent)
{
	ck_assert(site_gets(1));
	(void)site_ask(1, 0);
	site_pass(19000);
	site.server[0].silent = true;
	site_pass(11000);
	ck_assert_int_eq(site_held(0), 0);
	site_restart();
	ck_assert_int_eq(site_held(0), 0);
}
END_TEST

START_TEST(a_server_that_owns_less_gets_it_back_with_time)
{
	int i;

	for (i = 1; i <= 4; i++)
		ck_assert(site_gets(i));
	site_own(0, 2);
	site_own(1, 0);
	for (i = 0; i < 12; i++) {
		int vm;

		site_pass(8000);
		for (vm = 1; vm <= 4; vm++)
			(void)site_ask(vm, 1);
	}
	ck_assert_int_eq(site_held(0), 2);
	ck_assert_int_eq(site_occupied(), 2);
}
END_TEST

START_TEST(an_older_copy_of_the_gateways_store_recovers)
{
	struct vmp_lease_answer a;
	struct vmp_lease_request r = { .holder = GATEWAY,
				       .product = PRODUCT,
				       .id = site_uuid(77),
				       .seen = 1,
				       .wants = 3,
				       .least = 3,
				       .pools = (const int64_t[]){ 1 },
				       .n_pools = 1,
				       .trusted = true };

	ck_assert(site_gets(1));
	/* What the gateway asked after the copy was made. */
	r.seen = vmp_lease_seq(site.server[0].book);
	ck_assert_int_eq(vmp_lease_ask(site.server[0].book, &r, site.now, &a, &site.msg), VMP_OK);
	ck_assert(!a.stale);
	site_pass(11000);
	ck_assert_int_gt(broker_recovering(site.broker), site.now);
	ck_assert_int_eq(site_ask(2, 1).lease.granted, 0);
	ck_assert_int_eq(site_ask(1, 1).lease.granted, 1);
}
END_TEST

START_TEST(another_gateway_of_our_name_is_no_storm)
{
	struct site_wait w;
	int requests;

	ck_assert(site_gets(1));
	requests = site.server[0].requests;
	site.server[0].stale = true;
	site_own(1, 0);
	site_wait(&w, 2, 30000);
	site_wait(&w, 3, 30000);
	site_pass(20000);
	ck_assert_int_ge(site.server[0].requests, requests + 5);
	ck_assert_int_lt(site.server[0].requests, requests + 60);
	broker_leave(&w.waiter);
	site.server[0].stale = false;
	site_pass(3000);
	site_forget(1);
	ck_assert(site_gets(1));
}
END_TEST

START_TEST(a_server_that_forgot_us_is_asked_anew)
{
	ck_assert(site_gets(1));
	site.server[0].silent = true;
	site.server[1].silent = true;
	site_pass(120000); /* it is over there, and forgotten */
	ck_assert_int_eq(vmp_lease_tick(site.server[0].book, site.now, NULL, NULL, &site.msg), VMP_OK);
	site.server[0].silent = false;
	site_pass(8000);
	ck_assert_int_eq(broker_recovering(site.broker), 0);
	ck_assert(site_gets(1));
}
END_TEST

START_TEST(a_storm_needs_few_requests)
{
	int vm;

	site_own(0, 5000);
	for (vm = 1; vm <= 4000; vm++) {
		if (vm % 40 == 0)
			site_pass(10);
		if (site_ask(vm, 1).lease.granted == 0)
			ck_assert(site_gets(vm));
	}
	ck_assert_int_eq(site_occupied(), 4000);
	ck_assert_int_lt(site.server[0].requests, 40);
}
END_TEST

Suite *check_broker_servers(void)
{
	Suite *s = suite_create("broker servers");
	TCase *c = tcase_create("two"), *one = tcase_create("one");

	suite_add_tcase(s, c);
	suite_add_tcase(s, one);
	tcase_add_checked_fixture(one, site_setup_one, site_teardown);
	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, site_setup_two, site_teardown);
	tcase_add_test(one, a_lost_answer_is_asked_for_again);
	tcase_add_test(one, a_request_of_before_a_kill_is_sent_again_as_it_was);
	tcase_add_test(one, an_answer_that_cannot_be_written_is_asked_for_again);
	tcase_add_test(one, an_answer_that_nobody_looked_at_is_asked_for_again);
	tcase_add_test(one, what_a_longer_lease_promised_is_not_given_back);
	tcase_add_test(c, what_lapses_is_not_given_back_for_what_ends_before);
	tcase_add_test(c, the_next_server_is_asked_on_refusal);
	tcase_add_test(c, the_next_server_is_asked_on_silence);
	tcase_add_test(c, the_next_server_is_asked_when_one_turns_us_away);
	tcase_add_test(c, then_a_smaller_number);
	tcase_add_test(c, a_refused_round_is_not_repeated_in_haste);
	tcase_add_test(c, renewals_keep_what_is_held);
	tcase_add_test(c, children_go_on_until_the_parents_end);
	tcase_add_test(c, a_silent_servers_share_is_taken_from_the_next);
	tcase_add_test(c, surplus_goes_back_when_nobody_uses_it);
	tcase_add_test(c, surplus_goes_back_at_once_when_others_lack);
	tcase_add_test(c, what_stays_carries_what_vms_have);
	tcase_add_test(one, what_is_given_back_is_gone_before_it_is_sent);
	tcase_add_test(c, a_server_that_owns_less_gets_it_back_with_time);
	tcase_add_test(c, an_older_copy_of_the_gateways_store_recovers);
	tcase_add_test(c, another_gateway_of_our_name_is_no_storm);
	tcase_add_test(c, a_server_that_forgot_us_is_asked_anew);
	tcase_add_test(c, a_storm_needs_few_requests);
	return s;
}
