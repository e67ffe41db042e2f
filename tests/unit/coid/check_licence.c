/* A licence, and what depends on it: when this machine takes part. */
#include "licence.h"
#include "stage.h"
#include "suites_coid.h"
#include "talk.h"

#include <string.h>

static struct event_base *base;
static struct vmp_msg msg;
static int released;

static void has_released(void)
{
	released++;
}

static void setup(void)
{
	struct licence_settings settings = {
		.product = "web-std", .certificate = "c", .key = "k", .changed = talk_settle
	};

	stage_setup();
	released = 0;
	base = event_base_new();
	ck_assert_int_eq(talk_init(base, &msg), VMP_OK);
	ck_assert_int_eq(licence_init(base, &settings, &msg), VMP_OK);
}

static void teardown(void)
{
	licence_free();
	talk_free();
	event_base_free(base);
}

static void setup_without(void)
{
	stage_setup();
	released = 0;
	base = event_base_new();
	ck_assert_int_eq(talk_init(base, &msg), VMP_OK);
}

static void enrolled(void)
{
	stage.certificate = true;
	licence_hurry();
	talk_again();
}

START_TEST(nothing_is_asked_without_a_certificate)
{
	talk_settle();
	ck_assert_int_eq(stage.requests, 0);
	ck_assert_int_eq(stage.goes, 0);
	ck_assert(!licence_permits());
	ck_assert_str_eq(licence_trouble(), "no licence for web-std");
}
END_TEST

START_TEST(it_takes_part_with_certificate_and_licence)
{
	enrolled();
	ck_assert_int_eq(stage.requests, 1);
	ck_assert_int_eq(stage.goes, 0);
	stage_answer(200, STAGE_GRANTED(1));
	ck_assert_int_eq(stage.goes, 1);
	ck_assert(licence_permits());
	ck_assert_ptr_null(licence_trouble());
	/* A new certificate. */
	talk_again();
	ck_assert_int_eq(stage.goes, 2);
}
END_TEST

START_TEST(refused_it_stays_out_and_says_why)
{
	enrolled();
	stage_answer(409,
		     "{\"seq\":0,\"granted\":0,\"duration_s\":0,\"grace_s\":0,\"reason\":\"all licences are in use\"}");
	ck_assert_int_eq(stage.goes, 0);
	ck_assert_str_eq(licence_trouble(), "no licence for web-std: all licences are in use");
}
END_TEST

START_TEST(what_cannot_be_sent_is_tried_later)
{
	stage.unsendable = true;
	enrolled();
	ck_assert_ptr_nonnull(strstr(licence_trouble(), "no certificate"));
	stage.unsendable = false;
	stage.later_ms += 2000;
	licence_hurry();
	ck_assert_int_eq(stage.requests, 1);
}
END_TEST

START_TEST(through_the_grace_and_out)
{
	enrolled();
	stage_answer(200, STAGE_GRANTED(1));
	stage.later_ms += 100000;
	licence_hurry();
	stage_answer(0, "");
	ck_assert_int_eq(stage.halts, 0);
	ck_assert(licence_permits());
	ck_assert_str_eq(licence_trouble(), "in the grace of its licence for web-std: silence");
	stage.later_ms += 50000;
	licence_hurry();
	stage_answer(0, "");
	ck_assert_int_eq(stage.halts, 1);
	ck_assert_str_eq(stage.halted, "the licence is over");
	ck_assert(!licence_permits());
	/* And in again. */
	stage.later_ms += 60000;
	licence_hurry();
	stage_answer(200, STAGE_GRANTED(2));
	ck_assert_int_eq(stage.goes, 2);
}
END_TEST

START_TEST(the_timer_asks)
{
	enrolled();
	stage_answer(503, "");
	ck_assert_int_eq(stage.requests, 1);
	while (stage.requests < 2)
		event_base_loop(base, EVLOOP_ONCE);
	stage_answer(200, STAGE_GRANTED(1));
	ck_assert_int_eq(stage.goes, 1);
}
END_TEST

START_TEST(given_back)
{
	enrolled();
	stage_answer(200, STAGE_GRANTED(1));
	talk_stop();
	licence_release(has_released);
	ck_assert_int_eq(stage.halts, 1);
	ck_assert_int_eq(released, 0);
	ck_assert_ptr_nonnull(strstr(stage.body, "\"wants\":0"));
	stage_answer(200, "{\"seq\":2,\"granted\":0,\"duration_s\":0,\"grace_s\":0}");
	ck_assert_int_eq(released, 1);
	/* Nothing begins anew. */
	talk_settle();
	licence_hurry();
	ck_assert_int_eq(stage.goes, 1);
	ck_assert_int_eq(stage.requests, 2);
	ck_assert_int_eq(stage.halts, 1);
}
END_TEST

START_TEST(nobody_listens_when_it_is_given_back)
{
	enrolled();
	stage_answer(200, STAGE_GRANTED(1));
	licence_release(has_released);
	while (!released)
		event_base_loop(base, EVLOOP_ONCE);
	stage_answer(0, "");
	ck_assert_int_eq(released, 1);
}
END_TEST

START_TEST(nothing_to_give_back)
{
	licence_release(has_released);
	ck_assert_int_eq(released, 1);
	ck_assert_int_eq(stage.requests, 0);
}
END_TEST

START_TEST(none_is_needed)
{
	ck_assert(licence_permits());
	ck_assert_ptr_null(licence_trouble());
	ck_assert_ptr_null(licence_holder());
	stage.certificate = true;
	licence_hurry();
	talk_again();
	ck_assert_int_eq(stage.requests, 0);
	ck_assert_int_eq(stage.goes, 1);
	licence_release(has_released);
	ck_assert_int_eq(released, 1);
}
END_TEST

Suite *check_licence(void)
{
	Suite *s = suite_create("licence");
	TCase *t = tcase_create("licence"), *without = tcase_create("without");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_checked_fixture(without, setup_without, teardown);
	tcase_add_test(t, nothing_is_asked_without_a_certificate);
	tcase_add_test(t, it_takes_part_with_certificate_and_licence);
	tcase_add_test(t, refused_it_stays_out_and_says_why);
	tcase_add_test(t, what_cannot_be_sent_is_tried_later);
	tcase_add_test(t, through_the_grace_and_out);
	tcase_add_test(t, the_timer_asks);
	tcase_add_test(t, given_back);
	tcase_add_test(t, nobody_listens_when_it_is_given_back);
	tcase_add_test(t, nothing_to_give_back);
	tcase_add_test(without, none_is_needed);
	suite_add_tcase(s, t);
	suite_add_tcase(s, without);
	return s;
}
