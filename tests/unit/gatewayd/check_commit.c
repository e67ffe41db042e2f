/* Group commit: everybody is told once. */
#include "commit.h"
#include "loop.h"
#include "site.h"
#include "../folder.h"
#include "suites_gatewayd.h"

#include <string.h>

struct loop loop;

struct job {
	struct commit_job job;
	int runs, told, err;
	bool settles; /* settle hands it back in the transaction in which it ran */
	int fails;
};

static struct job jobs[3];
static int sent, lost;

static int settle(int64_t now_ms, struct vmp_msg *msg)
{
	size_t i;

	(void)now_ms;
	(void)msg;
	for (i = 0; i < 3; i++) {
		if (jobs[i].settles)
			commit_ran(&jobs[i].job);
	}
	return VMP_OK;
}

static void count_sent(int64_t now_ms)
{
	(void)now_ms;
	sent++;
}

static void count_lost(void)
{
	lost++;
}

static int run(struct commit_job *job, int64_t now_ms, struct vmp_msg *msg)
{
	struct job *j = (struct job *)(void *)job;

	(void)now_ms;
	j->runs++;
	return j->fails ? vmp_fail(msg, j->fails, "no room") : vmp_store_touch(site.store, msg);
}

static void done(struct commit_job *job, int err, const char *why)
{
	struct job *j = (struct job *)(void *)job;

	ck_assert_int_eq(err == VMP_OK, *why == '\0');
	j->told++;
	j->err = err;
}

static void setup(void)
{
	int i;

	site_setup_one();
	memset(jobs, 0, sizeof(jobs));
	sent = lost = 0;
	loop = (struct loop){ .base = event_base_new(), .store = site.store, .broker = site.broker };
	ck_assert_ptr_nonnull(loop.base);
	ck_assert_int_eq(commit_init(settle, count_sent, count_lost, &site.msg), VMP_OK);
	for (i = 0; i < 3; i++) {
		jobs[i].job.run = run;
		jobs[i].job.done = done;
	}
}

static void teardown(void)
{
	commit_free();
	event_base_free(loop.base);
	site_teardown();
}

static void add_all(void)
{
	int i;

	for (i = 0; i < 3; i++)
		commit_add(&jobs[i].job);
}

static const char *trouble(void)
{
	static struct commit_status status;

	commit_status(&status);
	return status.error;
}

START_TEST(all_fail_together)
{
	int i;

	jobs[1].fails = VMP_EFULL;
	add_all();
	commit_flush();
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(jobs[i].told, 1);
		ck_assert_int_eq(jobs[i].err, VMP_EFULL);
	}
	ck_assert_int_eq(jobs[2].runs, 0);
	ck_assert_int_eq(sent, 0);
	ck_assert_int_eq(lost, 1);
	ck_assert_str_eq(trouble(), "no room");
	/* And again, when there is room. */
	jobs[1].fails = 0;
	add_all();
	commit_flush();
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(jobs[i].told, 2);
		ck_assert_int_eq(jobs[i].err, VMP_OK);
	}
	ck_assert_int_eq(sent, 1);
	ck_assert_str_eq(trouble(), "");
}
END_TEST

START_TEST(one_turn_is_one_transaction)
{
	struct commit_status before, after;

	commit_status(&before);
	add_all();
	event_base_loop(loop.base, EVLOOP_ONCE);
	commit_status(&after);
	ck_assert_uint_eq(after.commits, before.commits + 1);
	ck_assert_uint_eq(after.jobs, before.jobs + 3);
	ck_assert_int_eq(jobs[0].told + jobs[1].told + jobs[2].told, 3);
}
END_TEST

START_TEST(what_is_settled_as_it_begins_to_wait_is_told_once)
{
	jobs[0].settles = jobs[2].settles = true;
	add_all();
	commit_flush();
	ck_assert_int_eq(jobs[0].told, 1);
	ck_assert_int_eq(jobs[1].told, 1);
	ck_assert_int_eq(jobs[2].told, 1);
	/* One that ran in a transaction before is told in this one. */
	commit_flush();
	ck_assert_int_eq(jobs[0].told, 2);
	ck_assert_int_eq(jobs[1].told, 1);
}
END_TEST

START_TEST(a_store_that_is_locked_fails_and_comes_back)
{
	struct vmp_store *other = NULL;

	ck_assert_int_eq(
		vmp_store_open(&other, folder_path("gateway.db"), VMP_STORE_BROKER, VMP_STORE_WRITE, 0, &site.msg),
		VMP_OK);
	ck_assert_int_eq(vmp_store_begin(other, &site.msg), VMP_OK);
	add_all();
	commit_flush();
	ck_assert_int_eq(jobs[0].err, VMP_EBUSY);
	ck_assert_int_eq(jobs[0].runs, 0);
	vmp_store_rollback(other);
	vmp_store_close(other);
	add_all();
	commit_flush();
	ck_assert_int_eq(jobs[0].err, VMP_OK);
}
END_TEST

Suite *check_commit(void)
{
	Suite *s = suite_create("commit");
	TCase *c = tcase_create("all");

	suite_add_tcase(s, c);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, all_fail_together);
	tcase_add_test(c, one_turn_is_one_transaction);
	tcase_add_test(c, what_is_settled_as_it_begins_to_wait_is_told_once);
	tcase_add_test(c, a_store_that_is_locked_fails_and_comes_back);
	return s;
}
