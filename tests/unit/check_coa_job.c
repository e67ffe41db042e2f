#include "coa/request.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

#define NAS                                                                                                            \
	"\"nas\": {\"name\": \"leaf1\", \"address\": \"192.0.2.1\", \"port\": 0, \"dialect\": \"x\", \"mode\": 0, "    \
	"\"rate\": 0}"

#define ONLY_NAS(address, port, mode, rate)                                                                            \
	("{\"nas\": {\"name\": \"\", \"address\": \"" address "\", \"port\": " port                                    \
	 ", \"dialect\": \"\", \"mode\": " mode ", "                                                                   \
	 "\"rate\": " rate "}, \"session\": {}}")

static struct job job;
static struct vmp_msg msg;
static struct request request;
static struct dialect dialect = { .identify = 1u << JOB_USER_NAME | 1u << JOB_ACCT_SESSION_ID | 1u << JOB_NAS_PORT,
				  .change = DIALECT_COA,
				  .n_coa = 1,
				  .coa = { { "Cisco-AVPair", "again" } } };

static void teardown(void)
{
	job_clear(&job);
}

static int parse(const char *text)
{
	return job_parse(text, strlen(text), &job, &msg);
}

static enum coa_outcome make(const char *text, enum vmp_coa_action action)
{
	ck_assert_msg(parse(text) == VMP_OK, "%s", msg.text);
	return request_make(&job, &dialect, action, &request, &msg);
}

START_TEST(a_job_is_read)
{
	ck_assert_int_eq(
		parse("{\"nas\": {\"name\": \"leaf1\", \"address\": \"2001:db8::1\", \"port\": 1700, \"dialect\": "
		      "\"cisco\", \"mode\": 2, \"rate\": 7}, \"session\": {\"User-Name\": \"a\", \"NAS-Port\": "
		      "\"12\", \"NAS-Port-Id\": \"\"}, \"beside\": {\"User-Name\": \"b\"}}"),
		VMP_OK);
	ck_assert_str_eq(job.nas, "leaf1");
	ck_assert_uint_eq(job.address.octet[0], 0x20);
	ck_assert_uint_eq(job.port, 1700);
	ck_assert_str_eq(job.dialect, "cisco");
	ck_assert_int_eq(job.mode, VMP_NAS_DISCONNECT);
	ck_assert_uint_eq(job.rate, 7);
	ck_assert_str_eq(job.session[JOB_USER_NAME], "a");
	ck_assert_str_eq(job.session[JOB_NAS_PORT], "12");
	ck_assert_ptr_null(job.session[JOB_NAS_PORT_ID]);
	ck_assert(job.has_beside);
	ck_assert_str_eq(job.beside[JOB_USER_NAME], "b");
}
END_TEST

START_TEST(what_is_malformed_is_refused)
{
	static const char *const wrong[] = {
		"",
		"{",
		"[]",
		"{}",
		"{" NAS "}",
		"{\"session\": {}}",
		"{" NAS ", \"session\": []}",
		"{" NAS ", \"session\": {}, \"more\": 1}",
		"{" NAS ", \"session\": {}, \"beside\": 1}",
		"{" NAS ", \"session\": {\"Class\": \"x\"}}",
		"{" NAS ", \"session\": {\"User-Name\": 1}}",
		"{" NAS ", \"session\": {\"User-Name\": \"a\\u0000b\"}}",
		"{" NAS ", " NAS ", \"session\": {}}",
		ONLY_NAS("leaf1", "0", "0", "0"),
		ONLY_NAS("192.0.2.1", "65536", "0", "0"),
		ONLY_NAS("192.0.2.1", "-1", "0", "0"),
		ONLY_NAS("192.0.2.1", "\"1700\"", "0", "0"),
		ONLY_NAS("192.0.2.1", "0", "4", "0"),
		ONLY_NAS("192.0.2.1", "0", "-1", "0"),
		ONLY_NAS("192.0.2.1", "0", "0", "-1"),
		ONLY_NAS("192.0.2.1", "0", "0", "1.5"),
		ONLY_NAS("192.0.2.1", "0", "0", "0, \"more\": 0"),
	};

	ck_assert_int_eq(parse(wrong[_i]), VMP_EINVAL);
	ck_assert_ptr_null(job.json);
}
END_TEST

START_TEST(what_is_known_and_asked_for_is_sent)
{
	ck_assert_int_eq(make("{" NAS ", \"session\": {\"User-Name\": \"a\", \"NAS-Port\": \"12\", "
			      "\"Calling-Station-Id\": \"b\"}}",
			      VMP_COA_REAUTHENTICATE),
			 0);
	ck_assert_int_eq(request.code, PACKET_COA);
	ck_assert_uint_eq(request.n, 3);
	ck_assert_str_eq(request.attr[0].name, "User-Name");
	ck_assert_str_eq(request.attr[0].value, "a");
	ck_assert_str_eq(request.attr[1].name, "NAS-Port");
	ck_assert_str_eq(request.attr[2].name, "Cisco-AVPair");
}
END_TEST

START_TEST(a_disconnect_has_nothing_of_the_coa)
{
	ck_assert_int_eq(make("{" NAS ", \"session\": {\"User-Name\": \"a\"}}", VMP_COA_DISCONNECT), 0);
	ck_assert_int_eq(request.code, PACKET_DISCONNECT);
	ck_assert_uint_eq(request.n, 1);
}
END_TEST

START_TEST(no_request_names_a_port_alone)
{
	ck_assert_int_eq(make("{" NAS ", \"session\": {\"NAS-Port\": \"12\", \"Calling-Station-Id\": \"b\"}}",
			      VMP_COA_DISCONNECT),
			 COA_UNABLE);
	teardown();
	ck_assert_int_eq(make("{" NAS ", \"session\": {}}", VMP_COA_DISCONNECT), COA_UNABLE);
}
END_TEST

START_TEST(the_session_that_lasts_is_not_hit)
{
	static const struct {
		const char *session, *beside;
		enum coa_outcome outcome;
	} cases[] = {
		{ "{\"User-Name\": \"a\", \"NAS-Port\": \"1\"}", "{\"User-Name\": \"a\", \"NAS-Port\": \"2\"}", 0 },
		{ "{\"User-Name\": \"a\", \"NAS-Port\": \"1\"}", "{\"User-Name\": \"a\", \"NAS-Port\": \"1\"}",
		  COA_GONE },
		{ "{\"User-Name\": \"a\", \"NAS-Port\": \"1\"}", "{\"User-Name\": \"a\"}", COA_GONE },
		{ "{\"User-Name\": \"a\"}", "{\"User-Name\": \"a\", \"NAS-Port\": \"1\"}", COA_GONE },
		{ "{\"User-Name\": \"a\"}", "{}", COA_GONE },
		/* Differs, but is not sent. */
		{ "{\"User-Name\": \"a\", \"NAS-Port-Id\": \"x\"}", "{\"User-Name\": \"a\", \"NAS-Port-Id\": \"y\"}",
		  COA_GONE },
		{ "{\"User-Name\": \"a\", \"Acct-Session-Id\": \"1\"}", "{\"Acct-Session-Id\": \"2\"}", 0 },
	};
	char text[512];

	snprintf(text, sizeof(text), "{" NAS ", \"session\": %s, \"beside\": %s}", cases[_i].session, cases[_i].beside);
	ck_assert_int_eq(make(text, VMP_COA_DISCONNECT), cases[_i].outcome);
	if (cases[_i].outcome)
		ck_assert_ptr_eq(strstr(msg.text, "left to the NAS"), msg.text);
}
END_TEST

/* What the store says of a NAS counts before its dialect. */
START_TEST(mode_and_dialect_choose_the_request)
{
	static const struct {
		int mode;
		enum dialect_change change;
		size_t n_coa;
		int code; /* 0: nothing */
	} cases[] = {
		{ VMP_NAS_AS_DIALECT, DIALECT_COA, 1, PACKET_COA },
		{ VMP_NAS_AS_DIALECT, DIALECT_DISCONNECT, 1, PACKET_DISCONNECT },
		{ VMP_NAS_AS_DIALECT, DIALECT_NONE, 1, 0 },
		{ VMP_NAS_COA, DIALECT_DISCONNECT, 1, PACKET_COA },
		{ VMP_NAS_COA, DIALECT_NONE, 0, PACKET_DISCONNECT },
		{ VMP_NAS_DISCONNECT, DIALECT_COA, 1, PACKET_DISCONNECT },
		{ VMP_NAS_DISCONNECT, DIALECT_NONE, 0, PACKET_DISCONNECT },
		{ VMP_NAS_NONE, DIALECT_COA, 1, 0 },
	};
	struct dialect other = dialect;
	enum coa_outcome outcome;

	other.change = cases[_i].change;
	other.n_coa = cases[_i].n_coa;
	ck_assert_int_eq(parse("{" NAS ", \"session\": {\"User-Name\": \"a\"}}"), VMP_OK);
	job.mode = cases[_i].mode;
	outcome = request_make(&job, &other, VMP_COA_REAUTHENTICATE, &request, &msg);
	if (cases[_i].code) {
		ck_assert_int_eq(outcome, 0);
		ck_assert_int_eq((int)request.code, cases[_i].code);
	} else {
		ck_assert_int_eq(outcome, COA_UNABLE);
		ck_assert_str_eq(msg.text, "NAS takes no CoA or Disconnect");
	}
}
END_TEST

Suite *check_coa_job(void)
{
	Suite *s = suite_create("coa_job");
	TCase *t = tcase_create("coa_job");

	tcase_add_checked_fixture(t, NULL, teardown);
	tcase_add_test(t, a_job_is_read);
	tcase_add_loop_test(t, what_is_malformed_is_refused, 0, 22);
	tcase_add_test(t, what_is_known_and_asked_for_is_sent);
	tcase_add_test(t, a_disconnect_has_nothing_of_the_coa);
	tcase_add_test(t, no_request_names_a_port_alone);
	tcase_add_loop_test(t, the_session_that_lasts_is_not_hit, 0, 7);
	tcase_add_loop_test(t, mode_and_dialect_choose_the_request, 0, 8);
	suite_add_tcase(s, t);
	return s;
}
