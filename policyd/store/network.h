/** The store process's view of the network: sessions and changes followed, jobs handed to the coa process, results.
 *
 * What is followed, compared and made into jobs is committed together, so that a process that is killed goes on where
 * it was.  Nothing here is NULL-safe but what says so: struct state has no network when [coa] is not enabled.
 */
#ifndef NETWORK_H
#define NETWORK_H

#include "state.h"
#include "store_coa.h"

#define NETWORK_OUT	1024 /**< jobs at the coa process at a time */
#define NETWORK_OUT_NAS 64   /**< of one NAS */
#define NETWORK_TIES	64

/* Words of the coa process that stand for more than a text. */
#define NETWORK_TAKES_NONE "NAS takes no CoA or Disconnect"
#define NETWORK_NOT_KNOWN  "nothing that the NAS knows the session by is known"
#define NETWORK_LEFT	   "left to the NAS"

/** A NAS that has jobs, or does not answer. */
struct network_nas {
	TAILQ_ENTRY(network_nas) next;
	char address[VMP_ADDR_TEXT];
	bool open;	  /**< it has open jobs */
	bool idle;	  /**< none of them is due before the next tick */
	unsigned out;	  /**< at the coa process */
	int64_t after;	  /**< jobs up to this id have been offered in this round */
	int64_t verified; /**< likewise, of those that are watched */
	bool given_up;	  /**< jobs have failed since it was silent */
	bool silent;	  /**< it does not answer, or cannot be asked */
	int64_t tested;	  /**< silent: up to this id there is no test */
	int64_t failed;	  /**< silent: probes that failed */
	int64_t delay_s;  /**< silent: between probes */
	int64_t retry_ms; /**< silent: the next probe, CLOCK_BOOTTIME */
};
TAILQ_HEAD(network_nas_list, network_nas);

/** A job at the coa process, as it was when it was handed out. */
struct network_out {
	int64_t id, past_id;
	uint64_t token;
	struct network_nas *nas;
	bool probe; /**< of a NAS that is silent */
	bool test;
	bool again; /**< the job was asked for once more meanwhile */
};

struct network {
	struct channel *channel;
	struct event *work;
	struct vmp_store *reader;   /**< policy.db, for decisions on what is committed */
	struct vmp_store *sessions; /**< session.db; NULL: cannot be opened now */
	struct vmp_msg sessions_why;
	char session_store[33]; /**< which session.db it is */
	bool ending;		/**< a transaction of session.db is open */
	bool locked;		/**< another one holds it, and this batch does not wait for that again */

	struct vmp_coa_follow follow; /**< as far as everything has been followed ... */
	bool follow_known;	      /**< ... if this has been read */
	bool follow_unsaved;	      /**< ... and it is further than policy.db says */
	struct {
		int64_t done;	/**< changes up to here have been followed a second time; -1: not known */
		int64_t until;	/**< and are to be up to here ... */
		int64_t due_ms; /**< ... from then on, CLOCK_BOOTTIME */
		bool more;	/**< it takes several steps */
	} again;
	bool notices; /**< there may be new ones */
	bool scans;   /**< there may be one that is due */
	bool wrote;   /**< this transaction has something to commit */
	struct network_tie {
		char coi[VMP_COI_NAME];
		int64_t not_before;
	} tie[NETWORK_TIES]; /**< scans that have been asked for and have not begun */
	size_t next_tie;

	struct network_nas_list nases;
	bool nases_stale; /**< there may be jobs of others */
	struct network_out out[NETWORK_OUT];
	size_t n_out;
	bool results_wait;     /**< policy.db was busy when they came */
	bool results_taken;    /**< and are not yet committed */
	int64_t held_ms;       /**< CLOCK_BOOTTIME until which nothing is handed out: results could not be written */
	int64_t complained_ms; /**< CLOCK_BOOTTIME of the last complaint; 0: none */
	uint64_t moves;	       /**< likewise: a flood of them crowds out no alarm */
	uint64_t alarms;       /**< written to the audit trail, or not, within this second */
};

/* -- sessions.c: session.db ----------------------------------------------------------------------------------- */

/** Open it if it is not, let it go if another file has taken its place; see whether it has changed. */
void sessions_tend(struct state *s, bool each_second);
/** A job's session is over: the transaction of session.db that this begins goes before that of policy.db.
 * @return VMP_OK; VMP_EBUSY: it is locked, in the whole of this batch; the job is to be done again. */
VMP_CHECKED int sessions_end(struct state *s, const struct network_out *out, uint64_t mac, const char *cause);

/* -- judge.c: what the policy says now ------------------------------------------------------------------------ */

/** Why a session is looked at. */
enum judge_why {
	JUDGE_NAMED, /**< a change names its MAC */
	JUDGE_SCAN,  /**< a change may concern it */
	JUDGE_START  /**< no change is known: what it was told is compared where that is known */
};
struct judgement {
	bool act;
	enum vmp_coa_action action;
	const char *reason; /**< "policy" or a verdict's name; a constant */
};
VMP_CHECKED int judge_session(struct state *s, const struct vmp_session *session, enum judge_why why,
			      struct judgement *out, struct vmp_msg *msg);

/** What policy.db has on a NAS; zeroed for one that it does not know. */
struct judge_nas {
	char name[65], dialect[65];
	int mode; /**< struct vmp_nas.coa */
	uint16_t port;
	uint32_t rate;
};
VMP_CHECKED int judge_nas(struct state *s, const char *address, struct judge_nas *out, struct vmp_msg *msg);

/* -- follow.c, scan.c: changes and notices, to jobs ----------------------------------------------------------- */

/** @return whether there is more. */
bool follow_step(struct state *s, bool each_second);
/** Have all sessions compared. */
VMP_CHECKED int scan_all(struct state *s, enum judge_why why, struct vmp_msg *msg);
VMP_CHECKED int scan_coi(struct state *s, int64_t id, struct vmp_msg *msg);
/** Soon, those members who have other COIs: which is their primary may depend on the number of members. */
VMP_CHECKED int scan_ties(struct state *s, const char *coi, struct vmp_msg *msg);
/** Compare the session of a MAC, if there is one. */
VMP_CHECKED int scan_mac(struct state *s, uint64_t mac, enum judge_why why, struct vmp_msg *msg);
/** Some sessions of a scan that is due. @return whether there is more. */
bool scan_step(struct state *s);

/* -- outage.c: NASes ------------------------------------------------------------------------------------------ */

/** Read which NASes have jobs. */
void outage_list(struct state *s);
/** An answer that can be trusted: an outage is over. */
VMP_CHECKED int outage_answered(struct state *s, struct network_nas *nas, struct vmp_msg *msg);
/** No answer, or it cannot be asked: wait before the next probe, and give up at last. */
VMP_CHECKED int outage_silent(struct state *s, struct network_nas *nas, bool probe, const char *why,
			      struct vmp_msg *msg);

/* -- handout.c, recheck.c: jobs to the coa process ------------------------------------------------------------ */

void handout(struct state *s, bool each_second);

enum recheck { RECHECK_SEND, RECHECK_OVER, RECHECK_ALTERED };
/** Is a job that is due still to be done?  Finished or altered where not. @param beside  out: RECHECK_SEND: the guest
 * has this session on the same NAS, which is to stay, place texts live until vmp_session_done(); else mac 0. */
VMP_CHECKED int recheck_job(struct state *s, const struct vmp_coa_job *job, struct vmp_session *beside,
			    enum recheck *out, struct vmp_msg *msg);
/** The NAS has acknowledged a CoA: has the guest authenticated?  @param early  it still has time. */
VMP_CHECKED int recheck_verify(struct state *s, const struct vmp_coa_job *job, bool early, struct vmp_msg *msg);

/* -- outcome.c: results --------------------------------------------------------------------------------------- */

void outcome_take(struct state *s, const struct message *m);
/** Audit and log what became of a job. */
VMP_CHECKED int outcome_tell(struct state *s, const char *event, const struct vmp_coa_job *job, const char *text,
			     struct vmp_msg *msg);

/* -- network.c ------------------------------------------------------------------------------------------------ */

/** There is more to do: another step, when others have had their turn.  By a timer: an event that makes itself active
 * would keep the loop from looking at the channels. */
void network_go_on(struct state *s);
/** An alarm that others can cause, for the audit trail: so many a second at the most. */
VMP_CHECKED int network_alarm(struct state *s, const char *event, const char *actor, uint64_t mac, const char *detail,
			      struct vmp_msg *msg);
/** Make a job for a session. @param actor  NULL: policyd. */
VMP_CHECKED int network_job(struct state *s, const struct vmp_session *session, enum vmp_coa_action action,
			    const char *reason, const char *actor, struct vmp_msg *msg);
/** A result could not be written down: what has been sent is not sent again at once. */
void network_hold(struct state *s);
/** What policyd does by itself has failed: say so, now and then. */
void network_failed(struct state *s, const char *why);

#endif
