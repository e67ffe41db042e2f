#include "filter.h"
#include "ntp_packet.h"
#include "ntp_pending.h"
#include "suites.h"
#include "syslog_frame.h"

#include <stdio.h>
#include <string.h>

static struct vmp_msg why;
static uint8_t data[2 * FILTER_LOOK];

/* -- syslog ------------------------------------------------------------------------------------------------------- */

static ssize_t read_message(const char *message)
{
	int n = snprintf((char *)data, sizeof(data), "%zu %s", strlen(message), message);

	return syslog_frame_read(data, (size_t)n, &why);
}

static const char *const good_messages[] = {
	"<0>1 - - - - - -",
	"<191>1 2026-11-22T16:00:00Z host app 1 id - text",
	"<34>1 2026-11-22T16:00:00.123456+01:00 h a - - [a@1 b=\"c\\\"\\]\" d=\"\"][e] \xef\xbb\xbf"
	"text\nmore",
	"<13>1 2026-11-22T16:00:00.1-00:30 - - - - [x]",
	"<13>1 - - - - - - ",
};

START_TEST(a_message)
{
	ck_assert_int_eq(read_message(good_messages[_i]), (ssize_t)strlen((char *)data));
}
END_TEST

static const char *const bad_messages[] = {
	"x",
	"<192>1 - - - - - -",
	"<01>1 - - - - - -",
	"<>1 - - - - - -",
	"<1234>1 - - - - - -",
	"<1>2 - - - - - -",
	"<1>1- - - - - -",
	"<1> - - - - - -",
	"<34>Oct 11 22:14:15 host su: x",
	"<1>1 now - - - - -",
	"<1>1 2026-11-22 16:00:00Z - - - - -",
	"<1>1 2026-11-22T16:00:00 - - - - -",
	"<1>1 2026-11-22T16:00:00.Z - - - - -",
	"<1>1 2026-11-22T16:00:00.1234567Z - - - - -",
	"<1>1 2026-11-22T16:00:00+01 - - - - -",
	"<1>1 -  - - - -",
	"<1>1 - - - - -",
	"<1>1 - h\x01 - - - -",
	"<1>1 - - 0123456789012345678901234567890123456789012345678 - - -",
	"<1>1 - - - - - x",
	"<1>1 - - - - - [",
	"<1>1 - - - - - []",
	"<1>1 - - - - - [a b]",
	"<1>1 - - - - - [a b=c]",
	"<1>1 - - - - - [a b=\"c]",
	"<1>1 - - - - - [a b=\"]\"]",
	"<1>1 - - - - - [a]x",
	"<1>1 - - - - - -x",
	"<1>1 - - - - - [a b=\"c\\",
};

START_TEST(a_bad_message)
{
	ck_assert_int_eq(read_message(bad_messages[_i]), VMP_EINVAL);
}
END_TEST

START_TEST(every_beginning_of_a_syslog_frame_wants_more)
{
	static const char frame[] = "48 <191>1 2026-11-22T16:00:00Z host app 1 id - text";
	size_t i;

	for (i = 0; i < sizeof(frame) - 1; i++)
		ck_assert_int_eq(syslog_frame_read((const uint8_t *)frame, i, &why), 0);
	ck_assert_int_eq(syslog_frame_read((const uint8_t *)frame, i, &why), (ssize_t)i);
}
END_TEST

static const char *const bad_lengths[] = { "0 ", "01 ", "8193 ", "99999", "<34>1 ", " 5", "-5", "12x", "12\n", "\x16" };

START_TEST(a_bad_length_is_seen_at_once)
{
	ck_assert_int_eq(syslog_frame_read((const uint8_t *)bad_lengths[_i], strlen(bad_lengths[_i]), &why),
			 VMP_EINVAL);
}
END_TEST

START_TEST(the_longest_message)
{
	int n = snprintf((char *)data, sizeof(data), "8192 <1>1 - - - - - - ");

	memset(data + n, 'a', sizeof(data) - (size_t)n);
	ck_assert_int_eq(syslog_frame_read(data, SYSLOG_FRAME - 1, &why), 0);
	ck_assert_int_eq(syslog_frame_read(data, SYSLOG_FRAME, &why), SYSLOG_FRAME);
}
END_TEST

/* -- NTP ---------------------------------------------------------------------------------------------------------- */

/* @return the frame's length. */
static size_t make_packet(size_t len, int version, int mode, uint8_t mark)
{
	memset(data, 0, sizeof(data));
	ntp_frame_head(len, data);
	data[2] = (uint8_t)(version << 3 | mode);
	data[2 + 31] = mode == NTP_SERVER ? mark : 0; /* the last octet of the origin timestamp */
	data[2 + 47] = mode == NTP_CLIENT ? mark : 0; /* and of the transmit timestamp */
	return len + 2;
}

static const struct {
	size_t len;
	int version, mode;
	uint8_t mark;
	enum ntp_mode wanted;
	bool good;
} packets[] = {
	{ 48, 4, 3, 7, NTP_CLIENT, true },   { 48, 3, 3, 7, NTP_CLIENT, true },	 { 468, 4, 3, 7, NTP_CLIENT, true },
	{ 68, 4, 3, 7, NTP_CLIENT, true },   { 48, 4, 4, 7, NTP_SERVER, true },	 { 48, 4, 4, 7, NTP_CLIENT, false },
	{ 48, 4, 3, 7, NTP_SERVER, false },  { 48, 4, 3, 0, NTP_CLIENT, false }, { 48, 4, 4, 0, NTP_SERVER, false },
	{ 48, 2, 3, 7, NTP_CLIENT, false },  { 48, 5, 3, 7, NTP_CLIENT, false }, { 48, 4, 1, 7, NTP_CLIENT, false },
	{ 48, 4, 6, 7, NTP_CLIENT, false },  { 48, 4, 7, 7, NTP_CLIENT, false }, { 47, 4, 3, 7, NTP_CLIENT, false },
	{ 472, 4, 3, 7, NTP_CLIENT, false }, { 49, 4, 3, 7, NTP_CLIENT, false }, { 0, 4, 3, 7, NTP_CLIENT, false },
};

START_TEST(a_packet)
{
	size_t n = make_packet(packets[_i].len, packets[_i].version, packets[_i].mode, packets[_i].mark);
	uint64_t key = 0;

	ck_assert_int_eq(ntp_frame_read(data, n, packets[_i].wanted, &key, &why),
			 packets[_i].good ? (ssize_t)n : VMP_EINVAL);
	ck_assert_uint_eq(key, packets[_i].good ? 7 : 0);
	ck_assert_int_eq(ntp_packet_read(data + 2, n - 2, packets[_i].wanted, &key, &why),
			 packets[_i].good ? VMP_OK : VMP_EINVAL);
}
END_TEST

START_TEST(every_beginning_of_an_ntp_frame_wants_more)
{
	size_t i, n = make_packet(52, 4, NTP_CLIENT, 1);
	uint64_t key;

	for (i = 0; i < n; i++)
		ck_assert_int_eq(ntp_frame_read(data, i, NTP_CLIENT, &key, &why), 0);
}
END_TEST

static struct ntp_pending pending;

START_TEST(an_answer_finds_its_request_once)
{
	struct ntp_asker asker = { .fd = 5 }, out = { .fd = 0 };

	memset(&pending, 0, sizeof(pending));
	ck_assert_int_eq(ntp_pending_add(&pending, 7, 1000, &asker), VMP_OK);
	ck_assert_int_eq(ntp_pending_add(&pending, 7, 1000, &asker), VMP_EEXIST);
	ck_assert(!ntp_pending_take(&pending, 8, 1001, &out));
	ck_assert(!ntp_pending_take(&pending, 0, 1001, &out));
	ck_assert(ntp_pending_take(&pending, 7, 1001, &out));
	ck_assert_int_eq(out.fd, 5);
	ck_assert(!ntp_pending_take(&pending, 7, 1001, &out));
	ck_assert_int_eq(ntp_pending_add(&pending, 7, 1001, NULL), VMP_OK);
}
END_TEST

START_TEST(a_request_waits_for_five_seconds)
{
	memset(&pending, 0, sizeof(pending));
	ck_assert_int_eq(ntp_pending_add(&pending, 7, 1000, NULL), VMP_OK);
	ck_assert_int_eq(ntp_pending_add(&pending, 8, 1000, NULL), VMP_OK);
	ck_assert(ntp_pending_take(&pending, 7, 5999, NULL));
	ck_assert(!ntp_pending_take(&pending, 8, 6000, NULL));
}
END_TEST

START_TEST(no_more_than_so_many_wait)
{
	uint64_t i;
	int round;

	memset(&pending, 0, sizeof(pending));
	for (round = 0; round < 3; round++) {
		uint64_t now = (uint64_t)round * 10000;

		for (i = 1; i <= NTP_PENDING; i++)
			ck_assert_int_eq(ntp_pending_add(&pending, i, now, NULL), VMP_OK);
		ck_assert_int_eq(ntp_pending_add(&pending, i, now, NULL), VMP_EFULL);
		/* One in the middle gives no room; the first one does. */
		ck_assert(ntp_pending_take(&pending, 9, now, NULL));
		ck_assert_int_eq(ntp_pending_add(&pending, i, now, NULL), VMP_EFULL);
		ck_assert(ntp_pending_take(&pending, 1, now, NULL));
		ck_assert_int_eq(ntp_pending_add(&pending, i, now, NULL), VMP_OK);
		ck_assert(ntp_pending_take(&pending, i, now, NULL));
	}
}
END_TEST

/* -- what passes -------------------------------------------------------------------------------------------------- */

static const struct {
	const char *octets;
	size_t len;
	ssize_t passes;
} hellos[] = {
	{ "\x16\x03\x01\x02\x00\x01rest", 10, 10 },
	{ "\x16\x03\x03\x00\x10\x01", 6, 6 },
	{ "\x16\x03\x01\x02\x00", 5, 0 },
	{ "\x16", 1, 0 },
	{ "", 0, 0 },
	{ "G", 1, VMP_EINVAL },
	{ "\x16\x02", 2, VMP_EINVAL },
	{ "\x16\x03\x05", 3, VMP_EINVAL },
	{ "\x17\x03\x03", 3, VMP_EINVAL },
	{ "\x16\x03\x03\x02\x00\x02", 6, VMP_EINVAL },
	{ "\x16\x03\x03\x41\x00\x01", 6, VMP_EINVAL },
};

START_TEST(tls_begins_with_a_hello)
{
	struct filter f = { .type = SERVICE_TLS }, back = { .type = SERVICE_TLS, .back = true };

	ck_assert_int_eq(filter_pass(&f, (const uint8_t *)hellos[_i].octets, hellos[_i].len, &why), hellos[_i].passes);
	ck_assert_int_eq(filter_is_open(&f), hellos[_i].passes > 0);
	ck_assert(filter_is_open(&back));
	if (hellos[_i].passes > 0)
		ck_assert_int_eq(filter_pass(&f, (const uint8_t *)"any", 3, &why), 3);
}
END_TEST

START_TEST(whole_frames_pass)
{
	struct filter f = { .type = SERVICE_SYSLOG };
	static const char frames[] = "16 <0>1 - - - - - -16 <0>1 - - - - - -16 <0>";

	ck_assert_int_eq(filter_pass(&f, (const uint8_t *)frames, sizeof(frames) - 1, &why), 38);
	ck_assert_uint_eq(f.n, 2);
	ck_assert_int_eq(filter_pass(&f, (const uint8_t *)frames + 38, 6, &why), 0);
	ck_assert(!filter_may_end(&f, 6) && filter_may_end(&f, 0));
}
END_TEST

START_TEST(good_frames_pass_before_a_bad_one)
{
	struct filter f = { .type = SERVICE_SYSLOG };
	static const char frames[] = "16 <0>1 - - - - - -x";

	ck_assert_int_eq(filter_pass(&f, (const uint8_t *)frames, sizeof(frames) - 1, &why), 19);
	ck_assert_int_eq(filter_pass(&f, (const uint8_t *)frames + 19, 1, &why), VMP_EINVAL);
}
END_TEST

START_TEST(a_syslog_server_says_nothing)
{
	struct filter f = { .type = SERVICE_SYSLOG, .back = true };

	ck_assert_int_eq(filter_pass(&f, (const uint8_t *)"", 0, &why), 0);
	ck_assert_int_eq(filter_pass(&f, (const uint8_t *)"16", 2, &why), VMP_EINVAL);
}
END_TEST

START_TEST(requests_go_one_way_and_answers_the_other)
{
	struct filter f = { .type = SERVICE_NTP }, back = { .type = SERVICE_NTP, .back = true };
	size_t n = make_packet(48, 4, NTP_CLIENT, 1);

	ck_assert_int_eq(filter_pass(&f, data, n, &why), (ssize_t)n);
	ck_assert_int_eq(filter_pass(&back, data, n, &why), VMP_EINVAL);
	n = make_packet(48, 4, NTP_SERVER, 1);
	ck_assert_int_eq(filter_pass(&back, data, n, &why), (ssize_t)n);
	ck_assert_int_eq(filter_pass(&f, data, n, &why), VMP_EINVAL);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

Suite *check_relay_filter(void)
{
	Suite *s = suite_create("relay_filter");
	TCase *t = tcase_create("relay_filter");

	tcase_add_loop_test(t, a_message, 0, COUNT(good_messages));
	tcase_add_loop_test(t, a_bad_message, 0, COUNT(bad_messages));
	tcase_add_test(t, every_beginning_of_a_syslog_frame_wants_more);
	tcase_add_loop_test(t, a_bad_length_is_seen_at_once, 0, COUNT(bad_lengths));
	tcase_add_test(t, the_longest_message);
	tcase_add_loop_test(t, a_packet, 0, COUNT(packets));
	tcase_add_test(t, every_beginning_of_an_ntp_frame_wants_more);
	tcase_add_test(t, an_answer_finds_its_request_once);
	tcase_add_test(t, a_request_waits_for_five_seconds);
	tcase_add_test(t, no_more_than_so_many_wait);
	tcase_add_loop_test(t, tls_begins_with_a_hello, 0, COUNT(hellos));
	tcase_add_test(t, whole_frames_pass);
	tcase_add_test(t, good_frames_pass_before_a_bad_one);
	tcase_add_test(t, a_syslog_server_says_nothing);
	tcase_add_test(t, requests_go_one_way_and_answers_the_other);
	suite_add_tcase(s, t);
	return s;
}
