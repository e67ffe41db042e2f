/* One pair: the keys that its messages are sealed with. */
#include "coi_internal.h"
#include "pki.h"

#include <stdlib.h>
#include <string.h>

static void replace(struct vmp_coi_pair *pair, struct coi_epoch *epochs, size_t n)
{
	if (pair->epochs)
		vmp_wipe(pair->epochs, pair->n * sizeof(*pair->epochs));
	free(pair->epochs);
	pair->epochs = epochs;
	pair->n = n;
	pair->best = NULL;
}

/* No COI is shared.  The next time is another lifetime: with a new challenge. */
static void lose(struct vmp_coi_pair *pair)
{
	coi_down(pair);
	replace(pair, NULL, 0);
	vmp_wipe(pair->challenge, sizeof(pair->challenge));
	vmp_wipe(&pair->agreed, sizeof(pair->agreed));
	pair->challenged = false;
	pair->asks = 0;
}

static int derive_all(const struct vmp_coi_pair *pair, const struct vmp_coi_live *live, size_t n,
		      struct coi_epoch **out, struct vmp_msg *msg)
{
	struct coi_epoch *epochs = calloc(n, sizeof(*epochs));
	size_t i;

	if (!epochs)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	for (i = 0; i < n; i++) {
		epochs[i].coi = live[i].coi;
		epochs[i].epoch = live[i].epoch;
		epochs[i].current = live[i].current;
		if (vmp_coi_derive(&pair->ends, live[i].coi, live[i].epoch, live[i].key, &epochs[i].keys) == VMP_OK)
			continue;
		vmp_wipe(epochs, n * sizeof(*epochs));
		free(epochs);
		return vmp_fail(msg, VMP_EIO, "HKDF failed");
	}
	*out = epochs;
	return VMP_OK;
}

/* The current epoch of the choice; while none is said to be, the newest. */
static const struct coi_epoch *best_of(const struct vmp_coi_pair *pair, uint64_t chosen)
{
	const struct coi_epoch *e, *best = NULL;

	for (e = pair->epochs; e < pair->epochs + pair->n; e++) {
		bool better = !best || (e->current != best->current ? e->current : e->epoch > best->epoch);

		if (e->coi == chosen && better)
			best = e;
	}
	return best;
}

/* The first keys of a pair that is a peer already, since the program was started anew. */
static void begin(struct vmp_coi_pair *pair, uint64_t now)
{
	pair->at[COI_RECOVER] = now + COI_RECOVER_MS;
	if (pair->leads)
		pair->at[COI_RENEW] = now + coi_jitter(pair, 1000);
	else
		coi_start(pair, COI_CALLING, now);
}

static void changed(struct vmp_coi_pair *pair, uint64_t now)
{
	if (pair->phase == VMP_COI_IDLE || !pair->best)
		return;
	if (pair->phase == VMP_COI_RECOVERY) {
		pair->calls.install(pair->ctx, pair->best->keys.recovery);
		pair->view.coi = pair->best->coi;
		pair->view.epoch = pair->best->epoch;
	}
	if (pair->leads)
		coi_timer_by(pair, COI_RENEW, now + coi_jitter(pair, 200));
	else if (pair->doing != COI_QUIET)
		coi_timer_by(pair, COI_RETRY, now + coi_jitter(pair, 200));
}

int vmp_coi_pair_keys(struct vmp_coi_pair *pair, const struct vmp_coi_live *live, size_t n, uint64_t chosen,
		      uint64_t now, struct vmp_msg *msg)
{
	bool first = coi_has_peer(pair) && pair->at[COI_RECOVER] == COI_NEVER && pair->phase != VMP_COI_RECOVERY;
	uint64_t coi = pair->best ? pair->best->coi : 0;
	uint32_t epoch = pair->best ? pair->best->epoch : 0;
	struct coi_epoch *epochs = NULL;
	int err;

	if (n > VMP_COI_LIVE_MAX)
		return vmp_fail(msg, VMP_EINVAL, "%zu live epochs are shared: expected at most %d", n,
				VMP_COI_LIVE_MAX);
	if (n == 0) {
		lose(pair);
		return VMP_OK;
	}
	err = derive_all(pair, live, n, &epochs, msg);
	if (err)
		return err;
	replace(pair, epochs, n);
	pair->best = best_of(pair, chosen);
	if (first)
		begin(pair, now);
	else if (pair->best && (pair->best->coi != coi || pair->best->epoch != epoch))
		changed(pair, now);
	return VMP_OK;
}
