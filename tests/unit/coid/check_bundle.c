#include "bundle.h"
#include "sample.h"
#include "suites_coid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOOD SAMPLE(SAMPLE_UUID, SAMPLE_TOKEN)
#define CA   ",\"ca\":\"" SAMPLE_CA "\""

static const struct {
	const char *text, *why;
} bad[] = {
	{ "", "an object in JSON" },
	{ "[]", "an object in JSON" },
	{ "{", "an object in JSON" },
	{ GOOD "x", "an object in JSON" },
	{ "{}", "uuid: expected a UUID" },
	{ "{\"uuid\":1}", "uuid: expected a UUID" },
	{ "{\"uuid\":\"1\"}", "uuid: expected a UUID" },
	{ "{\"uuid\":\"ABCDEFAB-2222-4333-8444-555555555501\"}", "uuid: expected a UUID in lower case" },
	{ "{" SAMPLE_HEAD(SAMPLE_UUID) ",\"uuid\":\"" SAMPLE_UUID "\"" CA "}", "an object in JSON" },
	{ "{\"uuid\":\"" SAMPLE_UUID "\"}", "template: expected the name of a template" },
	{ "{\"uuid\":\"" SAMPLE_UUID "\",\"template\":\"a/b\"}", "template: expected" },
	{ "{\"uuid\":\"" SAMPLE_UUID "\",\"template\":\"host\"}", "template: expected" },
	{ "{\"uuid\":\"" SAMPLE_UUID "\",\"template\":\"\"}", "template: expected" },
	{ "{\"uuid\":\"" SAMPLE_UUID "\",\"template\":\"web\"}", "policyd: expected https://" },
	{ "{\"uuid\":\"" SAMPLE_UUID "\",\"template\":\"web\",\"policyd\":\"http://x\"}",
	  "policyd: expected https://" },
	{ "{\"uuid\":\"" SAMPLE_UUID "\",\"template\":\"web\",\"policyd\":\"https://\"}",
	  "policyd: expected https://" },
	{ "{\"uuid\":\"" SAMPLE_UUID "\",\"template\":\"web\",\"policyd\":\"https://a b\"}",
	  "policyd: expected https://" },
	{ "{\"uuid\":\"" SAMPLE_UUID "\",\"template\":\"web\",\"policyd\":\"https://u@x\"}",
	  "policyd: expected https://" },
	{ "{" SAMPLE_HEAD(SAMPLE_UUID) "}", "ca: expected certificates" },
	{ "{" SAMPLE_HEAD(SAMPLE_UUID) ",\"ca\":\"no PEM\"}", "ca: expected certificates" },
	{ "{" SAMPLE_HEAD(SAMPLE_UUID) ",\"ca\":[]}", "ca: expected certificates" },
	{ "{" SAMPLE_HEAD(SAMPLE_UUID) ",\"token\":\"two words\"" CA "}", "token: expected a join token" },
	{ "{" SAMPLE_HEAD(SAMPLE_UUID) ",\"token\":null" CA "}", "token: expected a join token" },
	{ "{" SAMPLE_HEAD(SAMPLE_UUID) ",\"used\":{}" CA "}", "used: expected" },
	{ "{" SAMPLE_HEAD(SAMPLE_UUID) ",\"used\":[1]" CA "}", "used: expected a mark" },
	{ "{" SAMPLE_HEAD(SAMPLE_UUID) ",\"used\":[\"00\"]" CA "}", "used: expected a mark" },
	{ "{" SAMPLE_HEAD(SAMPLE_UUID) ",\"used\":[1,2,3,4,5]" CA "}", "used: expected at most 4" },
	{ "{\"uuid\":\"" SAMPLE_UUID "\",\"template\":\"web\",\"policyd\":\"https://x\",\"gateway\":\"a/b\"" CA "}",
	  "gateway: expected a DNS name" },
	{ "{\"uuid\":\"" SAMPLE_UUID
	  "\",\"template\":\"web\",\"policyd\":\"https://x\",\"licence_product\":\"a\\tb\"" CA "}",
	  "licence_product: expected" },
};

static struct bundle b;
static struct vmp_msg msg;

static void teardown(void)
{
	bundle_clear(&b);
}

START_TEST(bad_ones_are_refused)
{
	ck_assert_int_eq(bundle_read(bad[_i].text, strlen(bad[_i].text), &b, &msg), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, bad[_i].why), "%s: %s", bad[_i].text, msg.text);
	ck_assert_ptr_null(strstr(msg.text, SAMPLE_TOKEN));
}
END_TEST

START_TEST(one_that_is_too_long_is_refused)
{
	char *text = malloc(BUNDLE_MAX + 1);
	size_t len = strlen(GOOD);

	memcpy(text, GOOD, len);
	memset(text + len, ' ', BUNDLE_MAX + 1 - len);
	ck_assert_int_eq(bundle_read(text, BUNDLE_MAX, &b, &msg), VMP_OK);
	bundle_clear(&b);
	ck_assert_int_eq(bundle_read(text, BUNDLE_MAX + 1, &b, &msg), VMP_EINVAL);
	free(text);
}
END_TEST

START_TEST(names_have_their_lengths)
{
	char text[4096], name[BUNDLE_NAME + 1];
	int len;

	memset(name, 'n', sizeof(name));
	for (len = BUNDLE_NAME - 1; len <= BUNDLE_NAME; len++) {
		snprintf(text, sizeof(text),
			 "{\"name\":\"%.*s\",\"uuid\":\"%s\",\"template\":\"web\",\"policyd\":\"https://x\"%s}", len,
			 name, SAMPLE_UUID, CA);
		ck_assert_int_eq(bundle_read(text, strlen(text), &b, &msg), len < BUNDLE_NAME ? VMP_OK : VMP_EINVAL);
		bundle_clear(&b);
	}
}
END_TEST

START_TEST(a_good_one)
{
	ck_assert_int_eq(bundle_read(GOOD, strlen(GOOD), &b, &msg), VMP_OK);
	ck_assert_str_eq(b.uuid, SAMPLE_UUID);
	ck_assert_str_eq(b.name, "web1");
	ck_assert_str_eq(b.label, "web");
	ck_assert_str_eq(b.policyd, "https://policyd.example:8443");
	ck_assert_str_eq(b.gateway, "192.0.2.9");
	ck_assert_str_eq(b.product, "web-std");
	ck_assert_str_eq(b.token, SAMPLE_TOKEN);
	ck_assert_str_eq(b.used[0], "");
	ck_assert_int_eq(strncmp(b.ca, "-----BEGIN CERTIFICATE-----\n", 28), 0);
}
END_TEST

START_TEST(a_small_one)
{
	static const char text[] = "{\"uuid\":\"" SAMPLE_UUID
				   "\",\"template\":\"web\",\"policyd\":\"https://[::1]:8443\""
				   ",\"something_new\":[1]" CA "}";

	ck_assert_int_eq(bundle_read(text, strlen(text), &b, &msg), VMP_OK);
	ck_assert_str_eq(b.token, "");
	ck_assert_str_eq(b.gateway, "");
	ck_assert_str_eq(b.product, "");
	ck_assert(bundle_is_used(&b, &b));
}
END_TEST

START_TEST(written_and_read_again)
{
	struct bundle again;
	char *text = NULL;

	ck_assert_int_eq(bundle_read(GOOD, strlen(GOOD), &b, &msg), VMP_OK);
	ck_assert_int_eq(bundle_write(&b, &text, &msg), VMP_OK);
	ck_assert_int_eq(bundle_read(text, strlen(text), &again, &msg), VMP_OK);
	ck_assert(bundle_is_same(&b, &again));
	ck_assert_str_eq(again.token, SAMPLE_TOKEN);
	ck_assert_str_eq(again.gateway, b.gateway);
	bundle_clear(&again);
	free(text);
}
END_TEST

START_TEST(a_token_is_wiped_and_remembered)
{
	struct bundle found, again;
	char *text = NULL;

	ck_assert_int_eq(bundle_read(GOOD, strlen(GOOD), &b, &msg), VMP_OK);
	ck_assert_int_eq(bundle_read(GOOD, strlen(GOOD), &found, &msg), VMP_OK);
	ck_assert(!bundle_is_used(&found, &b));
	bundle_use(&b);
	ck_assert_str_eq(b.token, "");
	ck_assert(bundle_is_used(&found, &b));
	ck_assert_int_eq(bundle_write(&b, &text, &msg), VMP_OK);
	ck_assert_ptr_null(strstr(text, SAMPLE_TOKEN));
	ck_assert_int_eq(bundle_read(text, strlen(text), &again, &msg), VMP_OK);
	ck_assert(bundle_is_used(&found, &again));
	/* Without a token there is nothing to remember. */
	bundle_use(&again);
	ck_assert_str_eq(again.used[1], "");
	bundle_clear(&again);
	bundle_clear(&found);
	free(text);
}
END_TEST

START_TEST(the_last_four_are_remembered)
{
	struct bundle found = { .token = "t0" };
	int i;

	for (i = 0; i <= BUNDLE_USED; i++) {
		snprintf(b.token, sizeof(b.token), "t%d", i);
		bundle_use(&b);
	}
	ck_assert(!bundle_is_used(&found, &b));
	snprintf(found.token, sizeof(found.token), "t1");
	ck_assert(bundle_is_used(&found, &b));
}
END_TEST

START_TEST(another_machine_or_ca_is_another)
{
	char ca[] = "one", other[] = "two";
	struct bundle x = { .uuid = SAMPLE_UUID, .ca = ca }, y = x;

	ck_assert(bundle_is_same(&x, &y));
	y.ca = other;
	ck_assert(!bundle_is_same(&x, &y));
	y.ca = ca;
	memcpy(y.uuid, SAMPLE_OTHER, sizeof(SAMPLE_OTHER));
	ck_assert(!bundle_is_same(&x, &y));
}
END_TEST

Suite *check_bundle(void)
{
	Suite *s = suite_create("bundle");
	TCase *t = tcase_create("bundle");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_loop_test(t, bad_ones_are_refused, 0, (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(t, one_that_is_too_long_is_refused);
	tcase_add_test(t, names_have_their_lengths);
	tcase_add_test(t, a_good_one);
	tcase_add_test(t, a_small_one);
	tcase_add_test(t, written_and_read_again);
	tcase_add_test(t, a_token_is_wiped_and_remembered);
	tcase_add_test(t, the_last_four_are_remembered);
	tcase_add_test(t, another_machine_or_ca_is_another);
	suite_add_tcase(s, t);
	return s;
}
