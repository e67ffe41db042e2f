#include "coa/packet.h"
#include "das.h"
#include "suites.h"

#include <stdlib.h>
#include <string.h>

#define SECRET "a secret of twenty-odd octets"

static struct packet request;
static uint8_t answer[PACKET_MAX];
static struct vmp_msg msg;
static enum packet_code code;
static uint32_t cause;

static void open_dictionary(void)
{
	ck_assert_int_eq(packet_open("/usr/share/freeradius", &msg), VMP_OK);
}

static void setup(void)
{
	static const struct packet_attr attr[] = { { "User-Name", "52\\x3a54" }, { "NAS-Port", "12" } };

	ck_assert_int_eq(packet_encode(PACKET_DISCONNECT, 7, SECRET, attr, 2, 1795000000, &request, &msg), VMP_OK);
}

static int verify(size_t len)
{
	code = 0;
	cause = 99;
	return packet_verify(&request, SECRET, answer, len, &code, &cause, &msg);
}

static bool has(uint8_t type, const void *value, size_t len)
{
	size_t n;
	const uint8_t *at = das_attr(&request, type, 0, &n);

	return at && n == len && memcmp(at, value, len) == 0;
}

START_TEST(a_request_has_what_the_rfc_asks_for)
{
	ck_assert_uint_eq(request.octet[0], 40);
	ck_assert_uint_eq(request.octet[1], 7);
	ck_assert_uint_eq((unsigned)request.octet[2] << 8 | request.octet[3], request.len);
	ck_assert(has(5, "\0\0\0\x0c", 4));
	ck_assert(has(55, "\x6a\xfd\x86\xc0", 4));
	ck_assert(das_request_is_signed(&request, SECRET));
	ck_assert(!das_request_is_signed(&request, "another"));
}
END_TEST

START_TEST(texts_go_out_as_they_came_in)
{
	ck_assert(has(1, "52\\x3a54", 8));
}
END_TEST

START_TEST(a_vendors_attribute_is_encoded)
{
	static const struct packet_attr attr = { "Cisco-AVPair", "subscriber:command=reauthenticate" };
	static const char value[] = "\0\0\0\x09\x01\x23subscriber:command=reauthenticate";

	ck_assert_int_eq(packet_encode(PACKET_COA, 0, SECRET, &attr, 1, 0, &request, &msg), VMP_OK);
	ck_assert_uint_eq(request.octet[0], 43);
	ck_assert(has(26, value, sizeof(value) - 1));
}
END_TEST

START_TEST(a_value_that_an_attribute_cannot_have_is_refused)
{
	char longer[255];
	const struct packet_attr wrong[] = {
		{ "NAS-Port", "twelve" },  { "NAS-IP-Address", "localhost" }, { "NAS-IP-Address", "2001:db8::1" },
		{ "User-Name", "" },	   { "User-Name", longer },	      { "No-Such-Attribute", "1" },
		{ "Auth-Type", "Accept" },
	};

	memset(longer, 'x', 254);
	longer[254] = '\0';
	ck_assert_int_eq(packet_encode(PACKET_COA, 0, SECRET, &wrong[_i], 1, 0, &request, &msg), VMP_EINVAL);
	ck_assert_int_eq(packet_attr_check(&wrong[_i], &msg), VMP_EINVAL);
	ck_assert_ptr_eq(strstr(msg.text, wrong[_i].name), msg.text);
}
END_TEST

START_TEST(more_than_fits_is_refused)
{
	struct packet_attr attr[17];
	char text[254];
	int i;

	memset(text, 'x', 253);
	text[253] = '\0';
	for (i = 0; i < 17; i++)
		attr[i] = (struct packet_attr){ "NAS-Identifier", text };
	ck_assert_int_eq(packet_encode(PACKET_COA, 0, SECRET, attr, 15, 0, &request, &msg), VMP_OK);
	ck_assert(das_request_is_signed(&request, SECRET));
	ck_assert_int_eq(packet_encode(PACKET_COA, 0, SECRET, attr, 16, 0, &request, &msg), VMP_EINVAL);
	ck_assert_int_eq(packet_encode(PACKET_COA, 0, SECRET, attr, 17, 0, &request, &msg), VMP_EINVAL);
}
END_TEST

START_TEST(a_good_answer_is_taken)
{
	ck_assert_int_eq(verify(das_answer(&request, SECRET, 41, 0, 0, answer)), VMP_OK);
	ck_assert_int_eq(code, PACKET_DISCONNECT_ACK);
	ck_assert_uint_eq(cause, 0);
	ck_assert_int_eq(verify(das_answer(&request, SECRET, 42, 503, DAS_NO_MESSAGE_AUTHENTICATOR, answer)), VMP_OK);
	ck_assert_int_eq(code, PACKET_DISCONNECT_NAK);
	ck_assert_uint_eq(cause, 503);
}
END_TEST

START_TEST(what_stands_behind_an_answer_does_not_count)
{
	size_t len = das_answer(&request, SECRET, 41, 0, 0, answer);

	memset(answer + len, 0xff, 40);
	ck_assert_int_eq(verify(len + 40), VMP_OK);
}
END_TEST

START_TEST(a_wrong_secret_is_told_apart)
{
	ck_assert_int_eq(verify(das_answer(&request, "another", 41, 0, 0, answer)), VMP_EACCES);
	ck_assert_int_eq(verify(das_answer(&request, "another", 41, 0, DAS_NO_MESSAGE_AUTHENTICATOR, answer)),
			 VMP_EACCES);
	ck_assert_int_eq(verify(das_answer(&request, SECRET, 41, 0, DAS_BAD_MESSAGE_AUTHENTICATOR, answer)),
			 VMP_EACCES);
}
END_TEST

START_TEST(another_code_is_no_answer)
{
	static const uint8_t codes[] = { 0, 1, 2, 5, 40, 43, 44, 45, 52, 255 };

	ck_assert_int_eq(verify(das_answer(&request, SECRET, codes[_i], 0, 0, answer)), VMP_EINVAL);
}
END_TEST

START_TEST(another_identifier_is_no_answer)
{
	struct packet other = request;

	other.octet[1]++;
	ck_assert_int_eq(verify(das_answer(&other, SECRET, 41, 0, 0, answer)), VMP_EINVAL);
}
END_TEST

/* The answer to an earlier request under the same identifier. */
START_TEST(a_replayed_answer_does_not_verify)
{
	static const struct packet_attr attr = { "User-Name", "52" };
	struct packet later;
	size_t len = das_answer(&request, SECRET, 41, 0, 0, answer);

	ck_assert_int_eq(packet_encode(PACKET_DISCONNECT, 7, SECRET, &attr, 1, 1795000000, &later, &msg), VMP_OK);
	ck_assert_int_eq(packet_verify(&later, SECRET, answer, len, &code, &cause, &msg), VMP_EACCES);
}
END_TEST

START_TEST(every_cut_is_refused)
{
	size_t len = das_answer(&request, SECRET, 42, 503, 0, answer), cut;

	for (cut = 0; cut < len; cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);

		memcpy(copy, answer, cut);
		ck_assert_int_ne(packet_verify(&request, SECRET, copy, cut, &code, &cause, &msg), VMP_OK);
		free(copy);
	}
}
END_TEST

START_TEST(every_changed_bit_is_noticed)
{
	size_t len = das_answer(&request, SECRET, 42, 503, 0, answer), bit;

	for (bit = 0; bit < len * 8; bit++) {
		answer[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_int_ne(verify(len), VMP_OK);
		answer[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	ck_assert_int_eq(verify(len), VMP_OK);
}
END_TEST

/* Signed well, with a cause of the wrong length: no cause. */
START_TEST(a_malformed_cause_is_none)
{
	size_t len = das_answer(&request, SECRET, 42, 503, DAS_NO_MESSAGE_AUTHENTICATOR, answer);

	answer[len - 5] = 5;
	len--;
	answer[3]--;
	das_sign(&request, SECRET, answer, len);
	ck_assert_int_eq(verify(len), VMP_OK);
	ck_assert_uint_eq(cause, 0);
}
END_TEST

Suite *check_coa_packet(void)
{
	Suite *s = suite_create("coa_packet");
	TCase *t = tcase_create("coa_packet");

	tcase_add_unchecked_fixture(t, open_dictionary, NULL);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, a_request_has_what_the_rfc_asks_for);
	tcase_add_test(t, texts_go_out_as_they_came_in);
	tcase_add_test(t, a_vendors_attribute_is_encoded);
	tcase_add_loop_test(t, a_value_that_an_attribute_cannot_have_is_refused, 0, 7);
	tcase_add_test(t, more_than_fits_is_refused);
	tcase_add_test(t, a_good_answer_is_taken);
	tcase_add_test(t, what_stands_behind_an_answer_does_not_count);
	tcase_add_test(t, a_wrong_secret_is_told_apart);
	tcase_add_loop_test(t, another_code_is_no_answer, 0, 10);
	tcase_add_test(t, another_identifier_is_no_answer);
	tcase_add_test(t, a_replayed_answer_does_not_verify);
	tcase_add_test(t, every_cut_is_refused);
	tcase_add_test(t, every_changed_bit_is_noticed);
	tcase_add_test(t, a_malformed_cause_is_none);
	suite_add_tcase(s, t);
	return s;
}
