/* Requests that are malformed, foreign, or of a server that does not want to come to an end. */
#include "suites.h"
#include "tls_talk.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define LENGTH	 0x80
#define MORE	 0x40
#define START	 0x20

static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };

/* Ask with a copy of the exact size, so that a sanitizer sees a read past its end. */
static enum vmp_eap_tls_result ask(struct talk *t, const void *data, size_t len, uint8_t *out, size_t *out_len)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum vmp_eap_tls_result result;

	memcpy(copy, data, len);
	result = vmp_eap_tls_request(t->tls, copy, len, out, out_len);
	free(copy);
	return result;
}

/* It is discarded, with this reason, and nothing is written. */
static void discarded(struct talk *t, const void *data, size_t len, const char *why)
{
	uint8_t out[TALK_ROOM] = { 0x55 };
	size_t out_len = 4711;

	ck_assert_int_eq(ask(t, data, len, out, &out_len), VMP_EAP_TLS_DISCARD);
	ck_assert_uint_eq(out_len, 4711);
	ck_assert_uint_eq(out[0], 0x55);
	ck_assert_msg(strstr(vmp_eap_tls_why(t->tls), why), "%s", vmp_eap_tls_why(t->tls));
}

static void acknowledged(struct talk *t, const void *data, size_t len)
{
	uint8_t out[TALK_ROOM];
	size_t out_len;

	ck_assert_int_eq(ask(t, data, len, out, &out_len), VMP_EAP_TLS_RESPOND);
	ck_assert_uint_eq(out_len, 1);
	ck_assert_uint_eq(out[0], 0);
}

static void failed(struct talk *t, const void *data, size_t len, const char *why)
{
	uint8_t out[TALK_ROOM];
	size_t out_len;

	ck_assert_int_eq(ask(t, data, len, out, &out_len), VMP_EAP_TLS_FAILED);
	ck_assert_uint_ge(out_len, 1);
	ck_assert_msg(strstr(vmp_eap_tls_why(t->tls), why), "%s", vmp_eap_tls_why(t->tls));
}

/* The rest of a conversation that was disturbed: good all the same. */
static void good_from(struct talk *t, struct talk_request r)
{
	while (!r.ended)
		r = talk_step(t, &r);
	ck_assert(!t->server.failed);
	ck_assert_msg(t->last == VMP_EAP_TLS_DONE, "%s", vmp_eap_tls_why(t->tls));
}

/* Type-data of these flags, a length if they say so, and n octets. */
static struct talk_request made(uint8_t flags, uint32_t total, size_t n)
{
	struct talk_request r = { .len = 1 };

	r.data[0] = flags;
	if (flags & LENGTH) {
		r.data[1] = (uint8_t)(total >> 24);
		r.data[2] = (uint8_t)(total >> 16);
		r.data[3] = (uint8_t)(total >> 8);
		r.data[4] = (uint8_t)total;
		r.len = 5;
	}
	memset(r.data + r.len, 0x16, n);
	r.len += n;
	return r;
}

START_TEST(before_the_start)
{
	static const struct {
		uint8_t flags;
		size_t n;
	} rows[] = {
		{ 0, 0 },     { 0, 100 },	   { LENGTH, 100 },	  { MORE, 100 },	  { START, 1 },
		{ START, 5 }, { START | MORE, 0 }, { START | LENGTH, 0 }, { START | LENGTH, 10 }, { MORE | LENGTH, 5 }
	};
	struct talk t = talk_new(versions[_i]);
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		struct talk_request r = made(rows[i].flags, 100, rows[i].n);

		discarded(&t, r.data, r.len, "other than EAP-TLS Start");
	}
	discarded(&t, "", 0, "cut off");
	good_from(&t, talk_until(&t, 0));
	talk_clear(&t);
}
END_TEST

START_TEST(a_length_that_is_cut_off)
{
	struct talk t = talk_new(versions[_i]);
	struct talk_request next = talk_until(&t, 1);
	size_t len;

	for (len = 1; len < 5; len++) {
		discarded(&t, "\x80\0\0\1\0", len, "cut off");
		discarded(&t, "\xc0\0\0\1\0", len, "cut off");
	}
	discarded(&t, "", 0, "cut off");
	good_from(&t, next);
	talk_clear(&t);
}
END_TEST

/* While the server's flight is awaited. */
START_TEST(what_does_not_fit_is_discarded)
{
	static const struct {
		uint8_t flags;
		uint32_t total;
		size_t n;
		const char *why;
	} rows[] = { { 0, 0, 0, "acknowledgment of nothing" },
		     { START, 0, 0, "Start within" },
		     { START, 0, 10, "Start within" },
		     { MORE, 0, 0, "without data" },
		     { MORE, 0, 100, "without length" },
		     { LENGTH, 0, 0, "without data" },
		     { LENGTH, 100, 0, "without data" },
		     { LENGTH | MORE, 100, 0, "without data" },
		     { LENGTH, 0, 100, "keep to the length" },
		     { LENGTH, 99, 100, "keep to the length" },
		     { LENGTH, 101, 100, "keep to the length" },
		     { LENGTH | MORE, 0, 100, "keep to the length" },
		     { LENGTH | MORE, 99, 100, "keep to the length" },
		     { LENGTH | MORE, 100, 100, "keep to the length" } };
	struct talk t = talk_new(versions[_i]);
	struct talk_request next = talk_until(&t, 1);
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		struct talk_request r = made(rows[i].flags, rows[i].total, rows[i].n);

		discarded(&t, r.data, r.len, rows[i].why);
	}
	good_from(&t, next);
	talk_clear(&t);
}
END_TEST

/* Between two fragments of the server's. */
START_TEST(what_does_not_fit_between_fragments)
{
	struct talk t = talk_new(versions[_i]);
	struct talk_request first, next, r;
	uint32_t total;

	t.server.fragment = 300;
	first = talk_until(&t, 1);
	ck_assert_uint_eq(first.data[0], LENGTH | MORE);
	total = (uint32_t)(first.data[3] << 8 | first.data[4]);
	next = talk_step(&t, &first);
	discarded(&t, "", 1, "acknowledgment among");
	discarded(&t, first.data, 1, "cut off");
	r = made(START, 0, 0);
	discarded(&t, r.data, r.len, "Start within");
	r = made(MORE, 0, 0);
	discarded(&t, r.data, r.len, "without data");
	r = made(LENGTH | MORE, total + 1, 10);
	discarded(&t, r.data, r.len, "length that changes");
	r = made(LENGTH | MORE, 10, 10);
	discarded(&t, r.data, r.len, "length that changes");
	/* Too early an end, too late an end, too much. */
	r = made(0, 0, 10);
	discarded(&t, r.data, r.len, "keep to the length");
	r = made(MORE, 0, total - 300);
	discarded(&t, r.data, r.len, "keep to the length");
	r = made(0, 0, total - 300 + 1);
	discarded(&t, r.data, r.len, "keep to the length");
	r = made(MORE, 0, total - 300 + 1);
	discarded(&t, r.data, r.len, "keep to the length");
	good_from(&t, next);
	talk_clear(&t);
}
END_TEST

/* Its certificate takes several responses. */
static struct talk heavy_host(int version)
{
	struct vmp_tls_files files = tls_world_files();

	tls_world_heavy_host(4000);
	return talk_new_with(&files, &tls_world.server, NULL, version);
}

/* Two fragments of ours are out, at least one is not: only an acknowledgment fits. */
START_TEST(data_while_we_send)
{
	struct talk t = heavy_host(versions[_i]);
	struct talk_request next = talk_until(&t, 3), r;

	ck_assert_uint_eq(next.len, 1);
	r = made(0, 0, 50);
	discarded(&t, r.data, r.len, "where an acknowledgment was expected");
	r = made(LENGTH, 50, 50);
	discarded(&t, r.data, r.len, "where an acknowledgment was expected");
	r = made(MORE | LENGTH, 500, 50);
	discarded(&t, r.data, r.len, "where an acknowledgment was expected");
	r = made(MORE, 0, 0);
	discarded(&t, r.data, r.len, "without data");
	r = made(LENGTH, 0, 0);
	discarded(&t, r.data, r.len, "without data");
	r = made(START, 0, 0);
	discarded(&t, r.data, r.len, "Start within");
	good_from(&t, next);
	ck_assert_uint_ge(t.server.fragments, 3);
	talk_clear(&t);
}
END_TEST

/* RFC 5216 3.1: they must be ignored on reception. */
START_TEST(reserved_flags_are_ignored)
{
	struct talk t = heavy_host(versions[_i]);
	struct talk_request r = talk_until(&t, 0);

	t.server.fragment = 200;
	while (!r.ended) {
		r.data[0] |= 0x1f;
		r = talk_step(&t, &r);
	}
	ck_assert_int_eq(t.last, VMP_EAP_TLS_DONE);
	talk_clear(&t);
}
END_TEST

START_TEST(a_message_without_measure)
{
	static const uint32_t totals[] = { VMP_EAP_TLS_MESSAGE_MAX + 1, 0x00ffffff, 0x7fffffff, 0xffffffff };
	struct talk t = talk_new(0);
	struct talk_request r = talk_until(&t, 1);

	r = made(LENGTH | MORE, totals[_i], 1000);
	failed(&t, r.data, r.len, "too long");
	failed(&t, "", 1, "too long");
	talk_clear(&t);
}
END_TEST

/* As long as may be, and of no sense: the limit itself is good, TLS is not. */
START_TEST(the_longest_message)
{
	struct talk t = talk_new(0);
	struct talk_request r = talk_until(&t, 1);
	size_t sent;

	for (sent = 0; sent + 1024 < VMP_EAP_TLS_MESSAGE_MAX; sent += 1024) {
		r = made(sent ? MORE : LENGTH | MORE, VMP_EAP_TLS_MESSAGE_MAX, 1024);
		acknowledged(&t, r.data, r.len);
	}
	r = made(0, 0, 1024);
	failed(&t, r.data, r.len, "TLS: ");
	talk_clear(&t);
}
END_TEST

/* After our alert comes nothing but what leads to Failure. */
START_TEST(garbage_for_tls)
{
	struct talk t = talk_new(versions[_i]);
	struct talk_request r = talk_until(&t, 1);
	uint8_t out[TALK_ROOM];
	size_t len;

	r = made(0, 0, 200);
	/* A record of handshake messages, in which none is. */
	memcpy(r.data + 1, "\x16\x03\x03\x00\xc2\xff", 6);
	ck_assert_int_eq(ask(&t, r.data, r.len, out, &len), VMP_EAP_TLS_FAILED);
	/* An alert of TLS is of two octets in a record with a head of five. */
	ck_assert_uint_eq(len, 1 + 5 + 2);
	ck_assert_uint_eq(out[1], SSL3_RT_ALERT);
	ck_assert_int_eq(ask(&t, "", 1, out, &len), VMP_EAP_TLS_FAILED);
	ck_assert_uint_eq(len, 1);
	ck_assert_int_eq(ask(&t, r.data, r.len, out, &len), VMP_EAP_TLS_FAILED);
	ck_assert_uint_eq(len, 1);
	discarded(&t, "\x20", 1, "TLS");
	ck_assert_uint_eq(vmp_eap_tls_session(t.tls, out), 0);
	talk_clear(&t);
}
END_TEST

/* A bit of the server's messages is turned: that fails, or is never done. */
START_TEST(one_bit_turned)
{
	struct talk t = talk_new(versions[_i % 2]);
	struct talk_request r = talk_until(&t, 1 + (unsigned)_i / 2 % 2);
	uint8_t out[TALK_ROOM];
	size_t len, at = r.len - 1 - (size_t)_i * 7 % (r.len - 6);

	r.data[at] ^= (uint8_t)(1 << _i % 8);
	ck_assert_int_ne(ask(&t, r.data, r.len, out, &len), VMP_EAP_TLS_DONE);
	talk_clear(&t);
}
END_TEST

/* The flight is cut in the middle of a record, and says that it is whole: that is acknowledged, and is never done. */
START_TEST(a_handshake_that_is_cut)
{
	struct talk t = talk_new(versions[_i]);
	struct talk_request r = talk_until(&t, 1);
	uint8_t out[TALK_ROOM];
	size_t head = r.data[0] & LENGTH ? 5 : 1, len;

	r.data[head - 1] = 0;
	acknowledged(&t, r.data + head - 1, 40);
	ck_assert_uint_eq(vmp_eap_tls_session(t.tls, out), 0);
	discarded(&t, "", 1, "acknowledgment of nothing");
	/* The rest of it may come as a message of its own. */
	r.data[head - 1 + 39] = r.data[0] & MORE;
	ck_assert_int_ne(ask(&t, r.data + head - 1 + 39, r.len - head - 39, out, &len), VMP_EAP_TLS_DONE);
	talk_clear(&t);
}
END_TEST

/* Records of no content, one a message: TLS takes them, and would for ever. */
START_TEST(messages_without_end)
{
	struct talk t = talk_new(TLS1_3_VERSION);
	struct talk_request r = talk_until(&t, 1);
	enum vmp_eap_tls_result result = VMP_EAP_TLS_RESPOND;
	uint8_t out[TALK_ROOM];
	size_t len;
	int n;

	/* A change_cipher_spec of the middleboxes' (RFC 8446 appendix D.4), octet by octet. */
	for (n = 0; result == VMP_EAP_TLS_RESPOND && n < 1000; n++) {
		r = made(0, 0, 1);
		r.data[1] = (uint8_t) "\x16\x03\x03\x40\x00"[n < 5 ? n : 4];
		result = ask(&t, r.data, r.len, out, &len);
	}
	ck_assert_int_eq(result, VMP_EAP_TLS_FAILED);
	ck_assert_int_le(n, 64);
	ck_assert_ptr_nonnull(strstr(vmp_eap_tls_why(t.tls), "without end"));
	talk_clear(&t);
}
END_TEST

/* What the server writes into its TLS after DONE, as a request. */
static struct talk_request written(struct talk *t)
{
	struct talk_request r = { .len = 0 };

	r.len = tls_server_send(&t->server, r.data);
	return r;
}

static struct talk finished(int version)
{
	struct talk t = talk_new(version);

	ck_assert_int_eq(talk_run(&t), TLS_SERVER_SUCCESS);
	ck_assert_int_eq(t.last, VMP_EAP_TLS_DONE);
	return t;
}

START_TEST(a_ticket_after_done)
{
	struct talk t = finished(TLS1_3_VERSION);
	struct talk_request r;
	uint8_t out[TALK_ROOM];
	size_t len;

	ck_assert_int_eq(SSL_new_session_ticket(t.server.ssl), 1);
	ck_assert_int_eq(SSL_do_handshake(t.server.ssl), 1);
	r = written(&t);
	ck_assert_int_eq(ask(&t, r.data, r.len, out, &len), VMP_EAP_TLS_DONE);
	ck_assert_uint_eq(len, 1);
	/* An empty request does no harm. */
	ck_assert_int_eq(ask(&t, "", 1, out, &len), VMP_EAP_TLS_DONE);
	talk_again(&t);
	ck_assert_int_eq(talk_run(&t), TLS_SERVER_SUCCESS);
	ck_assert(vmp_eap_tls_resumed(t.tls));
	talk_clear(&t);
}
END_TEST

START_TEST(application_data_that_is_no_indication)
{
	static const char *const data[] = { "\1", "\0\0", "abc" };
	static const int sizes[] = { 1, 2, 3 };
	struct talk t = finished(versions[_i / 3]);
	struct talk_request r;

	ck_assert_int_gt(SSL_write(t.server.ssl, data[_i % 3], sizes[_i % 3]), 0);
	r = written(&t);
	failed(&t, r.data, r.len, "application data");
	talk_clear(&t);
}
END_TEST

/* RFC 9190 2.1.1 is of TLS 1.3 alone. */
START_TEST(an_indication_in_tls12)
{
	struct talk t = finished(TLS1_2_VERSION);
	struct talk_request r;

	ck_assert_int_eq(SSL_write(t.server.ssl, "", 1), 1);
	r = written(&t);
	failed(&t, r.data, r.len, "application data");
	talk_clear(&t);
}
END_TEST

START_TEST(the_server_closes)
{
	struct talk t = finished(versions[_i]);
	struct talk_request r;

	(void)SSL_shutdown(t.server.ssl);
	r = written(&t);
	failed(&t, r.data, r.len, "closed");
	talk_clear(&t);
}
END_TEST

/* A HelloRequest: TLS 1.2 answers with a warning (RFC 5246 7.2.2), and nothing begins. */
START_TEST(renegotiation_is_declined)
{
	struct talk t = finished(TLS1_2_VERSION);
	struct talk_request r;
	uint8_t out[TALK_ROOM];
	size_t len;

	ck_assert_int_eq(SSL_renegotiate(t.server.ssl), 1);
	(void)SSL_do_handshake(t.server.ssl);
	r = written(&t);
	ck_assert_uint_gt(r.len, 1);
	ck_assert_int_eq(ask(&t, r.data, r.len, out, &len), VMP_EAP_TLS_DONE);
	ck_assert_uint_eq(out[1], SSL3_RT_ALERT);
	talk_clear(&t);
}
END_TEST

START_TEST(a_key_update_is_answered)
{
	struct talk t = finished(TLS1_3_VERSION);
	struct talk_request r;
	uint8_t out[TALK_ROOM];
	size_t len;

	ck_assert_int_eq(SSL_key_update(t.server.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
	ck_assert_int_eq(SSL_do_handshake(t.server.ssl), 1);
	r = written(&t);
	ck_assert_int_ne(ask(&t, r.data, r.len, out, &len), VMP_EAP_TLS_FAILED);
	talk_clear(&t);
}
END_TEST

/* Each of the server's requests comes again, with other identifiers, after it was answered: TLS cannot be fooled. */
START_TEST(messages_that_come_again)
{
	struct talk t = talk_new(versions[_i % 2]);
	struct talk_request r = talk_until(&t, 1 + (unsigned)_i / 2);
	uint8_t out[TALK_ROOM];
	size_t len;

	(void)talk_step(&t, &r);
	ck_assert_int_ne(ask(&t, r.data, r.len, out, &len), VMP_EAP_TLS_DONE);
	talk_clear(&t);
}
END_TEST

/* Another conversation's flight, as on a port where all see all. */
START_TEST(messages_of_another_conversation)
{
	struct talk t = talk_new(versions[_i]), other = talk_new(versions[_i]);
	struct talk_request mine = talk_until(&t, 1), foreign = talk_until(&other, 1);
	uint8_t out[TALK_ROOM];
	size_t len;

	(void)mine;
	ck_assert_int_eq(ask(&t, foreign.data, foreign.len, out, &len), VMP_EAP_TLS_FAILED);
	talk_clear(&t);
	talk_clear(&other);
}
END_TEST

Suite *check_eap_tls_fragment(void)
{
	Suite *s = suite_create("eap_tls_fragment");
	TCase *t = tcase_create("eap_tls_fragment"), *tls = tcase_create("messages");

	tcase_add_checked_fixture(t, tls_world_setup, tls_world_teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, before_the_start, 0, 2);
	tcase_add_loop_test(t, a_length_that_is_cut_off, 0, 2);
	tcase_add_loop_test(t, what_does_not_fit_is_discarded, 0, 2);
	tcase_add_loop_test(t, what_does_not_fit_between_fragments, 0, 2);
	tcase_add_loop_test(t, data_while_we_send, 0, 2);
	tcase_add_loop_test(t, reserved_flags_are_ignored, 0, 2);
	tcase_add_loop_test(t, a_message_without_measure, 0, 4);
	tcase_add_test(t, the_longest_message);
	suite_add_tcase(s, t);

	tcase_add_checked_fixture(tls, tls_world_setup, tls_world_teardown);
	tcase_set_timeout(tls, 60);
	tcase_add_loop_test(tls, garbage_for_tls, 0, 2);
	tcase_add_loop_test(tls, one_bit_turned, 0, 24);
	tcase_add_loop_test(tls, a_handshake_that_is_cut, 0, 2);
	tcase_add_test(tls, messages_without_end);
	tcase_add_test(tls, a_ticket_after_done);
	tcase_add_loop_test(tls, application_data_that_is_no_indication, 0, 6);
	tcase_add_test(tls, an_indication_in_tls12);
	tcase_add_loop_test(tls, the_server_closes, 0, 2);
	tcase_add_test(tls, renegotiation_is_declined);
	tcase_add_test(tls, a_key_update_is_answered);
	tcase_add_loop_test(tls, messages_that_come_again, 0, 4);
	tcase_add_loop_test(tls, messages_of_another_conversation, 0, 2);
	suite_add_tcase(s, tls);
	return s;
}
