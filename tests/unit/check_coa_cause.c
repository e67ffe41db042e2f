#include "coa/cause.h"
#include "suites.h"

START_TEST(each_answer_has_its_class)
{
	static const struct {
		enum packet_code code;
		uint32_t cause;
		enum cause_class class;
	} cases[] = {
		{ PACKET_DISCONNECT_ACK, 0, CAUSE_DONE },
		{ PACKET_DISCONNECT_ACK, 201, CAUSE_DONE },
		{ PACKET_COA_ACK, 0, CAUSE_DONE },
		{ PACKET_DISCONNECT_NAK, 503, CAUSE_GONE },
		{ PACKET_COA_NAK, 503, CAUSE_GONE },
		{ PACKET_DISCONNECT_NAK, 0, CAUSE_LATER },
		{ PACKET_COA_NAK, 0, CAUSE_FALL_BACK },
		{ PACKET_DISCONNECT_NAK, 401, CAUSE_REFUSED },
		{ PACKET_COA_NAK, 401, CAUSE_FALL_BACK },
		{ PACKET_DISCONNECT_NAK, 402, CAUSE_REFUSED },
		{ PACKET_COA_NAK, 402, CAUSE_FALL_BACK },
		{ PACKET_COA_NAK, 404, CAUSE_FALL_BACK },
		{ PACKET_COA_NAK, 405, CAUSE_FALL_BACK },
		{ PACKET_COA_NAK, 406, CAUSE_FALL_BACK },
		{ PACKET_COA_NAK, 407, CAUSE_FALL_BACK },
		{ PACKET_COA_NAK, 508, CAUSE_FALL_BACK },
		{ PACKET_DISCONNECT_NAK, 508, CAUSE_REFUSED },
		{ PACKET_DISCONNECT_NAK, 403, CAUSE_REFUSED },
		{ PACKET_COA_NAK, 403, CAUSE_REFUSED },
		{ PACKET_COA_NAK, 501, CAUSE_REFUSED },
		{ PACKET_COA_NAK, 502, CAUSE_REFUSED },
		{ PACKET_DISCONNECT_NAK, 504, CAUSE_LATER },
		{ PACKET_COA_NAK, 505, CAUSE_LATER },
		{ PACKET_COA_NAK, 506, CAUSE_LATER },
		{ PACKET_COA_NAK, 507, CAUSE_DONE },
		{ PACKET_DISCONNECT_NAK, 507, CAUSE_LATER },
		{ PACKET_DISCONNECT_NAK, 4711, CAUSE_LATER },
		{ PACKET_COA_NAK, 4294967295u, CAUSE_LATER },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(cause_class(cases[i].code, cases[i].cause) == cases[i].class, "%d %u", (int)cases[i].code,
			      cases[i].cause);
}
END_TEST

START_TEST(an_answer_is_told_in_words)
{
	char text[CAUSE_TEXT];

	cause_text(PACKET_DISCONNECT_NAK, 504, text);
	ck_assert_str_eq(text, "Disconnect-NAK: 504 Session-Context-Not-Removable");
	cause_text(PACKET_COA_NAK, 4711, text);
	ck_assert_str_eq(text, "CoA-NAK: 4711");
	cause_text(PACKET_COA_ACK, 0, text);
	ck_assert_str_eq(text, "CoA-ACK");
	ck_assert_ptr_null(cause_name(0));
}
END_TEST

Suite *check_coa_cause(void)
{
	Suite *s = suite_create("coa_cause");
	TCase *t = tcase_create("coa_cause");

	tcase_add_test(t, each_answer_has_its_class);
	tcase_add_test(t, an_answer_is_told_in_words);
	suite_add_tcase(s, t);
	return s;
}
