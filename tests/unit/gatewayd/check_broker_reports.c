/* What the home server is told of VMs, and what it tells. */
#include "site.h"
#include "suites_gatewayd.h"

#include <stdio.h>
#include <string.h>

/* How many VMs the last request names under started or stopped; -1: it has no such list. */
static int named(int server, const char *list)
{
	json_t *request = json_loads(site.server[server].last, 0, NULL);
	const json_t *names = json_object_get(request, list);
	int n = names ? (int)json_array_size(names) : -1;

	json_decref(request);
	return n;
}

static bool lists_all(void)
{
	json_t *request = json_loads(site.server[0].last, 0, NULL);
	bool all = json_is_true(json_object_get(request, "all"));

	json_decref(request);
	return all;
}

static int64_t on_record(void)
{
	return broker_parent(site.broker, PRODUCT, 0)->product->n_reported;
}

static void watch(int server, const char *before, const char *uuid, const char *after)
{
	struct server_watch watch;
	char text[512];

	snprintf(text, sizeof(text), "%s%s%s", before, uuid, after);
	ck_assert_msg(server_watch_read(text, strlen(text), &watch, &site.msg) == VMP_OK, "%s", site.msg.text);
	ck_assert_int_eq(vmp_store_begin(site.store, &site.msg), VMP_OK);
	ck_assert_int_eq(broker_watched(site.broker, server, &watch, site.now, &site.msg), VMP_OK);
	ck_assert_int_eq(vmp_store_commit(site.store, &site.msg), VMP_OK);
	server_watch_clear(&watch);
	site_pump();
}

static void does_not_run(int vm)
{
	struct site_server *s = &site.server[0];

	memcpy(s->not_running[s->n_not_running++], site_uuid(vm), VMP_UUID_TEXT);
}

START_TEST(a_refused_vm_loses_it_and_is_refused_for_a_minute)
{
	struct broker_answer a;

	does_not_run(1);
	ck_assert(site_gets(1));
	site_pump();
	ck_assert_int_eq(site_occupied(), 0);
	site_forget(1);
	a = site_ask(1, 1);
	ck_assert(a.lease.refused);
	ck_assert_str_eq(a.why, "the guest is not running");
	ck_assert_int_eq(site_ask(1, 0).lease.granted, 0);
	site.server[0].n_not_running = 0;
	site_pass(61000);
	site_forget(1);
	ck_assert(site_gets(1));
}
END_TEST

START_TEST(one_too_many_keeps_it_to_its_end)
{
	int requests;

	ck_assert(site_gets(1));
	ck_assert(site_gets(2));
	site_pass(1000);
	/* The server has forgotten us and has none, so there is no place for a VM on its record. */
	site.loose = true;
	vmp_lease_book_free(site.server[0].book);
	site.server[0].book = vmp_lease_book_new(NULL);
	does_not_run(1);
	does_not_run(2);
	site_pass(11000);
	ck_assert_int_eq(site_held(0), 0);
	ck_assert_int_eq(site_occupied(), 2);
	ck_assert_int_eq(on_record(), 0);
	requests = site.server[0].requests;
	site_pass(9000);
	ck_assert_int_le(site.server[0].requests, requests + 3);
	site_pass(12000);
	ck_assert_int_eq(site_occupied(), 0);
}
END_TEST

START_TEST(others_than_home_are_told_nothing)
{
	site_own(0, 0);
	ck_assert(site_gets(1));
	site_pass(2000);
	ck_assert_int_eq(named(1, "started"), -1);
	ck_assert_int_eq(named(0, "started"), 1);
	ck_assert_int_eq(on_record(), 1);
}
END_TEST

START_TEST(the_first_is_reported_at_once_and_more_in_batches)
{
	int vm, requests;

	ck_assert(site_gets(1));
	ck_assert_int_eq(on_record(), 1);
	for (vm = 2; vm <= 8; vm++)
		(void)site_gets(vm);
	requests = site.server[0].requests;
	site_pass(1000);
	ck_assert_int_eq(on_record(), 8);
	ck_assert_int_le(site.server[0].requests, requests + 2);
}
END_TEST

START_TEST(no_more_than_500_in_one_request)
{
	int vm;

	site_own(0, 2000);
	site.settings.spare = 1999;
	site_restart();
	for (vm = 1; vm <= 1200; vm++)
		ck_assert(site_ask(vm, 1).lease.granted == 1 || site_gets(vm));
	site_pass(5000);
	ck_assert_int_eq(on_record(), 1200);
	ck_assert_int_le(named(0, "started"), 500);
}
END_TEST

START_TEST(a_stop_is_reported)
{
	ck_assert(site_gets(1));
	ck_assert_int_eq(site_ask(1, 0).lease.granted, 0);
	site_pass(1000);
	ck_assert_int_eq(named(0, "stopped"), 1);
	ck_assert_int_eq(on_record(), 0);
}
END_TEST

START_TEST(a_lease_that_ran_out_is_reported)
{
	ck_assert(site_gets(1));
	site_pass(32000);
	ck_assert_int_eq(site_occupied(), 0);
	ck_assert_int_eq(on_record(), 0);
}
END_TEST

START_TEST(what_was_not_told_before_a_kill_is_told_after)
{
	ck_assert(site_gets(1));
	site.server[0].silent = true;
	ck_assert_int_eq(site_ask(1, 0).lease.granted, 0);
	ck_assert_int_eq(site_ask(2, 1).lease.granted, 1);
	site_restart();
	site.server[0].silent = false;
	site_pass(3000);
	ck_assert_int_eq(named(0, "stopped"), 1);
	ck_assert_int_eq(named(0, "started"), 1);
	ck_assert_int_eq(on_record(), 1);
}
END_TEST

START_TEST(a_stop_that_the_watch_tells_of_frees_it)
{
	ck_assert(site_gets(1));
	site_pass(1000);
	does_not_run(1);
	watch(0, "{\"version\":2,\"stopped\":[\"", site_uuid(1), "\"]}");
	ck_assert_int_eq(site_occupied(), 0);
	ck_assert_int_eq(on_record(), 0);
	/* It starts again at once, and is not refused for what was. */
	site.server[0].n_not_running = 0;
	site_forget(1);
	ck_assert(site_gets(1));
}
END_TEST

START_TEST(a_vm_that_is_back_already_keeps_it)
{
	ck_assert(site_gets(1));
	site_pass(1000);
	watch(0, "{\"version\":2,\"stopped\":[\"", site_uuid(1), "\"]}");
	ck_assert_int_eq(site_occupied(), 1);
	ck_assert_int_eq(on_record(), 1);
	ck_assert_int_eq(named(0, "started"), 1);
}
END_TEST

START_TEST(only_home_tells_of_stops)
{
	ck_assert(site_gets(1));
	site_pass(1000);
	does_not_run(1);
	watch(1, "{\"version\":2,\"stopped\":[\"", site_uuid(1), "\"]}");
	site_pass(1000);
	ck_assert_int_eq(site_occupied(), 1);
}
END_TEST

START_TEST(a_full_list_without_a_vm_has_it_reported_again)
{
	ck_assert(site_gets(1));
	site_pass(1000);
	does_not_run(1);
	watch(0, "{\"version\":2,\"full\":true,\"licensed\":{}}", "", "");
	ck_assert_int_eq(site_occupied(), 0);
}
END_TEST

START_TEST(a_full_list_with_a_stranger_has_its_stop_reported)
{
	ck_assert(site_gets(1));
	site_pass(1000);
	watch(0,
	      "{\"version\":2,\"full\":true,\"licensed\":{\"" PRODUCT "\":[\"00000000-0000-4000-8000-000000000001\",\"",
	      site_uuid(9), "\"]}}");
	ck_assert_int_eq(named(0, "stopped"), 1);
	ck_assert_int_eq(on_record(), 1);
	ck_assert_int_eq(site_occupied(), 1);
}
END_TEST

START_TEST(another_count_twice_in_a_row_brings_a_full_list)
{
	ck_assert(site_gets(1));
	site_pass(1000);
	site.server[0].licensed = 5;
	site_pass(9500);
	ck_assert(!lists_all());
	site_pass(10000);
	site.server[0].licensed = -1;
	site_pass(1000);
	ck_assert(lists_all());
	ck_assert_int_eq(named(0, "started"), 1);
	site_pass(10000);
	ck_assert(!lists_all());
}
END_TEST

START_TEST(a_stale_answer_brings_a_full_list)
{
	struct vmp_lease_request r = { .holder = GATEWAY,
				       .product = PRODUCT,
				       .id = site_uuid(77),
				       .pools = (const int64_t[]){ 1 },
				       .n_pools = 1 };
	struct vmp_lease_answer a;

	ck_assert(site_gets(1));
	site_pass(1000);
	r.seen = vmp_lease_seq(site.server[0].book);
	r.wants = r.has = 2;
	ck_assert_int_eq(vmp_lease_ask(site.server[0].book, &r, site.now, &a, &site.msg), VMP_OK);
	site_pass(10000);
	ck_assert(lists_all());
	ck_assert_int_eq(on_record(), 1);
}
END_TEST

START_TEST(another_home_is_told_anew)
{
	ck_assert(site_gets(1));
	site_pass(1000);
	site.settings.home = 1;
	site_restart();
	ck_assert_int_eq(named(1, "started"), 1);
	ck_assert_int_eq(site_occupied(), 1);
}
END_TEST

Suite *check_broker_reports(void)
{
	Suite *s = suite_create("broker reports");
	TCase *c = tcase_create("two");

	suite_add_tcase(s, c);
	tcase_set_timeout(c, 30);
	tcase_add_checked_fixture(c, site_setup_two, site_teardown);
	tcase_add_test(c, a_refused_vm_loses_it_and_is_refused_for_a_minute);
	tcase_add_test(c, one_too_many_keeps_it_to_its_end);
	tcase_add_test(c, others_than_home_are_told_nothing);
	tcase_add_test(c, the_first_is_reported_at_once_and_more_in_batches);
	tcase_add_test(c, no_more_than_500_in_one_request);
	tcase_add_test(c, a_stop_is_reported);
	tcase_add_test(c, a_lease_that_ran_out_is_reported);
	tcase_add_test(c, what_was_not_told_before_a_kill_is_told_after);
	tcase_add_test(c, a_stop_that_the_watch_tells_of_frees_it);
	tcase_add_test(c, a_vm_that_is_back_already_keeps_it);
	tcase_add_test(c, only_home_tells_of_stops);
	tcase_add_test(c, a_full_list_without_a_vm_has_it_reported_again);
	tcase_add_test(c, a_full_list_with_a_stranger_has_its_stop_reported);
	tcase_add_test(c, another_count_twice_in_a_row_brings_a_full_list);
	tcase_add_test(c, a_stale_answer_brings_a_full_list);
	tcase_add_test(c, another_home_is_told_anew);
	return s;
}
