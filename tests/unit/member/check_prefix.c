#include "prefix.h"
#include "suites_member.h"

#include <arpa/inet.h>
#include <string.h>

static struct prefix of(const char *text)
{
	struct prefix prefix = { 0 };
	struct vmp_msg msg = { "" };

	ck_assert_msg(prefix_read(text, &prefix, &msg) == VMP_OK, "%s: %s", text, msg.text);
	return prefix;
}

static const char *const wrong[] = { "",
				     "/",
				     "/64",
				     "fd00::/",
				     "fd00::/129",
				     "fd00::/064",
				     "fd00::/-1",
				     "fd00::/+1",
				     "fd00::/1x",
				     "fd00::/ 64",
				     "fd00::1/64",
				     "fd00::/64/64",
				     "10.0.0.0/33",
				     "10.0.0.1/31",
				     "10.0.0",
				     "10.0.0.0/00",
				     "010.0.0.1",
				     "10.0.0.0.0",
				     "fe80::1%lo",
				     "name",
				     " fd00::",
				     "fd00:: ",
				     ":::",
				     "[fd00::]",
				     "0/0",
				     "fd00::/0",
				     "128.0.0.0/0",
				     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" };

START_TEST(test_what_is_none)
{
	struct prefix out = { .bits = 77 };
	struct vmp_msg msg = { "" };

	ck_assert_int_eq(prefix_read(wrong[_i], &out, &msg), VMP_EINVAL);
	ck_assert_uint_gt(strlen(msg.text), 10);
	ck_assert_uint_eq(out.bits, 77);
}
END_TEST

static const char *const same[] = { "fd00::/64",       "::/0",
				    "0.0.0.0/0",       "192.0.2.0/24",
				    "192.0.2.1",       "fd00::1",
				    "10.64.0.0/10",    "128.0.0.0/1",
				    "8000::/1",	       "fd12:3456:789a:1::/64",
				    "255.255.255.255", "2001:db8::ffff:ffff:ffff:ffff" };

START_TEST(test_text)
{
	char text[PREFIX_TEXT];
	struct prefix prefix = of(same[_i]);

	prefix_write(&prefix, text);
	ck_assert_str_eq(text, same[_i]);
}
END_TEST

START_TEST(test_text_of_all_bits)
{
	struct prefix none = { 0 }, prefix = of("192.0.2.1/32");
	char text[PREFIX_TEXT];

	prefix_write(&prefix, text);
	ck_assert_str_eq(text, "192.0.2.1");
	prefix = of("FD00:0::1/128");
	prefix_write(&prefix, text);
	ck_assert_str_eq(text, "fd00::1");
	prefix_write(&none, text);
	ck_assert_str_eq(text, "none");
}
END_TEST

START_TEST(test_of_octets)
{
	struct in6_addr six;
	struct in_addr four;
	struct prefix a, b = of("10.64.0.7");

	ck_assert_int_eq(inet_pton(AF_INET, "10.64.0.7", &four), 1);
	a = prefix_of(AF_INET, &four);
	ck_assert(prefix_equal(&a, &b));
	ck_assert_int_eq(inet_pton(AF_INET6, "fd00::7", &six), 1);
	a = prefix_of(AF_INET6, &six);
	b = of("fd00::7");
	ck_assert(prefix_equal(&a, &b));
	ck_assert_uint_eq(a.bits, 128);
}
END_TEST

static const struct {
	const char *a, *b;
	bool has;
} cases[] = {
	{ "fd00::/64", "fd00::1", true },
	{ "fd00::/64", "fd00::/64", true },
	{ "fd00::/64", "fd00::/63", false },
	{ "fd00::/64", "fd00:0:0:1::", false },
	{ "fd00::/63", "fd00:0:0:1::", true },
	{ "::/0", "fd00::", true },
	{ "::/0", "10.0.0.1", false },
	{ "0.0.0.0/0", "10.0.0.1", true },
	{ "0.0.0.0/0", "::", false },
	{ "10.64.0.0/10", "10.127.255.255", true },
	{ "10.64.0.0/10", "10.128.0.0", false },
	{ "10.64.0.0/10", "10.63.0.0", false },
	{ "10.0.0.1", "10.0.0.1", true },
	{ "10.0.0.1", "10.0.0.2", false },
	{ "10.0.0.2/31", "10.0.0.3", true },
};

START_TEST(test_has)
{
	struct prefix a = of(cases[_i].a), b = of(cases[_i].b);

	ck_assert_msg(prefix_has(&a, &b) == cases[_i].has, "%s %s", cases[_i].a, cases[_i].b);
	ck_assert(prefix_equal(&a, &b) == (strcmp(cases[_i].a, cases[_i].b) == 0));
}
END_TEST

START_TEST(test_none_has_nothing)
{
	struct prefix none = { 0 }, all = of("::/0");

	ck_assert(!prefix_has(&none, &none));
	ck_assert(!prefix_has(&none, &all));
	ck_assert(!prefix_has(&all, &none));
	ck_assert(prefix_equal(&none, &none));
}
END_TEST

Suite *check_prefix(void)
{
	Suite *s = suite_create("prefix");
	TCase *tc = tcase_create("prefix");

	tcase_add_loop_test(tc, test_what_is_none, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
	tcase_add_loop_test(tc, test_text, 0, (int)(sizeof(same) / sizeof(same[0])));
	tcase_add_test(tc, test_text_of_all_bits);
	tcase_add_test(tc, test_of_octets);
	tcase_add_loop_test(tc, test_has, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(tc, test_none_has_nothing);
	suite_add_tcase(s, tc);
	return s;
}
