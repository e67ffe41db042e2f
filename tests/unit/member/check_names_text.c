#include "names.h"
#include "suites_member.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGIN NAMES_BEGIN "\n"
#define END   NAMES_END "\n"
#define REST  "127.0.0.1\tlocalhost\n::1 localhost ip6-localhost # here\n"

static struct prefix six, four, none, other;

static void setup(void)
{
	ck_assert_int_eq(prefix_read("fd12::a", &six, NULL), VMP_OK);
	ck_assert_int_eq(prefix_read("fd12::b", &other, NULL), VMP_OK);
	ck_assert_int_eq(prefix_read("10.64.0.7", &four, NULL), VMP_OK);
}

#define ENTRY(text)                                                                                                    \
	{                                                                                                              \
		text, &six, &none                                                                                      \
	}

/* What becomes of it, until the next call. */
static const char *text_of(const char *old, size_t len, const char *suffix, const struct names_entry *entries, size_t n)
{
	static char text[65536];
	struct vmp_msg msg = { "" };
	char *copy = malloc(len ? len : 1), *out;
	size_t out_len = 0;

	memcpy(copy, old, len);
	ck_assert_msg(names_text(copy, len, suffix, entries, n, &out, &out_len, &msg) == VMP_OK, "%s", msg.text);
	ck_assert_uint_lt(out_len, sizeof(text));
	memcpy(text, out, out_len);
	text[out_len] = '\0';
	free(out);
	free(copy);
	return text;
}

static void becomes(const char *old, const char *suffix, const struct names_entry *entries, size_t n, const char *text)
{
	ck_assert_str_eq(text_of(old, strlen(old), suffix, entries, n), text);
	/* And stays so. */
	ck_assert_str_eq(text_of(text, strlen(text), suffix, entries, n), text);
}

/* The lines of our part that these names make of nothing. */
static void lines(const char *suffix, const struct names_entry *entries, size_t n, const char *expected)
{
	char text[65536];

	snprintf(text, sizeof(text), *expected ? BEGIN "%s" END : "%s", expected);
	becomes("", suffix, entries, n, text);
}

START_TEST(our_lines_are_wrong)
{
	static const char *const wrong[] = { BEGIN,
					     END,
					     END BEGIN,
					     BEGIN BEGIN END,
					     BEGIN END END,
					     BEGIN END BEGIN END,
					     BEGIN REST BEGIN,
					     REST END REST,
					     NAMES_BEGIN,
					     BEGIN NAMES_END " \n" };
	const struct names_entry web = ENTRY("web");
	size_t i, len;
	char *out;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct vmp_msg msg = { "" };

		ck_assert_int_eq(names_text(wrong[i], strlen(wrong[i]), "", &web, 1, &out, &len, &msg), VMP_EINVAL);
		ck_assert_str_ne(msg.text, "");
		/* Also when there is nothing to write. */
		ck_assert_int_eq(names_text(wrong[i], strlen(wrong[i]), "", NULL, 0, &out, &len, NULL), VMP_EINVAL);
	}
}
END_TEST

START_TEST(lines_that_are_not_quite_ours)
{
	const struct names_entry web = ENTRY("web");
	static const char *const others[] = { " " BEGIN, "x" END, NAMES_BEGIN "\r\n", NAMES_END "x\n" };
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		char expected[512];

		snprintf(expected, sizeof(expected), "%s" BEGIN "fd12::a web\n" END, others[i]);
		becomes(others[i], "", &web, 1, expected);
	}
}
END_TEST

START_TEST(places)
{
	const struct names_entry web = ENTRY("web");

	becomes("", "", &web, 1, BEGIN "fd12::a web\n" END);
	becomes(REST, "", &web, 1, REST BEGIN "fd12::a web\n" END);
	/* A line that has no end. */
	becomes("127.0.0.1 localhost", "", &web, 1, "127.0.0.1 localhost\n" BEGIN "fd12::a web\n" END);
	becomes(REST BEGIN "fd12::b old\n" END "10.0.0.1 x\n", "", &web, 1,
		REST BEGIN "fd12::a web\n" END "10.0.0.1 x\n");
	becomes(BEGIN END "10.0.0.1 x", "", &web, 1, BEGIN "fd12::a web\n" END "10.0.0.1 x");
	becomes("x\n" BEGIN "fd12::b old\n" NAMES_END, "", &web, 1, "x\n" BEGIN "fd12::a web\n" END);
	becomes("\n\n", "", &web, 1, "\n\n" BEGIN "fd12::a web\n" END);
}
END_TEST

START_TEST(without_names_there_is_no_part)
{
	const struct names_entry bad = ENTRY("a_b"), nowhere = { "web", &none, &none };

	becomes("", "", NULL, 0, "");
	becomes(REST, ".coi", NULL, 0, REST);
	becomes("127.0.0.1 localhost", "", NULL, 0, "127.0.0.1 localhost");
	becomes(REST BEGIN "fd12::b old\n" END "x\n", "", NULL, 0, REST "x\n");
	becomes(REST, "", &bad, 1, REST);
	becomes(REST, "", &nowhere, 1, REST);
}
END_TEST

START_TEST(addresses)
{
	const struct names_entry both = { "web", &six, &four }, v4 = { "web", &none, &four };

	lines(".coi", &both, 1, "fd12::a web web.coi\n10.64.0.7 web web.coi\n");
	lines("", &both, 1, "fd12::a web\n10.64.0.7 web\n");
	lines("", &v4, 1, "10.64.0.7 web\n");
}
END_TEST

START_TEST(no_host_names)
{
	static const char *const names[] = { "", "a_b", "a b", "a#b", "a\tb", "a/b", "-a", "a-", "a..b", ".a", "a.",
					     "a.-b", ".", "1", "10.0.0.1", "web.1", "a\xc3\xa9", "localhost",
					     "LocalHost", "web.localhost", "x.LOCALHOST", "ab\"c",
					     /* 64 */
					     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct names_entry one = ENTRY(names[i]);

		ck_assert_msg(*text_of("", 0, "", &one, 1) == '\0', "%s: %s", names[i], text_of("", 0, "", &one, 1));
	}
}
END_TEST

START_TEST(host_names)
{
	static const char *const names[] = { "a", "A9", "web-1", "1a", "localhost2", "a--b",
					     /* 63 */
					     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	char expected[256];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct names_entry one = ENTRY(names[i]);

		snprintf(expected, sizeof(expected), "fd12::a %s\n", names[i]);
		lines("", &one, 1, expected);
	}
}
END_TEST

START_TEST(names_have_a_longest)
{
	char name[300], expected[1024];
	struct names_entry one = ENTRY(name);
	size_t i;

	for (i = 0; i < sizeof(name); i++)
		name[i] = i % 50 == 49 ? '.' : 'a';
	name[249] = '\0';
	snprintf(expected, sizeof(expected), "fd12::a %s.coi\n", name);
	lines(".coi", &one, 1, expected);
	name[249] = 'a';
	name[250] = '\0';
	lines(".coi", &one, 1, "");
	/* The suffix makes one of what is none by itself: never. */
	name[0] = '1';
	name[1] = '\0';
	lines(".coi", &one, 1, "fd12::a 1.coi\n");
	name[0] = '-';
	lines(".coi", &one, 1, "");
}
END_TEST

START_TEST(names_that_stand_in_the_rest)
{
	const struct names_entry two[] = { ENTRY("db"), ENTRY("web") };

	becomes("10.0.0.1 gateway WEB\n", ".coi", two, 2,
		"10.0.0.1 gateway WEB\n" BEGIN "fd12::a db db.coi\nfd12::a web.coi\n" END);
	becomes("10.0.0.1\tdb.coi\n", ".coi", two, 2,
		"10.0.0.1\tdb.coi\n" BEGIN "fd12::a db\nfd12::a web web.coi\n" END);
	becomes("10.0.0.1 x\tdb#web\n# 10.0.0.1 web\n", "", two, 2,
		"10.0.0.1 x\tdb#web\n# 10.0.0.1 web\n" BEGIN "fd12::a web\n" END);
	/* Behind our part as well; but not within it, and not an address. */
	becomes(BEGIN "10.0.0.1 db\n" END "10.0.0.1 web\n", "", two, 2, BEGIN "fd12::a db\n" END "10.0.0.1 web\n");
	becomes("web db\n", "", two, 1, "web db\n");
	becomes("db\n", "", two, 1, "db\n" BEGIN "fd12::a db\n" END);
	becomes("10.0.0.1 dbx d web.\n", "", two, 1, "10.0.0.1 dbx d web.\n" BEGIN "fd12::a db\n" END);
}
END_TEST

START_TEST(an_order_of_their_own)
{
	const struct names_entry a[] = { ENTRY("web"), ENTRY("db"), { "web", &other, &none } };
	const struct names_entry b[] = { { "web", &other, &none }, ENTRY("web"), ENTRY("db") };

	lines("", a, 2, "fd12::a db\nfd12::a web\n");
	lines("", b + 1, 2, "fd12::a db\nfd12::a web\n");
}
END_TEST

START_TEST(one_that_came_twice)
{
	const struct names_entry twice[] = { ENTRY("Web"), { "web", &other, &none } };

	lines("", twice, 2, "fd12::a Web\n");
}
END_TEST

/* Whoever names machines must not take over other hosts' names. */
START_TEST(names_with_dots)
{
	const struct names_entry bank = ENTRY("www.bank.example"), local = ENTRY("localhost");
	const struct names_entry suffixed[] = { ENTRY("web"), { "web.coi", &other, &none } };

	lines("", &bank, 1, "");
	lines(".coi", &bank, 1, "fd12::a www.bank.example.coi\n");
	lines("bank.example", &bank, 1, "fd12::a www.bank.example.bank.example\n");
	lines("", &local, 1, "");
	lines(".coi", suffixed, 2, "fd12::a web web.coi\nfd12::b web.coi.coi\n");
}
END_TEST

/* As coid.conf(5) shows it. */
START_TEST(a_suffix_without_a_dot)
{
	const struct names_entry web = ENTRY("web");

	lines("coi.example", &web, 1, "fd12::a web web.coi.example\n");
}
END_TEST

START_TEST(names_of_others)
{
	const struct names_entry all[] = {
		ENTRY("policyd"), ENTRY("web"), { "POLICYD", &none, &none }, { "web.example", &none, &none }
	};

	lines("", all, 4, "fd12::a web\n");
	lines("example", all, 4, "fd12::a policyd.example\nfd12::a web\n");
}
END_TEST

START_TEST(any_octets)
{
	static const char old[] = "\0\xff\x80 web\n\r\r \v\0db\0x # \0\n\n#\n   \n10.0.0.1\0a b";
	const struct names_entry two[] = { ENTRY("db"), ENTRY("mail") };
	struct vmp_msg msg = { "" };
	size_t len, out_len;
	char *out;

	for (len = 0; len < sizeof(old); len++) {
		char *copy = malloc(len ? len : 1);

		memcpy(copy, old, len);
		ck_assert_int_eq(names_text(copy, len, ".coi", two, 2, &out, &out_len, &msg), VMP_OK);
		ck_assert(out_len > len && memcmp(out, copy, len) == 0);
		free(out);
		free(copy);
	}
}
END_TEST

START_TEST(many)
{
	static char names[3000][16];
	static struct names_entry entries[3000];
	size_t i, len = 0, n = sizeof(entries) / sizeof(entries[0]);
	char *out = NULL, *again = NULL;
	size_t again_len;

	for (i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "vm%zu", i * 7919 % n);
		entries[i] = (struct names_entry){ names[i], &six, &four };
	}
	ck_assert_int_eq(names_text(REST, strlen(REST), ".coi", entries, n, &out, &len, NULL), VMP_OK);
	ck_assert_int_eq(names_text(out, len, ".coi", entries, n, &again, &again_len, NULL), VMP_OK);
	ck_assert(len == again_len && memcmp(out, again, len) == 0);
	out[len - 1] = '\0';
	ck_assert_ptr_nonnull(strstr(out, "\nfd12::a vm2999 vm2999.coi\n10.64.0.7 vm2999 vm2999.coi\n"));
	free(out);
	free(again);
}
END_TEST

Suite *check_names_text(void)
{
	Suite *s = suite_create("names_text");
	TCase *t = tcase_create("names_text");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, our_lines_are_wrong);
	tcase_add_test(t, lines_that_are_not_quite_ours);
	tcase_add_test(t, places);
	tcase_add_test(t, without_names_there_is_no_part);
	tcase_add_test(t, addresses);
	tcase_add_test(t, no_host_names);
	tcase_add_test(t, host_names);
	tcase_add_test(t, names_have_a_longest);
	tcase_add_test(t, names_that_stand_in_the_rest);
	tcase_add_test(t, an_order_of_their_own);
	tcase_add_test(t, one_that_came_twice);
	tcase_add_test(t, names_with_dots);
	tcase_add_test(t, a_suffix_without_a_dot);
	tcase_add_test(t, names_of_others);
	tcase_add_test(t, any_octets);
	tcase_add_test(t, many);
	suite_add_tcase(s, t);
	return s;
}
