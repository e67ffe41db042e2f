/** Group commit: what came in one turn of the loop is done in one transaction, and answered after it. */
#ifndef COMMIT_H
#define COMMIT_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct commit_job {
	TAILQ_ENTRY(commit_job) next;
	bool listed; /**< it waits, or has run and is still to be told: commit's own */
	/** Inside the transaction.  An error is the store's: nobody's work counts then. @param now_ms  CLOCK_BOOTTIME
	 */
	int (*run)(struct commit_job *job, int64_t now_ms, struct vmp_msg *msg);
	/** After it. @param err  VMP_OK: it is on the disk. @param why  "" */
	void (*done)(struct commit_job *job, int err, const char *why);
};

/** @param settle  called in each transaction behind the jobs, for what has waited: it hands jobs that it has run itself
 * to commit_ran(). @param sent  called after each that was good. @param lost  called after each that was not, behind
 * the jobs: broker_reload() may have taken waiters out. */
VMP_CHECKED int commit_init(int (*settle)(int64_t now_ms, struct vmp_msg *msg), void (*sent)(int64_t now_ms),
			    void (*lost)(void), struct vmp_msg *msg);
void commit_free(void);
/** Have it run at the end of this turn. */
void commit_add(struct commit_job *job);
/** It has run already, in this transaction: only done is to be called. */
void commit_ran(struct commit_job *job);
/** Have a transaction at the end of this turn, with a job or without. */
void commit_soon(void);
/** Now. */
void commit_flush(void);

struct commit_status {
	unsigned long long commits, failures, jobs;
	const char *error; /**< why nothing can be written; "": it can */
};
void commit_status(struct commit_status *out);

#endif
