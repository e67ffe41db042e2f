/** What the files coi_*.c share. */
#ifndef VMP_COI_INTERNAL_H
#define VMP_COI_INTERNAL_H

#include "coi.h"

/** Write v with the high octet first. @return the place after it. */
static inline uint8_t *coi_put(uint8_t *at, uint64_t v, size_t octets)
{
	size_t i;

	for (i = 0; i < octets; i++)
		at[i] = (uint8_t)(v >> (8 * (octets - 1 - i)));
	return at + octets;
}

/* -- one pair: coi_pair.c has what both roles share, coi_lead.c and coi_follow.c the rest
 * ------------------------------ */

#define COI_NEVER      UINT64_MAX
#define COI_RENEW_MS   120000 /* the leader offers */
#define COI_MISSED_MS  150000 /* the follower asks */
#define COI_RECOVER_MS 300000
#define COI_GIVE_UP_MS 30000
#define COI_READY_MS   750

/** What is said again and again until there is an answer. */
enum coi_doing {
	COI_QUIET,
	COI_OFFERING, /* leader: the open offer */
	COI_CALLING,  /* follower: asks */
	COI_TELLING   /* follower: has taken the last offer */
};

enum coi_timer { COI_RETRY, COI_RENEW, COI_RECOVER, COI_GIVE_UP, COI_READY, COI_TIMERS };

/** What others can make this end send or do, each so often at most (coi_pair.c has how often).  What an eavesdropper
 * can replay does not use up what the other end needs. */
enum coi_limit {
	COI_LIMIT_OFFER,  /* leader: new offers */
	COI_LIMIT_HINT,	  /* leader: new offers for an ask that may be a copy */
	COI_LIMIT_TAKE,	  /* follower: takes offers */
	COI_LIMIT_REPEAT, /* answers to repetitions */
	COI_LIMIT_REFUSE, /* answers to what does not fit */
	COI_LIMITS
};

struct coi_epoch {
	uint64_t coi;
	uint32_t epoch;
	bool current;
	struct vmp_coi_keys keys;
};

struct coi_offer {
	bool is;
	uint8_t id[16], challenge[16];
	uint64_t coi;
	uint32_t epoch;
	uint8_t session[VMP_COI_SECRET]; /* of the open one; else zeros */
};

struct vmp_coi_pair {
	struct vmp_coi_ends ends;
	bool leads;
	struct vmp_coi_calls calls;
	void *ctx;

	enum vmp_coi_phase phase;
	bool ready; /* and the caller was told so */
	struct coi_epoch *epochs;
	size_t n;
	const struct coi_epoch *best; /* the current one of this end's choice; NULL: not here */

	bool challenged;       /* challenge is known; the leader has it from an answer to an offer of its own */
	uint8_t challenge[16]; /* the follower's, of now */
	uint64_t asks;	       /* with it: the follower's sent, the leader's last one heard */

	struct coi_offer agreed; /* leader: accepted; follower: taken.  With its session key installed */
	struct coi_offer open;	 /* leader: not answered yet */
	bool for_ask;		 /* leader: the open one is there only because of an ask that may be a copy */
	bool confirmed;		 /* follower: the leader has the agreed one too */

	enum coi_doing doing;
	unsigned tries;
	uint64_t sent_at, stalled_at;
	uint64_t at[COI_TIMERS];
	uint64_t limit[COI_LIMITS];
	struct vmp_coi_view view; /* but its phase */
};

/** Does this end have the other one as a WireGuard peer? */
static inline bool coi_has_peer(const struct vmp_coi_pair *pair)
{
	return pair->phase >= VMP_COI_AGREED;
}

/** Handles a message that verified. @param by  the epoch that it came under, for the answer. */
typedef void (*coi_handler)(struct vmp_coi_pair *pair, const struct vmp_coi_message *m, const struct coi_epoch *by,
			    uint64_t now, bool *fresh);
extern const coi_handler coi_lead_handlers[VMP_COI_BYE + 1], coi_follow_handlers[VMP_COI_BYE + 1];

/** Would once more be too often? If not, it is counted. */
bool coi_may(struct vmp_coi_pair *pair, enum coi_limit limit, uint64_t now);
/** @return 0 to most. */
uint64_t coi_jitter(struct vmp_coi_pair *pair, uint64_t most);
/** Not later than that. */
void coi_timer_by(struct vmp_coi_pair *pair, enum coi_timer timer, uint64_t at);
const struct coi_epoch *coi_epoch_find(const struct vmp_coi_pair *pair, uint64_t coi, uint32_t epoch);

/** Send one message about an offer. @param offer  NULL: an ask. @param by  NULL: nothing is sent. */
void coi_send(struct vmp_coi_pair *pair, enum vmp_coi_type type, const struct coi_offer *offer,
	      const struct coi_epoch *by);
/** The offer that a message is about, for the answer. */
struct coi_offer coi_offer_of(const struct vmp_coi_message *m);
bool coi_is_about(const struct vmp_coi_message *m, const struct coi_offer *offer);

/** Say it now, and again until coi_quiet(). */
void coi_start(struct vmp_coi_pair *pair, enum coi_doing doing, uint64_t now);
/** As coi_start(), when it has been said already. */
void coi_go_on(struct vmp_coi_pair *pair, enum coi_doing doing, uint64_t now);
void coi_quiet(struct vmp_coi_pair *pair);
/** Say it earlier than planned, at most once a second. */
void coi_hurry(struct vmp_coi_pair *pair, uint64_t now);

/** The one function that changes the phase. */
void coi_phase(struct vmp_coi_pair *pair, enum vmp_coi_phase phase);
/** A session key was installed: note its offer, and the time. */
void coi_agree(struct vmp_coi_pair *pair, const struct coi_offer *offer, uint64_t now);
/** Both ends have it. */
void coi_ready(struct vmp_coi_pair *pair);
/** Begin to ask or offer, without a peer. */
void coi_wake(struct vmp_coi_pair *pair, uint64_t now);
/** Back to idle, without a word; a peer is removed. */
void coi_down(struct vmp_coi_pair *pair);

/** Leader: a new offer, in place of the open one; when it would be one too many, as soon as may be. */
void coi_lead_offer(struct vmp_coi_pair *pair, uint64_t now);
/** Leader: no open offer any more. */
void coi_lead_close(struct vmp_coi_pair *pair);
/** Follower: have a challenge. @return false: no random octets. */
bool coi_follow_challenge(struct vmp_coi_pair *pair);

#endif
