/* Who has a licence, through whom, and what follows when it goes. */
#include "store_coi_key.h"
#include "store_directory.h"
#include "store_licence.h"
#include "suites.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

static struct vmp_licence_asker gateway;
static char said[512];
static int64_t version;

/* Guests 1 to 3 of template web need a licence of os; guest 9 is their gateway, guest 8 another. */
static void setup(void)
{
	int i;

	world_setup();
	scratch_sql("UPDATE template SET broker = 1 WHERE name = 'gw'; UPDATE template SET gateway = 'gw' WHERE name = "
		    "'web';"
		    "INSERT INTO licence_pool (name, product, owned) VALUES ('main', 'os', 10)");
	for (i = 1; i <= 3; i++)
		world_guest(i, "web");
	world_guest(8, "gw");
	world_guest(9, "gw");
	ck_assert_int_eq(vmp_licence_asker(world, world_mac(9), &gateway, &world_msg), VMP_OK);
	version = scratch_number("SELECT max(id) FROM change");
}

static int add_for(int guest, int holder)
{
	return WRITE(vmp_licensed_add(world, world_uuid(guest), world_uuid(holder), "os", &gateway, world_clock.now,
				      &world_msg));
}

static int add(int guest)
{
	return add_for(guest, 9);
}

static int self(int guest)
{
	return WRITE(vmp_licensed_self(world, world_mac(guest), world_uuid(guest), "os", &world_msg));
}

static int drop(int guest, int holder)
{
	return WRITE(vmp_licensed_remove(world, world_uuid(guest), world_uuid(holder), "os", &world_msg));
}

static int check(int guest)
{
	return vmp_licence_check(world, world_mac(guest), &world_msg);
}

static int64_t count(int holder)
{
	int64_t n = -1;

	ck_assert_int_eq(vmp_licensed_count(world, world_uuid(holder), "os", &n, &world_msg), VMP_OK);
	return n;
}

/* A lease of os, of a guest. */
static void lease(int guest, enum vmp_cert_kind kind, const char *product, int64_t seq)
{
	struct vmp_lease l = { .seq = seq, .wants = 1, .life_ms = 1000, .end_ms = world_clock.boot_ms + 1000 };
	const struct vmp_licence_holder h = { .kind = kind, .mac = world_mac(guest), .tenant_id = 1 };

	snprintf(l.holder, sizeof(l.holder), "%s", world_uuid(guest));
	snprintf(l.product, sizeof(l.product), "%s", product);
	snprintf(l.request_id, sizeof(l.request_id), "%s", world_uuid(77));
	ck_assert_msg(WRITE(vmp_licence_lease_write(world, &l, &h, true, &world_clock, &world_msg)) == VMP_OK, "%s",
		      world_msg.text);
}

/* -- the gate ------------------------------------------------------------------------------------------------- */

START_TEST(without_a_licence_no_keys)
{
	ck_assert_int_eq(check(1), VMP_EACCES);
	ck_assert_str_eq(world_msg.text, "no licence for os");
	ck_assert_int_eq(add(1), VMP_OK);
	ck_assert_int_eq(check(1), VMP_OK);
	ck_assert_int_eq(check(2), VMP_EACCES);
	ck_assert_int_eq(drop(1, 9), VMP_OK);
	ck_assert_int_eq(check(1), VMP_EACCES);
}
END_TEST

START_TEST(of_another_product_is_not_enough)
{
	ck_assert_int_eq(WRITE(vmp_licensed_self(world, world_mac(1), world_uuid(1), "db", &world_msg)), VMP_OK);
	ck_assert_int_eq(check(1), VMP_EACCES);
}
END_TEST

START_TEST(who_needs_none_has_none)
{
	ck_assert_int_eq(check(9), VMP_OK);
	scratch_sql("UPDATE template SET licence_product = '' WHERE name = 'web'");
	ck_assert_int_eq(check(1), VMP_OK);
	scratch_sql("UPDATE template SET licence_product = 'os' WHERE name = 'gw'");
	ck_assert_int_eq(check(9), VMP_OK); /* a gateway needs none for itself */
	ck_assert_int_eq(vmp_licence_check(world, 0x525400ffffff, &world_msg), VMP_OK);
}
END_TEST

/* -- who is licensed through whom ----------------------------------------------------------------------------- */

static const struct {
	const char *sql, *says;
} not_added[] = {
	{ "UPDATE guest SET state = 'stopped' WHERE mac = 90520730730497", "not running" },
	{ "UPDATE vm SET enclave_id = 2 WHERE mac = 90520730730497", "of another tenant or enclave" },
	{ "UPDATE vm SET tenant_id = 2 WHERE mac = 90520730730497", "of another tenant or enclave" },
	{ "UPDATE vm SET enabled = 0 WHERE mac = 90520730730497", "disabled" },
	{ "UPDATE vm SET not_after = 1000 WHERE mac = 90520730730497", "expired" },
	{ "UPDATE template SET licence_product = 'db' WHERE name = 'web'", "its template needs no licence" },
	{ "DELETE FROM vm WHERE mac = 90520730730497", "not known here" },
};

START_TEST(a_gateway_does_not_license_anybody)
{
	scratch_sql(not_added[_i].sql);
	ck_assert_int_eq(add(1), VMP_EACCES);
	ck_assert_msg(strstr(world_msg.text, not_added[_i].says) != NULL, "%s", world_msg.text);
	ck_assert_int_eq(count(9), 0);
}
END_TEST

START_TEST(once_is_once)
{
	ck_assert_int_eq(add(1), VMP_OK);
	ck_assert_int_eq(add(1), VMP_OK);
	ck_assert_int_eq(add(2), VMP_OK);
	ck_assert_int_eq(count(9), 2);
	ck_assert_int_eq(vmp_licensed_find(world, world_uuid(1), world_uuid(9), "os", world_clock.boot_ms, &world_msg),
			 VMP_OK);
	ck_assert_int_eq(vmp_licensed_find(world, world_uuid(3), world_uuid(9), "os", world_clock.boot_ms, &world_msg),
			 VMP_ENOENT);
	ck_assert_int_eq(vmp_licensed_find(world, world_uuid(1), world_uuid(9), "db", world_clock.boot_ms, &world_msg),
			 VMP_ENOENT);
}
END_TEST

START_TEST(nobody_takes_what_is_anothers)
{
	ck_assert_int_eq(add(1), VMP_OK);
	ck_assert_int_eq(drop(1, 8), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_licensed_clear(world, world_uuid(8), "os", &world_msg)), VMP_OK);
	ck_assert_int_eq(drop(1, 1), VMP_OK);
	ck_assert_int_eq(count(9), 1);
	ck_assert_int_eq(WRITE(vmp_licensed_clear(world, world_uuid(9), "os", &world_msg)), VMP_OK);
	ck_assert_int_eq(count(9), 0);
}
END_TEST

/* -- what gateways are told ----------------------------------------------------------------------------------- */

static int say_stopped(void *ctx, const char *uuid)
{
	(void)ctx;
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "-%s ", uuid + strlen(uuid) - 2);
	return VMP_OK;
}

static int say_short(void *ctx, const char *product)
{
	(void)ctx;
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s! ", product);
	return VMP_OK;
}

/* "-01 os! " since the last call. */
static const char *heard(int holder)
{
	static const struct vmp_licence_calls calls = { say_stopped, say_short };

	said[0] = '\0';
	ck_assert_int_eq(
		vmp_licence_changes(world, world_mac(holder), world_uuid(holder), &version, &calls, NULL, &world_msg),
		VMP_OK);
	return said;
}

START_TEST(a_stop_is_told)
{
	ck_assert_int_eq(add(1), VMP_OK);
	ck_assert_int_eq(add(2), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_store_guest_stop(world, world_uuid(1), 1, world_clock.now, &world_msg)), VMP_OK);
	ck_assert_str_eq(heard(9), "-01 ");
	ck_assert_str_eq(heard(9), "");
	ck_assert_int_eq(count(9), 1);
	scratch_sql("DELETE FROM vm WHERE name = '52:54:00:00:00:02'");
	ck_assert_str_eq(heard(9), "-02 ");
}
END_TEST

START_TEST(to_its_own_gateway_alone)
{
	ck_assert_int_eq(add(1), VMP_OK);
	scratch_sql("DELETE FROM licensed");
	ck_assert_str_eq(heard(8), "");
}
END_TEST

START_TEST(what_a_gateway_gives_back_it_is_not_told)
{
	ck_assert_int_eq(add(1), VMP_OK);
	ck_assert_int_eq(add(2), VMP_OK);
	ck_assert_int_eq(drop(1, 9), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_licensed_clear(world, world_uuid(9), "os", &world_msg)), VMP_OK);
	ck_assert_str_eq(heard(9), "");
}
END_TEST

/* Its gateway would take the licence from the guest that has just started. */
START_TEST(who_has_started_again_is_not_gone)
{
	ck_assert_int_eq(add(1), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_store_guest_stop(world, world_uuid(1), 1, world_clock.now, &world_msg)), VMP_OK);
	world_clock.now += 1;
	ck_assert_int_eq(world_start(1, "web", 1), VMP_OK);
	ck_assert_str_eq(heard(9), "");
}
END_TEST

START_TEST(who_goes_to_another_gateway_is_gone_here)
{
	ck_assert_int_eq(add(1), VMP_OK);
	ck_assert_int_eq(add_for(1, 8), VMP_OK);
	ck_assert_int_eq(count(9), 0);
	ck_assert_int_eq(count(8), 1);
	scratch_sql("UPDATE guest SET started_at = started_at - 100");
	ck_assert_str_eq(heard(9), "-01 ");
}
END_TEST

START_TEST(an_administrator_takes_it_away)
{
	ck_assert_int_eq(add(1), VMP_OK);
	scratch_sql("UPDATE guest SET started_at = started_at - 100; DELETE FROM licensed");
	ck_assert_str_eq(heard(9), "-01 ");
	ck_assert_int_eq(check(1), VMP_EACCES);
}
END_TEST

START_TEST(shortages_are_told_to_those_who_hold_some)
{
	int64_t from = version;

	ck_assert_int_eq(WRITE(vmp_licence_short(world, "os", &world_msg)), VMP_OK);
	ck_assert_str_eq(heard(9), "");
	lease(9, VMP_CERT_GATEWAY, "os", 1);
	version = from;
	ck_assert_str_eq(heard(9), "os! ");
	version = from;
	ck_assert_str_eq(heard(8), "");
}
END_TEST

START_TEST(old_numbers_are_not_covered)
{
	int64_t last = 0;
	bool covered = true;

	ck_assert_int_eq(vmp_licence_covers(world, 0, &last, &covered, &world_msg), VMP_OK);
	ck_assert(!covered && last == version);
	ck_assert_int_eq(vmp_licence_covers(world, version, &last, &covered, &world_msg), VMP_OK);
	ck_assert(covered);
	ck_assert_int_eq(vmp_licence_covers(world, version + 1, &last, &covered, &world_msg), VMP_OK);
	ck_assert(!covered);
	scratch_sql("DELETE FROM change WHERE id < (SELECT max(id) FROM change)");
	ck_assert_int_eq(vmp_licence_covers(world, version - 2, &last, &covered, &world_msg), VMP_OK);
	ck_assert(!covered);
	ck_assert_int_eq(vmp_licence_covers(world, version - 1, &last, &covered, &world_msg), VMP_OK);
	ck_assert(covered);
}
END_TEST

/* -- lists ---------------------------------------------------------------------------------------------------- */

static int tidy(int64_t later_ms)
{
	struct vmp_clock clock = world_clock;
	int n = 0;

	clock.boot_ms += later_ms;
	ck_assert_int_eq(WRITE(vmp_licence_tidy(world, &clock, 1000, 100, &n, &world_msg)), VMP_OK);
	return n;
}

static int doubt(int64_t later_ms)
{
	return WRITE(vmp_licensed_doubt(world, world_uuid(9), "os", world_clock.boot_ms + later_ms, &world_msg));
}

START_TEST(who_is_not_listed_again_goes)
{
	ck_assert_int_eq(add(1), VMP_OK);
	ck_assert_int_eq(add(2), VMP_OK);
	ck_assert_int_eq(doubt(0), VMP_OK);
	ck_assert_int_eq(add(2), VMP_OK);
	ck_assert_int_eq(tidy(VMP_LICENSED_LIST_MS - 1), 0);
	ck_assert_int_eq(check(1), VMP_OK);
	ck_assert_int_eq(tidy(VMP_LICENSED_LIST_MS), 1);
	ck_assert_int_eq(check(1), VMP_EACCES);
	ck_assert_int_eq(check(2), VMP_OK);
	scratch_sql("UPDATE guest SET started_at = started_at - 100");
	ck_assert_str_eq(heard(9), "-01 ");
}
END_TEST

static int64_t sure(void)
{
	int64_t n = -1;

	ck_assert_int_eq(vmp_licensed_sure(world, world_uuid(9), "os", world_clock.boot_ms, &n, &world_msg), VMP_OK);
	return n;
}

START_TEST(list_after_list_keeps_nobody)
{
	ck_assert_int_eq(add(1), VMP_OK);
	ck_assert_int_eq(doubt(0), VMP_OK);
	ck_assert_int_eq(doubt(VMP_LICENSED_LIST_MS / 2), VMP_OK);
	ck_assert_int_eq(tidy(VMP_LICENSED_LIST_MS), 1);
}
END_TEST

START_TEST(who_waits_to_be_listed_has_no_place)
{
	ck_assert_int_eq(add(1), VMP_OK);
	ck_assert_int_eq(add(2), VMP_OK);
	ck_assert_int_eq(doubt(0), VMP_OK);
	ck_assert_int_eq(sure(), 0);
	ck_assert_int_eq(vmp_licensed_find(world, world_uuid(2), world_uuid(9), "os", world_clock.boot_ms, &world_msg),
			 VMP_ENOENT);
	ck_assert_int_eq(add(2), VMP_OK);
	ck_assert_int_eq(sure(), 1);
	ck_assert_int_eq(count(9), 2);
}
END_TEST

static int elsewhere(bool has)
{
	return WRITE(vmp_licensed_elsewhere(world, world_uuid(9), "os", has, world_clock.boot_ms, &world_msg));
}

START_TEST(licences_of_other_servers_last_an_hour)
{
	ck_assert_int_eq(add(1), VMP_OK);
	ck_assert_int_eq(elsewhere(true), VMP_OK);
	lease(9, VMP_CERT_GATEWAY, "os", 1);
	scratch_sql("DELETE FROM lease");
	ck_assert_int_eq(check(1), VMP_OK);
	ck_assert_int_eq(tidy(VMP_LICENSED_ELSEWHERE_MS - 1), 0);
	ck_assert_int_eq(tidy(VMP_LICENSED_ELSEWHERE_MS), 1);
	ck_assert_int_eq(check(1), VMP_EACCES);
}
END_TEST

START_TEST(licences_of_other_servers_are_places)
{
	ck_assert_int_eq(add(1), VMP_OK);
	ck_assert_int_eq(elsewhere(true), VMP_OK);
	ck_assert_int_eq(sure(), 1);
	ck_assert_int_eq(doubt(0), VMP_OK);
	ck_assert_int_eq(sure(), 0);
}
END_TEST

START_TEST(then_they_end_with_the_lease_again)
{
	ck_assert_int_eq(add(1), VMP_OK);
	ck_assert_int_eq(elsewhere(true), VMP_OK);
	ck_assert_int_eq(elsewhere(false), VMP_OK);
	ck_assert_int_eq(tidy(VMP_LICENSED_ELSEWHERE_MS), 0);
	lease(9, VMP_CERT_GATEWAY, "os", 1);
	scratch_sql("DELETE FROM lease");
	ck_assert_int_eq(check(1), VMP_EACCES);
}
END_TEST

START_TEST(a_list_under_way_is_not_forgotten_by_that)
{
	ck_assert_int_eq(add(1), VMP_OK);
	ck_assert_int_eq(doubt(0), VMP_OK);
	ck_assert_int_eq(elsewhere(true), VMP_OK);
	ck_assert_int_eq(elsewhere(false), VMP_OK);
	ck_assert_int_eq(tidy(VMP_LICENSED_LIST_MS), 1);
}
END_TEST

START_TEST(another_boot_prolongs_no_doubt_for_ever)
{
	ck_assert_int_eq(add(1), VMP_OK);
	scratch_sql("UPDATE licensed SET doubt_ms = 9000000000000");
	ck_assert_int_eq(WRITE(vmp_licensed_begin(world, world_clock.boot_ms, &world_msg)), VMP_OK);
	ck_assert_int_eq(tidy(VMP_LICENSED_ELSEWHERE_MS), 1);
}
END_TEST

static int say_licensed(void *ctx, const char *product, const char *uuid)
{
	(void)ctx;
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s:%s ", product, uuid + strlen(uuid) - 2);
	return VMP_OK;
}

START_TEST(all_of_one_gateway)
{
	ck_assert_int_eq(add(2), VMP_OK);
	ck_assert_int_eq(add(1), VMP_OK);
	ck_assert_int_eq(add_for(3, 8), VMP_OK);
	said[0] = '\0';
	ck_assert_int_eq(vmp_licensed_each(world, world_uuid(9), say_licensed, NULL, &world_msg), VMP_OK);
	ck_assert_str_eq(said, "os:01 os:02 ");
}
END_TEST

/* -- what follows --------------------------------------------------------------------------------------------- */

static void make_key(void)
{
	uint8_t sealed[VMP_SEALED] = { 0 };

	ck_assert_int_eq(WRITE(vmp_store_coi_epoch(world, 1, 1, sealed, world_clock.now, 100, &world_msg)), VMP_OK);
}

static const char *rotation(void)
{
	return scratch_text("SELECT reason FROM coi_rotation WHERE coi_id = 1");
}

START_TEST(a_lapse_takes_the_guest_out_of_the_directory)
{
	make_key();
	ck_assert_int_eq(add(1), VMP_OK);
	ck_assert_str_eq(rotation(), "-");
	scratch_sql("DELETE FROM licensed");
	ck_assert_str_eq(rotation(), "licence lapsed");
	ck_assert_str_eq(scratch_text("SELECT wg_key FROM guest WHERE uuid LIKE '%01'"), "-");
	ck_assert_str_eq(scratch_text("SELECT endpoint FROM guest WHERE uuid LIKE '%01'"), "-");
	ck_assert_str_ne(scratch_text("SELECT wg_key FROM guest WHERE uuid LIKE '%02'"), "-");
}
END_TEST

START_TEST(a_stop_is_no_lapse)
{
	make_key();
	ck_assert_int_eq(add(1), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_store_guest_stop(world, world_uuid(1), 1, world_clock.now, &world_msg)), VMP_OK);
	ck_assert_str_eq(rotation(), "-");
	ck_assert_int_eq(add(2), VMP_OK);
	scratch_sql("UPDATE template SET licence_product = '' WHERE name = 'web'; DELETE FROM licensed");
	ck_assert_str_eq(rotation(), "-"); /* it needs none any more */
}
END_TEST

START_TEST(the_end_of_a_gateways_lease_is_its_guests_lapse)
{
	make_key();
	lease(9, VMP_CERT_GATEWAY, "os", 1);
	ck_assert_int_eq(add(1), VMP_OK);
	ck_assert_int_eq(add_for(2, 8), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_licence_lease_erase(world, world_uuid(9), "os", &world_msg)), VMP_OK);
	ck_assert_int_eq(check(1), VMP_EACCES);
	ck_assert_int_eq(check(2), VMP_OK);
	ck_assert_str_eq(rotation(), "licence lapsed");
}
END_TEST

START_TEST(a_vm_that_stops_frees_its_own_lease)
{
	lease(1, VMP_CERT_VM, "os", 1);
	ck_assert_int_eq(self(1), VMP_OK);
	ck_assert_int_eq(self(1), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_store_guest_stop(world, world_uuid(1), 1, world_clock.now, &world_msg)), VMP_OK);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM lease"), 0);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM licensed"), 0);
}
END_TEST

START_TEST(a_vm_that_is_removed_does_so_too)
{
	lease(1, VMP_CERT_VM, "os", 1);
	ck_assert_int_eq(self(1), VMP_OK);
	scratch_sql("DELETE FROM vm WHERE name = '52:54:00:00:00:01'");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM lease"), 0);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM licensed"), 0);
}
END_TEST

START_TEST(a_gateway_that_stops_does_not)
{
	lease(9, VMP_CERT_GATEWAY, "os", 1);
	ck_assert_int_eq(add(1), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_store_guest_stop(world, world_uuid(9), 1, world_clock.now, &world_msg)), VMP_OK);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM lease"), 1);
	ck_assert_int_eq(check(1), VMP_OK);
}
END_TEST

START_TEST(another_mac_is_the_same_guest)
{
	lease(1, VMP_CERT_VM, "os", 1);
	ck_assert_int_eq(self(1), VMP_OK);
	scratch_sql("UPDATE vm SET mac = 90520730730615 WHERE name = '52:54:00:00:00:01'");
	ck_assert_int_eq(scratch_number("SELECT mac FROM licensed"), 90520730730615);
	ck_assert_int_eq(scratch_number("SELECT mac FROM lease"), 90520730730615);
	ck_assert_int_eq(vmp_licence_check(world, 90520730730615, &world_msg), VMP_OK);
}
END_TEST

START_TEST(another_uuid_is_another_guest)
{
	lease(1, VMP_CERT_VM, "os", 1);
	ck_assert_int_eq(self(1), VMP_OK);
	scratch_sql("UPDATE guest SET uuid = '11111111-2222-4333-8444-555555555555' WHERE uuid LIKE '%01'");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM licensed"), 0);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM lease"), 0);
	ck_assert_int_eq(check(1), VMP_EACCES);
}
END_TEST

START_TEST(who_asks)
{
	struct vmp_licence_asker asker;

	ck_assert(gateway.broker && !*gateway.product);
	ck_assert_int_eq(gateway.enclave_id, 1);
	ck_assert_int_eq(vmp_licence_asker(world, world_mac(1), &asker, &world_msg), VMP_OK);
	ck_assert_str_eq(asker.product, "os");
	ck_assert_str_eq(asker.gateway, "gw");
	ck_assert(!asker.broker && asker.tenant_id == 1);
	ck_assert_int_eq(vmp_licence_asker(world, world_mac(7), &asker, &world_msg), VMP_ENOENT);
}
END_TEST

static void add_cases(Suite *s)
{
	TCase *t = tcase_create("lists");

	tcase_add_checked_fixture(t, setup, world_teardown);
	tcase_add_test(t, who_is_not_listed_again_goes);
	tcase_add_test(t, licences_of_other_servers_last_an_hour);
	tcase_add_test(t, list_after_list_keeps_nobody);
	tcase_add_test(t, who_waits_to_be_listed_has_no_place);
	tcase_add_test(t, licences_of_other_servers_are_places);
	tcase_add_test(t, then_they_end_with_the_lease_again);
	tcase_add_test(t, a_list_under_way_is_not_forgotten_by_that);
	tcase_add_test(t, another_boot_prolongs_no_doubt_for_ever);
	tcase_add_test(t, all_of_one_gateway);
	suite_add_tcase(s, t);
	t = tcase_create("what follows");
	tcase_add_checked_fixture(t, setup, world_teardown);
	tcase_add_test(t, a_lapse_takes_the_guest_out_of_the_directory);
	tcase_add_test(t, a_stop_is_no_lapse);
	tcase_add_test(t, the_end_of_a_gateways_lease_is_its_guests_lapse);
	tcase_add_test(t, a_vm_that_stops_frees_its_own_lease);
	tcase_add_test(t, a_vm_that_is_removed_does_so_too);
	tcase_add_test(t, a_gateway_that_stops_does_not);
	tcase_add_test(t, another_mac_is_the_same_guest);
	tcase_add_test(t, another_uuid_is_another_guest);
	suite_add_tcase(s, t);
}

Suite *check_store_licensed(void)
{
	Suite *s = suite_create("store_licensed");
	TCase *t = tcase_create("who");

	tcase_add_checked_fixture(t, setup, world_teardown);
	tcase_add_test(t, without_a_licence_no_keys);
	tcase_add_test(t, of_another_product_is_not_enough);
	tcase_add_test(t, who_needs_none_has_none);
	tcase_add_loop_test(t, a_gateway_does_not_license_anybody, 0, (int)(sizeof(not_added) / sizeof(not_added[0])));
	tcase_add_test(t, once_is_once);
	tcase_add_test(t, nobody_takes_what_is_anothers);
	tcase_add_test(t, who_asks);
	suite_add_tcase(s, t);
	t = tcase_create("told");
	tcase_add_checked_fixture(t, setup, world_teardown);
	tcase_add_test(t, a_stop_is_told);
	tcase_add_test(t, to_its_own_gateway_alone);
	tcase_add_test(t, what_a_gateway_gives_back_it_is_not_told);
	tcase_add_test(t, who_has_started_again_is_not_gone);
	tcase_add_test(t, who_goes_to_another_gateway_is_gone_here);
	tcase_add_test(t, an_administrator_takes_it_away);
	tcase_add_test(t, shortages_are_told_to_those_who_hold_some);
	tcase_add_test(t, old_numbers_are_not_covered);
	suite_add_tcase(s, t);
	add_cases(s);
	return s;
}
