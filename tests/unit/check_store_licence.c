/* Pools, leases and the state of licences: what the schema refuses, and what is kept. */
#include "store_licence.h"
#include "store_internal.h"
#include "suites.h"
#include "world.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STATE_SQL "UPDATE licence_state SET seq = "
/* A lease by hand, of holder n's UUID; seq comes last. */
#define LEASE_SQL                                                                                                      \
	"INSERT INTO lease (holder, product, kind, mac, tenant_id, seq, request_id, wants, has, in_use, granted_at, "  \
	"life_ms, grace_ms, until_ms, boot_id, reason, refused, available, parts) VALUES "                             \
	"('6ba7b810-9dad-41d1-80b4-000000000001', 'os', 'vm', 90520730730497, 1, %d, "                                 \
	"'6ba7b810-9dad-41d1-80b4-000000000009', 1, 0, 0, 0, 1000, 0, 1000, 'boot', 0, 0, 0, '%s')"

static struct vmp_lease lease;
static struct vmp_licence_holder holder;
static struct vmp_licence_pool pools[8];
static struct vmp_lease got[8];
static bool got_boot[8];
static size_t n;

static int write_lease(int guest, int64_t seq, int64_t count)
{
	memset(&lease, 0, sizeof(lease));
	snprintf(lease.holder, sizeof(lease.holder), "%s", world_uuid(guest));
	snprintf(lease.product, sizeof(lease.product), "os");
	snprintf(lease.request_id, sizeof(lease.request_id), "%s", world_uuid(0x900 + (int)seq));
	lease.seq = seq;
	lease.wants = count;
	lease.life_ms = 60000;
	lease.grace_ms = 5000;
	lease.end_ms = world_clock.boot_ms + lease.life_ms;
	lease.n_part = count > 0;
	lease.part[0] = (struct vmp_lease_part){ .pool = 1, .count = count, .over_ms = lease.end_ms + lease.grace_ms };
	holder = (struct vmp_licence_holder){ .kind = VMP_CERT_VM, .mac = world_mac(guest), .tenant_id = 1 };
	return WRITE(vmp_licence_lease_write(world, &lease, &holder, true, &world_clock, &world_msg));
}

static int take_pool(void *ctx, const struct vmp_licence_pool *pool)
{
	(void)ctx;
	pools[n++] = *pool;
	return VMP_OK;
}

static int take_lease(void *ctx, const struct vmp_lease *l, bool other_boot)
{
	(void)ctx;
	got_boot[n] = other_boot;
	got[n++] = *l;
	return VMP_OK;
}

static void read_leases(void)
{
	n = 0;
	ck_assert_msg(vmp_licence_lease_each(world, &world_clock, take_lease, NULL, &world_msg) == VMP_OK, "%s",
		      world_msg.text);
}

/* -- what the schema refuses ---------------------------------------------------------------------------------- */

static const struct {
	const char *sql, *says;
} refused[] = {
	{ "INSERT INTO licence_pool (name, product, owned) VALUES ('two words', 'os', 1)", "name: expected" },
	{ "INSERT INTO licence_pool (name, product, owned) VALUES ('p', '', 1)", "product: expected 1 to 64" },
	{ "INSERT INTO licence_pool (name, product, owned) VALUES ('p', 'o' || char(10), 1)", "product: expected" },
	{ "INSERT INTO licence_pool (name, product, owned) VALUES ('p', 'os', -1)", "owned: expected 0 to 100000000" },
	{ "INSERT INTO licence_pool (name, product, owned) VALUES ('p', 'os', 'many')", "owned: expected" },
	{ "INSERT INTO licence_pool (name, product, owned, overdraft) VALUES ('p', 'os', 1, -1)",
	  "overdraft: expected 0 (none)" },
	{ "INSERT INTO licence_pool (name, product, owned, lease_s) VALUES ('p', 'os', 1, 0)",
	  "lease_s: expected 1 to 2592000 seconds" },
	{ "INSERT INTO licence_pool (name, product, owned, grace_s) VALUES ('p', 'os', 1, -1)", "grace_s: expected 0" },
	{ "INSERT INTO licence_pool (name, product, owned, not_before, not_after) VALUES ('p', 'os', 1, 9, 9)",
	  "not_after: expected a time after" },
	{ "INSERT INTO licence_pool (name, product, owned, not_after) VALUES ('p', 'os', 1, 'soon')",
	  "not_after: expected a UTC time" },
	{ "INSERT INTO licence_pool (name, product, owned, enabled) VALUES ('p', 'os', 1, 2)", "enabled: expected" },
	{ "INSERT INTO licence_pool (name, product, owned, tenant_id) VALUES ('p', 'os', 1, 77)",
	  "tenant_id: expected a tenant that exists" },
	{ "INSERT INTO licence_pool (id, name, product, owned) VALUES (0, 'p', 'os', 1)", "id: expected 1 or more" },
	{ "INSERT OR REPLACE INTO licence_pool (name, product, owned) VALUES ('MAIN', 'os', 1)",
	  "name: a pool of this name or id exists" },
	{ "UPDATE licence_pool SET name = 'spare' WHERE name = 'main'", "name: expected one that no other pool has" },
	{ "UPDATE licence_pool SET id = 9 WHERE name = 'main'", "and the id unchanged" },
	{ "UPDATE licence_pool SET tenant_id = 77", "tenant_id: expected a tenant that exists" },
	{ "DELETE FROM tenant WHERE name = 'acme'", "still has" },
	{ "INSERT INTO licence_state (id, incarnation) VALUES (2, '')", "licence_state: has its one row" },
	{ "DELETE FROM licence_state", "licence_state: its one row stays" },
	{ STATE_SQL "4", "seq: expected a number that grows" },
	{ "UPDATE licence_state SET incarnation = lower(hex(randomblob(16)))", "incarnation: it stays" },
	{ "UPDATE template SET broker = 1 WHERE kind = 'vm'", "broker: expected 0 or 1, and 1 for the kind gateway" },
	{ "UPDATE template SET broker = 2 WHERE kind = 'gateway'", "broker: expected 0 or 1" },
	{ "INSERT INTO licensed (mac, uuid, product, holder) VALUES (77, '6ba7b810-9dad-41d1-80b4-000000000001', 'os', "
	  "'6ba7b810-9dad-41d1-80b4-000000000001')",
	  "mac: expected a guest that exists" },
};

static void setup(void)
{
	world_setup();
	scratch_sql("INSERT INTO licence_pool (name, product, owned) VALUES ('main', 'os', 10), ('spare', 'os', 5);"
		    "INSERT INTO licence_pool (name, product, owned, tenant_id) VALUES ('gold', 'os', 3, 2);" STATE_SQL
		    "5; DELETE FROM template_coi WHERE template_id = 2; DELETE FROM template WHERE name = 'gold';"
		    "DELETE FROM coi WHERE name = 'gold'");
}

START_TEST(the_schema_refuses)
{
	scratch_refused(refused[_i].sql, refused[_i].says);
}
END_TEST

START_TEST(a_gateway_that_is_a_broker_stays_a_gateway)
{
	scratch_sql(
		"DELETE FROM change WHERE kind = 'template'; UPDATE template SET broker = 1 WHERE kind = 'gateway'");
	scratch_refused("UPDATE template SET kind = 'vm' WHERE broker", "broker: expected 0 or 1, and 1 for the kind");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM change WHERE kind = 'template' AND action = 'update' "
					"AND name = 'gw'"),
			 1);
}
END_TEST

START_TEST(leases_are_not_made_by_hand)
{
	char sql[800];

	snprintf(sql, sizeof(sql), LEASE_SQL, 5, "[]");
	scratch_refused(sql, "lease: policyd grants");
	snprintf(sql, sizeof(sql), LEASE_SQL, 6, "[");
	scratch_refused(sql, "parts: expected pools and counts in JSON");
	ck_assert_int_eq(write_lease(1, 6, 1), VMP_OK);
	scratch_refused("UPDATE lease SET parts = '[[1,100,9,0,0]]'", "lease: policyd grants");
	scratch_refused("UPDATE lease SET until_ms = until_ms + 1000000", "lease: policyd grants");
	scratch_refused("UPDATE lease SET seq = 3", "lease: policyd grants");
	scratch_refused("UPDATE lease SET holder = '6ba7b810-9dad-41d1-80b4-000000000002', seq = 9",
			"lease: policyd grants");

	scratch_sql("UPDATE lease SET parts = '[]'"); /* less may be left of it */
}
END_TEST

START_TEST(a_pool_that_leases_draw_on_stays)
{
	ck_assert_int_eq(world_start(1, "web", 1), VMP_OK);
	ck_assert_int_eq(write_lease(1, 6, 1), VMP_OK);
	scratch_refused("DELETE FROM licence_pool WHERE name = 'main'", "name: leases draw on this pool");
	scratch_refused("UPDATE licence_pool SET product = 'db' WHERE name = 'main'",
			"product: leases draw on this pool");
	scratch_sql("UPDATE licence_pool SET owned = 0 WHERE name = 'main';"
		    "DELETE FROM licence_pool WHERE name = 'spare'; DELETE FROM lease;"
		    "DELETE FROM licence_pool WHERE name = 'main'");
}
END_TEST

/* Version 10, as released, with templates and a guest: what came later applies to it. */
START_TEST(a_store_of_version_10_is_brought_up)
{
	static const char content[] =
		"INSERT INTO template (name, auto_create, licence_product) VALUES ('web', 1, 'os');"
		"INSERT INTO template (name, kind) VALUES ('gw', 'gateway');"
		"INSERT INTO vm_record (mac, name) VALUES ('525400000001', 'one');"
		"INSERT INTO guest (mac, uuid, template_id) VALUES (90520730730497, "
		"'6ba7b810-9dad-41d1-80b4-000000000001', 1);"
		"PRAGMA journal_mode = WAL; PRAGMA application_id = 1986883702; PRAGMA user_version = 10";
	struct vmp_store *store;
	int v, from, to;

	unlink(scratch_path);
	for (v = 0; v < 10; v++)
		scratch_sql(vmp_schema_policy[v].sql);
	scratch_sql(content);
	ck_assert_int_eq(vmp_store_open(&store, scratch_path, VMP_STORE_POLICY, VMP_STORE_CREATE, 50, &world_msg),
			 VMP_OK);
	ck_assert_msg(vmp_store_migrate(store, &from, &to, &world_msg) == VMP_OK, "%s", world_msg.text);
	ck_assert_int_eq(from, 10);
	ck_assert_int_eq(scratch_number("SELECT sum(broker) FROM template"), 0);
	ck_assert_int_eq(scratch_number("SELECT seq FROM licence_state"), 0);
	ck_assert_int_eq(vmp_licence_check(store, 0x525400000001, &world_msg), VMP_EACCES);
	vmp_store_close(store);
	scratch_sql("UPDATE template SET broker = 1 WHERE name = 'gw'; UPDATE template SET licence_product = ''");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM change WHERE kind = 'template' AND action = 'update'"),
			 2);
}
END_TEST

/* -- generation ----------------------------------------------------------------------------------------------- */

static int64_t generation(void)
{
	struct vmp_licence_state state;

	ck_assert_int_eq(vmp_licence_state_read(world, &state, &world_msg), VMP_OK);
	return state.generation;
}

static const struct {
	const char *sql;
	int counts;
} counted[] = {
	{ "INSERT INTO licence_pool (name, product, owned) VALUES ('p', 'os', 1)", 1 },
	{ "UPDATE licence_pool SET owned = 11 WHERE name = 'main'", 1 },
	{ "UPDATE licence_pool SET owned = owned, comment = 'bought' WHERE name = 'main'", 0 },
	{ "UPDATE licence_pool SET enabled = 0", 3 },
	{ "DELETE FROM licence_pool WHERE name = 'spare'", 1 },
	{ "DELETE FROM lease", 1 },
	{ "UPDATE template SET broker = 1 WHERE kind = 'gateway'", 0 },
};

START_TEST(what_others_change_counts_the_generation_up)
{
	int64_t before;

	ck_assert_int_eq(write_lease(1, 6, 1), VMP_OK);
	before = generation();
	scratch_sql(counted[_i].sql);
	ck_assert_int_eq(generation(), before + counted[_i].counts);
}
END_TEST

START_TEST(what_the_server_writes_does_not)
{
	int64_t before = generation();

	ck_assert_int_eq(write_lease(1, 6, 1), VMP_OK);
	ck_assert_int_eq(write_lease(1, 7, 2), VMP_OK);
	ck_assert_int_eq(generation(), before);
	ck_assert_int_eq(WRITE(vmp_licence_lease_erase(world, lease.holder, "os", &world_msg)), VMP_OK);
	ck_assert_int_eq(generation(), before + 1);
	ck_assert_int_eq(WRITE(vmp_licence_lease_erase(world, lease.holder, "os", &world_msg)), VMP_OK);
	ck_assert_int_eq(generation(), before + 1);
}
END_TEST

/* -- pools ---------------------------------------------------------------------------------------------------- */

START_TEST(pools_come_in_the_order_in_which_they_end)
{
	scratch_sql("INSERT INTO licence_pool (name, product, owned, not_after) VALUES ('late', 'os', 1, 4000000000), "
		    "('early', 'os', 1, 3000000000); INSERT INTO licence_pool (name, product, owned, lease_s, grace_s, "
		    "overdraft, not_before, enabled) VALUES ('a', 'db', 7, 60, 0, 2, 1000, 0)");
	n = 0;
	ck_assert_int_eq(vmp_licence_pool_each(world, take_pool, NULL, &world_msg), VMP_OK);
	ck_assert_uint_eq(n, 6);
	ck_assert_str_eq(pools[0].name, "a");
	ck_assert_int_eq(pools[0].rule.owned, 7);
	ck_assert_int_eq(pools[0].rule.overdraft, 2);
	ck_assert_int_eq(pools[0].rule.life_ms, 60000);
	ck_assert_int_eq(pools[0].rule.grace_ms, 0);
	ck_assert_int_eq(pools[0].not_before, 1000);
	ck_assert(pools[0].not_after == INT64_MAX && !pools[0].enabled);
	ck_assert_str_eq(pools[1].name, "early");
	ck_assert_str_eq(pools[2].name, "late");
	ck_assert_str_eq(pools[3].name, "main");
	ck_assert_int_eq(pools[3].tenant_id, 0);
	ck_assert_int_eq(pools[5].tenant_id, 2);
}
END_TEST

static const struct {
	int64_t not_before, not_after;
	bool enabled, open;
} dates[] = {
	{ 0, INT64_MAX, true, true }, { 0, INT64_MAX, false, false }, { 1000, INT64_MAX, true, true },
	{ 1001, 2000, true, false },  { 0, 1000, true, false },	      { 0, 1001, true, true },
	{ 999, 1001, true, true },    { 999, 1001, false, false },
};

START_TEST(a_pool_is_open_between_its_dates)
{
	struct vmp_clock clock = { .now = 1000, .boot_ms = 5000 };
	struct vmp_licence_pool pool = { .not_before = dates[_i].not_before,
					 .not_after = dates[_i].not_after,
					 .enabled = dates[_i].enabled,
					 .rule.until_ms = INT64_MAX };

	ck_assert_int_eq(vmp_licence_pool_look(&pool, &clock), dates[_i].open || dates[_i].not_after != INT64_MAX);
	ck_assert_int_eq(pool.rule.open, dates[_i].open);
	if (dates[_i].not_after == INT64_MAX)
		ck_assert(pool.rule.until_ms == INT64_MAX);
	else
		ck_assert_int_eq(pool.rule.until_ms, 5000 + (dates[_i].not_after - 1000) * 1000);
	ck_assert(!vmp_licence_pool_look(&pool, &clock));
	clock.boot_ms += 500;
	ck_assert(!vmp_licence_pool_look(&pool, &clock));
}
END_TEST

/* A step of the clock on the wall opens and closes it, and moves its end. */
START_TEST(the_clock_is_stepped)
{
	struct vmp_clock clock = { .now = 10000, .boot_ms = 5000 };
	struct vmp_licence_pool pool = { .not_after = 11000, .enabled = true };

	ck_assert(vmp_licence_pool_look(&pool, &clock) && pool.rule.open);
	clock.now += 3600;
	ck_assert(vmp_licence_pool_look(&pool, &clock) && !pool.rule.open);
	clock.now -= 7200;
	ck_assert(vmp_licence_pool_look(&pool, &clock) && pool.rule.open);
	ck_assert_int_eq(pool.rule.until_ms, 5000 + (11000 - clock.now) * 1000);
}
END_TEST

/* -- state ---------------------------------------------------------------------------------------------------- */

START_TEST(the_state_is_kept)
{
	struct vmp_licence_state state, again;

	ck_assert_int_eq(vmp_licence_state_read(world, &state, &world_msg), VMP_OK);
	ck_assert_int_eq(state.seq, 5);
	ck_assert_uint_eq(strlen(state.incarnation), 32);
	state.seq = 9;
	state.longest_ms = 4000;
	state.recover_until_ms = 123;
	snprintf(state.recover_boot_id, sizeof(state.recover_boot_id), "this");
	ck_assert_int_eq(WRITE(vmp_licence_state_write(world, &state, &world_msg)), VMP_OK);
	state.longest_ms = 3000;
	ck_assert_int_eq(WRITE(vmp_licence_state_write(world, &state, &world_msg)), VMP_OK);
	ck_assert_int_eq(vmp_licence_state_read(world, &again, &world_msg), VMP_OK);
	ck_assert_int_eq(again.seq, 9);
	ck_assert_int_eq(again.longest_ms, 4000);
	ck_assert_int_eq(again.recover_until_ms, 123);
	ck_assert_str_eq(again.recover_boot_id, "this");
	state.seq = 8;
	ck_assert_int_eq(WRITE(vmp_licence_state_write(world, &state, &world_msg)), VMP_EINVAL);
}
END_TEST

START_TEST(two_stores_are_two_incarnations)
{
	char mine[40];

	snprintf(mine, sizeof(mine), "%s", scratch_text("SELECT incarnation FROM licence_state"));
	world_teardown();
	world_setup();
	ck_assert_str_ne(scratch_text("SELECT incarnation FROM licence_state"), mine);
}
END_TEST

/* -- leases --------------------------------------------------------------------------------------------------- */

START_TEST(a_lease_is_kept_whole)
{
	struct vmp_lease wanted;
	int i;

	ck_assert_int_eq(write_lease(1, 6, 3), VMP_OK);
	lease.seq = 7;
	lease.in_use = 2;
	lease.reason = VMP_LEASE_REDUCED;
	lease.refused = true;
	lease.available = 4;
	lease.n_part = VMP_LEASE_PARTS;
	for (i = 0; i < VMP_LEASE_PARTS; i++)
		lease.part[i] = (struct vmp_lease_part){ .pool = 1000000000000 + i,
							 .count = VMP_LEASE_MAX,
							 .over_ms = 9000000000000000 + i,
							 .lapsing = VMP_LEASE_MAX,
							 .lapsed_ms = 9000000000000000 - i };
	wanted = lease;
	ck_assert_int_eq(WRITE(vmp_licence_lease_write(world, &lease, &holder, true, &world_clock, &world_msg)),
			 VMP_OK);
	read_leases();
	ck_assert_uint_eq(n, 1);
	ck_assert(!got_boot[0]);
	ck_assert_mem_eq(&got[0], &wanted, sizeof(wanted));
}
END_TEST

START_TEST(a_lease_without_parts)
{
	ck_assert_int_eq(write_lease(1, 6, 0), VMP_OK);
	read_leases();
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(got[0].n_part, 0);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM lease_part"), 0);
}
END_TEST

static const char *const bad_parts[] = {
	"{}",
	"[[]]",
	"[[1,1]]",
	"[[1,1,1,1]]",
	"[[0,1,1,0,0]]",
	"[[1,-1,1,0,0]]",
	"[[1,1,1,0,0] , [1,1,1,0,0]]",
	"[[1,1,1,0,0,0]]",
	"[[1,100000001,1,0,0]]",
	"[[1,1,1,100000001,0]]",
	"[[\"1\",1,1,0,0]]",
	"7",
	"[[1,1,1,0,0],[2,1,1,0,0],[3,1,1,0,0],[4,1,1,0,0],[5,1,1,0,0],[6,1,1,0,0],[7,1,1,0,0],[8,1,1,0,0],[9,1,1,0,0]]",
};

START_TEST(parts_that_make_no_sense_are_refused)
{
	char sql[1200];

	snprintf(sql, sizeof(sql), LEASE_SQL, 6, bad_parts[_i]);
	scratch_sql(sql);
	n = 0;
	ck_assert_int_eq(vmp_licence_lease_each(world, &world_clock, take_lease, NULL, &world_msg), VMP_ECORRUPT);
	ck_assert_msg(strstr(world_msg.text, "parts: expected") != NULL, "%s", world_msg.text);
	ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(times_of_another_boot_are_told)
{
	ck_assert_int_eq(write_lease(1, 6, 1), VMP_OK);
	scratch_sql("UPDATE lease SET boot_id = 'another'");
	read_leases();
	ck_assert(got_boot[0]);
	got[0].end_ms += 500;
	got[0].part[0].over_ms += 500;
	ck_assert_int_eq(WRITE(vmp_licence_lease_adjust(world, &got[0], &world_clock, &world_msg)), VMP_OK);
	lease = got[0];
	read_leases();
	ck_assert(!got_boot[0]);
	ck_assert_mem_eq(&got[0], &lease, sizeof(lease));
}
END_TEST

START_TEST(an_old_answer_does_not_follow_a_newer_one)
{
	ck_assert_int_eq(write_lease(1, 9, 1), VMP_OK);
	ck_assert_int_eq(write_lease(1, 8, 2), VMP_EINVAL);
	ck_assert_int_eq(write_lease(2, 5, 2), VMP_EINVAL);
	read_leases();
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(got[0].seq, 9);
}
END_TEST

static int count_products(void *ctx, const char *product)
{
	(void)ctx;
	(void)product;
	n++;
	return VMP_OK;
}

START_TEST(products_of_one_holder)
{
	ck_assert_int_eq(write_lease(1, 6, 1), VMP_OK);
	snprintf(lease.product, sizeof(lease.product), "db");
	lease.seq = 7;
	ck_assert_int_eq(WRITE(vmp_licence_lease_write(world, &lease, &holder, true, &world_clock, &world_msg)),
			 VMP_OK);
	ck_assert_int_eq(write_lease(2, 8, 1), VMP_OK);
	n = 0;
	ck_assert_int_eq(vmp_licence_lease_products(world, world_uuid(1), count_products, NULL, &world_msg), VMP_OK);
	ck_assert_uint_eq(n, 2);
}
END_TEST

/* -- refusals ------------------------------------------------------------------------------------------------- */

static int deny(const char *reason, int64_t now)
{
	const struct vmp_licence_denial d = {
		.holder = world_uuid(1), .product = "os", .reason = reason, .mac = 1, .tenant_id = 1, .wants = 2
	};

	return WRITE(vmp_licence_deny(world, &d, now, &world_msg));
}

START_TEST(refusals_of_an_hour_are_one)
{
	ck_assert_int_eq(deny("none left", 10000), VMP_OK);
	ck_assert_int_eq(deny("none left", 13600), VMP_OK);
	ck_assert_int_eq(scratch_number("SELECT n FROM licence_denial"), 2);
	ck_assert_int_eq(scratch_number("SELECT last_at - first_at FROM licence_denial"), 3600);
	ck_assert_int_eq(deny("closed", 13600), VMP_OK);
	ck_assert_int_eq(deny("none left", 13601), VMP_OK);
	ck_assert_int_eq(deny("none left", 9000), VMP_OK); /* the clock was set back */
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM licence_denial"), 4);
	scratch_refused("UPDATE licence_denial SET reason = 'other'", "licence_denial: a refusal stays");
}
END_TEST

START_TEST(who_is_refused_of_anything_writes_over_its_own)
{
	char product[16];
	struct vmp_licence_denial d = {
		.holder = world_uuid(1), .product = product, .reason = "none", .mac = 1, .tenant_id = 1, .wants = 2
	};
	int i;

	ck_assert_int_eq(vmp_store_begin(world, &world_msg), VMP_OK);
	for (i = 0; i < VMP_LICENCE_DENIALS + 5; i++) {
		snprintf(product, sizeof(product), "p%d", i);
		ck_assert_int_eq(vmp_licence_deny(world, &d, 10000 + i, &world_msg), VMP_OK);
	}
	d.holder = world_uuid(2);
	ck_assert_int_eq(vmp_licence_deny(world, &d, 20000, &world_msg), VMP_OK);
	ck_assert_int_eq(vmp_store_commit(world, &world_msg), VMP_OK);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM licence_denial"), VMP_LICENCE_DENIALS + 1);
	ck_assert_int_eq(scratch_number("SELECT min(first_at) FROM licence_denial"), 10005);
}
END_TEST

START_TEST(old_refusals_are_forgotten)
{
	int forgotten = 0;
	struct vmp_clock clock = world_clock;

	ck_assert_int_eq(deny("none left", 10000), VMP_OK);
	ck_assert_int_eq(deny("none left", 20000), VMP_OK);
	clock.now = 25000;
	ck_assert_int_eq(WRITE(vmp_licence_tidy(world, &clock, 10000, 100, &forgotten, &world_msg)), VMP_OK);
	ck_assert_int_eq(forgotten, 1);
	ck_assert_int_eq(scratch_number("SELECT last_at FROM licence_denial"), 20000);
}
END_TEST

#define COUNT(tests) (int)(sizeof(tests) / sizeof((tests)[0]))

Suite *check_store_licence(void)
{
	Suite *s = suite_create("store_licence");
	TCase *t = tcase_create("schema");

	tcase_add_checked_fixture(t, setup, world_teardown);
	tcase_add_loop_test(t, the_schema_refuses, 0, COUNT(refused));
	tcase_add_test(t, a_gateway_that_is_a_broker_stays_a_gateway);
	tcase_add_test(t, leases_are_not_made_by_hand);
	tcase_add_test(t, a_pool_that_leases_draw_on_stays);
	tcase_add_loop_test(t, what_others_change_counts_the_generation_up, 0, COUNT(counted));
	tcase_add_test(t, what_the_server_writes_does_not);
	suite_add_tcase(s, t);
	t = tcase_create("migration");
	tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
	tcase_add_test(t, a_store_of_version_10_is_brought_up);
	suite_add_tcase(s, t);
	t = tcase_create("rows");
	tcase_add_checked_fixture(t, setup, world_teardown);
	tcase_add_test(t, pools_come_in_the_order_in_which_they_end);
	tcase_add_loop_test(t, a_pool_is_open_between_its_dates, 0, COUNT(dates));
	tcase_add_test(t, the_clock_is_stepped);
	tcase_add_test(t, the_state_is_kept);
	tcase_add_test(t, two_stores_are_two_incarnations);
	tcase_add_test(t, a_lease_is_kept_whole);
	tcase_add_test(t, a_lease_without_parts);
	tcase_add_loop_test(t, parts_that_make_no_sense_are_refused, 0, COUNT(bad_parts));
	tcase_add_test(t, times_of_another_boot_are_told);
	tcase_add_test(t, an_old_answer_does_not_follow_a_newer_one);
	tcase_add_test(t, products_of_one_holder);
	tcase_add_test(t, refusals_of_an_hour_are_one);
	tcase_add_test(t, who_is_refused_of_anything_writes_over_its_own);
	tcase_add_test(t, old_refusals_are_forgotten);
	suite_add_tcase(s, t);
	return s;
}
