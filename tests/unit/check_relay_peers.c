#include "folder.h"
#include "peers.h"
#include "suites.h"
#include "via.h"

#include <string.h>

#define A "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define B "6ba7b811-9dad-11d1-80b4-00c04fd430c8"

static const struct tls_peer vm = { .uuid = A, .name = "52:54:00:aa:bb:cc" }, other = { .uuid = B, .name = "x" };
static struct peers peers;
static struct vmp_msg msg;

static void clear(void)
{
	peers_clear(&peers);
}

/* -- who may come ------------------------------------------------------------------------------------------------- */

static const struct {
	const char *list;
	bool vm, other;
} lists[] = {
	{ "", false, false },
	{ "*", true, true },
	{ A, true, false },
	{ "6BA7B811-9DAD-11D1-80B4-00C04FD430C8", false, true },
	{ A ", " B, true, true },
	{ "525400aabbcc", true, false },
	{ "52-54-00-AA-BB-CC  " B, true, true },
	{ "52:54:00:aa:bb:cd", false, false },
	{ B " *", true, true },
};

START_TEST(a_list)
{
	ck_assert_int_eq(peers_read(lists[_i].list, &peers, &msg), VMP_OK);
	ck_assert_int_eq(peers_has(&peers, &vm), lists[_i].vm);
	ck_assert_int_eq(peers_has(&peers, &other), lists[_i].other);
}
END_TEST

static const char *const bad_lists[] = { "x", A " gateway1", "**", "01:00:5e:00:00:01", "52:54:00:aa:bb", "any" };

START_TEST(a_bad_list)
{
	ck_assert_int_eq(peers_read(bad_lists[_i], &peers, &msg), VMP_EINVAL);
	ck_assert(strstr(msg.text, "expected a UUID"));
}
END_TEST

START_TEST(a_certificate_without_names_is_nobody)
{
	static const struct tls_peer nameless = { .uuid = "", .name = "" };

	ck_assert_int_eq(peers_read(A " 525400aabbcc", &peers, &msg), VMP_OK);
	ck_assert(!peers_has(&peers, &nameless));
}
END_TEST

START_TEST(a_file)
{
	const char *path = folder_path("peers");

	ck_assert_int_eq(peers_read(path, &peers, &msg), VMP_ENOENT);
	folder_write("peers", "# gateways\n" B "\r\n\n  # " A "\n52:54:00:aa:bb:cd 52:54:00:aa:bb:ce\n", 0644);
	ck_assert_int_eq(peers_read(path, &peers, &msg), VMP_OK);
	ck_assert_uint_eq(peers.n, 3);
	ck_assert(!peers_has(&peers, &vm) && peers_has(&peers, &other));
	peers_clear(&peers);
	folder_write("peers", B "\n\ngateway1\n", 0644);
	ck_assert_int_eq(peers_read(path, &peers, &msg), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, "peers:3: gateway1"), "%s", msg.text);
}
END_TEST

/* -- whom it came through ----------------------------------------------------------------------------------------- */

static const struct {
	bool proxy, chain;
	const char *via[4];
	const struct tls_peer *peer;
	int status;
} cases[] = {
	{ true, false, { NULL }, &vm, 200 },
	{ false, false, { NULL }, &vm, 403 },
	{ false, false, { A }, &vm, 200 },
	{ false, false, { B }, &vm, 403 },
	{ false, false, { A, B }, &vm, 403 },
	{ false, false, { B, A }, &vm, 200 },
	{ false, false, { "52:54:00:AA:BB:CC" }, &vm, 200 },
	{ true, false, { A }, &vm, 403 },
	{ true, true, { A }, &vm, 200 },
	{ true, true, { "us", A }, &vm, 508 },
	{ true, true, { "US", A }, &vm, 508 },
	{ false, false, { "p1", A }, &vm, 200 },
	{ false, false, { "p1", "p2", A }, &vm, 508 },
	{ true, false, { "p1", "p2", "us" }, &vm, 508 },
};

START_TEST(the_way_of_a_request)
{
	const struct via_rules rules = { cases[_i].proxy, cases[_i].chain, 3, "us" };
	struct connect_request request = { .n_via = 0 };
	int i;

	for (i = 0; cases[_i].via[i]; i++)
		strcpy(request.via[request.n_via++], cases[_i].via[i]);
	*msg.text = '\0';
	ck_assert_int_eq(via_check(&rules, &request, cases[_i].peer, &msg), cases[_i].status);
	ck_assert_int_eq(*msg.text != '\0', cases[_i].status != 200);
}
END_TEST

START_TEST(a_nameless_peer_is_not_the_last_in_via)
{
	static const struct tls_peer nameless = { .uuid = "", .name = "" };
	const struct via_rules rules = { false, false, 3, "us" };
	struct connect_request request = { .n_via = 1, .via = { "" } };

	ck_assert_int_eq(via_check(&rules, &request, &nameless, &msg), 403);
}
END_TEST

Suite *check_relay_peers(void)
{
	Suite *s = suite_create("relay_peers");
	TCase *t = tcase_create("relay_peers");

	tcase_add_checked_fixture(t, folder_setup, folder_teardown);
	tcase_add_checked_fixture(t, NULL, clear);
	tcase_add_loop_test(t, a_list, 0, (int)(sizeof(lists) / sizeof(lists[0])));
	tcase_add_loop_test(t, a_bad_list, 0, (int)(sizeof(bad_lists) / sizeof(bad_lists[0])));
	tcase_add_test(t, a_certificate_without_names_is_nobody);
	tcase_add_test(t, a_file);
	tcase_add_loop_test(t, the_way_of_a_request, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(t, a_nameless_peer_is_not_the_last_in_via);
	suite_add_tcase(s, t);
	return s;
}
