#include "folder.h"
#include "guests_stub.h"
#include "ledger.h"
#include "loop.h"
#include "policyd_stub.h"
#include "report.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char told[1024]; /* what the callers were told */

static const char *uuid(int n)
{
	static char texts[4][VMP_UUID_TEXT];
	static unsigned turn;
	char *out = texts[turn++ % 4];

	snprintf(out, VMP_UUID_TEXT, "11111111-2222-4333-8444-5555555555%02u", (unsigned)n % 100);
	return out;
}

static const char *file(int n, const char *tail)
{
	static char path[128];

	snprintf(path, sizeof(path), "reported/%s%s", uuid(n), tail);
	return path;
}

static void setup(void)
{
	folder_setup();
	policyd_stub_begin();
	ck_assert_int_eq(report_init(NULL), VMP_OK);
	told[0] = '\0';
}

static void teardown(void)
{
	report_free();
	policyd_stub_end();
	folder_teardown();
}

static void restart(void)
{
	report_free();
	policyd_stub_end();
	policyd_stub_begin();
	ck_assert_int_eq(report_init(NULL), VMP_OK);
	policyd_stub_turn();
}

static void done(void *ctx, int err, const char *bundle, const char *why)
{
	size_t at = strlen(told);

	snprintf(told + at, sizeof(told) - at, "%s %s %s%s;", (const char *)ctx, vmp_strerror(err),
		 bundle ? "bundle" : "", why);
}

static const char *take_told(void)
{
	static char text[sizeof(told)];

	snprintf(text, sizeof(text), "%s", told);
	told[0] = '\0';
	return text;
}

static void start(int n, const char *ctx)
{
	struct guest_info info = { .template_name = "web", .nic = { { .mac = 0x525400000000 } }, .n_nic = 1 };

	info.nic[0].mac += (unsigned)n;
	snprintf(info.uuid, sizeof(info.uuid), "%s", uuid(n));
	snprintf(info.name, sizeof(info.name), "web%d", n);
	report_starting(&info, done, (void *)(uintptr_t)ctx);
}

static void started(int n)
{
	start(n, "x");
	policyd_stub_turn();
	policyd_stub_answer(200, NULL);
	take_told();
}

static void asks(const char *text)
{
	ck_assert_str_eq(policyd_stub_asked(), text);
}

START_TEST(a_start_and_an_end)
{
	start(1, "one");
	ck_assert_uint_eq(policyd_stub_open(), 0);
	policyd_stub_turn();
	asks("POST /v1/vms/11111111-2222-4333-8444-555555555501/starting "
	     "{\"mac\":\"52:54:00:00:00:01\",\"template\":\"web\",\"name\":\"web1\"}");
	/* On the disk before it is answered. */
	ck_assert_ptr_nonnull(folder_read(file(1, ".asked")));
	ck_assert(!report_is_known(uuid(1)));
	policyd_stub_answer(200, NULL);
	ck_assert_str_eq(take_told(), "one ok bundle;");
	ck_assert(report_is_known(uuid(1)));
	ck_assert_ptr_nonnull(strstr(folder_read(file(1, "")), "\"state\":\"running\""));
	report_stopped(uuid(1));
	policyd_stub_turn();
	asks("POST /v1/vms/11111111-2222-4333-8444-555555555501/stopped {}");
	ck_assert_uint_eq(report_pending(), 1);
	policyd_stub_answer(200, "{}");
	ck_assert_uint_eq(report_pending(), 0);
	ck_assert_int_eq(folder_count("reported"), 0);
	ck_assert_uint_eq(policyd_stub_open(), 0);
}
END_TEST

START_TEST(refused)
{
	static const struct {
		int status, err;
	} rows[] = { { 400, VMP_EINVAL }, { 403, VMP_EACCES }, { 404, VMP_ENOENT }, { 409, VMP_EEXIST } };
	size_t i;
	char wanted[128];

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		start(1, "x");
		policyd_stub_turn();
		policyd_stub_answer(rows[i].status, NULL);
		snprintf(wanted, sizeof(wanted), "x %s policyd: because (%d);", vmp_strerror(rows[i].err),
			 rows[i].status);
		ck_assert_str_eq(take_told(), wanted);
		ck_assert_int_eq(folder_count("reported"), 0);
	}
	/* One that it knew of is still to be told of when it ends. */
	started(1);
	start(1, "x");
	policyd_stub_turn();
	policyd_stub_answer(403, NULL);
	ck_assert(report_is_known(uuid(1)));
}
END_TEST

START_TEST(without_an_answer)
{
	static const int status[] = { 0, 500, 503, 302 };
	size_t i;

	for (i = 0; i < 4; i++) {
		start(1, "x");
		policyd_stub_turn();
		policyd_stub_answer(status[i], NULL);
		ck_assert_ptr_nonnull(strstr(take_told(), status[i] ? "policyd: because" : "no route"));
		ck_assert(!report_is_known(uuid(1)));
		/* Perhaps it has heard of it. */
		ck_assert_ptr_nonnull(folder_read(file(1, ".asked")));
	}
	ck_assert_str_ne(report_error(), "");
	start(1, "x");
	policyd_stub_turn();
	policyd_stub_answer(200, "{\"uuid\": \"somebody else's\"}");
	ck_assert_ptr_nonnull(strstr(take_told(), "expected a join bundle"));
	started(1);
	ck_assert_str_eq(report_error(), "");
}
END_TEST

START_TEST(an_end_is_told_until_it_is_taken)
{
	int i;

	started(1);
	report_stopped(uuid(1));
	policyd_stub_turn();
	for (i = 0; i < 12; i++) {
		ck_assert_uint_eq(policyd_stub_open(), 1);
		policyd_stub_answer(i % 2 ? 0 : 503, NULL);
		ck_assert_uint_eq(policyd_stub_open(), 0);
		ck_assert_ptr_nonnull(strstr(folder_read(file(1, "")), "\"state\":\"stopped\""));
		policyd_stub_later(500);
		ck_assert_uint_eq(policyd_stub_open(), 0);
		policyd_stub_later(400000);
	}
	/* Also by the next hostd. */
	restart();
	asks("POST /v1/vms/11111111-2222-4333-8444-555555555501/stopped {}");
	ck_assert(!report_is_known(uuid(1)));
	policyd_stub_answer(200, "{}");
	ck_assert_int_eq(folder_count("reported"), 0);
}
END_TEST

START_TEST(ends_that_policyd_refuses)
{
	static const int drops[] = { 400, 403, 404, 409 };
	size_t i;

	for (i = 0; i < 4; i++) {
		started(1);
		report_stopped(uuid(1));
		policyd_stub_turn();
		policyd_stub_answer(drops[i], NULL);
		ck_assert_uint_eq(report_pending(), 0);
		ck_assert_int_eq(folder_count("reported"), 0);
	}
	/* It is this host's certificate that is not taken. */
	started(1);
	report_stopped(uuid(1));
	policyd_stub_turn();
	policyd_stub_answer(401, NULL);
	ck_assert_uint_eq(report_pending(), 1);
}
END_TEST

START_TEST(nothing_for_others)
{
	report_stopped(uuid(1));
	report_left(uuid(2));
	policyd_stub_turn();
	ck_assert_uint_eq(policyd_stub_open(), 0);
	started(3);
	report_left(uuid(3));
	policyd_stub_turn();
	ck_assert_uint_eq(policyd_stub_open(), 0);
	ck_assert_int_eq(folder_count("reported"), 0);
}
END_TEST

START_TEST(eight_at_a_time)
{
	int i;

	for (i = 1; i <= 20; i++)
		start(i, "x");
	policyd_stub_turn();
	ck_assert_uint_eq(policyd_stub_open(), 8);
	ck_assert_int_eq(folder_count("reported"), 8);
	for (i = 1; i <= 20; i++) {
		ck_assert_ptr_nonnull(strstr(policyd_stub_asked(), uuid(i)));
		policyd_stub_answer(200, NULL);
		ck_assert_uint_le(policyd_stub_open(), 8);
	}
	for (i = 1; i <= 20; i++)
		report_stopped(uuid(i));
	policyd_stub_turn();
	ck_assert_uint_eq(policyd_stub_open(), 8);
	/* Who starts goes first. */
	start(30, "x");
	policyd_stub_answer(200, "{}");
	for (i = 0; i < 7; i++)
		policyd_stub_answer(200, "{}");
	ck_assert_ptr_nonnull(strstr(policyd_stub_asked(), "/starting"));
}
END_TEST

START_TEST(who_waits_too_long_is_told)
{
	int i;

	for (i = 1; i <= 9; i++)
		start(i, "x");
	policyd_stub_turn();
	policyd_stub_later(9999);
	ck_assert_str_eq(take_told(), "");
	policyd_stub_later(2);
	ck_assert_ptr_nonnull(strstr(take_told(), "policyd does not answer in time"));
	ck_assert_uint_eq(policyd_stub_open(), 8);
	ck_assert_ptr_null(folder_read(file(9, ".asked")));
}
END_TEST

START_TEST(without_a_certificate)
{
	policyd_stub_identity(false);
	start(1, "one");
	policyd_stub_turn();
	ck_assert_uint_eq(policyd_stub_open(), 0);
	policyd_stub_identity(true);
	ck_assert_uint_eq(policyd_stub_open(), 1);
	policyd_stub_answer(200, NULL);
	ck_assert_str_eq(take_told(), "one ok bundle;");
	policyd_stub_identity(false);
	report_stopped(uuid(1));
	start(2, "two");
	policyd_stub_later(10001);
	ck_assert_ptr_nonnull(strstr(take_told(), "the host has no certificate"));
	ck_assert_uint_eq(policyd_stub_open(), 0);
	policyd_stub_identity(true);
	asks("POST /v1/vms/11111111-2222-4333-8444-555555555501/stopped {}");
}
END_TEST

START_TEST(without_policyd)
{
	stub_config()->policyd_url[0] = '\0';
	start(1, "one");
	ck_assert_str_eq(take_told(), "");
	policyd_stub_turn();
	ck_assert_ptr_nonnull(strstr(take_told(), "url is not set"));
	ck_assert_int_eq(folder_count("reported"), 0);
}
END_TEST

/* One after the other, in the order in which they happened. */
START_TEST(a_guest_that_comes_and_goes)
{
	start(1, "one");
	policyd_stub_turn();
	report_stopped(uuid(1));
	policyd_stub_turn();
	ck_assert_uint_eq(policyd_stub_open(), 1);
	start(1, "again");
	policyd_stub_turn();
	ck_assert_uint_eq(policyd_stub_open(), 1);
	policyd_stub_answer(200, NULL);
	ck_assert_str_eq(take_told(), "one ok bundle;");
	/* The start that waits says what the end would. */
	ck_assert_ptr_nonnull(strstr(policyd_stub_asked(), "/starting"));
	policyd_stub_answer(200, NULL);
	ck_assert_str_eq(take_told(), "again ok bundle;");
	ck_assert_uint_eq(policyd_stub_open(), 0);
	ck_assert(report_is_known(uuid(1)));
	report_stopped(uuid(1));
	policyd_stub_turn();
	start(1, "third");
	policyd_stub_turn();
	ck_assert_uint_eq(policyd_stub_open(), 1);
	policyd_stub_answer(0, NULL);
	ck_assert_ptr_nonnull(strstr(policyd_stub_asked(), "/starting"));
	policyd_stub_answer(200, NULL);
	ck_assert(report_is_known(uuid(1)));
	ck_assert_ptr_nonnull(strstr(folder_read(file(1, "")), "\"state\":\"running\""));
}
END_TEST

START_TEST(gone_before_it_was_told)
{
	policyd_stub_identity(false);
	start(1, "one");
	report_stopped(uuid(1));
	policyd_stub_turn();
	ck_assert_ptr_nonnull(strstr(take_told(), "the guest has gone"));
	start(2, "two");
	report_left(uuid(2));
	policyd_stub_turn();
	ck_assert_ptr_nonnull(strstr(take_told(), "the guest has gone"));
	policyd_stub_identity(true);
	ck_assert_uint_eq(policyd_stub_open(), 0);
	/* While it is told: the end follows the answer. */
	start(3, "three");
	policyd_stub_turn();
	report_stopped(uuid(3));
	policyd_stub_answer(0, NULL);
	asks("POST /v1/vms/11111111-2222-4333-8444-555555555503/stopped {}");
	policyd_stub_answer(404, NULL);
	start(4, "four");
	policyd_stub_turn();
	report_left(uuid(4));
	policyd_stub_answer(200, NULL);
	ck_assert_int_eq(folder_count("reported"), 0);
}
END_TEST

START_TEST(forgotten)
{
	start(1, "one");
	start(1, "two");
	policyd_stub_turn();
	report_forget((void *)(uintptr_t) "nobody");
	start(2, "three");
	report_forget((void *)(uintptr_t) "three");
	policyd_stub_turn();
	ck_assert_uint_eq(policyd_stub_open(), 1);
	policyd_stub_answer(200, NULL);
	ck_assert_str_eq(take_told(), "one ok bundle;");
}
END_TEST

static void *as_ctx(const char *text)
{
	return (void *)(uintptr_t)text;
}

START_TEST(forgotten_while_it_is_told)
{
	static const char one[] = "one";

	start(1, one);
	policyd_stub_turn();
	report_forget(as_ctx(one));
	policyd_stub_answer(200, NULL);
	ck_assert_str_eq(take_told(), "");
	ck_assert(report_is_known(uuid(1)));
}
END_TEST

static bool is_two(const char *text)
{
	return strcmp(text, uuid(2)) == 0;
}

START_TEST(reconciled_after_a_restart)
{
	started(1);
	started(2);
	start(3, "x");
	policyd_stub_turn();
	restart();
	ck_assert(report_is_known(uuid(1)));
	ck_assert(!report_is_known(uuid(3)));
	report_reconcile(GUEST_NETLINK, is_two);
	policyd_stub_turn();
	ck_assert_uint_eq(policyd_stub_open(), 0);
	report_reconcile(GUEST_LIBVIRT, is_two);
	policyd_stub_turn();
	ck_assert_uint_eq(policyd_stub_open(), 2);
	ck_assert_uint_eq(report_pending(), 2);
	policyd_stub_answer(200, "{}");
	policyd_stub_answer(404, NULL);
	ck_assert(report_is_known(uuid(2)));
	ck_assert_int_eq(folder_count("reported"), 1);
}
END_TEST

START_TEST(what_cannot_be_written_is_not_told)
{
	ck_assert_int_eq(rmdir(folder_path("reported")), 0);
	start(1, "x");
	policyd_stub_turn();
	ck_assert_uint_eq(policyd_stub_open(), 0);
	ck_assert_ptr_nonnull(strstr(take_told(), "cannot create"));
	ck_assert_int_eq(mkdir(folder_path("reported"), 0700), 0);
	started(1);
	policyd_stub_unable(true);
	report_stopped(uuid(1));
	policyd_stub_turn();
	ck_assert_uint_eq(report_pending(), 1);
	start(2, "x");
	policyd_stub_turn();
	ck_assert_ptr_nonnull(strstr(take_told(), "host.key: cannot open"));
	policyd_stub_unable(false);
	policyd_stub_later(2000);
	ck_assert_uint_eq(policyd_stub_open(), 1);
}
END_TEST

START_TEST(names_that_policyd_would_not_take)
{
	static const char *const names[] = { "a\nb", "\xff", "" };
	struct guest_info info = { .template_name = "web", .nic = { { .mac = 0x525400000001 } }, .n_nic = 1 };
	size_t i;

	for (i = 0; i < 3; i++) {
		snprintf(info.uuid, sizeof(info.uuid), "%s", uuid(1));
		snprintf(info.name, sizeof(info.name), "%s", names[i]);
		report_starting(&info, done, as_ctx("x"));
		policyd_stub_turn();
		asks("POST /v1/vms/11111111-2222-4333-8444-555555555501/starting "
		     "{\"mac\":\"52:54:00:00:00:01\",\"template\":\"web\"}");
		policyd_stub_answer(200, NULL);
	}
}
END_TEST

Suite *check_report(void)
{
	Suite *s = suite_create("report");
	TCase *t = tcase_create("report");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_start_and_an_end);
	tcase_add_test(t, refused);
	tcase_add_test(t, without_an_answer);
	tcase_add_test(t, an_end_is_told_until_it_is_taken);
	tcase_add_test(t, ends_that_policyd_refuses);
	tcase_add_test(t, nothing_for_others);
	tcase_add_test(t, eight_at_a_time);
	tcase_add_test(t, who_waits_too_long_is_told);
	tcase_add_test(t, without_a_certificate);
	tcase_add_test(t, without_policyd);
	tcase_add_test(t, a_guest_that_comes_and_goes);
	tcase_add_test(t, gone_before_it_was_told);
	tcase_add_test(t, forgotten);
	tcase_add_test(t, forgotten_while_it_is_told);
	tcase_add_test(t, reconciled_after_a_restart);
	tcase_add_test(t, what_cannot_be_written_is_not_told);
	tcase_add_test(t, names_that_policyd_would_not_take);
	suite_add_tcase(s, t);
	return s;
}
