#include "cms.h"
#include "est.h"
#include "keys.h"
#include "suites_member.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ONE(coi, epoch, current)                                                                                       \
	"{\"coi\": \"" coi "\", \"epoch\": " epoch ", \"current\": " current ", \"cms\": \"AAEC\"}"

static struct keys_envelope *read_all(const char *text, size_t n)
{
	struct keys_envelope *out = NULL;
	struct vmp_msg msg = { "" };
	size_t got = 99;

	ck_assert_msg(keys_read(text, strlen(text), &out, &got, &msg) == VMP_OK, "%s: %s", text, msg.text);
	ck_assert_uint_eq(got, n);
	return out;
}

static void is_refused(const char *text, const char *why)
{
	struct keys_envelope *out = (void *)1;
	struct vmp_msg msg = { "" };
	size_t n = 99;

	ck_assert_msg(keys_read(text, strlen(text), &out, &n, &msg) == VMP_EINVAL, "%s", text);
	ck_assert_msg(strstr(msg.text, why) != NULL, "%s: %s", text, msg.text);
	ck_assert(out == (void *)1 && n == 99);
}

static const struct {
	const char *text, *why;
} wrong[] = {
	{ "", "expected JSON" },
	{ "[]", "keys: " },
	{ "{}", "keys: " },
	{ "{\"keys\": {}}", "keys: " },
	{ "{\"keys\": [], \"keys\": []}", "expected JSON" },
	{ "{\"keys\": [1]}", "keys[0]: coi: " },
	{ "{\"keys\": [" ONE("", "7", "true") "]}", "keys[0]: coi: " },
	{ "{\"keys\": [" ONE("a/../b", "7", "true") "]}", "coi: " },
	{ "{\"keys\": [" ONE("a b", "7", "true") "]}", "coi: " },
	{ "{\"keys\": [" ONE("web", "0", "true") "]}", "epoch: " },
	{ "{\"keys\": [" ONE("web", "4294967296", "true") "]}", "epoch: " },
	{ "{\"keys\": [" ONE("web", "7.0", "true") "]}", "epoch: " },
	{ "{\"keys\": [" ONE("web", "\"7\"", "true") "]}", "epoch: " },
	{ "{\"keys\": [" ONE("web", "7", "1") "]}", "current: " },
	{ "{\"keys\": [{\"coi\": \"web\", \"epoch\": 7, \"current\": true}]}", "cms: " },
	{ "{\"keys\": [{\"coi\": \"web\", \"epoch\": 7, \"current\": true, \"cms\": \"\"}]}", "cms: " },
	{ "{\"keys\": [{\"coi\": \"web\", \"epoch\": 7, \"current\": true, \"cms\": \"AAE\"}]}", "cms: " },
	{ "{\"keys\": [{\"coi\": \"web\", \"epoch\": 7, \"current\": true, \"cms\": \"AAE_\"}]}", "cms: " },
	{ "{\"keys\": [{\"coi\": \"web\", \"epoch\": 7, \"current\": true, \"cms\": \"AAEC AAEC\"}]}", "cms: " },
	{ "{\"keys\": [{\"coi\": \"web\", \"epoch\": 7, \"current\": true, \"cms\": [1]}]}", "cms: " },
	{ "{\"keys\": [" ONE("web", "7", "true") ", " ONE("web", "7", "false") "]}", "keys[1]: web: " },
	{ "{\"keys\": [" ONE("web", "7", "true") ", " ONE("web", "6", "true") "]}", "keys[1]: web: " },
	{ "{\"keys\": [" ONE("web", "7", "true") ", null]}", "keys[1]: " },
};

START_TEST(values_that_are_refused)
{
	is_refused(wrong[_i].text, wrong[_i].why);
}
END_TEST

START_TEST(envelopes_have_a_longest)
{
	static uint8_t der[VMP_ENVELOPE_MAX + 3];
	struct keys_envelope *out;
	size_t len;

	for (len = VMP_ENVELOPE_MAX - 3; len <= sizeof(der); len++) {
		char text[16384], *cms = vmp_base64(der, len);

		snprintf(text, sizeof(text),
			 "{\"keys\": [{\"coi\": \"web\", \"epoch\": 7, \"current\": true, \"cms\": \"%s\"}]}", cms);
		free(cms);
		if (len > VMP_ENVELOPE_MAX) {
			is_refused(text, "cms: expected at most");
			continue;
		}
		out = read_all(text, 1);
		ck_assert_uint_eq(out->len, len);
		keys_envelopes_free(out, 1);
	}
}
END_TEST

/* So many epochs of a COI. */
static char *many(int n)
{
	char *text = malloc((size_t)n * 80 + 64);
	int i, len = sprintf(text, "{\"keys\": [");

	for (i = 0; i < n; i++)
		len += sprintf(text + len, "%s{\"coi\": \"web\", \"epoch\": %d, \"current\": false, \"cms\": \"AAEC\"}",
			       i ? "," : "", i + 1);
	sprintf(text + len, "]}");
	return text;
}

START_TEST(answers_have_a_longest)
{
	struct keys_envelope *out;
	size_t n;
	char *text = many(KEYS_MAX);

	out = read_all(text, KEYS_MAX);
	ck_assert_uint_eq(out[KEYS_MAX - 1].epoch, KEYS_MAX);
	keys_envelopes_free(out, KEYS_MAX);
	free(text);
	text = many(KEYS_MAX + 1);
	is_refused(text, "keys: expected at most");
	free(text);
	ck_assert_int_eq(keys_read("{}", KEYS_ANSWER + 1, &out, &n, NULL), VMP_EINVAL);
}
END_TEST

START_TEST(what_is_read)
{
	struct keys_envelope *out = read_all("{\"keys\": []}", 0);

	keys_envelopes_free(out, 0);
	out = read_all(
		"{\"keys\": [" ONE("web", "7", "true") ", " ONE(
			"Web_1.x-y", "4294967295", "true") ", "
							   "{\"coi\": \"web\", \"epoch\": 6, \"current\": false, "
							   "\"cms\": \"/w==\", \"more\": 1}], \"next\": 3}",
		3);
	ck_assert(strcmp(out[0].coi, "web") == 0 && out[0].epoch == 7 && out[0].current);
	ck_assert(out[0].len == 3 && memcmp(out[0].der, "\0\1\2", 3) == 0);
	ck_assert(strcmp(out[1].coi, "Web_1.x-y") == 0 && out[1].epoch == UINT32_MAX && out[1].current);
	ck_assert(out[2].epoch == 6 && !out[2].current && out[2].len == 1 && out[2].der[0] == 0xff);
	keys_envelopes_free(out, 3);
	keys_envelopes_free(NULL, 0);
}
END_TEST

Suite *check_keys_read(void)
{
	Suite *s = suite_create("keys_read");
	TCase *t = tcase_create("keys_read");

	tcase_add_loop_test(t, values_that_are_refused, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(t, envelopes_have_a_longest);
	tcase_add_test(t, answers_have_a_longest);
	tcase_add_test(t, what_is_read);
	suite_add_tcase(s, t);
	return s;
}
