#include "cidr.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

/* Those that are refused, and what is said. */
static const struct {
	vmp_list_fn form;
	const char *text, *says;
} bad[] = {
	{ vmp_cidr_routes, "192.0.2.1", "expected a prefix such as" },
	{ vmp_cidr_routes, "2001:db8::", "expected a prefix such as" },
	{ vmp_cidr_routes, "/", "found /" },
	{ vmp_cidr_routes, "0.0.0.0/", "found 0.0.0.0/" },
	{ vmp_cidr_routes, "192.0.2.0/33", "found" },
	{ vmp_cidr_routes, "192.0.2.0/024", "found" },
	{ vmp_cidr_routes, "192.0.2.0/+24", "found" },
	{ vmp_cidr_routes, "192.0.2.0/24 x", "found" },
	{ vmp_cidr_routes, "192.0.2.0/24/24", "found" },
	{ vmp_cidr_routes, "192.0.2.1/24", "expected 192.0.2.0/24 for 192.0.2.1/24" },
	{ vmp_cidr_routes, "2001:db8::1/32", "expected 2001:db8::/32 for 2001:db8::1/32" },
	{ vmp_cidr_routes, "255.255.255.255/0", "expected 0.0.0.0/0 for" },
	{ vmp_cidr_routes, "::/129", "found" },
	{ vmp_cidr_routes, "::g/64", "found" },
	{ vmp_cidr_routes, "::ffff:192.0.2.0/120", "found" },
	{ vmp_cidr_routes, "::ffff:c000:200/128", "found" },
	{ vmp_cidr_routes, "192.0.2/24", "found" },
	{ vmp_cidr_routes, "192.0.02.0/24", "found" },
	{ vmp_cidr_routes, "localhost/8", "found" },
	{ vmp_cidr_routes, "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/0", "found" },
	{ vmp_cidr_routes, "0.0.0.0/0,", "found nothing" },
	{ vmp_cidr_routes, ",0.0.0.0/0", "found nothing" },
	{ vmp_cidr_routes, "0.0.0.0/0,,::/0", "found nothing" },
	{ vmp_cidr_routes, " , ", "found nothing" },
	{ vmp_cidr_routes, "0.0.0.0/0;::/0", "found" },
	{ vmp_cidr_hosts, "192.0.2.256", "expected an address, or a prefix such as" },
	{ vmp_cidr_hosts, "::ffff:192.0.2.1", "expected an address" },
	{ vmp_cidr_hosts, "fe80::1%eth0", "expected an address" },
	{ vmp_cidr_hosts, "[::1]", "expected an address" },
	{ vmp_cidr_hosts, "192.0.2.1:80", "expected an address" },
	{ vmp_cidr_ports, "0", "expected a port 1 to 65535" },
	{ vmp_cidr_ports, "65536", "expected a port" },
	{ vmp_cidr_ports, "999999", "expected a port" },
	{ vmp_cidr_ports, "080", "expected a port" },
	{ vmp_cidr_ports, "80-", "expected a port" },
	{ vmp_cidr_ports, "-80", "expected a port" },
	{ vmp_cidr_ports, "80-79", "expected a port" },
	{ vmp_cidr_ports, "1-2-3", "expected a port" },
	{ vmp_cidr_ports, "80 81", "expected a port" },
	{ vmp_cidr_ports, "80 - 81", "expected a port" },
	{ vmp_cidr_ports, "http", "found http" },
	{ vmp_cidr_ports, "80,,81", "found nothing" },
	{ vmp_cidr_ports, "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
	  "expected a port" },
};

START_TEST(what_is_refused)
{
	char out[VMP_CIDR_LIST];
	struct vmp_msg msg = { "" };

	ck_assert_int_eq(bad[_i].form(bad[_i].text, out, &msg), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, bad[_i].says) != NULL, "%s: %s", bad[_i].text, msg.text);
}
END_TEST

static const struct {
	vmp_list_fn form;
	const char *text, *out;
} good[] = {
	{ vmp_cidr_routes, "", "" },
	{ vmp_cidr_routes, "  ", "" },
	{ vmp_cidr_routes, "0.0.0.0/0", "0.0.0.0/0" },
	{ vmp_cidr_routes, "::/0", "::/0" },
	{ vmp_cidr_routes, "2001:DB8:0:0::/32", "2001:db8::/32" },
	{ vmp_cidr_routes, "192.0.2.1/32 , 2001:db8::1/128", "192.0.2.1/32,2001:db8::1/128" },
	{ vmp_cidr_routes, "192.0.2.128/25", "192.0.2.128/25" },
	{ vmp_cidr_routes, "fe80::/10", "fe80::/10" },
	{ vmp_cidr_hosts, "192.0.2.1", "192.0.2.1" },
	{ vmp_cidr_hosts, " 192.0.2.1,10.0.0.0/8,2001:0db8::0001 ", "192.0.2.1,10.0.0.0/8,2001:db8::1" },
	{ vmp_cidr_hosts, "2001:db8:1111:2222:3333:4444:5555:6666/128", "2001:db8:1111:2222:3333:4444:5555:6666/128" },
	{ vmp_cidr_ports, "", "" },
	{ vmp_cidr_ports, "1", "1" },
	{ vmp_cidr_ports, "65535", "65535" },
	{ vmp_cidr_ports, "443, 8000-8100,1-65535", "443,8000-8100,1-65535" },
	{ vmp_cidr_ports, "5-5", "5-5" },
};

START_TEST(one_form)
{
	char out[VMP_CIDR_LIST], again[VMP_CIDR_LIST];
	struct vmp_msg msg = { "" };

	ck_assert_msg(good[_i].form(good[_i].text, out, &msg) == VMP_OK, "%s", msg.text);
	ck_assert_str_eq(out, good[_i].out);
	ck_assert_int_eq(good[_i].form(out, again, NULL), VMP_OK);
	ck_assert_str_eq(again, out);
}
END_TEST

START_TEST(as_long_as_there_is_room)
{
	char text[VMP_CIDR_LIST + 8] = "", out[VMP_CIDR_LIST];
	struct vmp_msg msg = { "" };

	while (strlen(text) + 6 < VMP_CIDR_LIST)
		strcat(text, "10000,");
	ck_assert_uint_eq(strlen(text), VMP_CIDR_LIST - 1 - 0);
	text[strlen(text) - 1] = '\0';
	ck_assert_int_eq(vmp_cidr_ports(text, out, &msg), VMP_OK);
	ck_assert_str_eq(out, text);
	strcat(text, ",1");
	ck_assert_int_eq(vmp_cidr_ports(text, out, &msg), VMP_EINVAL);
	ck_assert_str_eq(msg.text, "expected at most 3000 octets");
}
END_TEST

Suite *check_cidr(void)
{
	Suite *s = suite_create("cidr");
	TCase *t = tcase_create("cidr");

	tcase_add_loop_test(t, what_is_refused, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_loop_test(t, one_form, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_test(t, as_long_as_there_is_room);
	suite_add_tcase(s, t);
	return s;
}
