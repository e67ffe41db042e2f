/* Messages of the kernel's WireGuard, read by a parser of the tests' own that takes nothing that the kernel's would
 * not. */
#include "suites_member.h"
#include "wg_message_linux.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 8192
#define HEAD sizeof(struct nlmsghdr)

static _Alignas(8) uint8_t buffer[ROOM];
static struct nlmsghdr *message;

/* -- what a message says ------------------------------------------------------------------------------- */
struct said {
	const char *name;
	bool has_device, has_peer, has_psk, has_endpoint, has_keepalive, has_allowed;
	const uint8_t *private_key, *key, *psk, *endpoint;
	size_t endpoint_len;
	uint16_t port, keepalive;
	uint32_t mark, flags;
	struct prefix allowed[600];
	size_t n_allowed;
};
static struct said said;

typedef void (*take_fn)(unsigned type, bool nested, const uint8_t *data, size_t len);

/* Each attribute whole, aligned, padded with zeros, and no other behind it. */
static void each(const uint8_t *at, size_t left, bool unique, take_fn take)
{
	uint32_t seen = 0;

	while (left > 0) {
		struct nlattr head;
		size_t aligned, i;
		unsigned type;

		ck_assert_uint_ge(left, sizeof(head));
		memcpy(&head, at, sizeof(head));
		aligned = (head.nla_len + 3u) & ~3u;
		type = (unsigned)mnl_attr_get_type(&head);
		ck_assert_uint_ge(head.nla_len, sizeof(head));
		ck_assert_uint_le(aligned, left);
		ck_assert_uint_lt(type, 32);
		ck_assert(!unique || !(seen & 1u << type));
		seen |= 1u << type;
		for (i = head.nla_len; i < aligned; i++)
			ck_assert_uint_eq(at[i], 0);
		take(type, head.nla_type & NLA_F_NESTED, at + sizeof(head), head.nla_len - sizeof(head));
		at += aligned;
		left -= aligned;
	}
}

static uint16_t u16(const uint8_t *data, size_t len)
{
	uint16_t n;

	ck_assert_uint_eq(len, sizeof(n));
	memcpy(&n, data, sizeof(n));
	return n;
}

static uint32_t u32(const uint8_t *data, size_t len)
{
	uint32_t n;

	ck_assert_uint_eq(len, sizeof(n));
	memcpy(&n, data, sizeof(n));
	return n;
}

static const uint8_t *key_of(const uint8_t *data, size_t len)
{
	ck_assert_uint_eq(len, WG_KEY_LEN);
	return data;
}

static void take_allowed_attr(unsigned type, bool nested, const uint8_t *data, size_t len)
{
	struct prefix *allowed = &said.allowed[said.n_allowed];

	ck_assert(!nested);
	if (type == WGALLOWEDIP_A_FAMILY) {
		allowed->family = (uint8_t)u16(data, len);
	} else if (type == WGALLOWEDIP_A_IPADDR) {
		ck_assert_uint_eq(len, allowed->family == AF_INET ? 4 : 16);
		memcpy(allowed->address, data, len);
	} else {
		ck_assert_uint_eq(type, WGALLOWEDIP_A_CIDR_MASK);
		ck_assert_uint_eq(len, 1);
		allowed->bits = *data;
	}
}

static void take_allowed(unsigned type, bool nested, const uint8_t *data, size_t len)
{
	ck_assert_uint_eq(type, 0);
	ck_assert(nested);
	each(data, len, true, take_allowed_attr);
	said.n_allowed++;
}

static void take_peer_attr(unsigned type, bool nested, const uint8_t *data, size_t len)
{
	ck_assert(nested == (type == WGPEER_A_ALLOWEDIPS));
	switch (type) {
	case WGPEER_A_PUBLIC_KEY:
		said.key = key_of(data, len);
		break;
	case WGPEER_A_PRESHARED_KEY:
		said.psk = key_of(data, len);
		break;
	case WGPEER_A_FLAGS:
		said.flags = u32(data, len);
		break;
	case WGPEER_A_ENDPOINT:
		said.endpoint = data;
		said.endpoint_len = len;
		break;
	case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL:
		said.has_keepalive = true;
		said.keepalive = u16(data, len);
		break;
	case WGPEER_A_ALLOWEDIPS:
		said.has_allowed = true;
		each(data, len, false, take_allowed);
		break;
	default:
		ck_abort_msg("attribute %u of a peer", type);
	}
}

static void take_peer(unsigned type, bool nested, const uint8_t *data, size_t len)
{
	ck_assert_uint_eq(type, 0);
	ck_assert(nested);
	ck_assert(!said.has_peer);
	said.has_peer = true;
	each(data, len, true, take_peer_attr);
}

static void take_device_attr(unsigned type, bool nested, const uint8_t *data, size_t len)
{
	ck_assert(nested == (type == WGDEVICE_A_PEERS));
	switch (type) {
	case WGDEVICE_A_IFNAME:
		ck_assert_uint_eq(data[len - 1], 0);
		said.name = (const char *)data;
		break;
	case WGDEVICE_A_PRIVATE_KEY:
		said.private_key = key_of(data, len);
		break;
	case WGDEVICE_A_LISTEN_PORT:
		said.port = u16(data, len);
		break;
	case WGDEVICE_A_FWMARK:
		said.mark = u32(data, len);
		break;
	case WGDEVICE_A_PEERS:
		each(data, len, false, take_peer);
		break;
	default:
		ck_abort_msg("attribute %u of a device", type);
	}
}

/* The request, as the kernel would read it. */
static void hear(void)
{
	const uint8_t *payload = mnl_nlmsg_get_payload(message);
	struct genlmsghdr head;

	memset(&said, 0, sizeof(said));
	ck_assert_uint_le(message->nlmsg_len, WG_MESSAGE + 256);
	ck_assert_uint_eq(message->nlmsg_len % 4, 0);
	memcpy(&head, payload, sizeof(head));
	ck_assert_uint_eq(head.cmd, WG_CMD_SET_DEVICE);
	ck_assert_uint_eq(head.version, 1);
	ck_assert_uint_eq(head.reserved, 0);
	each(payload + sizeof(head), message->nlmsg_len - HEAD - sizeof(head), true, take_device_attr);
	ck_assert_str_eq(said.name, "vmprov0");
}

static void begin(void)
{
	/* As netlink_request() gives it: libmnl leaves what is between attributes as it was. */
	memset(buffer, 0, sizeof(buffer));
	message = mnl_nlmsg_put_header(buffer);
	wg_message_begin(message, WG_CMD_SET_DEVICE, "vmprov0");
}

/* -- requests ------------------------------------------------------------------------------------------ */
START_TEST(test_device)
{
	static const uint8_t key[WG_KEY_LEN] = { 1, 2, 3 };

	begin();
	wg_message_device(message, key, 51820, 0x766d);
	hear();
	ck_assert_mem_eq(said.private_key, key, WG_KEY_LEN);
	ck_assert_uint_eq(said.port, 51820);
	ck_assert_uint_eq(said.mark, 0x766d);
	ck_assert(!said.has_peer);
}
END_TEST

START_TEST(test_remove)
{
	static const uint8_t key[WG_KEY_LEN] = { 1, 2, 3 };

	begin();
	wg_message_remove(message, key);
	hear();
	ck_assert_mem_eq(said.key, key, WG_KEY_LEN);
	ck_assert_uint_eq(said.flags, WGPEER_F_REMOVE_ME);
	ck_assert_ptr_null(said.psk);
	ck_assert(!said.has_allowed);
}
END_TEST

static struct prefix some[600];
static struct wg_peer peer = { .key = { 1 }, .psk = { 2 }, .keepalive = 25, .allowed = some };

static void setup(void)
{
	size_t i;

	for (i = 0; i < 600; i++) {
		some[i] = (struct prefix){ .family = i % 2 ? AF_INET : AF_INET6,
					   .bits = i % 2 ? 32 : 128,
					   .address = { 10, 64, (uint8_t)(i >> 8), (uint8_t)i } };
	}
	peer.n_allowed = 3;
	peer.endpoint.in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = 7 };
}

START_TEST(test_a_peer)
{
	size_t i;

	begin();
	ck_assert_uint_eq(wg_message_peer(message, &peer, WG_PSK | WG_ENDPOINT | WG_ALLOWED | WG_KEEPALIVE, 0), 3);
	hear();
	ck_assert_mem_eq(said.key, peer.key, WG_KEY_LEN);
	ck_assert_mem_eq(said.psk, peer.psk, WG_KEY_LEN);
	ck_assert_uint_eq(said.flags, WGPEER_F_REPLACE_ALLOWEDIPS);
	ck_assert_uint_eq(said.endpoint_len, sizeof(struct sockaddr_in));
	ck_assert_mem_eq(said.endpoint, &peer.endpoint, sizeof(struct sockaddr_in));
	ck_assert_uint_eq(said.keepalive, 25);
	ck_assert_uint_eq(said.n_allowed, 3);
	for (i = 0; i < 3; i++)
		ck_assert(prefix_equal(&said.allowed[i], &some[i]));
}
END_TEST

START_TEST(test_only_what_is_to_change)
{
	begin();
	ck_assert_uint_eq(wg_message_peer(message, &peer, WG_PSK | WG_EXISTING, 0), peer.n_allowed);
	hear();
	ck_assert_ptr_nonnull(said.psk);
	ck_assert_uint_eq(said.flags, WGPEER_F_UPDATE_ONLY);
	ck_assert(!said.has_allowed && !said.has_keepalive);
	ck_assert_ptr_null(said.endpoint);
	peer.endpoint.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = 7 };
	begin();
	(void)wg_message_peer(message, &peer, WG_ENDPOINT | WG_EXISTING, 0);
	hear();
	ck_assert_ptr_null(said.psk);
	ck_assert_uint_eq(said.endpoint_len, sizeof(struct sockaddr_in6));
}
END_TEST

START_TEST(test_no_addresses_any_more)
{
	peer.n_allowed = 0;
	begin();
	ck_assert_uint_eq(wg_message_peer(message, &peer, WG_ALLOWED | WG_EXISTING, 0), 0);
	hear();
	ck_assert_uint_eq(said.flags, WGPEER_F_UPDATE_ONLY | WGPEER_F_REPLACE_ALLOWEDIPS);
	ck_assert(said.has_allowed);
	ck_assert_uint_eq(said.n_allowed, 0);
}
END_TEST

/* All of them, none twice; only the first message replaces, sets the rest, and may make the peer. */
START_TEST(test_more_addresses_than_a_message_holds)
{
	size_t at = 0, before, i;
	unsigned messages = 0;

	peer.n_allowed = 600;
	do {
		before = at;
		begin();
		at = wg_message_peer(message, &peer, WG_PSK | WG_ENDPOINT | WG_ALLOWED | WG_KEEPALIVE, at);
		hear();
		ck_assert_uint_gt(at, before);
		ck_assert_uint_eq(said.n_allowed, at - before);
		for (i = before; i < at; i++)
			ck_assert(prefix_equal(&said.allowed[i - before], &some[i]));
		ck_assert_uint_eq(said.flags, before ? WGPEER_F_UPDATE_ONLY : WGPEER_F_REPLACE_ALLOWEDIPS);
		ck_assert((said.psk == NULL) == (before > 0));
		ck_assert((said.endpoint == NULL) == (before > 0));
		ck_assert(said.has_keepalive == (before == 0));
		messages++;
	} while (at < 600);
	ck_assert_uint_gt(messages, 2);
}
END_TEST

/* -- answers ------------------------------------------------------------------------------------------- */
static struct wg_list list;

static void begin_answer(void)
{
	memset(buffer, 0, sizeof(buffer));
	message = mnl_nlmsg_put_header(buffer);
	wg_message_begin(message, WG_CMD_GET_DEVICE, "vmprov0");
}

static void clear(void)
{
	wg_list_clear(&list);
}

static void put_allowed(const struct prefix *allowed)
{
	struct nlattr *nest = mnl_attr_nest_start(message, 0);

	mnl_attr_put_u8(message, WGALLOWEDIP_A_CIDR_MASK, allowed->bits);
	mnl_attr_put_u16(message, WGALLOWEDIP_A_FAMILY, allowed->family);
	mnl_attr_put(message, WGALLOWEDIP_A_IPADDR, allowed->family == AF_INET ? 4 : 16, allowed->address);
	mnl_attr_nest_end(message, nest);
}

/* @param whole  with all that is told of it, as in its first message. */
static void put_peer(uint8_t key, bool whole, size_t from, size_t to)
{
	static const struct {
		int64_t s, ns;
	} at = { 1795417837, 5 };
	static const uint8_t secret[WG_KEY_LEN] = { 9 };
	struct nlattr *one = mnl_attr_nest_start(message, 0), *nest;
	uint8_t public_key[WG_KEY_LEN] = { key };

	mnl_attr_put(message, WGPEER_A_PUBLIC_KEY, WG_KEY_LEN, public_key);
	if (whole) {
		mnl_attr_put(message, WGPEER_A_PRESHARED_KEY, WG_KEY_LEN, secret);
		mnl_attr_put(message, WGPEER_A_LAST_HANDSHAKE_TIME, sizeof(at), &at);
		mnl_attr_put_u16(message, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, 25);
		mnl_attr_put_u64(message, WGPEER_A_TX_BYTES, UINT64_MAX);
		mnl_attr_put_u64(message, WGPEER_A_RX_BYTES, 12);
		mnl_attr_put_u32(message, WGPEER_A_PROTOCOL_VERSION, 1);
		mnl_attr_put(message, WGPEER_A_ENDPOINT, sizeof(peer.endpoint.in), &peer.endpoint.in);
	}
	nest = mnl_attr_nest_start(message, WGPEER_A_ALLOWEDIPS);
	for (; from < to; from++)
		put_allowed(&some[from]);
	mnl_attr_nest_end(message, nest);
	mnl_attr_nest_end(message, one);
}

START_TEST(test_a_dump_of_two_messages)
{
	struct nlattr *peers;
	size_t i;

	begin_answer();
	peers = mnl_attr_nest_start(message, WGDEVICE_A_PEERS);
	put_peer(1, true, 0, 2);
	put_peer(2, true, 2, 5);
	mnl_attr_nest_end(message, peers);
	ck_assert_int_eq(wg_message_read(message, &list), 0);
	begin_answer();
	peers = mnl_attr_nest_start(message, WGDEVICE_A_PEERS);
	/* More of the last one; what was told stays. */
	put_peer(2, false, 5, 9);
	put_peer(3, true, 9, 9);
	mnl_attr_nest_end(message, peers);
	ck_assert_int_eq(wg_message_read(message, &list), 0);
	wg_list_end(&list);
	ck_assert_uint_eq(list.n, 3);
	ck_assert_uint_eq(list.peer[0].n_allowed, 2);
	ck_assert_uint_eq(list.peer[1].n_allowed, 7);
	ck_assert_uint_eq(list.peer[2].n_allowed, 0);
	for (i = 0; i < 7; i++)
		ck_assert(prefix_equal(&list.peer[1].allowed[i], &some[i + 2]));
	ck_assert_uint_eq(list.peer[1].psk[0], 9);
	ck_assert_int_eq(list.peer[1].handshake, 1795417837);
	ck_assert_uint_eq(list.peer[1].sent, UINT64_MAX);
	ck_assert_uint_eq(list.peer[1].received, 12);
	ck_assert_uint_eq(list.peer[1].keepalive, 25);
	ck_assert_int_eq(list.peer[1].endpoint.sa.sa_family, AF_INET);
}
END_TEST

START_TEST(test_no_peers)
{
	begin_answer();
	mnl_attr_put_u16(message, WGDEVICE_A_LISTEN_PORT, 51820);
	ck_assert_int_eq(wg_message_read(message, &list), 0);
	ck_assert_uint_eq(list.n, 0);
}
END_TEST

static void write_one(void)
{
	struct nlattr *peers;

	begin_answer();
	peers = mnl_attr_nest_start(message, WGDEVICE_A_PEERS);
	put_peer(1, true, 0, 4);
	mnl_attr_nest_end(message, peers);
}

/* Cut at any place, it is not read beyond its end, and is no answer: only between two attributes of the device is one.
 */
START_TEST(test_cut)
{
	size_t whole, n;
	uint8_t *copy;

	write_one();
	whole = message->nlmsg_len;
	for (n = HEAD; n < whole; n++) {
		copy = malloc(n);
		ck_assert_ptr_nonnull(copy);
		memcpy(copy, buffer, n);
		((struct nlmsghdr *)(void *)copy)->nlmsg_len = (uint32_t)n;
		if (n > HEAD + 16)
			ck_assert_int_eq(wg_message_read((struct nlmsghdr *)(void *)copy, &list), -EBADMSG);
		else
			(void)!wg_message_read((struct nlmsghdr *)(void *)copy, &list);
		ck_assert_uint_eq(list.n, 0);
		free(copy);
	}
}
END_TEST

/* The length of any attribute is another one. */
START_TEST(test_lengths)
{
	size_t i, whole;
	unsigned wrong = 0;

	write_one();
	whole = message->nlmsg_len;
	for (i = HEAD + 4; i < whole; i += 4) {
		uint16_t len;

		for (len = 0; len < 64; len++) {
			write_one();
			memcpy(buffer + i, &len, sizeof(len));
			wrong += wg_message_read(message, &list) != 0;
			wg_list_clear(&list);
		}
	}
	ck_assert_uint_gt(wrong, 0);
}
END_TEST

static void put_one(uint16_t type, size_t len, const void *data)
{
	struct nlattr *peers, *one;
	uint8_t key[WG_KEY_LEN] = { 1 };

	begin_answer();
	peers = mnl_attr_nest_start(message, WGDEVICE_A_PEERS);
	one = mnl_attr_nest_start(message, 0);
	if (type != WGPEER_A_PUBLIC_KEY)
		mnl_attr_put(message, WGPEER_A_PUBLIC_KEY, WG_KEY_LEN, key);
	mnl_attr_put(message, type, len, data);
	mnl_attr_nest_end(message, one);
	mnl_attr_nest_end(message, peers);
}

START_TEST(test_wrong_contents)
{
	static const uint8_t zeros[64] = { 0 };
	struct sockaddr_in in = { .sin_family = AF_INET };

	put_one(WGPEER_A_PUBLIC_KEY, 31, zeros);
	ck_assert_int_eq(wg_message_read(message, &list), -EBADMSG);
	put_one(WGPEER_A_PRESHARED_KEY, 33, zeros);
	ck_assert_int_eq(wg_message_read(message, &list), -EBADMSG);
	put_one(WGPEER_A_ENDPOINT, sizeof(in), zeros);
	ck_assert_int_eq(wg_message_read(message, &list), -EBADMSG);
	put_one(WGPEER_A_ENDPOINT, sizeof(in) - 1, &in);
	ck_assert_int_eq(wg_message_read(message, &list), -EBADMSG);
	put_one(WGPEER_A_ENDPOINT, 0, &in);
	ck_assert_int_eq(wg_message_read(message, &list), -EBADMSG);
	put_one(WGPEER_A_ENDPOINT, sizeof(in), &in);
	ck_assert_int_eq(wg_message_read(message, &list), 0);
	/* Newer kernels may tell more. */
	put_one(30, 7, zeros);
	ck_assert_int_eq(wg_message_read(message, &list), 0);
}
END_TEST

static const struct prefix no_prefixes[] = { { .family = AF_INET, .bits = 33 },
					     { .family = AF_INET6, .bits = 129 },
					     { .family = AF_UNIX, .bits = 1 },
					     { .family = 0, .bits = 0 } };

START_TEST(test_no_prefixes)
{
	struct nlattr *peers;

	some[0] = no_prefixes[_i];
	begin_answer();
	peers = mnl_attr_nest_start(message, WGDEVICE_A_PEERS);
	put_peer(1, true, 0, 1);
	mnl_attr_nest_end(message, peers);
	ck_assert_int_eq(wg_message_read(message, &list), -EBADMSG);
}
END_TEST

Suite *check_wg_message(void)
{
	Suite *s = suite_create("wg_message");
	TCase *requests = tcase_create("requests"), *answers = tcase_create("answers");

	tcase_add_checked_fixture(requests, setup, NULL);
	tcase_add_test(requests, test_device);
	tcase_add_test(requests, test_remove);
	tcase_add_test(requests, test_a_peer);
	tcase_add_test(requests, test_only_what_is_to_change);
	tcase_add_test(requests, test_no_addresses_any_more);
	tcase_add_test(requests, test_more_addresses_than_a_message_holds);
	tcase_add_checked_fixture(answers, setup, clear);
	tcase_add_test(answers, test_a_dump_of_two_messages);
	tcase_add_test(answers, test_no_peers);
	tcase_add_test(answers, test_cut);
	tcase_add_test(answers, test_lengths);
	tcase_add_test(answers, test_wrong_contents);
	tcase_add_loop_test(answers, test_no_prefixes, 0, 4);
	suite_add_tcase(s, requests);
	suite_add_tcase(s, answers);
	return s;
}
