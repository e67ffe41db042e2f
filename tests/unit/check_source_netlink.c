#include "guests_stub.h"
#include "loop.h"
#include "source.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

#define A 0x525400aabb01
#define B 0x525400aabb02
#define C 0x525400aabb03

enum index { BRIDGE = 2, OTHER_BRIDGE, UPLINK, TAP, TAP2, VNET };

static struct vmp_msg msg;

static struct link make_link(int index, const char *name, int master, const char *alias)
{
	struct link link = { .index = index, .master = master, .up = true, .mac = 0xfe0000000000 + (unsigned)index };

	snprintf(link.name, sizeof(link.name), "%s", name);
	snprintf(link.alias, sizeof(link.alias), "%s", alias);
	snprintf(link.kind, sizeof(link.kind), "%s", master ? "tun" : "bridge");
	return link;
}

static void tell(struct link link)
{
	stub_link(&link);
	source_netlink_link(&link);
}

static void port(int index, const char *name, const char *alias)
{
	tell(make_link(index, name, BRIDGE, alias));
}

static void gone(int index, const char *name)
{
	struct link link = make_link(index, name, BRIDGE, "");

	link.gone = true;
	tell(link);
}

static void learned(int index, uint64_t mac)
{
	struct link_learned what = { .port = index, .bridge = BRIDGE, .mac = mac };

	source_netlink_learned(&what);
}

static void forgotten(int index, uint64_t mac)
{
	struct link_learned what = { .port = index, .bridge = BRIDGE, .mac = mac, .forgotten = true };

	source_netlink_learned(&what);
}

static void start(void)
{
	stub_reset();
	loop.base = event_base_new();
	ck_assert_int_eq(source_netlink_init(&msg), VMP_OK);
	stub_bridge("br0");
	tell(make_link(BRIDGE, "br0", 0, ""));
	tell(make_link(OTHER_BRIDGE, "br1", 0, ""));
	port(UPLINK, "uplink0", "");
	ck_assert_str_eq(stub_said(), "sync-begin\n");
}

static void synced(void)
{
	source_netlink_synced();
	ck_assert_str_eq(stub_said(), "sync-end\n");
}

static void end(void)
{
	source_netlink_free();
	event_base_free(loop.base);
}

static void stopped(uint64_t mac)
{
	char uuid[VMP_UUID_TEXT], line[64];

	source_uuid_of_mac(mac, uuid);
	snprintf(line, sizeof(line), "stopped %s\n", uuid);
	ck_assert_str_eq(stub_said(), line);
}

START_TEST(a_port_with_an_alias_comes_and_goes)
{
	char uuid[VMP_UUID_TEXT];

	synced();
	port(TAP, "tap0", "vmprov mac=52:54:00:aa:bb:01 name=web-1 template=web");
	ck_assert_str_eq(stub_said(), "started web-1 template=web cidata= 52:54:00:aa:bb:01@br0/:tap0\n");
	source_uuid_of_mac(A, uuid);
	ck_assert_str_eq(stub_uuid(), uuid);
	port(TAP, "tap0", "vmprov mac=52:54:00:aa:bb:01 name=web-1 template=web");
	ck_assert_str_eq(stub_said(), ""); /* nothing new */
	gone(TAP, "tap0");
	stopped(A);
	gone(TAP, "tap0");
	ck_assert_str_eq(stub_said(), "");
}
END_TEST

START_TEST(a_port_that_leaves_its_bridge)
{
	synced();
	port(TAP, "tap0", "vmprov mac=52:54:00:aa:bb:01");
	ck_assert_str_eq(stub_said(), "started tap0 template= cidata= 52:54:00:aa:bb:01@br0/:tap0\n");
	tell(make_link(TAP, "tap0", 0, ""));
	stopped(A);
	port(TAP, "tap0", "vmprov mac=52:54:00:aa:bb:01");
	(void)stub_said();
	tell(make_link(TAP, "tap0", OTHER_BRIDGE, "vmprov mac=52:54:00:aa:bb:01"));
	stopped(A);
}
END_TEST

START_TEST(those_that_were_there_are_found)
{
	port(TAP, "tap0", "vmprov mac=52:54:00:aa:bb:01");
	ck_assert_str_eq(stub_said(), "found tap0 template= cidata= 52:54:00:aa:bb:01@br0/:tap0\n");
	synced();
	port(TAP2, "tap1", "vmprov mac=52:54:00:aa:bb:02");
	ck_assert_str_eq(stub_said(), "started tap1 template= cidata= 52:54:00:aa:bb:02@br0/:tap1\n");
}
END_TEST

START_TEST(the_end_waits_for_a_silent_port)
{
	port(TAP, "tap0", "");
	port(TAP2, "tap1", "");
	source_netlink_synced();
	ck_assert_str_eq(stub_said(), "");
	learned(TAP, A);
	ck_assert_str_eq(stub_said(), "found tap0 template= cidata= 52:54:00:aa:bb:01@br0/:tap0\n");
	gone(TAP2, "tap1");
	ck_assert_str_eq(stub_said(), "sync-end\n");
	source_netlink_synced(); /* after a loss of messages */
	ck_assert_str_eq(stub_said(), "");
}
END_TEST

START_TEST(addresses_from_frames)
{
	synced();
	port(TAP, "tap0", "");
	ck_assert_str_eq(stub_said(), "");
	learned(TAP, A);
	ck_assert_str_eq(stub_said(), "started tap0 template= cidata= 52:54:00:aa:bb:01@br0/:tap0\n");
	learned(TAP, A);
	forgotten(TAP, A);
	learned(TAP, A);
	ck_assert_str_eq(stub_said(), ""); /* a quiet guest has not gone */
	stub_quiet(true);
	learned(TAP, B);
	stub_quiet(false);
	ck_assert_str_eq(stub_said(), ""); /* one address a port */
	learned(VNET, C);
	learned(UPLINK, C);
	ck_assert_str_eq(stub_said(), "");
}
END_TEST

START_TEST(another_guest_behind_the_same_port)
{
	char uuid[VMP_UUID_TEXT], said[256];

	synced();
	port(TAP, "tap0", "");
	learned(TAP, A);
	(void)stub_said();
	forgotten(TAP, A);
	learned(TAP, B);
	source_uuid_of_mac(A, uuid);
	snprintf(said, sizeof(said), "stopped %s\nstarted tap0 template= cidata= 52:54:00:aa:bb:02@br0/:tap0\n", uuid);
	ck_assert_str_eq(stub_said(), said);
}
END_TEST

START_TEST(several_addresses_a_port)
{
	stub_config()->macs_per_port = 2;
	synced();
	port(TAP, "tap0", "");
	learned(TAP, A);
	(void)stub_said();
	learned(TAP, B);
	ck_assert_str_eq(stub_said(), "changed tap0 template= cidata= 52:54:00:aa:bb:01@br0/:tap0 "
				      "52:54:00:aa:bb:02@br0/:tap0\n");
	stub_quiet(true);
	learned(TAP, C);
	stub_quiet(false);
	ck_assert_str_eq(stub_said(), "");
}
END_TEST

START_TEST(the_order_of_ways)
{
	snprintf(stub_config()->mac_from, sizeof(stub_config()->mac_from), "frame alias port");
	synced();
	port(TAP, "tap0", "vmprov mac=52:54:00:aa:bb:02");
	ck_assert_str_eq(stub_said(), "started tap0 template= cidata= 52:54:00:aa:bb:02@br0/:tap0\n");
	learned(TAP, B);
	ck_assert_str_eq(stub_said(), "");
	port(TAP2, "tap1", "");
	ck_assert_str_eq(stub_said(), "started tap1 template= cidata= fe:00:00:00:00:06@br0/:tap1\n");
}
END_TEST

START_TEST(ports_by_name)
{
	synced();
	port(VNET, "vnet0", "vmprov mac=52:54:00:aa:bb:01");
	ck_assert_str_eq(stub_said(), "");
	snprintf(stub_config()->ports, sizeof(stub_config()->ports), "veth* tap?");
	port(TAP, "tap10", "vmprov mac=52:54:00:aa:bb:01");
	ck_assert_str_eq(stub_said(), "");
	port(TAP2, "tap1", "vmprov mac=52:54:00:aa:bb:01");
	ck_assert_str_eq(stub_said(), "started tap1 template= cidata= 52:54:00:aa:bb:01@br0/:tap1\n");
}
END_TEST

START_TEST(an_uplink_that_comes_later)
{
	stub_bridge("");
	port(TAP, "tap0", "");
	learned(TAP, A);
	synced();
	stub_bridge("br0");
	port(UPLINK, "uplink0", "");
	ck_assert_str_eq(stub_said(), "found tap0 template= cidata= 52:54:00:aa:bb:01@br0/:tap0\n");
	stub_bridge("br1");
	tell(make_link(UPLINK, "uplink0", OTHER_BRIDGE, ""));
	stopped(A);
}
END_TEST

START_TEST(an_alias_that_changes)
{
	static const char uuid[] = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

	synced();
	port(TAP, "tap0", "");
	port(TAP, "tap0", "vmprov mac=52:54:00:aa:bb:01");
	(void)stub_said();
	port(TAP, "tap0", "vmprov mac=52:54:00:aa:bb:01 template=web");
	ck_assert_str_eq(stub_said(), "changed tap0 template=web cidata= 52:54:00:aa:bb:01@br0/:tap0\n");
	port(TAP, "tap0", "vmprov mac=52:54:00:aa:bb:01 uuid=6ba7b810-9dad-11d1-80b4-00c04fd430c8");
	ck_assert_ptr_nonnull(strstr(stub_said(), "started tap0 template= cidata="));
	ck_assert_str_eq(stub_uuid(), uuid);
	stub_quiet(true);
	port(TAP, "tap0", "vmprov mac=nonsense");
	stub_quiet(false);
	ck_assert_str_eq(stub_said(), "stopped 6ba7b810-9dad-11d1-80b4-00c04fd430c8\n");
}
END_TEST

START_TEST(a_guest_of_two_ports)
{
	static const char uuid[] = "vmprov uuid=6ba7b810-9dad-11d1-80b4-00c04fd430c8 mac=52:54:00:aa:bb:0";
	char alias[LINK_ALIAS];

	synced();
	snprintf(alias, sizeof(alias), "%s1 name=web-1 template=web", uuid);
	port(TAP, "tap0", alias);
	ck_assert_str_eq(stub_said(), "started web-1 template=web cidata= 52:54:00:aa:bb:01@br0/:tap0\n");
	snprintf(alias, sizeof(alias), "%s2", uuid);
	port(TAP2, "tap1", alias);
	ck_assert_str_eq(stub_said(), "changed web-1 template=web cidata= 52:54:00:aa:bb:01@br0/:tap0 "
				      "52:54:00:aa:bb:02@br0/:tap1\n");
	gone(TAP, "tap0");
	ck_assert_str_eq(stub_said(), "changed tap1 template= cidata= 52:54:00:aa:bb:02@br0/:tap1\n");
	gone(TAP2, "tap1");
	ck_assert_str_eq(stub_said(), "stopped 6ba7b810-9dad-11d1-80b4-00c04fd430c8\n");
}
END_TEST

START_TEST(one_address_on_two_ports_is_one_guest)
{
	synced();
	port(TAP, "tap0", "vmprov mac=52:54:00:aa:bb:01");
	(void)stub_said();
	port(TAP2, "tap1", "vmprov mac=52:54:00:aa:bb:01");
	ck_assert_str_eq(stub_said(), "");
	gone(TAP, "tap0");
	ck_assert_str_eq(stub_said(), "changed tap1 template= cidata= 52:54:00:aa:bb:01@br0/:tap1\n");
}
END_TEST

START_TEST(an_address_that_another_port_sends_with)
{
	char said[256], uuid[VMP_UUID_TEXT];

	source_uuid_of_mac(A, uuid);
	synced();
	port(TAP2, "tap1", "");
	port(TAP, "tap0", "");
	learned(TAP, A);
	ck_assert_str_eq(stub_said(), "started tap0 template= cidata= 52:54:00:aa:bb:01@br0/:tap0\n");
	learned(TAP2, A);
	ck_assert_str_eq(stub_said(), ""); /* neither is it taken over ... */
	gone(TAP, "tap0");
	snprintf(said, sizeof(said), "stopped %s\nstarted tap1 template= cidata= 52:54:00:aa:bb:01@br0/:tap1\n", uuid);
	ck_assert_str_eq(stub_said(), said); /* ... nor inherited unseen */
	port(TAP, "tap0", "vmprov mac=52:54:00:aa:bb:01 name=web-1");
	ck_assert_ptr_nonnull(strstr(stub_said(), "web-1 template= cidata= 52:54:00:aa:bb:01@br0/:tap0\n"));
	gone(TAP2, "tap1");
	ck_assert_str_eq(stub_said(), ""); /* an alias is better than a frame */
	gone(TAP, "tap0");
	stopped(A);
}
END_TEST

START_TEST(an_alias_takes_no_notice_of_frames)
{
	synced();
	port(TAP, "tap0", "vmprov mac=52:54:00:aa:bb:01 name=web-1");
	(void)stub_said();
	port(TAP2, "tap1", "vmprov mac=52:54:00:aa:bb:02 name=web-2");
	(void)stub_said();
	learned(TAP2, A);
	ck_assert_str_eq(stub_said(), "");
	gone(TAP, "tap0");
	stopped(A);
}
END_TEST

START_TEST(what_libvirt_tells_of_is_left_alone)
{
	synced();
	stub_libvirt_owns(A);
	port(TAP, "tap0", "vmprov mac=52:54:00:aa:bb:01");
	ck_assert_str_eq(stub_said(), "");
	port(TAP2, "tap1", "vmprov mac=52:54:00:aa:bb:01 mac=52:54:00:aa:bb:02");
	ck_assert_str_eq(stub_said(), "started tap1 template= cidata= 52:54:00:aa:bb:02@br0/:tap1\n");
	stub_libvirt_owns(0);
	port(TAP, "tap0", "vmprov mac=52:54:00:aa:bb:01 name=web-1");
	ck_assert_str_eq(stub_said(), "started web-1 template= cidata= 52:54:00:aa:bb:01@br0/:tap0\n");
}
END_TEST

START_TEST(a_bridge_that_is_renamed)
{
	synced();
	port(TAP, "tap0", "vmprov mac=52:54:00:aa:bb:01");
	(void)stub_said();
	stub_bridge("guests");
	tell(make_link(BRIDGE, "guests", 0, ""));
	ck_assert_str_eq(stub_said(), "changed tap0 template= cidata= 52:54:00:aa:bb:01@guests/:tap0\n");
}
END_TEST

Suite *check_source_netlink(void)
{
	Suite *s = suite_create("source_netlink");
	TCase *t = tcase_create("source_netlink");

	tcase_add_checked_fixture(t, start, end);
	tcase_add_test(t, a_port_with_an_alias_comes_and_goes);
	tcase_add_test(t, a_port_that_leaves_its_bridge);
	tcase_add_test(t, those_that_were_there_are_found);
	tcase_add_test(t, the_end_waits_for_a_silent_port);
	tcase_add_test(t, addresses_from_frames);
	tcase_add_test(t, another_guest_behind_the_same_port);
	tcase_add_test(t, several_addresses_a_port);
	tcase_add_test(t, the_order_of_ways);
	tcase_add_test(t, ports_by_name);
	tcase_add_test(t, an_uplink_that_comes_later);
	tcase_add_test(t, an_alias_that_changes);
	tcase_add_test(t, a_guest_of_two_ports);
	tcase_add_test(t, one_address_on_two_ports_is_one_guest);
	tcase_add_test(t, an_address_that_another_port_sends_with);
	tcase_add_test(t, an_alias_takes_no_notice_of_frames);
	tcase_add_test(t, what_libvirt_tells_of_is_left_alone);
	tcase_add_test(t, a_bridge_that_is_renamed);
	suite_add_tcase(s, t);
	return s;
}
