#include "guests_stub.h"
#include "loop.h"
#include "source.h"
#include "suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define UUID "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define NIC  "{\"mac\":\"52:54:00:aa:bb:01\",\"bridge\":\"br0\",\"direct\":\"\",\"port\":\"vnet0\"}"
#define GUEST(nics)                                                                                                    \
	"{\"uuid\":\"" UUID "\",\"name\":\"web-1\",\"template\":\"web\",\"cidata\":\"/c.iso\",\"nics\":[" nics "]}"
#define PRESENT(how, guest) "{\"event\":\"present\",\"how\":\"" how "\",\"guest\":" guest "}"

static struct vmp_msg msg;

static void start(void)
{
	stub_reset();
}

static const struct {
	const char *json, *said;
} good[] = {
	{ PRESENT("started", GUEST(NIC)), "started web-1 template=web cidata=/c.iso 52:54:00:aa:bb:01@br0/:vnet0\n" },
	{ PRESENT("found", GUEST("")), "found web-1 template=web cidata=/c.iso\n" },
	{ PRESENT("incoming", GUEST(NIC)), "incoming web-1 template=web cidata=/c.iso 52:54:00:aa:bb:01@br0/:vnet0\n" },
	{ PRESENT("migrated", GUEST("")), "migrated web-1 template=web cidata=/c.iso\n" },
	{ PRESENT("changed", GUEST("")), "changed web-1 template=web cidata=/c.iso\n" },
	{ "{\"event\":\"gone\",\"uuid\":\"" UUID "\",\"how\":\"stopped\"}", "stopped " UUID "\n" },
	{ "{\"event\":\"gone\",\"uuid\":\"6BA7B810-9DAD-11D1-80B4-00C04FD430C8\",\"how\":\"left\"}",
	  "left " UUID "\n" },
	{ "{\"event\":\"sync-begin\"}", "sync-begin\n" },
	{ "{\"event\":\"sync-end\"}", "sync-end\n" },
};

START_TEST(what_it_says_is_passed_on)
{
	ck_assert_int_eq(source_libvirt_take(good[_i].json, strlen(good[_i].json), &msg), VMP_OK);
	ck_assert_str_eq(stub_said(), good[_i].said);
}
END_TEST

static const struct {
	const char *json, *why;
} bad[] = {
	{ "", "expected JSON" },
	{ "[]", "event: expected" },
	{ "{}", "event: expected" },
	{ "{\"event\":5}", "event: expected" },
	{ "{\"event\":\"present\"}", "how" },
	{ "{\"event\":\"died\"}", "event: expected" },
	{ "{\"event\":\"sync-begin\",\"event\":\"sync-end\"}", "expected JSON: duplicate" },
	{ "{\"event\":\"sync-begin\",\"more\":1}", "more" },
	{ "{\"event\":\"sync-end\",\"more\":1}", "more" },
	{ "{\"event\":\"connected\",\"more\":1}", "more" },
	{ "{\"event\":\"disconnected\"}", "why" },
	{ "{\"event\":\"gone\",\"uuid\":\"x\",\"how\":\"stopped\"}", "uuid: expected" },
	{ "{\"event\":\"gone\",\"uuid\":\"" UUID "\",\"how\":\"started\"}", "how" },
	{ "{\"event\":\"gone\",\"uuid\":\"" UUID "\"}", "how" },
	{ PRESENT("stopped", GUEST("")), "how" },
	{ PRESENT("started", "[]"), "object" },
	{ PRESENT("started", "{\"uuid\":\"" UUID "\"}"), "name" },
	{ PRESENT("started", GUEST("5")), "object" },
	{ PRESENT("started", GUEST("{\"mac\":\"52:54:00:aa:bb:01\"}")), "bridge" },
	{ PRESENT("started", GUEST("{\"mac\":\"no\",\"bridge\":\"\",\"direct\":\"\",\"port\":\"\"}")),
	  "mac: expected" },
	{ PRESENT("started", GUEST("{\"mac\":\"52:54:00:aa:bb:01\",\"bridge\":\"a-name-of-sixteen\",\"direct\":\"\","
				   "\"port\":\"\"}")),
	  "bridge: expected at most 15" },
	{ PRESENT("started", GUEST(NIC "," NIC "," NIC "," NIC "," NIC "," NIC "," NIC "," NIC "," NIC "," NIC "," NIC
				       "," NIC "," NIC "," NIC "," NIC "," NIC "," NIC)),
	  "nics: expected an array of at most 16" },
	{ PRESENT("started", "{\"uuid\":\"" UUID "\",\"name\":\"a\",\"template\":\"\",\"cidata\":\"\",\"nics\":{}}"),
	  "nics: expected" },
	{ PRESENT("started",
		  "{\"uuid\":\"" UUID "\",\"name\":\"a\\u0000b\",\"template\":\"\",\"cidata\":\"\",\"nics\":[]}"),
	  "expected JSON" },
};

START_TEST(what_it_must_not_say)
{
	ck_assert_int_eq(source_libvirt_take(bad[_i].json, strlen(bad[_i].json), &msg), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, bad[_i].why) != NULL, "said: %s", msg.text);
	ck_assert_str_eq(stub_said(), "");
}
END_TEST

START_TEST(texts_as_long_as_they_may_be)
{
	char json[2048], name[GUEST_NAME + 1], said[512];

	memset(name, 'n', sizeof(name));
	name[GUEST_NAME - 1] = '\0';
	snprintf(json, sizeof(json),
		 "{\"event\":\"present\",\"how\":\"found\",\"guest\":{\"uuid\":\"" UUID
		 "\",\"name\":\"%s\",\"template\":\"\",\"cidata\":\"\",\"nics\":[]}}",
		 name);
	snprintf(said, sizeof(said), "found %s template= cidata=\n", name);
	ck_assert_int_eq(source_libvirt_take(json, strlen(json), &msg), VMP_OK);
	ck_assert_str_eq(stub_said(), said);
	name[GUEST_NAME - 1] = 'n';
	name[GUEST_NAME] = '\0';
	snprintf(json, sizeof(json),
		 "{\"event\":\"present\",\"how\":\"found\",\"guest\":{\"uuid\":\"" UUID
		 "\",\"name\":\"%s\",\"template\":\"\",\"cidata\":\"\",\"nics\":[]}}",
		 name);
	ck_assert_int_eq(source_libvirt_take(json, strlen(json), &msg), VMP_EINVAL);
	ck_assert_str_eq(msg.text, "name: expected at most 127 octets");
}
END_TEST

/* Over the socket: in order, a malformed one between, an answer, and the end. */
START_TEST(over_the_socket)
{
	static const char *const sent[] = { "{\"event\":\"connected\"}", "nonsense", "{\"event\":\"sync-begin\"}",
					    "{\"event\":\"sync-end\"}",
					    "{\"event\":\"disconnected\",\"why\":\"a\\nb\"}" };
	char got[512];
	ssize_t n;
	size_t i;
	int fd[2];

	stub_quiet(true);
	ck_assert_str_eq(source_libvirt_state(), "");
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd), 0);
	loop.base = event_base_new();
	ck_assert_int_eq(source_libvirt_open(fd[0], &msg), VMP_OK);
	ck_assert_str_eq(source_libvirt_state(), "not connected yet");
	ck_assert_int_gt(send(fd[1], sent[0], strlen(sent[0]), 0), 0);
	event_base_loop(loop.base, EVLOOP_ONCE);
	ck_assert_str_eq(source_libvirt_state(), "connected");
	for (i = 1; i < sizeof(sent) / sizeof(sent[0]); i++)
		ck_assert_int_gt(send(fd[1], sent[i], strlen(sent[i]), 0), 0);
	event_base_loop(loop.base, EVLOOP_ONCE);
	ck_assert_str_eq(stub_said(), "sync-begin\nsync-end\n");
	ck_assert_str_eq(source_libvirt_state(), "a?b");
	source_libvirt_attach(UUID, "/c.iso");
	n = recv(fd[1], got, sizeof(got) - 1, MSG_DONTWAIT);
	ck_assert_int_gt(n, 0);
	got[n] = '\0';
	ck_assert_str_eq(got, "{\"do\":\"attach\",\"uuid\":\"" UUID "\",\"path\":\"/c.iso\"}");
	close(fd[1]);
	event_base_loop(loop.base, EVLOOP_ONCE);
	ck_assert_ptr_nonnull(strstr(source_libvirt_state(), "ended"));
	ck_assert_str_eq(stub_said(), "");
	source_libvirt_attach(UUID, "/c.iso"); /* logged, and no more */
	stub_quiet(false);
	source_libvirt_close();
	event_base_free(loop.base);
}
END_TEST

Suite *check_source_libvirt(void)
{
	Suite *s = suite_create("source_libvirt");
	TCase *t = tcase_create("source_libvirt");

	tcase_add_checked_fixture(t, start, NULL);
	tcase_add_loop_test(t, what_it_says_is_passed_on, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(t, what_it_must_not_say, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(t, texts_as_long_as_they_may_be);
	tcase_add_test(t, over_the_socket);
	suite_add_tcase(s, t);
	return s;
}
