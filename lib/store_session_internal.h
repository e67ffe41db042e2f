/** What the session store's files share; nobody else includes it. */
#ifndef VMP_STORE_SESSION_INTERNAL_H
#define VMP_STORE_SESSION_INTERNAL_H

#include "store_session.h"
#include "store_stmt.h"

/** The columns that session and past share. */
#define SESSION_COMMON                                                                                                 \
	"mac, token, nas, nas_port, nas_port_id, nas_ip, nas_identifier, user_name, calling_station_id, "              \
	"acct_session_id, framed_ip, method, cert_name, quarantined, vlan, policy, authorized_at, since, updated_at, " \
	"expires_at, input_octets, output_octets"

/** How well a past session fits a report; higher is better. */
enum vmp_past_rank {
	VMP_PAST_NONE,
	VMP_PAST_PLACE, /**< the same place, and no more is known */
	VMP_PAST_ACCT,	/**< the same Acct-Session-Id of the same NAS */
	VMP_PAST_TOKEN
};

enum vmp_past_state { VMP_PAST_STOPPED, VMP_PAST_MOVED, VMP_PAST_EXPIRED };

/** The past session that a report is about. */
struct vmp_past {
	enum vmp_past_rank rank;
	enum vmp_past_state state;
	int64_t id, authorized_at, ended_at;
	bool closed;		  /**< its NAS has ended it too ... */
	int64_t over_at;	  /**< ... then; else ended_at */
	bool differs;		  /**< rank is PLACE, and token or Acct-Session-Id say that it is another session */
	bool left;		  /**< the newest at the report's place has moved and is not closed ... */
	int64_t left_id, left_at; /**< ... and when it was left */
	int64_t alarmed_at;	  /**< the last clone alarm of the report's place; INT64_MIN: none */
};

/** Of a MAC so many past sessions are looked at, the newest. */
#define VMP_PAST_LOOK 64

/** Find it; rank is VMP_PAST_NONE when there is none. */
VMP_CHECKED int vmp_past_find(struct vmp_store *store, const struct vmp_report *report, struct vmp_past *out,
			      struct vmp_msg *msg);

/** How a session ends. */
struct vmp_ending {
	const char *state, *cause;
	int64_t at;
	bool closed; /**< its NAS knows */
};
/** Copy the session that lasts into past. @param past_id  out; NULL is allowed. */
VMP_CHECKED int vmp_past_copy(struct vmp_store *store, uint64_t mac, const struct vmp_ending *ending, int64_t *past_id,
			      struct vmp_msg *msg);
/** The same, and forget that it lasted. */
VMP_CHECKED int vmp_past_move(struct vmp_store *store, uint64_t mac, const struct vmp_ending *ending,
			      struct vmp_msg *msg);
/** Its NAS has ended it too; nothing happens to one that is closed. */
VMP_CHECKED int vmp_past_close(struct vmp_store *store, int64_t id, int64_t at, const char *cause, struct vmp_msg *msg);

/** @param what  at, kind, mac, past_id, nas and detail. */
VMP_CHECKED int vmp_notice_add(struct vmp_store *store, const struct vmp_notice *what, struct vmp_msg *msg);

#endif
