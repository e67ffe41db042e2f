/** Jobs of CoA and Disconnect in policy.db: what a NAS is to be told of a session, until it has taken it (RFC 5176).
 *
 * Writes belong inside vmp_store_begin() and _commit().
 */
#ifndef VMP_STORE_COA_H
#define VMP_STORE_COA_H

#include "store_session.h"

enum vmp_coa_action {
	VMP_COA_REAUTHENTICATE, /**< a CoA that has the guest authenticate again, where the dialect has one */
	VMP_COA_DISCONNECT,
	VMP_COA_TEST /**< a Disconnect for a session that is not there: will the NAS answer? */
};
/** Their words in the store: coa, disconnect, test. */
const char *vmp_coa_action_name(enum vmp_coa_action action);

enum vmp_coa_state { VMP_COA_PENDING, VMP_COA_VERIFY, VMP_COA_DONE, VMP_COA_FAILED };
const char *vmp_coa_state_name(enum vmp_coa_state state);

/** Is a job of this reason to be done whatever the policy says?  administrator, certificate-revoked, clone. */
bool vmp_coa_reason_stands(const char *reason);

/** One job; texts of one that is read live until the statement's next row. */
struct vmp_coa_job {
	int64_t id;
	enum vmp_coa_action action;
	const char *reason, *actor; /**< at most 64 and 160 octets */
	uint64_t mac, token;
	int64_t past_id;
	struct vmp_place place;
	/* set when read */
	enum vmp_coa_state state;
	int64_t created_at, not_before, finished_at; /**< [s]; finished_at 0: not yet */
	int attempts;
	uint32_t error_cause;
	const char *outcome;
};

/** Have it done.  An open job for the same session takes over the place, the token and the reason, but from
 * administrator, certificate-revoked or clone to another reason only as it becomes a disconnect; from coa it can become
 * disconnect, not the other way, and it is due at once, as if it were made now; but not a coa that was acknowledged for
 * this token.  Each test is a job of its own.
 * @param id  out: the job's; NULL is allowed. */
VMP_CHECKED int vmp_coa_add(struct vmp_store *store, const struct vmp_coa_job *job, int64_t *id, struct vmp_msg *msg);

/** The NASes that have open jobs, by address. */
VMP_CHECKED int vmp_coa_nas_each(struct vmp_store *store, int (*each)(void *ctx, const char *nas), void *ctx,
				 struct vmp_msg *msg);
/** Open jobs of one NAS that are due, oldest first, at most max, with ids above after.  A not_before that is more than
 * two minutes ahead, or an hour in state verify, counts as past: the clock was set back. */
VMP_CHECKED int vmp_coa_due_each(struct vmp_store *store, const char *nas, int64_t now, int64_t after, int max,
				 int (*each)(void *ctx, const struct vmp_coa_job *job), void *ctx, struct vmp_msg *msg);
/** @return VMP_OK with texts that live until vmp_coa_done(); VMP_ENOENT. */
VMP_CHECKED int vmp_coa_get(struct vmp_store *store, int64_t id, struct vmp_coa_job *out, struct vmp_msg *msg);
void vmp_coa_done(struct vmp_store *store);

/** What to read; zero-initialized: open ones. */
struct vmp_coa_filter {
	bool finished;	    /**< these too */
	uint64_t mac;	    /**< 0: any */
	const char *nas;    /**< NULL: any */
	int64_t after, max; /**< ids above; 0: all */
};
VMP_CHECKED int vmp_coa_each(struct vmp_store *store, const struct vmp_coa_filter *filter,
			     int (*each)(void *ctx, const struct vmp_coa_job *job), void *ctx, struct vmp_msg *msg);
VMP_CHECKED int vmp_coa_count(struct vmp_store *store, int64_t *open, struct vmp_msg *msg);

/* What follows is harmless for a job that is over already, or gone.  Of longer words the first 400 octets are kept. */
/** Not now: pending again at a time, with what keeps it.  Counts an attempt when count. */
VMP_CHECKED int vmp_coa_later(struct vmp_store *store, int64_t id, int64_t not_before, bool count, uint32_t error_cause,
			      const char *why, struct vmp_msg *msg);
/** The NAS has acknowledged a CoA: look at a time whether anything followed.  Without effect when the job has become a
 * Disconnect meanwhile. */
VMP_CHECKED int vmp_coa_verify(struct vmp_store *store, int64_t id, int64_t not_before, struct vmp_msg *msg);
/** The CoA had no effect, or the NAS has none: the same job is a Disconnect from now on, due, without attempts. */
VMP_CHECKED int vmp_coa_escalate(struct vmp_store *store, int64_t id, uint32_t error_cause, const char *why,
				 struct vmp_msg *msg);
/** It is over. */
VMP_CHECKED int vmp_coa_finish(struct vmp_store *store, int64_t id, bool done, uint32_t error_cause,
			       const char *outcome, int64_t now, struct vmp_msg *msg);
/** All open jobs of a NAS but tests that were made at a time or before: it has restarted, or they are given up.
 * @param n  out. */
VMP_CHECKED int vmp_coa_finish_nas(struct vmp_store *store, const char *nas, int64_t created_until, bool done,
				   const char *outcome, int64_t now, int *n, struct vmp_msg *msg);
/** Forget finished ones older than keep_s, at most max. */
VMP_CHECKED int vmp_coa_tidy(struct vmp_store *store, int64_t now, int64_t keep_s, int max, int *n,
			     struct vmp_msg *msg);

/** How far changes and notices have been followed. */
struct vmp_coa_follow {
	int64_t change_id; /**< -1: not yet at all */
	char session_store[33];
	int64_t notice_id;
};
VMP_CHECKED int vmp_coa_follow_get(struct vmp_store *store, struct vmp_coa_follow *out, struct vmp_msg *msg);
VMP_CHECKED int vmp_coa_follow_set(struct vmp_store *store, const struct vmp_coa_follow *follow, struct vmp_msg *msg);
/** The first change that is still remembered; 0: none. */
VMP_CHECKED int vmp_coa_change_first(struct vmp_store *store, int64_t *out, struct vmp_msg *msg);

/** A comparison of many sessions, in steps. */
struct vmp_coa_scan {
	int64_t id;
	enum vmp_coa_scan_kind { VMP_SCAN_ALL, VMP_SCAN_COI, VMP_SCAN_TIES } kind;
	int64_t ref;	/**< the COI's id; ALL: 1 when no change is known, so that sessions without a digest stay */
	uint64_t after; /**< MAC */
};
/** @param not_before  [s] A scan of the same kind and COI that has not begun serves; else this is a further one. */
VMP_CHECKED int vmp_coa_scan_add(struct vmp_store *store, const struct vmp_coa_scan *scan, int64_t not_before,
				 struct vmp_msg *msg);
/** The oldest that is due; clocks that were set back as above, with two minutes. @return VMP_OK; VMP_ENOENT. */
VMP_CHECKED int vmp_coa_scan_next(struct vmp_store *store, int64_t now, struct vmp_coa_scan *out, struct vmp_msg *msg);
VMP_CHECKED int vmp_coa_scan_move(struct vmp_store *store, int64_t id, uint64_t after, struct vmp_msg *msg);
VMP_CHECKED int vmp_coa_scan_end(struct vmp_store *store, int64_t id, struct vmp_msg *msg);
/** A COI's id by its name. @return VMP_OK; VMP_ENOENT. */
VMP_CHECKED int vmp_coa_coi_id(struct vmp_store *store, const char *name, int64_t *id, struct vmp_msg *msg);
/** Members of a COI with MACs above after, in their order, at most max.
 * @param ties  only those of several COIs, among the next 20,000 members; the last of these comes in any case, so that
 *        the next call goes on behind it. */
VMP_CHECKED int vmp_coa_member_each(struct vmp_store *store, int64_t coi_id, bool ties, uint64_t after, int max,
				    int (*each)(void *ctx, uint64_t mac), void *ctx, struct vmp_msg *msg);

/** Whose a certificate is, for its revocation. @param mac  out: a VM's, else 0. @param cert_name  out: a host's name in
 * certificates, else "". @return VMP_OK; VMP_ENOENT: neither, or renewed rather than revoked (reason superseded). */
VMP_CHECKED int vmp_coa_revoked(struct vmp_store *store, const char *serial, uint64_t *mac, char cert_name[254],
				struct vmp_msg *msg);

#endif
