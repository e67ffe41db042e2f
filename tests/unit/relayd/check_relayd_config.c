#include "config.h"
#include "../folder.h"
#include "suites_relayd.h"

#include <stdio.h>
#include <string.h>

#define USER	"[process]\nuser =\n"
#define SERVICE "[service one]\ntarget = one.example:8444\n"
#define SYSLOG	"[service log]\ntarget = log.example:6514\ntype = syslog\n"

static const struct {
	const char *text, *why;
} bad[] = {
	{ USER, "at least one section [service NAME]" },
	{ USER "[service one]\n", "[service one] target: expected HOST:PORT" },
	{ USER "[service one]\ntarget = one.example\n", "[service one] target: expected HOST:PORT" },
	{ USER "[service one]\ntarget = https://one.example:1\n", "[service one] target: expected HOST:PORT" },
	{ USER SERVICE SERVICE, "given twice" },
	{ USER SERVICE "[service two]\ntarget = ONE.example:8444\n",
	  "[service two] target: one.example:8444 is [service one]" },
	{ USER "[service]\ntarget = one.example:8444\n", "there is no such section" },
	{ USER "[service a/b]\ntarget = one.example:8444\n", "expected a name" },
	{ USER "[service 123456789.123456789.123456789.12]\ntarget = one.example:8444\n", "expected a name" },
	{ USER SERVICE "[services]\nx = y\n", "there is no such section" },
	{ USER SERVICE "targets = x\n", "targets" },
	{ USER SERVICE "type = http\n", "[service one] type: expected tls, syslog or ntp" },
	{ USER SERVICE "listen = 127.0.0.1:1\n", "[service one] listen: only for type = syslog and ntp" },
	{ USER SERVICE "ca = /x\n", "only for type = syslog" },
	{ USER SERVICE "server = 52:54:00:aa:bb:cc\n", "only for type = syslog" },
	{ USER SYSLOG "listen = everywhere\n", "[service log] listen" },
	{ USER SYSLOG "ca = ca.pem\n", "[service log] ca: expected a path" },
	{ USER SERVICE "[relay]\nrole = both\n", "[relay] role: expected proxy or relay" },
	{ USER SERVICE "[relay]\nmax_depth = 0\n", "max_depth" },
	{ USER SERVICE "[relay]\nmax_depth = 17\n", "max_depth" },
	{ USER SERVICE "[relay]\nchain = maybe\n", "chain" },
	{ USER SERVICE "[listen]\naddress = somewhere\n", "[listen] address: somewhere" },
	{ USER SERVICE "[status]\naddress = 127.0.0.1:1 127.0.0.1:2\n", "[status] address" },
	{ USER SERVICE "[next]\naddress = relay\n", "[next] address: expected HOST:PORT" },
	{ USER SERVICE "[next]\nname = relay\n", "[next] name: expected a UUID or a MAC address" },
	{ USER SERVICE "[policyd]\nurl = http://x\n", "[policyd] url: expected https://" },
	{ USER SERVICE "[policyd]\nproxy = x:1\n", "[policyd] proxy: expected https://" },
	{ USER SERVICE "[identity]\ncertificate = relay.pem\n", "[identity] certificate: expected a path" },
	{ USER SERVICE "[identity]\nkey =\n", "[identity] key: expected a path" },
	{ USER SERVICE "[limits]\ntunnels = 0\n", "tunnels" },
	{ USER SERVICE "[limits]\nidle_timeout = 2d\n", "idle_timeout" },
	{ USER SERVICE "[log]\nlevel = loud\n", "[log] level" },
	{ "[process]\nuser = no-such-user-here\n" SERVICE, NULL }, /* an error for root alone */
};

static int read_text(const char *text, struct config *out, struct vmp_msg *msg)
{
	folder_write("relayd.conf", text, 0600);
	return config_read(folder_path("relayd.conf"), out, msg);
}

START_TEST(bad_ones_are_refused)
{
	static struct config c;
	struct vmp_msg msg = { "" };
	int err = read_text(bad[_i].text, &c, &msg);

	if (!bad[_i].why && err == VMP_OK)
		return;
	ck_assert_int_ne(err, VMP_OK);
	ck_assert_msg(!bad[_i].why || strstr(msg.text, bad[_i].why), "%s", msg.text);
	ck_assert_ptr_nonnull(strstr(msg.text, "relayd.conf"));
}
END_TEST

START_TEST(there_may_be_32_services)
{
	static struct config c;
	struct vmp_msg msg = { "" };
	char text[4096] = USER;
	int i;

	for (i = 0; i < CONFIG_SERVICES + 1; i++) {
		ck_assert_msg(i == 0 || read_text(text, &c, &msg) == VMP_OK, "%s", msg.text);
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "[service s%d]\ntarget = s%d:1\n", i, i);
	}
	ck_assert_int_eq(read_text(text, &c, &msg), VMP_EINVAL);
	ck_assert_ptr_nonnull(strstr(msg.text, "at most 32"));
}
END_TEST

START_TEST(what_is_there_is_read)
{
	static struct config c;
	struct vmp_msg msg = { "" };

	ck_assert_msg(read_text(USER "[service one]\ntarget = One.EXAMPLE:8444\n" SYSLOG "listen = 127.0.0.1:6514\n"
				     "[relay]\nrole = relay\n[limits]\nidle_timeout = 2m\n",
				&c, &msg) == VMP_OK,
		      "%s", msg.text);
	ck_assert_int_eq(c.n_service, 2);
	ck_assert_str_eq(c.service[0].name, "one");
	ck_assert_str_eq(c.service[0].target, "one.example:8444");
	ck_assert_int_eq(c.service[0].type, SERVICE_TLS);
	ck_assert_int_eq(c.service[1].type, SERVICE_SYSLOG);
	ck_assert_str_eq(c.service[1].listen, "127.0.0.1:6514");
	ck_assert(!config_is_proxy(&c));
	ck_assert_int_eq(c.idle_timeout, 120);
	ck_assert_int_eq(c.max_depth, 4);
	ck_assert_str_eq(c.peers, "*");
}
END_TEST

Suite *check_relayd_config(void)
{
	Suite *s = suite_create("relayd config");
	TCase *c = tcase_create("all");

	suite_add_tcase(s, c);
	tcase_add_checked_fixture(c, folder_setup, folder_teardown);
	tcase_add_loop_test(c, bad_ones_are_refused, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(c, there_may_be_32_services);
	tcase_add_test(c, what_is_there_is_read);
	return s;
}
