/* Texts of lib/pki: UUIDs, hexadecimal digits, secrets. */
#include "pki.h"
#include "suites.h"

#include <string.h>

#define UUID "6ba7b810-9dad-11d1-80b4-00c04fd430c8"

START_TEST(texts_that_are_no_uuid)
{
	static const char *const bad[] = { "",
					   "6ba7b810-9dad-11d1-80b4-00c04fd430c",
					   "6ba7b810-9dad-11d1-80b4-00c04fd430c88",
					   "6ba7b81009dad-11d1-80b4-00c04fd430c8",
					   "6ba7b810-9dad-11d1-80b4-00c04fd430cg",
					   "6ba7b810-9dad-11d1-80b4-00c04fd430\x11\x11",
					   "{ba7b810-9dad-11d1-80b4-00c04fd430c}" };
	char out[VMP_UUID_TEXT] = "kept";
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(vmp_uuid_parse(bad[i], strlen(bad[i]), out), VMP_EINVAL);
	ck_assert_str_eq(out, "kept");
	ck_assert_int_eq(vmp_uuid_parse("6BA7B810-9dad-11d1-80B4-00c04fd430C8xx", 36, out), VMP_OK);
	ck_assert_str_eq(out, UUID);
}
END_TEST

START_TEST(random_uuids_differ_and_are_of_version_4)
{
	char a[VMP_UUID_TEXT], b[VMP_UUID_TEXT], c[VMP_UUID_TEXT];

	ck_assert_int_eq(vmp_uuid_random(a), VMP_OK);
	ck_assert_int_eq(vmp_uuid_random(b), VMP_OK);
	ck_assert_str_ne(a, b);
	ck_assert_int_eq(a[14], '4');
	ck_assert_ptr_nonnull(strchr("89ab", a[19]));
	ck_assert_int_eq(vmp_uuid_parse(a, strlen(a), c), VMP_OK);
	ck_assert_str_eq(a, c);
}
END_TEST

START_TEST(a_name_settles_a_uuid_of_version_5)
{
	static const char dns[] = "6BA7B810-9dad-11d1-80b4-00c04fd430c8"; /* RFC 9562 section 6.6, and appendix A.4 */
	char out[VMP_UUID_TEXT] = "", long_name[VMP_UUID_NAME + 1] = "";

	ck_assert_int_eq(vmp_uuid_of_name(dns, "www.example.com", 15, out), VMP_OK);
	ck_assert_str_eq(out, "2ed6657d-e927-568b-95e1-2665a8aea6a2");
	ck_assert_int_eq(vmp_uuid_of_name("6ba7b810", "a", 1, out), VMP_EINVAL);
	ck_assert_int_eq(vmp_uuid_of_name(dns, long_name, sizeof(long_name), out), VMP_EINVAL);
	ck_assert_int_eq(vmp_uuid_of_name(dns, long_name, sizeof(long_name) - 1, out), VMP_OK);
}
END_TEST

START_TEST(hexadecimal)
{
	uint8_t octets[3] = { 9, 9, 9 };
	char text[7];

	ck_assert_int_eq(vmp_unhex("00a", 3, octets, 3), VMP_EINVAL);
	ck_assert_int_eq(vmp_unhex("00afFF0", 7, octets, 3), VMP_EINVAL);
	ck_assert_int_eq(vmp_unhex("00afF", 5, octets, 2), VMP_EINVAL);
	ck_assert_int_eq(vmp_unhex("00afFg", 6, octets, 3), VMP_EINVAL);
	ck_assert_int_eq(vmp_unhex("00afFF", 6, octets, 3), VMP_OK);
	vmp_hex(octets, 3, text);
	ck_assert_str_eq(text, "00afff");
}
END_TEST

START_TEST(secrets)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 }, digest[VMP_DIGEST];
	char hex[2 * VMP_DIGEST + 1];

	ck_assert(vmp_same(a, b, sizeof(a)));
	ck_assert_int_eq(vmp_random(a, sizeof(a)), VMP_OK);
	ck_assert(!vmp_same(a, b, sizeof(a)));
	vmp_wipe(a, sizeof(a));
	ck_assert_mem_eq(a, b, sizeof(a));
	vmp_wipe(NULL, 7);
	vmp_digest("abc", 3, digest);
	vmp_hex(digest, sizeof(digest), hex);
	ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

Suite *check_pki_text(void)
{
	Suite *s = suite_create("pki_text");
	TCase *t = tcase_create("pki_text");

	tcase_add_test(t, texts_that_are_no_uuid);
	tcase_add_test(t, random_uuids_differ_and_are_of_version_4);
	tcase_add_test(t, a_name_settles_a_uuid_of_version_5);
	tcase_add_test(t, hexadecimal);
	tcase_add_test(t, secrets);
	suite_add_tcase(s, t);
	return s;
}
