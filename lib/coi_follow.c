/* One pair, at the end that follows: it takes the session keys that are offered. */
#include "coi_internal.h"

#include <string.h>

static bool challenge_new(struct vmp_coi_pair *pair)
{
	uint8_t challenge[sizeof(pair->challenge)];

	if (pair->calls.random(pair->ctx, challenge, sizeof(challenge)) != VMP_OK)
		return false;
	memcpy(pair->challenge, challenge, sizeof(challenge));
	pair->challenged = true;
	pair->asks = 0;
	return true;
}

bool coi_follow_challenge(struct vmp_coi_pair *pair)
{
	return pair->challenged || challenge_new(pair);
}

/* -- offers -- */

/* Install before answering: the leader installs when it has the answer.  All other offers that were made until now are
 * void, whoever may still have them. */
static void take(struct vmp_coi_pair *pair, const struct vmp_coi_message *m, uint64_t now)
{
	struct coi_offer offer = coi_offer_of(m);

	if (!challenge_new(pair))
		return;
	pair->confirmed = false;
	pair->calls.install(pair->ctx, m->session);
	coi_agree(pair, &offer, now);
	if (pair->phase != VMP_COI_AGREED)
		coi_phase(pair, VMP_COI_UNSURE);
	pair->at[COI_RENEW] = now + COI_MISSED_MS;
	if (!pair->ready)
		pair->at[COI_READY] = now + COI_READY_MS;
	pair->view.offers++;
	coi_start(pair, COI_TELLING, now);
}

/* The leader goes on offering: it has not heard the answer, or this is a copy of what it sent. */
static void repeated(struct vmp_coi_pair *pair, const struct coi_epoch *by, uint64_t now)
{
	if (!coi_may(pair, COI_LIMIT_REPEAT, now))
		return;
	coi_send(pair, VMP_COI_TAKEN, &pair->agreed, by);
	if (!pair->confirmed)
		coi_go_on(pair, COI_TELLING, now);
}

static void on_offer(struct vmp_coi_pair *pair, const struct vmp_coi_message *m, const struct coi_epoch *by,
		     uint64_t now, bool *fresh)
{
	struct coi_offer about = coi_offer_of(m);

	if (!coi_follow_challenge(pair))
		return;
	if (coi_is_about(m, &pair->agreed)) {
		repeated(pair, by, now);
	} else if (memcmp(m->challenge, pair->challenge, sizeof(pair->challenge)) == 0) {
		*fresh = true;
		if (coi_may(pair, COI_LIMIT_TAKE, now))
			take(pair, m, now);
	} else if (coi_may(pair, COI_LIMIT_REFUSE, now)) {
		coi_send(pair, VMP_COI_REFUSED, &about, by);
	}
}

/* -- the rest -- */

static void on_done(struct vmp_coi_pair *pair, const struct vmp_coi_message *m, const struct coi_epoch *by,
		    uint64_t now, bool *fresh)
{
	struct coi_offer about = coi_offer_of(m);

	if (coi_is_about(m, &pair->agreed)) {
		if (pair->confirmed)
			return;
		*fresh = true;
		pair->confirmed = true;
		pair->agreed.epoch = m->epoch;
		pair->view.epoch = m->epoch;
		coi_quiet(pair);
		coi_phase(pair, VMP_COI_AGREED);
		coi_ready(pair);
	} else if (!coi_has_peer(pair)) {
		/* It was taken, and is forgotten: the leader must not believe that this end has it. */
		if (coi_may(pair, COI_LIMIT_REFUSE, now))
			coi_send(pair, VMP_COI_BYE, &about, by);
	} else if (!pair->agreed.is) {
		coi_hurry(pair, now);
	}
}

static void on_bye(struct vmp_coi_pair *pair, const struct vmp_coi_message *m, const struct coi_epoch *by, uint64_t now,
		   bool *fresh)
{
	(void)by;
	(void)now;
	(void)fresh;
	if (coi_is_about(m, &pair->agreed))
		coi_down(pair);
}

const coi_handler coi_follow_handlers[VMP_COI_BYE + 1] = {
	[VMP_COI_OFFER] = on_offer,
	[VMP_COI_DONE] = on_done,
	[VMP_COI_BYE] = on_bye,
};
