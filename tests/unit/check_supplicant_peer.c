/* The EAP peer: methods, Nak, identifiers, repetitions. */
#include "port.h"
#include "suites.h"

#include <stdlib.h>
#include <string.h>

static struct port *p;

static void setup(void)
{
	p = malloc(sizeof(*p));
	ck_assert_ptr_nonnull(p);
	port_init(p);
}

static void teardown(void)
{
	port_clear(p);
	free(p);
}

static void begin(void)
{
	port_start(p);
	ck_assert(port_identity(p, 7));
	(void)port_response(p, 7, VMP_EAP_IDENTITY, NULL);
	port_event(p, VMP_AUTH_BEGAN);
}

/* -- the identity -- */

START_TEST(the_identity_is_told)
{
	const uint8_t *data;
	size_t len;

	port_start(p);
	ck_assert(port_request(p, 0, VMP_EAP_IDENTITY, "who are you?", 12));
	data = port_response(p, 0, VMP_EAP_IDENTITY, &len);
	ck_assert_uint_eq(len, 17);
	ck_assert_mem_eq(data, "52:54:00:aa:bb:cc", 17);
}
END_TEST

START_TEST(the_identity_is_told_as_often_as_it_is_asked)
{
	begin();
	ck_assert(port_identity(p, 8));
	(void)port_response(p, 8, VMP_EAP_IDENTITY, NULL);
	/* It goes by the last. */
	ck_assert(!port_failure(p, 7));
	ck_assert(port_challenge(p, 9));
	(void)port_response(p, 9, VMP_EAP_MD5, NULL);
	ck_assert(port_success(p, 9));
	port_state(p, VMP_PAE_AUTHENTICATED, true);
}
END_TEST

START_TEST(a_switch_that_begins_anew_is_followed)
{
	begin();
	ck_assert(port_challenge(p, 8));
	(void)port_response(p, 8, VMP_EAP_MD5, NULL);
	ck_assert(port_identity(p, 100));
	(void)port_response(p, 100, VMP_EAP_IDENTITY, NULL);
	port_event(p, VMP_AUTH_BEGAN);
	/* What the first method had proved is gone. */
	ck_assert(!port_success(p, 100));
	ck_assert(!port_success(p, 8));
	ck_assert(port_challenge(p, 101));
	ck_assert(port_success(p, 101));
	port_state(p, VMP_PAE_AUTHENTICATED, true);
}
END_TEST

START_TEST(even_with_the_identifier_of_the_last_request)
{
	begin();
	ck_assert(port_challenge(p, 8));
	(void)port_response(p, 8, VMP_EAP_MD5, NULL);
	ck_assert(port_identity(p, 8));
	(void)port_response(p, 8, VMP_EAP_IDENTITY, NULL);
	ck_assert(!port_success(p, 8));
	port_state(p, VMP_PAE_AUTHENTICATING, false);
}
END_TEST

START_TEST(a_server_may_know_who_it_is)
{
	port_start(p);
	ck_assert(port_challenge(p, 30));
	(void)port_response(p, 30, VMP_EAP_MD5, NULL);
	ck_assert(port_success(p, 30));
	port_state(p, VMP_PAE_AUTHENTICATED, true);
}
END_TEST

/* -- repetitions -- */

START_TEST(a_repetition_gets_the_same_again)
{
	int i;

	begin();
	for (i = 0; i < 3; i++) {
		ck_assert(port_identity(p, 7));
		(void)port_response(p, 7, VMP_EAP_IDENTITY, NULL);
	}
	ck_assert(port_challenge(p, 8));
	for (i = 0; i < 3; i++) {
		const struct port_sent *first = port_next(p), *again;

		ck_assert(port_challenge(p, 8));
		again = port_next(p);
		ck_assert_uint_eq(first->len, again->len);
		ck_assert_mem_eq(first->body, again->body, first->len);
		p->n_read--;
	}
	port_no_event(p);
}
END_TEST

START_TEST(another_request_of_the_same_identifier_is_not_one)
{
	begin();
	ck_assert(!port_challenge(p, 7));
	ck_assert(!port_request(p, 7, VMP_EAP_IDENTITY, "again", 5));
	ck_assert(port_challenge(p, 8));
	(void)port_response(p, 8, VMP_EAP_MD5, NULL);
	ck_assert(!port_request(p, 8, VMP_EAP_MD5, "\1x", 2));
	port_sent_nothing(p);
	ck_assert(port_success(p, 8));
}
END_TEST

START_TEST(a_second_challenge_is_no_md5)
{
	begin();
	ck_assert(port_challenge(p, 8));
	(void)port_response(p, 8, VMP_EAP_MD5, NULL);
	ck_assert(!port_challenge(p, 9));
	port_sent_nothing(p);
	ck_assert(port_success(p, 8));
}
END_TEST

/* -- the end -- */

START_TEST(a_success_must_be_deserved)
{
	begin();
	ck_assert(!port_success(p, 7));
	ck_assert(!port_success(p, 8));
	port_state(p, VMP_PAE_AUTHENTICATING, false);
	ck_assert(port_challenge(p, 8));
	ck_assert(port_success(p, 8));
}
END_TEST

START_TEST(only_two_identifiers_end_it)
{
	unsigned id;

	begin();
	ck_assert(port_challenge(p, 8));
	for (id = 0; id < 256; id++) {
		if (id == 8 || id == 9)
			continue;
		ck_assert(!port_success(p, (uint8_t)id));
		ck_assert(!port_failure(p, (uint8_t)id));
	}
	port_state(p, VMP_PAE_AUTHENTICATING, false);
	ck_assert(port_success(p, 9));
	port_state(p, VMP_PAE_AUTHENTICATED, true);
}
END_TEST

START_TEST(the_next_of_255_is_0)
{
	port_start(p);
	ck_assert(port_identity(p, 254));
	ck_assert(port_challenge(p, 255));
	ck_assert(port_success(p, 0));
	port_state(p, VMP_PAE_AUTHENTICATED, true);
}
END_TEST

START_TEST(a_failure_that_counts_on)
{
	begin();
	ck_assert(port_failure(p, 8));
	port_event(p, VMP_AUTH_REJECTED);
	ck_assert_str_eq(port_status(p).why, "EAP-Failure after the identity");
	port_state(p, VMP_PAE_HELD, false);
}
END_TEST

START_TEST(to_the_group_it_must_be_exact)
{
	p->group = true;
	begin();
	ck_assert(!port_failure(p, 8));
	ck_assert(port_failure(p, 7));
	port_state(p, VMP_PAE_HELD, false);
}
END_TEST

START_TEST(a_success_after_a_failure_is_nothing)
{
	begin();
	ck_assert(port_challenge(p, 8));
	ck_assert(port_failure(p, 8));
	ck_assert(!port_success(p, 8));
	port_state(p, VMP_PAE_HELD, false);
}
END_TEST

START_TEST(a_failure_after_a_success_is_a_hint)
{
	begin();
	ck_assert(port_challenge(p, 8));
	ck_assert(port_success(p, 8));
	ck_assert(port_failure(p, 8));
	port_state(p, VMP_PAE_AUTHENTICATED, true);
	port_pass(p, 5000);
	port_state(p, VMP_PAE_CONNECTING, true);
}
END_TEST

/* -- methods, and Nak -- */

static void refused(uint8_t id, const char *wanted, size_t n)
{
	const uint8_t *data;
	size_t len;

	data = port_response(p, id, VMP_EAP_NAK, &len);
	ck_assert_uint_eq(len, n);
	ck_assert_mem_eq(data, wanted, n);
}

START_TEST(what_is_not_offered_gets_a_nak)
{
	begin();
	ck_assert(port_request(p, 8, 25, "\x20", 1));
	refused(8, "\4", 1);
	/* The server offers what we named. */
	ck_assert(port_challenge(p, 9));
	(void)port_response(p, 9, VMP_EAP_MD5, NULL);
	ck_assert(port_success(p, 9));
	port_event(p, VMP_AUTH_SUCCEEDED);
	ck_assert_str_eq(port_status(p).why, "");
}
END_TEST

START_TEST(tls_without_an_identity_is_not_offered)
{
	begin();
	ck_assert(port_request(p, 8, VMP_EAP_TLS, "\x20", 1));
	refused(8, "\4", 1);
}
END_TEST

START_TEST(md5_without_a_password_is_not_offered)
{
	p->password = NULL;
	begin();
	ck_assert(port_challenge(p, 8));
	refused(8, "\0", 1);
}
END_TEST

START_TEST(nor_what_the_parameters_leave_out)
{
	p->params.method[1] = VMP_EAP_NONE;
	begin();
	ck_assert(port_challenge(p, 8));
	refused(8, "\0", 1);
	ck_assert(port_failure(p, 8));
	port_event(p, VMP_AUTH_FAILED);
	ck_assert_str_eq(port_status(p).why, "the server asked for EAP type 4, which is not offered");
}
END_TEST

START_TEST(a_password_that_goes_away)
{
	begin();
	p->password = NULL;
	ck_assert(port_challenge(p, 8));
	refused(8, "\0", 1);
}
END_TEST

START_TEST(a_failure_after_a_nak_is_ours)
{
	begin();
	ck_assert(port_request(p, 8, 25, "\x20", 1));
	ck_assert(port_failure(p, 8));
	port_event(p, VMP_AUTH_FAILED);
	ck_assert_str_eq(port_status(p).why, "the server asked for EAP type 25, which is not offered");
}
END_TEST

START_TEST(a_success_after_a_nak_is_nothing)
{
	begin();
	ck_assert(port_request(p, 8, 25, "\x20", 1));
	ck_assert(!port_success(p, 8));
	port_state(p, VMP_PAE_AUTHENTICATING, false);
}
END_TEST

START_TEST(the_expanded_type_gets_a_legacy_nak)
{
	begin();
	ck_assert(port_request(p, 8, VMP_EAP_EXPANDED, "\0\0\0\0\0\0\x0d", 7));
	refused(8, "\4", 1);
	ck_assert(port_request(p, 9, VMP_EAP_EXPANDED, "", 0));
	refused(9, "\4", 1);
}
END_TEST

START_TEST(each_other_type_gets_a_nak)
{
	unsigned type;

	begin();
	for (type = 5; type < 56; type++) {
		ck_assert(port_request(p, (uint8_t)(type + 10), (uint8_t)type, NULL, 0));
		refused((uint8_t)(type + 10), "\4", 1);
	}
}
END_TEST

START_TEST(another_method_in_the_midst_is_not_heard)
{
	begin();
	ck_assert(port_challenge(p, 8));
	(void)port_response(p, 8, VMP_EAP_MD5, NULL);
	ck_assert(!port_request(p, 9, 25, "\x20", 1));
	ck_assert(!port_request(p, 9, VMP_EAP_TLS, "\x20", 1));
	port_sent_nothing(p);
}
END_TEST

START_TEST(a_challenge_without_value_selects_nothing)
{
	begin();
	ck_assert(!port_request(p, 8, VMP_EAP_MD5, "", 0));
	ck_assert(!port_request(p, 8, VMP_EAP_MD5, "\0x", 2));
	ck_assert(!port_request(p, 8, VMP_EAP_MD5, "\3xy", 3));
	port_sent_nothing(p);
	ck_assert(!port_success(p, 8));
	ck_assert(port_request(p, 8, 25, "\x20", 1));
	refused(8, "\4", 1);
	ck_assert(port_challenge(p, 9));
	(void)port_response(p, 9, VMP_EAP_MD5, NULL);
	ck_assert(port_success(p, 9));
}
END_TEST

START_TEST(and_begins_nothing)
{
	port_start(p);
	ck_assert(!port_request(p, 8, VMP_EAP_MD5, "\0x", 2));
	port_no_event(p);
	port_state(p, VMP_PAE_CONNECTING, false);
	port_pass(p, 5000);
	port_sent_start(p);
}
END_TEST

START_TEST(a_server_without_end_is_given_up)
{
	int i;

	begin();
	for (i = 0; i < 199; i++) {
		ck_assert(port_request(p, (uint8_t)(8 + i), 25, NULL, 0));
		p->n_read = p->n_sent;
	}
	ck_assert(!port_request(p, (uint8_t)(8 + i), 25, NULL, 0));
	ck_assert(!port_challenge(p, (uint8_t)(9 + i)));
	port_pass(p, 30000);
	port_event(p, VMP_AUTH_FAILED);
	ck_assert_str_eq(port_status(p).why, "the server never comes to an end");
	port_state(p, VMP_PAE_HELD, false);
}
END_TEST

/* -- notifications -- */

START_TEST(a_notification_is_acknowledged_and_kept)
{
	size_t len;

	begin();
	ck_assert(port_request(p, 8, VMP_EAP_NOTIFICATION, "expires\ttomorrow \xc3\xa9", 19));
	(void)port_response(p, 8, VMP_EAP_NOTIFICATION, &len);
	ck_assert_uint_eq(len, 0);
	ck_assert_str_eq(port_status(p).notice, "expires?tomorrow ??");
	ck_assert(port_challenge(p, 9));
	ck_assert(port_success(p, 9));
	port_state(p, VMP_PAE_AUTHENTICATED, true);
	ck_assert_str_eq(port_status(p).notice, "expires?tomorrow ??");
	port_pass(p, 1);
	p->n_read = p->n_sent;
	p->n_events = 0;
	port_converse(p, 60);
	ck_assert_str_eq(port_status(p).notice, "");
}
END_TEST

START_TEST(a_long_notification_is_cut)
{
	char text[1000];

	memset(text, 'x', sizeof(text));
	begin();
	ck_assert(port_request(p, 8, VMP_EAP_NOTIFICATION, text, sizeof(text)));
	ck_assert_uint_eq(strlen(port_status(p).notice), 80);
}
END_TEST

START_TEST(an_empty_notification_is_acknowledged)
{
	begin();
	ck_assert(port_request(p, 8, VMP_EAP_NOTIFICATION, NULL, 0));
	(void)port_response(p, 8, VMP_EAP_NOTIFICATION, NULL);
	ck_assert_str_eq(port_status(p).notice, "");
}
END_TEST

START_TEST(a_notification_proves_nothing)
{
	begin();
	ck_assert(port_request(p, 8, VMP_EAP_NOTIFICATION, "welcome", 7));
	ck_assert(!port_success(p, 8));
	ck_assert(port_failure(p, 8));
	port_event(p, VMP_AUTH_REJECTED);
	ck_assert_str_eq(port_status(p).notice, "welcome");
}
END_TEST

/* -- the group's address -- */

START_TEST(what_does_not_follow_was_meant_for_another)
{
	p->group = true;
	begin();
	ck_assert(!port_challenge(p, 9));
	ck_assert(!port_challenge(p, 6));
	ck_assert(!port_request(p, 10, VMP_EAP_NOTIFICATION, "x", 1));
	port_sent_nothing(p);
	ck_assert(port_challenge(p, 8));
	(void)port_response(p, 8, VMP_EAP_MD5, NULL);
	/* Another guest's identity. */
	ck_assert(!port_identity(p, 70));
	ck_assert(port_success(p, 8));
	port_state(p, VMP_PAE_AUTHENTICATED, true);
}
END_TEST

START_TEST(a_method_out_of_nothing_was_meant_for_another)
{
	p->group = true;
	port_start(p);
	ck_assert(!port_challenge(p, 8));
	ck_assert(!port_request(p, 9, VMP_EAP_NOTIFICATION, "x", 1));
	port_sent_nothing(p);
	port_state(p, VMP_PAE_CONNECTING, false);
}
END_TEST

START_TEST(what_ends_before_all_proves_nothing)
{
	port_start(p);
	port_reject(p, 7);
	/* It begins with us alone, and is then heard by all. */
	ck_assert(port_identity(p, 50));
	p->group = true;
	ck_assert(port_challenge(p, 51));
	ck_assert(port_success(p, 51));
	port_state(p, VMP_PAE_HELD, false);
}
END_TEST

START_TEST(what_is_expected)
{
	p->group = true;
	p->expecting = true;
	ck_assert(!port_identity(p, 1));
	port_authenticate(p);
	/* Anybody's re-authentication. */
	ck_assert(!port_identity(p, 50));
	p->expecting = false;
	ck_assert(port_identity(p, 50));
	(void)port_response(p, 50, VMP_EAP_IDENTITY, NULL);
	p->expecting = true;
	ck_assert(port_identity(p, 50));
	ck_assert(!port_identity(p, 52));
	ck_assert(!port_challenge(p, 53));
	ck_assert(port_challenge(p, 51));
	ck_assert(port_challenge(p, 51));
	ck_assert(!port_failure(p, 52));
	ck_assert(port_success(p, 51));
	ck_assert(!port_success(p, 51));
}
END_TEST

Suite *check_supplicant_peer(void)
{
	Suite *s = suite_create("supplicant_peer");
	TCase *t = tcase_create("supplicant_peer");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_identity_is_told);
	tcase_add_test(t, the_identity_is_told_as_often_as_it_is_asked);
	tcase_add_test(t, a_switch_that_begins_anew_is_followed);
	tcase_add_test(t, even_with_the_identifier_of_the_last_request);
	tcase_add_test(t, a_server_may_know_who_it_is);
	tcase_add_test(t, a_repetition_gets_the_same_again);
	tcase_add_test(t, another_request_of_the_same_identifier_is_not_one);
	tcase_add_test(t, a_second_challenge_is_no_md5);
	tcase_add_test(t, a_success_must_be_deserved);
	tcase_add_test(t, only_two_identifiers_end_it);
	tcase_add_test(t, the_next_of_255_is_0);
	tcase_add_test(t, a_failure_that_counts_on);
	tcase_add_test(t, to_the_group_it_must_be_exact);
	tcase_add_test(t, a_success_after_a_failure_is_nothing);
	tcase_add_test(t, a_failure_after_a_success_is_a_hint);
	tcase_add_test(t, what_is_not_offered_gets_a_nak);
	tcase_add_test(t, tls_without_an_identity_is_not_offered);
	tcase_add_test(t, md5_without_a_password_is_not_offered);
	tcase_add_test(t, nor_what_the_parameters_leave_out);
	tcase_add_test(t, a_password_that_goes_away);
	tcase_add_test(t, a_failure_after_a_nak_is_ours);
	tcase_add_test(t, a_success_after_a_nak_is_nothing);
	tcase_add_test(t, the_expanded_type_gets_a_legacy_nak);
	tcase_add_test(t, each_other_type_gets_a_nak);
	tcase_add_test(t, another_method_in_the_midst_is_not_heard);
	tcase_add_test(t, a_challenge_without_value_selects_nothing);
	tcase_add_test(t, and_begins_nothing);
	tcase_add_test(t, a_server_without_end_is_given_up);
	tcase_add_test(t, a_notification_is_acknowledged_and_kept);
	tcase_add_test(t, a_long_notification_is_cut);
	tcase_add_test(t, an_empty_notification_is_acknowledged);
	tcase_add_test(t, a_notification_proves_nothing);
	tcase_add_test(t, what_does_not_follow_was_meant_for_another);
	tcase_add_test(t, a_method_out_of_nothing_was_meant_for_another);
	tcase_add_test(t, what_ends_before_all_proves_nothing);
	tcase_add_test(t, what_is_expected);
	suite_add_tcase(s, t);
	return s;
}
