#include "commit.h"
#include "boot_clock.h"
#include "log.h"
#include "loop.h"

#include <stdio.h>
#include <string.h>

/* [ms] the pause before a store that cannot be written is tried again without a request */
#define SICK_MS 1000

TAILQ_HEAD(job_list, commit_job);

static struct {
	struct event *now, *timer;
	struct job_list waiting, ran;
	int (*settle)(int64_t now_ms, struct vmp_msg *msg);
	void (*sent)(int64_t now_ms);
	void (*lost)(void);
	unsigned long long commits, failures, jobs;
	bool broken; /* the broker is not what the store says */
	char error[VMP_MSG_MAX];
} commit = { .waiting = TAILQ_HEAD_INITIALIZER(commit.waiting), .ran = TAILQ_HEAD_INITIALIZER(commit.ran) };

static void arm(int64_t ms)
{
	struct timeval tv = { .tv_sec = ms > 0 ? ms / 1000 : 0, .tv_usec = ms > 0 ? ms % 1000 * 1000 : 1000 };

	evtimer_add(commit.timer, &tv);
}

/* -- one transaction ---------------------------------------------------------------------------------------------- */

static int run_jobs(int64_t now_ms, struct vmp_msg *msg)
{
	struct commit_job *job;
	int err = VMP_OK;

	while (err == VMP_OK && (job = TAILQ_FIRST(&commit.waiting))) {
		TAILQ_REMOVE(&commit.waiting, job, next);
		TAILQ_INSERT_TAIL(&commit.ran, job, next);
		err = job->run(job, now_ms, msg);
	}
	return err;
}

static int work(int64_t now_ms, int64_t *next_ms, struct vmp_msg *msg)
{
	int err = vmp_store_begin(loop.store, msg);

	if (err == VMP_OK)
		err = run_jobs(now_ms, msg);
	if (err == VMP_OK)
		err = commit.settle(now_ms, msg);
	if (err == VMP_OK)
		err = broker_plan(loop.broker, now_ms, next_ms, msg);
	return err == VMP_OK ? vmp_store_commit(loop.store, msg) : err;
}

/* All are told, those too that have not run. */
static void tell(int err, const char *why)
{
	struct job_list told = TAILQ_HEAD_INITIALIZER(told);
	struct commit_job *job;

	TAILQ_CONCAT(&told, &commit.ran, next);
	if (err != VMP_OK)
		TAILQ_CONCAT(&told, &commit.waiting, next);
	while ((job = TAILQ_FIRST(&told))) {
		TAILQ_REMOVE(&told, job, next);
		job->listed = false;
		commit.jobs++;
		job->done(job, err, why);
	}
}

static void failed(int err, int64_t now_ms, const struct vmp_msg *why)
{
	struct vmp_msg msg = { "" };

	commit.failures++;
	if (strcmp(commit.error, why->text) != 0)
		vmp_log(VMP_LOG_ERROR, "commit-failed", "why", why->text, NULL);
	snprintf(commit.error, sizeof(commit.error), "%s", why->text);
	vmp_store_rollback(loop.store);
	commit.broken = broker_reload(loop.broker, now_ms, &msg) != VMP_OK;
	if (commit.broken)
		vmp_log(VMP_LOG_ERROR, "reload-failed", "why", msg.text, NULL);
	tell(err, why->text);
	commit.lost();
	arm(SICK_MS);
}

/* Does the disk take what work needs?  Asked before work is begun that would have to be taken back. */
static int probe(int64_t now_ms, struct vmp_msg *msg)
{
	int err = commit.broken ? broker_reload(loop.broker, now_ms, msg) : VMP_OK;

	if (err == VMP_OK)
		commit.broken = false;
	if (err == VMP_OK)
		err = vmp_store_begin(loop.store, msg);
	if (err == VMP_OK)
		err = vmp_broker_fill(loop.store, msg);
	if (err == VMP_OK)
		err = vmp_store_commit(loop.store, msg);
	if (err != VMP_OK)
		vmp_store_rollback(loop.store);
	return err;
}

void commit_flush(void)
{
	int64_t now_ms = (int64_t)boot_clock_ms(), next_ms = now_ms + SICK_MS;
	struct vmp_msg msg = { "" };
	int err;

	err = *commit.error ? probe(now_ms, &msg) : VMP_OK;
	if (err != VMP_OK) {
		tell(err, msg.text);
		commit.lost();
		arm(SICK_MS);
		return;
	}
	err = work(now_ms, &next_ms, &msg);
	if (err != VMP_OK) {
		failed(err, now_ms, &msg);
		return;
	}
	if (*commit.error)
		vmp_log(VMP_LOG_WARNING, "commits-again", NULL);
	*commit.error = '\0';
	commit.commits++;
	tell(VMP_OK, "");
	commit.sent(now_ms);
	arm(next_ms - now_ms);
}

static void on_turn(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	commit_flush();
}

/* -- for the others ----------------------------------------------------------------------------------------------- */

int commit_init(int (*settle)(int64_t now_ms, struct vmp_msg *msg), void (*sent)(int64_t now_ms), void (*lost)(void),
		struct vmp_msg *msg)
{
	commit.settle = settle;
	commit.sent = sent;
	commit.lost = lost;
	commit.now = event_new(loop.base, -1, 0, on_turn, NULL);
	commit.timer = evtimer_new(loop.base, on_turn, NULL);
	if (!commit.now || !commit.timer)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	arm(0);
	return VMP_OK;
}

void commit_free(void)
{
	if (commit.now)
		event_free(commit.now);
	if (commit.timer)
		event_free(commit.timer);
	commit.now = commit.timer = NULL;
}

void commit_soon(void)
{
	/* Behind what this turn has still to do. */
	if (commit.now)
		event_active(commit.now, EV_TIMEOUT, 1);
}

void commit_add(struct commit_job *job)
{
	job->listed = true;
	TAILQ_INSERT_TAIL(&commit.waiting, job, next);
	commit_soon();
}

void commit_ran(struct commit_job *job)
{
	/* It may have begun to wait in this very transaction. */
	if (job->listed)
		return;
	job->listed = true;
	TAILQ_INSERT_TAIL(&commit.ran, job, next);
}

void commit_status(struct commit_status *out)
{
	*out = (struct commit_status){ commit.commits, commit.failures, commit.jobs, commit.error };
}
