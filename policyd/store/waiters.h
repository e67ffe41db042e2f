/** Long polls: clients that wait until there is something to tell them. */
#ifndef WAITERS_H
#define WAITERS_H

#include "message.h"
#include "store_cert.h"

#include <sys/queue.h>

struct state;
struct waiter;

/** What they wait for.  Versions grow. */
struct waiters_kind {
	/** Which client this is; one waits twice at the most. */
	uint64_t (*client)(struct state *s, const struct vmp_identity *who);
	/** Answer if there is something beyond *version. @return VMP_OK: answered; VMP_ENOENT: nothing, and *version
	 * has moved on; else the answer is an error. */
	int (*tell)(struct state *s, uint64_t id, uint64_t client, int64_t *version, struct vmp_msg *msg);
	/** Answer that there is nothing. */
	int (*tell_nothing)(struct state *s, uint64_t id, uint64_t client, int64_t version);
	/** How many wait now; NULL: nobody asks. */
	void (*count)(size_t n);
	/** Whether whom it waits for may still be told is asked at the end as well, not only after changes. */
	bool identify_at_end;
};

struct waiters {
	const struct waiters_kind *kind;
	TAILQ_HEAD(, waiter) list;
	size_t n;
};

void waiters_init(struct waiters *waiters, const struct waiters_kind *kind);
/** The request waits, for as long as it asks and the configuration lets it.
 * @param version  nothing of its concern up to here. @param last  the newest there is. @return STATE_LATER; VMP_ENOMEM.
 */
int waiters_add(struct state *s, struct waiters *waiters, const struct message *m, uint64_t client, int64_t version,
		int64_t last);
/** Answer those for whom something has come about since they were last looked at, and those who have waited long
 * enough.
 * @return false: there is more to tell than one transaction should hold; the rest another time. */
bool waiters_look(struct state *s, struct waiters *waiters, int64_t last);
/** What was read in this transaction does not hold: numbers beyond last will be given once more. */
void waiters_rolled_back(struct waiters *waiters, int64_t last);

#endif
