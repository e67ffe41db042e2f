/* The WireGuard driver against the real wireguard-go, and the kernel's where there is one. */
#include "namespace.h"
#include "route_linux.h"
#include "suites_member.h"
#include "wg_internal.h"
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROGRAM "wireguard-go"

#define MANY 2000 /* addresses: more than a message of the kernel's holds */

static struct vmp_msg msg;
static enum wg_engine engine;

static void setup_userspace(void)
{
	engine = WG_USERSPACE;
}

static void setup_kernel(void)
{
	engine = WG_KERNEL;
}

#define OK(call) ck_assert_msg((call) == VMP_OK, "%s: %s", #call, msg.text)

static struct wg *open_one(const char *name)
{
	struct wg *wg = NULL;
	bool made = false;

	OK(wg_open(name, engine, PROGRAM, &wg, &made, &msg));
	ck_assert(made);
	return wg;
}

static struct prefix of(const char *text)
{
	struct prefix prefix;

	OK(prefix_read(text, &prefix, &msg));
	return prefix;
}

static union wg_endpoint endpoint4(const char *address, uint16_t port)
{
	union wg_endpoint endpoint = { .in = { .sin_family = AF_INET, .sin_port = htons(port) } };

	ck_assert_int_eq(inet_pton(AF_INET, address, &endpoint.in.sin_addr), 1);
	return endpoint;
}

/* What wg_each() has told. */
static struct {
	size_t n;
	struct wg_peer last;
	struct prefix allowed[MANY];
} seen;

static int see(void *ctx, const struct wg_peer *peer)
{
	ck_assert_ptr_eq(ctx, &seen);
	ck_assert_uint_le(peer->n_allowed, MANY);
	seen.n++;
	seen.last = *peer;
	if (peer->n_allowed)
		memcpy(seen.allowed, peer->allowed, peer->n_allowed * sizeof(*peer->allowed));
	return VMP_OK;
}

static void look(struct wg *wg)
{
	memset(&seen, 0, sizeof(seen));
	OK(wg_each(wg, see, &seen, &msg));
}

START_TEST(test_a_device_of_its_own)
{
	static const uint8_t key[VMP_COI_SECRET] = { 8, 1, 2, [31] = 64 };
	struct wg *wg = open_one("test0"), *again = NULL;
	bool made = true;

	ck_assert_str_eq(wg_engine_name(wg), engine == WG_KERNEL ? "kernel" : "wireguard-go");
	OK(wg_device_set(wg, key, 51820, 0x766d, &msg));
	look(wg);
	ck_assert_uint_eq(seen.n, 0);
	wg_close(wg);
	/* It lives on, and is found. */
	OK(wg_open("test0", WG_AUTO, "/nonexistent", &again, &made, &msg));
	ck_assert(!made);
	wg_destroy(again);
	ck_assert_int_ne(access("/run/wireguard/test0.sock", F_OK), 0);
	/* With the same name at once. */
	wg_destroy(open_one("test0"));
}
END_TEST

static struct wg_peer full_peer(struct prefix *allowed, size_t n)
{
	struct wg_peer peer = { .key = { 1, 2, 3 },
				.psk = { 4, 5, 6 },
				.endpoint = endpoint4("192.0.2.1", 51820),
				.allowed = allowed,
				.n_allowed = n,
				.keepalive = 25 };

	return peer;
}

START_TEST(test_a_peer)
{
	struct prefix allowed[] = { of("fd00::1"), of("10.64.0.1"), of("0.0.0.0/0"), of("::/0") };
	struct wg_peer peer = full_peer(allowed, 4);
	struct wg *wg = open_one("test1");
	size_t i, j, found = 0;

	OK(wg_peer_set(wg, &peer, WG_PSK | WG_ENDPOINT | WG_ALLOWED | WG_KEEPALIVE, &msg));
	look(wg);
	ck_assert_uint_eq(seen.n, 1);
	ck_assert_mem_eq(seen.last.key, peer.key, VMP_COI_SECRET);
	ck_assert_mem_eq(seen.last.psk, peer.psk, VMP_COI_SECRET);
	ck_assert_mem_eq(&seen.last.endpoint.in, &peer.endpoint.in, sizeof(peer.endpoint.in));
	ck_assert_uint_eq(seen.last.keepalive, 25);
	ck_assert_int_eq(seen.last.handshake, 0);
	ck_assert_uint_eq(seen.last.n_allowed, 4);
	for (i = 0; i < 4; i++) {
		for (j = 0; j < 4; j++)
			found += prefix_equal(&seen.allowed[i], &allowed[j]);
	}
	ck_assert_uint_eq(found, 4);
	wg_destroy(wg);
}
END_TEST

START_TEST(test_only_what_is_to_change_changes)
{
	struct prefix allowed[] = { of("fd00::1"), of("fd00::2") };
	struct wg_peer peer = full_peer(allowed, 2), other = { .key = { 1, 2, 3 }, .psk = { 9 } };
	struct wg *wg = open_one("test2");

	OK(wg_peer_set(wg, &peer, WG_PSK | WG_ENDPOINT | WG_ALLOWED | WG_KEEPALIVE, &msg));
	OK(wg_peer_set(wg, &other, WG_PSK, &msg));
	look(wg);
	ck_assert_mem_eq(seen.last.psk, other.psk, VMP_COI_SECRET);
	ck_assert_uint_eq(seen.last.n_allowed, 2);
	ck_assert_uint_eq(seen.last.keepalive, 25);
	/* One without a family changes nothing. */
	OK(wg_peer_set(wg, &other, WG_EXISTING | WG_ENDPOINT, &msg));
	look(wg);
	ck_assert_int_eq(seen.last.endpoint.sa.sa_family, AF_INET);
	/* Addresses replace. */
	other.allowed = allowed + 1;
	other.n_allowed = 1;
	other.endpoint.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
						    .sin6_port = htons(9),
						    .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	OK(wg_peer_set(wg, &other, WG_EXISTING | WG_ENDPOINT | WG_ALLOWED | WG_KEEPALIVE, &msg));
	look(wg);
	ck_assert_uint_eq(seen.last.n_allowed, 1);
	ck_assert(prefix_equal(&seen.allowed[0], &allowed[1]));
	ck_assert_mem_eq(&seen.last.endpoint.in6, &other.endpoint.in6, sizeof(other.endpoint.in6));
	ck_assert_uint_eq(seen.last.keepalive, 0);
	ck_assert_mem_eq(seen.last.psk, other.psk, VMP_COI_SECRET);
	wg_destroy(wg);
}
END_TEST

START_TEST(test_removed_and_not_there)
{
	struct wg_peer peer = full_peer(NULL, 0), other = { .key = { 7 }, .keepalive = 1 };
	struct wg *wg = open_one("test3");

	OK(wg_peer_set(wg, &peer, WG_PSK, &msg));
	OK(wg_peer_set(wg, &other, WG_EXISTING | WG_KEEPALIVE, &msg));
	look(wg);
	ck_assert_uint_eq(seen.n, 1);
	OK(wg_peer_remove(wg, other.key, &msg));
	OK(wg_peer_remove(wg, peer.key, &msg));
	look(wg);
	ck_assert_uint_eq(seen.n, 0);
	OK(wg_peer_remove(wg, peer.key, &msg));
	wg_destroy(wg);
}
END_TEST

START_TEST(test_many_addresses)
{
	static struct prefix allowed[MANY];
	struct wg_peer peer = full_peer(allowed, MANY);
	struct wg *wg = open_one("test4");
	unsigned i;

	for (i = 0; i < MANY; i++) {
		allowed[i] = of("fd00:aaaa:bbbb:cccc:dddd:eeee:ffff:0");
		allowed[i].address[14] = (uint8_t)(i >> 8);
		allowed[i].address[15] = (uint8_t)i;
	}
	OK(wg_peer_set(wg, &peer, WG_PSK | WG_ALLOWED, &msg));
	look(wg);
	ck_assert_uint_eq(seen.n, 1);
	ck_assert_uint_eq(seen.last.n_allowed, MANY);
	ck_assert_mem_eq(seen.last.psk, peer.psk, VMP_COI_SECRET);
	wg_destroy(wg);
}
END_TEST

/* Each may take away what it sees. */
static int take_away(void *ctx, const struct wg_peer *peer)
{
	OK(wg_peer_remove(ctx, peer->key, &msg));
	return VMP_OK;
}

static int stop(void *ctx, const struct wg_peer *peer)
{
	(void)ctx;
	(void)peer;
	return VMP_EBUSY;
}

START_TEST(test_each_may_change_them)
{
	struct wg *wg = open_one("test5");
	struct wg_peer peer = full_peer(NULL, 0);

	for (peer.key[0] = 1; peer.key[0] <= 200; peer.key[0]++)
		OK(wg_peer_set(wg, &peer, WG_PSK, &msg));
	look(wg);
	ck_assert_uint_eq(seen.n, 200);
	ck_assert_int_eq(wg_each(wg, stop, NULL, &msg), VMP_EBUSY);
	OK(wg_each(wg, take_away, wg, &msg));
	look(wg);
	ck_assert_uint_eq(seen.n, 0);
	wg_destroy(wg);
}
END_TEST

START_TEST(test_no_peer_without_a_key)
{
	struct wg_peer peer = full_peer(NULL, 0);
	struct wg *wg = open_one("test6");

	ck_assert_int_eq(wg_peer_set(wg, &peer, WG_ENDPOINT, &msg), VMP_EINVAL);
	memset(peer.psk, 0, sizeof(peer.psk));
	ck_assert_int_eq(wg_peer_set(wg, &peer, WG_PSK, &msg), VMP_EINVAL);
	ck_assert_int_eq(wg_peer_set(wg, &peer, WG_PSK | WG_EXISTING, &msg), VMP_EINVAL);
	look(wg);
	ck_assert_uint_eq(seen.n, 0);
	wg_destroy(wg);
}
END_TEST

START_TEST(test_names_that_are_none)
{
	static const char *const wrong[] = { "",    "-v", "a/b",  "../x",      "sixteen-letters-",
					     "a b", ".",  "wg\n", "wg\xc3\xa9" };
	struct wg *wg = NULL;
	bool made;

	ck_assert_int_eq(wg_open(wrong[_i], WG_AUTO, PROGRAM, &wg, &made, &msg), VMP_EINVAL);
	ck_assert_ptr_null(wg);
}
END_TEST

START_TEST(test_no_engine)
{
	struct wg *wg = NULL;
	bool made;

	ck_assert_int_eq(wg_open("test7", WG_USERSPACE, "no-such-program", &wg, &made, &msg), VMP_ENOENT);
	ck_assert_ptr_nonnull(strstr(msg.text, "no-such-program"));
	ck_assert_int_eq(wg_open("test7", WG_USERSPACE, "false", &wg, &made, &msg), VMP_EIO);
	ck_assert_ptr_null(wg);
}
END_TEST

START_TEST(test_the_name_is_somebody_elses)
{
	struct wg *wg = NULL;
	bool made;

	ck_assert_int_eq(wg_open("lo", WG_AUTO, PROGRAM, &wg, &made, &msg), VMP_EEXIST);
	ck_assert_ptr_nonnull(strstr(msg.text, "lo is there"));
	/* A socket that serves an interface elsewhere. */
	wg_close(open_one("test8"));
	ck_assert_int_eq(rename("/run/wireguard/test8.sock", "/run/wireguard/test9.sock"), 0);
	ck_assert_int_eq(wg_open("test9", WG_USERSPACE, PROGRAM, &wg, &made, &msg), VMP_EIO);
	ck_assert_ptr_nonnull(strstr(msg.text, "another network namespace"));
	ck_assert_ptr_null(wg);
}
END_TEST

/* -- packets: two interfaces in one machine; which of them an address is on is for wireguard-go alone ---- */
struct end {
	struct wg *wg;
	uint8_t private_key[VMP_COI_SECRET], public_key[VMP_COI_SECRET];
	struct prefix inner;
	union wg_endpoint endpoint;
	int fd; /* bound to its interface and address */
};

static void end_up(struct end *end, struct route *route, const char *name, const char *inner, uint16_t port)
{
	end->wg = open_one(name);
	OK(vmp_coi_private_new(end->private_key));
	OK(vmp_coi_public(end->private_key, end->public_key));
	OK(wg_device_set(end->wg, end->private_key, port, 0, &msg));
	OK(route_link_up(route, name, 1420, &msg));
	end->inner = of(inner);
	end->endpoint = endpoint4("127.0.0.1", port);
	end->fd = wire_open(name);
}

static void end_meets(struct end *end, const struct end *other, uint8_t secret)
{
	struct wg_peer peer = {
		.psk = { secret }, .endpoint = other->endpoint, .allowed = &other->inner, .n_allowed = 1
	};

	memcpy(peer.key, other->public_key, sizeof(peer.key));
	OK(wg_peer_set(end->wg, &peer, WG_PSK | WG_ENDPOINT | WG_ALLOWED, &msg));
}

START_TEST(test_they_talk)
{
	struct end a, b;
	struct route *route = NULL;

	OK(route_open(&route, &msg));
	end_up(&a, route, "talka", "10.64.0.1", 51821);
	end_up(&b, route, "talkb", "10.64.0.2", 51822);
	end_meets(&b, &a, 1);
	end_meets(&a, &b, 1);
	ck_assert(wire_passes(a.fd, b.fd, &a.inner, &b.inner, 5000));
	look(a.wg);
	ck_assert_uint_gt(seen.last.sent, 0);
	ck_assert_int_gt(seen.last.handshake, 1500000000);
	/* Another address is not taken from it. */
	ck_assert(!wire_passes(a.fd, b.fd, &b.inner, &b.inner, 200));
	/* A removed peer is gone when the call returns. */
	OK(wg_peer_remove(b.wg, a.public_key, &msg));
	ck_assert(!wire_passes(a.fd, b.fd, &a.inner, &b.inner, 300));
	wg_destroy(a.wg);
	wg_destroy(b.wg);
	route_close(route);
	close(a.fd);
	close(b.fd);
}
END_TEST

START_TEST(test_other_secrets_do_not)
{
	struct end a, b;
	struct route *route = NULL;

	OK(route_open(&route, &msg));
	end_up(&a, route, "othera", "10.64.0.1", 51823);
	end_up(&b, route, "otherb", "10.64.0.2", 51824);
	end_meets(&b, &a, 1);
	end_meets(&a, &b, 2);
	ck_assert(!wire_passes(a.fd, b.fd, &a.inner, &b.inner, 500));
	/* The same from now on: the handshake is repeated every five seconds. */
	end_meets(&b, &a, 2);
	ck_assert(wire_passes(a.fd, b.fd, &a.inner, &b.inner, 12000));
	wg_destroy(a.wg);
	wg_destroy(b.wg);
	route_close(route);
	close(a.fd);
	close(b.fd);
}
END_TEST

static bool kernel_has_it(void)
{
	struct wg *wg = NULL;

	return wg_kernel.find("nothere", &wg, &msg) == VMP_ENOENT && strstr(msg.text, "no interface") != NULL;
}

static void add_engine(Suite *s, const char *name, void (*setup)(void))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_a_device_of_its_own);
	tcase_add_test(tc, test_a_peer);
	tcase_add_test(tc, test_only_what_is_to_change_changes);
	tcase_add_test(tc, test_removed_and_not_there);
	tcase_add_test(tc, test_many_addresses);
	tcase_add_test(tc, test_each_may_change_them);
	tcase_add_test(tc, test_no_peer_without_a_key);
	tcase_add_test(tc, test_they_talk);
	tcase_add_test(tc, test_other_secrets_do_not);
	suite_add_tcase(s, tc);
}

Suite *check_wg(void)
{
	Suite *s = suite_create("wg");
	TCase *tc = tcase_create("names"), *trouble = tcase_create("trouble");

	tcase_add_loop_test(tc, test_names_that_are_none, 0, 9);
	suite_add_tcase(s, tc);
	if (!namespace_is_own())
		return s;
	tcase_set_timeout(trouble, 30);
	tcase_add_checked_fixture(trouble, setup_userspace, NULL);
	tcase_add_test(trouble, test_no_engine);
	tcase_add_test(trouble, test_the_name_is_somebody_elses);
	suite_add_tcase(s, trouble);
	add_engine(s, "wireguard-go", setup_userspace);
	if (kernel_has_it())
		add_engine(s, "kernel", setup_kernel);
	return s;
}
