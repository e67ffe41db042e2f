/* The text that wireguard-go speaks: what we say, and what we take. */
#include "suites_member.h"
#include "wg_uapi.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY   "0100000000000000000000000000000000000000000000000000000000000000"
#define OTHER "02000000000000000000000000000000000000000000000000000000000000ff"

static struct vmp_msg msg;
static struct wg_list list;
static struct wg_uapi_answer answer;

static void setup(void)
{
	memset(&answer, 0, sizeof(answer));
	answer.list = &list;
}

static void teardown(void)
{
	wg_list_clear(&list);
}

static int take(const char *text)
{
	return wg_uapi_take(&answer, text, strlen(text), &msg);
}

/* -- answers ---------------------------------------------------------------------------------------- */
#define PEER "public_key=" KEY "\n"

static const char *const wrong[] = {
	"errno\n",
	"=1\n",
	"errno =0\n",
	" errno=0\n",
	"errno=\n",
	"errno=-\n",
	"errno=--1\n",
	"errno=1x\n",
	"errno=2147483648\n",
	"errno=0\nerrno=0\n",
	"errno=0\n\n\n",
	"errno=0\n\nerrno=0\n",
	"errno=0\n" PEER,
	"\n",
	PEER "\n",
	"Errno=0\n",
	"err-no=0\n",
	"preshared_key=" KEY "\n",
	"endpoint=192.0.2.1:1\n",
	"allowed_ip=::/0\n",
	"rx_bytes=1\n",
	"public_key=\n",
	"public_key=00\n",
	"public_key=" KEY "00\n",
	"public_key=zz00000000000000000000000000000000000000000000000000000000000000\n",
	"public_key=AB00000000000000000000000000000000000000000000000000000000000000\n",
	PEER "preshared_key=00\n",
	PEER "endpoint=\n",
	PEER "endpoint=192.0.2.1\n",
	PEER "endpoint=192.0.2.1:\n",
	PEER "endpoint=192.0.2.1:65536\n",
	PEER "endpoint=192.0.2.1:1x\n",
	PEER "endpoint=192.0.2.256:1\n",
	PEER "endpoint=::1:1\n",
	PEER "endpoint=[::1:1\n",
	PEER "endpoint=[::1]\n",
	PEER "endpoint=[]:1\n",
	PEER "endpoint=[192.0.2.1]:1\n",
	PEER "endpoint=name:1\n",
	PEER "endpoint=[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:1\n",
	PEER "allowed_ip=\n",
	PEER "allowed_ip=::\n",
	PEER "allowed_ip=::/129\n",
	PEER "allowed_ip=10.0.0.1/8\n",
	PEER "allowed_ip=-::/0\n",
	PEER "rx_bytes=-1\n",
	PEER "rx_bytes=18446744073709551616\n",
	PEER "tx_bytes=1e3\n",
	PEER "tx_bytes=\n",
	PEER "last_handshake_time_sec=9223372036854775808\n",
	PEER "last_handshake_time_sec= 1\n",
	PEER "persistent_keepalive_interval=65536\n",
	PEER "persistent_keepalive_interval=off\n",
	"listen_port=65536\n",
	"listen_port=\n",
};

START_TEST(test_wrong)
{
	ck_assert_msg(take(wrong[_i]) == VMP_EINVAL, "%s", wrong[_i]);
	ck_assert_uint_gt(strlen(msg.text), 5);
}
END_TEST

START_TEST(test_no_secret_in_a_message)
{
	ck_assert_int_eq(take(PEER "preshared_key=" OTHER "0\n"), VMP_EINVAL);
	ck_assert_ptr_null(strstr(msg.text, "0200"));
	ck_assert_ptr_nonnull(strstr(msg.text, "preshared_key"));
}
END_TEST

START_TEST(test_peers_where_none_are_expected)
{
	answer.list = NULL;
	ck_assert_int_eq(take(PEER), VMP_EINVAL);
}
END_TEST

START_TEST(test_lines_without_end)
{
	char text[WG_UAPI_LINE + 1];

	memset(text, 'a', sizeof(text));
	ck_assert_int_eq(wg_uapi_take(&answer, text, sizeof(text), &msg), VMP_EINVAL);
	setup();
	ck_assert_int_eq(wg_uapi_take(&answer, text, WG_UAPI_LINE - 1, &msg), VMP_OK);
	ck_assert_int_eq(wg_uapi_take(&answer, "a", 1, &msg), VMP_EINVAL);
	setup();
	ck_assert_int_eq(wg_uapi_take(&answer, "errno=0\0\n\n", 10, &msg), VMP_EINVAL);
}
END_TEST

static const char whole[] = "private_key=" KEY "\n"
			    "listen_port=51820\n"
			    "fwmark=30317\n"
			    "public_key=" KEY "\n"
			    "preshared_key=" OTHER "\n"
			    "protocol_version=1\n"
			    "endpoint=192.0.2.1:51820\n"
			    "last_handshake_time_sec=1795417837\n"
			    "last_handshake_time_nsec=999999999\n"
			    "tx_bytes=18446744073709551615\n"
			    "rx_bytes=12\n"
			    "persistent_keepalive_interval=25\n"
			    "allowed_ip=fd00::1/128\n"
			    "allowed_ip=0.0.0.0/0\n"
			    "something_new=1=2\n"
			    "public_key=" OTHER "\n"
			    "endpoint=[fd00::1%3]:1\n"
			    "allowed_ip=10.64.0.0/10\n"
			    "errno=0\n"
			    "\n";

static void check_whole(void)
{
	const struct wg_peer *a = &list.peer[0], *b = &list.peer[1];
	char text[PREFIX_TEXT];

	ck_assert(answer.ended);
	ck_assert_int_eq(answer.refused, 0);
	ck_assert_uint_eq(answer.port, 51820);
	wg_list_end(&list);
	ck_assert_uint_eq(list.n, 2);
	ck_assert_uint_eq(a->key[0], 1);
	ck_assert_uint_eq(a->psk[0], 2);
	ck_assert_uint_eq(a->psk[31], 255);
	ck_assert_int_eq(a->endpoint.sa.sa_family, AF_INET);
	ck_assert_uint_eq(ntohs(a->endpoint.in.sin_port), 51820);
	ck_assert_uint_eq(ntohl(a->endpoint.in.sin_addr.s_addr), 0xc0000201);
	ck_assert_int_eq(a->handshake, 1795417837);
	ck_assert_uint_eq(a->sent, UINT64_MAX);
	ck_assert_uint_eq(a->received, 12);
	ck_assert_uint_eq(a->keepalive, 25);
	ck_assert_uint_eq(a->n_allowed, 2);
	prefix_write(&a->allowed[0], text);
	ck_assert_str_eq(text, "fd00::1");
	ck_assert_int_eq(b->endpoint.sa.sa_family, AF_INET6);
	ck_assert_uint_eq(b->endpoint.in6.sin6_addr.s6_addr[15], 1);
	ck_assert_uint_eq(b->n_allowed, 1);
	prefix_write(&b->allowed[0], text);
	ck_assert_str_eq(text, "10.64.0.0/10");
}

START_TEST(test_whole)
{
	ck_assert_int_eq(take(whole), VMP_OK);
	check_whole();
}
END_TEST

START_TEST(test_octet_by_octet)
{
	size_t i;

	for (i = 0; i < sizeof(whole) - 1; i++) {
		ck_assert(!answer.ended);
		ck_assert_int_eq(wg_uapi_take(&answer, whole + i, 1, &msg), VMP_OK);
	}
	check_whole();
}
END_TEST

START_TEST(test_refused)
{
	ck_assert_int_eq(take("errno=-22\n\n"), VMP_OK);
	ck_assert(answer.ended);
	ck_assert_int_eq(answer.refused, 22);
	setup();
	ck_assert_int_eq(take("errno=22\n\n"), VMP_OK);
	ck_assert_int_eq(answer.refused, 22);
}
END_TEST

START_TEST(test_many_peers)
{
	char text[128];
	unsigned i;

	for (i = 0; i < 5000; i++) {
		snprintf(text, sizeof(text), "public_key=%064x\nallowed_ip=10.%u.%u.%u/32\n", i + 1, i >> 16,
			 i >> 8 & 255, i & 255);
		ck_assert_int_eq(take(text), VMP_OK);
	}
	ck_assert_int_eq(take("errno=0\n\n"), VMP_OK);
	wg_list_end(&list);
	ck_assert_uint_eq(list.n, 5000);
	for (i = 0; i < 5000; i++) {
		ck_assert_uint_eq(list.peer[i].n_allowed, 1);
		ck_assert_uint_eq(list.peer[i].allowed->address[3], i & 255);
	}
}
END_TEST

/* -- requests --------------------------------------------------------------------------------------- */
static void says(struct wg_uapi_text *text, const char *expected)
{
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_eq(text->len, strlen(expected));
	ck_assert_mem_eq(text->text, expected, text->len);
	wg_uapi_free(text);
}

START_TEST(test_requests)
{
	uint8_t key[VMP_COI_SECRET] = { 1 };
	uint16_t port = 51820;

	says(wg_uapi_get(), "get=1\n\n");
	says(wg_uapi_device(key, NULL, 0), "set=1\nprivate_key=" KEY "\nfwmark=0\n\n");
	says(wg_uapi_device(key, &port, 0x766d), "set=1\nprivate_key=" KEY "\nfwmark=30317\nlisten_port=51820\n\n");
	says(wg_uapi_remove(key), "set=1\npublic_key=" KEY "\nremove=true\n\n");
	wg_uapi_free(NULL);
}
END_TEST

START_TEST(test_a_peer)
{
	struct prefix allowed[2];
	struct wg_peer peer = {
		.key = { 1 },
		.psk = { 2, [31] = 255 },
		.endpoint.in = { .sin_family = AF_INET, .sin_port = htons(7), .sin_addr.s_addr = htonl(0xc0000201) },
		.allowed = allowed,
		.n_allowed = 2
	};

	ck_assert_int_eq(prefix_read("fd00::1", &allowed[0], &msg), VMP_OK);
	ck_assert_int_eq(prefix_read("0.0.0.0/0", &allowed[1], &msg), VMP_OK);
	says(wg_uapi_peer(&peer, WG_PSK | WG_ENDPOINT | WG_ALLOWED | WG_KEEPALIVE),
	     "set=1\npublic_key=" KEY "\npreshared_key=" OTHER
	     "\nendpoint=192.0.2.1:7\npersistent_keepalive_interval=0\n"
	     "replace_allowed_ips=true\nallowed_ip=fd00::1/128\nallowed_ip=0.0.0.0/0\n\n");
	says(wg_uapi_peer(&peer, WG_PSK), "set=1\npublic_key=" KEY "\npreshared_key=" OTHER "\n\n");
	peer.endpoint.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
						   .sin6_port = htons(7),
						   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	says(wg_uapi_peer(&peer, WG_EXISTING | WG_ENDPOINT),
	     "set=1\npublic_key=" KEY "\nupdate_only=true\nendpoint=[::1]:7\n\n");
	peer.endpoint.in6.sin6_scope_id = 3;
	peer.n_allowed = 0;
	says(wg_uapi_peer(&peer, WG_EXISTING | WG_ENDPOINT | WG_ALLOWED),
	     "set=1\npublic_key=" KEY "\nupdate_only=true\nendpoint=[::1%3]:7\nreplace_allowed_ips=true\n\n");
}
END_TEST

START_TEST(test_the_longest)
{
	struct wg_peer peer = { .key = { 1 }, .psk = { 2 }, .keepalive = UINT16_MAX, .n_allowed = 1000 };
	struct prefix *allowed = calloc(1000, sizeof(*allowed));
	struct wg_uapi_text *text;
	size_t i;

	ck_assert_ptr_nonnull(allowed);
	for (i = 0; i < 1000; i++) {
		allowed[i].family = AF_INET6;
		allowed[i].bits = 128;
		memset(allowed[i].address, 0xff, 16);
	}
	peer.allowed = allowed;
	peer.endpoint.in6 =
		(struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = 0xffff, .sin6_scope_id = UINT32_MAX };
	memset(&peer.endpoint.in6.sin6_addr, 0xff, 16);
	text = wg_uapi_peer(&peer, WG_PSK | WG_EXISTING | WG_ENDPOINT | WG_ALLOWED | WG_KEEPALIVE);
	ck_assert_ptr_nonnull(text);
	ck_assert_mem_eq(text->text + text->len - 6, "/128\n\n", 6);
	wg_uapi_free(text);
	free(allowed);
}
END_TEST

Suite *check_wg_uapi(void)
{
	Suite *s = suite_create("wg_uapi");
	TCase *tc = tcase_create("answers"), *requests = tcase_create("requests");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_wrong, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
	tcase_add_test(tc, test_no_secret_in_a_message);
	tcase_add_test(tc, test_peers_where_none_are_expected);
	tcase_add_test(tc, test_lines_without_end);
	tcase_add_test(tc, test_whole);
	tcase_add_test(tc, test_octet_by_octet);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_many_peers);
	tcase_add_test(requests, test_requests);
	tcase_add_test(requests, test_a_peer);
	tcase_add_test(requests, test_the_longest);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, requests);
	return s;
}
