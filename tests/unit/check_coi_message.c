#include "coi_ends.h"
#include "pki.h"
#include "suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const types[] = { "", "offer", "taken", "refused", "done", "ask", "bye" };
static const uint8_t vector_key[VMP_COI_SECRET] = { 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77,
						    0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77,
						    0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x01 };

/* Which role sends it. */
static int role(enum vmp_coi_type type)
{
	return type == VMP_COI_OFFER || type == VMP_COI_DONE ? 0 : 1;
}

static void vector_keys(uint64_t coi, uint32_t epoch, struct vmp_coi_keys *out)
{
	struct vmp_coi_ends ends;

	coi_ends_of(COI_LEADER, COI_FOLLOWER, &ends);
	ck_assert_int_eq(vmp_coi_derive(&ends, coi, epoch, vector_key, out), VMP_OK);
}

static struct vmp_coi_message sample(enum vmp_coi_type type)
{
	struct vmp_coi_message m = { .type = type, .epoch = 3, .coi = 7, .counter = type == VMP_COI_ASK ? 5 : 0 };
	int own = role(type);

	memcpy(m.from, coi_machine_id(own ? COI_FOLLOWER : COI_LEADER), sizeof(m.from));
	memcpy(m.to, coi_machine_id(own ? COI_LEADER : COI_FOLLOWER), sizeof(m.to));
	memset(m.challenge, 0x21, sizeof(m.challenge));
	if (type != VMP_COI_ASK)
		memset(m.offer, 0x22, sizeof(m.offer));
	if (type == VMP_COI_OFFER)
		memset(m.session, 0x23, sizeof(m.session));
	return m;
}

static size_t sealed(enum vmp_coi_type type, uint8_t out[VMP_COI_MESSAGE])
{
	struct vmp_coi_message m = sample(type);
	static const uint8_t nonce[12] = { 9 };
	struct vmp_coi_keys keys;
	size_t len = 0;

	coi_keys_of(m.coi, m.epoch, &keys);
	ck_assert_int_eq(vmp_coi_seal(&m, keys.of[role(type)], nonce, out, &len, NULL), VMP_OK);
	return len;
}

static int opened(const uint8_t *data, size_t len, int role_of, struct vmp_coi_message *out)
{
	uint8_t *exact = malloc(len ? len : 1);
	struct vmp_msg msg = { "" };
	struct vmp_coi_keys keys;
	int err;

	ck_assert_ptr_nonnull(exact);
	memcpy(exact, data, len);
	coi_keys_of(7, 3, &keys);
	err = vmp_coi_open(exact, len, keys.of[role_of], out, &msg);
	free(exact);
	ck_assert((err != VMP_OK) == (*msg.text != '\0'));
	return err;
}

START_TEST(truncated_or_longer)
{
	struct vmp_coi_message got, before;
	uint8_t data[VMP_COI_MESSAGE + 1] = { 0 };
	size_t len = sealed((enum vmp_coi_type)_i, data), n;

	memset(&got, 0x5a, sizeof(got));
	before = got;
	for (n = 0; n < len + 40; n++) {
		if (n != len)
			ck_assert_int_eq(opened(data, n, role((enum vmp_coi_type)_i), &got), VMP_EINVAL);
		ck_assert_mem_eq(&got, &before, sizeof(got));
	}
}
END_TEST

START_TEST(any_bit_turned)
{
	struct vmp_coi_message got, before;
	uint8_t data[VMP_COI_MESSAGE];
	size_t len = sealed((enum vmp_coi_type)_i, data), bit;

	memset(&got, 0x5a, sizeof(got));
	before = got;
	for (bit = 0; bit < len * 8; bit++) {
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ck_assert_int_ne(opened(data, len, role((enum vmp_coi_type)_i), &got), VMP_OK);
		ck_assert_mem_eq(&got, &before, sizeof(got));
		data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	ck_assert_int_eq(opened(data, len, role((enum vmp_coi_type)_i), &got), VMP_OK);
}
END_TEST

START_TEST(reflected)
{
	struct vmp_coi_message got;
	uint8_t data[VMP_COI_MESSAGE];
	size_t len = sealed((enum vmp_coi_type)_i, data);

	ck_assert_int_eq(opened(data, len, 1 - role((enum vmp_coi_type)_i), &got), VMP_EACCES);
}
END_TEST

START_TEST(under_another_key)
{
	static const struct {
		uint64_t coi;
		uint32_t epoch;
	} others[] = { { 7, 2 }, { 7, 4 }, { 8, 3 }, { 3, 7 } };
	struct vmp_coi_message got;
	struct vmp_coi_keys keys;
	uint8_t data[VMP_COI_MESSAGE];
	size_t len = sealed(VMP_COI_OFFER, data), i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		coi_keys_of(others[i].coi, others[i].epoch, &keys);
		ck_assert_int_eq(vmp_coi_open(data, len, keys.of[0], &got, NULL), VMP_EACCES);
		ck_assert_int_eq(vmp_coi_open(data, len, keys.recovery, &got, NULL), VMP_EACCES);
	}
}
END_TEST

START_TEST(nonsense_is_not_sealed)
{
	static const uint8_t nonce[12], key[VMP_COI_SECRET];
	struct vmp_coi_message bad[] = { sample(VMP_COI_OFFER), sample(VMP_COI_OFFER), sample(VMP_COI_OFFER),
					 sample(VMP_COI_OFFER), sample(VMP_COI_BYE),   sample(VMP_COI_ASK),
					 sample(VMP_COI_OFFER), sample(VMP_COI_ASK) };
	uint8_t out[VMP_COI_MESSAGE];
	size_t len = 77, i;

	bad[0].type = (enum vmp_coi_type)0;
	bad[1].type = (enum vmp_coi_type)7;
	bad[2].epoch = 0;
	bad[3].coi = 0;
	memset(bad[4].offer, 0, sizeof(bad[4].offer));
	bad[5].offer[15] = 1;
	bad[6].counter = 1;
	bad[7].counter = 0;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(vmp_coi_seal(&bad[i], key, nonce, out, &len, NULL), VMP_EINVAL);
	ck_assert_uint_eq(len, 77);
}
END_TEST

/* What is written is read again, and only an offer has room for a session key. */
START_TEST(there_and_back)
{
	struct vmp_coi_message in = sample((enum vmp_coi_type)_i), got;
	uint8_t data[VMP_COI_MESSAGE];
	size_t len = sealed((enum vmp_coi_type)_i, data);

	ck_assert_uint_eq(len, _i == VMP_COI_OFFER ? 148 : 116);
	memset(&got, 0, sizeof(got));
	ck_assert_int_eq(opened(data, len, role(in.type), &got), VMP_OK);
	ck_assert_int_eq(got.type, in.type);
	ck_assert_uint_eq(got.epoch, in.epoch);
	ck_assert_uint_eq(got.coi, in.coi);
	ck_assert_uint_eq(got.counter, in.counter);
	ck_assert_mem_eq(got.from, in.from, sizeof(in.from));
	ck_assert_mem_eq(got.to, in.to, sizeof(in.to));
	ck_assert_mem_eq(got.challenge, in.challenge, sizeof(in.challenge));
	ck_assert_mem_eq(got.offer, in.offer, sizeof(in.offer));
	ck_assert_mem_eq(got.session, in.session, sizeof(in.session));
}
END_TEST

START_TEST(what_is_in_the_clear)
{
	struct vmp_coi_message in = sample(VMP_COI_OFFER), got;
	uint8_t data[VMP_COI_MESSAGE];
	size_t len = sealed(VMP_COI_OFFER, data);

	ck_assert_int_eq(vmp_coi_peek(data, len, &got, NULL), VMP_OK);
	ck_assert_int_eq(got.type, VMP_COI_OFFER);
	ck_assert_uint_eq(got.epoch, in.epoch);
	ck_assert_uint_eq(got.coi, in.coi);
	ck_assert_mem_eq(got.from, in.from, sizeof(in.from));
	ck_assert_mem_eq(got.to, in.to, sizeof(in.to));
	ck_assert_uint_eq(got.counter, 0);
	ck_assert_ptr_null(memmem(data, len, in.session, sizeof(in.session)));
	ck_assert_ptr_null(memmem(data, len, in.challenge, sizeof(in.challenge)));
	ck_assert_ptr_null(memmem(data, len, in.offer, sizeof(in.offer)));
}
END_TEST

/* -- tests/wire/coi.txt -- */

static void line_message(char *args, const char *wanted)
{
	char type[16], nonce_hex[32], challenge[40], offer[40], session[72] = "", text[2 * VMP_COI_MESSAGE + 1];
	uint8_t nonce[12], out[VMP_COI_MESSAGE], raw[VMP_COI_MESSAGE];
	struct vmp_coi_message m = { .type = VMP_COI_OFFER }, got;
	unsigned long long coi, counter;
	struct vmp_coi_keys keys;
	unsigned epoch;
	size_t len = 0;

	ck_assert_int_ge(sscanf(args, "%15s %llu %u %31s %39s %llu %39s %71s", type, &coi, &epoch, nonce_hex, challenge,
				&counter, offer, session),
			 7);
	while (strcmp(types[m.type], type) != 0)
		m.type++;
	m = (struct vmp_coi_message){ .type = m.type, .coi = coi, .epoch = epoch, .counter = counter };
	memcpy(m.from, coi_machine_id(role(m.type) ? COI_FOLLOWER : COI_LEADER), sizeof(m.from));
	memcpy(m.to, coi_machine_id(role(m.type) ? COI_LEADER : COI_FOLLOWER), sizeof(m.to));
	ck_assert_int_eq(vmp_unhex(nonce_hex, 24, nonce, sizeof(nonce)), VMP_OK);
	ck_assert_int_eq(vmp_unhex(challenge, 32, m.challenge, sizeof(m.challenge)), VMP_OK);
	ck_assert_int_eq(vmp_unhex(offer, 32, m.offer, sizeof(m.offer)), VMP_OK);
	if (m.type == VMP_COI_OFFER)
		ck_assert_int_eq(vmp_unhex(session, 64, m.session, sizeof(m.session)), VMP_OK);
	vector_keys(coi, epoch, &keys);
	ck_assert_int_eq(vmp_coi_seal(&m, keys.of[role(m.type)], nonce, out, &len, NULL), VMP_OK);
	vmp_hex(out, len, text);
	ck_assert_msg(strcmp(text, wanted) == 0, "%s: got %s, expected %s", type, text, wanted);
	ck_assert_int_eq(vmp_unhex(wanted, strlen(wanted), raw, strlen(wanted) / 2), VMP_OK);
	ck_assert_int_eq(vmp_coi_open(raw, len, keys.of[role(m.type)], &got, NULL), VMP_OK);
	ck_assert_uint_eq(got.counter, counter);
}

static void line_refused(const char *hex, size_t digits, const char *wanted)
{
	uint8_t data[VMP_COI_MESSAGE];
	struct vmp_coi_message got;
	struct vmp_msg msg = { "" };
	struct vmp_coi_keys keys;

	if (*hex == '-')
		digits = 0;
	ck_assert_int_eq(vmp_unhex(hex, digits, data, digits / 2), VMP_OK);
	vector_keys(1, 1, &keys);
	ck_assert_int_ne(vmp_coi_open(data, digits / 2, keys.of[digits > 6 ? role(data[3]) : 0], &got, &msg), VMP_OK);
	ck_assert_msg(strstr(msg.text, wanted) != NULL, "%.12s: expected \"%s\" in \"%s\"", hex, wanted, msg.text);
}

START_TEST(wire_vectors)
{
	FILE *in = fopen(WIRE_DIR "/coi.txt", "r");
	char line[2048], *wanted;
	int n = 0;

	ck_assert_ptr_nonnull(in);
	while (fgets(line, sizeof(line), in)) {
		wanted = strstr(line, " = ");
		if (!wanted || *line == '#')
			continue;
		*wanted = '\0';
		wanted += 3;
		wanted[strcspn(wanted, "\n")] = '\0';
		n++;
		if (strncmp(line, "message ", 8) == 0)
			line_message(line + 8, wanted);
		else if (strncmp(line, "refused ", 8) == 0)
			line_refused(line + 8, strlen(line + 8), wanted);
		else
			n--;
	}
	fclose(in);
	ck_assert_int_eq(n, 7 + 21);
}
END_TEST

Suite *check_coi_message(void)
{
	Suite *s = suite_create("coi_message");
	TCase *t = tcase_create("coi_message");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, truncated_or_longer, VMP_COI_OFFER, VMP_COI_BYE + 1);
	tcase_add_loop_test(t, any_bit_turned, VMP_COI_OFFER, VMP_COI_BYE + 1);
	tcase_add_loop_test(t, reflected, VMP_COI_OFFER, VMP_COI_BYE + 1);
	tcase_add_test(t, under_another_key);
	tcase_add_test(t, nonsense_is_not_sealed);
	tcase_add_loop_test(t, there_and_back, VMP_COI_OFFER, VMP_COI_BYE + 1);
	tcase_add_test(t, what_is_in_the_clear);
	tcase_add_test(t, wire_vectors);
	suite_add_tcase(s, t);
	return s;
}
