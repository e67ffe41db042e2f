#include "message.h"
#include "suites.h"

#include <stdlib.h>
#include <string.h>

static struct evbuffer *frame;
static struct message m, back;

static void setup(void)
{
	frame = evbuffer_new();
	memset(&m, 0, sizeof(m));
}

static void teardown(void)
{
	evbuffer_free(frame);
}

/* A message of each type with every field that it may have. */
static void fill(enum message_type type)
{
	memset(&m, 0, sizeof(m));
	m.type = type;
	m.id = 0x0123456789abcdef;
	memset(m.serial, 0x41, sizeof(m.serial));
	memset(m.token, 0xa5, sizeof(m.token));
	m.key.type = VMP_KEY_P256;
	m.key.len = 65;
	m.key.bits[0] = 4;
	m.mac = 0x525400000101;
	strcpy(m.uuid, "6ba7b810-9dad-41d1-80b4-00c04fd430c8");
	strcpy(m.label, "web");
	strcpy(m.name, "web 1");
	strcpy(m.wg_key, "W5nwtg4aCtk9jo+UpxAj8IJgnL+nAE0rmJ/TZodFUYI=");
	strcpy(m.endpoint, "[2001:db8::1]:51820");
	strcpy(m.coi, "web");
	m.epoch = 7;
	m.since = 12345678901;
	m.wait = 55;
	m.kind = VMP_CERT_HOST;
	m.from = 1700000000;
	m.until = 1800000000;
	m.number = 3;
	memset(m.sealed, 0x5a, sizeof(m.sealed));
	m.ocsp.n = 2;
	m.ocsp.nonce_len = 5;
	m.ocsp.item[0].cert_id_len = 3;
	m.ocsp.item[1].ours = true;
	m.ocsp.item[1].status = VMP_OCSP_REVOKED;
	m.ocsp.item[1].revoked_at = 1750000000;
	m.ocsp.item[1].reason = 1;
	m.action = VMP_COA_DISCONNECT;
	m.outcome = COA_SILENT;
	m.cause = 503;
	strcpy(m.lease.product, "web-std");
	strcpy(m.lease.id, "6ba7b810-9dad-41d1-80b4-00c04fd430c9");
	m.lease.seen = 4711;
	m.lease.has = 3;
	m.lease.in_use = 2;
	m.lease.wants = 5;
	m.lease.least = 1;
	m.lease.elsewhere = 9;
	m.lease.all = 1;
	m.lease.n_started = 2;
	m.lease.n_stopped = 1;
	m.lease.uuids = (const uint8_t *)"0123456789abcdef0123456789ABCDEF0123456789abcdeF";
	m.err = -VMP_EBUSY;
	strcpy(m.text, "why");
	m.blob = (const uint8_t *)"blob";
	m.blob_len = 4;
}

static const uint8_t *octets(size_t *len)
{
	*len = evbuffer_get_length(frame);
	return evbuffer_pullup(frame, -1);
}

START_TEST(what_is_written_is_read)
{
	const uint8_t *at;
	size_t len, told;

	fill((enum message_type)_i);
	ck_assert_int_eq(message_write(&m, frame), VMP_OK);
	at = octets(&len);
	ck_assert_int_eq(message_length(at, &told), VMP_OK);
	ck_assert_uint_eq(told, len);
	ck_assert_int_eq(message_read(at, len, &back), VMP_OK);
	ck_assert_int_eq(back.type, _i);
	ck_assert_uint_eq(back.id, m.id);
	evbuffer_drain(frame, 0);
	/* Once more, so that every field has come through. */
	{
		struct evbuffer *again = evbuffer_new();

		ck_assert_int_eq(message_write(&back, again), VMP_OK);
		ck_assert_uint_eq(evbuffer_get_length(again), len);
		ck_assert_mem_eq(evbuffer_pullup(again, -1), at, len);
		evbuffer_free(again);
	}
}
END_TEST

START_TEST(every_cut_is_refused)
{
	const uint8_t *at;
	size_t len, cut;

	fill((enum message_type)_i);
	ck_assert_int_eq(message_write(&m, frame), VMP_OK);
	at = octets(&len);
	for (cut = 0; cut < len; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);

		memcpy(copy, at, cut);
		ck_assert_int_eq(message_read(copy, cut, &back), VMP_EINVAL);
		/* The same with a header that says so. */
		if (cut >= MESSAGE_HEADER) {
			size_t payload = cut - MESSAGE_HEADER;

			copy[0] = copy[1] = 0;
			copy[2] = (uint8_t)(payload >> 8);
			copy[3] = (uint8_t)payload;
			ck_assert_int_eq(message_read(copy, cut, &back), VMP_EINVAL);
		}
		free(copy);
	}
}
END_TEST

START_TEST(a_longer_frame_is_refused)
{
	uint8_t *at;
	size_t len;

	fill((enum message_type)_i);
	ck_assert_int_eq(message_write(&m, frame), VMP_OK);
	evbuffer_add(frame, "x", 1);
	len = evbuffer_get_length(frame);
	at = evbuffer_pullup(frame, -1);
	at[3]++;
	ck_assert_int_eq(message_read(at, len, &back), VMP_EINVAL);
}
END_TEST

/* One thing wrong in a message that is right otherwise. */
static const struct wrong {
	enum message_type type;
	size_t offset;
	const char *text; /* NULL: the octet 0xff, or more of them */
	size_t n;
} wrongs[] = {
	{ M_STOP, offsetof(struct message, serial), NULL, 1 },
	{ M_ENROL, offsetof(struct message, key.type), NULL, 1 },
	{ M_ENROL, offsetof(struct message, key.bits), NULL, 1 },
	{ M_ENROL, offsetof(struct message, key.len), NULL, 1 },
	{ M_ENROL, offsetof(struct message, label), "a/b", 4 },
	{ M_START, offsetof(struct message, mac), NULL, 8 },
	{ M_START, offsetof(struct message, uuid), "6BA7B810-9DAD-41D1-80B4-00C04FD430C8", 37 },
	{ M_START, offsetof(struct message, uuid), "6ba7b810", 9 },
	{ M_START, offsetof(struct message, name), "a\nb", 4 },
	{ M_SELF, offsetof(struct message, wg_key), "short", 6 },
	{ M_SELF, offsetof(struct message, endpoint), "\x01", 2 },
	{ M_COI_ACK, offsetof(struct message, coi), "", 1 },
	{ M_COI_ACK, offsetof(struct message, coi), "we b", 5 },
	{ M_DIRECTORY, offsetof(struct message, since), NULL, 8 },
	{ M_NOTICES, offsetof(struct message, since), NULL, 8 },
	{ M_DIRECTORY, offsetof(struct message, wait), NULL, 4 },
	{ M_ISSUE, offsetof(struct message, kind), NULL, 4 },
	{ M_ISSUE, offsetof(struct message, from), NULL, 8 },
	{ M_NEW_KEY, offsetof(struct message, number), NULL, 8 },
	{ M_REPLY, offsetof(struct message, err), NULL, 4 },
	{ M_COA, offsetof(struct message, action), NULL, 4 },
	{ M_COA, offsetof(struct message, number), NULL, 8 },
	{ M_COA_RESULT, offsetof(struct message, action), NULL, 4 },
	{ M_COA_RESULT, offsetof(struct message, outcome), NULL, 4 },
	{ M_COA_RESULT, offsetof(struct message, outcome), "\0\0\0\0", 4 },
	{ M_LICENCE, offsetof(struct message, lease.product), "", 1 },
	{ M_LICENCE, offsetof(struct message, lease.product), "a\nb", 4 },
	{ M_LICENCE, offsetof(struct message, lease.product), "\xc3\xa4", 3 },
	{ M_LICENCE, offsetof(struct message, lease.id), "6BA7B810-9DAD-41D1-80B4-00C04FD430C8", 37 },
	{ M_LICENCE, offsetof(struct message, lease.id), "", 1 },
	{ M_LICENCE, offsetof(struct message, lease.seen), NULL, 8 },
	{ M_LICENCE, offsetof(struct message, lease.has), NULL, 8 },
	{ M_LICENCE, offsetof(struct message, lease.in_use), NULL, 8 },
	{ M_LICENCE, offsetof(struct message, lease.wants), NULL, 8 },
	{ M_LICENCE, offsetof(struct message, lease.least), NULL, 8 },
	{ M_LICENCE, offsetof(struct message, lease.elsewhere), NULL, 8 },
	{ M_LICENCE, offsetof(struct message, lease.all), NULL, 4 },
	{ M_LICENCE, offsetof(struct message, lease.n_started), NULL, 4 },
	{ M_LICENCE, offsetof(struct message, lease.n_stopped), NULL, 4 },
	{ M_LICENCE, offsetof(struct message, lease.n_stopped), "\xf3\1\0\0", 4 }, /* 499 */
	{ M_FILTERS, offsetof(struct message, since), NULL, 8 },
	{ M_FILTERS, offsetof(struct message, wait), NULL, 4 },
	{ M_LICENCE_WATCH, offsetof(struct message, since), NULL, 8 },
	{ M_LICENCE_WATCH, offsetof(struct message, wait), NULL, 4 },
};

START_TEST(senseless_fields_are_not_written)
{
	const struct wrong *w = &wrongs[_i];
	char *at;

	fill(w->type);
	ck_assert(message_is_sane(&m));
	at = (char *)&m + w->offset;
	if (w->text)
		memcpy(at, w->text, w->n);
	else
		memset(at, 0xff, w->n);
	ck_assert(!message_is_sane(&m));
	ck_assert_int_eq(message_write(&m, frame), VMP_EINVAL);
	ck_assert_uint_eq(evbuffer_get_length(frame), 0);
}
END_TEST

/* Octets changed on the way: either refused, or it makes sense all the same. */
START_TEST(altered_octets_make_sense_or_are_refused)
{
	uint8_t *at;
	size_t len, i;

	fill((enum message_type)_i);
	ck_assert_int_eq(message_write(&m, frame), VMP_OK);
	len = evbuffer_get_length(frame);
	at = evbuffer_pullup(frame, -1);
	for (i = 0; i < len; i++) {
		at[i] ^= 0xff;
		if (message_read(at, len, &back) == VMP_OK)
			ck_assert(message_is_sane(&back));
		at[i] ^= 0xff;
	}
}
END_TEST

START_TEST(headers_of_others_are_refused)
{
	static const uint8_t heads[][MESSAGE_HEADER] = {
		{ 0xff, 0xff, 0xff, 0xff, 0, M_STOP },
		{ 0, 0, 0, 0, 0, 0 },
		{ 0, 0, 0, 0, 0, M_TYPES },
		{ 0, 0, 0, 0, 0, M_CRL, 0, 1 },
	};
	size_t i, len;

	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		ck_assert_int_eq(message_length(heads[i], &len), VMP_EINVAL);
}
END_TEST

/* Each of a list's octets, and as many as there may be. */
START_TEST(a_list_comes_whole)
{
	uint8_t uuids[MESSAGE_UUIDS * MESSAGE_UUID];
	size_t len, i;

	for (i = 0; i < sizeof(uuids); i++)
		uuids[i] = (uint8_t)(i * 7 + i / 256);
	fill(M_LICENCE);
	m.lease.n_started = MESSAGE_UUIDS - 1;
	m.lease.uuids = uuids;
	ck_assert_int_eq(message_write(&m, frame), VMP_OK);
	ck_assert_int_eq(message_read(octets(&len), evbuffer_get_length(frame), &back), VMP_OK);
	ck_assert_uint_eq(back.lease.n_started, MESSAGE_UUIDS - 1);
	ck_assert_uint_eq(back.lease.n_stopped, 1);
	ck_assert_mem_eq(back.lease.uuids, uuids, sizeof(uuids));
	ck_assert_uint_eq(back.lease.wants, 5);
	ck_assert_uint_eq(back.lease.elsewhere, 9);
	m.lease.n_started++;
	ck_assert_int_eq(message_write(&m, frame), VMP_EINVAL);
}
END_TEST

START_TEST(a_text_with_a_nul_inside_is_refused)
{
	uint8_t *at;
	size_t len;

	fill(M_COI_ACK);
	ck_assert_int_eq(message_write(&m, frame), VMP_OK);
	len = evbuffer_get_length(frame);
	at = evbuffer_pullup(frame, -1);
	at[MESSAGE_HEADER + VMP_SERIAL + 4 + 1] = '\0'; /* "w\0b" */
	ck_assert_int_eq(message_read(at, len, &back), VMP_EINVAL);
}
END_TEST

Suite *check_message(void)
{
	Suite *s = suite_create("message");
	TCase *tc = tcase_create("frames");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, what_is_written_is_read, M_REPLY, M_TYPES);
	tcase_add_loop_test(tc, every_cut_is_refused, M_REPLY, M_TYPES);
	tcase_add_loop_test(tc, a_longer_frame_is_refused, M_REPLY, M_TYPES);
	tcase_add_loop_test(tc, altered_octets_make_sense_or_are_refused, M_REPLY, M_TYPES);
	tcase_add_loop_test(tc, senseless_fields_are_not_written, 0, (int)(sizeof(wrongs) / sizeof(wrongs[0])));
	tcase_add_test(tc, headers_of_others_are_refused);
	tcase_add_test(tc, a_list_comes_whole);
	tcase_add_test(tc, a_text_with_a_nul_inside_is_refused);
	suite_add_tcase(s, tc);
	return s;
}
