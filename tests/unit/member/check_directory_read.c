#include "directory.h"
#include "suites_member.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_A		    "11111111-2222-4333-8444-5555555555aa"
#define ID_B		    "11111111-2222-4333-8444-5555555555bb"
#define KEY_A		    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define KEY_B		    "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define COI		    "{\"id\": 3, \"name\": \"web\", \"priority\": 20, \"members\": 3, \"epoch\": 7}"
#define ANSWER(peers, gone) "{\"version\": 812, \"full\": false, \"peers\": [" peers "], \"gone\": [" gone "]}"
#define PEER(id, key, six, four)                                                                                       \
	"{\"id\": \"" id "\", \"name\": \"web1\", \"wireguard_key\": \"" key "\", \"endpoint\": \"192.0.2.1:51820\", " \
	"\"inner_address\": \"" six "\", \"inner_ipv4\": \"" four "\", \"gateway\": false, \"remote\": false, "        \
	"\"routes\": [], \"cois\": [" COI "]}"
#define A PEER(ID_A, KEY_A, "fd12::a", "10.64.0.1")
#define B PEER(ID_B, KEY_B, "fd12::b", "10.64.0.2")

/* What is told, a word each. */
static char told[1024];
static struct directory_peer last;
static int refuse; /* the call with this number, from 1, fails */
static int n_calls;

static int note(const char *word, const char *what)
{
	size_t len = strlen(told);

	snprintf(told + len, sizeof(told) - len, "%s%s%s ", word, *what ? ":" : "", what);
	return ++n_calls == refuse ? VMP_EIO : VMP_OK;
}

static int on_begin(void *ctx, bool full)
{
	ck_assert_ptr_eq(ctx, told);
	return note("begin", full ? "full" : "");
}

static int on_peer(void *ctx, const struct directory_peer *peer)
{
	ck_assert_ptr_eq(ctx, told);
	last = *peer;
	return note("peer", peer->id + 34);
}

static int on_gone(void *ctx, const char *id)
{
	ck_assert_ptr_eq(ctx, told);
	return note("gone", id + 34);
}

static int on_end(void *ctx)
{
	ck_assert_ptr_eq(ctx, told);
	return note("end", "");
}

static const struct directory_calls calls = { on_begin, on_peer, on_gone, on_end };

static int reads(const char *text, int64_t *version, struct vmp_msg *msg)
{
	*told = '\0';
	n_calls = 0;
	return directory_read(text, strlen(text), version, &calls, told, msg);
}

/* Not taken, for a reason that has this in it; and nobody hears of any of it. */
static void is_refused(const char *text, const char *why)
{
	struct vmp_msg msg = { "" };
	int64_t version = -5;

	ck_assert_msg(reads(text, &version, &msg) == VMP_EINVAL, "%s", text);
	ck_assert_msg(strstr(msg.text, why) != NULL, "%s: %s", text, msg.text);
	ck_assert_str_eq(told, "");
	ck_assert_int_eq(version, -5);
}

static void is_taken(const char *text, const char *calls_made)
{
	struct vmp_msg msg = { "" };
	int64_t version = -5;

	ck_assert_msg(reads(text, &version, &msg) == VMP_OK, "%s: %s", text, msg.text);
	ck_assert_str_eq(told, calls_made);
	ck_assert_int_eq(version, 812);
}

/* One good peer, and in it, in place of one member's value, this one. NULL: without it. */
static char *with(const char *object, const char *name, const char *value)
{
	json_t *doc = json_loads(ANSWER(A, ""), 0, NULL), *peer = json_array_get(json_object_get(doc, "peers"), 0);
	json_t *in = strcmp(object, "coi") == 0	   ? json_array_get(json_object_get(peer, "cois"), 0)
		     : strcmp(object, "peer") == 0 ? peer
						   : doc;
	char *text;

	if (value)
		ck_assert_int_eq(json_object_set_new(in, name, json_loads(value, JSON_DECODE_ANY, NULL)), 0);
	else
		ck_assert_int_eq(json_object_del(in, name), 0);
	text = json_dumps(doc, 0);
	json_decref(doc);
	return text;
}

static const struct {
	const char *object, *name, *value, *why;
} wrong[] = {
	{ "doc", "version", NULL, "version: " },
	{ "doc", "version", "\"812\"", "version: " },
	{ "doc", "version", "-1", "version: " },
	{ "doc", "version", "1.0", "version: " },
	{ "doc", "full", NULL, "full: " },
	{ "doc", "full", "1", "full: " },
	{ "doc", "peers", NULL, "peers: " },
	{ "doc", "peers", "{}", "peers: " },
	{ "doc", "peers", "[1]", "peers[0]: id: " },
	{ "doc", "peers", "[{}]", "peers[0]: id: " },
	{ "doc", "peers", "[null]", "peers[0]: id: " },
	{ "doc", "gone", NULL, "gone: " },
	{ "doc", "gone", "null", "gone: " },
	{ "doc", "gone", "[\"x\"]", "gone[0]: " },
	{ "doc", "gone", "[1]", "gone[0]: " },
	{ "peer", "id", NULL, "id: " },
	{ "peer", "id", "\"\"", "id: " },
	{ "peer", "id", "\"11111111-2222-4333-8444-5555555555A1\"", "id: " },
	{ "peer", "id", "\"11111111-2222-4333-8444-5555555555a\"", "id: " },
	{ "peer", "name", NULL, "name: " },
	{ "peer", "name", "\"\"", "name: " },
	{ "peer", "name", "\"a\\nb\"", "name: " },
	{ "peer", "name", "\"a\\u007fb\"", "name: " },
	{ "peer", "wireguard_key", NULL, "wireguard_key: " },
	{ "peer", "wireguard_key", "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\"", "wireguard_key: " },
	{ "peer", "wireguard_key", "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==\"", "wireguard_key: " },
	{ "peer", "wireguard_key", "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g\"", "wireguard_key: " },
	{ "peer", "wireguard_key", "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"", "wireguard_key: " },
	{ "peer", "wireguard_key", "\"\"", "wireguard_key: " },
	{ "peer", "endpoint", NULL, "endpoint: " },
	{ "peer", "endpoint", "\"192.0.2.1\"", "endpoint: " },
	{ "peer", "endpoint", "\"192.0.2.1:\"", "endpoint: " },
	{ "peer", "endpoint", "\"192.0.2.1:0\"", "endpoint: " },
	{ "peer", "endpoint", "\"192.0.2.1:65536\"", "endpoint: " },
	{ "peer", "endpoint", "\"192.0.2.1:99999\"", "endpoint: " },
	{ "peer", "endpoint", "\"192.0.2.1:123456\"", "endpoint: " },
	{ "peer", "endpoint", "\"192.0.2.1:+1\"", "endpoint: " },
	{ "peer", "endpoint", "\"192.0.2.1:1x\"", "endpoint: " },
	{ "peer", "endpoint", "\"192.0.2:1\"", "endpoint: " },
	{ "peer", "endpoint", "\"224.0.0.1:1\"", "endpoint: " },
	{ "peer", "endpoint", "\"0.0.0.0:1\"", "endpoint: " },
	{ "peer", "endpoint", "\":1\"", "endpoint: " },
	{ "peer", "endpoint", "\"[:1\"", "endpoint: " },
	{ "peer", "endpoint", "\"[]:1\"", "endpoint: " },
	{ "peer", "endpoint", "\"[::]:1\"", "endpoint: " },
	{ "peer", "endpoint", "\"[ff02::1]:1\"", "endpoint: " },
	{ "peer", "endpoint", "\"[192.0.2.1]:1\"", "endpoint: " },
	{ "peer", "endpoint", "\"2001:db8::1:1\"", "endpoint: " },
	{ "peer", "endpoint", "\"[2001:0db8:0000:0000:0000:0000:0000:0000:0001:0001]:1\"", "endpoint: " },
	{ "peer", "endpoint", "\"localhost:1\"", "endpoint: " },
	{ "peer", "inner_address", NULL, "inner_address: " },
	{ "peer", "inner_address", "\"\"", "inner_address: " },
	{ "peer", "inner_address", "\"10.64.0.1\"", "inner_address: " },
	{ "peer", "inner_address", "\"fd12::/64\"", "inner_address: " },
	{ "peer", "inner_address", "\"::\"", "inner_address: " },
	{ "peer", "inner_address", "\"::1\"", "inner_address: " },
	{ "peer", "inner_address", "\"ff02::1\"", "inner_address: " },
	{ "peer", "inner_address", "\"fe80::1\"", "inner_address: " },
	{ "peer", "inner_ipv4", NULL, "inner_ipv4: " },
	{ "peer", "inner_ipv4", "null", "inner_ipv4: " },
	{ "peer", "inner_ipv4", "\"fd12::a\"", "inner_ipv4: " },
	{ "peer", "inner_ipv4", "\"10.64.0.0/24\"", "inner_ipv4: " },
	{ "peer", "inner_ipv4", "\"127.0.0.1\"", "inner_ipv4: " },
	{ "peer", "inner_ipv4", "\"255.255.255.255\"", "inner_ipv4: " },
	{ "peer", "inner_ipv4", "\"0.0.0.0\"", "inner_ipv4: " },
	{ "peer", "gateway", NULL, "gateway: " },
	{ "peer", "gateway", "\"false\"", "gateway: " },
	{ "peer", "remote", NULL, "remote: " },
	{ "peer", "remote", "0", "remote: " },
	{ "peer", "routes", NULL, "routes: " },
	{ "peer", "routes", "\"0.0.0.0/0\"", "routes: " },
	{ "peer", "routes", "[\"0.0.0.0/0\"]", "routes: expected none of a machine that is no gateway" },
	{ "peer", "cois", NULL, "cois: " },
	{ "peer", "cois", "[]", "cois: expected one at least" },
	{ "peer", "cois", "[" COI ", " COI "]", "cois[1]: expected each of them once" },
	{ "peer", "cois", "[\"web\"]", "cois[0]: id: " },
	{ "coi", "id", NULL, "peers[0]: cois[0]: id: " },
	{ "coi", "id", "0", "id: " },
	{ "coi", "name", NULL, "name: " },
	{ "coi", "name", "\"\"", "name: " },
	{ "coi", "name", "\"a/b\"", "name: " },
	{ "coi", "name", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", "name: " },
	{ "coi", "priority", NULL, "priority: " },
	{ "coi", "priority", "4294967296", "priority: " },
	{ "coi", "members", NULL, "members: " },
	{ "coi", "members", "-1", "members: " },
	{ "coi", "epoch", NULL, "epoch: " },
	{ "coi", "epoch", "4294967296", "epoch: " },
};

START_TEST(values_that_are_refused)
{
	char *text = with(wrong[_i].object, wrong[_i].name, wrong[_i].value);

	is_refused(text, wrong[_i].why);
	free(text);
}
END_TEST

START_TEST(no_json)
{
	static const char *const texts[] = { "",
					     " ",
					     "{",
					     "[]",
					     "null",
					     "{}}",
					     "{} x",
					     "{\"version\": }",
					     "\xff\xfe",
					     "{\"version\": 1, \"version\": 1}",
					     "{\"version\": 9223372036854775808}" };
	char *deep;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		is_refused(texts[i], "");
	deep = malloc(100001);
	memset(deep, '[', 100000);
	deep[100000] = '\0';
	is_refused(deep, "expected JSON");
	free(deep);
	is_refused("{\"version\": 1, \"full\": true, \"peers\": [], \"gone\": [\"\\u0000\"]}", "expected JSON");
	is_refused("{\"version\": 1, \"full\": true, \"peers\": [], \"gone\": [], \"version\": 2}", "expected JSON");
}
END_TEST

START_TEST(every_prefix_is_refused)
{
	static const char text[] = ANSWER(A, "");
	int64_t version;
	size_t len;

	for (len = 0; len < sizeof(text) - 1; len++) {
		char *copy = malloc(len ? len : 1);

		memcpy(copy, text, len);
		*told = '\0';
		ck_assert_int_eq(directory_read(copy, len, &version, &calls, told, NULL), VMP_EINVAL);
		ck_assert_str_eq(told, "");
		free(copy);
	}
}
END_TEST

START_TEST(two_of_one_answer)
{
	is_refused(ANSWER(A ", " A, ""), "two have the same id");
	is_refused(ANSWER(A ", " PEER(ID_A, KEY_B, "fd12::b", ""), ""), "two have the same id");
	is_refused(ANSWER(A ", " PEER(ID_B, KEY_A, "fd12::b", ""), ""), "two have the same wireguard_key");
	is_refused(ANSWER(A ", " PEER(ID_B, KEY_B, "fd12:0::a", ""), ""), "two have the same inner_address");
	is_refused(ANSWER(A ", " PEER(ID_B, KEY_B, "fd12::b", "10.64.0.1"), ""), "two have the same inner_ipv4");
	/* The last one counts as much as the first. */
	is_refused(ANSWER(A ", {}", ""), "peers[1]: id: ");
	is_refused(ANSWER(A ", " B, "\"" ID_A "\", \"\""), "gone[1]: ");
	/* Many may have none. */
	is_taken(ANSWER(PEER(ID_A, KEY_A, "fd12::a", "") ", " PEER(ID_B, KEY_B, "fd12::b", ""), ""),
		 "begin peer:aa peer:bb end ");
}
END_TEST

START_TEST(too_much)
{
	json_t *doc = json_loads(ANSWER(A, ""), 0, NULL), *peer = json_array_get(json_object_get(doc, "peers"), 0);
	json_t *cois = json_object_get(peer, "cois"), *routes = json_object_get(peer, "routes");
	char name[140], *text;
	int i;

	json_object_set_new(peer, "gateway", json_true());
	for (i = 0; i < DIRECTORY_COIS; i++) {
		json_t *coi = json_deep_copy(json_array_get(cois, 0));

		json_object_set_new(coi, "id", json_integer(100 + i));
		json_array_append_new(cois, coi);
	}
	text = json_dumps(doc, 0);
	is_refused(text, "cois: expected at most 64");
	free(text);
	json_array_remove(cois, 0);
	for (i = 0; i < DIRECTORY_ROUTES; i++)
		json_array_append_new(routes, json_sprintf("10.%d.0.0/16", i));
	memset(name, 'n', sizeof(name));
	name[128] = '\0';
	json_object_set_new(peer, "name", json_string(name));
	text = json_dumps(doc, 0);
	is_taken(text, "begin peer:aa end ");
	ck_assert_uint_eq(last.n_coi, DIRECTORY_COIS);
	ck_assert_uint_eq(last.coi[63].id, 163);
	ck_assert_uint_eq(last.n_route, DIRECTORY_ROUTES);
	ck_assert_uint_eq(last.route[63].address[1], 63);
	ck_assert_str_eq(last.name, name);
	free(text);
	json_array_append_new(routes, json_string("192.0.2.0/24"));
	text = json_dumps(doc, 0);
	is_refused(text, "routes: expected at most 64");
	free(text);
	json_array_remove(routes, 0);
	name[128] = 'n';
	name[129] = '\0';
	json_object_set_new(peer, "name", json_string(name));
	text = json_dumps(doc, 0);
	is_refused(text, "name: expected 1 to 128 octets");
	free(text);
	json_decref(doc);
	ck_assert_int_eq(directory_read("{}", (size_t)DIRECTORY_ANSWER + 1, NULL, &calls, told, NULL), VMP_EINVAL);
}
END_TEST

START_TEST(routes_of_a_gateway)
{
	static const char *const bad[] = { "\"10.0.0.1/8\"", "\"x\"", "7", "\"\"", "\"::/129\"" };
	json_t *doc = json_loads(ANSWER(A, ""), 0, NULL), *peer = json_array_get(json_object_get(doc, "peers"), 0);
	char *text;
	size_t i;

	json_object_set_new(peer, "gateway", json_true());
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_object_set_new(peer, "routes",
				    json_pack("[s,o]", "0.0.0.0/0", json_loads(bad[i], JSON_DECODE_ANY, NULL)));
		text = json_dumps(doc, 0);
		is_refused(text, "routes[1]: ");
		free(text);
	}
	json_object_set_new(peer, "routes", json_pack("[s,s,s]", "0.0.0.0/0", "2001:db8::/32", "192.0.2.1"));
	text = json_dumps(doc, 0);
	is_taken(text, "begin peer:aa end ");
	ck_assert(last.gateway && last.n_route == 3);
	ck_assert(last.route[0].family == AF_INET && last.route[0].bits == 0);
	ck_assert(last.route[1].family == AF_INET6 && last.route[1].bits == 32);
	ck_assert(last.route[2].family == AF_INET && last.route[2].bits == 32);
	free(text);
	json_decref(doc);
}
END_TEST

START_TEST(all_of_a_machine)
{
	char text[INET6_ADDRSTRLEN];
	size_t i;

	is_taken(ANSWER(A, ""), "begin peer:aa end ");
	ck_assert_str_eq(last.id, ID_A);
	ck_assert_uint_eq(last.uuid[0], 0x11);
	ck_assert_uint_eq(last.uuid[15], 0xaa);
	ck_assert_str_eq(last.name, "web1");
	for (i = 0; i < sizeof(last.key); i++)
		ck_assert_uint_eq(last.key[i], i);
	ck_assert_int_eq(last.endpoint.sa.sa_family, AF_INET);
	ck_assert_int_eq(ntohs(last.endpoint.in.sin_port), 51820);
	ck_assert_str_eq(inet_ntop(AF_INET, &last.endpoint.in.sin_addr, text, sizeof(text)), "192.0.2.1");
	ck_assert(last.inner6.family == AF_INET6 && last.inner6.bits == 128 && last.inner6.address[15] == 0xa);
	ck_assert(last.inner4.family == AF_INET && last.inner4.bits == 32 && last.inner4.address[0] == 10);
	ck_assert(!last.gateway && !last.remote);
	ck_assert_uint_eq(last.n_route, 0);
	ck_assert_uint_eq(last.n_coi, 1);
	ck_assert_uint_eq(last.coi[0].id, 3);
	ck_assert_str_eq(last.coi[0].name, "web");
	ck_assert_uint_eq(last.coi[0].priority, 20);
	ck_assert_uint_eq(last.coi[0].epoch, 7);
	ck_assert_int_eq(last.coi[0].members, 3);
}
END_TEST

START_TEST(endpoints)
{
	static const struct {
		const char *text;
		int family, port;
	} good[] = { { "\"\"", AF_UNSPEC, 0 },
		     { "\"[2001:db8::1]:51820\"", AF_INET6, 51820 },
		     { "\"[::ffff:192.0.2.1]:1\"", AF_INET6, 1 },
		     { "\"127.0.0.1:00080\"", AF_INET, 80 },
		     { "\"192.0.2.1:65534\"", AF_INET, 65534 },
		     { "\"192.0.2.1:65535\"", AF_UNSPEC, 0 },
		     { "\"[2001:db8::1]:65535\"", AF_UNSPEC, 0 } };
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		char *text = with("peer", "endpoint", good[i].text);

		is_taken(text, "begin peer:aa end ");
		ck_assert_int_eq(last.endpoint.sa.sa_family, good[i].family);
		ck_assert_int_eq(ntohs(last.endpoint.in.sin_port), good[i].port);
		free(text);
	}
}
END_TEST

START_TEST(the_order_of_calls)
{
	is_taken("{\"version\": 812, \"full\": true, \"peers\": [], \"gone\": []}", "begin:full end ");
	is_taken(ANSWER("", ""), "begin end ");
	is_taken(ANSWER(B ", " A, "\"" ID_B "\""), "begin gone:bb peer:bb peer:aa end ");
	/* Twice gone is gone. */
	is_taken(ANSWER("", "\"" ID_A "\", \"" ID_A "\""), "begin gone:aa gone:aa end ");
}
END_TEST

START_TEST(what_is_not_known_is_left_alone)
{
	char *text = with("doc", "next", "{\"x\": [1, 2]}");

	is_taken(text, "begin peer:aa end ");
	free(text);
	text = with("peer", "colour", "\"blue\"");
	is_taken(text, "begin peer:aa end ");
	free(text);
	text = with("coi", "Name", "7");
	is_taken(text, "begin peer:aa end ");
	free(text);
	/* But a name is a name in its case. */
	is_refused("{\"Version\": 1, \"full\": true, \"peers\": [], \"gone\": []}", "version: ");
}
END_TEST

START_TEST(a_call_that_fails_ends_it)
{
	static const char *const until[] = { "begin ", "begin gone:bb ", "begin gone:bb peer:aa ",
					     "begin gone:bb peer:aa end " };
	int64_t version = -5;

	for (refuse = 1; refuse <= 4; refuse++) {
		ck_assert_int_eq(reads(ANSWER(A, "\"" ID_B "\""), &version, NULL), VMP_EIO);
		ck_assert_str_eq(told, until[refuse - 1]);
		ck_assert_int_eq(version, -5);
	}
	refuse = 0;
}
END_TEST

Suite *check_directory_read(void)
{
	Suite *s = suite_create("directory_read");
	TCase *t = tcase_create("directory_read");

	tcase_add_loop_test(t, values_that_are_refused, 0, sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(t, no_json);
	tcase_add_test(t, every_prefix_is_refused);
	tcase_add_test(t, two_of_one_answer);
	tcase_add_test(t, too_much);
	tcase_add_test(t, routes_of_a_gateway);
	tcase_add_test(t, all_of_a_machine);
	tcase_add_test(t, endpoints);
	tcase_add_test(t, the_order_of_calls);
	tcase_add_test(t, what_is_not_known_is_left_alone);
	tcase_add_test(t, a_call_that_fails_ends_it);
	suite_add_tcase(s, t);
	return s;
}
