/** Jobs of CoA and Disconnect: shown, and waited for. */
#ifndef COA_JOB_H
#define COA_JOB_H

#include "cli.h"
#include "output.h"
#include "store_coa.h"

/** The jobs that are open, to look up session by session. */
struct coa_open {
	uint64_t mac;
	int64_t past_id, id;
	enum vmp_coa_action action;
	char *reason;
};
struct coa_open_list {
	struct coa_open *job;
	size_t n, room;
};
/** @param mac,nas  of these alone; 0 and NULL: all. @param out  zero-initialized; coa_open_clear() it, after errors
 * too. Memory: some 100 octets a job. */
VMP_CHECKED int coa_open_read(struct vmp_store *store, uint64_t mac, const char *nas, struct coa_open_list *out,
			      struct vmp_msg *msg);
/** @param past_id  0: of the session that lasts. @return NULL: none. */
const struct coa_open *coa_open_find(const struct coa_open_list *list, uint64_t mac, int64_t past_id);
void coa_open_clear(struct coa_open_list *list);

/** All of a job. */
json_t *coa_job_json(const struct vmp_coa_job *job);
/** A session's jobs in a table, from an array of them. */
void coa_job_table(const json_t *jobs);
/** One in a line. */
void coa_job_line(const struct vmp_coa_job *job);

/** What --wait was given: nothing, "=SECONDS", or a number behind it, which is then taken off the operands.
 * @return false when it is no number of seconds from 1 to 3600. */
bool coa_wait_read(int argc, char **argv, int otherwise, int *seconds);
/** Until all are finished, or the time is over.
 * @param id  n jobs; on return the first *open of them are not finished. */
VMP_CHECKED int coa_wait(struct vmp_store *store, int64_t *id, size_t n, int seconds, size_t *open,
			 struct vmp_msg *msg);

#endif
