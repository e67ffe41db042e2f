#include "mac.h"
#include "suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The table in tests/wire/mac.txt, found beside this file. */
START_TEST(wire_vectors)
{
	FILE *in = fopen(WIRE_DIR "/mac.txt", "r");
	char line[128];
	int n = 0;

	ck_assert_ptr_nonnull(in);
	while (fgets(line, sizeof(line), in)) {
		char *wanted = strstr(line, " = "), got[VMP_MAC_TEXT] = "refused";
		uint64_t mac;

		if (*line == '#' || !wanted)
			continue;
		*wanted = '\0';
		wanted += 3;
		wanted[strcspn(wanted, "\n")] = '\0';
		if (vmp_mac_parse(line, strlen(line), &mac) == VMP_OK)
			vmp_mac_format(mac, got);
		ck_assert_msg(strcmp(got, wanted) == 0, "%s: got %s, expected %s", line, got, wanted);
		n++;
	}
	fclose(in);
	ck_assert_int_gt(n, 30);
}
END_TEST

START_TEST(every_prefix_is_refused)
{
	static const char *const texts[] = { "52:54:00:aa:bb:cc", "5254.00aa.bbcc", "525400-aabbcc", "525400aabbcc" };
	uint64_t mac = 42;
	size_t i, len;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (len = 0; len < strlen(texts[i]); len++) {
			if (i == 0 || len != 12)
				ck_assert_int_eq(vmp_mac_parse(texts[i], len, &mac), VMP_EINVAL);
		}
	}
	ck_assert_uint_eq(mac, 42);
}
END_TEST

START_TEST(a_nul_inside_is_refused)
{
	uint64_t mac;

	ck_assert_int_eq(vmp_mac_parse("525400aabb\0c", 12, &mac), VMP_EINVAL);
	ck_assert_int_eq(vmp_mac_parse("52:54:00:aa:bb\0cc", 17, &mac), VMP_EINVAL);
}
END_TEST

START_TEST(what_is_written_is_read_again)
{
	unsigned i;

	srandom(1);
	for (i = 0; i < 10000; i++) {
		uint64_t mac = ((uint64_t)random() << 17 ^ (uint64_t)random()) & 0xfeffffffffff, back = 0;
		char text[VMP_MAC_TEXT], bare[13];

		vmp_mac_format(mac, text);
		vmp_mac_format_bare(mac, bare);
		if (!mac)
			continue;
		ck_assert_int_eq(vmp_mac_parse(text, strlen(text), &back), VMP_OK);
		ck_assert_uint_eq(back, mac);
		ck_assert_int_eq(vmp_mac_parse(bare, strlen(bare), &back), VMP_OK);
		ck_assert_uint_eq(back, mac);
	}
}
END_TEST

Suite *check_mac(void)
{
	Suite *s = suite_create("mac");
	TCase *t = tcase_create("mac");

	tcase_add_test(t, wire_vectors);
	tcase_add_test(t, every_prefix_is_refused);
	tcase_add_test(t, a_nul_inside_is_refused);
	tcase_add_test(t, what_is_written_is_read_again);
	suite_add_tcase(s, t);
	return s;
}
