/** What a holder of a lease may believe, by the rules of a correct one. */
#ifndef LEASE_HOLDER_H
#define LEASE_HOLDER_H

#include "lease.h"

#define LEASE_PROMISES 4

/** So many until then, grace included [ms]. */
struct lease_promise {
	int64_t count, over;
};

struct lease_asking {
	char id[VMP_UUID_TEXT];
	int64_t seen, has, wants, least;
};

/** A holder's side of one product. */
struct lease_holder {
	int64_t seen;
	struct lease_promise now;
	struct lease_promise old[LEASE_PROMISES]; /**< earlier answers that promised more, or for longer */
	bool waits;				  /**< for the answer to asking */
	struct lease_asking asking;
};

/** How many it may use now. */
int64_t lease_holder_has(const struct lease_holder *h, int64_t now);
/** Before it asks for less, it uses no more. */
void lease_holder_use_less(struct lease_holder *h, int64_t most);
/** An answer has come, to asking as it was sent then. @return false: it came too late, to another question. */
bool lease_holder_hear(struct lease_holder *h, const struct lease_asking *asked, int64_t sent,
		       const struct vmp_lease_answer *a, int64_t now);

#endif
