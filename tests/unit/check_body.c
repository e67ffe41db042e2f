#include "net/body.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

static struct message m;
static struct vmp_msg msg;

enum which { START, SELF, ACK, LEASE, NONE };

static const struct given {
	enum which which;
	const char *text;
	const char *why; /* NULL: good */
} cases[] = {
	{ START, "{\"mac\":\"52-54-00-AA-BB-CC\",\"template\":\"web\"}", NULL },
	{ START, "{\"mac\":\"525400aabbcc\",\"template\":\"web\",\"name\":\"web 1\"}", NULL },
	{ START, "{\"mac\":\"525400aabbcc\"}", "template" },
	{ START, "{\"template\":\"web\"}", "mac" },
	{ START, "{\"mac\":\"01:00:5e:00:00:01\",\"template\":\"web\"}", "mac: expected" },
	{ START, "{\"mac\":\"525400aabbcc\",\"template\":\"\"}", "template: expected" },
	{ START, "{\"mac\":\"525400aabbcc\",\"template\":\"web\",\"other\":1}", "other" },
	{ START, "{\"mac\":5,\"template\":\"web\"}", "Expected string" },
	{ START, "{\"mac\":\"525400aabbcc\",\"template\":\"web\"", "expected JSON" },
	{ START, "{\"mac\":\"525400aabbcc\",\"mac\":\"525400aabbcd\",\"template\":\"web\"}", "duplicate" },
	{ START, "", "expected JSON" },
	{ START, "[]", "Expected object" },
	{ SELF, "{\"wireguard_key\":\"W5nwtg4aCtk9jo+UpxAj8IJgnL+nAE0rmJ/TZodFUYI=\",\"endpoint\":\"192.0.2.1:51820\"}",
	  NULL },
	{ SELF, "{\"wireguard_key\":\"W5nwtg4aCtk9jo\",\"endpoint\":\"192.0.2.1:51820\"}", "wireguard_key: expected" },
	{ SELF, "{\"wireguard_key\":\"W5nwtg4aCtk9jo+UpxAj8IJgnL+nAE0rmJ/TZodFUYI==\",\"endpoint\":\"x\"}",
	  "wireguard_key: expected" },
	{ SELF, "{\"endpoint\":\"192.0.2.1:51820\"}", "wireguard_key" },
	{ ACK, "{\"epoch\":1}", NULL },
	{ ACK, "{\"epoch\":2147483647}", NULL },
	{ ACK, "{\"epoch\":0}", "epoch: expected" },
	{ ACK, "{\"epoch\":-1}", "epoch: expected" },
	{ ACK, "{\"epoch\":2147483648}", "epoch: expected" },
	{ ACK, "{\"epoch\":99999999999999999999}", "expected JSON" },
	{ ACK, "{\"epoch\":\"1\"}", "Expected integer" },
	{ ACK, "{\"epoch\":1.5}", "Expected integer" },
	{ LEASE, "{\"product\":\"os\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":1}", NULL },
	{ LEASE,
	  "{\"product\":\"os\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":0,\"seen\":"
	  "9223372036854775807,\"has\":100000000,\"in_use\":0,\"least\":0}",
	  NULL },
	{ LEASE,
	  "{\"product\":\"os\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":1,\"started\":["
	  "\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"],\"stopped\":[],\"all\":true,\"elsewhere\":2}",
	  NULL },
	{ LEASE, "{\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":1}", "product" },
	{ LEASE, "{\"product\":\"os\",\"wants\":1}", "request_id" },
	{ LEASE, "{\"product\":\"os\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\"}", "wants" },
	{ LEASE, "{\"product\":\"\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":1}",
	  "product: expected a name" },
	{ LEASE,
	  "{\"product\":\"0123456789012345678901234567890123456789012345678901234567890123x\",\"request_id\":"
	  "\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":1}",
	  "product: expected at most 64" },
	{ LEASE, "{\"product\":\"os\",\"request_id\":\"1\",\"wants\":1}", "request_id: expected a UUID" },
	{ LEASE, "{\"product\":\"os\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":-1}",
	  "wants: expected 0 to 100000000" },
	{ LEASE, "{\"product\":\"os\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":100000001}",
	  "wants: expected" },
	{ LEASE, "{\"product\":\"os\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":1.5}",
	  "Expected integer" },
	{ LEASE, "{\"product\":\"os\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":\"1\"}",
	  "Expected integer" },
	{ LEASE, "{\"product\":\"os\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":1,\"seen\":-1}",
	  "seen: expected" },
	{ LEASE,
	  "{\"product\":\"os\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":1,\"seen\":"
	  "9223372036854775808}",
	  "expected JSON" },
	{ LEASE, "{\"product\":\"os\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":1,\"has\":-1}",
	  "has: expected" },
	{ LEASE,
	  "{\"product\":\"os\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":1,\"in_use\":-1}",
	  "in_use: expected" },
	{ LEASE,
	  "{\"product\":\"os\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":1,\"least\":"
	  "100000001}",
	  "least: expected" },
	{ LEASE,
	  "{\"product\":\"os\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":1,\"elsewhere\":-5}",
	  "elsewhere: expected" },
	{ LEASE, "{\"product\":\"os\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":1,\"all\":1}",
	  "Expected true or false" },
	{ LEASE,
	  "{\"product\":\"os\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":1,\"started\":\"x\"}",
	  "started: expected a list" },
	{ LEASE,
	  "{\"product\":\"os\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":1,\"started\":[\"x\"]"
	  "}",
	  "started: expected a list" },
	{ LEASE,
	  "{\"product\":\"os\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":1,\"stopped\":[7]}",
	  "stopped: expected a list" },
	{ LEASE,
	  "{\"product\":\"os\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":1,\"stopped\":{}}",
	  "stopped: expected a list" },
	{ LEASE, "{\"product\":\"os\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":1,\"seq\":1}",
	  "seq" },
	{ NONE, "", NULL },
	{ NONE, "{}", NULL },
	{ NONE, "{\"a\":1}", "expected no body" },
	{ NONE, "[]", "expected no body" },
	{ NONE, "{", "expected JSON" },
};

START_TEST(bodies)
{
	const struct given *g = &cases[_i];
	size_t len = strlen(g->text);
	int err = VMP_OK;

	memset(&m, 0, sizeof(m));
	switch (g->which) {
	case START:
		err = body_start(g->text, len, &m, &msg);
		break;
	case SELF:
		err = body_self(g->text, len, &m, &msg);
		break;
	case ACK:
		err = body_ack(g->text, len, &m, &msg);
		break;
	case LEASE:
		err = body_lease(g->text, len, &m, &msg);
		break;
	case NONE:
		err = body_none(g->text, len, &msg);
		break;
	}
	ck_assert_int_eq(err, g->why ? VMP_EINVAL : VMP_OK);
	if (g->why)
		ck_assert_msg(strstr(msg.text, g->why) != NULL, "said: %s", msg.text);
}
END_TEST

START_TEST(start_fills_the_message)
{
	static const char text[] = "{\"mac\":\"52-54-00-AA-BB-CC\",\"template\":\"web\",\"name\":\"n\"}";

	memset(&m, 0, sizeof(m));
	ck_assert_int_eq(body_start(text, strlen(text), &m, &msg), VMP_OK);
	ck_assert_uint_eq(m.mac, 0x525400aabbcc);
	ck_assert_str_eq(m.label, "web");
	ck_assert_str_eq(m.name, "n");
}
END_TEST

/* A request for licences that says all. */
START_TEST(lease_fills_the_message)
{
	static const char text[] =
		"{\"product\":\"web-std\",\"request_id\":\"6BA7B810-9dad-41d1-80b4-00c04fd430c8\",\"seen\":4711,"
		"\"has\":3,"
		"\"in_use\":2,\"wants\":5,\"least\":4,\"started\":[\"00112233-4455-6677-8899-aabbccddeeff\"],"
		"\"stopped\":[\"FFEEDDCC-BBAA-9988-7766-554433221100\"],\"all\":true,\"elsewhere\":7}";
	unsigned i;

	memset(&m, 0, sizeof(m));
	ck_assert_int_eq(body_lease(text, strlen(text), &m, &msg), VMP_OK);
	ck_assert_str_eq(m.lease.product, "web-std");
	ck_assert_str_eq(m.lease.id, "6ba7b810-9dad-41d1-80b4-00c04fd430c8");
	ck_assert_uint_eq(m.lease.seen, 4711);
	ck_assert_uint_eq(m.lease.has, 3);
	ck_assert_uint_eq(m.lease.in_use, 2);
	ck_assert_uint_eq(m.lease.wants, 5);
	ck_assert_uint_eq(m.lease.least, 4);
	ck_assert_uint_eq(m.lease.elsewhere, 7);
	ck_assert_uint_eq(m.lease.all, 1);
	ck_assert_uint_eq(m.lease.n_started, 1);
	ck_assert_uint_eq(m.lease.n_stopped, 1);
	for (i = 0; i < MESSAGE_UUID; i++) {
		ck_assert_uint_eq(m.lease.uuids[i], i * 0x11);
		ck_assert_uint_eq(m.lease.uuids[MESSAGE_UUID + i], 0xff - i * 0x11);
	}
}
END_TEST

START_TEST(what_a_lease_may_leave_out)
{
	static const char text[] = "{\"product\":\"a b\",\"request_id\":\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\","
				   "\"wants\":0}";

	memset(&m, 0xff, sizeof(m));
	ck_assert_int_eq(body_lease(text, strlen(text), &m, &msg), VMP_OK);
	ck_assert_uint_eq(m.lease.least, 1);
	ck_assert_uint_eq(m.lease.seen + m.lease.has + m.lease.in_use + m.lease.elsewhere + m.lease.all, 0);
	ck_assert_uint_eq(m.lease.n_started + m.lease.n_stopped, 0);
}
END_TEST

/* @return what body_lease() says of so many UUIDs in both lists. */
static int many(int started, int stopped)
{
	static char text[BODY_MAX];
	int len = snprintf(text, sizeof(text),
			   "{\"product\":\"os\",\"request_id\":"
			   "\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\",\"wants\":1");
	int lists[] = { started, stopped }, k, i;

	for (k = 0; k < 2; k++) {
		len += snprintf(text + len, sizeof(text) - (size_t)len, ",\"%s\":[", k ? "stopped" : "started");
		for (i = 0; i < lists[k]; i++)
			len += snprintf(text + len, sizeof(text) - (size_t)len,
					"%s\"6ba7b810-9dad-41d1-80b4-00c04fd430c8\"", i ? "," : "");
		len += snprintf(text + len, sizeof(text) - (size_t)len, "]");
	}
	len += snprintf(text + len, sizeof(text) - (size_t)len, "}");
	return body_lease(text, (size_t)len, &m, &msg);
}

START_TEST(lists_have_an_end)
{
	ck_assert_int_eq(many(MESSAGE_UUIDS, 0), VMP_OK);
	ck_assert_int_eq(many(1, MESSAGE_UUIDS - 1), VMP_OK);
	ck_assert_uint_eq(m.lease.n_stopped, MESSAGE_UUIDS - 1);
	ck_assert_int_eq(many(MESSAGE_UUIDS + 1, 0), VMP_EINVAL);
	ck_assert_int_eq(many(1, MESSAGE_UUIDS), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "at most 500"));
}
END_TEST

START_TEST(long_values_are_refused)
{
	char text[1024], name[300];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(text, sizeof(text), "{\"mac\":\"525400aabbcc\",\"template\":\"web\",\"name\":\"%s\"}", name);
	ck_assert_int_eq(body_start(text, strlen(text), &m, &msg), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "name: expected at most 128"));
}
END_TEST

Suite *check_body(void)
{
	Suite *s = suite_create("body");
	TCase *tc = tcase_create("bodies");

	tcase_add_loop_test(tc, bodies, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(tc, start_fills_the_message);
	tcase_add_test(tc, lease_fills_the_message);
	tcase_add_test(tc, what_a_lease_may_leave_out);
	tcase_add_test(tc, lists_have_an_end);
	tcase_add_test(tc, long_values_are_refused);
	suite_add_tcase(s, tc);
	return s;
}
