#include "log.h"
#include "suites.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

static int saved, pipe_fd[2];
static char text[4096];

static void setup(void)
{
	saved = dup(STDERR_FILENO);
	ck_assert_int_eq(pipe(pipe_fd), 0);
	dup2(pipe_fd[1], STDERR_FILENO);
	close(pipe_fd[1]);
}

/* What was written to standard error. */
static const char *written(void)
{
	ssize_t n;

	dup2(saved, STDERR_FILENO);
	n = read(pipe_fd[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void teardown(void)
{
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pipe_fd[0]);
}

START_TEST(one_object_a_line)
{
	json_t *json;

	vmp_log_setup("tests", VMP_LOG_INFO);
	vmp_log(VMP_LOG_INFO, "enrolled", "vm", "we\"b\n1", "missing", NULL, "n", vmp_log_num(-5), NULL);
	json = json_loads(written(), 0, NULL);
	ck_assert_ptr_nonnull(json);
	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
	ck_assert_str_eq(json_string_value(json_object_get(json, "event")), "enrolled");
	ck_assert_str_eq(json_string_value(json_object_get(json, "from")), "tests");
	ck_assert_str_eq(json_string_value(json_object_get(json, "level")), "info");
	ck_assert_str_eq(json_string_value(json_object_get(json, "vm")), "we\"b\n1");
	ck_assert_str_eq(json_string_value(json_object_get(json, "n")), "-5");
	ck_assert_ptr_null(json_object_get(json, "missing"));
	json_decref(json);
}
END_TEST

START_TEST(lower_levels_are_silent)
{
	vmp_log_setup("tests", VMP_LOG_WARNING);
	vmp_log(VMP_LOG_INFO, "quiet", NULL);
	vmp_log(VMP_LOG_ERROR, "loud", NULL);
	ck_assert_ptr_null(strstr(written(), "quiet"));
	ck_assert_ptr_nonnull(strstr(text, "loud"));
}
END_TEST

START_TEST(what_is_no_text_becomes_a_mark)
{
	json_t *json;

	vmp_log_setup("tests", VMP_LOG_INFO);
	vmp_log(VMP_LOG_INFO, "odd", "octets", "\xff\xfe", NULL);
	json = json_loads(written(), 0, NULL);
	ck_assert_ptr_nonnull(json);
	ck_assert_str_eq(json_string_value(json_object_get(json, "octets")), "?");
	json_decref(json);
}
END_TEST

START_TEST(levels_have_words)
{
	ck_assert_int_eq(vmp_log_level("error"), VMP_LOG_ERROR);
	ck_assert_int_eq(vmp_log_level("debug"), VMP_LOG_DEBUG);
	ck_assert_int_eq(vmp_log_level("loud"), -1);
	ck_assert_int_eq(vmp_log_level(""), -1);
}
END_TEST

Suite *check_log(void)
{
	Suite *s = suite_create("log");
	TCase *tc = tcase_create("lines");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_object_a_line);
	tcase_add_test(tc, lower_levels_are_silent);
	tcase_add_test(tc, what_is_no_text_becomes_a_mark);
	tcase_add_test(tc, levels_have_words);
	suite_add_tcase(s, tc);
	return s;
}
