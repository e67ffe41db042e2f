/* The TUN interface that says whom somebody wants to talk to: real sockets, and packets at a second interface. */
#include "namespace.h"
#include "need_linux.h"
#include "route_linux.h"
#include "suites_member.h"
#include "wg_process.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/ip.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAIN 254

static struct vmp_msg msg;
static struct route *route;
static struct event_base *base;

struct side {
	struct need *need;
	unsigned came;
	struct prefix to, from;
	uint8_t packet[2048];
	size_t len;
};
static struct side near, far; /* where packets for machines that are no peers go; where others go */

#define OK(call) ck_assert_msg((call) == VMP_OK, "%s: %s", #call, msg.text)

static struct prefix of(const char *text)
{
	struct prefix prefix;

	OK(prefix_read(text, &prefix, &msg));
	return prefix;
}

static void take(void *ctx, const struct prefix *to, const struct prefix *from, const uint8_t *packet, size_t len)
{
	struct side *side = ctx;

	side->came++;
	side->to = *to;
	side->from = *from;
	side->len = len;
	if (len <= sizeof(side->packet))
		memcpy(side->packet, packet, len);
}

static const char *const own[] = { "10.64.0.1", "fd00::1" }, *const other[] = { "10.64.0.2", "fd00::2" };

/* The kernel puts an address into its tables a moment after it has taken it. */
static void await_own6(void)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET6, own[1], &to.sin6_addr);
	while (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0)
		wg_process_pause();
	close(fd);
}

static void setup(void)
{
	struct prefix address;
	int i;

	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	OK(route_open(&route, &msg));
	OK(need_open(base, "need0", 1420, take, &near, &near.need, &msg));
	OK(need_open(base, "need1", 1420, take, &far, &far.need, &msg));
	for (i = 0; i < 2; i++) {
		address = of(own[i]);
		OK(route_address(route, "need1", &address, &msg));
		address = of(other[i]);
		OK(route_add(route, MAIN, &address, "need0", NULL, &msg));
	}
	await_own6();
	/* What has come meanwhile of the kernel's own is no machine's. */
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(near.came + far.came, 0);
}

static void teardown(void)
{
	need_close(near.need);
	need_close(far.need);
	route_close(route);
	event_base_free(base);
}

/* Until so many have come; the kernel's own to groups are none. */
static void await(const struct side *side, unsigned n)
{
	while (side->came < n)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_eq(side->came, n);
}

static socklen_t address_of(int six, uint16_t port, struct sockaddr_in6 *out)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (six) {
		*out = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
		inet_pton(AF_INET6, other[1], &out->sin6_addr);
		return sizeof(*out);
	}
	inet_pton(AF_INET, other[0], &four.sin_addr);
	memcpy(out, &four, sizeof(four));
	return sizeof(four);
}

/* A connection that is being made: non-blocking. */
static int connect_to(int six, int type)
{
	int fd = socket(six ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in6 to;
	socklen_t size = address_of(six, 4000, &to);

	ck_assert(connect(fd, (const struct sockaddr *)&to, size) == 0 || errno == EINPROGRESS);
	return fd;
}

static int error_of(int fd)
{
	struct pollfd one = { .fd = fd }; /* for errors alone */
	socklen_t size = sizeof(int);
	int err = 0;

	ck_assert_int_eq(poll(&one, 1, 2000), 1);
	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size), 0);
	return err;
}

START_TEST(test_somebody_wants_to_talk)
{
	struct prefix a = of(own[_i]), b = of(other[_i]);
	int fd = connect_to(_i, SOCK_STREAM);

	await(&near, 1);
	ck_assert(prefix_equal(&near.to, &b) && prefix_equal(&near.from, &a));
	close(fd);
}
END_TEST

START_TEST(test_sent_again_by_another_way)
{
	struct prefix b = of(other[_i]);
	int fd = connect_to(_i, SOCK_DGRAM);
	size_t head = _i ? 40 : 20;

	ck_assert_int_eq(send(fd, "first words", 11, 0), 11);
	await(&near, 1);
	OK(route_add(route, MAIN, &b, "need1", NULL, &msg));
	OK(need_send(near.need, near.packet, near.len, &msg));
	await(&far, 1);
	ck_assert_uint_eq(near.came, 1);
	ck_assert_uint_eq(far.len, near.len);
	/* All of it, with the checksum that its sender has given it. */
	ck_assert_mem_eq(far.packet + head, near.packet + head, far.len - head);
	ck_assert_mem_eq(far.packet + far.len - 11, "first words", 11);
	ck_assert(prefix_equal(&far.to, &near.to) && prefix_equal(&far.from, &near.from));
	close(fd);
}
END_TEST

START_TEST(test_refused_at_once)
{
	struct prefix a = of(own[_i]);
	int fd = connect_to(_i, SOCK_STREAM);

	await(&near, 1);
	need_refuse(near.need, &a, near.packet, near.len);
	ck_assert_int_eq(error_of(fd), _i ? EACCES : EHOSTUNREACH);
	close(fd);
}
END_TEST

START_TEST(test_datagrams_are_refused_too)
{
	struct prefix a = of(own[_i]);
	int fd = connect_to(_i, SOCK_DGRAM);

	ck_assert_int_eq(send(fd, "x", 1, 0), 1);
	await(&near, 1);
	need_refuse(near.need, &a, near.packet, near.len);
	ck_assert_int_eq(error_of(fd), _i ? EACCES : EHOSTUNREACH);
	close(fd);
}
END_TEST

START_TEST(test_refusals_have_a_limit)
{
	int fd = connect_to(0, SOCK_DGRAM),
	    icmp = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP);
	struct prefix a = of(own[0]);
	uint8_t packet[2048];
	int i, got = 0;

	ck_assert_int_eq(send(fd, "x", 1, 0), 1);
	await(&near, 1);
	for (i = 0; i < 1000; i++)
		need_refuse(near.need, &a, near.packet, near.len);
	while (recv(icmp, packet, sizeof(packet), 0) > 0)
		got++;
	ck_assert_int_ge(got, 100);
	ck_assert_int_le(got, 200);
	close(fd);
	close(icmp);
}
END_TEST

START_TEST(test_many_leave_time_for_others)
{
	int fd = connect_to(0, SOCK_DGRAM), i;

	for (i = 0; i < 150; i++)
		ck_assert_int_eq(send(fd, "x", 1, 0), 1);
	while (near.came == 0)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_uint_eq(near.came, 64);
	await(&near, 150);
	close(fd);
}
END_TEST

START_TEST(test_what_is_no_packet)
{
	uint8_t packet[40] = { 0x45 };

	ck_assert_int_eq(need_send(near.need, packet, sizeof(packet), &msg), VMP_EINVAL);
	ck_assert_int_eq(need_send(near.need, packet, 0, &msg), VMP_EINVAL);
}
END_TEST

START_TEST(test_no_way)
{
	int fd = connect_to(0, SOCK_DGRAM);
	struct prefix b = of(other[0]);

	ck_assert_int_eq(send(fd, "x", 1, 0), 1);
	await(&near, 1);
	OK(route_del(route, MAIN, &b, "need0", &msg));
	ck_assert_int_eq(need_send(near.need, near.packet, near.len, &msg), VMP_EIO);
	ck_assert_ptr_nonnull(strstr(msg.text, "10.64.0.2"));
	close(fd);
}
END_TEST

START_TEST(test_groups_are_nobody)
{
	struct prefix all = of("224.0.0.0/4");
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(5353) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), b;

	OK(route_add(route, MAIN, &all, "need0", NULL, &msg));
	inet_pton(AF_INET, "224.0.0.251", &to.sin_addr);
	ck_assert_int_eq(sendto(fd, "x", 1, 0, (const struct sockaddr *)&to, sizeof(to)), 1);
	b = connect_to(0, SOCK_DGRAM);
	ck_assert_int_eq(send(b, "y", 1, 0), 1);
	await(&near, 1);
	ck_assert_uint_eq(near.packet[near.len - 1], 'y');
	close(fd);
	close(b);
}
END_TEST

/* A descriptor that is readable for ever would keep the processor busy. */
START_TEST(test_the_interface_is_taken_away)
{
	OK(route_link_del(route, "need0", &msg));
	/* What is logged of it. */
	ck_assert_ptr_nonnull(freopen("/dev/null", "we", stderr));
	event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(event_base_loop(base, EVLOOP_NONBLOCK), 0);
	ck_assert_int_eq(event_base_get_num_events(base, EVENT_BASE_COUNT_ADDED), 1);
}
END_TEST

START_TEST(test_names)
{
	struct need *need = NULL;

	ck_assert_int_eq(need_open(base, "a-name-of-sixteen", 0, take, NULL, &need, &msg), VMP_EINVAL);
	/* Somebody has it. */
	ck_assert_int_ne(need_open(base, "need0", 0, take, NULL, &need, &msg), VMP_OK);
	ck_assert_ptr_nonnull(strstr(msg.text, "need0"));
	ck_assert_ptr_null(need);
}
END_TEST

Suite *check_need(void)
{
	Suite *s = suite_create("need");
	TCase *tc = tcase_create("tun");

	if (!namespace_is_own())
		return s;
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_loop_test(tc, test_somebody_wants_to_talk, 0, 2);
	tcase_add_loop_test(tc, test_sent_again_by_another_way, 0, 2);
	tcase_add_loop_test(tc, test_refused_at_once, 0, 2);
	tcase_add_loop_test(tc, test_datagrams_are_refused_too, 0, 2);
	tcase_add_test(tc, test_refusals_have_a_limit);
	tcase_add_test(tc, test_many_leave_time_for_others);
	tcase_add_test(tc, test_what_is_no_packet);
	tcase_add_test(tc, test_no_way);
	tcase_add_test(tc, test_groups_are_nobody);
	tcase_add_test(tc, test_the_interface_is_taken_away);
	tcase_add_test(tc, test_names);
	suite_add_tcase(s, tc);
	return s;
}
