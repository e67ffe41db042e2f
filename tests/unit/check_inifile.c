#include "inifile.h"
#include "suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct into {
	char text[VMP_INI_TEXT];
	int64_t num, life;
	bool flag;
} into;

static const struct vmp_option options[] = {
	{ "a", "text", VMP_OPT_TEXT, offsetof(struct into, text), "preset", 0, 0 },
	{ "a", "num", VMP_OPT_INT, offsetof(struct into, num), "5", 1, 10 },
	{ "b", "life", VMP_OPT_DURATION, offsetof(struct into, life), "1h", 1, 86400 },
	{ "b", "flag", VMP_OPT_BOOL, offsetof(struct into, flag), "no", 0, 1 },
	{ NULL, NULL, VMP_OPT_TEXT, 0, NULL, 0, 0 },
};

static struct vmp_msg msg;

static int read_text(const char *text)
{
	return vmp_ini_text("x.conf", text, strlen(text), options, &into, &msg);
}

START_TEST(presets_hold)
{
	ck_assert_int_eq(read_text(""), VMP_OK);
	ck_assert_str_eq(into.text, "preset");
	ck_assert_int_eq(into.num, 5);
	ck_assert_int_eq(into.life, 3600);
	ck_assert(!into.flag);
}
END_TEST

START_TEST(values_are_taken)
{
	ck_assert_int_eq(read_text("; comment\n[a]\ntext = one, two\nnum=10\n[b]\nlife = 15m ; a quarter\nflag = on\n"),
			 VMP_OK);
	ck_assert_str_eq(into.text, "one, two");
	ck_assert_int_eq(into.num, 10);
	ck_assert_int_eq(into.life, 900);
	ck_assert(into.flag);
}
END_TEST

static const struct {
	const char *text, *why;
} wrongs[] = {
	{ "[a]\nnum = 11\n", "x.conf:2: [a] num: expected 1 to 10" },
	{ "[a]\nnum = 0\n", "x.conf:2: [a] num: expected 1 to 10" },
	{ "[a]\nnum = -1\n", "x.conf:2: [a] num: expected" },
	{ "[a]\nnum = 5s\n", "x.conf:2: [a] num: expected" },
	{ "[a]\nnum = 99999999999999999999\n", "x.conf:2: [a] num: expected" },
	{ "[a]\nnum =\n", "x.conf:2: [a] num: expected" },
	{ "[b]\nlife = 2d\n", "x.conf:2: [b] life: expected 1 to 86400 seconds" },
	{ "[b]\nlife = 1w\n", "x.conf:2: [b] life: expected" },
	{ "[b]\nlife = 9223372036854775807d\n", "x.conf:2: [b] life: expected" },
	{ "[b]\nflag = maybe\n", "x.conf:2: [b] flag: expected yes or no" },
	{ "[a]\nnom = 1\n", "x.conf:2: [a] nom: there is no such option" },
	{ "[b]\nnum = 1\n", "x.conf:2: [b] num: there is no such option" },
	{ "num = 1\n", "x.conf:1: [] num: there is no such option" },
	{ "\n\n[a]\nnum = 1\nnum = 2\n", "x.conf:5: [a] num: given twice" },
	{ "[a]\nrubbish\n", "x.conf:2: expected [section]" },
	{ "[a\n", "x.conf:1: expected [section]" },
};

START_TEST(wrong_lines_are_named)
{
	ck_assert_int_eq(read_text(wrongs[_i].text), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, wrongs[_i].why) == msg.text, "said: %s", msg.text);
}
END_TEST

START_TEST(a_long_line_is_refused)
{
	char text[400];

	snprintf(text, sizeof(text), "[a]\ntext = %0250d\n", 1);
	ck_assert_int_eq(read_text(text), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "x.conf:2: the line is longer"));
}
END_TEST

START_TEST(files_are_read)
{
	char path[] = "/tmp/check-inifile.XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)write(fd, "[a]\nnum = 3\n", 12), 12);
	close(fd);
	ck_assert_int_eq(vmp_ini_read(path, options, &into, &msg), VMP_OK);
	ck_assert_int_eq(into.num, 3);
	unlink(path);
	ck_assert_int_eq(vmp_ini_read(path, options, &into, &msg), VMP_ENOENT);
	ck_assert_ptr_nonnull(strstr(msg.text, path));
}
END_TEST

static char seen[256];

static int note(void *ctx, const char *section, const char *name, const char *value, int line, struct vmp_msg *why)
{
	size_t len = strlen(seen);

	(void)ctx;
	if (strcmp(name, "refuse") == 0)
		return vmp_fail(why, VMP_EACCES, "not this one");
	snprintf(seen + len, sizeof(seen) - len, "%d:%s.%s=%s|", line, section, name, value);
	return VMP_OK;
}

static int each(const char *text)
{
	seen[0] = '\0';
	return vmp_ini_each_text("x.conf", text, strlen(text), note, NULL, &msg);
}

START_TEST(options_of_any_section_are_told_in_their_order)
{
	ck_assert_int_eq(each("# one ; two\n[b c]\nx = 1;2\n ; three\n[2001:db8::1]\ny: a=b\ny =\n"), VMP_OK);
	ck_assert_str_eq(seen, "3:b c.x=1;2|6:2001:db8::1.y=a=b|7:2001:db8::1.y=|");
	ck_assert_int_eq(each(""), VMP_OK);
	ck_assert_str_eq(seen, "");
}
END_TEST

START_TEST(what_would_be_cut_off_is_refused)
{
	static const char *const cut[] = {
		"[a]\nx = 1 ;2\n",
		"[a]\nx = 1\t;2\n",
		"\n[1234567890123456789012345678901234567890123456789]\nx = 1\n",
		"[a]\nno option\n",
	};

	ck_assert_int_eq(each(cut[_i]), VMP_EINVAL);
	ck_assert_msg(strncmp(msg.text, "x.conf:2: ", 10) == 0, "%s", msg.text);
	ck_assert_int_eq(each("[123456789012345678901234567890123456789012345678]\nx = 1\n"), VMP_OK);
	ck_assert_str_eq(seen, "2:123456789012345678901234567890123456789012345678.x=1|");
}
END_TEST

START_TEST(what_is_refused_ends_it)
{
	ck_assert_int_eq(each("[a]\nx = 1\nrefuse = 2\nx = 3\n"), VMP_EACCES);
	ck_assert_str_eq(msg.text, "x.conf:3: [a] refuse: not this one");
	ck_assert_str_eq(seen, "2:a.x=1|");
	ck_assert_int_eq(vmp_ini_each("/nonexistent/x.conf", note, NULL, &msg), VMP_ENOENT);
}
END_TEST

/* -- sections beside a table's --------------------------------------------------------------------- */
static struct into named;
static uint64_t given;

static int take(void *ctx, const char *section, const char *name, const char *value, int line, struct vmp_msg *why)
{
	size_t len = strlen(seen);

	(void)ctx;
	snprintf(seen + len, sizeof(seen) - len, "%d:%s.%s|", line, section, name ? name : "");
	if (strcmp(section, "other x") != 0)
		return vmp_fail(why, VMP_EINVAL, "there is no such section");
	return name ? vmp_ini_set(options, &named, &given, "a", name, value, why) : VMP_OK;
}

static int with(const char *text)
{
	char path[] = "/tmp/check-inifile.XXXXXX";
	int fd = mkstemp(path), err;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
	seen[0] = '\0';
	given = 0;
	ck_assert_int_eq(vmp_ini_presets(options, &named, &msg), VMP_OK);
	err = vmp_ini_read_with(path, options, &into, take, NULL, &msg);
	unlink(path);
	return err;
}

START_TEST(other_sections_are_told_with_their_options)
{
	ck_assert_int_eq(with("[a]\nnum = 2 ; two\n[other x]\nnum = 7\n text = a;b\n[b]\nflag = yes\n"), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, ":5: [other x] num: given twice")); /* inih: it is a longer value */
	ck_assert_int_eq(with("[a]\nnum = 2 ; two\n\n[other x]\nnum = 7\ntext = a;b\n[b]\nflag = yes\n"), VMP_OK);
	ck_assert_str_eq(seen, "4:other x.|5:other x.num|6:other x.text|");
	ck_assert_int_eq(into.num, 2);
	ck_assert(into.flag);
	ck_assert_int_eq(named.num, 7);
	ck_assert_str_eq(named.text, "a;b");
	ck_assert_int_eq(named.life, 3600);
}
END_TEST

START_TEST(a_section_without_options_is_told)
{
	ck_assert_int_eq(with("[other x]\n[a]"), VMP_OK);
	ck_assert_str_eq(seen, "1:other x.|");
	ck_assert_int_eq(with("[b]\n  [other x] ; it\n"), VMP_OK);
	ck_assert_str_eq(seen, "2:other x.|");
	ck_assert_int_eq(with("; [other x]\n"), VMP_OK);
	ck_assert_str_eq(seen, "");
}
END_TEST

static const struct {
	const char *text, *why;
} other_wrongs[] = {
	{ "[other y]\n", ":1: [other y]: there is no such section" },
	{ "[other x]\nnum = 11\n", ":2: [other x] num: expected 1 to 10" },
	{ "[other x]\nnum = 1\nnum = 1\n", ":3: [other x] num: given twice" },
	{ "[other x]\nlife = 1\n", ":2: [other x] life: there is no such option" },
	{ "[a]\nnom = 1\n", ":2: [a] nom: there is no such option" },
	{ "num = 1\n", ":1: [] num: there is no such section" },
};

START_TEST(what_is_wrong_there_is_named)
{
	ck_assert_int_eq(with(other_wrongs[_i].text), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, other_wrongs[_i].why), "said: %s", msg.text);
}
END_TEST

START_TEST(words_of_a_list)
{
	const char *at = " one,two\t three ,";
	char word[8];

	ck_assert(vmp_ini_word(&at, word, sizeof(word)));
	ck_assert_str_eq(word, "one");
	ck_assert(vmp_ini_word(&at, word, sizeof(word)));
	ck_assert_str_eq(word, "two");
	ck_assert(vmp_ini_word(&at, word, sizeof(word)));
	ck_assert_str_eq(word, "three");
	ck_assert(!vmp_ini_word(&at, word, sizeof(word)));
	at = "much-too-long";
	ck_assert(!vmp_ini_word(&at, word, sizeof(word)));
}
END_TEST

START_TEST(a_word_of_a_list)
{
	ck_assert(vmp_ini_has_word("tls, md5", "md5"));
	ck_assert(vmp_ini_has_word("tls", "tls"));
	ck_assert(!vmp_ini_has_word("tls1 atls", "tls"));
	ck_assert(!vmp_ini_has_word("", "tls"));
	ck_assert(!vmp_ini_has_word("tls", ""));
}
END_TEST

Suite *check_inifile(void)
{
	Suite *s = suite_create("inifile");
	TCase *tc = tcase_create("options");

	tcase_add_test(tc, presets_hold);
	tcase_add_test(tc, values_are_taken);
	tcase_add_loop_test(tc, wrong_lines_are_named, 0, (int)(sizeof(wrongs) / sizeof(wrongs[0])));
	tcase_add_test(tc, a_long_line_is_refused);
	tcase_add_test(tc, files_are_read);
	tcase_add_test(tc, options_of_any_section_are_told_in_their_order);
	tcase_add_loop_test(tc, what_would_be_cut_off_is_refused, 0, 4);
	tcase_add_test(tc, what_is_refused_ends_it);
	tcase_add_test(tc, other_sections_are_told_with_their_options);
	tcase_add_test(tc, a_section_without_options_is_told);
	tcase_add_loop_test(tc, what_is_wrong_there_is_named, 0, (int)(sizeof(other_wrongs) / sizeof(other_wrongs[0])));
	tcase_add_test(tc, words_of_a_list);
	tcase_add_test(tc, a_word_of_a_list);
	suite_add_tcase(s, tc);
	return s;
}
