#include "config.h"
#include "../folder.h"
#include "suites_gatewayd.h"

#include <stdio.h>
#include <string.h>

#define USER   "[process]\nuser =\n"
#define SERVER "[server one]\nurl = https://one.example:8444\n"
#define MEMBER USER "[identity]\nurl = https://one.example\n[coi]\nenabled = yes\n"

static const struct {
	const char *text, *why;
} bad[] = {
	{ USER, "at least one section [server NAME]" },
	{ USER "[server one]\n", "[server one] url: expected https://" },
	{ USER "[server one]\nurl = http://one.example\n", "[server one] url: expected https://" },
	{ USER SERVER "proxy = 192.0.2.1:8445\n", "[server one] proxy: expected https://" },
	{ USER SERVER SERVER, "given twice" },
	{ USER "[server]\nurl = https://one.example\n", "there is no such section" },
	{ USER "[server a/b]\nurl = https://one.example\n", "expected a name" },
	{ USER SERVER "home = yes\n[server two]\nurl = https://two.example\nhome = yes\n",
	  "expected one server with home" },
	{ USER SERVER "urls = x\n", "urls" },
	{ USER SERVER "[listen]\naddress =\n", "[listen] address: expected at least one" },
	{ USER SERVER "[listen]\naddress = somewhere\n", "[listen] address: somewhere" },
	{ USER SERVER "[status]\naddress = 1\n", "[status] address" },
	{ USER SERVER "[store]\npath = gateway.db\n", "[store] path: expected a path" },
	{ USER SERVER "[identity]\nkey = gateway.key\n", "[identity] key: expected a path" },
	{ USER SERVER "[identity]\nurl = http://x\n", "[identity] url: expected https://" },
	{ USER SERVER "[identity]\nlabel =\n", "[identity] label" },
	{ USER SERVER "[broker]\nlease = 0s\n", "lease" },
	{ USER SERVER "[broker]\nmargin = -1\n", "margin" },
	{ USER SERVER "[log]\nlevel = loud\n", "[log] level" },
	{ USER "[coi]\nenabled = no\n", "at least one section [server NAME], or [coi] enabled" },
	{ USER "[coi]\nenabled = yes\n", "[identity] url: expected https://" },
	{ MEMBER "interface = \n", "[coi] interface" },
	{ MEMBER "interface = wg 0\n", "[coi] interface" },
	{ MEMBER "interface = wg\"0\n", "[coi] interface" },
	{ MEMBER "interface = ..\n", "[coi] interface" },
	{ MEMBER "interface = fifteen-octets-\n", "[coi] interface" },
	{ MEMBER "engine = fast\n", "[coi] engine: expected auto, kernel or userspace" },
	{ MEMBER "port = 65535\n", "port" },
	{ MEMBER "mtu = 1279\n", "mtu" },
	{ MEMBER "mark = 0\n", "mark" },
	{ MEMBER "table = 255\n", "table" },
	{ MEMBER "state = here\n", "[coi] state: expected a path" },
	{ MEMBER "status_address = nowhere\n", "[coi] status_address" },
	{ MEMBER "clear = a b c d e f g h i\n", "[coi] clear" },
	{ MEMBER "clear = eth0 sixteen-octets--\n", "[coi] clear" },
	{ MEMBER "clear = eth0\"\n", "[coi] clear" },
	{ MEMBER "clear = { drop }\n", "[coi] clear" },
	{ MEMBER "input = tcp\n", "[coi] input: tcp" },
	{ MEMBER "input = icmp tcp/0\n", "[coi] input: tcp/0" },
	{ MEMBER "input = tcp/65536\n", "[coi] input: tcp/65536" },
	{ MEMBER "input = tcp/-1\n", "[coi] input: tcp/-1" },
	{ MEMBER "input = tcp/\n", "[coi] input: tcp/" },
	{ MEMBER "input = tcp/22x\n", "[coi] input" },
	{ MEMBER "input = udp/99999999999999999999\n", "[coi] input" },
	{ MEMBER "masquerade = perhaps\n", "masquerade" },
};

static int read_text(const char *text, struct config *out, struct vmp_msg *msg)
{
	folder_write("gatewayd.conf", text, 0600);
	return config_read(folder_path("gatewayd.conf"), out, msg);
}

START_TEST(bad_ones_are_refused)
{
	static struct config c;
	struct vmp_msg msg = { "" };

	ck_assert_int_eq(read_text(bad[_i].text, &c, &msg), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, bad[_i].why) != NULL, "%s", msg.text);
	ck_assert_ptr_nonnull(strstr(msg.text, "gatewayd.conf"));
}
END_TEST

START_TEST(nine_servers_are_too_many)
{
	static struct config c;
	struct vmp_msg msg = { "" };
	char text[1024] = USER;
	int i;

	for (i = 0; i < BROKER_SERVERS + 1; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "[server s%d]\nurl = https://s%d\n", i, i);
	ck_assert_int_eq(read_text(text, &c, &msg), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "at most 8"));
}
END_TEST

START_TEST(the_first_is_home_unless_one_says_so)
{
	static struct config c;
	struct vmp_msg msg = { "" };

	ck_assert_msg(read_text(USER SERVER "[server two]\nurl = https://two\n", &c, &msg) == VMP_OK, "%s", msg.text);
	ck_assert_int_eq(c.n_server, 2);
	ck_assert_int_eq(c.home, 0);
	ck_assert_str_eq(c.server[1].name, "two");
	ck_assert_msg(read_text(USER SERVER "[server two]\nurl = https://two\nhome = yes\n", &c, &msg) == VMP_OK, "%s",
		      msg.text);
	ck_assert_int_eq(c.home, 1);
}
END_TEST

START_TEST(a_member_needs_no_server)
{
	static struct config c;
	struct vmp_msg msg = { "" };

	ck_assert_msg(read_text(MEMBER
				"interface = a-14-octet.one\nclear = eth0, eth1.7\ninput = icmp,tcp/22 udp/65535\n",
				&c, &msg) == VMP_OK,
		      "%s", msg.text);
	ck_assert_int_eq(c.n_server, 0);
	ck_assert(c.coi_enabled && c.coi_forwarding && !c.coi_transit && !c.coi_masquerade);
	ck_assert_int_eq(c.coi_port, 51820);
	ck_assert_msg(read_text(USER SERVER "[coi]\nenabled = yes\nclear =\ninput =\n", &c, &msg) == VMP_OK, "%s",
		      msg.text);
}
END_TEST

START_TEST(a_broker_is_no_member)
{
	static struct config c;
	struct vmp_msg msg = { "" };

	ck_assert_int_eq(read_text(USER SERVER, &c, &msg), VMP_OK);
	ck_assert(!c.coi_enabled);
}
END_TEST

START_TEST(words_of_input)
{
	struct config_input input;

	ck_assert(config_input_word("icmp", &input));
	ck_assert_int_eq(input.protocol, CONFIG_ICMP);
	ck_assert(config_input_word("tcp/8444", &input));
	ck_assert_int_eq(input.protocol, CONFIG_TCP);
	ck_assert_uint_eq(input.port, 8444);
	ck_assert(config_input_word("udp/1", &input));
	ck_assert_int_eq(input.protocol, CONFIG_UDP);
	ck_assert(!config_input_word("", &input));
	ck_assert(!config_input_word("icmp/1", &input));
	ck_assert(!config_input_word("tcp 1", &input));
}
END_TEST

Suite *check_gatewayd_config(void)
{
	Suite *s = suite_create("gatewayd config");
	TCase *c = tcase_create("all");

	suite_add_tcase(s, c);
	tcase_add_checked_fixture(c, folder_setup, folder_teardown);
	tcase_add_loop_test(c, bad_ones_are_refused, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(c, nine_servers_are_too_many);
	tcase_add_test(c, the_first_is_home_unless_one_says_so);
	tcase_add_test(c, a_member_needs_no_server);
	tcase_add_test(c, a_broker_is_no_member);
	tcase_add_test(c, words_of_input);
	return s;
}
