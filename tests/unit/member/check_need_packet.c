/* Packets out of the TUN interface, and the ICMP errors about them. */
#include "need_packet.h"
#include "suites_member.h"
#include "wire.h"

#include <string.h>

#define ROOM 2048

static uint8_t packet[ROOM], answer[NEED_REFUSAL];
static size_t len;

static struct prefix of(const char *text)
{
	struct prefix prefix;

	ck_assert_int_eq(prefix_read(text, &prefix, NULL), VMP_OK);
	return prefix;
}

static void make(const char *from, const char *to)
{
	struct prefix a = of(from), b = of(to);

	len = wire_udp(packet, sizeof(packet), &a, &b, 7);
}

static void make4(void)
{
	make("10.64.0.1", "10.64.0.2");
}

static void make6(void)
{
	make("fd00::1", "fd00::2");
}

static int read_it(void)
{
	struct prefix to, from;

	return need_packet_read(packet, len, &to, &from);
}

/* As if it were of the length that it says. */
static void resize(size_t n)
{
	size_t said = packet[0] >> 4 == 4 ? n : n - 40;

	len = n;
	packet[packet[0] >> 4 == 4 ? 2 : 4] = (uint8_t)(said >> 8);
	packet[packet[0] >> 4 == 4 ? 3 : 5] = (uint8_t)said;
}

static size_t refuse(void)
{
	struct prefix own4 = of("10.64.0.1"), own6 = of("fd00::1");

	memset(answer, 0xee, sizeof(answer));
	return need_packet_refuse(packet, len, packet[0] >> 4 == 4 ? &own4 : &own6, answer);
}

START_TEST(test_whole)
{
	struct prefix to, from, a, b;

	make4();
	a = of("10.64.0.1");
	b = of("10.64.0.2");
	ck_assert_int_eq(need_packet_read(packet, len, &to, &from), VMP_OK);
	ck_assert(prefix_equal(&from, &a) && prefix_equal(&to, &b));
	make6();
	a = of("fd00::1");
	b = of("fd00::2");
	ck_assert_int_eq(need_packet_read(packet, len, &to, &from), VMP_OK);
	ck_assert(prefix_equal(&from, &a) && prefix_equal(&to, &b));
}
END_TEST

START_TEST(test_cut_or_longer)
{
	size_t whole;

	_i ? make6() : make4();
	whole = len;
	for (len = 0; len < whole; len++)
		ck_assert_int_eq(read_it(), VMP_EINVAL);
	len = whole + 1;
	ck_assert_int_eq(read_it(), VMP_EINVAL);
}
END_TEST

START_TEST(test_wrong_heads)
{
	int version;

	make4();
	for (version = 0; version < 16; version++) {
		packet[0] = (uint8_t)(version << 4 | 5);
		ck_assert(version == 4 || read_it() == VMP_EINVAL);
	}
	/* Header lengths of 0 to 16 octets, and one beyond the packet. */
	for (version = 0; version < 5; version++) {
		packet[0] = (uint8_t)(4 << 4 | version);
		ck_assert_int_eq(read_it(), VMP_EINVAL);
	}
	packet[0] = 0x4f;
	ck_assert_int_eq(read_it(), VMP_EINVAL);
}
END_TEST

static const char *const no_machines[] = {
	"0.0.0.0",   "0.1.2.3",		"127.0.0.1", "169.254.1.1", "224.0.0.1", "239.1.1.1",
	"240.0.0.1", "255.255.255.255", "::",	     "::1",	    "fe80::1",	 "febf::1",
	"ff02::1",   "::ffff:10.0.0.1", "::10.0.0.1"
};

START_TEST(test_no_machines)
{
	const char *other = strchr(no_machines[_i], ':') ? "fd00::1" : "10.64.0.1";

	make(no_machines[_i], other);
	ck_assert_int_eq(read_it(), VMP_EINVAL);
	ck_assert_uint_eq(refuse(), 0);
	make(other, no_machines[_i]);
	ck_assert_int_eq(read_it(), VMP_EINVAL);
	ck_assert_uint_eq(refuse(), 0);
}
END_TEST

static const char *const machines[] = {
	"1.0.0.1",	 "126.1.1.1", "169.253.1.1", "169.255.1.1", "223.255.255.255",
	"192.168.1.255", "fd00::",    "2001:db8::1", "fec0::1",	    "64:ff9b::10.0.0.1"
};

START_TEST(test_machines)
{
	make(machines[_i], strchr(machines[_i], ':') ? "fd00::1" : "10.64.0.1");
	ck_assert_int_eq(read_it(), VMP_OK);
}
END_TEST

/* -- refusals --------------------------------------------------------------------------------------- */
static uint32_t add_up(const uint8_t *data, size_t n)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	return sum;
}

static uint32_t folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

START_TEST(test_refusal4)
{
	make4();
	ck_assert_uint_eq(refuse(), 20 + 8 + len);
	ck_assert_mem_eq(answer, "\x45\xc0\x00\x3c\0\0\0\0\x40\x01", 10);
	ck_assert_mem_eq(answer + 12, "\x0a\x40\0\x01\x0a\x40\0\x01", 8);
	ck_assert_mem_eq(answer + 20, "\x03\x0d", 2);
	ck_assert_mem_eq(answer + 24, "\0\0\0\0", 4);
	ck_assert_mem_eq(answer + 28, packet, len);
	ck_assert_uint_eq(folded(add_up(answer, 20)), 0xffff);
	ck_assert_uint_eq(folded(add_up(answer + 20, 8 + len)), 0xffff);
}
END_TEST

START_TEST(test_refusal6)
{
	size_t n;

	make6();
	n = refuse();
	ck_assert_uint_eq(n, 40 + 8 + len);
	ck_assert_mem_eq(answer, "\x60\0\0\0\0\x3c\x3a\x40", 8);
	ck_assert_mem_eq(answer + 24, packet + 8, 16);
	ck_assert_mem_eq(answer + 40, "\x01\x01", 2);
	ck_assert_mem_eq(answer + 48, packet, len);
	ck_assert_uint_eq(folded(add_up(answer + 8, n - 8) + (uint32_t)(n - 40) + 58), 0xffff);
}
END_TEST

/* Odd lengths have a checksum too, and no more is quoted than fits. */
START_TEST(test_refusals_of_any_length)
{
	size_t n;

	_i ? make6() : make4();
	for (n = len; n < ROOM; n++) {
		size_t got, most = _i ? 1280 : 576, head = _i ? 40 : 20;

		packet[n - 1] = (uint8_t)n;
		resize(n);
		got = refuse();
		ck_assert_uint_eq(got, n + head + 8 < most ? n + head + 8 : most);
		ck_assert_uint_eq(folded(_i ? add_up(answer + 8, got - 8) + (uint32_t)(got - 40) + 58
					    : add_up(answer + 20, got - 20)),
				  0xffff);
		ck_assert(got == sizeof(answer) || answer[got] == 0xee);
	}
}
END_TEST

START_TEST(test_own_address_of_another_family)
{
	struct prefix six = of("fd00::1"), none = { 0 };

	make4();
	ck_assert_uint_eq(need_packet_refuse(packet, len, &six, answer), 0);
	ck_assert_uint_eq(need_packet_refuse(packet, len, &none, answer), 0);
}
END_TEST

START_TEST(test_no_refusal_of_icmp_errors)
{
	int type;

	for (type = 0; type < 256; type++) {
		bool error4 = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;

		make4();
		packet[9] = 1;
		packet[20] = (uint8_t)type;
		ck_assert(error4 == (refuse() == 0));
		make6();
		packet[6] = 58;
		packet[40] = (uint8_t)type;
		ck_assert((type < 128 || type == 137) == (refuse() == 0));
	}
}
END_TEST

START_TEST(test_no_refusal_of_later_fragments)
{
	make4();
	packet[6] = 0x20;
	ck_assert_uint_gt(refuse(), 0);
	packet[7] = 1;
	ck_assert_uint_eq(refuse(), 0);
	make6();
	resize(40 + 8 + 12);
	packet[6] = 44;
	packet[40] = 17;
	packet[42] = packet[43] = 0;
	ck_assert_uint_gt(refuse(), 0);
	packet[43] = 8;
	ck_assert_uint_eq(refuse(), 0);
}
END_TEST

/* ICMPv6 behind other headers is found. */
START_TEST(test_behind_headers)
{
	static const uint8_t chain[] = { 60, 0, 1, 4, 0, 0, 0, 0, 43, 0, 1, 4, 0, 0, 0, 0, 51, 0, 0, 0, 0, 0, 0, 0 };

	make6();
	resize(40 + 8 + 8 + 8 + 12 + 8);
	packet[6] = 0;
	memcpy(packet + 40, chain, 24);
	packet[56] = 51;
	memset(packet + 64, 0, 20);
	packet[64] = 58;
	packet[65] = 1;
	packet[76] = 128;
	ck_assert_uint_gt(refuse(), 0);
	packet[76] = 1;
	ck_assert_uint_eq(refuse(), 0);
	/* Cut within the chain: what stands there is not known. */
	make6();
	resize(40 + 8);
	packet[6] = 60;
	packet[40] = 58;
	packet[41] = 0;
	ck_assert_uint_eq(refuse(), 0);
}
END_TEST

START_TEST(test_headers_without_end)
{
	size_t i;

	make6();
	resize(40 + 30 * 8);
	packet[6] = 60;
	for (i = 0; i < 30; i++) {
		packet[40 + 8 * i] = 60;
		packet[41 + 8 * i] = 0;
	}
	ck_assert_int_eq(read_it(), VMP_OK);
	(void)refuse();
	/* Beyond the packet. */
	packet[41] = 255;
	(void)refuse();
}
END_TEST

Suite *check_need_packet(void)
{
	Suite *s = suite_create("need_packet");
	TCase *tc = tcase_create("packets");

	tcase_add_test(tc, test_whole);
	tcase_add_loop_test(tc, test_cut_or_longer, 0, 2);
	tcase_add_test(tc, test_wrong_heads);
	tcase_add_loop_test(tc, test_no_machines, 0, (int)(sizeof(no_machines) / sizeof(no_machines[0])));
	tcase_add_loop_test(tc, test_machines, 0, (int)(sizeof(machines) / sizeof(machines[0])));
	tcase_add_test(tc, test_refusal4);
	tcase_add_test(tc, test_refusal6);
	tcase_add_loop_test(tc, test_refusals_of_any_length, 0, 2);
	tcase_add_test(tc, test_own_address_of_another_family);
	tcase_add_test(tc, test_no_refusal_of_icmp_errors);
	tcase_add_test(tc, test_no_refusal_of_later_fragments);
	tcase_add_test(tc, test_behind_headers);
	tcase_add_test(tc, test_headers_without_end);
	suite_add_tcase(s, tc);
	return s;
}
