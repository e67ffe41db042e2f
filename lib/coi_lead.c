/* One pair, at the end that leads: it draws session keys and offers them. */
#include "coi_internal.h"
#include "pki.h"

#include <string.h>

void coi_lead_close(struct vmp_coi_pair *pair)
{
	vmp_wipe(&pair->open, sizeof(pair->open));
	pair->for_ask = false;
	coi_quiet(pair);
}

/* @param hint  the challenge to answer; NULL: the one that is known, or zeros. */
static void offer_with(struct vmp_coi_pair *pair, const uint8_t *hint, uint64_t now)
{
	struct coi_offer *open = &pair->open;

	coi_lead_close(pair);
	if (pair->calls.random(pair->ctx, open->id, sizeof(open->id)) != VMP_OK ||
	    pair->calls.random(pair->ctx, open->session, sizeof(open->session)) != VMP_OK) {
		coi_lead_close(pair);
		coi_timer_by(pair, COI_RENEW, now + 1000);
		return;
	}
	open->is = true;
	open->coi = pair->best->coi;
	open->epoch = pair->best->epoch;
	if (hint)
		memcpy(open->challenge, hint, sizeof(open->challenge));
	else if (pair->challenged)
		memcpy(open->challenge, pair->challenge, sizeof(open->challenge));
	pair->view.offers++;
	coi_start(pair, COI_OFFERING, now);
}

void coi_lead_offer(struct vmp_coi_pair *pair, uint64_t now)
{
	/* Without a key of the choice there is nothing to offer under: vmp_coi_pair_keys() comes back. */
	if (!pair->best)
		return;
	if (coi_may(pair, COI_LIMIT_OFFER, now))
		offer_with(pair, NULL, now);
	else
		coi_timer_by(pair, COI_RENEW, now + 1000);
}

/* -- answers to the open offer -- */

/* With the challenge that is known to be the follower's? */
static bool is_of(const struct vmp_coi_pair *pair, const struct vmp_coi_message *m)
{
	return pair->challenged && memcmp(pair->challenge, m->challenge, sizeof(m->challenge)) == 0;
}

/* The answer names the open offer, so it is no copy, and the challenge in it is the follower's. */
static void learn(struct vmp_coi_pair *pair, const struct vmp_coi_message *m)
{
	if (is_of(pair, m))
		return;
	memcpy(pair->challenge, m->challenge, sizeof(pair->challenge));
	pair->challenged = true;
	pair->asks = 0;
}

/* An ask with a challenge that is not known: perhaps the follower was started anew, perhaps it is a copy of long ago.
 * An offer with that challenge will show. */
static void hinted(struct vmp_coi_pair *pair, const struct vmp_coi_message *m, uint64_t now)
{
	static const uint8_t unknown[16];
	bool for_ask = !pair->open.is || pair->for_ask;

	if (pair->open.is && memcmp(pair->open.challenge, unknown, sizeof(unknown)) != 0) {
		coi_hurry(pair, now);
		return;
	}
	if (!pair->best || !coi_may(pair, COI_LIMIT_HINT, now))
		return;
	if (pair->phase == VMP_COI_IDLE) {
		coi_phase(pair, VMP_COI_ASKING);
		pair->at[COI_GIVE_UP] = now + COI_GIVE_UP_MS;
	}
	offer_with(pair, m->challenge, now);
	pair->for_ask = for_ask;
}

/* The same offer may have gone out under several epochs: the follower learns which one counts. */
static void done(struct vmp_coi_pair *pair, const struct coi_epoch *by)
{
	const struct coi_epoch *agreed = coi_epoch_find(pair, pair->agreed.coi, pair->agreed.epoch);

	coi_send(pair, VMP_COI_DONE, &pair->agreed, agreed ? agreed : by);
}

static void accept_open(struct vmp_coi_pair *pair, const struct vmp_coi_message *m, const struct coi_epoch *by,
			uint64_t now)
{
	bool old;

	learn(pair, m);
	pair->open.epoch = m->epoch;
	pair->calls.install(pair->ctx, pair->open.session);
	coi_agree(pair, &pair->open, now);
	coi_lead_close(pair);
	done(pair, by);
	coi_phase(pair, VMP_COI_AGREED);
	/* The other end did not have the current epoch: it will soon. */
	old = pair->best && (by->coi != pair->best->coi || by->epoch != pair->best->epoch);
	pair->at[COI_RENEW] = now + (old ? COI_RENEW_MS / 4 : COI_RENEW_MS - 5000 + coi_jitter(pair, 10000));
	coi_ready(pair);
}

static void on_taken(struct vmp_coi_pair *pair, const struct vmp_coi_message *m, const struct coi_epoch *by,
		     uint64_t now, bool *fresh)
{
	struct coi_offer about = coi_offer_of(m);

	if (coi_is_about(m, &pair->open)) {
		if (m->coi != pair->open.coi)
			return;
		*fresh = true;
		accept_open(pair, m, by, now);
	} else if (coi_is_about(m, &pair->agreed)) {
		if (coi_may(pair, COI_LIMIT_REPEAT, now))
			done(pair, by);
	} else if (pair->phase == VMP_COI_IDLE) {
		if (coi_may(pair, COI_LIMIT_REFUSE, now))
			coi_send(pair, VMP_COI_BYE, &about, by);
	}
}

static void on_refused(struct vmp_coi_pair *pair, const struct vmp_coi_message *m, const struct coi_epoch *by,
		       uint64_t now, bool *fresh)
{
	bool known = is_of(pair, m);
	bool copy = pair->for_ask && memcmp(pair->open.challenge, m->challenge, sizeof(m->challenge)) != 0;

	(void)by;
	/* It had the key, and has forgotten it since. */
	if (coi_is_about(m, &pair->agreed) && !pair->open.is)
		coi_lead_offer(pair, now);
	if (!coi_is_about(m, &pair->open))
		return;
	*fresh = true;
	learn(pair, m);
	/* It was a copy that asked; or the follower asks again soon. */
	if (copy && (known || !coi_has_peer(pair))) {
		coi_lead_close(pair);
		if (!coi_has_peer(pair))
			coi_down(pair);
		return;
	}
	coi_lead_close(pair);
	coi_lead_offer(pair, now);
}

/* -- what comes by itself -- */

static void on_ask(struct vmp_coi_pair *pair, const struct vmp_coi_message *m, const struct coi_epoch *by, uint64_t now,
		   bool *fresh)
{
	(void)by;
	if (!is_of(pair, m)) {
		hinted(pair, m, now);
		return;
	}
	if (m->counter <= pair->asks)
		return;
	pair->asks = m->counter;
	*fresh = true;
	if (pair->phase == VMP_COI_IDLE)
		coi_wake(pair, now);
	else if (pair->open.is && memcmp(pair->open.challenge, m->challenge, sizeof(m->challenge)) == 0)
		coi_hurry(pair, now);
	else
		coi_lead_offer(pair, now);
}

/* Of a key that the follower had, or was about to have. */
static void on_bye(struct vmp_coi_pair *pair, const struct vmp_coi_message *m, const struct coi_epoch *by, uint64_t now,
		   bool *fresh)
{
	(void)by;
	(void)fresh;
	if (!coi_is_about(m, &pair->open) && !coi_is_about(m, &pair->agreed))
		return;
	if (pair->phase == VMP_COI_ASKING && !pair->for_ask)
		coi_lead_offer(pair, now);
	else
		coi_down(pair);
}

const coi_handler coi_lead_handlers[VMP_COI_BYE + 1] = {
	[VMP_COI_TAKEN] = on_taken,
	[VMP_COI_REFUSED] = on_refused,
	[VMP_COI_ASK] = on_ask,
	[VMP_COI_BYE] = on_bye,
};
