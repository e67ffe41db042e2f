#include "filter.h"
#include "ntp_packet.h"
#include "suites_relayd.h"

#include <string.h>

#define MESSAGE "<0>1 - - - - - -"
#define FRAME	"16 " MESSAGE

static struct filter filter;

static ssize_t pass(const void *data, size_t len)
{
	struct vmp_msg why = { "" };
	ssize_t n = filter_pass(&filter, data, len, &why);

	ck_assert(n >= 0 || *why.text);
	return n;
}

/* -- TLS ---------------------------------------------------------------------------------------------------------- */

static void start_tls(void)
{
	filter = (struct filter){ .type = SERVICE_TLS };
}

static const struct {
	const char *data;
	size_t len;
} not_hello[] = {
	{ "GET / HTTP/1.1\r\n", 16 },
	{ "SSH-2.0-OpenSSH_9.2\r\n", 21 },
	{ "\0", 1 },
	{ "\x15\x03\x01", 3 },		   /* an alert */
	{ "\x17\x03\x03", 3 },		   /* application data */
	{ "\x14\x03\x03\x00\x01\x01", 6 }, /* change cipher spec */
	{ "\x16\x02\x00", 3 },		   /* SSL 2 */
	{ "\x16\x03\x05", 3 },		   /* no such version */
	{ "\x16\x03\x01\x41\x00\x01", 6 }, /* a longer record than there may be */
	{ "\x16\x03\x01\x02\x00\x02", 6 }, /* a ServerHello */
	{ "\x16\x03\x01\x02\x00\x10", 6 }, /* a client's key */
	{ "\x80\x2e\x01\x03\x01", 5 },	   /* a ClientHello of SSL 2 */
};

START_TEST(what_is_no_client_hello_does_not_pass)
{
	size_t i;

	/* Nor does anything of it that is enough to know. */
	for (i = 1; i < not_hello[_i].len && pass(not_hello[_i].data, i) == 0; i++)
		;
	ck_assert_int_eq(pass(not_hello[_i].data, i), VMP_EINVAL);
	ck_assert(!filter.begun);
}
END_TEST

START_TEST(a_client_hello_passes_and_all_behind_it)
{
	static const uint8_t hello[] = { 0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00 };
	size_t i;

	for (i = 0; i < 6; i++)
		ck_assert_int_eq(pass(hello, i), 0);
	ck_assert(!filter_is_open(&filter));
	ck_assert_int_eq(pass(hello, sizeof(hello)), sizeof(hello));
	ck_assert(filter_is_open(&filter));
	ck_assert_int_eq(pass("x", 1), 1);
}
END_TEST

START_TEST(a_server_may_say_what_it_likes)
{
	filter.back = true;
	ck_assert(filter_is_open(&filter));
	ck_assert_int_eq(pass("x", 1), 1);
	ck_assert(filter_may_end(&filter, 0));
}
END_TEST

/* -- frames ------------------------------------------------------------------------------------------------------- */

static void start_syslog(void)
{
	filter = (struct filter){ .type = SERVICE_SYSLOG };
}

START_TEST(whole_frames_pass)
{
	ck_assert_int_eq(pass(FRAME, 18), 0);
	ck_assert_int_eq(pass(FRAME FRAME "16 <0>", 44), 38);
	ck_assert_uint_eq(filter.n, 2);
	ck_assert(!filter_is_open(&filter));
}
END_TEST

START_TEST(good_frames_pass_before_a_bad_one)
{
	ck_assert_int_eq(pass(FRAME "x", 20), 19);
	ck_assert_int_eq(pass("x", 1), VMP_EINVAL);
	ck_assert_uint_eq(filter.n, 1);
}
END_TEST

START_TEST(a_syslog_server_says_nothing)
{
	filter.back = true;
	ck_assert_int_eq(pass("", 0), 0);
	ck_assert_int_eq(pass(FRAME, 19), VMP_EINVAL);
}
END_TEST

START_TEST(it_may_not_end_within_a_frame)
{
	ck_assert(filter_may_end(&filter, 0));
	ck_assert(!filter_may_end(&filter, 1));
}
END_TEST

START_TEST(ntp_passes_by_direction)
{
	uint8_t frame[2 + NTP_LEAST] = { 0 };

	ntp_frame_head(NTP_LEAST, frame);
	frame[2] = 4 << 3 | NTP_CLIENT;
	frame[2 + 24] = frame[2 + 40] = 1;
	filter.type = SERVICE_NTP;
	ck_assert_int_eq(pass(frame, sizeof(frame)), sizeof(frame));
	filter.back = true;
	ck_assert_int_eq(pass(frame, sizeof(frame)), VMP_EINVAL);
	frame[2] = 4 << 3 | NTP_SERVER;
	ck_assert_int_eq(pass(frame, sizeof(frame)), sizeof(frame));
	filter.back = false;
	ck_assert_int_eq(pass(frame, sizeof(frame)), VMP_EINVAL);
}
END_TEST

Suite *check_filter(void)
{
	Suite *s = suite_create("relayd filter");
	TCase *tls = tcase_create("tls"), *frames = tcase_create("frames");

	suite_add_tcase(s, tls);
	tcase_add_checked_fixture(tls, start_tls, NULL);
	tcase_add_loop_test(tls, what_is_no_client_hello_does_not_pass, 0, sizeof(not_hello) / sizeof(not_hello[0]));
	tcase_add_test(tls, a_client_hello_passes_and_all_behind_it);
	tcase_add_test(tls, a_server_may_say_what_it_likes);
	suite_add_tcase(s, frames);
	tcase_add_checked_fixture(frames, start_syslog, NULL);
	tcase_add_test(frames, whole_frames_pass);
	tcase_add_test(frames, good_frames_pass_before_a_bad_one);
	tcase_add_test(frames, a_syslog_server_says_nothing);
	tcase_add_test(frames, it_may_not_end_within_a_frame);
	tcase_add_test(frames, ntp_passes_by_direction);
	return s;
}
