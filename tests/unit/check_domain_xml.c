#include "domain_xml.h"
#include "suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UUID	  "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
#define HEAD	  "<domain type='qemu' id='1'><name>web-1</name><uuid>" UUID "</uuid>"
#define DIRECTORY "/var/lib/vmprov/cidata"

static struct guest_info info;
static struct vmp_msg msg;

static int read_xml(const char *xml)
{
	memset(&info, 0, sizeof(info));
	return domain_xml_read(xml, strlen(xml), DIRECTORY, &info, &msg);
}

START_TEST(a_running_domain)
{
	static const char xml[] =
		"<?xml version='1.0' encoding='UTF-8'?>\n" HEAD
		"<metadata><other:guest xmlns:other='https://other.example/' template='no'/>"
		"<vmprov:guest xmlns:vmprov='" DOMAIN_XML_NS "' template='web'/></metadata>"
		"<devices>"
		"<disk type='file' device='disk'><source file='/images/web-1.qcow2'/></disk>"
		"<disk type='file' device='cdrom'><source file='/iso/debian.iso'/></disk>"
		"<disk type='file' device='cdrom'><source file='" DIRECTORY "/" UUID ".iso'/></disk>"
		"<interface type='bridge'><mac address='52:54:00:aa:bb:01'/><source bridge='br0'/><target dev='vnet0'/>"
		"<model type='virtio'/><alias name='net0'/></interface>"
		"<interface type='network'><mac address='52:54:00:aa:bb:02'/>"
		"<source network='default' portid='" UUID "' bridge='virbr0'/><target dev='vnet1'/></interface>"
		"<interface type='direct'><mac address='52:54:00:aa:bb:03'/><source dev='eth0' mode='bridge'/>"
		"<target dev='macvtap0'/></interface>"
		"<interface type='user'><mac address='52:54:00:aa:bb:04'/></interface>"
		"<interface type='hostdev'><mac address='52:54:00:aa:bb:05'/><source dev='x'/></interface>"
		"<interface type='network'><mac address='52:54:00:aa:bb:06'/><source network='later'/></interface>"
		"</devices></domain>";

	ck_assert_int_eq(read_xml(xml), VMP_OK);
	ck_assert_int_eq(info.source, GUEST_LIBVIRT);
	ck_assert_str_eq(info.uuid, UUID);
	ck_assert_str_eq(info.name, "web-1");
	ck_assert_str_eq(info.template_name, "web");
	ck_assert_str_eq(info.cidata, DIRECTORY "/" UUID ".iso");
	ck_assert_int_eq(info.n_nic, 4);
	ck_assert_uint_eq(info.nic[0].mac, 0x525400aabb01);
	ck_assert_str_eq(info.nic[0].bridge, "br0");
	ck_assert_str_eq(info.nic[0].direct, "");
	ck_assert_str_eq(info.nic[0].port, "vnet0");
	ck_assert_str_eq(info.nic[1].bridge, "virbr0");
	ck_assert_str_eq(info.nic[2].bridge, "");
	ck_assert_str_eq(info.nic[2].direct, "eth0");
	ck_assert_str_eq(info.nic[2].port, "macvtap0");
	ck_assert_uint_eq(info.nic[3].mac, 0x525400aabb06);
	ck_assert_str_eq(info.nic[3].bridge, "");
}
END_TEST

START_TEST(a_domain_without_anything_of_ours)
{
	ck_assert_int_eq(read_xml(HEAD "</domain>"), VMP_OK);
	ck_assert_str_eq(info.template_name, "");
	ck_assert_str_eq(info.cidata, "");
	ck_assert_int_eq(info.n_nic, 0);
	ck_assert_int_eq(read_xml(HEAD "<metadata><guest template='web'/></metadata><devices>"
				       "<disk device='cdrom'/><disk device='cdrom'><source file='/" UUID
				       ".iso'/></disk>"
				       "</devices></domain>"),
			 VMP_OK);
	ck_assert_str_eq(info.template_name, "");
	ck_assert_str_eq(info.cidata, "");
}
END_TEST

START_TEST(cidata_on_a_disk_that_is_no_cdrom)
{
	ck_assert_int_eq(read_xml(HEAD "<devices><disk type='file' device='disk'><source file='" DIRECTORY "/" UUID
				       ".iso' startupPolicy='optional'/></disk></devices></domain>"),
			 VMP_OK);
	ck_assert_str_eq(info.cidata, DIRECTORY "/" UUID ".iso");
}
END_TEST

START_TEST(interfaces_that_are_left_out)
{
	ck_assert_int_eq(read_xml(HEAD "<devices><interface type='bridge'><source bridge='br0'/></interface>"
				       "<interface type='bridge'><mac address='01:00:5e:00:00:01'/></interface>"
				       "<interface type='bridge'><mac address='52:54:00'/></interface>"
				       "<interface><mac address='52:54:00:aa:bb:01'/></interface>"
				       "<interface type='bridge'><mac address='52:54:00:aa:bb:01'/>"
				       "<source bridge='a-name-of-sixteen'/></interface></devices></domain>"),
			 VMP_OK);
	ck_assert_int_eq(info.n_nic, 1);
	ck_assert_str_eq(info.nic[0].bridge, "");
}
END_TEST

START_TEST(the_first_of_too_many)
{
	char xml[8192];
	int i, len = snprintf(xml, sizeof(xml), HEAD "<devices>");

	for (i = 0; i < GUEST_NICS + 5; i++)
		len += snprintf(xml + len, sizeof(xml) - (size_t)len,
				"<interface type='bridge'><mac address='52:54:00:00:00:%02x'/><source "
				"bridge='br0'/></interface>",
				i);
	snprintf(xml + len, sizeof(xml) - (size_t)len, "</devices></domain>");
	ck_assert_int_eq(read_xml(xml), VMP_OK);
	ck_assert_int_eq(info.n_nic, GUEST_NICS);
	ck_assert_uint_eq(info.nic[GUEST_NICS - 1].mac, 0x525400000000 + GUEST_NICS - 1);
}
END_TEST

START_TEST(a_long_name_is_cut_between_characters)
{
	char xml[512], a[GUEST_NAME];

	memset(a, 'a', sizeof(a));
	a[GUEST_NAME - 2] = '\0'; /* one octet of room is left, and a character of two follows */
	snprintf(xml, sizeof(xml), "<domain><uuid> " UUID "\n</uuid><name>%s\xc3\xa4 and more</name></domain>", a);
	ck_assert_int_eq(read_xml(xml), VMP_OK);
	ck_assert_str_eq(info.name, a);
	ck_assert_str_eq(info.uuid, UUID);
}
END_TEST

static const struct {
	const char *xml, *why;
} bad[] = {
	{ "", "expected XML" },
	{ "domain", "expected XML" },
	{ "<domain>", "expected XML" },
	{ HEAD "</domain><domain/>", "expected XML" },
	{ "<network><name>a</name><uuid>" UUID "</uuid></network>", "expected a domain" },
	{ "<domain><name>a</name></domain>", "uuid: expected" },
	{ "<domain><name>a</name><uuid/></domain>", "uuid: expected" },
	{ "<domain><name>a</name><uuid>" UUID "0</uuid></domain>", "uuid: expected" },
	{ "<domain><uuid>" UUID "</uuid></domain>", "name: expected" },
	{ "<domain><uuid>" UUID "</uuid><name/></domain>", "name: expected" },
	{ HEAD "<metadata><v:guest xmlns:v='" DOMAIN_XML_NS
	       "' template='aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'/></metadata></domain>",
	  "template: expected" },
	{ "<!DOCTYPE domain>" HEAD "</domain>", "document type" },
	{ "<!DOCTYPE domain [<!ENTITY x 'y'>]>" HEAD "</domain>", "document type" },
	{ "<!DOCTYPE domain [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><domain><uuid>" UUID
	  "</uuid><name>&x;</name></domain>",
	  "document type" },
	{ "<!DOCTYPE domain SYSTEM 'http://127.0.0.1:9/x.dtd'>" HEAD "</domain>", "document type" },
	{ "<domain><uuid>" UUID "</uuid><name>&x;</name></domain>", "expected XML" },
	{ "<domain><uuid>" UUID "</uuid><name>\xff</name></domain>", "expected XML" },
};

START_TEST(what_is_no_domain)
{
	ck_assert_int_eq(read_xml(bad[_i].xml), VMP_EINVAL);
	ck_assert_msg(strstr(msg.text, bad[_i].why) != NULL, "said: %s", msg.text);
	ck_assert_str_eq(info.uuid, "");
}
END_TEST

START_TEST(a_domain_that_is_too_long)
{
	char *xml = malloc(DOMAIN_XML_MAX + 64);
	int len;

	ck_assert_ptr_nonnull(xml);
	len = snprintf(xml, DOMAIN_XML_MAX, HEAD "<description>");
	memset(xml + len, 'x', (size_t)(DOMAIN_XML_MAX - len));
	snprintf(xml + DOMAIN_XML_MAX - 23, 64, "</description></domain>");
	ck_assert_uint_eq(strlen(xml), DOMAIN_XML_MAX);
	ck_assert_int_eq(domain_xml_read(xml, DOMAIN_XML_MAX, DIRECTORY, &info, &msg), VMP_OK);
	ck_assert_int_eq(domain_xml_read(xml, DOMAIN_XML_MAX + 1, DIRECTORY, &info, &msg), VMP_EINVAL);
	free(xml);
}
END_TEST

Suite *check_domain_xml(void)
{
	Suite *s = suite_create("domain_xml");
	TCase *t = tcase_create("domain_xml");

	tcase_add_test(t, a_running_domain);
	tcase_add_test(t, a_domain_without_anything_of_ours);
	tcase_add_test(t, cidata_on_a_disk_that_is_no_cdrom);
	tcase_add_test(t, interfaces_that_are_left_out);
	tcase_add_test(t, the_first_of_too_many);
	tcase_add_test(t, a_long_name_is_cut_between_characters);
	tcase_add_loop_test(t, what_is_no_domain, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(t, a_domain_that_is_too_long);
	suite_add_tcase(s, t);
	return s;
}
