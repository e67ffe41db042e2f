/* member/offers.c: what comes on the messages' port, from anybody. */
#include "member_parts.h"
#include "offers.h"
#include "pair.h"
#include "peers.h"
#include "stage.h"
#include "suites_peers.h"

#include <string.h>

static struct machine *a, *b;

static void setup(void)
{
	stage_setup();
	a = machine_add("a", "1");
	b = machine_add("b", "1");
	stage_up();
}

static void says(const void *data, size_t len)
{
	machine_says(a, data, len);
	stage_run(20);
}

START_TEST(noise)
{
	uint8_t data[1400];
	size_t len;

	for (len = 0; len < sizeof(data); len += 50) {
		memset(data, (int)len, sizeof(data));
		says(data, len);
	}
	memcpy(data, "vc\1\1", 4);
	for (len = 0; len < 600; len += 7)
		says(data, len);
	ck_assert_uint_eq(pairs_count(), 0);
	ck_assert_uint_gt(member.count.invalid, 20);
	ck_assert_uint_eq(stage.fetches, 1);
}
END_TEST

/* So that NATs keep the way open. */
START_TEST(keepalive)
{
	says("\xff", 1);
	ck_assert_uint_eq(member.count.received, 0);
	says("\xfe", 1);
	ck_assert_uint_eq(member.count.invalid, 1);
}
END_TEST

static size_t forged(uint8_t *out, const struct machine *from, uint64_t coi, uint32_t epoch, enum vmp_coi_type type)
{
	struct vmp_coi_message m = { .type = type,
				     .epoch = epoch,
				     .coi = coi,

				     .challenge = { 1 },
				     .offer = { 1 },
				     .session = { 1 } };
	uint8_t key[VMP_COI_SECRET] = { 1 }, nonce[12] = { 2 };
	size_t len = VMP_COI_MESSAGE;

	memcpy(m.from, from->told.uuid, sizeof(m.from));
	memcpy(m.to, stage.self.uuid, sizeof(m.to));
	ck_assert_int_eq(vmp_coi_seal(&m, key, nonce, out, &len, NULL), VMP_OK);
	return len;
}

/* Costs a look, and leaves nothing behind. */
START_TEST(not_sealed_by_it)
{
	uint8_t data[VMP_COI_MESSAGE];
	unsigned i;

	for (i = 0; i < 50; i++)
		says(data, forged(data, a, 1, 1, VMP_COI_OFFER));
	ck_assert_uint_eq(pairs_count(), 0);
	ck_assert_uint_eq(a->received, 0);
	ck_assert_uint_gt(member.count.refusals, 0);
	/* With a pair that is well. */
	stage_packet(&a->told.inner6);
	stage_until(machine_agreed, a, 3);
	stage_done();
	says(data, forged(data, a, 1, 1, VMP_COI_OFFER));
	says(data, forged(data, a, 1, 1, VMP_COI_BYE));
	ck_assert(machine_agreed(a));
	ck_assert_uint_eq(b->received, 0);
}
END_TEST

/* Many in a second: only so many begin something. */
START_TEST(flood)
{
	uint8_t data[VMP_COI_MESSAGE];
	size_t len = forged(data, a, 1, 1, VMP_COI_OFFER);
	unsigned i;

	for (i = 0; i < 5000; i++) {
		machine_says(a, data, len);
		if (i % 50 == 0)
			event_base_loop(stage.base, EVLOOP_NONBLOCK);
	}
	ck_assert_uint_le(member.count.refusals, 200);
	/* And whoever is meant comes through a second later. */
	stage_run(1100);
	machine_need(b);
	stage_until(machine_agreed, b, 5);
}
END_TEST

/* An epoch that is not here may have come about just now; but anybody can name one. */
START_TEST(unknown_epoch)
{
	uint8_t data[VMP_COI_MESSAGE];
	unsigned i, before = stage.fetches;

	for (i = 0; i < 50; i++)
		says(data, forged(data, a, 1, 7, VMP_COI_OFFER));
	ck_assert_uint_eq(stage.fetches, before + 1);
	stage_run(8000);
	says(data, forged(data, a, 1, 7, VMP_COI_OFFER));
	ck_assert_uint_eq(stage.fetches, before + 1);
	stage_run(2000);
	says(data, forged(data, a, 1, 7, VMP_COI_OFFER));
	ck_assert_uint_eq(stage.fetches, before + 2);
	ck_assert_uint_eq(pairs_count(), 0);
}
END_TEST

/* A COI that we are in, and that one is not. */
START_TEST(not_shared)
{
	uint8_t data[VMP_COI_MESSAGE];

	says(data, forged(data, a, 2, 1, VMP_COI_OFFER));
	ck_assert_uint_eq(pairs_count(), 0);
}
END_TEST

START_TEST(of_nobody)
{
	uint8_t data[VMP_COI_MESSAGE];
	struct machine x = *a;
	size_t len;

	x.told.uuid[0] = 0xee;
	says(data, forged(data, &x, 1, 1, VMP_COI_OFFER));
	ck_assert_uint_eq(member.count.unknown, 1);
	len = forged(data, a, 1, 1, VMP_COI_OFFER);
	data[40] ^= 1; /* to somebody else */
	says(data, len);
	ck_assert_uint_eq(member.count.unknown, 2);
}
END_TEST

START_TEST(bye_to_nobody)
{
	uint8_t data[VMP_COI_MESSAGE];

	says(data, forged(data, a, 1, 1, VMP_COI_BYE));
	ck_assert_uint_eq(pairs_count(), 0);
	ck_assert_uint_eq(member.count.refusals, 0);
}
END_TEST

START_TEST(port_is_taken)
{
	struct vmp_msg msg = { "" };

	member_free(true);
	stage.settings.port = STAGE_PORT + 10;
	ck_assert_int_eq(offers_open(stage.base, STAGE_PORT + 11, 0, &msg), VMP_EIO);
	ck_assert_ptr_nonnull(strstr(msg.text, "port 40011"));
}
END_TEST

Suite *check_offers(void)
{
	Suite *s = suite_create("offers");
	TCase *t = tcase_create("offers");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, stage_teardown);
	tcase_add_test(t, noise);
	tcase_add_test(t, keepalive);
	tcase_add_test(t, not_sealed_by_it);
	tcase_add_test(t, flood);
	tcase_add_test(t, unknown_epoch);
	tcase_add_test(t, not_shared);
	tcase_add_test(t, of_nobody);
	tcase_add_test(t, bye_to_nobody);
	tcase_add_test(t, port_is_taken);
	suite_add_tcase(s, t);
	return s;
}
