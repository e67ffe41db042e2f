/* member/member_status.c, member_metrics.c: what is told of it all. */
#include "member_parts.h"
#include "stage.h"
#include "suites_peers.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

static struct machine *a, *b;

static void setup(void)
{
	stage_setup();
	a = machine_add("a", "12");
	b = machine_add("b", "3");
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	ck_assert_msg(text != NULL, "%s is missing", name);
	return text;
}

static const json_t *peer_of(const json_t *status, const char *name)
{
	const json_t *list = json_object_get(status, "peers");
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		if (strcmp(text_of(json_array_get(list, i), "name"), name) == 0)
			return json_array_get(list, i);
	}
	ck_abort_msg("%s is missing", name);
	return NULL;
}

START_TEST(before_it_is_there)
{
	struct evbuffer *out = evbuffer_new();
	json_t *status = member_status();

	ck_assert_str_eq(text_of(status, "trouble"), "not there");
	json_decref(status);
	member_metrics(out);
	ck_assert_uint_eq(evbuffer_get_length(out), 0);
	evbuffer_free(out);
}
END_TEST

START_TEST(not_registered)
{
	json_t *status;

	stage_begin();
	status = member_status();
	ck_assert_str_eq(text_of(status, "trouble"), "not registered yet");
	ck_assert_str_eq(text_of(status, "id"), "");
	ck_assert_str_eq(text_of(status, "inner_address"), "");
	ck_assert_uint_eq(json_array_size(json_object_get(status, "keys")), 0);
	json_decref(status);
}
END_TEST

START_TEST(well)
{
	json_t *status;
	const json_t *p;

	stage_up();
	stage_packet(&a->told.inner6);
	stage_until(machine_agreed, a, 3);
	machine_wg(a)->received = 123;
	stage_run(12000);
	status = member_status();
	ck_assert_str_eq(text_of(status, "trouble"), "");
	ck_assert_str_eq(text_of(status, "name"), "self");
	ck_assert_str_eq(text_of(status, "inner_address"), "fd00::80");
	ck_assert_str_eq(text_of(status, "inner_ipv4"), "10.64.0.80");
	ck_assert_uint_eq(strlen(text_of(status, "public_key")), 44);
	ck_assert_uint_eq(json_array_size(json_object_get(status, "keys")), 4);
	p = peer_of(status, "a");
	ck_assert_str_eq(text_of(p, "state"), "agreed");
	ck_assert_str_eq(text_of(p, "id"), a->told.id);
	ck_assert_str_eq(text_of(p, "coi"), "c1");
	ck_assert_uint_eq(json_array_size(json_object_get(p, "cois")), 2);
	ck_assert_int_eq(json_integer_value(json_object_get(p, "epoch")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(p, "received")), 123);
	ck_assert_int_ge(json_integer_value(json_object_get(p, "key_age_s")), 11);
	p = peer_of(status, "b");
	ck_assert_str_eq(text_of(p, "state"), "idle");
	ck_assert_str_eq(text_of(p, "coi"), "c3");
	ck_assert(json_is_null(json_object_get(p, "key_age_s")));
	json_decref(status);
}
END_TEST

/* No octet of a secret is told. */
START_TEST(no_secrets)
{
	char *text;
	json_t *status;

	stage_up();
	stage_packet(&a->told.inner6);
	stage_until(machine_agreed, a, 3);
	status = member_status();
	text = json_dumps(status, 0);
	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_null(strstr(text, "psk"));
	ck_assert_ptr_null(strstr(text, "private"));
	free(text);
	json_decref(status);
}
END_TEST

static bool has(struct evbuffer *out, const char *line)
{
	return evbuffer_search(out, line, strlen(line), NULL).pos >= 0;
}

START_TEST(metrics)
{
	struct evbuffer *out = evbuffer_new();

	stage_up();
	stage_packet(&a->told.inner6);
	stage_until(machine_agreed, a, 3);
	stage_run(1000);
	member_metrics(out);
	ck_assert(has(out, "\nvmprov_coi_up 1\n"));
	ck_assert(has(out, "\nvmprov_coi_machines 2\n"));
	ck_assert(has(out, "\nvmprov_coi_peers 1\n"));
	ck_assert(has(out, "\nvmprov_coi_keys 4\n"));
	ck_assert(has(out, "\nvmprov_coi_pairs{state=\"agreed\"} 1\n"));
	ck_assert(has(out, "\nvmprov_coi_agreements_total 1\n"));
	ck_assert(has(out, "\nvmprov_coi_packets_held_total 1\n"));
	evbuffer_drain(out, evbuffer_get_length(out));
	member_halt("x");
	member_metrics(out);
	ck_assert(has(out, "\nvmprov_coi_up 0\n"));
	ck_assert(has(out, "\nvmprov_coi_peers 0\n"));
	evbuffer_free(out);
}
END_TEST

Suite *check_member_status(void)
{
	Suite *s = suite_create("member_status");
	TCase *t = tcase_create("member_status");

	tcase_add_checked_fixture(t, setup, stage_teardown);
	tcase_add_test(t, before_it_is_there);
	tcase_add_test(t, not_registered);
	tcase_add_test(t, well);
	tcase_add_test(t, no_secrets);
	tcase_add_test(t, metrics);
	suite_add_tcase(s, t);
	return s;
}
