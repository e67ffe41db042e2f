#include "store_audit.h"
#include "scratch.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static struct vmp_store *store;
static struct vmp_msg msg;
static char said[1024];

static void setup(void)
{
	scratch_setup();
	ck_assert_int_eq(vmp_store_open(&store, scratch_path, VMP_STORE_POLICY, VMP_STORE_WRITE, 50, &msg), VMP_OK);
	said[0] = '\0';
}

static void teardown(void)
{
	vmp_store_close(store);
	scratch_teardown();
}

static void append(const char *event, const char *actor, const char *subject)
{
	const struct vmp_audit row = { .event = event, .actor = actor, .subject = subject };

	ck_assert_msg(vmp_store_audit(store, &row, &msg) == VMP_OK, "%s", msg.text);
}

static int on_row(void *ctx, const struct vmp_audit *row)
{
	size_t at = strlen(said);

	snprintf(said + at, sizeof(said) - at, "%s ", row->event);
	return strcmp(row->event, "stop") == 0 ? *(int *)ctx : VMP_OK;
}

START_TEST(a_trail_is_only_added_to)
{
	append("enrolled", "host hv1", "vm 52:54:00:00:00:01");
	scratch_refused("UPDATE audit SET actor = 'nobody'", "stays as it was recorded");
	scratch_refused("DELETE FROM audit", "kept for 90 days");
	scratch_refused("REPLACE INTO audit (id, event, actor) VALUES (1, 'x', 'y')", "stays as it was recorded");
	scratch_refused("INSERT INTO audit (event, actor) VALUES ('', 'y')", "event: expected");
	scratch_refused("INSERT INTO audit (event, actor) VALUES ('x', '')", "actor: expected");
	scratch_refused("INSERT INTO audit (event, actor, at) VALUES ('x', 'y', 'now')", "at: expected");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM audit"), 1);
}
END_TEST

/* What is read with each filter. */
static const struct {
	struct vmp_audit_filter filter;
	const char *said;
} filters[] = {
	{ { .last = 0 }, "a b c b " },	       { { .last = 2 }, "c b " },
	{ { .last = 100 }, "a b c b " },       { { .event = "b" }, "b b " },
	{ { .event = "b", .last = 1 }, "b " }, { { .event = "z" }, "" },
	{ { .about = "hv1" }, "a b " },	       { { .about = "web1" }, "b c " },
	{ { .after_id = 2 }, "c b " },	       { { .since = 4102444800 }, "" },
	{ { .since = 1000000 }, "b c b " },
};

START_TEST(a_trail_is_read_with_filters)
{
	scratch_sql("INSERT INTO audit (at, event, actor) VALUES (1000, 'a', 'host hv1')");
	append("b", "host hv1", "vm web1");
	append("c", "vm web1", "coi web");
	append("b", "administrator", NULL);
	ck_assert_int_eq(vmp_store_audit_each(store, &filters[_i].filter, on_row, NULL, &msg), VMP_OK);
	ck_assert_str_eq(said, filters[_i].said);
}
END_TEST

START_TEST(a_reader_may_stop)
{
	static const struct vmp_audit_filter all;
	int code = VMP_ENOENT;

	append("a", "x", "y");
	append("stop", "x", "y");
	append("b", "x", "y");
	ck_assert_int_eq(vmp_store_audit_each(store, &all, on_row, &code, &msg), VMP_ENOENT);
	ck_assert_str_eq(said, "a stop ");
}
END_TEST

START_TEST(texts_are_cut_and_in_one_line)
{
	char text[600];
	size_t i;

	for (i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa4", 2);
	text[i] = '\0';
	append("a\nb\x7f", text + 2, text);
	ck_assert_str_eq(scratch_text("SELECT event FROM audit"), "a?b?");
	ck_assert_int_eq(scratch_number("SELECT length(CAST(actor AS BLOB)) FROM audit"), 160);
	memset(text, 'x', sizeof(text) - 1);
	text[599] = '\0';
	memcpy(text + 159, "\xc3\xa4", 2);
	append(text, text, text);
	ck_assert_int_eq(scratch_number("SELECT length(event) FROM audit WHERE id = 2"), 64);
	ck_assert_int_eq(scratch_number("SELECT length(CAST(subject AS BLOB)) FROM audit WHERE id = 2"), 159);
}
END_TEST

START_TEST(old_events_are_forgotten)
{
	int n = -1;

	scratch_sql("INSERT INTO audit (at, event, actor) VALUES (1000, 'a', 'x'), (2000, 'b', 'x'), (3000, 'c', 'x')");
	append("d", "x", "y");
	ck_assert_int_eq(vmp_store_audit_tidy(store, time(NULL), 91 * 86400, 2, &n, &msg), VMP_OK);
	ck_assert_int_eq(n, 2);
	ck_assert_int_eq(vmp_store_audit_tidy(store, time(NULL), 91 * 86400, 100, &n, &msg), VMP_OK);
	ck_assert_int_eq(n, 1);
	ck_assert_int_eq(vmp_store_audit_tidy(store, time(NULL), 91 * 86400, 100, &n, &msg), VMP_OK);
	ck_assert_int_eq(n, 0);
	ck_assert_int_eq(vmp_store_audit_tidy(store, time(NULL) + 10, 0, 100, &n, &msg), VMP_EINVAL);
	ck_assert_str_eq(scratch_text("SELECT group_concat(event) FROM audit"), "d");
}
END_TEST

START_TEST(a_site_is_one)
{
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM site WHERE inner_prefix GLOB 'fd[0-9a-f][0-9a-f]:*:1::'"),
			 1);
	scratch_refused("INSERT INTO site (id, inner_prefix, validity_checked_at) VALUES (2, 'fd00::', 0)", "one row");
	scratch_refused("DELETE FROM site", "stays");
	scratch_refused("UPDATE site SET inner_prefix = 'fd00:1'", "inner_prefix: expected");
	scratch_refused("UPDATE site SET inner_prefix = 'fd00:1:2:3:4::'", "inner_prefix: expected");
	scratch_refused("UPDATE site SET inner_prefix = 'fd00::1'", "inner_prefix: expected");
	scratch_refused("UPDATE site SET crl_number = -1", "crl_number: expected");
	scratch_sql("UPDATE site SET inner_prefix = 'fd00:1:2:3::'");
}
END_TEST

Suite *check_store_audit(void)
{
	Suite *s = suite_create("store_audit");
	TCase *t = tcase_create("store_audit");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60); /* [s] a disk that syncs slowly, and sanitizers */
	tcase_add_test(t, a_trail_is_only_added_to);
	tcase_add_loop_test(t, a_trail_is_read_with_filters, 0, sizeof(filters) / sizeof(filters[0]));
	tcase_add_test(t, a_reader_may_stop);
	tcase_add_test(t, texts_are_cut_and_in_one_line);
	tcase_add_test(t, old_events_are_forgotten);
	tcase_add_test(t, a_site_is_one);
	suite_add_tcase(s, t);
	return s;
}
