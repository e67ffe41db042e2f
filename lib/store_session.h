/** session.db: which guest is authorized where, as the network says it.
 *
 * One place for each MAC.  What comes is a stream of reports, repeated and out of order as RADIUS makes it; whatever
 * the order, one session lasts for a MAC at the most.  The rules:
 *   - An authorization is always the newest: it takes the guest to its place.  What lasted elsewhere has moved.
 *   - Accounting from the place of the session that lasts (same NAS and port, or the token or Acct-Session-Id of that
 *     session) goes to it.  A Stop ends it only with its own token or, where the NAS sends no Class, its own
 *     Acct-Session-Id or, where it has none yet, a time after its authorization.
 *   - Accounting from a place that was left goes to that past session: a Stop closes it, activity that happened later
 *     than the move is a clone alarm.
 *   - Start or Interim of a MAC without a session that lasts begins one: this file may have been lost.  Not so when
 *     late: of a past session that was stopped, and from before its end; or of a place that was left.  So that this can
 *     be told, a Stop is kept when nothing is known of its session but the token.
 *   - One that begins again with its token or Acct-Session-Id was not over: a notice `late` has it compared with the
 *     policy.
 */
#ifndef VMP_STORE_SESSION_H
#define VMP_STORE_SESSION_H

#include "store.h"

#define VMP_RAW_MAX 254 /**< a RADIUS attribute's text and a NUL */

/** Where, and what the NAS calls it.  Texts are as the NAS sent them, "" when absent; borrowed. */
struct vmp_place {
	const char *nas;  /**< address that its packets come from, as vmp_addr_format() writes it */
	int64_t nas_port; /**< NAS-Port; -1: absent */
	const char *nas_port_id;
	const char *nas_ip; /**< NAS-IP-Address or NAS-IPv6-Address */
	const char *nas_identifier;
	const char *user_name, *calling_station_id, *acct_session_id, *framed_ip;
};

/** A session as it stands in the store; texts live until the statement's next row. */
struct vmp_session {
	int64_t past_id; /**< 0: it lasts */
	uint64_t mac, token;
	const char *state; /**< authorized started interim; past: stopped moved expired */
	const char *cause; /**< past; else "" */
	struct vmp_place place;
	enum vmp_method method;
	const char *cert_name;
	bool quarantined;
	uint16_t vlan;
	uint64_t policy; /**< vmp_policy_digest() of what was answered; 0: not known */
	int64_t authorized_at, since, updated_at, expires_at, ended_at, closed_at; /**< [s]; 0: not, or not known */
	uint64_t input_octets, output_octets;
};

enum vmp_report_type {
	VMP_REPORT_AUTHORIZED,
	VMP_REPORT_START,
	VMP_REPORT_INTERIM,
	VMP_REPORT_STOP,
	VMP_REPORT_RESTART, /**< Accounting-On or -Off: all of the NAS's sessions are over */
	VMP_REPORT_REFUSED  /**< an authorization that was refused in a way that is an alarm */
};

/** One report of the network. */
struct vmp_report {
	enum vmp_report_type type;
	uint64_t mac;	/**< 0: RESTART */
	uint64_t token; /**< AUTHORIZED: new; accounting: of Class, 0 when there is none of ours */
	int64_t at;	/**< [s] when it happened: Event-Timestamp, else arrival less Acct-Delay-Time */
	struct vmp_place place;
	/* AUTHORIZED */
	enum vmp_method method;
	const char *cert_name; /**< "" when none */
	bool quarantined;
	uint16_t vlan;
	uint64_t policy;
	uint32_t timeout_s; /**< Session-Timeout as answered; 0: none */
	/* accounting */
	uint64_t input_octets, output_octets;
	const char *cause; /**< STOP: Acct-Terminate-Cause's name; "" */
	/* REFUSED */
	const char *detail; /**< one line */
};

/** So many moves within the window are a clone alarm too, even if each NAS has ended its session. */
#define VMP_CLONE_MOVES 4
/** [s] After a move, what the old NAS reports of times up to so much later is no alarm: clocks differ. */
#define VMP_CLONE_SLACK_S 5

/** What a report has led to. */
struct vmp_report_effect {
	bool moved;			/**< a session that lasted elsewhere has moved */
	bool clone;			/**< a clone alarm was raised */
	char newer_nas[46];		/**< clone: where it is authorized ... */
	char older_nas[46];		/**< ... and the place that was left */
	int64_t newer_port, older_port; /**< NAS-Port; -1 */
	char newer_port_id[VMP_RAW_MAX], older_port_id[VMP_RAW_MAX];
};

/** Take a report down; belongs inside vmp_store_begin() and _commit().  The same report twice is as once,
 * unless another authorization for the same place was taken down in between.
 *
 * @param clone_window_s  an authorization at a place that was left less than so long ago, and that was not closed
 * since, is a clone alarm (besides moving the guest), and one place alarms once in that time; 0: no alarms of any kind.
 * @return VMP_OK; VMP_EINVAL for what the schema refuses; errors of the store.
 * Cost: one or two descents for a guest that stays where it is.
 */
VMP_CHECKED int vmp_session_report(struct vmp_store *store, const struct vmp_report *report, int64_t clone_window_s,
				   struct vmp_report_effect *effect, struct vmp_msg *msg);

/** Are both the same port of the same NAS?  By NAS-Port-Id where both have one, else by NAS-Port where both have one,
 * else the NAS alone. */
bool vmp_place_same(const struct vmp_place *a, const struct vmp_place *b);

/** End those whose time is over, among at most max rows after *mac, which moves on and is 0 at the end.  A write.
 * @param n  out: how many have expired. */
VMP_CHECKED int vmp_session_expire(struct vmp_store *store, int64_t now, uint64_t *mac, int max, int *n,
				   struct vmp_msg *msg);
/** Its NAS has taken it down: end the session if it still has this token, or close the past one.  A write.
 * @param past_id  0: the one that lasts. @param cause  a word, such as "policy". */
VMP_CHECKED int vmp_session_end(struct vmp_store *store, uint64_t mac, uint64_t token, int64_t past_id, int64_t now,
				const char *cause, struct vmp_msg *msg);
/** The session that lasts is to be ended at its NAS: a notice for policyd.  A write.
 * @param detail  why, in one line. */
VMP_CHECKED int vmp_session_evict(struct vmp_store *store, uint64_t mac, int64_t at, const char *detail,
				  struct vmp_msg *msg);
/** Authorizations of this transaction are older than they look: what changed in policy.db meanwhile may have passed
 * them by.  A notice for policyd.  A write. */
VMP_CHECKED int vmp_session_late(struct vmp_store *store, int64_t at, struct vmp_msg *msg);
/** Forget past sessions and notices older than keep_s, at most max of each.  A write. */
VMP_CHECKED int vmp_session_tidy(struct vmp_store *store, int64_t now, int64_t keep_s, int max, int *n,
				 struct vmp_msg *msg);

/** The session that lasts. @param out  filled; texts live until vmp_session_done() or the next call.
 * @return VMP_OK; VMP_ENOENT. */
VMP_CHECKED int vmp_session_get(struct vmp_store *store, uint64_t mac, struct vmp_session *out, struct vmp_msg *msg);
/** A past one by its id. */
VMP_CHECKED int vmp_session_get_past(struct vmp_store *store, int64_t past_id, struct vmp_session *out,
				     struct vmp_msg *msg);
void vmp_session_done(struct vmp_store *store);

/** What to read; zero-initialized: all that last. */
struct vmp_session_filter {
	bool past;	       /**< those that are over instead */
	uint64_t mac;	       /**< 0: any */
	const char *nas;       /**< NULL: any */
	const char *cert_name; /**< NULL: any */
	uint64_t after;	       /**< lasting: MACs above; past: ids above */
	int64_t max;	       /**< 0: all */
};
/** Lasting ones by MAC, past ones by id. @param each  stops with what it returns unless that is VMP_OK. */
VMP_CHECKED int vmp_session_each(struct vmp_store *store, const struct vmp_session_filter *filter,
				 int (*each)(void *ctx, const struct vmp_session *session), void *ctx,
				 struct vmp_msg *msg);

struct vmp_notice {
	int64_t id, at, past_id;
	uint64_t mac;
	const char *kind; /**< moved, clone, evict, nas-restart, refused, late */
	const char *nas, *detail;
};
/** Notices after one, in order, at most max. */
VMP_CHECKED int vmp_session_notice_each(struct vmp_store *store, int64_t since, int max,
					int (*each)(void *ctx, const struct vmp_notice *notice), void *ctx,
					struct vmp_msg *msg);
/** The id of the latest notice, forgotten ones too; 0: none. */
VMP_CHECKED int vmp_session_notice_last(struct vmp_store *store, int64_t *out, struct vmp_msg *msg);
/** Tells one session.db from another: 32 hexadecimal digits. */
VMP_CHECKED int vmp_session_store_id(struct vmp_store *store, char out[33], struct vmp_msg *msg);

#endif
