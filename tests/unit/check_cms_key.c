#include "cms.h"
#include "suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SERIAL	 "7f0102030405060708090a0b0c0d0e0f"
#define KEY	 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define GOOD                                                                                                           \
	"{\"coi\":\"web\",\"epoch\":7,\"not_before\":1,\"not_after\":2,\"serial\":\"" SERIAL "\",\"key\":\"" KEY "\"}"

static struct vmp_coi_key key;

static void setup(void)
{
	size_t i;

	key = (struct vmp_coi_key){ .coi = "web", .epoch = 7, .not_before = 1, .not_after = 2, .serial = SERIAL };
	for (i = 0; i < sizeof(key.key); i++)
		key.key[i] = (uint8_t)i;
}

static int read_copy(const char *text, size_t len, struct vmp_coi_key *out)
{
	char *copy = malloc(len ? len : 1);
	int err;

	memcpy(copy, text, len);
	err = vmp_coi_key_read(copy, len, out, NULL);
	free(copy);
	return err;
}

static void refused(const char *text)
{
	struct vmp_coi_key got = { .epoch = 4711 };

	ck_assert_msg(read_copy(text, strlen(text), &got) == VMP_EINVAL, "%s", text);
	ck_assert_uint_eq(got.epoch, 4711);
}

/* The good text with one part replaced. */
static void refused_with(const char *from, const char *to)
{
	char text[1024];
	const char *at = strstr(GOOD, from);

	ck_assert_ptr_nonnull(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - GOOD), GOOD, to, at + strlen(from));
	refused(text);
}

START_TEST(texts_that_are_refused)
{
	static const char *const rows[][2] = {
		{ "{\"coi\"", " {\"coi\"" },
		{ "\"}", "\"} " },
		{ "\"}", "\",\"more\":1}" },
		{ "\"}", "\"" },
		{ "\"coi\":\"web\",\"epoch\":7", "\"epoch\":7,\"coi\":\"web\"" },
		{ "\"coi\":\"web\"", "\"coi\":\"web\",\"coi\":\"web\"" },
		{ "\"coi\":\"web\",", "" },
		{ "\"web\"", "\"\"" },
		{ "\"web\"", "\"w b\"" },
		{ "\"web\"", "\"w\\u0062\"" },
		{ "\"web\"", "null" },
		{ "\"web\"", "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"" },
		{ ":7,", ":0," },
		{ ":7,", ":-7," },
		{ ":7,", ":07," },
		{ ":7,", ":7.0," },
		{ ":7,", ":7e0," },
		{ ":7,", ":\"7\"," },
		{ ":7,", ":4294967296," },
		{ ":7,", ":99999999999999999999," },
		{ ":7,", ":," },
		{ ":1,", ":3," },
		{ ":2,", ":253402300800," },
		{ SERIAL, "7f" },
		{ SERIAL, "7F0102030405060708090A0B0C0D0E0F" },
		{ SERIAL, SERIAL "00" },
		{ SERIAL, "7g0102030405060708090a0b0c0d0e0f" },
		{ KEY, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=" },
		{ KEY, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==" },
		{ KEY, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8A" },
		{ KEY, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8" },
		{ KEY, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh_=" },
	};
	size_t i;

	for (i = 0; i < COUNT(rows); i++)
		refused_with(rows[i][0], rows[i][1]);
	refused("{}");
	refused("[]");
}
END_TEST

START_TEST(every_prefix_is_refused)
{
	struct vmp_coi_key got;
	size_t i;

	for (i = 0; i < sizeof(GOOD) - 1; i++)
		ck_assert_int_eq(read_copy(GOOD, i, &got), VMP_EINVAL);
	ck_assert_int_eq(read_copy(GOOD, sizeof(GOOD), &got), VMP_EINVAL);
	ck_assert_int_eq(read_copy(GOOD, sizeof(GOOD) - 1, &got), VMP_OK);
}
END_TEST

START_TEST(what_is_written_is_read)
{
	char *text = vmp_coi_key_write(&key);
	struct vmp_coi_key got;

	ck_assert_str_eq(text, GOOD);
	ck_assert_int_eq(read_copy(text, strlen(text), &got), VMP_OK);
	ck_assert_str_eq(got.coi, key.coi);
	ck_assert_uint_eq(got.epoch, key.epoch);
	ck_assert_int_eq(got.not_before, key.not_before);
	ck_assert_int_eq(got.not_after, key.not_after);
	ck_assert_str_eq(got.serial, key.serial);
	ck_assert_mem_eq(got.key, key.key, VMP_COI_KEY);
	free(text);
}
END_TEST

START_TEST(the_largest_of_everything)
{
	struct vmp_coi_key got;
	char *text;

	memset(key.coi, '_', VMP_COI_NAME - 1);
	key.epoch = UINT32_MAX;
	key.not_before = key.not_after = 253402300799;
	memset(key.key, 0xff, sizeof(key.key));
	text = vmp_coi_key_write(&key);
	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(read_copy(text, strlen(text), &got), VMP_OK);
	ck_assert_str_eq(got.coi, key.coi);
	ck_assert_uint_eq(got.epoch, UINT32_MAX);
	ck_assert_int_eq(got.not_after, key.not_after);
	ck_assert_mem_eq(got.key, key.key, VMP_COI_KEY);
	free(text);
}
END_TEST

START_TEST(what_is_not_written)
{
	struct vmp_coi_key bad = key;

	bad.epoch = 0;
	ck_assert_ptr_null(vmp_coi_key_write(&bad));
	bad = key;
	bad.not_after = 0;
	ck_assert_ptr_null(vmp_coi_key_write(&bad));
	bad = key;
	bad.not_before = -1;
	ck_assert_ptr_null(vmp_coi_key_write(&bad));
	bad = key;
	bad.serial[31] = '\0';
	ck_assert_ptr_null(vmp_coi_key_write(&bad));
	bad = key;
	bad.coi[0] = '\0';
	ck_assert_ptr_null(vmp_coi_key_write(&bad));
	memset(bad.coi, 'x', sizeof(bad.coi));
	ck_assert_ptr_null(vmp_coi_key_write(&bad));
}
END_TEST

Suite *check_cms_key(void)
{
	Suite *s = suite_create("cms_key");
	TCase *t = tcase_create("cms_key");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, texts_that_are_refused);
	tcase_add_test(t, every_prefix_is_refused);
	tcase_add_test(t, what_is_written_is_read);
	tcase_add_test(t, the_largest_of_everything);
	tcase_add_test(t, what_is_not_written);
	suite_add_tcase(s, t);
	return s;
}
