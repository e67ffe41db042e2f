#include "net/body.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

static struct message m;
static struct vmp_msg msg;

enum which { START, SELF, ACK, NONE };

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
	tcase_add_test(tc, long_values_are_refused);
	suite_add_tcase(s, tc);
	return s;
}
