/** A job from when it comes until its result goes back. */
#ifndef COA_TASK_H
#define COA_TASK_H

#include "request.h"
#include "secret.h"

/** What M_COA_RESULT says. */
struct task_result {
	uint64_t number;
	enum vmp_coa_action action; /**< the last that was sent, or would have been */
	enum coa_outcome outcome;
	uint32_t cause;
	struct vmp_msg text;
};

struct task {
	struct task *next; /**< of those that wait for a NAS */
	uint64_t number;
	enum vmp_coa_action action; /**< becomes VMP_COA_DISCONNECT when the NAS cannot do a CoA */
	struct job job;
	char acct_session_id[32]; /**< a test's own */
	const struct dialect *dialect;
	const char *secret;
	/* While it is on its way. */
	struct packet *packet; /**< NULL: not yet */
	int sent;	       /**< transmissions */
	int64_t sent_at, due;  /**< [us] CLOCK_MONOTONIC: the last transmission, and what follows */
	int send_errno;	       /**< of the last transmission */
	unsigned unverified;   /**< answers to it that did not verify */
};

/** Take a job.
 * @param nonce  makes a test's session one that no NAS has.
 * @param dialects,secrets  NULL: no such file; else they outlive the task.
 * @return the task, of the caller; NULL when nothing is to be sent: *result is filled. */
struct task *task_new(const struct message *m, const struct dialects *dialects, const struct secrets *secrets,
		      uint32_t nonce, struct task_result *result);
void task_free(struct task *task);

/** [UDP port] */
uint16_t task_port(const struct task *task);

/** Make its packet under an identifier. @param now  [s] since 1970. @return false: cannot be sent, *result is filled.
 */
bool task_encode(struct task *task, uint8_t id, int64_t now, struct task_result *result);

/** A verified answer. @return true: this is the result; false: the task, a Disconnect from now on, is to be encoded
 * anew. */
bool task_answered(struct task *task, enum packet_code code, uint32_t cause, int64_t now_us,
		   struct task_result *result);
/** No answer that verifies. */
void task_silent(const struct task *task, struct task_result *result);

#endif
