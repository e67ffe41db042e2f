#include "class.h"
#include "suites.h"

#include <string.h>

static const struct {
	const char *text;
	int err;
} classes[] = {
	{ "vmprov:525400aabbcc:web:0123456789abcdef", VMP_OK },
	{ "vmprov:525400aabbcc::0123456789abcdef", VMP_OK },
	{ "vmprov:525400aabbcc::0000000000000000", VMP_OK },
	{ "vmprov:525400aabbcc:a:b:ffffffffffffffff", VMP_OK },
	{ "", VMP_ENOENT },
	{ "vmprov", VMP_ENOENT },
	{ "VMPROV:525400aabbcc:web:0123456789abcdef", VMP_ENOENT },
	{ "somebody else's", VMP_ENOENT },
	{ "vmprov:", VMP_EINVAL },
	{ "vmprov:525400aabbcc:web", VMP_EINVAL },
	{ "vmprov:525400aabbcc:web:0123456789abcde", VMP_EINVAL },
	{ "vmprov:525400aabbcc:web:0123456789abcdef0", VMP_EINVAL },
	{ "vmprov:525400aabbcc:0123456789abcdef", VMP_EINVAL },
	{ "vmprov:525400AABBCC:web:0123456789abcdef", VMP_EINVAL },
	{ "vmprov:525400aabbcc:web:0123456789ABCDEF", VMP_EINVAL },
	{ "vmprov:525400aabbcc:web:0123456789abcdeg", VMP_EINVAL },
	{ "vmprov:525400aabbcc:web-0123456789abcdef", VMP_EINVAL },
	{ "vmprov:525400aabbcc-web:0123456789abcdef", VMP_EINVAL },
	{ "vmprov:535400aabbcc:web:0123456789abcdef", VMP_EINVAL }, /* a group's address */
	{ "vmprov:000000000000:web:0123456789abcdef", VMP_EINVAL },
	{ "vmprov:52:54:00:aa:bb:cc:web:0123456789abcdef", VMP_EINVAL },
	{ "vmprov:525400aabbcc:web:0123456789abcdef ", VMP_EINVAL },
};

START_TEST(what_comes_back)
{
	uint64_t mac = 1, token = 2;

	ck_assert_int_eq(vmp_class_parse(classes[_i].text, strlen(classes[_i].text), &mac, &token), classes[_i].err);
	ck_assert_uint_eq(mac, classes[_i].err == VMP_OK ? UINT64_C(0x525400aabbcc) : 1);
	if (classes[_i].err != VMP_OK)
		ck_assert_uint_eq(token, 2);
}
END_TEST

START_TEST(what_goes_out)
{
	char text[VMP_CLASS_MAX], coi[100];
	uint64_t mac = 0, token = 0;

	vmp_class_format(UINT64_C(0x525400aabbcc), "web", 255, text);
	ck_assert_str_eq(text, "vmprov:525400aabbcc:web:00000000000000ff");
	memset(coi, 'x', sizeof(coi) - 1);
	coi[sizeof(coi) - 1] = '\0';
	vmp_class_format(UINT64_C(0x525400aabbcc), coi, UINT64_MAX, text);
	ck_assert_uint_eq(strlen(text), VMP_CLASS_MAX - 1);
	ck_assert_int_eq(vmp_class_parse(text, strlen(text), &mac, &token), VMP_OK);
	ck_assert_uint_eq(token, UINT64_MAX);
	ck_assert_int_eq(vmp_class_parse(text, strlen(text) - 1, &mac, &token), VMP_EINVAL);
}
END_TEST

START_TEST(octets_that_are_no_text)
{
	char text[] = "vmprov:525400aabbcc:web:0123456789abcdef";
	uint64_t mac, token;
	size_t at, len = sizeof(text) - 1;

	for (at = 0; at < len; at++) {
		char was = text[at];

		text[at] = '\0';
		ck_assert_int_ne(vmp_class_parse(text, len, &mac, &token), VMP_OK);
		text[at] = was;
		ck_assert_int_ne(vmp_class_parse(text, at, &mac, &token), VMP_OK);
	}
	ck_assert_int_eq(vmp_class_parse(text, len, &mac, &token), VMP_OK);
}
END_TEST

Suite *check_class(void)
{
	Suite *s = suite_create("class");
	TCase *t = tcase_create("class");

	tcase_add_loop_test(t, what_comes_back, 0, sizeof(classes) / sizeof(classes[0]));
	tcase_add_test(t, what_goes_out);
	tcase_add_test(t, octets_that_are_no_text);
	suite_add_tcase(s, t);
	return s;
}
