#include "config.h"
#include "../folder.h"
#include "suites_coid.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *text, *why;
} bad[] = {
	{ "[join]\ndirectory = here\n", "[join] directory: expected a path" },
	{ "[join]\ncidata = maybe\n", "[join] cidata: expected yes, no or a path" },
	{ "[join]\ncidata =\n", "[join] cidata: expected yes, no or a path" },
	{ "[join]\ncredential = perhaps\n", "credential" },
	{ "[join]\ncredential = no\ndirectory =\ncidata = no\n", "[policyd] url and [identity] ca" },
	{ "[join]\ncredential = no\ndirectory =\ncidata = no\n[policyd]\nurl = https://x\n",
	  "[policyd] url and [identity] ca" },
	{ "[join]\ncredential = no\ndirectory =\ncidata = no\n[policyd]\nurl = https://x\n[identity]\nca = /ca\n",
	  "[identity] enrol = no" },
	{ "[identity]\ncertificate = x.pem\n", "[identity] certificate: expected a path" },
	{ "[identity]\nlabel = a/b\n", "[identity] label: expected the name" },
	{ "[policyd]\nurl = http://x\n", "[policyd] url: expected https://" },
	{ "[policyd]\ntimeout = 0\n", "timeout" },
	{ "[wireguard]\nengine = other\n", "[wireguard] engine: expected auto, kernel or userspace" },
	{ "[wireguard]\ninterface = a-name-too-long\n", "[wireguard] interface: expected up to 14" },
	{ "[wireguard]\ninterface = a/b\n", "[wireguard] interface: expected" },
	{ "[wireguard]\ninterface = ..\n", "[wireguard] interface: expected" },
	{ "[wireguard]\ninterface =\n", "[wireguard] interface: expected" },
	{ "[wireguard]\nprogram =\n", "[wireguard] program: expected" },
	{ "[wireguard]\nport = 65535\n", "port" },
	{ "[wireguard]\nmark = 0\n", "mark" },
	{ "[wireguard]\nmtu = 1279\n", "mtu" },
	{ "[peers]\nmost = 0\n", "most" },
	{ "[names]\nhosts = hosts\n", "[names] hosts: expected a path" },
	{ "[names]\nsuffix = a b\n", "[names] suffix: expected a domain" },
	{ "[lease]\nport = 0\n", "port" },
	{ "[status]\naddress = here\n", "[status] address: here" },
	{ "[status]\nsocket = here\n", "[status] socket: expected a path" },
	{ "[state]\ndirectory =\n", "[state] directory: expected a path" },
	{ "[log]\nlevel = loud\n", "[log] level" },
	{ "[else]\nx = y\n", "[else] x: there is no such option" },
	{ "[join]\nx = y\n", "x" },
};

static struct config c;
static struct vmp_msg msg;

static int read_text(const char *text)
{
	folder_write("coid.conf", text, 0600);
	return config_read(folder_path("coid.conf"), &c, &msg);
}

START_TEST(bad_ones_are_refused)
{
	ck_assert_msg(read_text(bad[_i].text) == VMP_EINVAL, "%s", bad[_i].text);
	ck_assert_msg(strstr(msg.text, bad[_i].why), "%s: %s", bad[_i].text, msg.text);
}
END_TEST

START_TEST(none_is_good)
{
	ck_assert_int_eq(read_text(""), VMP_OK);
	ck_assert(config_joins(&c));
	ck_assert(c.ca_is_bundles);
	ck_assert(c.enrol);
	ck_assert(!c.join_again);
	ck_assert_int_eq(c.port, 51820);
}
END_TEST

START_TEST(files_are_in_the_state_folder)
{
	ck_assert_int_eq(read_text("[state]\ndirectory = /s\n"), VMP_OK);
	ck_assert_str_eq(c.certificate, "/s/machine.pem");
	ck_assert_str_eq(c.key, "/s/machine.key");
	ck_assert_str_eq(c.ca, "/s/ca.pem");
	ck_assert_int_eq(read_text("[identity]\nca = /ca\n[state]\ndirectory = /s\n"), VMP_OK);
	ck_assert_str_eq(c.ca, "/ca");
	ck_assert(!c.ca_is_bundles);
}
END_TEST

/* A line has room for as much. */
START_TEST(a_state_folder_with_a_long_name)
{
	char text[400], name[400];

	memset(name, 'x', sizeof(name));
	snprintf(text, sizeof(text), "[state]\ndirectory = /%.178s\n", name);
	ck_assert_int_eq(read_text(text), VMP_OK);
	ck_assert_uint_eq(strlen(c.certificate), VMP_INI_TEXT - 1);
	snprintf(text, sizeof(text), "[state]\ndirectory = /%.179s\n", name);
	ck_assert_int_eq(read_text(text), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "[state] directory: expected at most 179 octets"));
}
END_TEST

START_TEST(without_a_bundle)
{
	ck_assert_int_eq(read_text("[join]\ncredential = no\ndirectory =\ncidata = no\n[policyd]\nurl = https://x\n"
				   "[identity]\nca = /ca\nenrol = no\n"),
			 VMP_OK);
	ck_assert(!config_joins(&c));
}
END_TEST

START_TEST(the_presets_are_good)
{
	ck_assert_int_eq(config_read(NULL, &c, &msg), VMP_OK);
	ck_assert_str_eq(c.hosts, "/etc/hosts");
	ck_assert_int_eq(config_read(folder_path("none"), &c, &msg), VMP_ENOENT);
}
END_TEST

Suite *check_coid_config(void)
{
	Suite *s = suite_create("coid config");
	TCase *t = tcase_create("config");

	tcase_add_checked_fixture(t, folder_setup, folder_teardown);
	tcase_add_loop_test(t, bad_ones_are_refused, 0, (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(t, none_is_good);
	tcase_add_test(t, files_are_in_the_state_folder);
	tcase_add_test(t, a_state_folder_with_a_long_name);
	tcase_add_test(t, without_a_bundle);
	tcase_add_test(t, the_presets_are_good);
	suite_add_tcase(s, t);
	return s;
}
