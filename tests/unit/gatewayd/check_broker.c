/* The broker towards VMs. */
#include "site.h"
#include "suites_gatewayd.h"

#include <string.h>

static struct broker_answer waited(int vm)
{
	struct site_wait w;

	site_wait(&w, vm, 3000);
	ck_assert(w.answered);
	return w.answer;
}

static void give(int vm)
{
	struct broker_answer a = waited(vm);

	ck_assert_msg(a.lease.granted == 1 && !a.lease.refused, "VM %d: %s", vm, a.why);
}

/* -- negative ----------------------------------------------------------------------------------------------------- */

START_TEST(without_a_server_nobody_gets_one)
{
	struct site_wait w;

	site.server[0].silent = true;
	site_wait(&w, 1, 3000);
	ck_assert(!w.answered);
	site_pass(2900);
	ck_assert(!w.answered);
	site_pass(200);
	ck_assert(w.answered);
	ck_assert(w.answer.lease.refused);
	ck_assert_int_eq(w.answer.lease.granted, 0);
	ck_assert_str_eq(w.answer.why, "no licence server answers");
}
END_TEST

START_TEST(more_than_there_are_is_refused_with_the_reason)
{
	struct site_wait w;
	int i;

	site_own(0, 3);
	for (i = 1; i <= 3; i++)
		give(i);
	site_wait(&w, 4, 3000);
	ck_assert(!w.answered);
	site_pass(3000);
	ck_assert(w.answered && w.answer.lease.refused);
	ck_assert_str_eq(w.answer.why, "all licences are in use");
	ck_assert_int_eq(w.answer.lease.available, 0);
	ck_assert_int_eq(site_occupied(), 3);
}
END_TEST

START_TEST(an_unknown_product_is_refused)
{
	struct broker_ask ask = { .product = "other", .wants = 1 };
	struct broker_answer a;

	memcpy(ask.uuid, site_uuid(1), sizeof(ask.uuid));
	memcpy(ask.id, site_uuid(2), sizeof(ask.id));
	ck_assert_int_eq(broker_ask(site.broker, &ask, site.now, NULL, &a, &site.msg), VMP_OK);
	ck_assert(a.lease.refused);
	ck_assert_int_eq(a.lease.granted, 0);
	ck_assert(*a.why);
}
END_TEST

START_TEST(products_are_limited)
{
	struct broker_ask ask = { .wants = 1 };
	struct broker_answer a;
	int i;

	memcpy(ask.uuid, site_uuid(1), sizeof(ask.uuid));
	memcpy(ask.id, site_uuid(2), sizeof(ask.id));
	for (i = 0; i < BROKER_PRODUCTS; i++) {
		memcpy(ask.uuid, site_uuid(i), sizeof(ask.uuid));
		snprintf(ask.product, sizeof(ask.product), "p%d", i);
		ck_assert_int_eq(broker_ask(site.broker, &ask, site.now, NULL, &a, &site.msg), VMP_OK);
	}
	strcpy(ask.product, "one more");
	ck_assert_int_eq(broker_ask(site.broker, &ask, site.now, NULL, &a, &site.msg), VMP_EACCES);
	/* Giving back needs no product. */
	ask.wants = 0;
	ck_assert_int_eq(broker_ask(site.broker, &ask, site.now, NULL, &a, &site.msg), VMP_OK);
	/* Those that no server has ever given give way soon. */
	site.now += 6000;
	ask.wants = 1;
	ck_assert_int_eq(broker_ask(site.broker, &ask, site.now, NULL, &a, &site.msg), VMP_OK);
}
END_TEST

static int ask_product(int vm, const char *product)
{
	struct broker_ask ask = { .wants = 1 };
	struct broker_answer a;

	memcpy(ask.uuid, site_uuid(vm), sizeof(ask.uuid));
	memcpy(ask.id, site_uuid(99), sizeof(ask.id));
	strcpy(ask.product, product);
	return broker_ask(site.broker, &ask, site.now, NULL, &a, &site.msg);
}

START_TEST(a_vm_that_makes_products_up_is_stopped)
{
	give(1);
	ck_assert_int_eq(ask_product(1, "one"), VMP_OK);
	ck_assert_int_eq(ask_product(1, "two"), VMP_OK);
	ck_assert_int_eq(ask_product(1, "three"), VMP_EACCES);
	ck_assert_ptr_null(broker_parent(site.broker, "three", 0));
	/* Not those that are there, nor others. */
	ck_assert_int_eq(ask_product(1, "one"), VMP_OK);
	ck_assert_int_eq(site_ask(1, 1).lease.granted, 1);
	ck_assert_int_eq(ask_product(2, "three"), VMP_OK);
	/* Nor for ever: a template may have had a wrong one. */
	site.now += 61000;
	ck_assert_int_eq(ask_product(1, "four"), VMP_OK);
}
END_TEST

START_TEST(a_vm_that_asks_often_waits_once)
{
	struct site_wait first, again, other;

	site.server[0].silent = true;
	site_wait(&first, 1, 60000);
	site_wait(&other, 2, 60000);
	site_wait(&again, 1, 60000);
	ck_assert(!first.answered && !other.answered);
	ck_assert(again.answered && again.answer.lease.refused);
	ck_assert_int_eq(broker_parent(site.broker, PRODUCT, 0)->product->n_waiting, 2);
	/* Who has left may wait again. */
	broker_leave(&first.waiter);
	site_wait(&again, 1, 60000);
	ck_assert(!again.answered);
	site.server[0].silent = false;
	site_pass(10000);
	ck_assert(again.answered && again.answer.lease.granted == 1);
	ck_assert(other.answered && other.answer.lease.granted == 1);
}
END_TEST

START_TEST(a_request_from_before_the_last_answer_is_stale)
{
	struct broker_answer a;

	give(1);
	site_forget(1);
	a = site_ask(1, 1);
	ck_assert(a.lease.stale);
	ck_assert_int_eq(a.lease.granted, 1);
	ck_assert_int_eq(site_occupied(), 1);
}
END_TEST

START_TEST(a_seen_from_nowhere_does_not_begin_a_recovery)
{
	struct broker_ask ask = { .product = PRODUCT, .wants = 1, .seen = 4000000 };
	struct broker_answer a;

	give(1);
	memcpy(ask.uuid, site_uuid(2), sizeof(ask.uuid));
	memcpy(ask.id, site_uuid(3), sizeof(ask.id));
	ck_assert_int_eq(broker_ask(site.broker, &ask, site.now, NULL, &a, &site.msg), VMP_OK);
	ck_assert(a.lease.stale);
	ck_assert_int_eq(broker_recovering(site.broker), 0);
}
END_TEST

/* -- leases ------------------------------------------------------------------------------------------------------- */

START_TEST(the_second_needs_no_trip)
{
	int requests;

	give(1);
	requests = site.server[0].requests;
	ck_assert_int_ge(site_held(0), 2);
	ck_assert_int_eq(site_ask(2, 1).lease.granted, 1);
	ck_assert_int_eq(site.server[0].requests, requests);
}
END_TEST

START_TEST(a_child_ends_before_its_parent)
{
	struct broker_answer a;
	struct parent *parent;

	site.settings.life_ms = 3600000;
	site_restart();
	a = waited(1);
	parent = broker_parent(site.broker, PRODUCT, 0);
	ck_assert_int_le(site.now + a.lease.life_ms, parent->end_ms);
	ck_assert_int_le(parent->end_ms, site.now + 59000);
	ck_assert_int_le(a.lease.grace_ms, 10000);
}
END_TEST

START_TEST(what_is_given_back_is_there_for_the_next)
{
	site_own(0, 1);
	give(1);
	ck_assert_int_eq(site_ask(2, 1).lease.granted, 0);
	ck_assert_int_eq(site_ask(1, 0).lease.granted, 0);
	give(2);
	ck_assert_int_eq(site_occupied(), 1);
}
END_TEST

START_TEST(what_is_not_renewed_is_free_after_the_grace)
{
	site_own(0, 1);
	give(1);
	site_pass(29000);
	ck_assert_int_eq(site_occupied(), 1);
	site_pass(2000);
	ck_assert_int_eq(site_occupied(), 0);
	give(2);
}
END_TEST

START_TEST(renewals_go_on_for_ever)
{
	int i;

	site_own(0, 2);
	give(1);
	give(2);
	for (i = 0; i < 100; i++) {
		site_pass(9000);
		ck_assert_int_eq(site_ask(1, 1).lease.granted, 1);
		ck_assert_int_eq(site_ask(2, 1).lease.granted, 1);
	}
	ck_assert_uint_eq(site_counters().grants, 2);
	ck_assert_uint_eq(site_counters().renewals, 200);
}
END_TEST

START_TEST(waiters_are_answered_in_their_order)
{
	struct site_wait first, second;

	site_own(0, 1);
	give(1);
	site_wait(&first, 2, 30000);
	site_wait(&second, 3, 30000);
	ck_assert_int_eq(site_ask(1, 0).lease.granted, 0);
	site_pump();
	ck_assert(first.answered && first.answer.lease.granted == 1);
	ck_assert(!second.answered);
	broker_leave(&second.waiter);
	broker_leave(&second.waiter);
}
END_TEST

/* -- kill -9, another boot, an older copy ---------------------------------------------------------------------------
 */

START_TEST(a_restart_changes_nothing)
{
	struct broker_answer a;

	give(1);
	give(2);
	site_restart();
	ck_assert_int_eq(site_occupied(), 2);
	ck_assert_int_ge(site_held(0), 2);
	a = site_ask(1, 1);
	ck_assert(!a.lease.stale);
	ck_assert_int_eq(a.lease.granted, 1);
	ck_assert_int_eq(site_occupied(), 2);
}
END_TEST

START_TEST(after_a_boot_children_are_waited_out)
{
	site_own(0, 2);
	give(1);
	give(2);
	site.server[0].silent = true;
	site.now += 3600000; /* of another boot's clock: it says nothing of how long we were off */
	site.loose = true;
	site_reboot();
	ck_assert_int_eq(site_occupied(), 2);
	ck_assert_int_eq(site_ask(3, 1).lease.granted, 0);
	site_pass(29000);
	ck_assert_int_eq(site_occupied(), 2);
	site_pass(2000);
	ck_assert_int_eq(site_occupied(), 0);
}
END_TEST

START_TEST(after_a_boot_the_parent_counts_when_it_is_renewed)
{
	give(1);
	site.server[0].silent = true;
	site_reboot();
	site_pump();
	ck_assert_int_eq(site_ask(2, 1).lease.granted, 0);
	site.server[0].silent = false;
	site_pass(8000);
	ck_assert_int_eq(site_ask(2, 1).lease.granted, 1);
}
END_TEST

START_TEST(a_store_without_its_mark_waits)
{
	give(1);
	broker_recover(site.broker, 5000, site.now);
	ck_assert_int_eq(site_ask(2, 1).lease.granted, 0);
	ck_assert_int_gt(broker_recovering(site.broker), site.now);
	site_restart();
	ck_assert_int_gt(broker_recovering(site.broker), site.now);
	ck_assert_int_ge(broker_seq(site.broker), 5000);
	/* Whoever has one keeps it. */
	ck_assert_int_eq(site_ask(1, 1).lease.granted, 1);
	site_pass(1000000);
	ck_assert_int_eq(broker_recovering(site.broker), 0);
	give(2);
}
END_TEST

Suite *check_broker(void)
{
	Suite *s = suite_create("broker");
	TCase *c = tcase_create("VMs");

	suite_add_tcase(s, c);
	tcase_add_checked_fixture(c, site_setup_one, site_teardown);
	tcase_add_test(c, without_a_server_nobody_gets_one);
	tcase_add_test(c, more_than_there_are_is_refused_with_the_reason);
	tcase_add_test(c, an_unknown_product_is_refused);
	tcase_add_test(c, products_are_limited);
	tcase_add_test(c, a_vm_that_makes_products_up_is_stopped);
	tcase_add_test(c, a_vm_that_asks_often_waits_once);
	tcase_add_test(c, a_request_from_before_the_last_answer_is_stale);
	tcase_add_test(c, a_seen_from_nowhere_does_not_begin_a_recovery);
	tcase_add_test(c, the_second_needs_no_trip);
	tcase_add_test(c, a_child_ends_before_its_parent);
	tcase_add_test(c, what_is_given_back_is_there_for_the_next);
	tcase_add_test(c, what_is_not_renewed_is_free_after_the_grace);
	tcase_add_test(c, renewals_go_on_for_ever);
	tcase_add_test(c, waiters_are_answered_in_their_order);
	tcase_add_test(c, a_restart_changes_nothing);
	tcase_add_test(c, after_a_boot_children_are_waited_out);
	tcase_add_test(c, after_a_boot_the_parent_counts_when_it_is_renewed);
	tcase_add_test(c, a_store_without_its_mark_waits);
	return s;
}
