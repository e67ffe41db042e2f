/* member/fib.c: longest match, owners, and the kernel's routes. */
#include "fib.h"
#include "member_parts.h"
#include "peer.h"
#include "stage_parts.h"
#include "suites_peers.h"

#include <stdlib.h>
#include <string.h>

static struct peer one, two, three;

static struct prefix at(const char *text)
{
	struct prefix prefix;

	ck_assert_int_eq(prefix_read(text, &prefix, NULL), VMP_OK);
	return prefix;
}

static void setup(void)
{
	struct peer *all[] = { &one, &two, &three };
	size_t i;

	stage_setup();
	member.settings = &stage.settings;
	member.own = stage.self;
	strcpy(member.tun, "vmprov0n");
	for (i = 0; i < 3; i++) {
		memset(all[i], 0, sizeof(*all[i]));
		all[i]->uuid[0] = (uint8_t)(i + 1);
	}
}

static void teardown(void)
{
	fib_free();
	memset(&member, 0, sizeof(member));
	stage_teardown();
}

static void add(const char *text, struct peer *peer)
{
	struct prefix prefix = at(text);

	ck_assert_int_eq(fib_add(&prefix, peer), VMP_OK);
}

static void del(const char *text, struct peer *peer)
{
	struct prefix prefix = at(text);

	fib_del(&prefix, peer);
}

static struct peer *find(const char *text)
{
	struct prefix prefix = at(text);

	return fib_find(&prefix);
}

START_TEST(nobody)
{
	struct prefix none = { .family = 0 };

	ck_assert_ptr_null(find("fd00::1"));
	ck_assert_ptr_null(find("10.64.0.1"));
	ck_assert_int_eq(fib_add(&none, &one), VMP_OK);
	ck_assert_uint_eq(fib_size(), 0);
	fib_del(&none, &one);
	fib_touch(&none);
	del("fd00::1", &one);
}
END_TEST

START_TEST(longest)
{
	add("0.0.0.0/0", &one);
	add("10.0.0.0/8", &two);
	add("10.64.0.1", &three);
	ck_assert_ptr_eq(find("10.64.0.1"), &three);
	ck_assert_ptr_eq(find("10.64.0.2"), &two);
	ck_assert_ptr_eq(find("192.0.2.1"), &one);
	ck_assert_ptr_null(find("2001:db8::1"));
	add("::/0", &one);
	add("2001:db8::/33", &two);
	ck_assert_ptr_eq(find("2001:db8:7fff::1"), &two);
	ck_assert_ptr_eq(find("2001:db8:8000::1"), &one);
}
END_TEST

START_TEST(lowest_owns)
{
	struct prefix all = at("0.0.0.0/0");

	add("0.0.0.0/0", &two);
	add("0.0.0.0/0", &three);
	ck_assert_ptr_eq(fib_owner(&all), &two);
	add("0.0.0.0/0", &one);
	ck_assert_ptr_eq(fib_owner(&all), &one);
	ck_assert(one.dirty && two.dirty && !three.dirty);
	del("0.0.0.0/0", &two);
	del("0.0.0.0/0", &one);
	ck_assert_ptr_eq(fib_owner(&all), &three);
	ck_assert(three.dirty);
	del("0.0.0.0/0", &three);
	ck_assert_ptr_null(fib_owner(&all));
	fib_settle();
	ck_assert_uint_eq(fib_size(), 0);
}
END_TEST

START_TEST(same_twice)
{
	add("fd00::1", &one);
	add("fd00::1", &one);
	del("fd00::1", &one);
	ck_assert_ptr_null(find("fd00::1"));
}
END_TEST

/* Inside the site's prefix, the site's own route leads to the TUN interface. */
START_TEST(kernel_routes)
{
	add("fd00::1", &one);
	add("198.51.100.0/24", &one);
	fib_settle();
	ck_assert_str_eq(stage_done(), "route+ 198.51.100.0/24 vmprov0n\n");
	fib_settle();
	ck_assert_str_eq(stage_done(), "");
	del("198.51.100.0/24", &one);
	ck_assert_ptr_null(find("198.51.100.1"));
	fib_settle();
	ck_assert_str_eq(stage_done(), "route- 198.51.100.0/24 vmprov0n\n");
}
END_TEST

START_TEST(without_own_address)
{
	member.own.inner4.family = 0;
	add("198.51.100.0/24", &one);
	fib_settle();
	ck_assert_str_eq(stage_done(), "");
}
END_TEST

/* What an earlier life has left must not catch packets. */
START_TEST(inherited)
{
	fib_inherit();
	add("fd00::1", &one);
	fib_settle();
	ck_assert_ptr_nonnull(strstr(stage_done(), "route- fd00::1 vmprov0\n"));
	add("198.51.100.0/24", &one);
	fib_settle();
	ck_assert_str_eq(stage_done(), "route+ 198.51.100.0/24 vmprov0n\n");
}
END_TEST

/* Against a search through all of them. */
START_TEST(many)
{
	static struct prefix prefix[2000];
	struct prefix address;
	unsigned best, tried;
	size_t i, n = sizeof(prefix) / sizeof(prefix[0]);
	uint8_t octets[4];

	srand(7);
	for (i = 0; i < n; i++) {
		unsigned bits = 8 + (unsigned)rand() % 25,
			 value = (unsigned)(rand() % 64) << 24 | (unsigned)rand() % (1 << 24);

		value &= bits == 32 ? ~0u : ~(~0u >> bits);
		prefix[i] = (struct prefix){ .family = AF_INET, .bits = (uint8_t)bits };
		prefix[i].address[0] = (uint8_t)(value >> 24);
		prefix[i].address[1] = (uint8_t)(value >> 16);
		prefix[i].address[2] = (uint8_t)(value >> 8);
		prefix[i].address[3] = (uint8_t)value;
		ck_assert_int_eq(fib_add(&prefix[i], &one), VMP_OK);
	}
	for (tried = 0; tried < 2000; tried++) {
		for (i = 0; i < 4; i++)
			octets[i] = (uint8_t)(rand() % (i ? 256 : 64));
		address = prefix_of(AF_INET, octets);
		best = 0;
		for (i = 0; i < n; i++)
			best += prefix_has(&prefix[i], &address);
		ck_assert_int_eq(fib_find(&address) != NULL, best > 0);
	}
	for (i = 0; i < n; i++)
		fib_del(&prefix[i], &one);
	fib_settle();
	ck_assert_uint_eq(fib_size(), 0);
}
END_TEST

Suite *check_fib(void)
{
	Suite *s = suite_create("fib");
	TCase *t = tcase_create("fib");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, nobody);
	tcase_add_test(t, longest);
	tcase_add_test(t, lowest_owns);
	tcase_add_test(t, same_twice);
	tcase_add_test(t, kernel_routes);
	tcase_add_test(t, without_own_address);
	tcase_add_test(t, inherited);
	tcase_add_test(t, many);
	suite_add_tcase(s, t);
	return s;
}
