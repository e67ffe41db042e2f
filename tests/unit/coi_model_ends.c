/* Two ends, and the network between them. */
#include "coi_ends.h"
#include "coi_model_internal.h"

#include <stdlib.h>
#include <string.h>

unsigned model_below(struct coi_model *m, unsigned n)
{
	return m->random(m->ctx) % n;
}

void model_is_wrong(struct coi_model *m, const char *why)
{
	if (!m->wrong)
		m->wrong = why;
}

static bool among(const uint8_t (*list)[VMP_COI_SECRET], uint64_t n, const uint8_t key[VMP_COI_SECRET])
{
	uint64_t i;

	for (i = 0; i < (n < MODEL_DRAWN ? n : MODEL_DRAWN); i++) {
		if (memcmp(list[i], key, VMP_COI_SECRET) == 0)
			return true;
	}
	return false;
}

/* -- the network -- */

void model_fly(struct coi_model *m, int to, const uint8_t *data, size_t len, uint64_t at)
{
	struct model_packet *p;

	if (m->n_flight == MODEL_FLIGHT)
		return;
	p = &m->flight[m->n_flight++];
	p->at = at;
	p->to = to;
	p->len = len;
	memcpy(p->data, data, len);
}

static void travel(struct coi_model *m, int to, const uint8_t *data, size_t len)
{
	if (m->now < m->dark_until || model_below(m, 1000) < m->loss) {
		m->sums.lost++;
		return;
	}
	model_fly(m, to, data, len, m->now + 1 + model_below(m, m->delay));
	if (model_below(m, 1000) < m->doubles) {
		m->sums.doubled++;
		model_fly(m, to, data, len, m->now + 1 + model_below(m, m->delay));
	}
}

static void keep(struct coi_model *m, int to, const uint8_t *data, size_t len)
{
	struct model_packet *p = &m->archive[m->n_archive++ % MODEL_ARCHIVE];

	p->to = to;
	p->len = len;
	memcpy(p->data, data, len);
}

/* Whatever is thrown at an end, it sends no more than so much. */
static void count(struct model_end *e)
{
	struct coi_model *m = e->model;
	uint64_t before, many;

	e->sent_at[e->n_sent++ % MODEL_SENT] = m->now;
	many = e->n_sent > 40 ? 40 : e->n_sent - 1;
	before = e->sent_at[(e->n_sent - 1 - many) % MODEL_SENT];
	if (many == 40 && m->now - before < 1000)
		model_is_wrong(m, "an end sends more than 40 messages in a second");
	many = e->n_sent > 200 ? 200 : e->n_sent - 1;
	before = e->sent_at[(e->n_sent - 1 - many) % MODEL_SENT];
	if (many == 200 && m->now - before < 20000)
		model_is_wrong(m, "an end sends more than 200 messages in 20 seconds");
}

/* A fellow member has the COI's keys, and may listen.  It does not have the secret of the two. */
static void eavesdrop(struct coi_model *m, const uint8_t *data, size_t len)
{
	struct vmp_coi_message seen, got;
	struct vmp_coi_ends ends = m->ends, own;
	struct vmp_coi_keys keys;
	uint8_t key[VMP_COI_SECRET];
	int i;

	if (vmp_coi_peek(data, len, &seen, NULL) != VMP_OK) {
		model_is_wrong(m, "an end sends what is no message");
		return;
	}
	coi_key_of(seen.coi, seen.epoch, key);
	for (i = 0; i < 2; i++) {
		coi_ends_of(COI_FELLOW, i == 0 ? COI_LEADER : COI_FOLLOWER, &own);
		memcpy(ends.dh, own.dh, sizeof(ends.dh));
		if (vmp_coi_derive(&ends, seen.coi, seen.epoch, key, &keys) != VMP_OK ||
		    vmp_coi_open(data, len, keys.of[0], &got, NULL) == VMP_OK ||
		    vmp_coi_open(data, len, keys.of[1], &got, NULL) == VMP_OK)
			model_is_wrong(m, "a fellow member reads a message");
	}
}

/* -- what the pairs call -- */

static void on_send(void *ctx, const uint8_t *data, size_t len)
{
	struct model_end *e = ctx;
	struct coi_model *m = e->model;
	uint64_t i, n = m->n_drawn < 4 ? m->n_drawn : 4;

	m->sums.sent++;
	if (data[3] == VMP_COI_BYE)
		m->sums.byes++;
	count(e);
	for (i = 0; i < n; i++) {
		if (memmem(data, len, m->drawn[(m->n_drawn - 1 - i) % MODEL_DRAWN], VMP_COI_SECRET))
			model_is_wrong(m, "a session key is sent in the clear");
	}
	if (model_below(m, 64) == 0)
		eavesdrop(m, data, len);
	keep(m, 1 - e->which, data, len);
	travel(m, 1 - e->which, data, len);
}

/* Of an epoch that this end has. */
static bool is_recovery(struct model_end *e, const uint8_t psk[VMP_COI_SECRET])
{
	struct vmp_coi_keys keys;
	int i;

	for (i = 0; i < MODEL_COIS; i++) {
		coi_keys_of((uint64_t)i + 1, e->epoch[i], &keys);
		if (e->member[i] && memcmp(keys.recovery, psk, VMP_COI_SECRET) == 0)
			return true;
	}
	return false;
}

static void on_install(void *ctx, const uint8_t psk[VMP_COI_SECRET])
{
	struct model_end *e = ctx;
	struct coi_model *m = e->model;

	if (!e->keyed)
		model_is_wrong(m, "an end without keys installs a preshared key");
	if (among((const uint8_t(*)[VMP_COI_SECRET])m->drawn, m->n_drawn, psk)) {
		if (e->which == FOLLOW) {
			memcpy(m->has_taken[m->n_taken++ % MODEL_DRAWN], psk, VMP_COI_SECRET);
			m->sums.taken++;
		} else if (!among((const uint8_t(*)[VMP_COI_SECRET])m->has_taken, m->n_taken, psk)) {
			model_is_wrong(m, "the leader installs what the follower has not installed");
		} else {
			m->sums.accepted++;
		}
	} else if (is_recovery(e, psk)) {
		m->sums.recovered++;
	} else {
		model_is_wrong(m, "an end installs a key that the leader has not drawn");
	}
	e->installed = true;
	e->installs++;
	memcpy(e->psk, psk, VMP_COI_SECRET);
}

static void on_ready(void *ctx)
{
	struct model_end *e = ctx;

	e->model->sums.ready++;
	if (!e->installed)
		model_is_wrong(e->model, "an end is ready and has no peer");
	if (e->which == LEAD && e->model->sums.taken == 0 && e->model->sums.restarts == 0)
		model_is_wrong(e->model, "the leader is ready before the follower");
}

static void on_remove(void *ctx)
{
	struct model_end *e = ctx;

	if (!e->installed)
		model_is_wrong(e->model, "an end removes a peer that it does not have");
	e->installed = false;
	e->model->sums.removed++;
}

/* Session keys are the only ones that are so long. */
static int on_random(void *ctx, uint8_t *out, size_t len)
{
	struct model_end *e = ctx;
	struct coi_model *m = e->model;
	size_t i;

	if (model_below(m, 5000) == 0)
		return VMP_EIO;
	for (i = 0; i < len; i++)
		out[i] = (uint8_t)model_below(m, 256);
	if (len != VMP_COI_SECRET)
		return VMP_OK;
	if (e->which != LEAD)
		model_is_wrong(m, "the follower draws a session key");
	memcpy(m->drawn[m->n_drawn++ % MODEL_DRAWN], out, VMP_COI_SECRET);
	return VMP_OK;
}

static const struct vmp_coi_calls calls = { on_send, on_install, on_ready, on_remove, on_random };

/* -- what the programs around them do -- */

void model_keys_tell(struct model_end *e)
{
	struct vmp_coi_live live[2 * MODEL_COIS];
	uint8_t keys[2 * MODEL_COIS][VMP_COI_SECRET];
	size_t n = 0;
	uint32_t k;
	int i;

	for (i = 0; i < MODEL_COIS; i++) {
		for (k = 0; e->member[i] && k < 2 && e->epoch[i] > k; k++) {
			live[n] = (struct vmp_coi_live){ (uint64_t)i + 1, e->epoch[i] - k, k == 0, keys[n] };
			coi_key_of(live[n].coi, live[n].epoch, keys[n]);
			n++;
		}
	}
	e->keyed = n > 0;
	if (vmp_coi_pair_keys(e->pair, live, n, e->chosen, e->model->now, NULL) != VMP_OK)
		model_is_wrong(e->model, "keys are refused");
	if (n == 0 && e->installed)
		model_is_wrong(e->model, "an end without keys has a peer");
}

void model_start(struct model_end *e, bool stays)
{
	vmp_coi_pair_free(e->pair);
	e->installed = e->installed && stays;
	e->pair = vmp_coi_pair_new(&e->model->ends, e->which == LEAD, e->installed, &calls, e);
	if (!e->pair)
		abort();
	model_keys_tell(e);
}

void model_synchronize(struct coi_model *m)
{
	int i, k;

	for (k = 0; k < 2; k++) {
		for (i = 0; i < MODEL_COIS; i++) {
			m->end[k].epoch[i] = m->epoch[i];
			m->end[k].member[i] = true;
		}
		m->end[k].chosen = 1;
		model_keys_tell(&m->end[k]);
	}
}

struct coi_model *coi_model_new(uint32_t (*random)(void *ctx), void *ctx)
{
	struct coi_model *m = calloc(1, sizeof(*m));
	int i;

	if (!m)
		abort();
	m->random = random;
	m->ctx = ctx;
	m->now = 1000;
	m->delay = 50;
	coi_ends_of(COI_LEADER, COI_FOLLOWER, &m->ends);
	for (i = 0; i < MODEL_COIS; i++)
		m->epoch[i] = 1;
	for (i = 0; i < 2; i++) {
		m->end[i].model = m;
		m->end[i].which = i;
		model_start(&m->end[i], false);
	}
	model_synchronize(m);
	return m;
}

void coi_model_free(struct coi_model *m)
{
	if (!m)
		return;
	vmp_coi_pair_free(m->end[LEAD].pair);
	vmp_coi_pair_free(m->end[FOLLOW].pair);
	free(m);
}

const struct coi_model_sums *coi_model_sums(const struct coi_model *m)
{
	return &m->sums;
}

/* -- time -- */

void model_deliver(struct coi_model *m, size_t i)
{
	struct model_packet p = m->flight[i];
	bool fresh;

	m->flight[i] = m->flight[--m->n_flight];
	if (vmp_coi_pair_message(m->end[p.to].pair, p.data, p.len, m->now, &fresh, NULL) != VMP_OK && fresh)
		model_is_wrong(m, "a message that is dropped is fresh");
}

/* Packets go both ways every ten seconds, if WireGuard has the same preshared key at both ends. */
static void traffic(struct coi_model *m)
{
	bool same = m->end[0].installed && m->end[1].installed &&
		    memcmp(m->end[0].psk, m->end[1].psk, VMP_COI_SECRET) == 0;
	int i;

	m->next_traffic = m->now + 10000;
	for (i = 0; i < 2; i++) {
		if (!m->end[i].wants)
			continue;
		if (!m->end[i].installed)
			vmp_coi_pair_need(m->end[i].pair, m->now);
		else if (!same)
			vmp_coi_pair_stalled(m->end[i].pair, m->now);
	}
}

size_t model_first_flight(const struct coi_model *m)
{
	size_t i, first = 0;

	for (i = 1; i < m->n_flight; i++) {
		if (m->flight[i].at < m->flight[first].at)
			first = i;
	}
	return first;
}

void model_look_at_difference(struct coi_model *m)
{
	bool differ = m->end[0].installed && m->end[1].installed &&
		      memcmp(m->end[0].psk, m->end[1].psk, VMP_COI_SECRET) != 0;

	if (!differ)
		m->differ_since = 0;
	else if (!m->differ_since)
		m->differ_since = m->now;
}

bool model_advance(struct coi_model *m, uint64_t until)
{
	uint64_t at = m->next_traffic, next[2];
	size_t first = model_first_flight(m);
	int i, who = 2;

	if (m->n_flight && m->flight[first].at < at) {
		at = m->flight[first].at;
		who = 3;
	}
	for (i = 0; i < 2; i++) {
		next[i] = vmp_coi_pair_next(m->end[i].pair);
		if (next[i] < at) {
			at = next[i];
			who = i;
		}
	}
	if (at > until) {
		m->now = until;
		return false;
	}
	m->now = at > m->now ? at : m->now;
	if (who == 3)
		model_deliver(m, first);
	else if (who == 2)
		traffic(m);
	else
		vmp_coi_pair_tick(m->end[who].pair, m->now);
	if (who < 2 && vmp_coi_pair_next(m->end[who].pair) <= m->now)
		model_is_wrong(m, "a tick leaves something due");
	model_look_at_difference(m);
	return true;
}
