/** Counters, and a line in the log for what is refused. */
#ifndef METRICS_H
#define METRICS_H

#include <stdint.h>

/** Why something was refused. */
enum refusal {
	REFUSAL_HANDSHAKE,   /**< TLS: no certificate, or not a good one */
	REFUSAL_TIMEOUT,     /**< the request took too long */
	REFUSAL_PEER,	     /**< not among [listen] peers */
	REFUSAL_REQUEST,     /**< not a request that we take */
	REFUSAL_AUTHORITY,   /**< no service has this target */
	REFUSAL_ROLE,	     /**< came past a proxy, or through one */
	REFUSAL_LOOP,	     /**< came through here before, or through too many */
	REFUSAL_LIMIT,	     /**< [limits] tunnels, per_peer */
	REFUSAL_CONTENT,     /**< what was to pass is not of the service's type */
	REFUSAL_NEXT,	     /**< the next relay refused it */
	REFUSAL_UNREACHABLE, /**< the target or the next relay cannot be reached */
	REFUSALS
};

struct metrics {
	int64_t connections;	   /**< open */
	int64_t connections_total; /**< accepted */
	int64_t pauses;		   /**< times that accepting was paused */
	int64_t refusals[REFUSALS];
	int64_t idle; /**< tunnels ended since nothing passed */
};
extern struct metrics metrics;

extern const char *const refusal_words[REFUSALS];

/** Count, and log unless there were many of late: then how many.
 * @param peer,service  NULL: not known. @param why  one line. */
void metrics_refused(enum refusal reason, const char *peer, const char *service, const char *why);
/** To be called each second: logs what was left out. */
void metrics_tick(void);

#endif
