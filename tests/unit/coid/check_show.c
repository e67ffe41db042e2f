#include "show.h"
#include "../folder.h"
#include "stage.h"
#include "suites_coid.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WELL                                                                                                           \
	"{\"well\":true,\"why\":\"\",\"name\":\"web1\",\"inner_address\":\"fd00::1\",\"inner_ipv4\":\"10.64.0.1\","    \
	"\"lease\":{\"product\":\"web-std\",\"state\":\"held\",\"ends_in_s\":61},\"identity\":{\"not_after\":1},"      \
	"\"peers\":[{\"name\":\"app1\",\"inner_address\":\"fd00::2\",\"inner_ipv4\":\"\",\"cois\":[\"app\",\"web\"],"  \
	"\"coi\":\"\",\"state\":\"idle\",\"key_age_s\":null,\"received\":0,\"sent\":0,\"via\":\"\"},"                  \
	"{\"name\":\"web2\",\"inner_address\":\"fd00::3\",\"cois\":[\"web\"],\"coi\":\"web\",\"state\":\"agreed\","    \
	"\"key_age_s\":7300,\"received\":1536,\"sent\":5,\"via\":\"gw\"}]}"
#define SICK "{\"well\":false,\"why\":\"no licence for web-std\"}"

static int run(char *const *args)
{
	char *argv[8] = { NULL };
	int argc = 0, code;

	for (; args[argc]; argc++)
		argv[argc] = args[argc];
	optind = 0;
	fflush(stdout);
	ck_assert_ptr_nonnull(freopen(folder_path("out"), "w", stdout));
	code = show(argc, argv, folder_path("coid.conf"));
	fflush(stdout);
	return code;
}

#define RUN(...)   run((char *[]){ (char[]){ "coid" }, __VA_ARGS__, NULL })
#define WORD(text) ((char[]){ text })

static void setup(void)
{
	folder_setup();
	stage_setup();
	folder_write("coid.conf", "", 0600);
}

static void teardown(void)
{
	json_decref(stage.status);
	folder_teardown();
}

START_TEST(what_asks_for_it)
{
	static const struct {
		const char *args[5];
		bool is;
	} lines[] = {
		{ { "coid", "status" }, true },
		{ { "coid", "-c", "f", "status" }, true },
		{ { "coid", "--json", "status" }, true },
		{ { "coid" }, false },
		{ { "coid", "-c", "status" }, false },
		{ { "coid", "-t" }, false },
		{ { "coid", "stop" }, false },
	};
	char *argv[5];
	int argc = 0;

	for (; lines[_i].args[argc]; argc++)
		argv[argc] = strdup(lines[_i].args[argc]);
	ck_assert_int_eq(show_is_asked(argc, argv), lines[_i].is);
	while (argc-- > 0)
		free(argv[argc]);
}
END_TEST

START_TEST(wrong_lines)
{
	ck_assert_int_eq(RUN(WORD("status"), WORD("now")), 2);
	ck_assert_int_eq(RUN(WORD("status"), WORD("--what")), 2);
	folder_write("coid.conf", "[status]\nsocket =\n", 0600);
	ck_assert_int_eq(RUN(WORD("status")), 2);
	folder_write("coid.conf", "x\n", 0600);
	ck_assert_int_eq(RUN(WORD("status")), 2);
}
END_TEST

START_TEST(nobody_there)
{
	ck_assert_int_eq(RUN(WORD("status")), 1);
}
END_TEST

START_TEST(well)
{
	const char *out;

	stage.status = json_loads(WELL, 0, NULL);
	ck_assert_int_eq(RUN(WORD("status")), 0);
	out = folder_read("out");
	ck_assert_ptr_nonnull(strstr(out, "well"));
	ck_assert_ptr_nonnull(strstr(out, "fd00::1, 10.64.0.1"));
	ck_assert_ptr_nonnull(strstr(out, "web-std, 1m01s"));
	ck_assert_ptr_nonnull(strstr(out, "app, web"));
	ck_assert_ptr_nonnull(strstr(out, "2h01m"));
	ck_assert_ptr_nonnull(strstr(out, "1.5 KiB"));
}
END_TEST

START_TEST(not_well)
{
	stage.status = json_loads(SICK, 0, NULL);
	ck_assert_int_eq(RUN(WORD("status")), 1);
	ck_assert_ptr_nonnull(strstr(folder_read("out"), "no licence for web-std"));
}
END_TEST

START_TEST(as_json)
{
	json_t *json;

	stage.status = json_loads(SICK, 0, NULL);
	ck_assert_int_eq(RUN(WORD("status"), WORD("--json")), 1);
	json = json_loads(folder_read("out"), 0, NULL);
	ck_assert(json_equal(json, stage.status));
	json_decref(json);
}
END_TEST

Suite *check_show(void)
{
	Suite *s = suite_create("show");
	TCase *t = tcase_create("show");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, what_asks_for_it, 0, 7);
	tcase_add_test(t, wrong_lines);
	tcase_add_test(t, nobody_there);
	tcase_add_test(t, well);
	tcase_add_test(t, not_well);
	tcase_add_test(t, as_json);
	suite_add_tcase(s, t);
	return s;
}
