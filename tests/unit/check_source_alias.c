#include "source.h"
#include "suites.h"

#include <stdio.h>
#include <string.h>

static struct guest_info info;
static struct vmp_msg msg;

#define UUID "6ba7b810-9dad-11d1-80b4-00c04fd430c8"

START_TEST(a_whole_alias)
{
	static const char alias[] =
		"vmprov  mac=52-54-00-AA-BB-CC mac=525400aabbcd uuid=6BA7B810-9DAD-11D1-80B4-00C04FD430C8 "
		"name=web-1 template=web ";

	ck_assert_int_eq(source_alias_read(alias, &info, &msg), VMP_OK);
	ck_assert_int_eq(info.source, GUEST_NETLINK);
	ck_assert_int_eq(info.n_nic, 2);
	ck_assert_uint_eq(info.nic[0].mac, 0x525400aabbcc);
	ck_assert_uint_eq(info.nic[1].mac, 0x525400aabbcd);
	ck_assert_str_eq(info.uuid, UUID);
	ck_assert_str_eq(info.name, "web-1");
	ck_assert_str_eq(info.template_name, "web");
}
END_TEST

START_TEST(a_mac_may_be_left_to_others)
{
	ck_assert_int_eq(source_alias_read("vmprov", &info, &msg), VMP_OK);
	ck_assert_int_eq(info.n_nic, 0);
	ck_assert_int_eq(source_alias_read("vmprov template=web", &info, &msg), VMP_OK);
	ck_assert_str_eq(info.template_name, "web");
	ck_assert_str_eq(info.uuid, "");
}
END_TEST

static const struct {
	const char *alias;
	int err;
	const char *why;
} bad[] = {
	{ "", VMP_ENOENT, "" },
	{ "uplink to sw1", VMP_ENOENT, "" },
	{ "vmprovision mac=52:54:00:aa:bb:cc", VMP_ENOENT, "" },
	{ " vmprov mac=52:54:00:aa:bb:cc", VMP_ENOENT, "" },
	{ "vmprov mac=52:54:00:aa:bb", VMP_EINVAL, "mac: expected" },
	{ "vmprov mac=01:00:5e:00:00:01", VMP_EINVAL, "mac: expected" },
	{ "vmprov mac=52:54:00:aa:bb:cc mac=525400AABBCC", VMP_EINVAL, "given twice" },
	{ "vmprov mac", VMP_EINVAL, "word=value" },
	{ "vmprov mac=", VMP_EINVAL, "word=value" },
	{ "vmprov =x", VMP_EINVAL, "expected mac, uuid" },
	{ "vmprov MAC=52:54:00:aa:bb:cc", VMP_EINVAL, "expected mac, uuid" },
	{ "vmprov vlan=5", VMP_EINVAL, "expected mac, uuid" },
	{ "vmprov uuid=6ba7b810", VMP_EINVAL, "uuid: expected" },
	{ "vmprov uuid=" UUID " uuid=" UUID, VMP_EINVAL, "uuid: given twice" },
	{ "vmprov name=a name=b", VMP_EINVAL, "name: given twice" },
	{ "vmprov template=a template=b", VMP_EINVAL, "template: given twice" },
	{ "vmprov template=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", VMP_EINVAL,
	  "at most 64" },
	{ "vmprov name=a\tb", VMP_EINVAL, "word=value" },
	{ "vmprov name=\xc3\xa4", VMP_EINVAL, "word=value" },
	{ "vmprov name=a\nb", VMP_EINVAL, "word=value" },
};

START_TEST(aliases_that_are_not_ours_or_wrong)
{
	struct guest_info before;

	memset(&info, 0x55, sizeof(info));
	before = info;
	ck_assert_int_eq(source_alias_read(bad[_i].alias, &info, &msg), bad[_i].err);
	if (bad[_i].err == VMP_EINVAL)
		ck_assert_msg(strstr(msg.text, bad[_i].why) != NULL, "said: %s", msg.text);
	ck_assert_mem_eq(&info, &before, sizeof(info));
}
END_TEST

START_TEST(more_than_an_alias_holds)
{
	char text[512];
	int i, len = snprintf(text, sizeof(text), "vmprov");

	for (i = 0; i < GUEST_NICS + 1; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, " mac=5254000000%02x", i);
	ck_assert_int_eq(source_alias_read(text, &info, &msg), VMP_EINVAL); /* 295 octets: no alias of Linux's */
	ck_assert_ptr_nonnull(strstr(msg.text, "at most 255"));
}
END_TEST

START_TEST(a_mac_settles_a_uuid)
{
	char a[VMP_UUID_TEXT], b[VMP_UUID_TEXT], parsed[VMP_UUID_TEXT];

	source_uuid_of_mac(0x525400aabbcc, a);
	ck_assert_str_eq(a, "ff1b0e71-aeec-58e1-b461-798cc0475561");
	source_uuid_of_mac(0x525400aabbcd, b);
	ck_assert_str_ne(a, b);
	ck_assert_int_eq(vmp_uuid_parse(a, strlen(a), parsed), VMP_OK);
}
END_TEST

Suite *check_source_alias(void)
{
	Suite *s = suite_create("source_alias");
	TCase *t = tcase_create("source_alias");

	tcase_add_test(t, a_whole_alias);
	tcase_add_test(t, a_mac_may_be_left_to_others);
	tcase_add_loop_test(t, aliases_that_are_not_ours_or_wrong, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(t, more_than_an_alias_holds);
	tcase_add_test(t, a_mac_settles_a_uuid);
	suite_add_tcase(s, t);
	return s;
}
