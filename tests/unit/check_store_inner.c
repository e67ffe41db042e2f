/* Addresses inside the communities, and what a machine is told of itself. */
#include "store_inner.h"
#include "suites.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

static struct vmp_self self;

static void setup(void)
{
	int n;

	world_setup();
	for (n = 1; n <= 3; n++)
		world_guest(n, "web");
	scratch_sql("UPDATE site SET inner_prefix = 'fd12:3456:789a:1::', inner_prefix4 = '10.64.0.0/10'");
}

static void take(int n, bool left)
{
	bool exhausted = left;

	ck_assert_msg(WRITE(vmp_store_inner4_take(world, world_mac(n), &exhausted, &world_msg)) == VMP_OK, "%s",
		      world_msg.text);
	ck_assert_int_eq(exhausted, !left);
}

static const char *inner4(int n)
{
	ck_assert_int_eq(vmp_store_self(world, world_mac(n), &self, &world_msg), VMP_OK);
	return self.inner4;
}

START_TEST(one_is_told)
{
	ck_assert_int_eq(vmp_store_self(world, world_mac(9), &self, &world_msg), VMP_ENOENT);
	take(2, true);
	ck_assert_int_eq(vmp_store_self(world, world_mac(2), &self, &world_msg), VMP_OK);
	ck_assert_str_eq(self.inner, "fd12:3456:789a:1:5054:ff:fe00:2");
	ck_assert_str_eq(self.inner_prefix, "fd12:3456:789a:1::/64");
	ck_assert_str_eq(self.inner4, "10.64.0.1");
	ck_assert_str_eq(self.inner4_prefix, "10.64.0.0/10");
	ck_assert(!self.gateway && !self.remote);
	scratch_sql("UPDATE template SET remote = 1 WHERE name = 'web'");
	ck_assert_int_eq(vmp_store_self(world, world_mac(2), &self, &world_msg), VMP_OK);
	ck_assert(self.remote);
	scratch_sql("UPDATE guest SET template_id = (SELECT id FROM template WHERE name = 'gw') WHERE mac = "
		    "0x525400000002");
	ck_assert_int_eq(vmp_store_self(world, world_mac(2), &self, &world_msg), VMP_OK);
	ck_assert(self.gateway && !self.remote);
	scratch_sql("DROP TRIGGER site_delete; DELETE FROM site");
	ck_assert_int_eq(vmp_store_self(world, world_mac(2), &self, &world_msg), VMP_ECORRUPT);
}
END_TEST

START_TEST(without_a_prefix_there_is_no_ipv4)
{
	scratch_sql("UPDATE site SET inner_prefix4 = ''");
	take(1, true);
	ck_assert_str_eq(inner4(1), "");
	ck_assert_str_eq(self.inner4_prefix, "");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM inner4"), 0);
}
END_TEST

START_TEST(a_number_is_kept)
{
	long long changes;

	take(1, true);
	take(2, true);
	ck_assert_str_eq(inner4(2), "10.64.0.2");
	changes = scratch_number("SELECT max(id) FROM change");
	take(1, true);
	ck_assert_str_eq(inner4(1), "10.64.0.1");
	ck_assert_int_eq(scratch_number("SELECT max(id) FROM change"), changes);
	scratch_sql("UPDATE site SET inner_prefix4 = '192.168.7.0/24'");
	ck_assert_str_eq(inner4(2), "192.168.7.2");
	scratch_sql("UPDATE vm SET mac = 0x525400000012 WHERE mac = 0x525400000002");
	ck_assert_str_eq(scratch_text("SELECT address FROM inner4_address WHERE mac = 0x525400000012"), "192.168.7.2");
}
END_TEST

START_TEST(what_one_had_is_not_anothers_soon)
{
	take(1, true);
	take(2, true);
	scratch_sql("DELETE FROM vm WHERE mac = 0x525400000001");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM inner4"), 1);
	take(3, true);
	ck_assert_str_eq(inner4(3), "10.64.0.3");
}
END_TEST

START_TEST(a_prefix_that_is_full)
{
	scratch_sql("UPDATE site SET inner_prefix4 = '192.0.2.4/30'");
	take(1, true);
	take(2, true);
	take(3, false);
	ck_assert_str_eq(inner4(3), "");
	ck_assert_str_eq(inner4(2), "192.0.2.6");
	scratch_sql("DELETE FROM vm WHERE mac = 0x525400000001");
	take(3, true);
	ck_assert_str_eq(inner4(3), "192.0.2.5");
}
END_TEST

START_TEST(a_prefix_that_gets_smaller)
{
	scratch_sql("INSERT INTO inner4 (mac, address) VALUES (0x525400000001, 3), (0x525400000002, 2)");
	scratch_sql("UPDATE site SET inner_prefix4 = '192.0.2.0/30'");
	ck_assert_str_eq(inner4(1), "");
	ck_assert_str_eq(inner4(2), "192.0.2.2");
	ck_assert_str_eq(scratch_text("SELECT group_concat(address) FROM inner4_address"), "192.0.2.2");
	take(1, true);
	ck_assert_str_eq(inner4(1), "192.0.2.1");
	take(3, false);
}
END_TEST

START_TEST(as_the_schema_shows_them)
{
	scratch_sql("UPDATE site SET inner_prefix4 = '10.0.0.0/8';"
		    "INSERT INTO inner4 (mac, address) VALUES (0x525400000001, 16777214), (0x525400000002, 259)");
	ck_assert_str_eq(scratch_text("SELECT group_concat(address) FROM inner4_address"), "10.255.255.254,10.0.1.3");
	ck_assert_str_eq(inner4(1), "10.255.255.254");
	ck_assert_str_eq(inner4(2), "10.0.1.3");
}
END_TEST

static const struct {
	const char *sql, *says;
} refusals[] = {
	{ "UPDATE site SET inner_prefix4 = '10.64.0.0'", "inner_prefix4: expected" },
	{ "UPDATE site SET inner_prefix4 = '10.64.0.0/7'", "inner_prefix4: expected" },
	{ "UPDATE site SET inner_prefix4 = '10.64.0.0/31'", "inner_prefix4: expected" },
	{ "UPDATE site SET inner_prefix4 = '10.64.0.1/10'", "inner_prefix4: expected" },
	{ "UPDATE site SET inner_prefix4 = '10.64.0.0/010'", "inner_prefix4: expected" },
	{ "UPDATE site SET inner_prefix4 = '0.0.0.0/8'", "inner_prefix4: expected" },
	{ "UPDATE site SET inner_prefix4 = '127.0.0.0/8'", "inner_prefix4: expected" },
	{ "UPDATE site SET inner_prefix4 = '224.0.0.0/8'", "inner_prefix4: expected" },
	{ "UPDATE site SET inner_prefix4 = '10.0.0.0/8,11.0.0.0/8'", "inner_prefix4: expected" },
	{ "UPDATE site SET inner_prefix4 = 'fd00::/8'", "inner_prefix4: expected" },
	{ "UPDATE site SET inner_prefix4 = NULL", "site.inner_prefix4" },
	{ "UPDATE site SET inner_prefix4 = x'3130'", "inner_prefix4: expected" },
	{ "INSERT INTO inner4 (mac, address) VALUES (5, 1)", "mac: expected a VM that exists" },
	{ "INSERT INTO inner4 (mac, address) VALUES (0x525400000001, 0)", "address: expected" },
	{ "INSERT INTO inner4 (mac, address) VALUES (0x525400000001, 16777215)", "address: expected" },
	{ "INSERT INTO inner4 (mac, address) VALUES (0x525400000001, 'x')", "address: expected" },
	{ "REPLACE INTO inner4 (mac, address) VALUES (0x525400000003, 8)", "use UPDATE" },
	{ "INSERT INTO inner4 (mac, address) VALUES (0x525400000001, 7)", "use UPDATE" },
	{ "UPDATE inner4 SET mac = 0x525400000001", "change the MAC of its VM" },
	{ "INSERT INTO inner4 (mac, address) VALUES (0x525400000001, 9);"
	  "UPDATE OR REPLACE inner4 SET address = 7 WHERE mac = 0x525400000001",
	  "address: another machine has this number" },
};

START_TEST(what_the_schema_refuses)
{
	scratch_sql("INSERT INTO inner4 (mac, address) VALUES (0x525400000003, 7)");
	scratch_refused(refusals[_i].sql, refusals[_i].says);
}
END_TEST

static int set(enum vmp_inner which, const char *prefix)
{
	return WRITE(vmp_store_inner_set(world, which, prefix, &world_msg));
}

START_TEST(an_administrator_sets_them)
{
	ck_assert_int_eq(set(VMP_INNER_SIX, "fd12::1/64"), VMP_EINVAL);
	ck_assert_int_eq(set(VMP_INNER_SIX, "fd12::/48"), VMP_EINVAL);
	ck_assert_int_eq(set(VMP_INNER_SIX, "10.0.0.0/8"), VMP_EINVAL);
	ck_assert_int_eq(set(VMP_INNER_SIX, ""), VMP_EINVAL);
	ck_assert_int_eq(set(VMP_INNER_FOUR, "fd12::/64"), VMP_EINVAL);
	ck_assert_int_eq(set(VMP_INNER_FOUR, "10.0.0.0/4"), VMP_EINVAL);
	ck_assert_int_eq(set(VMP_INNER_FOUR, "10.0.0.1/8"), VMP_EINVAL);
	ck_assert_str_eq(world_msg.text, "expected 10.0.0.0/8 for 10.0.0.1/8");
	ck_assert_int_eq(set(VMP_INNER_SIX, "FD12:0:0:5::/64"), VMP_OK);
	ck_assert_int_eq(set(VMP_INNER_FOUR, "10.0.0.0/8"), VMP_OK);
	ck_assert_int_eq(vmp_store_inner_show(world, &self, &world_msg), VMP_OK);
	ck_assert_str_eq(self.inner_prefix, "fd12:0:0:5::/64");
	ck_assert_str_eq(self.inner4_prefix, "10.0.0.0/8");
	ck_assert_int_eq(set(VMP_INNER_FOUR, ""), VMP_OK);
	ck_assert_int_eq(vmp_store_inner_show(world, &self, &world_msg), VMP_OK);
	ck_assert_str_eq(self.inner4_prefix, "");
}
END_TEST

START_TEST(prefixes_by_number)
{
	const struct vmp_inner_prefixes p = { .four = 0xc0000200, .bits4 = 24 }, none = { .bits4 = 0 };
	static const struct {
		int64_t number;
		const char *text;
	} all[] = { { -1, "" },	 { 0, "" },	  { 1, "192.0.2.1" }, { 254, "192.0.2.254" },
		    { 255, "" }, { 1 << 30, "" }, { INT64_MAX, "" },  { INT64_MIN, "" } };
	char text[16];
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		vmp_inner4_text(&p, all[i].number, text);
		ck_assert_str_eq(text, all[i].text);
		vmp_inner4_text(&none, all[i].number, text);
		ck_assert_str_eq(text, "");
	}
}
END_TEST

Suite *check_store_inner(void)
{
	Suite *s = suite_create("store_inner");
	TCase *t = tcase_create("store_inner");

	tcase_add_checked_fixture(t, setup, world_teardown);
	tcase_set_timeout(t, 60); /* [s] a disk that syncs slowly, and sanitizers */
	tcase_add_loop_test(t, what_the_schema_refuses, 0, sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(t, one_is_told);
	tcase_add_test(t, without_a_prefix_there_is_no_ipv4);
	tcase_add_test(t, a_number_is_kept);
	tcase_add_test(t, what_one_had_is_not_anothers_soon);
	tcase_add_test(t, a_prefix_that_is_full);
	tcase_add_test(t, a_prefix_that_gets_smaller);
	tcase_add_test(t, as_the_schema_shows_them);
	tcase_add_test(t, an_administrator_sets_them);
	tcase_add_test(t, prefixes_by_number);
	suite_add_tcase(s, t);
	return s;
}
