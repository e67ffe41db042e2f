#include "syslog_frame.h"
#include "suites_relayd.h"

#include <stdio.h>
#include <string.h>

#define HEAD "<34>1 2003-10-11T22:14:15.003Z host app - ID47 "

/* A message with its length before it. */
static ssize_t read_message(const char *message, size_t len)
{
	static char frame[SYSLOG_FRAME + 64];
	struct vmp_msg why = { "" };
	int n = snprintf(frame, sizeof(frame), "%zu ", len);
	ssize_t got;

	memcpy(frame + n, message, len);
	got = syslog_frame_read((const uint8_t *)frame, (size_t)n + len, &why);
	ck_assert_int_eq(got < 0, *why.text != '\0');
	return got < 0 ? got : got - n;
}

static ssize_t read_text(const char *text)
{
	struct vmp_msg why;

	return syslog_frame_read((const uint8_t *)text, strlen(text), &why);
}

static const char *const bad_lengths[] = {
	" ",	 "0 ",	  "00",	    "01 x", "-1 x",   "+1 x",	    "x",  "1x",
	"8193 ", "12345", "12345 ", "9\t",  "<34>1 ", "{\"a\": 1}", "\n",
};

START_TEST(bad_lengths_are_refused)
{
	ck_assert_int_eq(read_text(bad_lengths[_i]), VMP_EINVAL);
}
END_TEST

static const char *const bad[] = {
	"x",
	"<34>",
	"34>1 - h a p i -",
	"<>1 - h a p i -",
	"<034>1 - h a p i -",
	"<192>1 - h a p i -",
	"<1000>1 - h a p i -",
	"<-1>1 - h a p i -",
	"<34 >1 - h a p i -",
	/* RFC 3164 */
	"<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
	"<34>0 - h a p i -",
	"<34>2 - h a p i -",
	"<34>10 - h a p i -",
	"<34>1",
	"<34>1 ",
	"<34>1 -",
	"<34>1 - h a p i",
	"<34>1 - h a p i ",
	"<34>1  - h a p i -",
	"<34>1 - h  a p i -",
	/* timestamps */
	"<34>1 now h a p i -",
	"<34>1 2003-10-11 h a p i -",
	"<34>1 2003-10-11t22:14:15Z h a p i -",
	"<34>1 2003-10-11T22:14:15 h a p i -",
	"<34>1 2003-10-11T22:14:15.Z h a p i -",
	"<34>1 2003-10-11T22:14:15.1234567Z h a p i -",
	"<34>1 2003-10-11T22:14:15+7:00 h a p i -",
	"<34>1 2003-10-11T22:14:15-0700 h a p i -",
	"<34>1 03-10-11T22:14:15Z h a p i -",
	/* names */
	"<34>1 - h\x7f a p i -",
	"<34>1 - h\xc3\xb6st a p i -",
	"<34>1 - h a23456789b123456789c123456789d123456789e12345678X p i -",
	"<34>1 - h a p i23456789b123456789c123456789d123 -",
	/* structured data */
	"<34>1 - h a p i x",
	"<34>1 - h a p i -x",
	"<34>1 - h a p i []",
	"<34>1 - h a p i [",
	"<34>1 - h a p i [id",
	"<34>1 - h a p i [id ]",
	"<34>1 - h a p i [id a]",
	"<34>1 - h a p i [id a=]",
	"<34>1 - h a p i [id a=b]",
	"<34>1 - h a p i [id a=\"b]",
	"<34>1 - h a p i [id a=\"b\"",
	"<34>1 - h a p i [id a=\"]\"]",
	"<34>1 - h a p i [id a=\"\\\"]",
	"<34>1 - h a p i [id =\"b\"]",
	"<34>1 - h a p i [i=d a=\"b\"]",
	"<34>1 - h a p i [i23456789b123456789c123456789d123]",
	"<34>1 - h a p i [id]x",
};

START_TEST(bad_messages_are_refused)
{
	ck_assert_int_eq(read_message(bad[_i], strlen(bad[_i])), VMP_EINVAL);
}
END_TEST

START_TEST(no_nul_in_a_header)
{
	ck_assert_int_eq(read_message("<34>1 - h\0 a p i -", 18), VMP_EINVAL);
	ck_assert_int_eq(read_message("<34>1 - h a p i [a\0]", 20), VMP_EINVAL);
}
END_TEST

static const char *const good[] = {
	"<0>1 - - - - - -",
	"<191>1 - h a p i -",
	HEAD "- 'su root' failed on /dev/pts/8",
	"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time",
	"<165>1 2003-10-11T22:14:15Z h a p i [exampleSDID@32473 iut=\"3\" eventSource=\"Application\"] an event",
	HEAD "[a b=\"c\"][d e=\"f\\\"\\\\\\]g\" h=\"\"]",
	HEAD "[a]",
	HEAD "- ",
	HEAD "- two\nlines [x",
	HEAD "- \xef\xbb\xbf\xc3\xb6\x80\xff",
	"<34>1 - h a23456789b123456789c123456789d123456789e1234567 p i23456789b123456789c123456789d12 -",
};

START_TEST(good_messages_pass)
{
	ck_assert_int_eq(read_message(good[_i], strlen(good[_i])), (ssize_t)strlen(good[_i]));
}
END_TEST

START_TEST(a_nul_in_the_text_passes)
{
	static const char text[] = HEAD "- a\0b";

	ck_assert_int_eq(read_message(text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
}
END_TEST

START_TEST(a_message_has_8192_octets_at_most)
{
	static char text[SYSLOG_MESSAGE + 1] = HEAD "- ";

	memset(text + strlen(text), 'x', sizeof(text) - strlen(text));
	ck_assert_int_eq(read_message(text, SYSLOG_MESSAGE), SYSLOG_MESSAGE);
	ck_assert_int_eq(read_message(text, SYSLOG_MESSAGE + 1), VMP_EINVAL);
}
END_TEST

START_TEST(less_than_a_frame_waits_for_more)
{
	static const char frame[] = "16 <0>1 - - - - - -17 <0>1 - - - - - -";
	struct vmp_msg why;
	size_t i;

	for (i = 0; i < 19; i++)
		ck_assert_int_eq(syslog_frame_read((const uint8_t *)frame, i, &why), 0);
	for (; i < sizeof(frame); i++)
		ck_assert_int_eq(syslog_frame_read((const uint8_t *)frame, i, &why), 19);
}
END_TEST

Suite *check_syslog_frame(void)
{
	Suite *s = suite_create("relayd syslog frame");
	TCase *c = tcase_create("all");

	suite_add_tcase(s, c);
	tcase_add_loop_test(c, bad_lengths_are_refused, 0, sizeof(bad_lengths) / sizeof(bad_lengths[0]));
	tcase_add_loop_test(c, bad_messages_are_refused, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(c, no_nul_in_a_header);
	tcase_add_loop_test(c, good_messages_pass, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_test(c, a_nul_in_the_text_passes);
	tcase_add_test(c, a_message_has_8192_octets_at_most);
	tcase_add_test(c, less_than_a_frame_waits_for_more);
	return s;
}
