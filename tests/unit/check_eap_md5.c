#include "eap_md5.h"
#include "suites.h"

#include <string.h>

/* Worked out with md5sum: printf '\x05secret\x01\x02\x03\x04' | md5sum. */
static const uint8_t known[] = { 0x58, 0x4b, 0x7e, 0x61, 0xad, 0xe0, 0x4c, 0x97,
				 0x4f, 0x8b, 0xf5, 0x88, 0x5a, 0x1e, 0x29, 0x28 };

START_TEST(a_challenge_is_answered)
{
	static const uint8_t challenge[] = { 4, 1, 2, 3, 4 };
	uint8_t out[VMP_EAP_MAX];

	ck_assert(vmp_eap_md5_usable());
	ck_assert_uint_eq(vmp_eap_md5_answer(5, challenge, sizeof(challenge), "secret", 6, "me", out), 19);
	ck_assert_uint_eq(out[0], 16);
	ck_assert_mem_eq(out + 1, known, 16);
	ck_assert_mem_eq(out + 17, "me", 2);
}
END_TEST

START_TEST(the_servers_name_says_nothing)
{
	static const uint8_t challenge[] = { 4, 1, 2, 3, 4, 'n', 'a', 's' };
	uint8_t out[VMP_EAP_MAX];

	ck_assert_uint_eq(vmp_eap_md5_answer(5, challenge, sizeof(challenge), "secret", 6, "", out), 17);
	ck_assert_mem_eq(out + 1, known, 16);
}
END_TEST

START_TEST(the_identifier_counts)
{
	static const uint8_t challenge[] = { 4, 1, 2, 3, 4 };
	uint8_t out[VMP_EAP_MAX];

	ck_assert_uint_eq(vmp_eap_md5_answer(6, challenge, sizeof(challenge), "secret", 6, "", out), 17);
	ck_assert_mem_ne(out + 1, known, 16);
}
END_TEST

START_TEST(a_value_that_is_none_is_refused)
{
	static const uint8_t cases[][4] = { { 0, 1, 2, 3 }, { 4, 1, 2, 3 }, { 255, 1, 2, 3 } };
	uint8_t out[VMP_EAP_MAX];
	size_t i;

	for (i = 0; i < 3; i++)
		ck_assert_uint_eq(vmp_eap_md5_answer(1, cases[i], 4, "secret", 6, "me", out), 0);
	ck_assert_uint_eq(vmp_eap_md5_answer(1, cases[0], 0, "secret", 6, "me", out), 0);
	ck_assert_uint_eq(vmp_eap_md5_answer(1, (const uint8_t[]){ 1 }, 1, "secret", 6, "me", out), 0);
}
END_TEST

START_TEST(the_longest_of_all)
{
	char password[VMP_PASSWORD_MAX + 1], name[254];
	uint8_t challenge[256], out[VMP_EAP_MAX];

	memset(password, 'p', sizeof(password));
	memset(challenge, 0xff, sizeof(challenge));
	memset(name, 'n', 253);
	name[253] = '\0';
	ck_assert_uint_eq(vmp_eap_md5_answer(1, challenge, 256, password, VMP_PASSWORD_MAX, name, out), 17 + 253);
	ck_assert_uint_eq(vmp_eap_md5_answer(1, challenge, 256, password, VMP_PASSWORD_MAX + 1, name, out), 0);
}
END_TEST

Suite *check_eap_md5(void)
{
	Suite *s = suite_create("eap_md5");
	TCase *t = tcase_create("eap_md5");

	tcase_add_test(t, a_challenge_is_answered);
	tcase_add_test(t, the_servers_name_says_nothing);
	tcase_add_test(t, the_identifier_counts);
	tcase_add_test(t, a_value_that_is_none_is_refused);
	tcase_add_test(t, the_longest_of_all);
	suite_add_tcase(s, t);
	return s;
}
