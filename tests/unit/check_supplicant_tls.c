/* EAP-TLS within the supplicant: the decision, sessions, and an identity that changes. */
#include "authenticator.h"
#include "suites.h"
#include "tls_world.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

static struct port *p;
static struct authenticator *a;

static void use(int version)
{
	SSL_CTX_free(a->tls.ctx);
	a->tls.ctx = tls_world_server(&tls_world.server, NULL, version);
}

static void setup(void)
{
	struct vmp_tls_files files;

	tls_world_setup();
	files = tls_world_files();
	p = malloc(sizeof(*p));
	a = malloc(sizeof(*a));
	ck_assert(p && a);
	port_init(p);
	p->tls = tls_world_identity(&files);
	authenticator_init(a, VMP_EAP_TLS);
	use(0);
}

static void teardown(void)
{
	port_clear(p);
	vmp_tls_identity_free(p->tls);
	authenticator_clear(a);
	SSL_CTX_free(a->tls.ctx);
	free(p);
	free(a);
	tls_world_teardown();
}

static void start(void)
{
	vmp_supplicant_start(p->s, p->now);
	authenticator_run(a, p);
}

static void authenticate(void)
{
	start();
	port_state(p, VMP_PAE_AUTHENTICATED, true);
	ck_assert(a->authorized);
	ck_assert_uint_eq(port_status(p).method, VMP_EAP_TLS);
	p->n_events = 0;
}

START_TEST(each_version_opens_the_port)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

	use(versions[_i]);
	authenticate();
	ck_assert(!port_status(p).resumed);
}
END_TEST

START_TEST(in_fragments_of_any_size)
{
	static const size_t sizes[] = { 40, 100, 1000, 1400 };

	a->tls.fragment = sizes[_i];
	a->tls.length_always = _i & 1;
	authenticate();
}
END_TEST

START_TEST(after_a_nak)
{
	a->method = 25;
	authenticate();
	ck_assert_str_eq(port_status(p).why, "");
}
END_TEST

START_TEST(the_next_time_is_resumed)
{
	static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	unsigned full, i;

	use(versions[_i]);
	authenticate();
	full = a->responses;
	for (i = 0; i < 3; i++) {
		a->responses = 0;
		authenticate();
		ck_assert(port_status(p).resumed);
		ck_assert_uint_le(a->responses, full);
	}
}
END_TEST

START_TEST(a_server_that_has_forgotten)
{
	authenticate();
	use(0);
	authenticate();
	ck_assert(!port_status(p).resumed);
	authenticate();
	ck_assert(port_status(p).resumed);
}
END_TEST

START_TEST(a_session_that_ends_in_failure_is_dropped)
{
	authenticate();
	a->reject = true;
	start();
	port_state(p, VMP_PAE_HELD, false);
	ck_assert_str_eq(port_status(p).why, "EAP-Failure after EAP-TLS");
	a->reject = false;
	authenticate();
	ck_assert(!port_status(p).resumed);
}
END_TEST

START_TEST(and_one_that_ends_in_silence)
{
	authenticate();
	vmp_supplicant_start(p->s, p->now);
	authenticator_run_some(a, p, 3);
	a->deaf = true;
	authenticator_run(a, p);
	port_state(p, VMP_PAE_AUTHENTICATING, true);
	port_pass(p, 30000);
	port_state(p, VMP_PAE_AUTHENTICATED, true);
	a->deaf = false;
	p->n_read = p->n_sent;
	authenticate();
	ck_assert(!port_status(p).resumed);
}
END_TEST

/* hostapd 2.10: a Success after resumption, and no indication. */
START_TEST(a_server_that_does_not_confirm_is_asked_in_full)
{
	use(TLS1_3_VERSION);
	authenticate();
	a->tls.end = TLS_SERVER_NEVER;
	a->undecided = true;
	start();
	port_state(p, VMP_PAE_AUTHENTICATING, true);
	ck_assert(!port_success(p, (uint8_t)(port_status(p).request_id + 1)));
	ck_assert(port_success(p, port_status(p).request_id));
	port_state(p, VMP_PAE_CONNECTING, true);
	ck_assert_int_eq(p->events[p->n_events - 1], VMP_AUTH_TIMED_OUT);
	a->tls.end = TLS_SERVER_TOGETHER;
	a->undecided = false;
	authenticator_run(a, p);
	port_state(p, VMP_PAE_AUTHENTICATED, true);
	ck_assert(!port_status(p).resumed);
	/* And is not offered a session again. */
	authenticate();
	ck_assert(!port_status(p).resumed);
}
END_TEST

START_TEST(a_logoff_keeps_the_session)
{
	authenticate();
	vmp_supplicant_logoff(p->s, p->now);
	authenticator_run(a, p);
	ck_assert(!a->authorized);
	authenticate();
	ck_assert(port_status(p).resumed);
}
END_TEST

START_TEST(another_identity_does_not_resume)
{
	struct vmp_tls_files files = tls_world_files();

	authenticate();
	vmp_tls_identity_free(p->tls);
	files.server_name = NULL;
	p->tls = tls_world_identity(&files);
	authenticate();
	ck_assert(!port_status(p).resumed);
}
END_TEST

START_TEST(an_identity_may_go_in_the_midst)
{
	struct vmp_tls_files files = tls_world_files();

	vmp_supplicant_start(p->s, p->now);
	authenticator_run_some(a, p, 3);
	vmp_tls_identity_free(p->tls);
	p->tls = tls_world_identity(&files);
	authenticator_run(a, p);
	port_state(p, VMP_PAE_AUTHENTICATED, true);
}
END_TEST

/* Requests of a method that is no longer usable are not heard: a time-out follows, and a Nak. */
START_TEST(no_identity_any_more)
{
	vmp_supplicant_start(p->s, p->now);
	authenticator_run_some(a, p, 3);
	vmp_tls_identity_free(p->tls);
	p->tls = NULL;
	authenticator_run(a, p);
	port_state(p, VMP_PAE_AUTHENTICATING, false);
	a->method = VMP_EAP_TLS;
	port_pass(p, 30000);
	authenticator_run(a, p);
	port_state(p, VMP_PAE_AUTHENTICATED, true);
	ck_assert_uint_eq(port_status(p).method, VMP_EAP_MD5);
}
END_TEST

START_TEST(the_method_may_change)
{
	authenticate();
	a->method = VMP_EAP_MD5;
	start();
	port_state(p, VMP_PAE_AUTHENTICATED, true);
	ck_assert_uint_eq(port_status(p).method, VMP_EAP_MD5);
	a->method = VMP_EAP_TLS;
	authenticate();
}
END_TEST

/* -- who is not accepted -- */

static void distrust(void)
{
	struct vmp_tls_files files = tls_world_files();

	files.server_name = "another.example";
	vmp_tls_identity_free(p->tls);
	p->tls = tls_world_identity(&files);
}

START_TEST(a_server_that_is_not_trusted)
{
	distrust();
	start();
	port_state(p, VMP_PAE_HELD, false);
	ck_assert_int_eq(p->events[1], VMP_AUTH_FAILED);
	ck_assert_ptr_nonnull(strstr(port_status(p).why, "another.example"));
}
END_TEST

START_TEST(a_success_from_it_is_not_believed)
{
	unsigned id;

	distrust();
	a->undecided = true;
	start();
	port_state(p, VMP_PAE_AUTHENTICATING, false);
	for (id = 0; id < 256; id++)
		ck_assert(!port_success(p, (uint8_t)id));
	port_pass(p, 30000);
	port_state(p, VMP_PAE_HELD, false);
	ck_assert_ptr_nonnull(strstr(port_status(p).why, "another.example"));
}
END_TEST

START_TEST(a_success_in_the_midst_is_not_believed)
{
	unsigned answers, id;

	use(TLS1_3_VERSION);
	for (answers = 1; answers < 4; answers++) {
		vmp_supplicant_start(p->s, p->now);
		authenticator_run_some(a, p, answers);
		port_state(p, VMP_PAE_AUTHENTICATING, false);
		for (id = 0; id < 256; id++)
			ck_assert(!port_success(p, (uint8_t)id));
		p->n_read = p->n_sent;
	}
	authenticate();
}
END_TEST

START_TEST(without_the_indication_nothing_is_believed)
{
	use(TLS1_3_VERSION);
	a->tls.end = TLS_SERVER_NEVER;
	start();
	port_state(p, VMP_PAE_AUTHENTICATING, false);
}
END_TEST

START_TEST(an_open_port_outlives_a_stranger)
{
	authenticate();
	distrust();
	a->undecided = true;
	start();
	port_state(p, VMP_PAE_AUTHENTICATING, true);
	port_pass(p, 30000);
	port_state(p, VMP_PAE_AUTHENTICATED, true);
	/* But we ask again, since it was we who began. */
	ck_assert_uint_eq(port_status(p).due, p->now + 60000);
}
END_TEST

START_TEST(astray_on_the_groups_address_it_is_tried_again_soon)
{
	distrust();
	p->group = true;
	a->undecided = true;
	start();
	port_state(p, VMP_PAE_AUTHENTICATING, false);
	port_pass(p, 5000);
	port_state(p, VMP_PAE_CONNECTING, false);
	ck_assert_int_eq(p->events[p->n_events - 1], VMP_AUTH_TIMED_OUT);
}
END_TEST

START_TEST(astray_it_follows_no_further)
{
	int sent;

	distrust();
	p->group = true;
	a->undecided = true;
	start();
	sent = p->n_sent;
	ck_assert(!port_request(p, (uint8_t)(port_status(p).request_id + 1), VMP_EAP_TLS, "\0", 1));
	ck_assert_int_eq(p->n_sent, sent);
	/* While a server that speaks to us alone is answered until it sends its Failure. */
	p->group = false;
	start();
	ck_assert(port_request(p, (uint8_t)(port_status(p).request_id + 1), VMP_EAP_TLS, "\0", 1));
}
END_TEST

START_TEST(what_is_proved_admits_no_notification)
{
	a->undecided = true;
	start();
	port_state(p, VMP_PAE_AUTHENTICATING, false);
	ck_assert(!port_request(p, (uint8_t)(port_status(p).request_id + 1), VMP_EAP_NOTIFICATION, "x", 1));
	ck_assert_str_eq(port_status(p).notice, "");
	ck_assert(port_success(p, port_status(p).request_id));
	port_state(p, VMP_PAE_AUTHENTICATED, true);
}
END_TEST

/* -- repetitions -- */

START_TEST(repeated_requests_get_repeated_fragments)
{
	const struct port_sent *sent;
	bool shown = false;

	a->tls.fragment = 300;
	vmp_supplicant_start(p->s, p->now);
	while ((sent = port_next(p))) {
		int at = p->n_sent;

		if (authenticator_take(a, sent) == 0)
			continue;
		(void)port_give(p, a->packet, a->len);
		if (!a->waiting)
			continue;
		ck_assert_int_eq(p->n_sent, at + 1);
		ck_assert(port_give(p, a->packet, a->len));
		ck_assert_int_eq(p->n_sent, at + 2);
		ck_assert_uint_eq(p->sent[at].len, p->sent[at + 1].len);
		ck_assert_mem_eq(p->sent[at].body, p->sent[at + 1].body, p->sent[at].len);
		p->n_sent--;
		shown = true;
	}
	ck_assert(shown);
	port_state(p, VMP_PAE_AUTHENTICATED, true);
}
END_TEST

START_TEST(a_late_fragment_after_success_begins_nothing)
{
	uint8_t late[VMP_EAP_MAX];
	size_t len = 0;
	const struct port_sent *sent;

	vmp_supplicant_start(p->s, p->now);
	while ((sent = port_next(p))) {
		if (authenticator_take(a, sent) == 0)
			continue;
		if (a->waiting) {
			len = a->len;
			memcpy(late, a->packet, len);
		}
		(void)port_give(p, a->packet, a->len);
	}
	port_state(p, VMP_PAE_AUTHENTICATED, true);
	ck_assert(!port_give(p, late, len));
	/* Nor does one of another identifier: it is no EAP-TLS Start. */
	late[1]++;
	ck_assert(!port_give(p, late, len));
	port_state(p, VMP_PAE_AUTHENTICATED, true);
}
END_TEST

/* -- memory -- */

START_TEST(an_instance_at_rest_is_small)
{
	enum { N = 100 };
	static struct vmp_supplicant *all[N];
	struct vmp_supplicant *own = p->s;
	struct vmp_tls_identity *identity = p->tls;
	size_t before, after;
	int i;

	/* The server's cache and OpenSSL's own tables are not the supplicant's. */
	SSL_CTX_set_session_cache_mode(a->tls.ctx, SSL_SESS_CACHE_OFF);
	authenticate();
	before = mallinfo2().uordblks;
	for (i = 0; i < N; i++) {
		port_init(p);
		p->tls = identity;
		all[i] = p->s;
		authenticate();
	}
	after = mallinfo2().uordblks;
	for (i = 0; i < N; i++) {
		p->s = all[i];
		authenticate();
		ck_assert(port_status(p).resumed);
		p->n_sent = p->n_read = 0;
		vmp_supplicant_free(all[i]);
	}
	p->s = own;
	/* Sanitizers have an allocator of their own. */
	if (before > 0)
		ck_assert_uint_lt((after - before) / N, 4096);
}
END_TEST

Suite *check_supplicant_tls(void)
{
	Suite *s = suite_create("supplicant_tls");
	TCase *t = tcase_create("supplicant_tls");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 30);
	tcase_add_loop_test(t, each_version_opens_the_port, 0, 2);
	tcase_add_loop_test(t, in_fragments_of_any_size, 0, 4);
	tcase_add_test(t, after_a_nak);
	tcase_add_loop_test(t, the_next_time_is_resumed, 0, 2);
	tcase_add_test(t, a_server_that_has_forgotten);
	tcase_add_test(t, a_session_that_ends_in_failure_is_dropped);
	tcase_add_test(t, and_one_that_ends_in_silence);
	tcase_add_test(t, a_server_that_does_not_confirm_is_asked_in_full);
	tcase_add_test(t, a_logoff_keeps_the_session);
	tcase_add_test(t, another_identity_does_not_resume);
	tcase_add_test(t, an_identity_may_go_in_the_midst);
	tcase_add_test(t, no_identity_any_more);
	tcase_add_test(t, the_method_may_change);
	tcase_add_test(t, a_server_that_is_not_trusted);
	tcase_add_test(t, a_success_from_it_is_not_believed);
	tcase_add_test(t, a_success_in_the_midst_is_not_believed);
	tcase_add_test(t, without_the_indication_nothing_is_believed);
	tcase_add_test(t, an_open_port_outlives_a_stranger);
	tcase_add_test(t, astray_on_the_groups_address_it_is_tried_again_soon);
	tcase_add_test(t, astray_it_follows_no_further);
	tcase_add_test(t, what_is_proved_admits_no_notification);
	tcase_add_test(t, repeated_requests_get_repeated_fragments);
	tcase_add_test(t, a_late_fragment_after_success_begins_nothing);
	tcase_add_test(t, an_instance_at_rest_is_small);
	suite_add_tcase(s, t);
	return s;
}
