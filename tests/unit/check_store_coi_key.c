#include "store_coi_key.h"
#include "store_internal.h"
#include "suites.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

#define MAX 8

static struct vmp_coi_key_row rows[MAX];
static struct vmp_coi_due due[MAX];
static size_t n;
static char said[512];

static int epoch(int64_t coi_id, uint32_t number, int64_t grace_s)
{
	uint8_t sealed[VMP_SEALED];

	memset(sealed, (int)(coi_id * 16 + number), sizeof(sealed));
	return WRITE(vmp_store_coi_epoch(world, coi_id, number, sealed, world_clock.now, grace_s, &world_msg));
}

static int ack(int guest, const char *coi, uint32_t number)
{
	return WRITE(vmp_store_coi_ack(world, world_mac(guest), coi, number, &world_msg));
}

static int retire(void)
{
	int wiped = -1;

	ck_assert_msg(WRITE(vmp_store_coi_retire(world, world_clock.now, &wiped, &world_msg)) == VMP_OK, "%s",
		      world_msg.text);
	return wiped;
}

/* "app1 web2 " for the live epochs that a guest gets. */
static const char *keys(int guest)
{
	size_t i;

	said[0] = '\0';
	ck_assert_msg(vmp_store_coi_keys(world, world_mac(guest), world_clock.now, rows, MAX, &n, &world_msg) == VMP_OK,
		      "%s", world_msg.text);
	for (i = 0; i < n; i++)
		snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s%u ", rows[i].coi, rows[i].epoch);
	return said;
}

/* "web2:member left " for what is due. */
static const char *needed(int64_t rotate_s, size_t max)
{
	size_t i;

	said[0] = '\0';
	ck_assert_msg(vmp_store_coi_due(world, world_clock.now, rotate_s, due, max, &n, &world_msg) == VMP_OK, "%s",
		      world_msg.text);
	for (i = 0; i < n; i++)
		snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s%u:%s ", due[i].coi, due[i].epoch,
			 due[i].reason);
	return said;
}

/* Each COI has epoch 1. */
static void setup(void)
{
	world_setup();
	ck_assert_int_eq(epoch(1, 1, 0), VMP_OK);
	ck_assert_int_eq(epoch(2, 1, 0), VMP_OK);
	ck_assert_int_eq(epoch(3, 1, 0), VMP_OK);
}

START_TEST(epochs_come_one_by_one)
{
	ck_assert_int_eq(epoch(1, 1, 60), VMP_EEXIST);
	ck_assert_int_eq(epoch(1, 3, 60), VMP_EINVAL);
	ck_assert_int_eq(epoch(1, 0, 60), VMP_EEXIST);
	ck_assert_int_eq(epoch(99, 1, 60), VMP_ENOENT);
	ck_assert_int_eq(epoch(1, 2, 60), VMP_OK);
	ck_assert_int_eq(epoch(1, 2, 60), VMP_EEXIST);
	ck_assert_int_eq(scratch_number("SELECT max(epoch) FROM coi_key WHERE coi_id = 1 AND retire_at IS NULL"), 2);
	ck_assert_int_eq(scratch_number("SELECT retire_at FROM coi_key WHERE coi_id = 1 AND epoch = 1"),
			 world_clock.now + 60);
}
END_TEST

START_TEST(members_get_the_live_epochs)
{
	scratch_sql("INSERT INTO vm_record (mac, cois) VALUES ('525400000001', 'web,app'), ('525400000002', 'app')");
	ck_assert_int_eq(epoch(1, 2, 60), VMP_OK);
	ck_assert_str_eq(keys(1), "app1 web1 web2 ");
	ck_assert_uint_eq(rows[2].sealed[0], 16 + 2);
	ck_assert_int_eq(rows[1].retire_at, world_clock.now + 60);
	ck_assert_int_eq(rows[2].retire_at, 0);
	ck_assert_int_eq(rows[2].created_at, world_clock.now);
	ck_assert_str_eq(keys(2), "app1 ");
	ck_assert_str_eq(keys(3), "");
	ck_assert_int_eq(vmp_store_coi_keys(world, world_mac(1), 0, rows, 2, &n, &world_msg), VMP_EINVAL);
	scratch_sql("UPDATE coi SET enabled = 0 WHERE name = 'web'");
	ck_assert_str_eq(keys(1), "app1 ");
	scratch_sql("UPDATE coi SET enabled = 1");
	world_clock.now += 60; /* grace ended, though nobody has wiped it yet */
	ck_assert_str_eq(keys(1), "app1 web2 ");
	/* Who has left gets nothing, not even what was. */
	scratch_sql("UPDATE vm_record SET cois = 'app' WHERE mac = '52:54:00:00:00:01'");
	ck_assert_str_eq(keys(1), "app1 ");
}
END_TEST

START_TEST(acknowledgements)
{
	scratch_sql("INSERT INTO vm_record (mac, cois) VALUES ('525400000001', 'web')");
	ck_assert_int_eq(ack(1, "nobody", 1), VMP_ENOENT);
	ck_assert_int_eq(ack(1, "app", 1), VMP_ENOENT);
	ck_assert_int_eq(ack(2, "web", 1), VMP_ENOENT);
	ck_assert_int_eq(ack(1, "web", 2), VMP_ENOENT);
	ck_assert_int_eq(ack(1, "web", 0), VMP_OK);
	ck_assert_int_eq(ack(1, "web", 1), VMP_OK);
	ck_assert_int_eq(ack(1, "web", 1), VMP_OK);
	ck_assert_int_eq(epoch(1, 2, 60), VMP_OK);
	ck_assert_int_eq(ack(1, "web", 2), VMP_OK);
	ck_assert_int_eq(ack(1, "web", 1), VMP_OK);
	ck_assert_int_eq(scratch_number("SELECT epoch FROM coi_ack"), 2);
	scratch_sql("UPDATE vm_record SET mac = '525400000009'");
	ck_assert_int_eq(scratch_number("SELECT epoch FROM coi_ack WHERE mac = 0x525400000009"), 2);
	scratch_sql("UPDATE vm_record SET cois = NULL");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM coi_ack"), 0);
}
END_TEST

START_TEST(retired_when_all_have_the_next)
{
	world_guest(1, "web");
	world_guest(2, "web");
	world_guest(3, "web");				    /* will be stopped */
	ck_assert_int_eq(world_start(4, "web", 1), VMP_OK); /* has no entry */
	world_guest(5, "web");				    /* will be disabled */
	ck_assert_int_eq(WRITE(vmp_store_guest_stop(world, world_uuid(3), 1, world_clock.now, &world_msg)), VMP_OK);
	scratch_sql("UPDATE vm SET enabled = 0 WHERE mac = 0x525400000005");
	ck_assert_int_eq(epoch(1, 2, 600), VMP_OK);
	ck_assert_int_eq(ack(1, "web", 1), VMP_OK);
	ck_assert_int_eq(ack(2, "web", 1), VMP_OK);
	ck_assert_int_eq(retire(), 0);
	ck_assert_int_eq(ack(1, "web", 2), VMP_OK);
	ck_assert_int_eq(retire(), 0);
	ck_assert_int_eq(ack(2, "web", 2), VMP_OK);
	ck_assert_int_eq(retire(), 1);
	ck_assert_int_eq(retire(), 0);
	ck_assert_int_eq(
		scratch_number("SELECT count(*) FROM coi_key WHERE coi_id = 1 AND epoch = 1 AND sealed IS NULL "
			       "AND retired_at IS NOT NULL"),
		1);
	ck_assert_str_eq(keys(1), "web2 ");
}
END_TEST

/* What may not have a key is not waited for. */
static const char *const excused[] = {
	"UPDATE vm SET enabled = 0 WHERE mac = 0x525400000002",
	"INSERT INTO tenant (id, name, enabled) VALUES (7, 't', 0); UPDATE vm SET tenant_id = 7 WHERE mac = "
	"0x525400000002",
	"INSERT INTO enclave (id, name, enabled) VALUES (7, 'e', 0); UPDATE vm SET enclave_id = 7 WHERE mac = "
	"0x525400000002",
};

START_TEST(retired_without_those_that_are_refused)
{
	world_guest(1, "web");
	world_guest(2, "web");
	ck_assert_int_eq(epoch(1, 2, 600), VMP_OK);
	ck_assert_int_eq(ack(1, "web", 2), VMP_OK);
	ck_assert_int_eq(retire(), 0);
	scratch_sql(excused[_i]);
	ck_assert_int_eq(retire(), 1);
}
END_TEST

START_TEST(retired_when_grace_ends)
{
	world_guest(1, "web");
	ck_assert_int_eq(epoch(1, 2, 600), VMP_OK);
	world_clock.now += 599;
	ck_assert_int_eq(retire(), 0);
	world_clock.now++;
	ck_assert_int_eq(retire(), 1);
	ck_assert_str_eq(keys(1), "web2 ");
}
END_TEST

/* One that waits for a member keeps no other from ending. */
START_TEST(each_coi_for_itself)
{
	world_guest(1, "web");
	ck_assert_int_eq(epoch(1, 2, 600), VMP_OK);
	ck_assert_int_eq(epoch(2, 2, 600), VMP_OK);
	ck_assert_int_eq(epoch(3, 2, 600), VMP_OK);
	ck_assert_int_eq(epoch(3, 3, 600), VMP_OK);
	ck_assert_int_eq(retire(), 3);
	ck_assert_str_eq(keys(1), "web1 web2 ");
}
END_TEST

/* More fail than are read at once, and the one that does not comes last. */
START_TEST(one_that_fails_keeps_no_other)
{
	int wiped = -1;

	ck_assert_int_eq(epoch(1, 2, 600), VMP_OK);
	ck_assert_int_eq(epoch(2, 2, 700), VMP_OK);
	ck_assert_int_eq(epoch(3, 2, 500), VMP_OK);
	scratch_sql("INSERT INTO coi (id, name) WITH RECURSIVE n (i) AS (SELECT 1001 UNION ALL SELECT i + 1 FROM n "
		    "WHERE i < 1300) SELECT i, 'c' || i FROM n;"
		    "INSERT INTO coi_key (coi_id, epoch, sealed, created_at) SELECT id, 1, zeroblob(69), 5 FROM coi "
		    "WHERE id > 1000;"
		    "INSERT INTO coi_key (coi_id, epoch, sealed, created_at) SELECT id, 2, zeroblob(69), 5 FROM coi "
		    "WHERE id > 1000; UPDATE coi_key SET retire_at = 6 WHERE coi_id > 1000 AND epoch = 1;"
		    "CREATE TRIGGER broken BEFORE UPDATE OF retired_at ON coi_key WHEN NEW.coi_id > 1000 OR NEW.coi_id "
		    "= 1 BEGIN SELECT RAISE(ABORT, 'broken'); END");
	world_begin();
	ck_assert_int_eq(vmp_store_coi_retire(world, world_clock.now, &wiped, &world_msg), VMP_EINVAL);
	ck_assert_str_eq(world_msg.text, "broken");
	ck_assert_int_eq(wiped, 2);
	ck_assert_int_eq(world_end(VMP_OK), VMP_OK);
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM coi_key WHERE retired_at IS NOT NULL"), 2);
	ck_assert_int_eq(scratch_number("SELECT sum(coi_id) FROM coi_key WHERE retired_at IS NOT NULL"), 2 + 3);
	scratch_sql("DROP TRIGGER broken");
	ck_assert_int_eq(retire(), 301);
}
END_TEST

START_TEST(at_most_so_many_live_epochs)
{
	uint32_t e;

	world_guest(1, "web");
	for (e = 2; e <= 30; e++) {
		ck_assert_int_eq(epoch(1, e, 6000), VMP_OK);
		if (e == 4)
			ck_assert_str_eq(keys(1), "web1 web2 web3 web4 ");
		if (e == 5)
			ck_assert_str_eq(keys(1), "web2 web3 web4 web5 ");
	}
	ck_assert_str_eq(keys(1), "web27 web28 web29 web30 ");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM coi_key WHERE coi_id = 1"), VMP_EPOCHS_LIVE + 16);
	ck_assert_int_eq(scratch_number("SELECT min(epoch) FROM coi_key WHERE coi_id = 1"), 11);
}
END_TEST

/* Each way out of a COI, and the reason that is noted. */
static const struct {
	const char *sql, *due;
} leavings[] = {
	{ "UPDATE vm_record SET cois = 'app' WHERE name = 'one'", "web2:member left " },
	{ "DELETE FROM member WHERE mac = 0x525400000001", "web2:member left app2:member left " },
	{ "DELETE FROM vm_record WHERE name = 'one'", "web2:member left app2:member left " },
	{ "UPDATE vm SET enabled = 0 WHERE name = 'one'", "web2:VM disabled app2:VM disabled " },
	{ "UPDATE tenant SET enabled = 0", "web2:tenant disabled app2:tenant disabled " },
	{ "UPDATE tenant SET enabled = 0; UPDATE tenant SET enabled = 1; UPDATE enclave SET enabled = 0",
	  "web2:tenant disabled app2:tenant disabled " },
	{ "UPDATE enclave SET enabled = 0 WHERE id = 1", "web2:enclave disabled app2:enclave disabled " },
	{ "UPDATE tenant SET enabled = 0 WHERE id = 2; UPDATE enclave SET enabled = 0 WHERE id = 2", "" },
	{ "UPDATE tenant SET enabled = 1, comment = 'x'; UPDATE enclave SET enabled = 1", "" },
	{ "UPDATE vm SET enabled = 0; UPDATE vm SET enabled = 0; DELETE FROM member",
	  "web2:VM disabled app2:VM disabled " },
	{ "UPDATE vm SET not_after = 5 WHERE name = 'one'", "web2:VM expired app2:VM expired " },
	{ "UPDATE certificate SET revoked_at = 5, reason = 1", "web2:certificate revoked app2:certificate revoked " },
	{ "UPDATE certificate SET revoked_at = 5, reason = 4", "" },
	{ "UPDATE certificate SET revoked_at = 5, reason = 5", "" },
	{ "UPDATE guest SET state = 'stopped'", "" },
	{ "UPDATE vm SET enabled = 1, comment = 'x'", "" },
	{ "UPDATE vm SET not_after = 4102444800", "" },
	{ "UPDATE vm_record SET mac = '525400000009' WHERE name = 'one'", "" },
	{ "INSERT INTO coi (name) VALUES ('new')", "new1:first " },
	{ "INSERT INTO coi (id, name) VALUES (9, 'new'); INSERT INTO vm_record (mac, cois) VALUES ('525400000007', "
	  "'new');"
	  "DELETE FROM vm_record WHERE mac = '52:54:00:00:00:07'",
	  "new1:first " },
	{ "INSERT INTO coi_rotation (coi_id, reason) VALUES (2, 'because'); "
	  "INSERT INTO coi_rotation (coi_id, reason) VALUES (2, 'again'), (1, 'too')",
	  "web2:too app2:because " },
	{ "INSERT INTO coi_rotation (coi_id) VALUES (2)", "app2:administrator " },
	{ "INSERT INTO coi_rotation (coi_id, reason) VALUES (1, 'x'); DELETE FROM member WHERE coi_id = 1", "web2:x " },
	{ "INSERT INTO coi_rotation (coi_id, reason) VALUES (1, 'x'); REPLACE INTO coi_rotation (coi_id, reason) "
	  "VALUES (1, 'y'); UPDATE OR REPLACE vm SET enabled = 0 WHERE name = 'two'",
	  "web2:x " },
};

START_TEST(what_makes_a_coi_change_its_key)
{
	scratch_sql("INSERT INTO vm_record (mac, name, cois) VALUES ('525400000001', 'one', 'web,app'), "
		    "('525400000002', 'two', 'web')");
	world_guest(1, "web");
	ck_assert_str_eq(needed(0, MAX), "");
	scratch_sql(leavings[_i].sql);
	scratch_sql("UPDATE coi_rotation SET at = 5");
	ck_assert_str_eq(needed(0, MAX), leavings[_i].due);
}
END_TEST

START_TEST(a_made_epoch_strikes_the_coi)
{
	ck_assert_int_eq(WRITE(vmp_store_coi_rotate(world, "nobody", "x", &world_msg)), VMP_ENOENT);
	ck_assert_int_eq(WRITE(vmp_store_coi_rotate(world, "web", "", &world_msg)), VMP_EINVAL);
	ck_assert_int_eq(WRITE(vmp_store_coi_rotate(world, "WEB", "asked", &world_msg)), VMP_OK);
	ck_assert_int_eq(WRITE(vmp_store_coi_rotate(world, "web", "twice", &world_msg)), VMP_OK);
	ck_assert_str_eq(needed(0, MAX), "web2:asked ");
	ck_assert_int_eq(due[0].coi_id, 1);
	ck_assert_int_eq(epoch(1, 2, 60), VMP_OK);
	ck_assert_str_eq(needed(0, MAX), "");
}
END_TEST

START_TEST(lapses_come_in_tens_of_seconds)
{
	scratch_sql("INSERT INTO coi_rotation (coi_id, reason) VALUES (1, 'licence lapsed'), (2, 'asked')");
	ck_assert_str_eq(needed(0, MAX), "app2:asked ");
	world_clock.now += 9;
	ck_assert_str_eq(needed(0, MAX), "app2:asked ");
	world_clock.now++;
	ck_assert_str_eq(needed(0, MAX), "web2:licence lapsed app2:asked ");
	ck_assert_int_eq(epoch(1, 2, 60), VMP_OK);
	world_clock.now -= 100; /* set back: not before the last was made */
	scratch_sql("INSERT INTO coi_rotation (coi_id, reason) VALUES (1, 'licence lapsed')");
	ck_assert_str_eq(needed(0, MAX), "web3:licence lapsed app2:asked ");
}
END_TEST

START_TEST(the_schedule)
{
	ck_assert_str_eq(needed(3600, MAX), "");
	world_clock.now += 1000;
	ck_assert_int_eq(epoch(2, 2, 60), VMP_OK);
	world_clock.now += 2600;
	scratch_sql("INSERT INTO coi_rotation (coi_id, reason) VALUES (3, 'asked')");
	ck_assert_str_eq(needed(3600, MAX), "gold2:asked web2:schedule ");
	ck_assert_str_eq(needed(3600, 1), "gold2:asked ");
	ck_assert_str_eq(needed(0, MAX), "gold2:asked ");
	world_clock.now += 1000;
	ck_assert_str_eq(needed(3600, MAX), "gold2:asked web2:schedule app3:schedule ");
}
END_TEST

/* SQLite's own steps of all statements since the last call. */
static int steps(void)
{
	sqlite3_stmt *stmt = NULL;
	int sum = 0;

	while ((stmt = sqlite3_next_stmt(world->db, stmt)) != NULL)
		sum += sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 1);
	return sum;
}

/* It is asked often, and COIs may be many: only those that are due are looked at. */
START_TEST(what_is_due_is_found_without_a_search)
{
	scratch_sql("INSERT INTO coi (name) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
		    "1000) SELECT 'c' || i FROM n; INSERT INTO coi_key (coi_id, epoch, sealed, created_at) SELECT id, "
		    "1, zeroblob(69), unixepoch() FROM coi WHERE id > 3; DELETE FROM coi_rotation WHERE coi_id > 5");
	ck_assert_str_eq(needed(3600, MAX), "c12:first c22:first ");
	steps();
	ck_assert_str_eq(needed(3600, MAX), "c12:first c22:first ");
	ck_assert_int_lt(steps(), 500);
}
END_TEST

/* After it was set back, epochs that nobody can have made yet would never grow old. */
START_TEST(a_clock_that_was_set_back)
{
	world_clock.now -= 300;
	ck_assert_str_eq(needed(3600, MAX), "");
	world_clock.now--;
	ck_assert_str_eq(needed(0, MAX), "");
	ck_assert_str_eq(needed(3600, 2), "web2:schedule app2:schedule ");
	ck_assert_int_eq(epoch(1, 2, 60), VMP_OK);
	ck_assert_str_eq(needed(3600, MAX), "app2:schedule gold2:schedule ");
}
END_TEST

/* Also when policyd was not there when the time came. */
START_TEST(a_vm_whose_time_ends)
{
	char sql[256];

	scratch_sql("INSERT INTO vm_record (mac, name, cois) VALUES ('525400000001', 'one', 'web')");
	snprintf(sql, sizeof(sql), "UPDATE vm SET not_after = %lld", (long long)world_clock.now + 100);
	scratch_sql(sql);
	world_clock.now += 99;
	ck_assert_int_eq(retire(), 0);
	ck_assert_str_eq(needed(0, MAX), "");
	scratch_sql("DELETE FROM change");
	world_clock.now += 5000;
	ck_assert_int_eq(retire(), 0);
	ck_assert_str_eq(needed(0, MAX), "web2:VM expired ");
	ck_assert_str_eq(scratch_text("SELECT kind || action || name FROM change"), "vmupdateone");
	ck_assert_int_eq(epoch(1, 2, 60), VMP_OK);
	world_clock.now += 5000;
	ck_assert_int_eq(retire(), 1);
	ck_assert_str_eq(needed(0, MAX), "");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM change WHERE kind = 'vm'"), 1);
	/* A clock that was wrong hides nothing. */
	world_clock.now -= 20000;
	ck_assert_int_eq(retire(), 0);
	ck_assert_int_eq(scratch_number("SELECT validity_checked_at FROM site"), world_clock.now);
}
END_TEST

START_TEST(a_vm_whose_time_comes)
{
	char sql[256];

	scratch_sql("INSERT INTO vm_record (mac, name, cois) VALUES ('525400000001', 'one', 'web')");
	snprintf(sql, sizeof(sql), "UPDATE vm SET not_before = %lld; DELETE FROM change",
		 (long long)world_clock.now + 100);
	scratch_sql(sql);
	world_clock.now += 100;
	ck_assert_int_eq(retire(), 0);
	ck_assert_str_eq(scratch_text("SELECT kind || action || name FROM change"), "vmupdateone");
	ck_assert_str_eq(needed(0, MAX), "");
}
END_TEST

static int on_key(void *ctx, const struct vmp_coi_key_row *row, int64_t members, int64_t acked)
{
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s%u:%d/%d ", row->coi, row->epoch, (int)acked,
		 (int)members);
	return ctx ? VMP_ENOENT : VMP_OK;
}

START_TEST(for_people)
{
	world_guest(1, "web");
	world_guest(2, "web");
	ck_assert_int_eq(ack(1, "web", 1), VMP_OK);
	ck_assert_int_eq(epoch(1, 2, 60), VMP_OK);
	ck_assert_int_eq(ack(2, "web", 2), VMP_OK);
	said[0] = '\0';
	ck_assert_int_eq(vmp_store_coi_key_each(world, NULL, on_key, NULL, &world_msg), VMP_OK);
	ck_assert_str_eq(said, "app1:0/0 gold1:0/0 web1:2/2 web2:1/2 ");
	said[0] = '\0';
	ck_assert_int_eq(vmp_store_coi_key_each(world, "Web", on_key, NULL, &world_msg), VMP_OK);
	ck_assert_str_eq(said, "web1:2/2 web2:1/2 ");
	ck_assert_int_eq(vmp_store_coi_key_each(world, "nobody", on_key, NULL, &world_msg), VMP_ENOENT);
	said[0] = '\0';
	ck_assert_int_eq(vmp_store_coi_key_each(world, NULL, on_key, said, &world_msg), VMP_ENOENT);
	ck_assert_str_eq(said, "app1:0/0 ");
}
END_TEST

static const struct {
	const char *sql, *says;
} typed[] = {
	{ "INSERT INTO coi_key (coi_id, epoch, sealed, created_at) VALUES (1, 1, zeroblob(69), 5)", "epoch: expected" },
	{ "INSERT INTO coi_key (coi_id, epoch, sealed, created_at) VALUES (1, 4, zeroblob(69), 5)", "epoch: expected" },
	{ "INSERT INTO coi_key (coi_id, epoch, sealed, created_at) VALUES (99, 1, zeroblob(69), 5)",
	  "coi_id: expected" },
	{ "INSERT INTO coi_key (coi_id, epoch, sealed, created_at) VALUES (1, 3, NULL, 5)", "sealed: expected" },
	{ "INSERT INTO coi_key (coi_id, epoch, sealed, created_at) VALUES (1, 3, 'secret', 5)", "sealed: expected" },
	{ "REPLACE INTO coi_key (coi_id, epoch, sealed, created_at) VALUES (1, 2, zeroblob(69), 5)",
	  "epoch: expected" },
	{ "INSERT INTO coi_key (coi_id, epoch, sealed, created_at) VALUES (1, 3, zeroblob(69), -1)",
	  "created_at: expected" },
	{ "INSERT INTO coi_key (coi_id, epoch, sealed, created_at) VALUES (1, 3, zeroblob(69), 253402300800)",
	  "created_at: expected" },
	{ "UPDATE coi_key SET retire_at = 4102444800 WHERE coi_id = 1 AND epoch = 2", "retire_at: expected NULL" },
	{ "UPDATE coi_key SET retire_at = 4102444800 WHERE coi_id = 2", "retire_at: expected NULL" },
	{ "UPDATE coi_key SET retire_at = NULL WHERE coi_id = 1 AND epoch = 1", "retire_at: expected NULL" },
	{ "UPDATE coi_key SET retire_at = -1 WHERE coi_id = 1 AND epoch = 1", "retire_at: expected" },
	{ "UPDATE coi_key SET retire_at = 253402300800 WHERE coi_id = 1 AND epoch = 1", "retire_at: expected" },
	{ "UPDATE coi_key SET retired_at = 253402300800, sealed = NULL WHERE coi_id = 1 AND epoch = 1",
	  "retired_at: expected" },
	{ "INSERT INTO coi (id, name) VALUES (0, 'nil')", "id: expected 1 or more" },
	{ "INSERT INTO coi (id, name) VALUES (-1, 'minus')", "id: expected 1 or more" },
	{ "UPDATE coi_key SET sealed = zeroblob(69)", "stays as it was made" },
	{ "UPDATE coi_key SET epoch = 9 WHERE epoch = 2", "stays as it was made" },
	{ "UPDATE coi_key SET created_at = 9", "stays as it was made" },
	{ "UPDATE coi_key SET sealed = NULL WHERE epoch = 1 AND coi_id = 1", "sealed: expected" },
	{ "UPDATE coi_key SET retired_at = 5 WHERE epoch = 1 AND coi_id = 1", "sealed: expected" },
	{ "UPDATE coi_key SET retired_at = 5, sealed = NULL WHERE epoch = 2", "the last epoch stays" },
	{ "UPDATE coi_key SET retired_at = 5, sealed = NULL WHERE epoch = 1 AND coi_id = 1; "
	  "UPDATE coi_key SET retired_at = NULL, sealed = zeroblob(69) WHERE epoch = 1 AND coi_id = 1",
	  "stays as it was made" },
	{ "DELETE FROM coi_key WHERE epoch = 1", "retire an epoch before" },
	{ "DELETE FROM coi_key WHERE epoch = 2", "retire an epoch before" },
	{ "INSERT INTO coi_rotation (coi_id, reason) VALUES (99, 'x')", "coi_id: expected" },
	{ "INSERT INTO coi_rotation (coi_id, reason) VALUES (1, '')", "reason: expected" },
	{ "INSERT INTO coi (name) VALUES ('new'); DELETE FROM coi_rotation", "has no key yet" },
	{ "INSERT INTO coi_ack VALUES (1, 77, 1)", "coi_ack: expected a member" },
	{ "INSERT INTO coi_ack VALUES (1, 0x525400000001, 3)", "coi_ack: expected a member" },
	{ "INSERT INTO coi_ack VALUES (1, 0x525400000001, 2); UPDATE coi_ack SET epoch = 1",
	  "epoch: expected a later" },
};

START_TEST(the_schema_refuses)
{
	scratch_sql("INSERT INTO vm_record (mac, cois) VALUES ('525400000001', 'web')");
	ck_assert_int_eq(epoch(1, 2, 60), VMP_OK);
	scratch_refused(typed[_i].sql, typed[_i].says);
}
END_TEST

START_TEST(a_coi_takes_its_keys_along)
{
	scratch_sql("DELETE FROM template_coi; DELETE FROM change; PRAGMA foreign_keys = ON;"
		    "INSERT INTO coi_rotation (coi_id) VALUES (1); DELETE FROM coi WHERE id = 1");
	ck_assert_int_eq(
		scratch_number("SELECT (SELECT count(*) FROM coi_key WHERE coi_id = 1) + (SELECT count(*) FROM "
			       "coi_rotation WHERE coi_id = 1)"),
		0);
	ck_assert_str_eq(scratch_text("SELECT group_concat(kind || action) FROM change"), "coidelete");
	/* Of the same id, another COI begins anew. */
	scratch_sql("INSERT INTO coi (id, name) VALUES (1, 'again')");
	ck_assert_int_eq(epoch(1, 1, 60), VMP_OK);
}
END_TEST

START_TEST(keys_leave_changes)
{
	scratch_sql("DELETE FROM change");
	ck_assert_int_eq(epoch(1, 2, 0), VMP_OK);
	ck_assert_int_eq(retire(), 1);
	ck_assert_str_eq(
		scratch_text("SELECT group_concat(kind || ' ' || action || ' ' || ref || ' ' || name) FROM change"),
		"coi_key insert 1 web,coi_key update 1 web");
}
END_TEST

/* A store from before keys: each COI gets a first one. */
START_TEST(first_keys)
{
	world_teardown();
	world_setup();
	ck_assert_str_eq(needed(0, MAX), "web1:first app1:first gold1:first ");
	scratch_sql("INSERT INTO vm_record (mac, cois) VALUES ('525400000001', 'web'); DELETE FROM member");
	ck_assert_str_eq(needed(0, MAX), "web1:first app1:first gold1:first ");
	ck_assert_str_eq(keys(1), "");
}
END_TEST

Suite *check_store_coi_key(void)
{
	Suite *s = suite_create("store_coi_key");
	TCase *t = tcase_create("store_coi_key");

	tcase_add_checked_fixture(t, setup, world_teardown);
	tcase_set_timeout(t, 60); /* [s] a disk that syncs slowly, and sanitizers */
	tcase_add_test(t, epochs_come_one_by_one);
	tcase_add_test(t, members_get_the_live_epochs);
	tcase_add_test(t, acknowledgements);
	tcase_add_test(t, retired_when_all_have_the_next);
	tcase_add_loop_test(t, retired_without_those_that_are_refused, 0, sizeof(excused) / sizeof(excused[0]));
	tcase_add_test(t, retired_when_grace_ends);
	tcase_add_test(t, each_coi_for_itself);
	tcase_add_test(t, one_that_fails_keeps_no_other);
	tcase_add_test(t, at_most_so_many_live_epochs);
	tcase_add_loop_test(t, what_makes_a_coi_change_its_key, 0, sizeof(leavings) / sizeof(leavings[0]));
	tcase_add_test(t, a_made_epoch_strikes_the_coi);
	tcase_add_test(t, lapses_come_in_tens_of_seconds);
	tcase_add_test(t, the_schedule);
	tcase_add_test(t, what_is_due_is_found_without_a_search);
	tcase_add_test(t, a_clock_that_was_set_back);
	tcase_add_test(t, a_vm_whose_time_ends);
	tcase_add_test(t, a_vm_whose_time_comes);
	tcase_add_test(t, for_people);
	tcase_add_loop_test(t, the_schema_refuses, 0, sizeof(typed) / sizeof(typed[0]));
	tcase_add_test(t, a_coi_takes_its_keys_along);
	tcase_add_test(t, keys_leave_changes);
	tcase_add_test(t, first_keys);
	suite_add_tcase(s, t);
	return s;
}
