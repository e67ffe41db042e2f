#include "vm_request.h"
#include "suites_gatewayd.h"

#include <string.h>

#define ID "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
#define IT "\"product\":\"web-std\",\"request_id\":\"" ID "\""

static const char *const bad[] = {
	"",
	"null",
	"{}",
	"{" IT "}",
	"{\"product\":\"web-std\",\"wants\":1}",
	"{\"request_id\":\"" ID "\",\"wants\":1}",
	"{\"product\":\"\",\"request_id\":\"" ID "\",\"wants\":1}",
	"{\"product\":7,\"request_id\":\"" ID "\",\"wants\":1}",
	"{\"product\":\"web-std\",\"request_id\":\"x\",\"wants\":1}",
	"{" IT ",\"wants\":2}",
	"{" IT ",\"wants\":-1}",
	"{" IT ",\"wants\":\"1\"}",
	"{" IT ",\"wants\":1,\"wants\":1}",
	"{" IT ",\"wants\":1,\"least\":2}",
	"{" IT ",\"wants\":1,\"seen\":-1}",
	"{" IT ",\"wants\":1,\"has\":100000001}",
	"{" IT ",\"wants\":1,\"in_use\":-1}",
	"{" IT ",\"wants\":1,\"started\":[]}",
	"{" IT ",\"wants\":1,\"all\":true}",
	"{" IT ",\"wants\":1,\"uuid\":\"" ID "\"}",
	"{" IT ",\"wants\":1} {}",
};

START_TEST(bad_requests_are_refused)
{
	struct broker_ask ask;
	struct vmp_msg msg = { "" };

	ck_assert_int_eq(vm_request_read(bad[_i], strlen(bad[_i]), &ask, &msg), VMP_EINVAL);
	ck_assert_str_ne(msg.text, "");
}
END_TEST

START_TEST(too_long_is_refused)
{
	static char text[VM_REQUEST_MAX + 2];
	struct broker_ask ask;
	struct vmp_msg msg;

	memset(text, ' ', sizeof(text) - 1);
	memcpy(text, "{" IT ",\"wants\":1}", strlen("{" IT ",\"wants\":1}"));
	ck_assert_int_eq(vm_request_read(text, VM_REQUEST_MAX, &ask, &msg), VMP_OK);
	ck_assert_int_eq(vm_request_read(text, VM_REQUEST_MAX + 1, &ask, &msg), VMP_EINVAL);
}
END_TEST

START_TEST(a_request_is_read)
{
	static const char text[] = "{" IT ",\"seen\":4711,\"has\":1,\"in_use\":1,\"wants\":1,\"least\":1}";
	struct broker_ask ask;
	struct vmp_msg msg;

	ck_assert_int_eq(vm_request_read(text, sizeof(text) - 1, &ask, &msg), VMP_OK);
	ck_assert_str_eq(ask.product, "web-std");
	ck_assert_str_eq(ask.id, ID);
	ck_assert_int_eq(ask.seen, 4711);
	ck_assert_int_eq(ask.has, 1);
	ck_assert_int_eq(ask.in_use, 1);
	ck_assert_int_eq(ask.wants, 1);
}
END_TEST

static json_t *written(const struct broker_ask *ask, const struct broker_answer *answer)
{
	char text[VM_ANSWER_MAX];
	size_t len = vm_answer_write(ask, answer, text);
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

	ck_assert_msg(json != NULL, "%s", text);
	return json;
}

static int64_t number(const json_t *json, const char *name)
{
	ck_assert(json_is_integer(json_object_get(json, name)));
	return json_integer_value(json_object_get(json, name));
}

START_TEST(a_grant_is_told)
{
	struct broker_ask ask = { .product = "a \"b\" \\", .id = ID, .wants = 1 };
	struct broker_answer answer = { .lease = { .seq = 5, .granted = 1, .life_ms = 3999, .grace_ms = 2000 } };
	json_t *json = written(&ask, &answer);

	ck_assert(!vm_answer_is_conflict(&ask, &answer));
	ck_assert_str_eq(json_string_value(json_object_get(json, "product")), ask.product);
	ck_assert_str_eq(json_string_value(json_object_get(json, "request_id")), ID);
	ck_assert_int_eq(number(json, "seq"), 5);
	ck_assert_int_eq(number(json, "granted"), 1);
	ck_assert_int_eq(number(json, "duration_s"), 3); /* never more than there is */
	ck_assert_int_eq(number(json, "grace_s"), 2);
	ck_assert_ptr_null(json_object_get(json, "error"));
	ck_assert_ptr_null(json_object_get(json, "stale"));
	json_decref(json);
}
END_TEST

START_TEST(a_refusal_is_told)
{
	struct broker_ask ask = { .product = "p", .id = ID, .wants = 1 };
	struct broker_answer answer = { .lease = { .refused = true, .available = 2, .life_ms = 9000 },
					.why = "no \"more\"" };
	json_t *json = written(&ask, &answer);

	ck_assert(vm_answer_is_conflict(&ask, &answer));
	ck_assert_str_eq(json_string_value(json_object_get(json, "error")), answer.why);
	ck_assert_str_eq(json_string_value(json_object_get(json, "reason")), answer.why);
	ck_assert_int_eq(number(json, "available"), 2);
	ck_assert_int_eq(number(json, "duration_s"), 0);
	json_decref(json);
}
END_TEST

START_TEST(a_stale_one_is_told)
{
	struct broker_ask ask = { .product = "p", .id = ID, .wants = 1 };
	struct broker_answer answer = { .lease = { .stale = true, .seq = 8, .granted = 1, .life_ms = 9000 } };
	json_t *json = written(&ask, &answer);

	ck_assert(vm_answer_is_conflict(&ask, &answer));
	ck_assert(json_is_true(json_object_get(json, "stale")));
	ck_assert_str_ne(json_string_value(json_object_get(json, "error")), "");
	ck_assert_int_eq(number(json, "duration_s"), 9);
	json_decref(json);
}
END_TEST

START_TEST(a_return_is_no_conflict)
{
	struct broker_ask ask = { .wants = 0 };
	struct broker_answer answer = { .lease = { .seq = 8 } };

	ck_assert(!vm_answer_is_conflict(&ask, &answer));
}
END_TEST

START_TEST(the_longest_fits)
{
	struct broker_ask ask = { .id = ID };
	struct broker_answer answer = { .lease = { .stale = true,
						   .is_short = true,
						   .granted = INT64_MAX,
						   .life_ms = INT64_MAX,
						   .grace_ms = INT64_MAX,
						   .available = INT64_MAX,
						   .seq = INT64_MAX } };

	memset(ask.product, '"', VMP_PRODUCT - 1);
	memset(answer.why, '\\', SERVER_REASON - 1);
	json_decref(written(&ask, &answer));
}
END_TEST

Suite *check_vm_request(void)
{
	Suite *s = suite_create("vm_request");
	TCase *c = tcase_create("all");

	suite_add_tcase(s, c);
	tcase_add_loop_test(c, bad_requests_are_refused, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(c, too_long_is_refused);
	tcase_add_test(c, a_request_is_read);
	tcase_add_test(c, a_grant_is_told);
	tcase_add_test(c, a_refusal_is_told);
	tcase_add_test(c, a_stale_one_is_told);
	tcase_add_test(c, a_return_is_no_conflict);
	tcase_add_test(c, the_longest_fits);
	return s;
}
