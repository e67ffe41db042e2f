#include "scratch.h"
#include "suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAC 0x525400000001ULL

static struct vmp_store *store;
static struct vmp_request req;
static struct vmp_decision d;
static struct vmp_msg msg;

static void setup(void)
{
	scratch_setup();
	scratch_sql("INSERT INTO coi (name, vlan) VALUES ('web', 100), ('app', 200);"
		    "INSERT INTO nas (name, address, dialect) VALUES ('sw1', '127.0.0.1', 'hpe');"
		    "INSERT INTO host (name) VALUES ('hv1');"
		    "INSERT INTO vm_record (mac, name, cois) VALUES ('525400000001', 'one', 'web')");
	memset(&req, 0, sizeof(req));
	req.now = 1000;
	ck_assert_int_eq(vmp_addr_parse("127.0.0.1", &req.nas), VMP_OK);
	ck_assert_int_eq(vmp_store_open(&store, scratch_path, VMP_STORE_POLICY, VMP_STORE_READ, 50, &msg), VMP_OK);
}

static void teardown(void)
{
	vmp_store_close(store);
	scratch_teardown();
}

static enum vmp_verdict decide(void)
{
	vmp_store_end(store);
	ck_assert_msg(vmp_store_decide(store, MAC, &req, &d, &msg) == VMP_OK, "%s", msg.text);
	return d.verdict;
}

static uint32_t vlan(void)
{
	decide();
	return d.effective.set & 1u << VMP_F_VLAN ? d.effective.value[VMP_F_VLAN].num : 0;
}

START_TEST(a_vm_with_its_coi)
{
	ck_assert_int_eq(decide(), VMP_ALLOW);
	ck_assert_uint_eq(vlan(), 100);
	ck_assert_str_eq(d.vm->name, "one");
	ck_assert_str_eq(d.primary->name, "web");
	ck_assert_str_eq(d.tenant->name, "default");
	ck_assert_str_eq(d.nas->dialect, "hpe");
}
END_TEST

/* Each kind of commit by somebody else, and what the very next look-up must say. */
static const struct {
	const char *sql;
	enum vmp_verdict verdict;
	uint32_t vlan;
} commits[] = {
	{ "UPDATE coi SET vlan = 101 WHERE name = 'web'", VMP_ALLOW, 101 },
	{ "UPDATE vm_record SET vlan = 7 WHERE name = 'one'", VMP_ALLOW, 7 },
	{ "UPDATE vm_record SET cois = 'app' WHERE name = 'one'", VMP_ALLOW, 200 },
	{ "UPDATE vm_record SET cois = 'web,app' WHERE name = 'one'; UPDATE coi SET priority = 5 WHERE name = 'app'",
	  VMP_ALLOW, 200 },
	{ "UPDATE vm_record SET cois = NULL WHERE name = 'one'; UPDATE enclave SET vlan = 9", VMP_ALLOW, 9 },
	{ "UPDATE vm_record SET enabled = 0 WHERE name = 'one'", VMP_VM_DISABLED, 100 },
	{ "UPDATE coi SET enabled = 0", VMP_COI_DISABLED, 100 },
	{ "UPDATE tenant SET enabled = 0", VMP_TENANT_DISABLED, 100 },
	{ "UPDATE enclave SET enabled = 0", VMP_ENCLAVE_DISABLED, 100 },
	{ "UPDATE enclave SET mab = 0", VMP_NO_MAB, 100 },
	{ "UPDATE vm_record SET not_after = 1000 WHERE name = 'one'", VMP_EXPIRED, 100 },
	{ "UPDATE vm_record SET hosts = 'hv1' WHERE name = 'one'", VMP_WRONG_HOST, 100 },
	{ "INSERT INTO vm_nas SELECT mac, 1 FROM vm", VMP_ALLOW, 100 },
	{ "UPDATE nas SET address = '127.0.0.9'; INSERT INTO vm_nas SELECT mac, 1 FROM vm", VMP_WRONG_NAS, 100 },
	{ "DELETE FROM vm_record WHERE name = 'one'", VMP_UNKNOWN, 0 },
	{ "UPDATE vm_record SET mac = '525400000002'", VMP_UNKNOWN, 0 },
};

START_TEST(the_next_lookup_sees_a_commit)
{
	ck_assert_int_eq(decide(), VMP_ALLOW);
	ck_assert_uint_eq(vlan(), 100);
	scratch_sql(commits[_i].sql);
	ck_assert_int_eq(decide(), commits[_i].verdict);
	ck_assert_uint_eq(vlan(), commits[_i].vlan);
}
END_TEST

/* Adding members moves no generation, and yet decides which of two COIs of one priority is primary. */
START_TEST(member_counts_are_current)
{
	scratch_sql("UPDATE vm_record SET cois = 'web,app' WHERE name = 'one'");
	ck_assert_uint_eq(vlan(), 100); /* one member each: the lower id */
	scratch_sql("INSERT INTO vm_record (mac, cois) VALUES ('525400000002', 'web')");
	ck_assert_uint_eq(vlan(), 200);
	scratch_sql("INSERT INTO vm_record (mac, cois) VALUES ('525400000003', 'app'), ('525400000004', 'app')");
	ck_assert_uint_eq(vlan(), 100);
	scratch_sql("DELETE FROM vm_record WHERE mac > '52:54:00:00:00:01'");
	ck_assert_uint_eq(vlan(), 100);
}
END_TEST

/* Also while the read transaction of the look-up before is kept. */
START_TEST(every_commit_is_seen_by_the_next_lookup)
{
	char sql[64];
	uint32_t n;

	for (n = 1; n <= 500; n++) {
		snprintf(sql, sizeof(sql), "UPDATE coi SET vlan = %u WHERE name = 'web'", n);
		scratch_sql(sql);
		ck_assert_uint_eq(vlan(), n);
		ck_assert_uint_eq(vlan(), n);
	}
}
END_TEST

static off_t wal_size_after_truncating(void)
{
	char wal[160];
	struct stat st;

	scratch_sql("PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)");
	snprintf(wal, sizeof(wal), "%s-wal", scratch_path);
	ck_assert_int_eq(stat(wal, &st), 0);
	return st.st_size;
}

/* A kept transaction is a reader of the log; vmp_store_idle() lets it go, though not too early. */
START_TEST(an_idle_handle_does_not_hold_the_log)
{
	const struct timespec pause = { .tv_nsec = VMP_STORE_KEPT_MS * 1000000L / 10 };
	int tries;

	scratch_sql("UPDATE coi SET vlan = 5");
	decide();
	vmp_store_end(store);
	vmp_store_idle(store);
	ck_assert_int_gt(wal_size_after_truncating(), 0);
	for (tries = 0; tries < 100 && wal_size_after_truncating() > 0; tries++) {
		nanosleep(&pause, NULL);
		vmp_store_idle(store);
	}
	ck_assert_int_eq(wal_size_after_truncating(), 0);
	ck_assert_uint_eq(vlan(), 5);
}
END_TEST

START_TEST(an_uncommitted_change_is_not_seen)
{
	struct vmp_store *writer;

	ck_assert_int_eq(vmp_store_open(&writer, scratch_path, VMP_STORE_POLICY, VMP_STORE_WRITE, 50, &msg), VMP_OK);
	ck_assert_int_eq(vmp_store_begin(writer, &msg), VMP_OK);
	ck_assert_uint_eq(vlan(), 100);
	vmp_store_rollback(writer);
	vmp_store_close(writer);
}
END_TEST

/* Look up until the answer is no longer VMP_OK, for a second. */
static int decide_until_noticed(void)
{
	const struct timespec pause = { .tv_nsec = VMP_STORE_REPLACED_MS * 1000000L / 2 };
	int tries, err = VMP_OK;

	for (tries = 0; tries < 200 && err == VMP_OK; tries++) {
		nanosleep(&pause, NULL);
		vmp_store_end(store);
		err = vmp_store_decide(store, MAC, &req, &d, &msg);
	}
	return err;
}

START_TEST(a_replaced_file_is_noticed)
{
	char cmd[600];

	ck_assert_int_eq(decide(), VMP_ALLOW);
	vmp_store_end(store);
	snprintf(cmd, sizeof(cmd), "cp %1$s %1$s.new && mv %1$s %1$s-old && mv %1$s.new %1$s", scratch_path);
	ck_assert_int_eq(system(cmd), 0);
	ck_assert_int_eq(decide_until_noticed(), VMP_ENOENT);
}
END_TEST

START_TEST(a_removed_file_is_noticed)
{
	ck_assert_int_eq(decide(), VMP_ALLOW);
	vmp_store_end(store);
	unlink(scratch_path);
	ck_assert_int_eq(decide_until_noticed(), VMP_ENOENT);
}
END_TEST

START_TEST(a_schema_that_becomes_newer_is_refused)
{
	ck_assert_int_eq(decide(), VMP_ALLOW);
	vmp_store_end(store);
	scratch_sql("PRAGMA user_version = 1000");
	ck_assert_int_eq(vmp_store_decide(store, MAC, &req, &d, &msg), VMP_EVERSION);
}
END_TEST

START_TEST(eap_md5_passwords)
{
	char password[129] = "";

	decide();
	ck_assert(!d.vm->has_eap_md5);
	ck_assert_int_eq(vmp_store_eap_md5(store, password, &msg), VMP_ENOENT);
	scratch_sql("INSERT INTO eap_md5 VALUES (0x525400000001, 'correct horse')");
	decide();
	ck_assert(d.vm->has_eap_md5);
	ck_assert_int_eq(vmp_store_eap_md5(store, password, &msg), VMP_OK);
	ck_assert_str_eq(password, "correct horse");
}
END_TEST

Suite *check_store_decide(void)
{
	Suite *s = suite_create("store_decide");
	TCase *t = tcase_create("store_decide");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60); /* [s] a disk that syncs slowly, and sanitizers */
	tcase_add_test(t, a_vm_with_its_coi);
	tcase_add_loop_test(t, the_next_lookup_sees_a_commit, 0, sizeof(commits) / sizeof(commits[0]));
	tcase_add_test(t, member_counts_are_current);
	tcase_add_test(t, every_commit_is_seen_by_the_next_lookup);
	tcase_add_test(t, an_idle_handle_does_not_hold_the_log);
	tcase_add_test(t, an_uncommitted_change_is_not_seen);
	tcase_add_test(t, a_replaced_file_is_noticed);
	tcase_add_test(t, a_removed_file_is_noticed);
	tcase_add_test(t, a_schema_that_becomes_newer_is_refused);
	tcase_add_test(t, eap_md5_passwords);
	suite_add_tcase(s, t);
	return s;
}
