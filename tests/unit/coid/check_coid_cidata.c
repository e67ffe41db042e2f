#include "cidata.h"
#include "../folder.h"
#include "bundle.h"
#include "suites_coid.h"
#include "volume.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT "{\"what\": \"ever\"}"

static const struct volume_file files[] = {
	{ "meta-data", "instance-id: 1\n" },
	{ "vmprov", NULL },
	{ CIDATA_ENTRY, TEXT },
	{ "vmprov/ca.pem", "x" },
	{ NULL, NULL },
};
static const struct volume_file without[] = { { "meta-data", "x" }, { NULL, NULL } };
static const struct volume_file empty[] = { { "vmprov", NULL }, { CIDATA_ENTRY, "" }, { NULL, NULL } };
static const struct volume_file folder[] = { { "vmprov", NULL }, { CIDATA_ENTRY, NULL }, { NULL, NULL } };

static char *image, *out;
static size_t len, out_len;
static struct vmp_msg msg;

static void teardown(void)
{
	free(image);
	free(out);
	image = out = NULL;
	folder_teardown();
}

static int extract(const char *label, const struct volume_file *list)
{
	image = volume_make(label, list, &len);
	return cidata_extract(image, len, &out, &out_len, &msg);
}

static void put(const char *name, const char *data, size_t size)
{
	int fd = open(folder_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
	close(fd);
}

START_TEST(the_bundle_is_found)
{
	ck_assert_int_eq(extract(_i ? "CIDATA" : "cidata", files), VMP_OK);
	ck_assert_str_eq(out, TEXT);
	ck_assert_uint_eq(out_len, strlen(TEXT));
}
END_TEST

START_TEST(another_label_is_another_volume)
{
	static const char *const labels[] = { "data", "cidata2", "xcidata", "config-2" };

	ck_assert_int_eq(extract(labels[_i], files), VMP_ENOENT);
	ck_assert_ptr_null(out);
}
END_TEST

START_TEST(a_volume_without_one)
{
	ck_assert_int_eq(extract("cidata", without), VMP_ENOENT);
	ck_assert_ptr_nonnull(strstr(msg.text, "no vmprov/join.json"));
}
END_TEST

START_TEST(an_entry_that_is_no_bundle)
{
	ck_assert_int_eq(extract("cidata", _i ? folder : empty), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "expected a file of at most"));
}
END_TEST

START_TEST(an_entry_that_is_too_large)
{
	char *text = malloc(BUNDLE_MAX + 2);
	const struct volume_file large[] = { { "vmprov", NULL }, { CIDATA_ENTRY, text }, { NULL, NULL } };

	memset(text, 'x', BUNDLE_MAX + 1);
	text[BUNDLE_MAX + 1] = '\0';
	ck_assert_int_eq(extract("cidata", large), VMP_EINVAL);
	free(image);
	text[BUNDLE_MAX] = '\0';
	ck_assert_int_eq(extract("cidata", large), VMP_OK);
	ck_assert_uint_eq(out_len, BUNDLE_MAX);
	free(text);
}
END_TEST

START_TEST(too_many_files)
{
	static struct volume_file many[1102];
	static char names[1101][16];
	int i;

	for (i = 0; i < 1100; i++) {
		snprintf(names[i], sizeof(names[i]), "file%d", i);
		many[i] = (struct volume_file){ names[i], "x" };
	}
	ck_assert_int_eq(extract("cidata", many), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "too many files"));
}
END_TEST

/* Wherever it ends, it is damaged, or no such volume, or the bundle is as it was. */
START_TEST(cut_off_anywhere)
{
	size_t size;

	ck_assert_int_eq(extract("cidata", files), VMP_OK);
	for (size = 0; size < len; size += 512) {
		char *part = malloc(size ? size : 1), *text = NULL;
		size_t n = 0;
		int err;

		memcpy(part, image, size);
		err = cidata_extract(part, size, &text, &n, &msg);
		ck_assert(err == VMP_EINVAL || err == VMP_ENOENT || (err == VMP_OK && strcmp(text, TEXT) == 0));
		free(text);
		free(part);
	}
}
END_TEST

START_TEST(from_a_file)
{
	image = volume_make("cidata", files, &len);
	put("volume", image, len);
	ck_assert_int_eq(cidata_read(folder_path("volume"), &out, &out_len, &msg), VMP_OK);
	ck_assert_str_eq(out, TEXT);
}
END_TEST

START_TEST(from_nothing)
{
	ck_assert_int_eq(cidata_read(folder_path("none"), &out, &out_len, &msg), VMP_ENOENT);
	folder_write("empty", "", 0600);
	ck_assert_int_eq(cidata_read(folder_path("empty"), &out, &out_len, &msg), VMP_ENOENT);
	ck_assert_ptr_nonnull(strstr(msg.text, "labelled cidata"));
	/* A folder cannot be read. */
	ck_assert_int_ne(cidata_read(folder_path(NULL), &out, &out_len, &msg), VMP_OK);
}
END_TEST

START_TEST(a_volume_that_is_too_large)
{
	image = volume_make("cidata", files, &len);
	put("volume", image, len);
	ck_assert_int_eq(truncate(folder_path("volume"), CIDATA_MAX), 0);
	ck_assert_int_eq(cidata_read(folder_path("volume"), &out, &out_len, &msg), VMP_OK);
	free(out);
	out = NULL;
	ck_assert_int_eq(truncate(folder_path("volume"), CIDATA_MAX + 1), 0);
	ck_assert_int_eq(cidata_read(folder_path("volume"), &out, &out_len, &msg), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "expected a volume of at most"));
}
END_TEST

Suite *check_coid_cidata(void)
{
	Suite *s = suite_create("coid cidata");
	TCase *t = tcase_create("cidata");

	tcase_add_checked_fixture(t, folder_setup, teardown);
	tcase_add_loop_test(t, the_bundle_is_found, 0, 2);
	tcase_add_loop_test(t, another_label_is_another_volume, 0, 4);
	tcase_add_test(t, a_volume_without_one);
	tcase_add_loop_test(t, an_entry_that_is_no_bundle, 0, 2);
	tcase_add_test(t, an_entry_that_is_too_large);
	tcase_add_test(t, too_many_files);
	tcase_add_test(t, cut_off_anywhere);
	tcase_add_test(t, from_a_file);
	tcase_add_test(t, from_nothing);
	tcase_add_test(t, a_volume_that_is_too_large);
	suite_add_tcase(s, t);
	return s;
}
