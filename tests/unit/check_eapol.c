#include "eapol.h"
#include "suites.h"

#include <stdlib.h>
#include <string.h>

/* An EAPOL-Start as wpa_supplicant sends it: padded to the least that Ethernet carries. */
static const uint8_t start[60] = { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x03, 0x52, 0x54, 0x00,
				   0xaa, 0xbb, 0xcc, 0x88, 0x8e, 0x02, 0x01, 0x00, 0x00 };

START_TEST(a_start_is_read)
{
	struct vmp_eapol e;

	ck_assert_int_eq(vmp_eapol_read(start, sizeof(start), &e), VMP_OK);
	ck_assert_uint_eq(e.dst, VMP_EAPOL_PAE_GROUP);
	ck_assert_uint_eq(e.src, 0x525400aabbccULL);
	ck_assert_uint_eq(e.version, 2);
	ck_assert_uint_eq(e.type, VMP_EAPOL_START);
	ck_assert_uint_eq(e.len, 0);
}
END_TEST

START_TEST(a_start_is_written)
{
	uint8_t out[VMP_EAPOL_FRAME_MAX];

	ck_assert_uint_eq(vmp_eapol_write(VMP_EAPOL_PAE_GROUP, 0x525400aabbccULL, 2, VMP_EAPOL_START, NULL, 0, out),
			  18);
	ck_assert_mem_eq(out, start, 18);
}
END_TEST

/* Read from memory of its exact size, so that a sanitizer sees a read past its end. */
static int read_exactly(const uint8_t *frame, size_t len, struct vmp_eapol *e)
{
	uint8_t *copy = malloc(len ? len : 1);
	int err;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, frame, len);
	err = vmp_eapol_read(copy, len, e);
	free(copy);
	return err;
}

START_TEST(every_prefix_of_the_headers_is_refused)
{
	struct vmp_eapol e = { .version = 42 };
	size_t len;

	for (len = 0; len < 18; len++)
		ck_assert_int_eq(read_exactly(start, len, &e), VMP_EINVAL);
	ck_assert_int_eq(read_exactly(start, 18, &e), VMP_OK);
}
END_TEST

START_TEST(what_is_refused_leaves_no_trace)
{
	struct vmp_eapol e = { .version = 42 };

	ck_assert_int_eq(vmp_eapol_read(start, 17, &e), VMP_EINVAL);
	ck_assert_uint_eq(e.version, 42);
}
END_TEST

START_TEST(a_body_ends_within_the_frame)
{
	uint8_t frame[60];
	struct vmp_eapol e;
	unsigned len;

	memcpy(frame, start, sizeof(frame));
	for (len = 0; len <= 43; len++) {
		frame[17] = (uint8_t)len;
		ck_assert_int_eq(vmp_eapol_read(frame, sizeof(frame), &e), len <= 42 ? VMP_OK : VMP_EINVAL);
		ck_assert_uint_eq(e.len, len <= 42 ? len : 42);
	}
	frame[16] = 0xff;
	ck_assert_int_eq(vmp_eapol_read(frame, sizeof(frame), &e), VMP_EINVAL);
}
END_TEST

START_TEST(another_ethertype_is_not_ours)
{
	uint8_t frame[60];
	struct vmp_eapol e;

	memcpy(frame, start, sizeof(frame));
	frame[12] = 0x08;
	frame[13] = 0x00;
	ck_assert_int_eq(vmp_eapol_read(frame, sizeof(frame), &e), VMP_ENOENT);
	ck_assert_int_eq(vmp_eapol_read(frame, 14, &e), VMP_ENOENT);
	ck_assert_int_eq(vmp_eapol_read(frame, 13, &e), VMP_EINVAL);
}
END_TEST

START_TEST(a_group_sends_nothing)
{
	uint8_t frame[60];
	struct vmp_eapol e;

	memcpy(frame, start, sizeof(frame));
	frame[6] = 0x53;
	ck_assert_int_eq(vmp_eapol_read(frame, sizeof(frame), &e), VMP_EINVAL);
	memset(frame + 6, 0, 6);
	ck_assert_int_eq(vmp_eapol_read(frame, sizeof(frame), &e), VMP_EINVAL);
	memset(frame + 6, 0xff, 6);
	ck_assert_int_eq(vmp_eapol_read(frame, sizeof(frame), &e), VMP_EINVAL);
}
END_TEST

START_TEST(unknown_versions_and_types_are_the_receivers_matter)
{
	uint8_t frame[60];
	struct vmp_eapol e;

	memcpy(frame, start, sizeof(frame));
	frame[14] = 200;
	frame[15] = 99;
	ck_assert_int_eq(vmp_eapol_read(frame, sizeof(frame), &e), VMP_OK);
	ck_assert_uint_eq(e.version, 200);
	ck_assert_uint_eq(e.type, 99);
}
END_TEST

START_TEST(the_longest_body_comes_back)
{
	uint8_t body[VMP_EAPOL_BODY_MAX + 1], out[VMP_EAPOL_FRAME_MAX + 1];
	struct vmp_eapol e;
	size_t i;

	for (i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * 7);
	ck_assert_uint_eq(vmp_eapol_write(1, 2, 1, VMP_EAPOL_EAP, body, VMP_EAPOL_BODY_MAX, out), VMP_EAPOL_FRAME_MAX);
	ck_assert_int_eq(vmp_eapol_read(out, VMP_EAPOL_FRAME_MAX, &e), VMP_OK);
	ck_assert_uint_eq(e.len, VMP_EAPOL_BODY_MAX);
	ck_assert_mem_eq(e.body, body, VMP_EAPOL_BODY_MAX);
	ck_assert_int_eq(vmp_eapol_read(out, VMP_EAPOL_FRAME_MAX + 1, &e), VMP_EINVAL);
	ck_assert_uint_eq(vmp_eapol_write(1, 2, 1, VMP_EAPOL_EAP, body, VMP_EAPOL_BODY_MAX + 1, out), 0);
}
END_TEST

Suite *check_eapol(void)
{
	Suite *s = suite_create("eapol");
	TCase *t = tcase_create("eapol");

	tcase_add_test(t, a_start_is_read);
	tcase_add_test(t, a_start_is_written);
	tcase_add_test(t, every_prefix_of_the_headers_is_refused);
	tcase_add_test(t, what_is_refused_leaves_no_trace);
	tcase_add_test(t, a_body_ends_within_the_frame);
	tcase_add_test(t, another_ethertype_is_not_ours);
	tcase_add_test(t, a_group_sends_nothing);
	tcase_add_test(t, unknown_versions_and_types_are_the_receivers_matter);
	tcase_add_test(t, the_longest_body_comes_back);
	suite_add_tcase(s, t);
	return s;
}
