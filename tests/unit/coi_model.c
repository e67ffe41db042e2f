/* What happens to two ends. */
#include "coi_ends.h"
#include "coi_model_internal.h"

#include <stdlib.h>
#include <string.h>

/* -- what others do -- */

static void replay(struct coi_model *m, uint64_t back)
{
	const struct model_packet *p = &m->archive[(m->n_archive - 1 - back) % MODEL_ARCHIVE];

	m->sums.replayed++;
	model_fly(m, model_below(m, 8) == 0 ? 1 - p->to : p->to, p->data, p->len, m->now + 1);
}

static void replay_some(struct coi_model *m, unsigned most)
{
	uint64_t kept = m->n_archive < MODEL_ARCHIVE ? m->n_archive : MODEL_ARCHIVE;
	unsigned n = kept ? 1 + model_below(m, most) : 0;

	while (n--)
		replay(m, model_below(m, (unsigned)(model_below(m, 2) ? kept : kept < 16 ? kept : 16)));
}

/* By a fellow member, under the COI's own key: with the wrong secret of the two, or the right message altered. */
static void forge(struct coi_model *m)
{
	struct vmp_coi_message f = { .type = (enum vmp_coi_type)(1 + model_below(m, 6)) };
	struct vmp_coi_ends ends = m->ends, own;
	struct vmp_coi_keys keys;
	uint8_t key[VMP_COI_SECRET], out[VMP_COI_MESSAGE], nonce[12] = { 0 };
	size_t len, i;
	int to = (int)model_below(m, 2), coi = (int)model_below(m, MODEL_COIS);

	f.coi = (uint64_t)coi + 1;
	f.epoch = m->epoch[coi];
	memcpy(f.from, m->ends.id[1 - to], sizeof(f.from));
	memcpy(f.to, m->ends.id[to], sizeof(f.to));
	if (f.type == VMP_COI_ASK)
		f.counter = UINT64_MAX;
	else
		memset(f.offer, 1, sizeof(f.offer));
	coi_key_of(f.coi, f.epoch, key);
	coi_ends_of(COI_FELLOW, to == LEAD ? COI_LEADER : COI_FOLLOWER, &own);
	memcpy(ends.dh, own.dh, sizeof(ends.dh));
	if (vmp_coi_derive(&ends, f.coi, f.epoch, key, &keys) != VMP_OK ||
	    vmp_coi_seal(&f, keys.of[1 - to], nonce, out, &len, NULL) != VMP_OK)
		abort();
	model_fly(m, to, out, len, m->now + 1);
	m->sums.forged++;
	if (m->n_archive == 0)
		return;
	i = (size_t)model_below(m, (unsigned)(m->n_archive < MODEL_ARCHIVE ? m->n_archive : MODEL_ARCHIVE));
	memcpy(out, m->archive[i].data, m->archive[i].len);
	out[model_below(m, (unsigned)m->archive[i].len)] ^= (uint8_t)(1 + model_below(m, 255));
	model_fly(m, m->archive[i].to, out, m->archive[i].len, m->now + 1);
}

/* -- what happens, and how often of a thousand times -- */

static void do_need(struct coi_model *m)
{
	struct model_end *e = &m->end[model_below(m, 2)];

	e->wants = true;
	vmp_coi_pair_need(e->pair, m->now);
	if (model_below(m, 3) == 0) /* both at once */
		vmp_coi_pair_need(m->end[1 - e->which].pair, m->now);
}

static void do_release(struct coi_model *m)
{
	struct model_end *e = &m->end[model_below(m, 2)];

	e->wants = false;
	vmp_coi_pair_release(e->pair, m->now);
	if (e->installed)
		model_is_wrong(m, "a released peer is still there");
}

static void do_stalled(struct coi_model *m)
{
	vmp_coi_pair_stalled(m->end[model_below(m, 2)].pair, m->now);
}

static void do_restart(struct coi_model *m)
{
	m->sums.restarts++;
	model_start(&m->end[model_below(m, 2)], model_below(m, 2));
}

static void do_epoch(struct coi_model *m)
{
	m->epoch[model_below(m, MODEL_COIS)]++;
	m->sums.epochs++;
}

/* One end hears of what is current. */
static void do_hear(struct coi_model *m)
{
	struct model_end *e = &m->end[model_below(m, 2)];
	int i;

	for (i = 0; i < MODEL_COIS; i++) {
		e->epoch[i] = m->epoch[i];
		e->member[i] = true;
	}
	model_keys_tell(e);
}

static void do_choose(struct coi_model *m)
{
	struct model_end *e = &m->end[model_below(m, 2)];

	e->chosen = 1 + model_below(m, MODEL_COIS);
	m->sums.choices++;
	model_keys_tell(e);
}

static void do_leave(struct coi_model *m)
{
	struct model_end *e = &m->end[model_below(m, 2)];
	int i;

	for (i = 0; i < MODEL_COIS; i++)
		e->member[i] = model_below(m, 4) == 0;
	model_keys_tell(e);
	m->sums.cut_off += !e->keyed;
}

static void do_replay(struct coi_model *m)
{
	replay_some(m, model_below(m, 10) == 0 ? 100 : 4);
}

static void do_link(struct coi_model *m)
{
	static const unsigned losses[] = { 0, 0, 50, 200, 500, 800, 950 }, delays[] = { 1, 20, 300, 2000, 10000 };

	m->loss = losses[model_below(m, 7)];
	m->delay = delays[model_below(m, 5)];
	m->doubles = model_below(m, 2) ? 0 : model_below(m, 400);
	if (model_below(m, 6) == 0)
		m->dark_until = m->now + model_below(m, 400000);
}

static const struct {
	unsigned often;
	void (*happens)(struct coi_model *m);
} deeds[] = { { 12, do_need },	 { 5, do_release }, { 5, do_stalled }, { 3, do_restart },
	      { 4, do_epoch },	 { 12, do_hear },   { 3, do_choose },  { 2, do_leave },
	      { 20, do_replay }, { 10, forge },	    { 8, do_link } };

const char *coi_model_step(struct coi_model *m)
{
	unsigned n = model_below(m, 1000), i;

	for (i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		if (n < deeds[i].often) {
			deeds[i].happens(m);
			model_look_at_difference(m);
			return m->wrong;
		}
		n -= deeds[i].often;
	}
	model_advance(m, UINT64_MAX);
	return m->wrong;
}

/* -- phases in which something must come about -- */

static void run(struct coi_model *m, uint64_t ms)
{
	uint64_t until = m->now + ms;

	while (!m->wrong && model_advance(m, until))
		;
}

static const char *compare(struct coi_model *m, enum vmp_coi_phase phase)
{
	struct vmp_coi_view view[2];
	int i;

	for (i = 0; i < 2; i++) {
		vmp_coi_pair_look(m->end[i].pair, &view[i]);
		if (!m->end[i].installed)
			return i == LEAD ? "the leader has no peer" : "the follower has no peer";
		if (view[i].phase != phase)
			return i == LEAD ? "the leader is in another phase" : "the follower is in another phase";
	}
	if (memcmp(m->end[0].psk, m->end[1].psk, VMP_COI_SECRET) != 0)
		return "the preshared keys differ";
	if (view[0].coi != view[1].coi || view[0].epoch != view[1].epoch || view[0].coi != 1)
		return "the ends do not talk in the same COI";
	return NULL;
}

/* Everything that was ever sent, to both ends, and what they answer: nothing may change. */
static const char *replay_all(struct coi_model *m)
{
	uint64_t kept = m->n_archive < MODEL_ARCHIVE ? m->n_archive : MODEL_ARCHIVE, installs[2], i, end = m->now;
	struct vmp_coi_view before[2], after;
	int k;

	for (k = 0; k < 2; k++) {
		vmp_coi_pair_look(m->end[k].pair, &before[k]);
		installs[k] = m->end[k].installs;
	}
	for (i = 0; i < kept; i++) {
		replay(m, i);
		while (m->n_flight && m->flight[model_first_flight(m)].at <= end + 1)
			model_deliver(m, model_first_flight(m));
	}
	for (k = 0; k < 2; k++) {
		vmp_coi_pair_look(m->end[k].pair, &after);
		if (after.phase != before[k].phase || installs[k] != m->end[k].installs)
			return k == LEAD ? "a replay changes the leader" : "a replay changes the follower";
	}
	return m->wrong;
}

static const char *settle(struct coi_model *m)
{
	m->loss = 0;
	m->doubles = 100;
	m->delay = 100;
	m->dark_until = 0;
	model_synchronize(m);
	m->end[0].wants = m->end[1].wants = true;
	run(m, 60000);
	/* A new offer may be under way just now. */
	if (!m->wrong && compare(m, VMP_COI_AGREED))
		run(m, 400);
	return m->wrong ? m->wrong : compare(m, VMP_COI_AGREED);
}

const char *coi_model_heal(struct coi_model *m)
{
	const char *error = settle(m);

	m->sums.healed++;
	return error ? error : replay_all(m);
}

const char *coi_model_lossy(struct coi_model *m, unsigned permille, uint64_t ms)
{
	uint64_t until = m->now + ms;
	const char *error = settle(m);

	m->loss = permille;
	m->delay = 1000;
	while (!error && m->now < until) {
		if (model_below(m, 20) == 0)
			do_replay(m);
		model_advance(m, until);
		error = m->wrong;
		if (m->differ_since && m->now - m->differ_since >= 40000)
			error = "preshared keys differ for 40 seconds";
		if (!m->end[0].installed || !m->end[1].installed)
			error = "a peer is lost";
	}
	return error;
}

const char *coi_model_silence(struct coi_model *m)
{
	const char *error = settle(m);
	struct vmp_coi_keys keys;

	m->dark_until = m->now + 3600000;
	m->n_flight = 0;
	if (error)
		return error;
	run(m, 300000);
	if (model_below(m, 2)) {
		m->epoch[0]++;
		model_synchronize(m);
	}
	run(m, 300000);
	m->sums.silent++;
	error = m->wrong ? m->wrong : compare(m, VMP_COI_RECOVERY);
	coi_keys_of(1, m->epoch[0], &keys);
	if (!error && memcmp(m->end[0].psk, keys.recovery, VMP_COI_SECRET) != 0)
		error = "it is not the recovery key of the current epoch";
	return error;
}
