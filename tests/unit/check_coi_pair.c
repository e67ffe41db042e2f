/* A pair's two ends, message by message.  What many of them in any order come to is check_coi_model.c's. */
#include "coi_ends.h"
#include "coi_rig.h"
#include "suites.h"

#include <string.h>

/* -- how it goes -- */

START_TEST(the_leader_needs_it)
{
	vmp_coi_pair_need(coi_rig_lead.pair, coi_rig_now);
	ck_assert_int_eq(coi_rig_type_of(&coi_rig_lead, 0), VMP_COI_OFFER);
	ck_assert_int_eq(coi_rig_pass(&coi_rig_lead), VMP_OK);
	ck_assert_int_eq(coi_rig_follow.installs, 0);
	ck_assert_int_eq(coi_rig_type_of(&coi_rig_follow, 0), VMP_COI_REFUSED);
	ck_assert_int_eq(coi_rig_pass(&coi_rig_follow), VMP_OK);
	ck_assert(coi_rig_lead.fresh);
	ck_assert_int_eq(coi_rig_type_of(&coi_rig_lead, 0), VMP_COI_OFFER);
	ck_assert_int_eq(coi_rig_pass(&coi_rig_lead), VMP_OK);
	ck_assert(coi_rig_follow.fresh);
	ck_assert_int_eq(coi_rig_follow.installs, 1);
	ck_assert_int_eq(coi_rig_follow.readies, 0);
	ck_assert_int_eq(coi_rig_lead.installs, 0);
	ck_assert_int_eq(coi_rig_type_of(&coi_rig_follow, 0), VMP_COI_TAKEN);
	ck_assert_int_eq(coi_rig_pass(&coi_rig_follow), VMP_OK);
	ck_assert_int_eq(coi_rig_lead.installs, 1);
	ck_assert_int_eq(coi_rig_lead.readies, 1);
	ck_assert_int_eq(coi_rig_type_of(&coi_rig_lead, 0), VMP_COI_DONE);
	ck_assert_int_eq(coi_rig_pass(&coi_rig_lead), VMP_OK);
	ck_assert_int_eq(coi_rig_follow.readies, 1);
	ck_assert_int_eq(coi_rig_lead.n + coi_rig_follow.n, 0);
	ck_assert_mem_eq(coi_rig_lead.psk, coi_rig_follow.psk, VMP_COI_SECRET);
}
END_TEST

/* Four messages: the ask has the challenge in it. */
START_TEST(the_follower_needs_it)
{
	int i;

	vmp_coi_pair_need(coi_rig_follow.pair, coi_rig_now);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(coi_rig_pass(i % 2 ? &coi_rig_lead : &coi_rig_follow), VMP_OK);
	ck_assert_int_eq(coi_rig_lead.n + coi_rig_follow.n, 0);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_lead), VMP_COI_AGREED);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_follow), VMP_COI_AGREED);
	ck_assert_int_eq(coi_rig_lead.readies, 1);
	ck_assert_int_eq(coi_rig_follow.readies, 1);
}
END_TEST

START_TEST(both_need_it_at_once)
{
	vmp_coi_pair_need(coi_rig_lead.pair, coi_rig_now);
	vmp_coi_pair_need(coi_rig_follow.pair, coi_rig_now);
	coi_rig_pass_all();
	ck_assert_int_eq(coi_rig_phase(&coi_rig_lead), VMP_COI_AGREED);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_follow), VMP_COI_AGREED);
	ck_assert_mem_eq(coi_rig_lead.psk, coi_rig_follow.psk, VMP_COI_SECRET);
	ck_assert_int_eq(coi_rig_lead.installs, 1);
}
END_TEST

START_TEST(needed_again)
{
	coi_rig_agreed();
	vmp_coi_pair_need(coi_rig_lead.pair, coi_rig_now);
	vmp_coi_pair_need(coi_rig_follow.pair, coi_rig_now);
	ck_assert_int_eq(coi_rig_lead.n + coi_rig_follow.n, 0);
	ck_assert_int_eq(coi_rig_lead.readies, 2);
	ck_assert_int_eq(coi_rig_follow.readies, 2);
	ck_assert_int_eq(coi_rig_lead.installs, 1);
}
END_TEST

/* Packets go on coming, and the next try would be a while off. */
START_TEST(needed_while_asking)
{
	struct coi_rig_end *e = _i ? &coi_rig_lead : &coi_rig_follow;

	vmp_coi_pair_need(e->pair, coi_rig_now);
	vmp_coi_pair_need(e->pair, coi_rig_now + 999);
	ck_assert_int_eq(e->n, 1);
	vmp_coi_pair_need(e->pair, coi_rig_now + 1000);
	ck_assert_int_eq(e->n, 2);
}
END_TEST

START_TEST(the_done_is_lost)
{
	vmp_coi_pair_need(coi_rig_follow.pair, coi_rig_now);
	coi_rig_pass(&coi_rig_follow), coi_rig_pass(&coi_rig_lead);
	ck_assert_int_eq(coi_rig_follow.installs, 1);
	coi_rig_wait_until(&coi_rig_follow, coi_rig_now + 749);
	ck_assert_int_eq(coi_rig_follow.readies, 0);
	ck_assert_int_ge(coi_rig_follow.n, 2);
	coi_rig_wait_until(&coi_rig_follow, coi_rig_now + 1);
	ck_assert_int_eq(coi_rig_follow.readies, 1);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_follow), VMP_COI_UNSURE);
	coi_rig_pass(&coi_rig_follow);
	coi_rig_lead.n = 0;
	coi_rig_pass(&coi_rig_follow);
	ck_assert_int_eq(coi_rig_lead.n, 1);
	ck_assert_int_eq(coi_rig_type_of(&coi_rig_lead, 0), VMP_COI_DONE);
	coi_rig_pass_all();
	ck_assert_int_eq(coi_rig_phase(&coi_rig_follow), VMP_COI_AGREED);
	ck_assert_int_eq(coi_rig_lead.installs, 1);
	ck_assert_int_eq(coi_rig_follow.readies, 1);
}
END_TEST

START_TEST(the_answer_is_lost)
{
	vmp_coi_pair_need(coi_rig_follow.pair, coi_rig_now);
	coi_rig_pass(&coi_rig_follow), coi_rig_pass(&coi_rig_lead);
	coi_rig_lose_all();
	coi_rig_wait_until(&coi_rig_lead, coi_rig_now + 300);
	ck_assert_int_eq(coi_rig_type_of(&coi_rig_lead, 0), VMP_COI_OFFER);
	coi_rig_pass_all();
	ck_assert_int_eq(coi_rig_phase(&coi_rig_lead), VMP_COI_AGREED);
	ck_assert_int_eq(coi_rig_follow.installs, 1);
	ck_assert_mem_eq(coi_rig_lead.psk, coi_rig_follow.psk, VMP_COI_SECRET);
}
END_TEST

START_TEST(nobody_answers)
{
	uint64_t began = coi_rig_now;

	vmp_coi_pair_need(_i ? coi_rig_lead.pair : coi_rig_follow.pair, coi_rig_now);
	coi_rig_wait_until(_i ? &coi_rig_lead : &coi_rig_follow, began + 29999);
	ck_assert_int_eq(coi_rig_phase(_i ? &coi_rig_lead : &coi_rig_follow), VMP_COI_ASKING);
	coi_rig_wait_until(_i ? &coi_rig_lead : &coi_rig_follow, began + 30000);
	ck_assert_int_eq(coi_rig_phase(_i ? &coi_rig_lead : &coi_rig_follow), VMP_COI_IDLE);
	ck_assert_uint_eq(vmp_coi_pair_next(_i ? coi_rig_lead.pair : coi_rig_follow.pair), UINT64_MAX);
	ck_assert_int_eq(coi_rig_lead.removes + coi_rig_follow.removes + coi_rig_lead.readies + coi_rig_follow.readies,
			 0);
	coi_rig_lose_all();
	coi_rig_agreed();
}
END_TEST

/* After 250 ms, 500, then each second, give or take a tenth. */
START_TEST(how_often_it_is_said_again)
{
	static const uint64_t latest[] = { 0, 275, 825, 1925, 3025, 4125 },
			      earliest[] = { 0, 225, 675, 1575, 2475, 3375 };
	uint64_t began = coi_rig_now;
	int i;

	vmp_coi_pair_need(coi_rig_lead.pair, coi_rig_now);
	for (i = 1; i < 6; i++) {
		coi_rig_now = vmp_coi_pair_next(coi_rig_lead.pair);
		ck_assert_uint_ge(coi_rig_now - began, earliest[i]);
		ck_assert_uint_le(coi_rig_now - began, latest[i]);
		vmp_coi_pair_tick(coi_rig_lead.pair, coi_rig_now);
		ck_assert_int_eq(coi_rig_lead.n, i + 1);
	}
	/* The same octets under another nonce. */
	ck_assert_uint_eq(coi_rig_lead.len[0], coi_rig_lead.len[5]);
	ck_assert_mem_eq(coi_rig_lead.sent[0], coi_rig_lead.sent[1], 48);
	ck_assert_mem_ne(coi_rig_lead.sent[0] + 48, coi_rig_lead.sent[1] + 48, 12);
	ck_assert_mem_ne(coi_rig_lead.sent[0] + 60, coi_rig_lead.sent[1] + 60, 88);
}
END_TEST

START_TEST(a_new_key_every_two_minutes)
{
	uint8_t before[VMP_COI_SECRET];

	coi_rig_agreed();
	memcpy(before, coi_rig_lead.psk, sizeof(before));
	coi_rig_wait_until(&coi_rig_lead, coi_rig_now + 114999);
	ck_assert_int_eq(coi_rig_lead.n, 0);
	coi_rig_wait_until(&coi_rig_lead, coi_rig_now + 10001);
	ck_assert_int_ge(coi_rig_lead.n, 1);
	ck_assert_mem_eq(coi_rig_lead.psk, before, sizeof(before));
	coi_rig_pass_all();
	ck_assert_mem_ne(coi_rig_lead.psk, before, sizeof(before));
	ck_assert_mem_eq(coi_rig_lead.psk, coi_rig_follow.psk, VMP_COI_SECRET);
	ck_assert_int_eq(coi_rig_lead.readies, 1);
	ck_assert_int_eq(coi_rig_follow.readies, 1);
}
END_TEST

START_TEST(the_follower_misses_the_offers)
{
	uint64_t began = coi_rig_now;

	coi_rig_agreed();
	coi_rig_wait_until(&coi_rig_follow, began + 149999);
	ck_assert_int_eq(coi_rig_follow.n, 0);
	coi_rig_wait_until(&coi_rig_follow, began + 150000);
	ck_assert_int_eq(coi_rig_type_of(&coi_rig_follow, 0), VMP_COI_ASK);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_follow), VMP_COI_AGREED);
	coi_rig_wait_until(&coi_rig_follow, began + 151000);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_follow), VMP_COI_UNSURE);
}
END_TEST

START_TEST(no_word_for_long)
{
	struct vmp_coi_keys wanted;
	uint64_t began = coi_rig_now;

	coi_rig_agreed();
	coi_keys_of(1, 1, &wanted);
	coi_rig_wait_until(&coi_rig_lead, began + 299999);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_lead), VMP_COI_UNSURE);
	coi_rig_wait_until(&coi_rig_lead, began + 300000);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_lead), VMP_COI_RECOVERY);
	coi_rig_wait_until(&coi_rig_follow, began + 300000);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_follow), VMP_COI_RECOVERY);
	ck_assert_mem_eq(coi_rig_lead.psk, wanted.recovery, VMP_COI_SECRET);
	ck_assert_mem_eq(coi_rig_follow.psk, wanted.recovery, VMP_COI_SECRET);
	/* Ever more seldom, but soon for a start. */
	coi_rig_lose_all();
	coi_rig_wait_until(&coi_rig_lead, coi_rig_now + 6000);
	ck_assert_int_ge(coi_rig_lead.n, 1);
	coi_rig_wait_until(&coi_rig_lead, coi_rig_now + 60000);
	ck_assert_int_ge(coi_rig_lead.n, 4);
	ck_assert_int_le(coi_rig_lead.n, 10);
	coi_rig_lose_all();
	coi_rig_wait_until(&coi_rig_lead, coi_rig_now + 40000);
	coi_rig_pass_all();
	ck_assert_int_eq(coi_rig_phase(&coi_rig_lead), VMP_COI_AGREED);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_follow), VMP_COI_AGREED);
	ck_assert_mem_eq(coi_rig_lead.psk, coi_rig_follow.psk, VMP_COI_SECRET);
	ck_assert_mem_ne(coi_rig_lead.psk, wanted.recovery, VMP_COI_SECRET);
}
END_TEST

/* An answer that comes when the follower has gone over to the recovery key is no agreement for long. */
START_TEST(an_answer_after_recovery)
{
	uint8_t data[VMP_COI_MESSAGE];
	size_t len;

	coi_rig_agreed();
	vmp_coi_pair_stalled(coi_rig_lead.pair, coi_rig_now);
	coi_rig_pass(&coi_rig_lead);
	len = coi_rig_follow.len[0];
	memcpy(data, coi_rig_follow.sent[0], len);
	coi_rig_lose_all();
	coi_rig_wait_until(&coi_rig_follow, coi_rig_now + 300000);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_follow), VMP_COI_RECOVERY);
	coi_rig_lose_all();
	ck_assert_int_eq(coi_rig_give(&coi_rig_lead, data, len), VMP_OK);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_lead), VMP_COI_AGREED);
	coi_rig_now += 2000;
	coi_rig_pass_all();
	ck_assert_int_eq(coi_rig_phase(&coi_rig_follow), VMP_COI_AGREED);
	ck_assert_mem_eq(coi_rig_lead.psk, coi_rig_follow.psk, VMP_COI_SECRET);
}
END_TEST

START_TEST(a_new_epoch)
{
	struct vmp_coi_view view;

	coi_rig_agreed();
	coi_rig_keys(&coi_rig_lead, 1, 2);
	ck_assert_uint_le(vmp_coi_pair_next(coi_rig_lead.pair), coi_rig_now + 200);
	coi_rig_wait_until(&coi_rig_lead, coi_rig_now + 200);
	/* The follower does not have it yet, and gets it after some tries under the old one. */
	ck_assert_int_eq(coi_rig_pass(&coi_rig_lead), VMP_ENOENT);
	coi_rig_wait_until(&coi_rig_lead, coi_rig_now + 4500);
	while (coi_rig_lead.n && coi_rig_pass(&coi_rig_lead) == VMP_ENOENT)
		;
	ck_assert_int_eq(coi_rig_follow.installs, 2);
	coi_rig_lead.n = 0;
	coi_rig_pass_all();
	vmp_coi_pair_look(coi_rig_lead.pair, &view);
	ck_assert_int_eq(view.phase, VMP_COI_AGREED);
	ck_assert_uint_eq(view.epoch, 1);
	/* Sooner than otherwise it is tried again. */
	ck_assert_uint_le(vmp_coi_pair_next(coi_rig_lead.pair), coi_rig_now + 30000);
	coi_rig_keys(&coi_rig_follow, 1, 2);
	coi_rig_wait_until(&coi_rig_lead, vmp_coi_pair_next(coi_rig_lead.pair));
	coi_rig_pass_all();
	vmp_coi_pair_look(coi_rig_lead.pair, &view);
	ck_assert_uint_eq(view.epoch, 2);
	vmp_coi_pair_look(coi_rig_follow.pair, &view);
	ck_assert_uint_eq(view.epoch, 2);
}
END_TEST

static uint32_t epoch_of(const struct coi_rig_end *e)
{
	struct vmp_coi_view view;

	vmp_coi_pair_look(e->pair, &view);
	return view.epoch;
}

/* An offer went out under two epochs, and was answered under both: the leader says which one counts. */
START_TEST(an_offer_under_two_epochs)
{
	uint8_t data[VMP_COI_MESSAGE];
	size_t len;

	coi_rig_agreed();
	coi_rig_keys(&coi_rig_lead, 1, 2);
	coi_rig_wait_until(&coi_rig_lead, coi_rig_now + 4700);
	len = coi_rig_lead.len[0];
	memcpy(data, coi_rig_lead.sent[0], len);
	while (coi_rig_lead.n && coi_rig_pass(&coi_rig_lead) == VMP_ENOENT)
		;
	coi_rig_lead.n = 0;
	coi_rig_keys(&coi_rig_follow, 1, 2);
	ck_assert_int_eq(coi_rig_give(&coi_rig_follow, data, len), VMP_OK);
	ck_assert_int_eq(coi_rig_follow.n, 2);
	ck_assert_int_eq(coi_rig_pass(&coi_rig_follow), VMP_OK);
	coi_rig_lead.n = 0;
	ck_assert_int_eq(coi_rig_pass(&coi_rig_follow), VMP_OK);
	coi_rig_pass_all();
	ck_assert_int_eq(coi_rig_phase(&coi_rig_follow), VMP_COI_AGREED);
	ck_assert_uint_eq(epoch_of(&coi_rig_lead), 1);
	ck_assert_uint_eq(epoch_of(&coi_rig_follow), 1);
}
END_TEST

/* There is something to ask with that the leader may have. */
START_TEST(a_new_epoch_while_asking)
{
	uint64_t began = coi_rig_now;

	coi_rig_agreed();
	coi_rig_wait_until(&coi_rig_follow, began + 400000);
	ck_assert_uint_gt(vmp_coi_pair_next(coi_rig_follow.pair), coi_rig_now + 200);
	coi_rig_keys(&coi_rig_follow, 1, 2);
	ck_assert_uint_le(vmp_coi_pair_next(coi_rig_follow.pair), coi_rig_now + 200);
}
END_TEST

/* The leader's choice counts, and the follower opens whatever it has a key for. */
START_TEST(choices_that_differ)
{
	uint8_t key[2][VMP_COI_SECRET];
	struct vmp_coi_live live[] = { { 1, 1, true, key[0] }, { 2, 4, true, key[1] } };
	struct vmp_coi_view view;

	coi_key_of(1, 1, key[0]);
	coi_key_of(2, 4, key[1]);
	ck_assert_int_eq(vmp_coi_pair_keys(coi_rig_lead.pair, live, 2, 2, coi_rig_now, NULL), VMP_OK);
	ck_assert_int_eq(vmp_coi_pair_keys(coi_rig_follow.pair, live, 2, 1, coi_rig_now, NULL), VMP_OK);
	vmp_coi_pair_need(coi_rig_follow.pair, coi_rig_now);
	coi_rig_pass_all();
	vmp_coi_pair_look(coi_rig_follow.pair, &view);
	ck_assert_int_eq(view.phase, VMP_COI_AGREED);
	ck_assert_uint_eq(view.coi, 2);
	ck_assert_uint_eq(view.epoch, 4);
}
END_TEST

/* -- ends -- */

START_TEST(released)
{
	coi_rig_agreed();
	vmp_coi_pair_release(_i ? coi_rig_lead.pair : coi_rig_follow.pair, coi_rig_now);
	ck_assert_int_eq((_i ? &coi_rig_lead : &coi_rig_follow)->removes, 1);
	coi_rig_pass_all();
	ck_assert(!coi_rig_lead.installed && !coi_rig_follow.installed);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_lead), VMP_COI_IDLE);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_follow), VMP_COI_IDLE);
	ck_assert_uint_eq(vmp_coi_pair_next(coi_rig_lead.pair), UINT64_MAX);
	ck_assert_uint_eq(vmp_coi_pair_next(coi_rig_follow.pair), UINT64_MAX);
	coi_rig_now += 10000;
	coi_rig_agreed();
}
END_TEST

/* The other end may have taken the open offer, or not. */
START_TEST(released_while_an_offer_is_open)
{
	coi_rig_agreed();
	vmp_coi_pair_stalled(coi_rig_lead.pair, coi_rig_now);
	if (_i)
		coi_rig_pass(&coi_rig_lead);
	coi_rig_lose_all();
	vmp_coi_pair_release(coi_rig_lead.pair, coi_rig_now);
	ck_assert_int_eq(coi_rig_lead.n, 2);
	coi_rig_pass_all();
	ck_assert(!coi_rig_follow.installed);
}
END_TEST

/* The leader was asked for, nobody needs it any more, and the follower's answer comes late. */
START_TEST(a_late_answer)
{
	vmp_coi_pair_need(coi_rig_follow.pair, coi_rig_now);
	coi_rig_pass(&coi_rig_follow), coi_rig_pass(&coi_rig_lead);
	ck_assert(coi_rig_follow.installed);
	coi_rig_wait_until(&coi_rig_lead, coi_rig_now + 30000);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_lead), VMP_COI_IDLE);
	coi_rig_lead.n = 0;
	coi_rig_pass(&coi_rig_follow);
	ck_assert_int_eq(coi_rig_type_of(&coi_rig_lead, 0), VMP_COI_BYE);
	coi_rig_pass_all();
	ck_assert(!coi_rig_follow.installed);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_follow), VMP_COI_IDLE);
}
END_TEST

START_TEST(no_coi_is_shared_any_more)
{
	struct vmp_coi_view view;

	coi_rig_agreed();
	coi_rig_none(&coi_rig_lead);
	coi_rig_none(&coi_rig_follow);
	ck_assert(!coi_rig_lead.installed && !coi_rig_follow.installed);
	ck_assert_int_eq(coi_rig_lead.n + coi_rig_follow.n, 0);
	ck_assert_uint_eq(vmp_coi_pair_next(coi_rig_lead.pair), UINT64_MAX);
	vmp_coi_pair_look(coi_rig_lead.pair, &view);
	ck_assert_uint_eq(view.coi, 0);
	vmp_coi_pair_need(coi_rig_lead.pair, coi_rig_now);
	ck_assert_int_eq(coi_rig_lead.n, 0);
	coi_rig_keys(&coi_rig_lead, 1, 1);
	coi_rig_keys(&coi_rig_follow, 1, 1);
	coi_rig_agreed();
}
END_TEST

/* The peer stays through the restart, with the key that it has, until there is another. */
START_TEST(started_anew)
{
	struct coi_rig_end *e = _i ? &coi_rig_lead : &coi_rig_follow;
	uint64_t began;

	coi_rig_agreed();
	coi_rig_start(e, true);
	ck_assert_int_eq(coi_rig_phase(e), VMP_COI_UNSURE);
	ck_assert_uint_eq(vmp_coi_pair_next(e->pair), UINT64_MAX);
	coi_rig_keys(e, 1, 1);
	began = coi_rig_now;
	coi_rig_wait_until(e, coi_rig_now + 1000);
	ck_assert_int_eq(e->removes, 0);
	coi_rig_pass_all();
	ck_assert_int_eq(coi_rig_phase(&coi_rig_lead), VMP_COI_AGREED);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_follow), VMP_COI_AGREED);
	ck_assert_mem_eq(coi_rig_lead.psk, coi_rig_follow.psk, VMP_COI_SECRET);
	ck_assert_uint_eq(began + 1000, coi_rig_now);
}
END_TEST

START_TEST(started_anew_without_keys)
{
	coi_rig_start(&coi_rig_lead, true);
	coi_rig_none(&coi_rig_lead);
	ck_assert_int_eq(coi_rig_lead.removes, 1);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_lead), VMP_COI_IDLE);
}
END_TEST

/* The other end was started anew and has no peer: packets go and none come. */
START_TEST(stalled)
{
	struct coi_rig_end *e = _i ? &coi_rig_lead : &coi_rig_follow, *other = _i ? &coi_rig_follow : &coi_rig_lead;

	coi_rig_agreed();
	coi_rig_start(other, false);
	coi_rig_keys(other, 1, 1);
	coi_rig_now += 10000;
	vmp_coi_pair_stalled(e->pair, coi_rig_now);
	ck_assert_int_eq(e->n, 1);
	vmp_coi_pair_stalled(e->pair, coi_rig_now + 999);
	ck_assert_int_eq(e->n, 1);
	coi_rig_pass_all();
	ck_assert(coi_rig_lead.installed && coi_rig_follow.installed);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_lead), VMP_COI_AGREED);
	ck_assert_mem_eq(coi_rig_lead.psk, coi_rig_follow.psk, VMP_COI_SECRET);
}
END_TEST

START_TEST(stalled_again_and_again)
{
	struct coi_rig_end *e = _i ? &coi_rig_lead : &coi_rig_follow;

	coi_rig_agreed();
	vmp_coi_pair_stalled(e->pair, coi_rig_now);
	coi_rig_pass_all();
	coi_rig_now += 999;
	vmp_coi_pair_stalled(e->pair, coi_rig_now);
	ck_assert_int_eq(e->n, 0);
	coi_rig_now += 1;
	vmp_coi_pair_stalled(e->pair, coi_rig_now);
	ck_assert_int_eq(e->n, 1);
}
END_TEST

START_TEST(free_of_nothing)
{
	vmp_coi_pair_free(NULL);
}
END_TEST

Suite *check_coi_pair(void)
{
	Suite *s = suite_create("coi_pair");
	TCase *t = tcase_create("coi_pair");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, coi_rig_setup, coi_rig_teardown);
	tcase_add_test(t, the_leader_needs_it);
	tcase_add_test(t, the_follower_needs_it);
	tcase_add_test(t, both_need_it_at_once);
	tcase_add_test(t, needed_again);
	tcase_add_loop_test(t, needed_while_asking, 0, 2);
	tcase_add_test(t, the_done_is_lost);
	tcase_add_test(t, the_answer_is_lost);
	tcase_add_loop_test(t, nobody_answers, 0, 2);
	tcase_add_test(t, how_often_it_is_said_again);
	tcase_add_test(t, a_new_key_every_two_minutes);
	tcase_add_test(t, the_follower_misses_the_offers);
	tcase_add_test(t, no_word_for_long);
	tcase_add_test(t, an_answer_after_recovery);
	tcase_add_test(t, a_new_epoch);
	tcase_add_test(t, an_offer_under_two_epochs);
	tcase_add_test(t, a_new_epoch_while_asking);
	tcase_add_test(t, choices_that_differ);
	tcase_add_loop_test(t, released, 0, 2);
	tcase_add_loop_test(t, released_while_an_offer_is_open, 0, 2);
	tcase_add_test(t, a_late_answer);
	tcase_add_test(t, no_coi_is_shared_any_more);
	tcase_add_loop_test(t, started_anew, 0, 2);
	tcase_add_test(t, started_anew_without_keys);
	tcase_add_loop_test(t, stalled, 0, 2);
	tcase_add_loop_test(t, stalled_again_and_again, 0, 2);
	tcase_add_test(t, free_of_nothing);
	suite_add_tcase(s, t);
	return s;
}
