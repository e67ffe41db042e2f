#include "lease_holder.h"

#include <string.h>

int64_t lease_holder_has(const struct lease_holder *h, int64_t now)
{
	int64_t most = h->now.over > now ? h->now.count : 0;
	int i;

	for (i = 0; i < LEASE_PROMISES; i++) {
		if (h->old[i].over > now && h->old[i].count > most)
			most = h->old[i].count;
	}
	return most;
}

void lease_holder_use_less(struct lease_holder *h, int64_t most)
{
	int i;

	h->now.count = h->now.count < most ? h->now.count : most;
	for (i = 0; i < LEASE_PROMISES; i++)
		h->old[i].count = h->old[i].count < most ? h->old[i].count : most;
}

/* An earlier answer goes on to count where it promised more, or for longer. */
static void remember(struct lease_holder *h, const struct lease_promise *was, int64_t now)
{
	int i, at = 0;

	if (was->over <= now || (was->count <= h->now.count && was->over <= h->now.over))
		return;
	for (i = 0; i < LEASE_PROMISES; i++) {
		if (h->old[i].over < h->old[at].over)
			at = i;
	}
	h->old[at] = *was;
}

bool lease_holder_hear(struct lease_holder *h, const struct lease_asking *asked, int64_t sent,
		       const struct vmp_lease_answer *a, int64_t now)
{
	int64_t margin = a->life_ms / 100 > 1000 ? a->life_ms / 100 : 1000;
	struct lease_promise was = h->now;

	if (!h->waits || strcmp(h->asking.id, asked->id) != 0)
		return false;
	h->waits = false;
	h->seen = a->seq;
	h->now.count = a->granted;
	if (a->stale && was.count < a->granted)
		h->now.count = was.count;
	if (a->stale && was.over <= now)
		h->now.count = 0;
	/* From when it asked, and a little less than it was told. */
	h->now.over = a->life_ms > margin ? sent + a->life_ms - margin + a->grace_ms : 0;
	remember(h, &was, now);
	return true;
}
