#include "ntp_packet.h"
#include "suites_relayd.h"

#include <string.h>

#define ORIGIN	 24
#define TRANSMIT 40

/* A packet of version 4 whose origin timestamp ends with 1, and whose transmit timestamp ends with 2. */
static uint8_t packet[NTP_MOST + 8];

static void make_packet(void)
{
	memset(packet, 0, sizeof(packet));
	packet[0] = 4 << 3 | NTP_CLIENT;
	packet[ORIGIN + 7] = 1;
	packet[TRANSMIT + 7] = 2;
}

static int read_packet(size_t len, enum ntp_mode mode, uint64_t *key)
{
	struct vmp_msg why = { "" };
	int err = ntp_packet_read(packet, len, mode, key, &why);

	ck_assert_int_eq(err != VMP_OK, *why.text != '\0');
	return err;
}

START_TEST(lengths_are_checked)
{
	static const size_t bad[] = { 0, 1, 47, 49, 50, 51, 469, 470, 472 }, good[] = { 48, 52, 68, 464, 468 };
	uint64_t key;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(read_packet(bad[i], NTP_CLIENT, &key), VMP_EINVAL);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_int_eq(read_packet(good[i], NTP_CLIENT, &key), VMP_OK);
}
END_TEST

START_TEST(versions_are_checked)
{
	uint64_t key;

	packet[0] = (uint8_t)(0xc0 | _i << 3 | NTP_CLIENT);
	ck_assert_int_eq(read_packet(NTP_LEAST, NTP_CLIENT, &key), _i == 3 || _i == 4 ? VMP_OK : VMP_EINVAL);
}
END_TEST

START_TEST(modes_are_checked)
{
	uint64_t key;

	packet[0] = (uint8_t)(4 << 3 | _i);
	ck_assert_int_eq(read_packet(NTP_LEAST, NTP_CLIENT, &key), _i == NTP_CLIENT ? VMP_OK : VMP_EINVAL);
	ck_assert_int_eq(read_packet(NTP_LEAST, NTP_SERVER, &key), _i == NTP_SERVER ? VMP_OK : VMP_EINVAL);
}
END_TEST

START_TEST(a_request_has_a_transmit_timestamp)
{
	uint64_t key = 7;

	packet[TRANSMIT + 7] = 0;
	ck_assert_int_eq(read_packet(NTP_LEAST, NTP_CLIENT, &key), VMP_EINVAL);
	ck_assert_uint_eq(key, 7);
	packet[TRANSMIT] = 0x80;
	ck_assert_int_eq(read_packet(NTP_LEAST, NTP_CLIENT, &key), VMP_OK);
	ck_assert_uint_eq(key, UINT64_C(1) << 63);
}
END_TEST

START_TEST(an_answer_has_an_origin_timestamp)
{
	uint64_t key;

	packet[0] = 4 << 3 | NTP_SERVER;
	ck_assert_int_eq(read_packet(NTP_LEAST, NTP_SERVER, &key), VMP_OK);
	ck_assert_uint_eq(key, 1);
	packet[ORIGIN + 7] = 0;
	ck_assert_int_eq(read_packet(NTP_LEAST, NTP_SERVER, &key), VMP_EINVAL);
}
END_TEST

/* -- frames ------------------------------------------------------------------------------------------------------- */

static ssize_t read_frame(const uint8_t *data, size_t len, uint64_t *key)
{
	struct vmp_msg why = { "" };
	ssize_t n = ntp_frame_read(data, len, NTP_CLIENT, key, &why);

	ck_assert_int_eq(n < 0, *why.text != '\0');
	return n;
}

START_TEST(a_frame_is_read_when_it_is_whole)
{
	uint8_t frame[NTP_FRAME + 1];
	uint64_t key = 0;
	size_t i;

	ntp_frame_head(NTP_MOST, frame);
	memcpy(frame + 2, packet, NTP_MOST);
	for (i = 0; i < NTP_FRAME; i++)
		ck_assert_int_eq(read_frame(frame, i, &key), 0);
	ck_assert_int_eq(read_frame(frame, NTP_FRAME, &key), NTP_FRAME);
	ck_assert_int_eq(read_frame(frame, NTP_FRAME + 1, &key), NTP_FRAME);
	ck_assert_uint_eq(key, 2);
}
END_TEST

START_TEST(a_frame_of_another_length_is_refused_at_once)
{
	static const uint8_t heads[][2] = { { 0, 0 }, { 0, 47 }, { 1, 0xd5 }, { 0x30, 0 }, { 0xff, 0xff } };
	uint64_t key;
	size_t i;

	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		ck_assert_int_eq(read_frame(heads[i], 2, &key), VMP_EINVAL);
}
END_TEST

START_TEST(a_frame_of_something_else_is_refused)
{
	uint8_t frame[2 + NTP_LEAST];
	uint64_t key;

	packet[0] = 4 << 3 | 6; /* a control message */
	ntp_frame_head(NTP_LEAST, frame);
	memcpy(frame + 2, packet, NTP_LEAST);
	ck_assert_int_eq(read_frame(frame, sizeof(frame), &key), VMP_EINVAL);
}
END_TEST

Suite *check_ntp_packet(void)
{
	Suite *s = suite_create("relayd ntp packet");
	TCase *c = tcase_create("all");

	suite_add_tcase(s, c);
	tcase_add_checked_fixture(c, make_packet, NULL);
	tcase_add_test(c, lengths_are_checked);
	tcase_add_loop_test(c, versions_are_checked, 0, 8);
	tcase_add_loop_test(c, modes_are_checked, 0, 8);
	tcase_add_test(c, a_request_has_a_transmit_timestamp);
	tcase_add_test(c, an_answer_has_an_origin_timestamp);
	tcase_add_test(c, a_frame_is_read_when_it_is_whole);
	tcase_add_test(c, a_frame_of_another_length_is_refused_at_once);
	tcase_add_test(c, a_frame_of_something_else_is_refused);
	return s;
}
