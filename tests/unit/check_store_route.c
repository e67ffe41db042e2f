/* What gateways lead to. */
#include "store_route.h"
#include "suites.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

static char said[500];

/* Guest 1 is none, guest 9 is a gateway; VM 5 never started. */
static void setup(void)
{
	world_setup();
	world_guest(1, "web");
	world_guest(9, "gw");
	scratch_sql("INSERT INTO vm_record (mac, name) VALUES ('52:54:00:00:00:05', 'five')");
}

static int add(int n, const char *prefix)
{
	return WRITE(vmp_store_route_add(world, world_mac(n), prefix, &world_msg));
}

static int rm(int n, const char *prefix)
{
	return WRITE(vmp_store_route_remove(world, world_mac(n), prefix, &world_msg));
}

static int on_route(void *ctx, uint64_t mac, const char *name, const char *prefix)
{
	(void)name;
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%d:%s ", (int)(mac & 255), prefix);
	return ctx ? VMP_EBUSY : VMP_OK;
}

static const char *routes(uint64_t mac)
{
	said[0] = '\0';
	ck_assert_int_eq(vmp_store_route_each(world, mac, on_route, NULL, &world_msg), VMP_OK);
	return said;
}

START_TEST(come_and_go)
{
	ck_assert_str_eq(routes(0), "");
	ck_assert_int_eq(add(9, "2001:DB8::/32"), VMP_OK);
	ck_assert_int_eq(add(9, "0.0.0.0/0"), VMP_OK);
	ck_assert_int_eq(add(5, "0.0.0.0/0"), VMP_OK);
	ck_assert_str_eq(routes(0), "5:0.0.0.0/0 9:0.0.0.0/0 9:2001:db8::/32 ");
	ck_assert_str_eq(routes(world_mac(9)), "9:0.0.0.0/0 9:2001:db8::/32 ");
	ck_assert_int_eq(vmp_store_route_each(world, 0, on_route, said, &world_msg), VMP_EBUSY);
	ck_assert_int_eq(add(9, "2001:db8:0::/32"), VMP_EEXIST);
	ck_assert_int_eq(rm(9, "2001:DB8::/32"), VMP_OK);
	ck_assert_int_eq(rm(9, "2001:DB8::/32"), VMP_ENOENT);
	ck_assert_str_eq(routes(0), "5:0.0.0.0/0 9:0.0.0.0/0 ");
	scratch_sql("UPDATE vm SET mac = 0x525400000019 WHERE mac = 0x525400000009");
	ck_assert_str_eq(routes(0), "5:0.0.0.0/0 25:0.0.0.0/0 ");
	scratch_sql("DELETE FROM vm WHERE mac = 0x525400000019");
	ck_assert_str_eq(routes(0), "5:0.0.0.0/0 ");
}
END_TEST

START_TEST(what_is_refused)
{
	ck_assert_int_eq(add(9, "192.0.2.1/24"), VMP_EINVAL);
	ck_assert_str_eq(world_msg.text, "expected 192.0.2.0/24 for 192.0.2.1/24");
	ck_assert_int_eq(add(9, "192.0.2.1"), VMP_EINVAL);
	ck_assert_int_eq(rm(9, "nowhere"), VMP_EINVAL);
	ck_assert_int_eq(add(1, "0.0.0.0/0"), VMP_EINVAL);
	ck_assert_msg(strstr(world_msg.text, "expected a gateway") != NULL, "%s", world_msg.text);
	ck_assert_int_eq(add(7, "0.0.0.0/0"), VMP_EINVAL);
	ck_assert_msg(strstr(world_msg.text, "expected a VM that exists") != NULL, "%s", world_msg.text);
	ck_assert_int_eq(add(9, "0.0.0.0/0"), VMP_OK);
	scratch_refused("INSERT INTO gateway_route VALUES (0x525400000009, '0.0.0.0/0')", "has this route already");
	scratch_refused("INSERT INTO gateway_route VALUES (0x525400000009, '192.0.2.0')", "prefix: expected");
	scratch_refused("INSERT INTO gateway_route VALUES (0x525400000009, '192.0.2.1/24')", "prefix: expected");
	scratch_refused("INSERT INTO gateway_route VALUES (0x525400000009, '10.0.0.0/8,11.0.0.0/8')",
			"prefix: expected");
	scratch_refused("INSERT INTO gateway_route VALUES (0x525400000009, NULL)", "prefix: expected");
	scratch_refused("UPDATE gateway_route SET prefix = '::/0'", "delete this row and insert another");
	scratch_refused("UPDATE gateway_route SET mac = 0x525400000005", "delete this row and insert another");
}
END_TEST

START_TEST(at_most_64)
{
	scratch_sql("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 64) "
		    "INSERT INTO gateway_route SELECT 0x525400000009, '10.' || i || '.0.0/16' FROM n");
	ck_assert_int_eq(add(9, "0.0.0.0/0"), VMP_EINVAL);
	ck_assert_str_eq(world_msg.text, "routes: expected at most 64 for one gateway");
	ck_assert_int_eq(add(5, "0.0.0.0/0"), VMP_OK);
}
END_TEST

Suite *check_store_route(void)
{
	Suite *s = suite_create("store_route");
	TCase *t = tcase_create("store_route");

	tcase_add_checked_fixture(t, setup, world_teardown);
	tcase_set_timeout(t, 60); /* [s] a disk that syncs slowly, and sanitizers */
	tcase_add_test(t, come_and_go);
	tcase_add_test(t, what_is_refused);
	tcase_add_test(t, at_most_64);
	suite_add_tcase(s, t);
	return s;
}
