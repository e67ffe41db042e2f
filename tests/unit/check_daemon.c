#include "daemon.h"
#include "suites.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct vmp_msg msg;

static int check(const void *config, struct vmp_msg *why)
{
	const char *what = config;

	if (strcmp(what, "crash") == 0)
		raise(SIGKILL);
	return strcmp(what, "good") == 0 ? VMP_OK : vmp_fail(why, VMP_EACCES, "%s: not this one", what);
}

START_TEST(a_check_aside_says_why)
{
	ck_assert_int_eq(vmp_daemon_check_aside(check, "good", &msg), VMP_OK);
	ck_assert_int_eq(vmp_daemon_check_aside(check, "bad", &msg), VMP_EINVAL);
	ck_assert_str_eq(msg.text, "bad: not this one");
	ck_assert_int_eq(vmp_daemon_check_aside(check, "crash", &msg), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "cannot be checked"));
}
END_TEST

START_TEST(pauses_grow)
{
	unsigned pause = 0, n;

	ck_assert_uint_eq(vmp_daemon_pause(&pause), 0);
	ck_assert_uint_eq(vmp_daemon_pause(&pause), 100);
	ck_assert_uint_eq(vmp_daemon_pause(&pause), 200);
	for (n = 0; n < 20; n++)
		(void)vmp_daemon_pause(&pause);
	ck_assert_uint_eq(vmp_daemon_pause(&pause), 30000);
}
END_TEST

static struct vmp_daemon_args args;
static int code;

static bool read_args(int n, ...)
{
	static char name[] = "x", a[3][32];
	char *argv[5] = { name };
	va_list ap;
	bool go_on;
	int i, out = dup(1), err = dup(2), null = open("/dev/null", O_WRONLY);

	va_start(ap, n);
	for (i = 0; i < n; i++) {
		strncpy(a[i], va_arg(ap, const char *), sizeof(a[i]) - 1);
		argv[i + 1] = a[i];
	}
	va_end(ap);
	args = (struct vmp_daemon_args){ .name = "x", .help = "help\n", .config = "preset" };
	optind = 0;
	fflush(stdout);
	dup2(null, 1);
	dup2(null, 2);
	go_on = vmp_daemon_args(n + 1, argv, &args, &code);
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	close(out);
	close(err);
	close(null);
	return go_on;
}

START_TEST(arguments)
{
	ck_assert(read_args(0));
	ck_assert_str_eq(args.config, "preset");
	ck_assert(!args.only_test);
	ck_assert(read_args(3, "-t", "--config", "y.conf"));
	ck_assert_str_eq(args.config, "y.conf");
	ck_assert(args.only_test);
}
END_TEST

START_TEST(arguments_that_end_it)
{
	ck_assert(!read_args(1, "--help"));
	ck_assert_int_eq(code, VMP_DAEMON_DONE);
	ck_assert(!read_args(1, "--version"));
	ck_assert_int_eq(code, VMP_DAEMON_DONE);
	ck_assert(!read_args(1, "--nonsense"));
	ck_assert_int_eq(code, VMP_DAEMON_CONFIG);
	ck_assert(!read_args(1, "-c"));
	ck_assert_int_eq(code, VMP_DAEMON_CONFIG);
	ck_assert(!read_args(2, "-t", "operand"));
	ck_assert_int_eq(code, VMP_DAEMON_CONFIG);
}
END_TEST

Suite *check_daemon(void)
{
	Suite *s = suite_create("daemon");
	TCase *tc = tcase_create("all");

	tcase_add_test(tc, a_check_aside_says_why);
	tcase_add_test(tc, pauses_grow);
	tcase_add_test(tc, arguments);
	tcase_add_test(tc, arguments_that_end_it);
	suite_add_tcase(s, tc);
	return s;
}
