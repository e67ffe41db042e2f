#include "store_directory.h"
#include "store_coi_key.h"
#include "suites.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

static char said[4096];
static int64_t version;
static bool full;
static int stop_with; /* what the callbacks return */
static struct vmp_dir_peer last;

/* Guests are told by the number that their UUID ends in. */
static void say(const char *sign, const char *id)
{
	size_t at = strlen(said);

	snprintf(said + at, sizeof(said) - at, "%s%s ", sign, id + 34);
}

static int on_peer(void *ctx, const struct vmp_dir_peer *peer)
{
	size_t i;

	(void)ctx;
	last = *peer;
	say("+", peer->id);
	said[strlen(said) - 1] = '\0';
	for (i = 0; i < peer->n_coi; i++)
		snprintf(said + strlen(said), sizeof(said) - strlen(said), "%c%s", i ? ',' : ':', peer->coi[i].name);
	strcat(said, " ");
	return stop_with;
}

static int on_gone(void *ctx, const char *id)
{
	(void)ctx;
	say("-", id);
	return stop_with;
}

static const struct vmp_dir_calls calls = { on_peer, on_gone };

/* What a guest is told: "full " first if it is everything, "nothing" when there is none. */
static const char *told(int guest, int64_t since)
{
	char text[sizeof(said)];
	int err;

	said[0] = '\0';
	err = vmp_store_directory(world, world_mac(guest), since, world_clock.now, &calls, NULL, &version, &full,
				  &world_msg);
	if (err == VMP_ENOENT)
		return "nothing";
	ck_assert_msg(err == VMP_OK, "%s", world_msg.text);
	memcpy(text, said, sizeof(text));
	snprintf(said, sizeof(said), "%s%.4000s", full ? "full " : "", text);
	return said;
}

static int64_t now_version(void)
{
	int64_t n;

	ck_assert_int_eq(vmp_store_change_last(world, &n, &world_msg), VMP_OK);
	return n;
}

/* Guests 1 to 4: 1 web; 2 web, app; 3 app; 4 web but stopped. */
static void setup(void)
{
	stop_with = VMP_OK;
	world_setup();
	world_guest(1, "web");
	world_guest(2, "web");
	world_guest(3, "web");
	world_guest(4, "web");
	scratch_sql("UPDATE vm_record SET cois = 'web,app' WHERE mac = '52:54:00:00:00:02';"
		    "UPDATE vm_record SET cois = 'app' WHERE mac = '52:54:00:00:00:03';"
		    "UPDATE guest SET state = 'stopped' WHERE mac = 0x525400000004");
}

START_TEST(everything_at_first)
{
	ck_assert_str_eq(told(1, 0), "full +02:web ");
	ck_assert_int_eq(version, now_version());
	ck_assert_str_eq(told(2, 0), "full +03:app +01:web ");
	ck_assert_str_eq(told(3, 0), "full +02:app ");
	ck_assert_str_eq(told(9, 0), "full "); /* no such VM */
	ck_assert_str_eq(told(1, -5), "full +02:web ");
	ck_assert_str_eq(told(1, now_version() + 1), "full +02:web "); /* the store was put back */
	ck_assert_str_eq(told(1, now_version()), "nothing");
	ck_assert_int_eq(version, now_version());
}
END_TEST

START_TEST(what_is_told_of_a_peer)
{
	scratch_sql("UPDATE site SET inner_prefix = 'fd12:3456:789a:1::'; UPDATE vm SET name = 'two' WHERE name LIKE "
		    "'%:02';"
		    "UPDATE guest SET template_id = 3 WHERE mac = 0x525400000002;"
		    "INSERT INTO coi_key (coi_id, epoch, sealed, created_at) VALUES (1, 1, zeroblob(69), 5), "
		    "(1, 2, zeroblob(69), 6)");
	told(1, 0);
	ck_assert_str_eq(last.id, world_uuid(2));
	ck_assert_str_eq(last.name, "two");
	ck_assert_str_eq(last.wg_key, world_key(2));
	ck_assert_str_eq(last.endpoint, "192.0.2.1:51820");
	ck_assert_str_eq(last.inner, "fd12:3456:789a:1:5054:ff:fe00:2");
	ck_assert(last.gateway);
	ck_assert_uint_eq(last.n_coi, 1);
	ck_assert_str_eq(last.coi[0].name, "web");
	ck_assert_uint_eq(last.coi[0].epoch, 2);
	ck_assert_uint_eq(last.coi[0].priority, 100);
	ck_assert_int_eq(last.coi[0].member_count, 3);
	ck_assert_int_eq(last.coi[0].id, 1);
	ck_assert_str_eq(last.inner4, "");
	ck_assert(!last.remote);
	ck_assert_uint_eq(last.n_route, 0);
}
END_TEST

START_TEST(what_is_told_of_a_gateway)
{
	int64_t since;

	scratch_sql("UPDATE site SET inner_prefix4 = '10.64.0.0/10';"
		    "UPDATE guest SET template_id = 3, endpoint = NULL WHERE mac = 0x525400000002;"
		    "INSERT INTO inner4 VALUES (0x525400000002, 258)");
	since = now_version();
	scratch_sql("INSERT INTO gateway_route VALUES (0x525400000002, '2001:DB8::/32'), (0x525400000002, '0.0.0.0/0'),"
		    "(0x525400000002, '2001:db8::1/16')");
	ck_assert_str_eq(told(1, since), "+02:web ");
	ck_assert_str_eq(last.endpoint, "");
	ck_assert_str_eq(last.inner4, "10.64.1.2");
	/* The one with bits beyond its prefix would have this machine refuse all. */
	ck_assert_uint_eq(last.n_route, 2);
	ck_assert_str_eq(last.route[0], "0.0.0.0/0");
	ck_assert_str_eq(last.route[1], "2001:db8::/32");
	ck_assert_str_eq(told(2, since), "nothing");
	ck_assert_str_eq(told(3, since), "+02:app ");
	since = now_version();
	scratch_sql("DELETE FROM gateway_route WHERE prefix <> '0.0.0.0/0'");
	ck_assert_str_eq(told(1, since), "+02:web ");
	ck_assert_uint_eq(last.n_route, 1);
	/* Others have none, whatever is written. */
	scratch_sql("UPDATE template SET kind = 'vm', remote = 1 WHERE id = 3");
	ck_assert_str_eq(told(1, 0), "full +02:web ");
	ck_assert_uint_eq(last.n_route, 0);
	ck_assert(last.remote && !last.gateway);
}
END_TEST

/* Shared COIs in the order in which one is chosen. */
static const struct {
	const char *sql, *told;
} orders[] = {
	{ "", "full +02:web,app " }, /* one member each beside: the id */
	{ "UPDATE coi SET priority = 5 WHERE name = 'app'", "full +02:app,web " },
	{ "UPDATE coi SET priority = 5 WHERE name = 'web'", "full +02:web,app " },
	{ "INSERT INTO vm_record (mac, cois) VALUES ('525400000011', 'web')", "full +02:app,web " },
	{ "INSERT INTO vm_record (mac, cois) VALUES ('525400000011', 'app')", "full +02:web,app " },
	{ "UPDATE coi SET enabled = 0 WHERE name = 'web'", "full +02:app " },
	{ "UPDATE coi SET enabled = 0", "full " },
};

START_TEST(several_shared)
{
	scratch_sql("DELETE FROM vm_record WHERE mac > '52:54:00:00:00:02';"
		    "UPDATE vm_record SET cois = 'app,web' WHERE mac = '52:54:00:00:00:01'");
	scratch_sql(orders[_i].sql);
	ck_assert_str_eq(told(1, 0), orders[_i].told);
}
END_TEST

/* What happens, and what guests 1, 2 and 3 are told of it. */
static const struct {
	const char *sql, *told[3];
} changes[] = {
	/* Nothing that concerns the directory. */
	{ "UPDATE vm SET comment = 'x'", { "nothing", "nothing", "nothing" } },
	{ "UPDATE host SET enabled = 0", { "nothing", "nothing", "nothing" } },
	{ "INSERT INTO vm_record (mac) VALUES ('525400000077')", { "nothing", "nothing", "nothing" } },
	/* It was never shared with anybody here: not even its going is told. */
	{ "INSERT INTO vm_record (mac, tenant, cois) VALUES ('525400000077', 'acme', 'gold'); INSERT INTO guest (mac, "
	  "uuid, "
	  "template_id) VALUES (0x525400000077, '6ba7b810-9dad-41d1-80b4-000000000077', 2); "
	  "DELETE FROM vm_record WHERE mac = '52:54:00:00:00:77'",
	  { "nothing", "nothing", "nothing" } },
	/* Guest 2 keeps its own entry to itself; the others are told. */
	{ "UPDATE guest SET endpoint = '192.0.2.9:1' WHERE mac = 0x525400000002",
	  { "+02:web ", "nothing", "+02:app " } },
	{ "UPDATE guest SET endpoint = NULL WHERE mac = 0x525400000002", { "+02:web ", "nothing", "+02:app " } },
	{ "INSERT INTO inner4 VALUES (0x525400000002, 5)", { "+02:web ", "nothing", "+02:app " } },
	{ "INSERT INTO inner4 VALUES (0x525400000002, 5); UPDATE inner4 SET address = 6; DELETE FROM inner4",
	  { "+02:web ", "nothing", "+02:app " } },
	{ "INSERT INTO filter (coi_id, direction) VALUES (1, 'in')", { "nothing", "nothing", "nothing" } },
	{ "UPDATE guest SET wg_key = NULL WHERE mac = 0x525400000002", { "-02 ", "nothing", "-02 " } },
	{ "UPDATE guest SET state = 'stopped' WHERE mac = 0x525400000002", { "-02 ", "nothing", "-02 " } },
	{ "UPDATE certificate SET revoked_at = 5, reason = 1 WHERE mac = 0x525400000002",
	  { "-02 ", "nothing", "-02 " } },
	{ "UPDATE certificate SET revoked_at = 5, reason = 4 WHERE mac = 0x525400000002",
	  { "nothing", "nothing", "nothing" } },
	{ "UPDATE vm SET enabled = 0 WHERE mac = 0x525400000002", { "-02 ", "full +03:app +01:web ", "-02 " } },
	{ "UPDATE vm SET enabled = 0 WHERE mac = 0x525400000002; UPDATE vm SET enabled = 1 WHERE mac = 0x525400000002",
	  { "+02:web ", "full +03:app +01:web ", "+02:app " } },
	{ "UPDATE vm SET not_after = 5 WHERE mac = 0x525400000002", { "-02 ", "full +03:app +01:web ", "-02 " } },
	{ "UPDATE vm SET not_before = 4102444800 WHERE mac = 0x525400000002",
	  { "-02 ", "full +03:app +01:web ", "-02 " } },
	/* Members come and go. */
	{ "INSERT INTO member VALUES (0x525400000003, 1)",
	  { "+03:web ", "+03:app,web ", "full +02:app,web +01:web " } },
	{ "DELETE FROM member WHERE mac = 0x525400000002 AND coi_id = 1", { "-02 ", "full +03:app ", "nothing" } },
	{ "DELETE FROM member WHERE mac = 0x525400000002 AND coi_id = 2", { "nothing", "full +01:web ", "-02 " } },
	{ "DELETE FROM member WHERE mac = 0x525400000002", { "-02 ", "full ", "-02 " } },
	{ "DELETE FROM vm_record WHERE mac = '52:54:00:00:00:02'", { "-02 ", "full ", "-02 " } },
	{ "DELETE FROM vm_record WHERE mac = '52:54:00:00:00:03'", { "nothing", "-03 ", "full " } },
	{ "DELETE FROM guest WHERE mac = 0x525400000002", { "-02 ", "full +03:app +01:web ", "-02 " } },
	{ "DELETE FROM member WHERE mac = 0x525400000002 AND coi_id = 1; "
	  "INSERT INTO member VALUES (0x525400000002, 1)",
	  { "+02:web ", "full +03:app +01:web ", "nothing" } },
	/* One VM, but another to its peers. */
	{ "UPDATE guest SET uuid = '6ba7b810-9dad-41d1-80b4-000000000099' WHERE mac = 0x525400000002",
	  { "+99:web -02 ", "full +03:app +01:web ", "+99:app -02 " } },
	{ "UPDATE vm_record SET mac = '525400000088' WHERE mac = '52:54:00:00:00:02'",
	  { "+02:web ", "full ", "+02:app " } },
	{ "UPDATE vm SET name = 'renamed' WHERE mac = 0x525400000003", { "nothing", "+03:app ", "full +02:app " } },
	/* COIs, and what stands behind machines. */
	{ "UPDATE coi SET vlan = 5, acl = 'x', cos = 3, mab = 0", { "nothing", "nothing", "nothing" } },
	{ "UPDATE coi SET comment = 'x', enabled = enabled, priority = priority, name = name",
	  { "nothing", "nothing", "nothing" } },
	{ "INSERT INTO coi (name) VALUES ('new'); UPDATE coi SET priority = 1 WHERE name = 'new'; "
	  "DELETE FROM coi WHERE name = 'new'",
	  { "nothing", "nothing", "nothing" } },
	{ "UPDATE tenant SET name = 't' || id, comment = 'x'", { "nothing", "nothing", "nothing" } },
	{ "UPDATE enclave SET name = 'e' || id, vlan = 7", { "nothing", "nothing", "nothing" } },
	{ "UPDATE template SET gateway = 'other', cert_life_s = 900, name = name || '2'",
	  { "nothing", "nothing", "nothing" } },
	{ "UPDATE coi SET name = 'WEB' WHERE name = 'web'", { "full +02:WEB ", "full +03:app +01:WEB ", "nothing" } },
	{ "UPDATE coi SET tenant_id = 1 WHERE name = 'web'", { "full +02:web ", "full +03:app +01:web ", "nothing" } },
	{ "UPDATE coi SET priority = 1 WHERE name = 'app'", { "nothing", "full +03:app +01:web ", "full +02:app " } },
	{ "UPDATE coi SET enabled = 0 WHERE name = 'app'", { "nothing", "full +01:web ", "full " } },
	{ "UPDATE coi SET name = 'apps' WHERE name = 'app'",
	  { "nothing", "full +03:apps +01:web ", "full +02:apps " } },
	{ "UPDATE coi SET name = 'apps' WHERE name = 'app'; DELETE FROM member WHERE mac = 0x525400000002 AND coi_id = "
	  "2",
	  { "nothing", "full +01:web ", "full " } },
	{ "UPDATE coi SET priority = 1 WHERE name = 'gold'", { "nothing", "nothing", "nothing" } },
	{ "UPDATE tenant SET enabled = 0 WHERE id = 2", { "nothing", "nothing", "nothing" } },
	{ "UPDATE tenant SET enabled = 0 WHERE id = 1", { "full ", "full ", "full " } },
	{ "UPDATE enclave SET enabled = 0 WHERE id = 2", { "nothing", "nothing", "nothing" } },
	{ "UPDATE enclave SET enabled = 0 WHERE id = 1", { "full ", "full ", "full " } },
	{ "UPDATE template SET kind = 'gateway' WHERE name = 'web'",
	  { "full +02:web ", "full +03:app +01:web ", "full +02:app " } },
	{ "UPDATE template SET kind = 'gateway' WHERE name = 'gold'", { "nothing", "nothing", "nothing" } },
	{ "UPDATE template SET remote = 1 WHERE name = 'web'",
	  { "full +02:web ", "full +03:app +01:web ", "full +02:app " } },
	{ "UPDATE site SET inner_prefix = 'fd00::'", { "full +02:web ", "full +03:app +01:web ", "full +02:app " } },
	{ "UPDATE site SET inner_prefix4 = '10.0.0.0/8'",
	  { "full +02:web ", "full +03:app +01:web ", "full +02:app " } },
	{ "UPDATE site SET inner_prefix4 = inner_prefix4, crl_number = 7", { "nothing", "nothing", "nothing" } },
	/* A new key is to be fetched, and says nothing of anybody. */
	{ "INSERT INTO coi_key (coi_id, epoch, sealed, created_at) VALUES (2, 1, zeroblob(69), 5)",
	  { "nothing", "", "" } },
	{ "INSERT INTO coi_key (coi_id, epoch, sealed, created_at) VALUES (3, 1, zeroblob(69), 5)",
	  { "nothing", "nothing", "nothing" } },
	/* What is not remembered is told anew. */
	{ "DELETE FROM change", { "nothing", "nothing", "nothing" } },
	{ "UPDATE vm SET enabled = enabled; UPDATE host SET enabled = 0; DELETE FROM change",
	  { "full +02:web ", "full +03:app +01:web ", "full +02:app " } },
	{ "UPDATE host SET enabled = 0; UPDATE host SET enabled = 1; DELETE FROM change WHERE id < "
	  "(SELECT max(id) FROM change)",
	  { "full +02:web ", "full +03:app +01:web ", "full +02:app " } },
};

START_TEST(differences)
{
	int64_t since = now_version();
	int guest;

	scratch_sql(changes[_i].sql);
	for (guest = 1; guest <= 3; guest++) {
		ck_assert_str_eq(told(guest, since), changes[_i].told[guest - 1]);
		ck_assert_int_eq(version, scratch_number("SELECT seq FROM sqlite_sequence WHERE name = 'change'"));
	}
}
END_TEST

/* A machine that shares nothing with guest 1 does all that one can do. */
START_TEST(strangers_are_never_told_of)
{
	int64_t since;

	scratch_sql("INSERT INTO coi (name) VALUES ('other')");
	since = now_version();
	world_guest(7, "web");
	scratch_sql("DELETE FROM change WHERE ref = 0x525400000007");
	scratch_sql("DELETE FROM member WHERE mac = 0x525400000007; DELETE FROM change WHERE ref = 0x525400000007;"
		    "INSERT INTO change (kind, action, ref, name) VALUES ('host', 'update', 1, 'x')");
	since = now_version();
	scratch_sql("INSERT INTO member VALUES (0x525400000007, (SELECT id FROM coi WHERE name = 'other'));"
		    "UPDATE guest SET endpoint = '192.0.2.77:1' WHERE mac = 0x525400000007;"
		    "UPDATE vm SET name = 'stranger' WHERE mac = 0x525400000007;"
		    "UPDATE guest SET uuid = '6ba7b810-9dad-41d1-80b4-000000000078' WHERE mac = 0x525400000007;"
		    "DELETE FROM member WHERE mac = 0x525400000007;"
		    "DELETE FROM vm_record WHERE mac = '52:54:00:00:00:07'");
	ck_assert_str_eq(told(1, since), "nothing");
}
END_TEST

/* A disabled COI is none: who leaves it was not known by it. */
START_TEST(nothing_is_told_by_a_disabled_coi)
{
	int64_t since;

	scratch_sql("UPDATE coi SET enabled = 0 WHERE name = 'web'");
	since = now_version();
	scratch_sql("UPDATE guest SET endpoint = '192.0.2.9:1' WHERE mac = 0x525400000002");
	ck_assert_str_eq(told(1, since), "nothing");
	scratch_sql("DELETE FROM member WHERE mac = 0x525400000002 AND coi_id = 1");
	ck_assert_str_eq(told(1, since), "nothing");
	ck_assert_str_eq(told(1, 0), "full ");
}
END_TEST

START_TEST(a_time_that_passes_is_told)
{
	char sql[256];
	int64_t since;
	int n;

	snprintf(sql, sizeof(sql), "UPDATE vm SET not_after = %lld WHERE mac = 0x525400000002",
		 (long long)world_clock.now + 10);
	scratch_sql(sql);
	since = now_version();
	world_clock.now += 10;
	ck_assert_str_eq(told(1, since), "nothing");
	ck_assert_int_eq(WRITE(vmp_store_coi_retire(world, world_clock.now, &n, &world_msg)), VMP_OK);
	ck_assert_str_eq(told(1, since), "-02 ");
	ck_assert_str_eq(told(1, 0), "full ");
}
END_TEST

START_TEST(too_many_changes_to_sift)
{
	int64_t since = now_version();

	scratch_sql("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8192) "
		    "INSERT INTO change (kind, action, ref, name) SELECT 'vm', 'update', i, 'x' FROM n");
	ck_assert_str_eq(told(1, since), "nothing");
	scratch_sql("UPDATE guest SET endpoint = '192.0.2.9:1' WHERE mac = 0x525400000003");
	ck_assert_str_eq(told(1, since), "full +02:web ");
	ck_assert_str_eq(told(1, since + 1), "nothing");
}
END_TEST

START_TEST(callbacks_may_stop)
{
	int64_t since = now_version();

	stop_with = VMP_EIO;
	ck_assert_int_eq(
		vmp_store_directory(world, world_mac(2), 0, world_clock.now, &calls, NULL, &version, &full, &world_msg),
		VMP_EIO);
	scratch_sql("UPDATE guest SET wg_key = NULL WHERE mac = 0x525400000002");
	ck_assert_int_eq(vmp_store_directory(world, world_mac(1), since, world_clock.now, &calls, NULL, &version, &full,
					     &world_msg),
			 VMP_EIO);
	/* And it goes on from where it was, also inside somebody's transaction. */
	stop_with = VMP_OK;
	world_begin();
	ck_assert_str_eq(told(1, since), "-02 ");
	ck_assert_int_eq(world_end(VMP_OK), VMP_OK);
}
END_TEST

START_TEST(others_commits_are_noticed)
{
	struct vmp_store *reader;
	bool changed = false;

	ck_assert_int_eq(vmp_store_open(&reader, scratch_path, VMP_STORE_POLICY, VMP_STORE_READ, 50, &world_msg),
			 VMP_OK);
	ck_assert_int_eq(vmp_store_poll(reader, &changed, &world_msg), VMP_OK);
	ck_assert(changed);
	ck_assert_int_eq(vmp_store_poll(reader, &changed, &world_msg), VMP_OK);
	ck_assert(!changed);
	scratch_sql("UPDATE coi SET vlan = 5");
	ck_assert_int_eq(vmp_store_poll(reader, &changed, &world_msg), VMP_OK);
	ck_assert(changed);
	ck_assert_int_eq(vmp_store_poll(reader, &changed, &world_msg), VMP_OK);
	ck_assert(!changed);
	vmp_store_close(reader);
}
END_TEST

static int on_change(void *ctx, const struct vmp_change *c)
{
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s %s %s;", c->kind, c->action, c->name);
	return ctx ? VMP_ENOENT : VMP_OK;
}

START_TEST(the_journal)
{
	int64_t since = now_version(), number;
	int n = -1;

	scratch_sql("UPDATE coi SET vlan = 5 WHERE name = 'web'; UPDATE host SET enabled = 0 WHERE name = 'hv2'");
	said[0] = '\0';
	ck_assert_int_eq(vmp_store_change_each(world, since, 10, on_change, NULL, &world_msg), VMP_OK);
	ck_assert_str_eq(said, "coi update web;host update hv2;");
	said[0] = '\0';
	ck_assert_int_eq(vmp_store_change_each(world, since, 1, on_change, NULL, &world_msg), VMP_OK);
	ck_assert_str_eq(said, "coi update web;");
	ck_assert_int_eq(vmp_store_change_each(world, since, 9, on_change, said, &world_msg), VMP_ENOENT);
	/* The last stays, however old; what is young stays. */
	ck_assert_int_eq(WRITE(vmp_store_change_tidy(world, world_clock.now, 3600, 100, &n, &world_msg)), VMP_OK);
	ck_assert_int_eq(n, 0);
	ck_assert_int_eq(WRITE(vmp_store_change_tidy(world, world_clock.now + 9999, 3600, 5, &n, &world_msg)), VMP_OK);
	ck_assert_int_eq(n, 5);
	ck_assert_int_eq(WRITE(vmp_store_change_tidy(world, world_clock.now + 9999, 3600, 1000, &n, &world_msg)),
			 VMP_OK);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM change"), 1);
	ck_assert_int_eq(vmp_store_change_last(world, &number, &world_msg), VMP_OK);
	ck_assert_int_eq(number, since + 2);
	scratch_sql("DELETE FROM change");
	ck_assert_int_eq(vmp_store_change_last(world, &number, &world_msg), VMP_OK);
	ck_assert_int_eq(number, since + 2);
}
END_TEST

Suite *check_store_directory(void)
{
	Suite *s = suite_create("store_directory");
	TCase *t = tcase_create("store_directory");

	tcase_add_checked_fixture(t, setup, world_teardown);
	tcase_set_timeout(t, 60); /* [s] a disk that syncs slowly, and sanitizers */
	tcase_add_test(t, everything_at_first);
	tcase_add_test(t, what_is_told_of_a_peer);
	tcase_add_test(t, what_is_told_of_a_gateway);
	tcase_add_loop_test(t, several_shared, 0, sizeof(orders) / sizeof(orders[0]));
	tcase_add_loop_test(t, differences, 0, sizeof(changes) / sizeof(changes[0]));
	tcase_add_test(t, strangers_are_never_told_of);
	tcase_add_test(t, nothing_is_told_by_a_disabled_coi);
	tcase_add_test(t, a_time_that_passes_is_told);
	tcase_add_test(t, too_many_changes_to_sift);
	tcase_add_test(t, callbacks_may_stop);
	tcase_add_test(t, others_commits_are_noticed);
	tcase_add_test(t, the_journal);
	suite_add_tcase(s, t);
	return s;
}
