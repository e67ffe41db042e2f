/* Addresses, rules and routes, as ip(8) shows them, and as they send packets. */
#include "namespace.h"
#include "need_linux.h"
#include "route_linux.h"
#include "suites_member.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TABLE 30317
#define MARK  0x766d

static struct vmp_msg msg;
static struct route *route;
static struct event_base *base;
static struct need *first, *second; /* two interfaces */
static unsigned came;		    /* packets */
static char shown[8192];

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
	came++;
	ck_assert_ptr_eq(ctx, &came);
}

static void setup(void)
{
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	OK(route_open(&route, &msg));
	OK(need_open(base, "route0", 1420, take, &came, &first, &msg));
	OK(need_open(base, "route1", 0, take, &came, &second, &msg));
}

static void teardown(void)
{
	int family, on;

	for (family = AF_INET; family <= AF_INET6; family += AF_INET6 - AF_INET) {
		for (on = 0; on < 2; on++)
			OK(route_rules(route, family, TABLE, MARK, TABLE, false, &msg));
	}
	need_close(first);
	need_close(second);
	OK(route_flush(route, TABLE, &msg));
	route_close(route);
	event_base_free(base);
}

/* What ip(8) says. */
static const char *ip(const char *what)
{
	char command[128];
	FILE *in;
	size_t n;

	snprintf(command, sizeof(command), "ip %s 2>&1", what);
	in = popen(command, "re");
	ck_assert_ptr_nonnull(in);
	n = fread(shown, 1, sizeof(shown) - 1, in);
	shown[n] = '\0';
	pclose(in);
	return shown;
}

#define SHOWS(what, text)     ck_assert_msg(strstr(ip(what), text) != NULL, "ip %s: no \"%s\" in:\n%s", what, text, shown)
#define SHOWS_NOT(what, text) ck_assert_msg(strstr(ip(what), text) == NULL, "ip %s: \"%s\" in:\n%s", what, text, shown)

START_TEST(test_link)
{
	SHOWS("link show route0", "mtu 1420");
	SHOWS("link show route0", ",UP");
	SHOWS("link show route1", "mtu 1500");
	/* Nobody has asked for one. */
	ck_assert_str_eq(ip("-6 addr show route0"), "");
	ck_assert_int_eq(route_link_up(route, "nothere", 0, &msg), VMP_EIO);
	ck_assert_ptr_nonnull(strstr(msg.text, "nothere"));
	OK(route_link_del(route, "route1", &msg));
	OK(route_link_del(route, "route1", &msg));
	SHOWS("link show route1", "does not exist");
}
END_TEST

START_TEST(test_addresses)
{
	struct prefix four = of("10.64.0.7"), six = of("fd00::7"), old = of("10.64.0.9"), old6 = of("fd00::9");
	struct prefix keep[2];
	int i;

	for (i = 0; i < 2; i++) {
		OK(route_address(route, "route0", &four, &msg));
		OK(route_address(route, "route0", &six, &msg));
		OK(route_address(route, "route0", &old, &msg));
		OK(route_address(route, "route0", &old6, &msg));
	}
	SHOWS("addr show route0", "inet 10.64.0.7/32");
	SHOWS("addr show route0", "inet6 fd00::7/128 scope global nodad noprefixroute");
	SHOWS_NOT("addr show route0", "tentative");
	SHOWS_NOT("-6 route show", "fd00::7");
	ck_assert_int_eq(route_address(route, "nothere", &four, &msg), VMP_EIO);
	keep[0] = four;
	keep[1] = six;
	OK(route_address_only(route, "route0", keep, 2, &msg));
	SHOWS("addr show route0", "inet 10.64.0.7/32");
	SHOWS("addr show route0", "inet6 fd00::7/128");
	SHOWS_NOT("addr show route0", "::9");
	SHOWS_NOT("addr show route0", ".0.9");
	SHOWS("addr show lo", "127.0.0.1");
	OK(route_address_only(route, "route0", NULL, 0, &msg));
	SHOWS_NOT("addr show route0", "inet");
}
END_TEST

START_TEST(test_rules)
{
	int i;

	for (i = 0; i < 2; i++) {
		OK(route_rules(route, AF_INET, TABLE, MARK, TABLE, true, &msg));
		OK(route_rules(route, AF_INET6, TABLE, MARK, TABLE, true, &msg));
	}
	SHOWS("rule", "30317:\tfrom all lookup main suppress_prefixlength 0");
	SHOWS("rule", "30318:\tnot from all fwmark 0x766d lookup 30317");
	SHOWS("-6 rule", "30317:\tfrom all lookup main suppress_prefixlength 0");
	SHOWS("-6 rule", "30318:\tnot from all fwmark 0x766d lookup 30317");
	for (i = 0; i < 2; i++) {
		OK(route_rules(route, AF_INET, TABLE, MARK, TABLE, false, &msg));
		SHOWS_NOT("rule", "3031");
		SHOWS("-6 rule", "30318:");
	}
	OK(route_rules(route, AF_INET6, TABLE, MARK, TABLE, false, &msg));
	SHOWS_NOT("-6 rule", "3031");
	SHOWS("-6 rule", "lookup main");
}
END_TEST

START_TEST(test_rules_are_not_doubled)
{
	const char *at;
	unsigned n = 0;
	int i;

	for (i = 0; i < 3; i++)
		OK(route_rules(route, AF_INET6, TABLE, MARK, TABLE, true, &msg));
	ip("-6 rule");
	for (at = strstr(shown, "3031"); at; at = strstr(at + 1, "3031"))
		n += at == shown || at[-1] == '\n';
	ck_assert_uint_eq(n, 2);
}
END_TEST

static const char *const destinations[] = { "10.64.0.0/10", "10.64.0.7", "0.0.0.0/0", "fd00::/64", "fd00::7", "::/0" };
static const char *const lines[] = { "10.64.0.0/10 dev", "10.64.0.7 dev", "default dev",
				     "fd00::/64 dev",	 "fd00::7 dev",	  "default dev" };
#define DESTINATIONS ((int)(sizeof(destinations) / sizeof(destinations[0])))

START_TEST(test_a_route)
{
	const char *show = strchr(destinations[_i], ':') ? "-6 route show table 30317" : "route show table 30317";
	struct prefix to = of(destinations[_i]);

	OK(route_add(route, TABLE, &to, "route0", NULL, &msg));
	OK(route_add(route, TABLE, &to, "route0", NULL, &msg));
	SHOWS(show, lines[_i]);
	SHOWS(show, "route0");
	/* To another interface: one line, before and after. */
	OK(route_add(route, TABLE, &to, "route1", NULL, &msg));
	SHOWS(show, "route1");
	SHOWS_NOT(show, "route0");
	ck_assert_ptr_eq(strchr(shown, '\n'), strrchr(shown, '\n'));
	/* Another one's is not ours. */
	OK(route_del(route, TABLE, &to, "route0", &msg));
	SHOWS(show, "route1");
	OK(route_del(route, TABLE, &to, "route1", &msg));
	OK(route_del(route, TABLE, &to, "route1", &msg));
	OK(route_del(route, TABLE, &to, "nothere", &msg));
	SHOWS_NOT(show, "dev");
	ck_assert_int_eq(route_add(route, TABLE, &to, "nothere", NULL, &msg), VMP_EIO);
}
END_TEST

START_TEST(test_source)
{
	struct prefix to = of("10.64.0.0/10"), to6 = of("fd00::/64"), source = of("10.64.0.7"), source6 = of("fd00::7"),
		      none = { 0 };

	OK(route_address(route, "route0", &source, &msg));
	OK(route_address(route, "route0", &source6, &msg));
	OK(route_add(route, TABLE, &to, "route0", &source, &msg));
	OK(route_add(route, TABLE, &to6, "route0", &source6, &msg));
	SHOWS("route show table 30317", "src 10.64.0.7");
	SHOWS("-6 route show table 30317", "src fd00::7");
	OK(route_add(route, TABLE, &to, "route0", &none, &msg));
	SHOWS_NOT("route show table 30317", "src");
}
END_TEST

START_TEST(test_unreachable_is_the_last)
{
	struct prefix to = of("10.64.0.0/10"), to6 = of("fd00::/64");
	int i;

	for (i = 0; i < 2; i++) {
		OK(route_add(route, TABLE, &to, NULL, NULL, &msg));
		OK(route_add(route, TABLE, &to6, NULL, NULL, &msg));
		OK(route_add(route, TABLE, &to, "route0", NULL, &msg));
		OK(route_add(route, TABLE, &to6, "route0", NULL, &msg));
	}
	SHOWS("route show table 30317", "unreachable 10.64.0.0/10");
	SHOWS("route show table 30317", "10.64.0.0/10 dev route0");
	SHOWS("-6 route show table 30317", "unreachable fd00::/64");
	SHOWS("-6 route show table 30317", "fd00::/64 dev route0");
	OK(route_rules(route, AF_INET, TABLE, MARK, TABLE, true, &msg));
	OK(route_rules(route, AF_INET6, TABLE, MARK, TABLE, true, &msg));
	SHOWS("route get 10.64.1.1", "dev route0");
	SHOWS("route get fd00::1", "dev route0");
	/* The interface goes, and its routes with it. */
	OK(route_link_del(route, "route0", &msg));
	SHOWS("route get 10.64.1.1", "No route to host");
	SHOWS("route get fd00::1", "No route to host");
	OK(route_del(route, TABLE, &to, NULL, &msg));
	OK(route_del(route, TABLE, &to6, NULL, &msg));
	OK(route_del(route, TABLE, &to, NULL, &msg));
	OK(route_del(route, TABLE, &to6, NULL, &msg));
	SHOWS_NOT("route show table 30317", "10.64");
	SHOWS_NOT("-6 route show table 30317", "fd00");
}
END_TEST

START_TEST(test_taking_unreachable_away_leaves_the_rest)
{
	struct prefix to = of("10.64.0.0/10"), to6 = of("fd00::/64");

	OK(route_add(route, TABLE, &to, "route0", NULL, &msg));
	OK(route_add(route, TABLE, &to6, "route0", NULL, &msg));
	OK(route_del(route, TABLE, &to, NULL, &msg));
	OK(route_del(route, TABLE, &to6, NULL, &msg));
	SHOWS("route show table 30317", "10.64.0.0/10 dev route0");
	SHOWS("-6 route show table 30317", "fd00::/64 dev route0");
}
END_TEST

START_TEST(test_flush)
{
	struct prefix to = of("10.64.0.0/16"), to6 = of("fd00::/64"), all = of("0.0.0.0/0"), all6 = of("::/0");
	struct prefix elsewhere = of("192.0.2.0/24");
	int i;

	/* A table that nobody has ever used. */
	OK(route_flush(route, 4711, &msg));
	for (i = 0; i < 300; i++) {
		to.address[1] = (uint8_t)i;
		to6.address[7] = (uint8_t)i;
		to6.address[6] = (uint8_t)(i >> 8);
		OK(route_add(route, TABLE, &to, i % 2 ? "route0" : "route1", NULL, &msg));
		OK(route_add(route, TABLE, &to6, i % 2 ? "route0" : "route1", NULL, &msg));
	}
	OK(route_add(route, TABLE, &all, "route0", NULL, &msg));
	OK(route_add(route, TABLE, &all6, "route0", NULL, &msg));
	OK(route_add(route, TABLE, &all, NULL, NULL, &msg));
	OK(route_add(route, TABLE, &all6, NULL, NULL, &msg));
	OK(route_add(route, 254, &elsewhere, "route0", NULL, &msg));
	OK(route_flush(route, TABLE, &msg));
	ck_assert_str_eq(ip("route show table 30317"), "");
	ck_assert_str_eq(ip("-6 route show table 30317"), "");
	SHOWS("route show", "192.0.2.0/24 dev route0");
	OK(route_flush(route, TABLE, &msg));
}
END_TEST

static struct prefix wanted;

static bool is_wanted(const struct prefix *to)
{
	return prefix_equal(to, &wanted);
}

START_TEST(test_prune)
{
	struct prefix all = of("0.0.0.0/0"), one = of("10.64.0.9"), all6 = of("::/0"), one6 = of("fd00::9");

	OK(route_add(route, TABLE, &all, "route0", NULL, &msg));
	OK(route_add(route, TABLE, &all6, "route0", NULL, &msg));
	OK(route_add(route, TABLE, &one, "route1", NULL, &msg));
	OK(route_add(route, TABLE, &one6, "route0", NULL, &msg));
	OK(route_add(route, TABLE, &all, NULL, NULL, &msg));
	wanted = one6;
	OK(route_prune(route, TABLE, "route0", is_wanted, &msg));
	SHOWS_NOT("route show table 30317", "default dev");
	SHOWS("route show table 30317", "unreachable default");
	SHOWS("route show table 30317", "10.64.0.9 dev route1");
	SHOWS_NOT("-6 route show table 30317", "default");
	SHOWS("-6 route show table 30317", "fd00::9 dev route0");
	ck_assert_int_ne(route_prune(route, TABLE, "nothere", is_wanted, &msg), VMP_OK);
}
END_TEST

/* A neighbour announces the site's prefix, or the underlay's own routes have it in them: packets go the same way. */
START_TEST(test_site_rule)
{
	struct prefix site = of("10.64.0.0/10"), site6 = of("fd00::/64"), wide = of("10.0.0.0/8");
	int i;

	OK(route_add(route, 254, &wide, "route1", NULL, &msg));
	OK(route_add(route, 254, &site6, "route1", NULL, &msg));
	OK(route_add(route, TABLE, &site, "route0", NULL, &msg));
	OK(route_add(route, TABLE, &site6, "route0", NULL, &msg));
	OK(route_rules(route, AF_INET, TABLE, MARK, TABLE, true, &msg));
	OK(route_rules(route, AF_INET6, TABLE, MARK, TABLE, true, &msg));
	SHOWS("route get fd00::1", "dev route1");
	for (i = 0; i < 2; i++) {
		OK(route_site_rule(route, &site, TABLE - 1, TABLE, true, &msg));
		OK(route_site_rule(route, &site6, TABLE - 1, TABLE, true, &msg));
	}
	SHOWS("route get 10.64.0.1", "dev route0");
	SHOWS("route get 10.1.0.1", "dev route1");
	SHOWS("route get fd00::1", "dev route0");
	for (i = 0; i < 2; i++) {
		OK(route_site_rule(route, &site, TABLE - 1, TABLE, false, &msg));
		OK(route_site_rule(route, &site6, TABLE - 1, TABLE, false, &msg));
	}
	SHOWS_NOT("rule", "30316:");
	SHOWS_NOT("-6 rule", "30316:");
}
END_TEST

/* @return errno of sending a datagram. */
static int send_to(const char *address, uint32_t mark)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;

	ck_assert_int_eq(inet_pton(AF_INET, address, &to.sin_addr), 1);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)), 0);
	if (sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)) != 1)
		err = errno;
	close(fd);
	return err;
}

/* Where the default route of the table would lead everything, the mark goes past it. */
START_TEST(test_the_mark_goes_past)
{
	struct prefix all = of("0.0.0.0/0"), own = of("10.64.0.7");

	OK(route_address(route, "route0", &own, &msg));
	OK(route_add(route, TABLE, &all, "route0", &own, &msg));
	ck_assert_int_eq(send_to("192.0.2.1", 0), ENETUNREACH);
	OK(route_rules(route, AF_INET, TABLE, MARK, TABLE, true, &msg));
	ck_assert_int_eq(send_to("192.0.2.1", 0), 0);
	ck_assert_int_eq(send_to("192.0.2.1", MARK), ENETUNREACH);
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(came, 1);
	/* What the main table knows better is not for us. */
	ck_assert_int_eq(send_to("127.0.0.1", 0), 0);
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(came, 1);
}
END_TEST

Suite *check_route(void)
{
	Suite *s = suite_create("route");
	TCase *tc = tcase_create("rtnetlink");

	if (!namespace_is_own())
		return s;
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, test_link);
	tcase_add_test(tc, test_addresses);
	tcase_add_test(tc, test_rules);
	tcase_add_test(tc, test_rules_are_not_doubled);
	tcase_add_loop_test(tc, test_a_route, 0, DESTINATIONS);
	tcase_add_test(tc, test_source);
	tcase_add_test(tc, test_unreachable_is_the_last);
	tcase_add_test(tc, test_taking_unreachable_away_leaves_the_rest);
	tcase_add_test(tc, test_flush);
	tcase_add_test(tc, test_prune);
	tcase_add_test(tc, test_site_rule);
	tcase_add_test(tc, test_the_mark_goes_past);
	suite_add_tcase(s, tc);
	return s;
}
