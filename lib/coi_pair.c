/* One pair: what both roles share. */
#include "coi_internal.h"
#include "pki.h"

#include <stdlib.h>
#include <string.h>

/* -- timers and limits -- */

static const struct {
	unsigned burst;
	uint64_t every; /* [ms] */
} limits[COI_LIMITS] = { [COI_LIMIT_OFFER] = { 5, 1000 },
			 [COI_LIMIT_HINT] = { 3, 1000 },
			 [COI_LIMIT_TAKE] = { 8, 500 },
			 [COI_LIMIT_REPEAT] = { 4, 500 },
			 [COI_LIMIT_REFUSE] = { 4, 500 } };

bool coi_may(struct vmp_coi_pair *pair, enum coi_limit limit, uint64_t now)
{
	uint64_t *used = &pair->limit[limit], base = *used > now ? *used : now;

	if (base - now + limits[limit].every > limits[limit].burst * limits[limit].every)
		return false;
	*used = base + limits[limit].every;
	return true;
}

uint64_t coi_jitter(struct vmp_coi_pair *pair, uint64_t most)
{
	uint32_t n = 0;

	if (pair->calls.random(pair->ctx, (uint8_t *)&n, sizeof(n)) != VMP_OK)
		return 0;
	return n % (most + 1);
}

void coi_timer_by(struct vmp_coi_pair *pair, enum coi_timer timer, uint64_t at)
{
	if (at < pair->at[timer])
		pair->at[timer] = at;
}

static void timers_off(struct vmp_coi_pair *pair)
{
	size_t i;

	for (i = 0; i < COI_TIMERS; i++)
		pair->at[i] = COI_NEVER;
}

/* -- messages -- */

const struct coi_epoch *coi_epoch_find(const struct vmp_coi_pair *pair, uint64_t coi, uint32_t epoch)
{
	size_t i;

	for (i = 0; i < pair->n; i++) {
		if (pair->epochs[i].coi == coi && pair->epochs[i].epoch == epoch)
			return &pair->epochs[i];
	}
	return NULL;
}

struct coi_offer coi_offer_of(const struct vmp_coi_message *m)
{
	struct coi_offer offer = { .is = true, .coi = m->coi, .epoch = m->epoch };

	memcpy(offer.id, m->offer, sizeof(offer.id));
	memcpy(offer.challenge, m->challenge, sizeof(offer.challenge));
	return offer;
}

bool coi_is_about(const struct vmp_coi_message *m, const struct coi_offer *offer)
{
	return offer->is && memcmp(m->offer, offer->id, sizeof(m->offer)) == 0;
}

void coi_send(struct vmp_coi_pair *pair, enum vmp_coi_type type, const struct coi_offer *offer,
	      const struct coi_epoch *by)
{
	struct vmp_coi_message m = { .type = type };
	int own = pair->leads ? 0 : 1;
	uint8_t nonce[12], out[VMP_COI_MESSAGE];
	size_t len;

	if (!by || pair->calls.random(pair->ctx, nonce, sizeof(nonce)) != VMP_OK)
		return;
	m.coi = by->coi;
	m.epoch = by->epoch;
	memcpy(m.from, pair->ends.id[own], sizeof(m.from));
	memcpy(m.to, pair->ends.id[1 - own], sizeof(m.to));
	if (offer) {
		memcpy(m.offer, offer->id, sizeof(m.offer));
		memcpy(m.session, offer->session, sizeof(m.session));
	} else {
		m.counter = ++pair->asks;
	}
	if (!pair->leads && pair->challenged)
		memcpy(m.challenge, pair->challenge, sizeof(m.challenge));
	else if (offer)
		memcpy(m.challenge, offer->challenge, sizeof(m.challenge));
	if (vmp_coi_seal(&m, by->keys.of[own], nonce, out, &len, NULL) == VMP_OK)
		pair->calls.send(pair->ctx, out, len);
	vmp_wipe(&m, sizeof(m));
}

/* -- what is said until there is an answer -- */

/* Of the same COI, the newest one before the current. */
static const struct coi_epoch *older(const struct vmp_coi_pair *pair)
{
	const struct coi_epoch *e, *found = NULL;

	for (e = pair->epochs; e < pair->epochs + pair->n; e++) {
		if (e->coi == pair->best->coi && e->epoch < pair->best->epoch && (!found || e->epoch > found->epoch))
			found = e;
	}
	return found ? found : pair->best;
}

/* The other end may not have the current epoch yet, or no more: after some tries every other one is under another.  The
 * leader keeps to its choice of COI; what the follower asks under makes no difference; it answers as it was asked. */
static const struct coi_epoch *epoch_to_try(const struct vmp_coi_pair *pair)
{
	const struct coi_epoch *first = pair->best, *taken;

	if (pair->n == 0 || (pair->leads && !first))
		return NULL;
	taken = coi_epoch_find(pair, pair->agreed.coi, pair->agreed.epoch);
	if (pair->doing == COI_TELLING && taken)
		return taken;
	if (first && (pair->tries < 5 || pair->tries % 2 == 0))
		return first;
	return pair->leads ? older(pair) : &pair->epochs[pair->tries / 2 % pair->n];
}

static uint64_t until_retry(struct vmp_coi_pair *pair)
{
	static const uint64_t slow[] = { 5000, 5000, 10000, 10000, 20000 };
	uint64_t ms;

	if (pair->phase == VMP_COI_RECOVERY)
		ms = pair->tries < sizeof(slow) / sizeof(slow[0]) ? slow[pair->tries] : 27000;
	else if (pair->tries < 2)
		ms = 250u << pair->tries;
	else
		ms = pair->tries < 40 ? 1000 : 5000;
	return ms - ms / 10 + coi_jitter(pair, ms / 5);
}

static void say(struct vmp_coi_pair *pair, uint64_t now)
{
	const struct coi_epoch *by = epoch_to_try(pair);

	if (pair->doing == COI_OFFERING)
		coi_send(pair, VMP_COI_OFFER, &pair->open, by);
	else if (pair->doing == COI_TELLING)
		coi_send(pair, VMP_COI_TAKEN, &pair->agreed, by);
	else if (coi_follow_challenge(pair))
		coi_send(pair, VMP_COI_ASK, NULL, by);
	pair->sent_at = now;
	pair->at[COI_RETRY] = now + until_retry(pair);
	pair->tries++;
}

void coi_start(struct vmp_coi_pair *pair, enum coi_doing doing, uint64_t now)
{
	pair->doing = doing;
	pair->tries = 0;
	say(pair, now);
}

void coi_go_on(struct vmp_coi_pair *pair, enum coi_doing doing, uint64_t now)
{
	pair->doing = doing;
	pair->sent_at = now;
	pair->tries = 1;
	pair->at[COI_RETRY] = now + until_retry(pair);
}

void coi_quiet(struct vmp_coi_pair *pair)
{
	pair->doing = COI_QUIET;
	pair->at[COI_RETRY] = COI_NEVER;
}

void coi_hurry(struct vmp_coi_pair *pair, uint64_t now)
{
	if (pair->doing != COI_QUIET && now - pair->sent_at >= 1000)
		say(pair, now);
}

/* -- phases -- */

void coi_phase(struct vmp_coi_pair *pair, enum vmp_coi_phase phase)
{
	pair->phase = phase;
	if (phase != VMP_COI_ASKING)
		pair->at[COI_GIVE_UP] = COI_NEVER;
}

void coi_agree(struct vmp_coi_pair *pair, const struct coi_offer *offer, uint64_t now)
{
	pair->agreed = *offer;
	vmp_wipe(pair->agreed.session, sizeof(pair->agreed.session));
	pair->view.coi = offer->coi;
	pair->view.epoch = offer->epoch;
	pair->view.agreed_at = now;
	pair->at[COI_RECOVER] = now + COI_RECOVER_MS;
}

void coi_ready(struct vmp_coi_pair *pair)
{
	pair->at[COI_READY] = COI_NEVER;
	if (!pair->ready)
		pair->calls.ready(pair->ctx);
	pair->ready = true;
}

static void seek(struct vmp_coi_pair *pair, uint64_t now)
{
	if (pair->leads)
		coi_lead_offer(pair, now);
	else
		coi_start(pair, COI_CALLING, now);
}

void coi_wake(struct vmp_coi_pair *pair, uint64_t now)
{
	coi_phase(pair, VMP_COI_ASKING);
	pair->at[COI_GIVE_UP] = now + COI_GIVE_UP_MS;
	seek(pair, now);
}

void coi_down(struct vmp_coi_pair *pair)
{
	bool had = coi_has_peer(pair);

	coi_lead_close(pair);
	pair->agreed.is = false;
	pair->ready = false;
	pair->view.coi = 0;
	pair->view.epoch = 0;
	timers_off(pair);
	coi_phase(pair, VMP_COI_IDLE);
	if (had)
		pair->calls.remove(pair->ctx);
}

/* The ends have not heard of each other for long.  What was agreed before is void: an answer to it must not come late.
 */
static void recover(struct vmp_coi_pair *pair, uint64_t now)
{
	if (!pair->best) {
		pair->at[COI_RECOVER] = now + 5000;
		return;
	}
	pair->calls.install(pair->ctx, pair->best->keys.recovery);
	pair->agreed.is = false;
	pair->view.coi = pair->best->coi;
	pair->view.epoch = pair->best->epoch;
	coi_phase(pair, VMP_COI_RECOVERY);
	coi_ready(pair);
	seek(pair, now);
}

/* -- timers -- */

static void on_retry(struct vmp_coi_pair *pair, uint64_t now)
{
	if (pair->phase == VMP_COI_AGREED && !pair->for_ask)
		coi_phase(pair, VMP_COI_UNSURE);
	say(pair, now);
}

static void on_renew(struct vmp_coi_pair *pair, uint64_t now)
{
	const struct coi_offer *open = &pair->open;
	bool fits = open->is && !pair->for_ask && pair->best && open->coi == pair->best->coi &&
		    open->epoch == pair->best->epoch;

	if (pair->phase != VMP_COI_IDLE && !fits)
		seek(pair, now);
}

static void on_give_up(struct vmp_coi_pair *pair, uint64_t now)
{
	(void)now;
	coi_down(pair);
}

static void on_ready(struct vmp_coi_pair *pair, uint64_t now)
{
	(void)now;
	coi_ready(pair);
}

void vmp_coi_pair_tick(struct vmp_coi_pair *pair, uint64_t now)
{
	static void (*const due[COI_TIMERS])(struct vmp_coi_pair *, uint64_t) = { [COI_RETRY] = on_retry,
										  [COI_RENEW] = on_renew,
										  [COI_RECOVER] = recover,
										  [COI_GIVE_UP] = on_give_up,
										  [COI_READY] = on_ready };
	size_t i;

	for (i = 0; i < COI_TIMERS; i++) {
		if (pair->at[i] > now)
			continue;
		pair->at[i] = COI_NEVER;
		due[i](pair, now);
	}
}

uint64_t vmp_coi_pair_next(const struct vmp_coi_pair *pair)
{
	uint64_t next = COI_NEVER;
	size_t i;

	for (i = 0; i < COI_TIMERS; i++) {
		if (pair->at[i] < next)
			next = pair->at[i];
	}
	return next;
}

/* -- the caller's side -- */

struct vmp_coi_pair *vmp_coi_pair_new(const struct vmp_coi_ends *ends, bool leads, bool installed,
				      const struct vmp_coi_calls *calls, void *ctx)
{
	struct vmp_coi_pair *pair = calloc(1, sizeof(*pair));

	if (!pair)
		return NULL;
	pair->ends = *ends;
	pair->leads = leads;
	pair->calls = *calls;
	pair->ctx = ctx;
	pair->ready = installed;
	timers_off(pair);
	coi_phase(pair, installed ? VMP_COI_UNSURE : VMP_COI_IDLE);
	return pair;
}

static void epochs_free(struct coi_epoch *epochs, size_t n)
{
	if (epochs)
		vmp_wipe(epochs, n * sizeof(*epochs));
	free(epochs);
}

void vmp_coi_pair_free(struct vmp_coi_pair *pair)
{
	if (!pair)
		return;
	epochs_free(pair->epochs, pair->n);
	vmp_wipe(pair, sizeof(*pair));
	free(pair);
}

void vmp_coi_pair_need(struct vmp_coi_pair *pair, uint64_t now)
{
	pair->for_ask = false;
	if (pair->phase == VMP_COI_IDLE && pair->n > 0)
		coi_wake(pair, now);
	else if (pair->phase == VMP_COI_ASKING)
		coi_hurry(pair, now);
	else if (pair->ready)
		pair->calls.ready(pair->ctx);
}

void vmp_coi_pair_stalled(struct vmp_coi_pair *pair, uint64_t now)
{
	bool long_told = pair->doing == COI_TELLING && pair->tries > 5;

	if (pair->n == 0 || (pair->stalled_at && now - pair->stalled_at < 1000))
		return;
	pair->stalled_at = now;
	pair->for_ask = false;
	if (pair->phase == VMP_COI_IDLE)
		coi_wake(pair, now);
	else if (pair->doing == COI_QUIET || long_told)
		seek(pair, now);
	else
		coi_hurry(pair, now);
}

static void bye(struct vmp_coi_pair *pair, const struct coi_offer *offer)
{
	const struct coi_epoch *by = coi_epoch_find(pair, offer->coi, offer->epoch);
	struct coi_offer about = *offer;

	vmp_wipe(about.session, sizeof(about.session));
	if (offer->is && pair->n > 0)
		coi_send(pair, VMP_COI_BYE, &about, by ? by : pair->epochs);
}

void vmp_coi_pair_release(struct vmp_coi_pair *pair, uint64_t now)
{
	(void)now;
	bye(pair, &pair->agreed);
	bye(pair, &pair->open);
	coi_down(pair);
}

int vmp_coi_pair_message(struct vmp_coi_pair *pair, const uint8_t *data, size_t len, uint64_t now, bool *fresh,
			 struct vmp_msg *msg)
{
	const coi_handler *handlers = pair->leads ? coi_lead_handlers : coi_follow_handlers;
	int own = pair->leads ? 0 : 1, err;
	const struct coi_epoch *by;
	struct vmp_coi_message m;

	*fresh = false;
	err = vmp_coi_peek(data, len, &m, msg);
	if (err)
		goto out;
	err = VMP_EINVAL;
	if (memcmp(m.from, pair->ends.id[1 - own], VMP_COI_ID) != 0 ||
	    memcmp(m.to, pair->ends.id[own], VMP_COI_ID) != 0 || !handlers[m.type]) {
		vmp_fail(msg, err, "a message that is not from the other end of this pair");
		goto out;
	}
	by = coi_epoch_find(pair, m.coi, m.epoch);
	if (!by)
		return vmp_fail(msg, VMP_ENOENT, "a message under epoch %u of COI %llu, whose key is not here", m.epoch,
				(unsigned long long)m.coi);
	err = vmp_coi_open(data, len, by->keys.of[1 - own], &m, msg);
	if (!err)
		handlers[m.type](pair, &m, by, now, fresh);
	vmp_wipe(&m, sizeof(m));
out:
	if (err)
		pair->view.refusals++;
	return err;
}

void vmp_coi_pair_look(const struct vmp_coi_pair *pair, struct vmp_coi_view *out)
{
	*out = pair->view;
	out->phase = pair->phase;
	/* Since the start anew nothing was agreed on: it will be this. */
	if (coi_has_peer(pair) && !out->coi && pair->best) {
		out->coi = pair->best->coi;
		out->epoch = pair->best->epoch;
	}
}
