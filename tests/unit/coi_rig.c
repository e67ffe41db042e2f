#include "coi_rig.h"

#include "coi_ends.h"
#include "pki.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct coi_rig_end coi_rig_lead, coi_rig_follow;
uint64_t coi_rig_now;

static void on_send(void *ctx, const uint8_t *data, size_t len)
{
	struct coi_rig_end *e = ctx;

	ck_assert_int_lt(e->n, COI_RIG_QUEUE);
	memcpy(e->sent[e->n], data, len);
	e->len[e->n++] = len;
}

static void on_install(void *ctx, const uint8_t psk[VMP_COI_SECRET])
{
	struct coi_rig_end *e = ctx;

	memcpy(e->psk, psk, VMP_COI_SECRET);
	e->installed = true;
	e->installs++;
}

static void on_ready(void *ctx)
{
	struct coi_rig_end *e = ctx;

	ck_assert(e->installed);
	e->readies++;
}

static void on_remove(void *ctx)
{
	struct coi_rig_end *e = ctx;

	ck_assert(e->installed);
	e->installed = false;
	e->removes++;
}

static int on_random(void *ctx, uint8_t *out, size_t len)
{
	struct coi_rig_end *e = ctx;

	return e->no_random ? VMP_EIO : vmp_random(out, len);
}

static const struct vmp_coi_calls calls = { on_send, on_install, on_ready, on_remove, on_random };

/* Epochs first to last of COI 1, the last one being current. */
void coi_rig_keys(struct coi_rig_end *e, uint32_t first, uint32_t last)
{
	struct vmp_coi_live live[8];
	uint8_t key[8][VMP_COI_SECRET];
	size_t n = 0;
	uint32_t i;

	for (i = first; i <= last; i++, n++) {
		live[n] = (struct vmp_coi_live){ 1, i, i == last, key[n] };
		coi_key_of(1, i, key[n]);
	}
	ck_assert_int_eq(vmp_coi_pair_keys(e->pair, live, n, 1, coi_rig_now, NULL), VMP_OK);
}

void coi_rig_none(struct coi_rig_end *e)
{
	ck_assert_int_eq(vmp_coi_pair_keys(e->pair, NULL, 0, 0, coi_rig_now, NULL), VMP_OK);
}

void coi_rig_start(struct coi_rig_end *e, bool installed)
{
	struct vmp_coi_ends ends;

	vmp_coi_pair_free(e->pair);
	coi_ends_of(COI_LEADER, COI_FOLLOWER, &ends);
	e->installed = installed;
	e->n = 0;
	e->pair = vmp_coi_pair_new(&ends, e == &coi_rig_lead, installed, &calls, e);
	ck_assert_ptr_nonnull(e->pair);
}

void coi_rig_setup(void)
{
	memset(&coi_rig_lead, 0, sizeof(coi_rig_lead));
	memset(&coi_rig_follow, 0, sizeof(coi_rig_follow));
	coi_rig_now = 5000;
	coi_rig_start(&coi_rig_lead, false);
	coi_rig_start(&coi_rig_follow, false);
	coi_rig_keys(&coi_rig_lead, 1, 1);
	coi_rig_keys(&coi_rig_follow, 1, 1);
}

void coi_rig_teardown(void)
{
	vmp_coi_pair_free(coi_rig_lead.pair);
	vmp_coi_pair_free(coi_rig_follow.pair);
	coi_rig_lead.pair = coi_rig_follow.pair = NULL;
}

int coi_rig_type_of(const struct coi_rig_end *e, int i)
{
	return i < e->n ? e->sent[i][3] : 0;
}

enum vmp_coi_phase coi_rig_phase(const struct coi_rig_end *e)
{
	struct vmp_coi_view view;

	vmp_coi_pair_look(e->pair, &view);
	return view.phase;
}

int coi_rig_give(struct coi_rig_end *to, const uint8_t *data, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);
	int err;

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, data, len);
	err = vmp_coi_pair_message(to->pair, exact, len, coi_rig_now, &to->fresh, NULL);
	free(exact);
	return err;
}

/* The first of what one end has sent comes to the other one. */
int coi_rig_pass(struct coi_rig_end *from)
{
	struct coi_rig_end *to = from == &coi_rig_lead ? &coi_rig_follow : &coi_rig_lead;
	uint8_t data[VMP_COI_MESSAGE];
	size_t len = from->len[0];

	ck_assert_int_gt(from->n, 0);
	memcpy(data, from->sent[0], len);
	from->n--;
	memmove(from->sent[0], from->sent[1], sizeof(from->sent[0]) * (size_t)from->n);
	memmove(&from->len[0], &from->len[1], sizeof(from->len[0]) * (size_t)from->n);
	return coi_rig_give(to, data, len);
}

void coi_rig_pass_all(void)
{
	int i;

	for (i = 0; (coi_rig_lead.n || coi_rig_follow.n) && i < 100; i++)
		ck_assert_int_eq(coi_rig_pass(coi_rig_lead.n ? &coi_rig_lead : &coi_rig_follow), VMP_OK);
	ck_assert_int_lt(i, 100);
}

void coi_rig_lose_all(void)
{
	coi_rig_lead.n = coi_rig_follow.n = 0;
}

/* What is due until then; nothing arrives. */
void coi_rig_wait_until(struct coi_rig_end *e, uint64_t until)
{
	while (vmp_coi_pair_next(e->pair) <= until) {
		if (vmp_coi_pair_next(e->pair) > coi_rig_now)
			coi_rig_now = vmp_coi_pair_next(e->pair);
		vmp_coi_pair_tick(e->pair, coi_rig_now);
		ck_assert_uint_gt(vmp_coi_pair_next(e->pair), coi_rig_now);
		e->n = e->n > COI_RIG_QUEUE / 2 ? 0 : e->n;
	}
	coi_rig_now = until;
}

void coi_rig_agreed(void)
{
	vmp_coi_pair_need(coi_rig_lead.pair, coi_rig_now);
	coi_rig_pass_all();
	ck_assert_int_eq(coi_rig_phase(&coi_rig_lead), VMP_COI_AGREED);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_follow), VMP_COI_AGREED);
	ck_assert_mem_eq(coi_rig_lead.psk, coi_rig_follow.psk, VMP_COI_SECRET);
}
