/* The table that keeps inner addresses inside, with the kernel's nftables. */
#include "guard_linux.h"
#include "namespace.h"
#include "need_linux.h"
#include "nft_linux.h"
#include "route_linux.h"
#include "suites_member.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct vmp_msg msg;
static struct route *route;
static struct event_base *base;
static struct need *wireguard, *underlay;
static unsigned inside, outside; /* packets that have left there */
static struct guard_settings settings;

#define OK(call) ck_assert_msg((call) == VMP_OK, "%s: %s", #call, msg.text)

static struct prefix of(const char *text)
{
	struct prefix prefix;

	OK(prefix_read(text, &prefix, &msg));
	return prefix;
}

static void take(void *ctx, const struct prefix *to, const struct prefix *from, const uint8_t *packet, size_t len)
{
	(void)to;
	(void)from;
	(void)packet;
	(void)len;
	++*(unsigned *)ctx;
}

/* An inner prefix that the underlay's routes lead to as well. */
static void setup(void)
{
	struct prefix own, own6, site;

	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	OK(route_open(&route, &msg));
	OK(need_open(base, "guard0", 1420, take, &inside, &wireguard, &msg));
	OK(need_open(base, "under0", 1420, take, &outside, &underlay, &msg));
	settings = (struct guard_settings){ .wireguard = "guard0", .tun = "guard0n" };
	settings.own[0] = own6 = of("fd00::7");
	settings.own[1] = own = of("10.64.0.7");
	settings.site[0] = of("fd00::/64");
	settings.site[1] = of("10.64.0.0/10");
	OK(route_address(route, "guard0", &own, &msg));
	OK(route_address(route, "guard0", &own6, &msg));
	site = of("10.0.0.0/8");
	OK(route_add(route, 254, &site, "under0", NULL, &msg));
	OK(route_add(route, 254, &settings.site[0], "under0", NULL, &msg));
	inside = outside = 0;
}

static void teardown(void)
{
	OK(nft_run("add table inet vmprov_guard\ndelete table inet vmprov_guard\n", &msg));
	need_close(wireguard);
	need_close(underlay);
	route_close(route);
	event_base_free(base);
}

/* @param from  NULL: whatever fits. */
static void send4(const char *from, const char *to)
{
	struct sockaddr_in a = { .sin_family = AF_INET }, b = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(inet_pton(AF_INET, from, &a.sin_addr), 1);
	ck_assert_int_eq(inet_pton(AF_INET, to, &b.sin_addr), 1);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	(void)!sendto(fd, "x", 1, 0, (const struct sockaddr *)&b, sizeof(b));
	close(fd);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static void send6(const char *to)
{
	struct sockaddr_in6 b = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(inet_pton(AF_INET6, to, &b.sin6_addr), 1);
	(void)!sendto(fd, "x", 1, 0, (const struct sockaddr *)&b, sizeof(b));
	close(fd);
	event_base_loop(base, EVLOOP_NONBLOCK);
}

START_TEST(nothing_leaves_elsewhere)
{
	send4("10.64.0.7", "10.64.0.1");
	send6("fd00::1");
	ck_assert_uint_eq(outside, 2);
	OK(guard_set(&settings, &msg));
	send4("10.64.0.7", "10.64.0.1");
	send6("fd00::1");
	/* Nor from an inner address to anywhere else: a gateway's route has gone. */
	send4("10.64.0.7", "10.1.0.1");
	ck_assert_uint_eq(outside, 2);
	ck_assert_uint_eq(inside, 0);
}
END_TEST

START_TEST(a_gateway_goes_out)
{
	settings.gateway = true;
	OK(guard_set(&settings, &msg));
	send4("10.64.0.7", "10.64.0.1");
	send6("fd00::1");
	ck_assert_uint_eq(outside, 0);
	send4("10.64.0.7", "10.1.0.1");
	ck_assert_uint_eq(outside, 1);
}
END_TEST

START_TEST(inside_is_free)
{
	struct prefix one = of("10.64.0.1");

	OK(guard_set(&settings, &msg));
	OK(route_add(route, 254, &one, "guard0", NULL, &msg));
	send4("10.64.0.7", "10.64.0.1");
	ck_assert_uint_eq(inside, 1);
	ck_assert_uint_eq(outside, 0);
}
END_TEST

START_TEST(without_ipv4)
{
	settings.own[1].family = settings.site[1].family = 0;
	OK(guard_set(&settings, &msg));
	send4("10.64.0.7", "10.64.0.1");
	ck_assert_uint_eq(outside, 1);
	send6("fd00::1");
	ck_assert_uint_eq(outside, 1);
}
END_TEST

START_TEST(is_it_there)
{
	ck_assert(!guard_is_there());
	OK(guard_set(&settings, &msg));
	OK(guard_set(&settings, &msg));
	ck_assert(guard_is_there());
	OK(nft_run("flush ruleset\n", &msg));
	ck_assert(!guard_is_there());
}
END_TEST

Suite *check_guard(void)
{
	Suite *s = suite_create("guard");
	TCase *t = tcase_create("guard");

	if (!namespace_is_own())
		return s;
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, nothing_leaves_elsewhere);
	tcase_add_test(t, a_gateway_goes_out);
	tcase_add_test(t, inside_is_free);
	tcase_add_test(t, without_ipv4);
	tcase_add_test(t, is_it_there);
	suite_add_tcase(s, t);
	return s;
}
