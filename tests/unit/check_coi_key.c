#include "coi_ends.h"
#include "pki.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

static const uint8_t zeros[VMP_COI_SECRET];

static int with_public(const uint8_t public_key[VMP_COI_SECRET], struct vmp_msg *msg)
{
	struct vmp_coi_ends ends = { .dh = { 0 } };
	bool leads;
	int err = vmp_coi_ends_set(&ends, &leads, coi_machine_id(COI_LEADER), coi_machine_key(COI_LEADER),
				   coi_machine_id(COI_FOLLOWER), public_key, msg);

	if (err)
		ck_assert_mem_eq(ends.dh, zeros, sizeof(ends.dh));
	return err;
}

/* The points of small order, as in RFC 7748 section 6.1's check and libsodium's list. */
START_TEST(public_keys_of_small_order)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	struct vmp_msg msg = { "" };
	uint8_t point[VMP_COI_SECRET];

	ck_assert_int_eq(vmp_unhex(points[_i], 64, point, sizeof(point)), VMP_OK);
	ck_assert_int_eq(with_public(point, &msg), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "X25519"));
}
END_TEST

START_TEST(not_with_itself)
{
	uint8_t public_key[VMP_COI_SECRET];
	struct vmp_coi_ends ends = { .dh = { 0 } };
	struct vmp_msg msg = { "" };
	bool leads;

	ck_assert_int_eq(vmp_coi_public(coi_machine_key(COI_LEADER), public_key), VMP_OK);
	ck_assert_int_eq(with_public(public_key, &msg), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "public key"));
	ck_assert_int_eq(vmp_coi_public(coi_machine_key(COI_FOLLOWER), public_key), VMP_OK);
	ck_assert_int_eq(vmp_coi_ends_set(&ends, &leads, coi_machine_id(COI_LEADER), coi_machine_key(COI_LEADER),
					  coi_machine_id(COI_LEADER), public_key, &msg),
			 VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "UUID"));
}
END_TEST

START_TEST(both_ends_see_the_same)
{
	struct vmp_coi_ends a, b;

	ck_assert(coi_ends_of(COI_LEADER, COI_FOLLOWER, &a));
	ck_assert(!coi_ends_of(COI_FOLLOWER, COI_LEADER, &b));
	ck_assert_mem_eq(&a, &b, sizeof(a));
}
END_TEST

/* Its clamping is X25519's: an unclamped key has the same public key. */
START_TEST(clamped_or_not)
{
	uint8_t clamped[VMP_COI_SECRET], raw[VMP_COI_SECRET], one[VMP_COI_SECRET], other[VMP_COI_SECRET];

	ck_assert_int_eq(vmp_coi_private_new(clamped), VMP_OK);
	memcpy(raw, clamped, sizeof(raw));
	raw[0] |= 7;
	raw[31] ^= 0xc0;
	ck_assert_int_eq(clamped[0] & 7, 0);
	ck_assert_int_eq(clamped[31] & 0xc0, 0x40);
	ck_assert_int_eq(vmp_coi_public(clamped, one), VMP_OK);
	ck_assert_int_eq(vmp_coi_public(raw, other), VMP_OK);
	ck_assert_mem_eq(one, other, sizeof(one));
	ck_assert_int_eq(vmp_coi_private_new(raw), VMP_OK);
	ck_assert_mem_ne(clamped, raw, sizeof(raw));
}
END_TEST

/* Whatever goes in makes other keys, and the three of them differ. */
START_TEST(everything_counts)
{
	struct vmp_coi_keys keys[9];
	struct vmp_coi_ends ends[9];
	uint8_t coi_key[9][VMP_COI_SECRET];
	uint64_t coi[9];
	uint32_t epoch[9];
	int i, j;

	for (i = 0; i < 9; i++) {
		coi_ends_of(COI_LEADER, COI_FOLLOWER, &ends[i]);
		coi_key_of(1, 1, coi_key[i]);
		coi[i] = 1;
		epoch[i] = 1;
	}
	coi[1] = UINT64_C(1) << 32;
	epoch[2] = 2;
	coi_key[3][31] ^= 1;
	ends[4].dh[0] ^= 1;
	ends[5].id[0][0] ^= 1;
	ends[6].id[1][15] ^= 1;
	ends[7].public_key[0][0] ^= 1;
	ends[8].public_key[1][31] ^= 1;
	for (i = 0; i < 9; i++) {
		ck_assert_int_eq(vmp_coi_derive(&ends[i], coi[i], epoch[i], coi_key[i], &keys[i]), VMP_OK);
		ck_assert_mem_ne(keys[i].of[0], keys[i].of[1], VMP_COI_SECRET);
		ck_assert_mem_ne(keys[i].of[0], keys[i].recovery, VMP_COI_SECRET);
		ck_assert_mem_ne(keys[i].of[1], keys[i].recovery, VMP_COI_SECRET);
		for (j = 0; j < i; j++) {
			ck_assert_mem_ne(keys[i].of[0], keys[j].of[0], VMP_COI_SECRET);
			ck_assert_mem_ne(keys[i].of[1], keys[j].of[1], VMP_COI_SECRET);
			ck_assert_mem_ne(keys[i].recovery, keys[j].recovery, VMP_COI_SECRET);
		}
	}
}
END_TEST

/* Another member of the COI has its key, and the public keys of both ends. */
START_TEST(a_fellow_member_has_other_keys)
{
	struct vmp_coi_ends ends, with_leader, with_follower;
	struct vmp_coi_keys keys, guess;
	uint8_t coi_key[VMP_COI_SECRET];
	int i;

	coi_key_of(1, 1, coi_key);
	coi_keys_of(1, 1, &keys);
	coi_ends_of(COI_LEADER, COI_FOLLOWER, &ends);
	coi_ends_of(COI_FELLOW, COI_LEADER, &with_leader);
	coi_ends_of(COI_FELLOW, COI_FOLLOWER, &with_follower);
	for (i = 0; i < 3; i++) {
		memcpy(ends.dh, i == 0 ? with_leader.dh : i == 1 ? with_follower.dh : zeros, sizeof(ends.dh));
		ck_assert_int_eq(vmp_coi_derive(&ends, 1, 1, coi_key, &guess), VMP_OK);
		ck_assert_mem_ne(&guess, &keys, sizeof(keys));
	}
}
END_TEST

static void hex_eq(const uint8_t *got, const char *wanted)
{
	char text[2 * VMP_COI_SECRET + 1];

	vmp_hex(got, VMP_COI_SECRET, text);
	ck_assert_msg(strncmp(text, wanted, 64) == 0, "got %s, expected %.64s", text, wanted);
}

static void line_end(const char *key, const char *wanted)
{
	uint8_t octets[VMP_COI_SECRET], public_key[VMP_COI_SECRET];

	ck_assert_int_eq(vmp_unhex(key, 64, octets, sizeof(octets)), VMP_OK);
	ck_assert_int_eq(vmp_coi_public(octets, public_key), VMP_OK);
	hex_eq(public_key, wanted);
}

static void line_derive(const char *args, const char *wanted)
{
	uint8_t coi_key[VMP_COI_SECRET];
	struct vmp_coi_ends ends;
	struct vmp_coi_keys keys;
	unsigned long long coi;
	unsigned epoch;

	coi_ends_of(COI_FOLLOWER, COI_LEADER, &ends);
	ck_assert_int_eq(vmp_unhex(args, 64, coi_key, sizeof(coi_key)), VMP_OK);
	ck_assert_int_eq(sscanf(args + 64, "%llu %u", &coi, &epoch), 2);
	ck_assert_int_eq(vmp_coi_derive(&ends, coi, epoch, coi_key, &keys), VMP_OK);
	hex_eq(keys.of[0], wanted);
	hex_eq(keys.of[1], wanted + 65);
	hex_eq(keys.recovery, wanted + 130);
}

START_TEST(wire_vectors)
{
	FILE *in = fopen(WIRE_DIR "/coi.txt", "r");
	struct vmp_coi_ends ends;
	char line[2048], *wanted;
	int n = 0;

	ck_assert_ptr_nonnull(in);
	coi_ends_of(COI_LEADER, COI_FOLLOWER, &ends);
	while (fgets(line, sizeof(line), in)) {
		wanted = strstr(line, " = ");
		if (!wanted || *line == '#')
			continue;
		wanted += 3;
		n++;
		if (strncmp(line, "end ", 4) == 0)
			line_end(line + 4, wanted);
		else if (strncmp(line, "dh ", 3) == 0)
			hex_eq(ends.dh, wanted);
		else if (strncmp(line, "derive ", 7) == 0)
			line_derive(line + 7, wanted);
		else
			n--;
	}
	fclose(in);
	ck_assert_int_eq(n, 6);
}
END_TEST

Suite *check_coi_key(void)
{
	Suite *s = suite_create("coi_key");
	TCase *t = tcase_create("coi_key");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, public_keys_of_small_order, 0, 7);
	tcase_add_test(t, not_with_itself);
	tcase_add_test(t, both_ends_see_the_same);
	tcase_add_test(t, clamped_or_not);
	tcase_add_test(t, everything_counts);
	tcase_add_test(t, a_fellow_member_has_other_keys);
	tcase_add_test(t, wire_vectors);
	suite_add_tcase(s, t);
	return s;
}
