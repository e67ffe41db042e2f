#include "jsontext.h"
#include "suites.h"

#include <stdlib.h>

START_TEST(text)
{
	json_t *json = vmp_json_text("h\xc3\xb4te \"1\"");

	ck_assert_str_eq(json_string_value(json), "h\xc3\xb4te \"1\"");
	json_decref(json);
}
END_TEST

/* What another program wrote must not stop what we print. */
START_TEST(text_that_is_no_utf8)
{
	json_t *json = vmp_json_text("a\xff\xc3");

	ck_assert_str_eq(json_string_value(json), "a??");
	json_decref(json);
}
END_TEST

static const struct {
	const char *text, *json; /* NULL: refused */
} lists[] = {
	{ "", "[]" },
	{ "sw1", "[\"sw1\"]" },
	{ "sw1:1/1, sw2", "[\"sw1:1/1\",\"sw2\"]" },
	{ "  a b ,c  ", "[\"a b\",\"c\"]" },
	{ "a,", NULL },
	{ ",a", NULL },
	{ "a,,b", NULL },
	{ " ", NULL },
	{ "a\xff", NULL },
};

START_TEST(a_list)
{
	char *json = vmp_json_list(lists[_i].text);

	ck_assert_pstr_eq(json, lists[_i].json);
	free(json);
}
END_TEST

Suite *check_jsontext(void)
{
	Suite *s = suite_create("jsontext");
	TCase *t = tcase_create("jsontext");

	tcase_add_test(t, text);
	tcase_add_test(t, text_that_is_no_utf8);
	tcase_add_loop_test(t, a_list, 0, sizeof(lists) / sizeof(lists[0]));
	suite_add_tcase(s, t);
	return s;
}
