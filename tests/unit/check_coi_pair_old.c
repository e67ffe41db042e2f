/* A pair's two ends: what must not be done, above all with messages of yesterday. */
#include "coi_ends.h"
#include "coi_rig.h"
#include "suites.h"

#include <malloc.h>
#include <string.h>

START_TEST(without_keys_nothing)
{
	coi_rig_start(&coi_rig_lead, false);
	vmp_coi_pair_need(coi_rig_lead.pair, coi_rig_now);
	vmp_coi_pair_stalled(coi_rig_lead.pair, coi_rig_now);
	vmp_coi_pair_release(coi_rig_lead.pair, coi_rig_now);
	ck_assert_int_eq(coi_rig_lead.n, 0);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_lead), VMP_COI_IDLE);
	ck_assert_uint_eq(vmp_coi_pair_next(coi_rig_lead.pair), UINT64_MAX);
	vmp_coi_pair_need(coi_rig_follow.pair, coi_rig_now);
	ck_assert_int_eq(coi_rig_pass(&coi_rig_follow), VMP_ENOENT);
	ck_assert(!coi_rig_lead.fresh);
}
END_TEST

START_TEST(too_many_keys)
{
	static struct vmp_coi_live live[VMP_COI_LIVE_MAX + 1];
	static const uint8_t key[VMP_COI_SECRET];
	size_t i;

	for (i = 0; i <= VMP_COI_LIVE_MAX; i++)
		live[i] = (struct vmp_coi_live){ 1, (uint32_t)i + 1, i == VMP_COI_LIVE_MAX, key };
	coi_rig_agreed();
	ck_assert_int_eq(vmp_coi_pair_keys(coi_rig_lead.pair, live, VMP_COI_LIVE_MAX + 1, 1, coi_rig_now, NULL),
			 VMP_EINVAL);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_lead), VMP_COI_AGREED);
	ck_assert_int_eq(vmp_coi_pair_keys(coi_rig_lead.pair, live, VMP_COI_LIVE_MAX, 1, coi_rig_now, NULL), VMP_OK);
}
END_TEST

/* A message comes back to its sender, or goes to the role that sends such. */
START_TEST(reflected)
{
	uint8_t data[VMP_COI_MESSAGE];
	struct vmp_coi_view view;
	size_t len;

	vmp_coi_pair_need(coi_rig_lead.pair, coi_rig_now);
	len = coi_rig_lead.len[0];
	memcpy(data, coi_rig_lead.sent[0], len);
	ck_assert_int_eq(coi_rig_give(&coi_rig_lead, data, len), VMP_EINVAL);
	memcpy(data + 16, coi_machine_id(COI_FOLLOWER), VMP_COI_ID);
	memcpy(data + 32, coi_machine_id(COI_LEADER), VMP_COI_ID);
	ck_assert_int_eq(coi_rig_give(&coi_rig_lead, data, len), VMP_EINVAL);
	data[3] = VMP_COI_BYE;
	ck_assert_int_eq(coi_rig_give(&coi_rig_lead, data, len - 32), VMP_EACCES);
	vmp_coi_pair_look(coi_rig_lead.pair, &view);
	ck_assert_uint_eq(view.refusals, 3);
	ck_assert_int_eq(view.phase, VMP_COI_ASKING);
}
END_TEST

START_TEST(of_another_pair)
{
	uint8_t data[VMP_COI_MESSAGE];
	size_t len;

	vmp_coi_pair_need(coi_rig_lead.pair, coi_rig_now);
	len = coi_rig_lead.len[0];
	memcpy(data, coi_rig_lead.sent[0], len);
	data[16] ^= 1;
	ck_assert_int_eq(coi_rig_give(&coi_rig_follow, data, len), VMP_EINVAL);
	data[16] ^= 1;
	data[47] ^= 1;
	ck_assert_int_eq(coi_rig_give(&coi_rig_follow, data, len), VMP_EINVAL);
	ck_assert_int_eq(coi_rig_give(&coi_rig_follow, data, 10), VMP_EINVAL);
	ck_assert(!coi_rig_follow.installed);
}
END_TEST

START_TEST(the_leader_does_not_install_first)
{
	vmp_coi_pair_need(coi_rig_lead.pair, coi_rig_now);
	coi_rig_wait_until(&coi_rig_lead, coi_rig_now + 20000);
	ck_assert_int_eq(coi_rig_lead.installs, 0);
	ck_assert_int_eq(coi_rig_lead.readies, 0);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_lead), VMP_COI_ASKING);
}
END_TEST

START_TEST(an_old_offer)
{
	uint8_t data[VMP_COI_MESSAGE];
	size_t len;

	coi_rig_agreed();
	vmp_coi_pair_stalled(coi_rig_lead.pair, coi_rig_now);
	len = coi_rig_lead.len[0];
	memcpy(data, coi_rig_lead.sent[0], len);
	coi_rig_pass_all();
	ck_assert_int_eq(coi_rig_follow.installs, 2);
	coi_rig_now += 2000;
	vmp_coi_pair_stalled(coi_rig_lead.pair, coi_rig_now);
	coi_rig_pass_all();
	ck_assert_int_eq(coi_rig_follow.installs, 3);
	ck_assert_int_eq(coi_rig_give(&coi_rig_follow, data, len), VMP_OK);
	ck_assert(!coi_rig_follow.fresh);
	ck_assert_int_eq(coi_rig_follow.installs, 3);
	ck_assert_int_eq(coi_rig_type_of(&coi_rig_follow, 0), VMP_COI_REFUSED);
	coi_rig_pass_all();
	ck_assert_int_eq(coi_rig_lead.installs, 3);
	ck_assert_mem_eq(coi_rig_lead.psk, coi_rig_follow.psk, VMP_COI_SECRET);
}
END_TEST

/* Made by a leader before it was started anew, held back, and void by now. */
START_TEST(an_offer_of_before_the_leaders_restart)
{
	uint8_t data[VMP_COI_MESSAGE];
	size_t len;

	coi_rig_agreed();
	vmp_coi_pair_stalled(coi_rig_lead.pair, coi_rig_now);
	len = coi_rig_lead.len[0];
	memcpy(data, coi_rig_lead.sent[0], len);
	coi_rig_start(&coi_rig_lead, false);
	coi_rig_keys(&coi_rig_lead, 1, 1);
	coi_rig_agreed();
	ck_assert_int_eq(coi_rig_give(&coi_rig_follow, data, len), VMP_OK);
	ck_assert_int_eq(coi_rig_type_of(&coi_rig_follow, 0), VMP_COI_REFUSED);
	ck_assert_mem_eq(coi_rig_lead.psk, coi_rig_follow.psk, VMP_COI_SECRET);
}
END_TEST

/* A key that was removed does not come back with the offer that it came with. */
START_TEST(an_offer_that_was_taken_and_forgotten)
{
	uint8_t data[VMP_COI_MESSAGE];
	size_t len;

	coi_rig_agreed();
	vmp_coi_pair_stalled(coi_rig_lead.pair, coi_rig_now);
	len = coi_rig_lead.len[0];
	memcpy(data, coi_rig_lead.sent[0], len);
	ck_assert_int_eq(coi_rig_pass(&coi_rig_lead), VMP_OK);
	vmp_coi_pair_release(coi_rig_follow.pair, coi_rig_now);
	coi_rig_lose_all();
	ck_assert_int_eq(coi_rig_give(&coi_rig_follow, data, len), VMP_OK);
	ck_assert(!coi_rig_follow.installed);
	ck_assert_int_eq(coi_rig_type_of(&coi_rig_follow, 0), VMP_COI_REFUSED);
}
END_TEST

START_TEST(an_old_ask_makes_no_peer)
{
	uint8_t data[VMP_COI_MESSAGE];
	size_t len;

	vmp_coi_pair_need(coi_rig_follow.pair, coi_rig_now);
	len = coi_rig_follow.len[0];
	memcpy(data, coi_rig_follow.sent[0], len);
	coi_rig_pass_all();
	ck_assert_int_eq(coi_rig_lead.installs, 1);
	vmp_coi_pair_release(coi_rig_follow.pair, coi_rig_now);
	coi_rig_pass_all();
	ck_assert(!coi_rig_lead.installed && !coi_rig_follow.installed);
	coi_rig_now += 60000;
	ck_assert_int_eq(coi_rig_give(&coi_rig_lead, data, len), VMP_OK);
	ck_assert(!coi_rig_lead.fresh);
	coi_rig_pass_all();
	ck_assert(!coi_rig_lead.installed && !coi_rig_follow.installed);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_lead), VMP_COI_IDLE);
}
END_TEST

/* The leader knows the challenge, and has heard that ask. */
START_TEST(an_ask_twice)
{
	uint8_t data[VMP_COI_MESSAGE];
	size_t len;

	coi_rig_agreed();
	coi_rig_now += 2000;
	vmp_coi_pair_stalled(coi_rig_follow.pair, coi_rig_now);
	len = coi_rig_follow.len[0];
	memcpy(data, coi_rig_follow.sent[0], len);
	ck_assert_int_eq(coi_rig_pass(&coi_rig_follow), VMP_OK);
	ck_assert(coi_rig_lead.fresh);
	vmp_coi_pair_release(coi_rig_lead.pair, coi_rig_now);
	coi_rig_lose_all();
	coi_rig_now += 10000;
	ck_assert_int_eq(coi_rig_give(&coi_rig_lead, data, len), VMP_OK);
	ck_assert(!coi_rig_lead.fresh);
	ck_assert_int_eq(coi_rig_lead.n, 0);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_lead), VMP_COI_IDLE);
}
END_TEST

/* It is answered, for the answer may have been lost; where the copy comes from says nothing. */
START_TEST(an_offer_twice)
{
	uint8_t data[VMP_COI_MESSAGE];
	size_t len;

	coi_rig_agreed();
	vmp_coi_pair_stalled(coi_rig_lead.pair, coi_rig_now);
	len = coi_rig_lead.len[0];
	memcpy(data, coi_rig_lead.sent[0], len);
	ck_assert_int_eq(coi_rig_pass(&coi_rig_lead), VMP_OK);
	ck_assert(coi_rig_follow.fresh);
	ck_assert_int_eq(coi_rig_give(&coi_rig_follow, data, len), VMP_OK);
	ck_assert(!coi_rig_follow.fresh);
	ck_assert_int_eq(coi_rig_follow.installs, 2);
	ck_assert_int_eq(coi_rig_follow.n, 2);
	ck_assert_int_eq(coi_rig_type_of(&coi_rig_follow, 1), VMP_COI_TAKEN);
	ck_assert_int_eq(coi_rig_pass(&coi_rig_follow), VMP_OK);
	ck_assert(coi_rig_lead.fresh);
	ck_assert_int_eq(coi_rig_pass(&coi_rig_follow), VMP_OK);
	ck_assert(!coi_rig_lead.fresh);
	ck_assert_int_eq(coi_rig_lead.installs, 2);
	ck_assert_int_eq(coi_rig_pass(&coi_rig_lead), VMP_OK);
	ck_assert(coi_rig_follow.fresh);
	ck_assert_int_eq(coi_rig_pass(&coi_rig_lead), VMP_OK);
	ck_assert(!coi_rig_follow.fresh);
}
END_TEST

START_TEST(an_old_bye)
{
	uint8_t data[VMP_COI_MESSAGE];
	size_t len;

	coi_rig_agreed();
	vmp_coi_pair_release(_i ? coi_rig_lead.pair : coi_rig_follow.pair, coi_rig_now);
	len = _i ? coi_rig_lead.len[0] : coi_rig_follow.len[0];
	memcpy(data, _i ? coi_rig_lead.sent[0] : coi_rig_follow.sent[0], len);
	ck_assert_int_eq(data[3], VMP_COI_BYE);
	coi_rig_pass_all();
	ck_assert(!coi_rig_lead.installed && !coi_rig_follow.installed);
	coi_rig_now += 10000;
	coi_rig_agreed();
	ck_assert_int_eq(coi_rig_give(_i ? &coi_rig_follow : &coi_rig_lead, data, len), VMP_OK);
	ck_assert(coi_rig_lead.installed && coi_rig_follow.installed);
}
END_TEST

START_TEST(an_old_done_does_not_silence)
{
	uint8_t data[VMP_COI_MESSAGE];
	size_t len;

	vmp_coi_pair_need(coi_rig_lead.pair, coi_rig_now);
	coi_rig_pass(&coi_rig_lead), coi_rig_pass(&coi_rig_follow);
	coi_rig_pass(&coi_rig_lead), coi_rig_pass(&coi_rig_follow);
	ck_assert_int_eq(coi_rig_type_of(&coi_rig_lead, 0), VMP_COI_DONE);
	len = coi_rig_lead.len[0];
	memcpy(data, coi_rig_lead.sent[0], len);
	coi_rig_pass_all();
	coi_rig_now += 5000;
	vmp_coi_pair_stalled(coi_rig_follow.pair, coi_rig_now);
	ck_assert_int_eq(coi_rig_type_of(&coi_rig_follow, 0), VMP_COI_ASK);
	coi_rig_lose_all();
	ck_assert_int_eq(coi_rig_give(&coi_rig_follow, data, len), VMP_OK);
	ck_assert(!coi_rig_follow.fresh);
	coi_rig_wait_until(&coi_rig_follow, coi_rig_now + 300);
	ck_assert_int_eq(coi_rig_type_of(&coi_rig_follow, 0), VMP_COI_ASK);
}
END_TEST

/* Of another offer than the one that waits for it. */
START_TEST(an_old_done_says_nothing_of_a_new_key)
{
	uint8_t data[VMP_COI_MESSAGE];
	size_t len;

	vmp_coi_pair_need(coi_rig_follow.pair, coi_rig_now);
	coi_rig_pass(&coi_rig_follow), coi_rig_pass(&coi_rig_lead), coi_rig_pass(&coi_rig_follow);
	ck_assert_int_eq(coi_rig_type_of(&coi_rig_lead, 0), VMP_COI_DONE);
	len = coi_rig_lead.len[0];
	memcpy(data, coi_rig_lead.sent[0], len);
	coi_rig_pass_all();
	vmp_coi_pair_stalled(coi_rig_lead.pair, coi_rig_now);
	ck_assert_int_eq(coi_rig_pass(&coi_rig_lead), VMP_OK);
	coi_rig_lose_all();
	ck_assert_int_eq(coi_rig_give(&coi_rig_follow, data, len), VMP_OK);
	ck_assert(!coi_rig_follow.fresh);
	coi_rig_wait_until(&coi_rig_follow, coi_rig_now + 300);
	ck_assert_int_eq(coi_rig_type_of(&coi_rig_follow, 0), VMP_COI_TAKEN);
	ck_assert_int_eq(coi_rig_phase(&coi_rig_follow), VMP_COI_UNSURE);
}
END_TEST

/* By a follower that has it in mind to be taken for a member of another COI than it is talked with in. */
START_TEST(taken_in_another_coi)
{
	static const uint8_t nonce[12];
	uint8_t key[2][VMP_COI_SECRET], data[VMP_COI_MESSAGE];
	struct vmp_coi_live live[] = { { 1, 1, true, key[0] }, { 2, 1, true, key[1] } };
	struct vmp_coi_message m, offer;
	struct vmp_coi_keys keys[2];
	size_t len, i;

	for (i = 0; i < 2; i++) {
		coi_key_of(i + 1, 1, key[i]);
		coi_keys_of(i + 1, 1, &keys[i]);
	}
	ck_assert_int_eq(vmp_coi_pair_keys(coi_rig_lead.pair, live, 2, 1, coi_rig_now, NULL), VMP_OK);
	vmp_coi_pair_need(coi_rig_lead.pair, coi_rig_now);
	ck_assert_int_eq(vmp_coi_open(coi_rig_lead.sent[0], coi_rig_lead.len[0], keys[0].of[0], &offer, NULL), VMP_OK);
	m = offer;
	m.type = VMP_COI_TAKEN;
	memcpy(m.from, offer.to, sizeof(m.from));
	memcpy(m.to, offer.from, sizeof(m.to));
	for (i = 2; i-- > 0;) {
		m.coi = i + 1;
		ck_assert_int_eq(vmp_coi_seal(&m, keys[i].of[1], nonce, data, &len, NULL), VMP_OK);
		ck_assert_int_eq(coi_rig_give(&coi_rig_lead, data, len), VMP_OK);
		ck_assert_int_eq(coi_rig_lead.installs, i == 0);
	}
}
END_TEST

/* Zeros stand for a challenge that is not known, and are none. */
START_TEST(a_challenge_is_never_zeros)
{
	coi_rig_agreed();
	coi_rig_none(&coi_rig_follow);
	coi_rig_keys(&coi_rig_follow, 1, 1);
	coi_rig_start(&coi_rig_lead, false);
	coi_rig_keys(&coi_rig_lead, 1, 1);
	vmp_coi_pair_need(coi_rig_lead.pair, coi_rig_now);
	ck_assert_int_eq(coi_rig_pass(&coi_rig_lead), VMP_OK);
	ck_assert_int_eq(coi_rig_follow.installs, 1);
	ck_assert_int_eq(coi_rig_type_of(&coi_rig_follow, 0), VMP_COI_REFUSED);
}
END_TEST

START_TEST(no_random_octets)
{
	coi_rig_lead.no_random = coi_rig_follow.no_random = true;
	vmp_coi_pair_need(coi_rig_lead.pair, coi_rig_now);
	vmp_coi_pair_need(coi_rig_follow.pair, coi_rig_now);
	coi_rig_wait_until(&coi_rig_lead, coi_rig_now + 3000);
	ck_assert_int_eq(coi_rig_lead.n + coi_rig_follow.n, 0);
	coi_rig_lead.no_random = false;
	coi_rig_wait_until(&coi_rig_lead, coi_rig_now + 3000);
	ck_assert_int_gt(coi_rig_lead.n, 0);
	ck_assert_int_eq(coi_rig_pass(&coi_rig_lead), VMP_OK);
	ck_assert_int_eq(coi_rig_follow.n + coi_rig_follow.installs, 0);
	coi_rig_follow.no_random = false;
	coi_rig_wait_until(&coi_rig_lead, coi_rig_now + 3000);
	coi_rig_pass_all();
	ck_assert_int_eq(coi_rig_phase(&coi_rig_follow), VMP_COI_AGREED);
}
END_TEST

static bool keeps(const struct coi_rig_end *e, const uint8_t secret[VMP_COI_SECRET])
{
	return memmem(e->pair, malloc_usable_size(e->pair), secret, VMP_COI_SECRET) != NULL;
}

/* WireGuard has it, and that is enough. */
START_TEST(session_keys_are_not_kept)
{
	uint8_t before[VMP_COI_SECRET];

	coi_rig_agreed();
	ck_assert(!keeps(&coi_rig_lead, coi_rig_lead.psk));
	ck_assert(!keeps(&coi_rig_follow, coi_rig_lead.psk));
	memcpy(before, coi_rig_lead.psk, sizeof(before));
	coi_rig_now += 2000;
	vmp_coi_pair_stalled(coi_rig_lead.pair, coi_rig_now);
	ck_assert_int_eq(coi_rig_pass(&coi_rig_lead), VMP_OK);
	ck_assert_mem_ne(coi_rig_follow.psk, before, sizeof(before));
	ck_assert(keeps(&coi_rig_lead, coi_rig_follow.psk));
	vmp_coi_pair_release(coi_rig_lead.pair, coi_rig_now);
	ck_assert(!keeps(&coi_rig_lead, coi_rig_follow.psk));
	ck_assert(!keeps(&coi_rig_follow, coi_rig_follow.psk));
}
END_TEST

Suite *check_coi_pair_old(void)
{
	Suite *s = suite_create("coi_pair_old");
	TCase *t = tcase_create("coi_pair_old");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, coi_rig_setup, coi_rig_teardown);
	tcase_add_test(t, without_keys_nothing);
	tcase_add_test(t, too_many_keys);
	tcase_add_test(t, reflected);
	tcase_add_test(t, of_another_pair);
	tcase_add_test(t, the_leader_does_not_install_first);
	tcase_add_test(t, an_old_offer);
	tcase_add_test(t, an_offer_of_before_the_leaders_restart);
	tcase_add_test(t, an_offer_that_was_taken_and_forgotten);
	tcase_add_test(t, an_old_ask_makes_no_peer);
	tcase_add_test(t, an_ask_twice);
	tcase_add_test(t, an_offer_twice);
	tcase_add_loop_test(t, an_old_bye, 0, 2);
	tcase_add_test(t, an_old_done_says_nothing_of_a_new_key);
	tcase_add_test(t, an_old_done_does_not_silence);
	tcase_add_test(t, taken_in_another_coi);
	tcase_add_test(t, a_challenge_is_never_zeros);
	tcase_add_test(t, no_random_octets);
	tcase_add_test(t, session_keys_are_not_kept);
	suite_add_tcase(s, t);
	return s;
}
