#include "eap.h"
#include "suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t octets(const char *text, uint8_t *out)
{
	size_t n = 0;
	unsigned v;
	int used;

	while (sscanf(text, "%2x%n", &v, &used) == 1) {
		out[n++] = (uint8_t)v;
		text += used;
	}
	return n;
}

static void describe(const struct vmp_eap *e, char *out, size_t size)
{
	static const char *const codes[] = { "", "request", "response", "success", "failure" };
	size_t i, n = (size_t)snprintf(out, size, "%s %u", codes[e->code], e->id);

	if (e->code <= VMP_EAP_RESPONSE)
		n += (size_t)snprintf(out + n, size - n, " type %u%s", e->type, e->len ? " " : "");
	for (i = 0; i < e->len; i++)
		n += (size_t)snprintf(out + n, size - n, "%02x", e->data[i]);
}

START_TEST(wire_vectors)
{
	FILE *in = fopen(WIRE_DIR "/eap.txt", "r");
	char line[256];
	int n = 0;

	ck_assert_ptr_nonnull(in);
	while (fgets(line, sizeof(line), in)) {
		char *wanted = strstr(line, "= "), got[256] = "refused";
		uint8_t packet[64], *copy;
		struct vmp_eap e;
		size_t len;

		if (*line == '#' || !wanted)
			continue;
		*wanted = '\0';
		wanted += 2;
		wanted[strcspn(wanted, "\n")] = '\0';
		len = octets(line, packet);
		copy = malloc(len ? len : 1);
		ck_assert_ptr_nonnull(copy);
		memcpy(copy, packet, len);
		if (vmp_eap_read(copy, len, &e) == VMP_OK)
			describe(&e, got, sizeof(got));
		free(copy);
		ck_assert_msg(strcmp(got, wanted) == 0, "%s: got %s, expected %s", line, got, wanted);
		n++;
	}
	fclose(in);
	ck_assert_int_gt(n, 30);
}
END_TEST

START_TEST(what_is_refused_leaves_no_trace)
{
	static const uint8_t packet[] = { 1, 1, 0, 4, 1 };
	struct vmp_eap e = { .code = 42 };

	ck_assert_int_eq(vmp_eap_read(packet, sizeof(packet), &e), VMP_EINVAL);
	ck_assert_uint_eq(e.code, 42);
}
END_TEST

START_TEST(what_is_written_is_read_again)
{
	uint8_t data[VMP_EAP_MAX], out[VMP_EAP_MAX];
	struct vmp_eap e;
	size_t len;

	memset(data, 0xa5, sizeof(data));
	for (len = 0; len <= VMP_EAP_MAX - 5; len++) {
		size_t n = vmp_eap_write(VMP_EAP_RESPONSE, 200, VMP_EAP_TLS, data, len, out);

		ck_assert_uint_eq(n, len + 5);
		ck_assert_int_eq(vmp_eap_read(out, n, &e), VMP_OK);
		ck_assert_uint_eq(e.len, len);
		ck_assert_mem_eq(e.data, data, len);
	}
	ck_assert_uint_eq(vmp_eap_write(VMP_EAP_RESPONSE, 200, VMP_EAP_TLS, data, len, out), 0);
	ck_assert_uint_eq(vmp_eap_write(VMP_EAP_SUCCESS, 3, VMP_EAP_NONE, NULL, 0, out), 4);
	ck_assert_int_eq(vmp_eap_read(out, 4, &e), VMP_OK);
	ck_assert_uint_eq(e.code, VMP_EAP_SUCCESS);
}
END_TEST

Suite *check_eap(void)
{
	Suite *s = suite_create("eap");
	TCase *t = tcase_create("eap");

	tcase_add_test(t, wire_vectors);
	tcase_add_test(t, what_is_refused_leaves_no_trace);
	tcase_add_test(t, what_is_written_is_read_again);
	suite_add_tcase(s, t);
	return s;
}
