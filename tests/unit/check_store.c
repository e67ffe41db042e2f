#include "scratch.h"
#include "store_internal.h"
#include "store_stmt.h"
#include "suites.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_as(enum vmp_store_kind kind, enum vmp_store_mode mode, struct vmp_msg *msg)
{
	struct vmp_store *store;
	int err = vmp_store_open(&store, scratch_path, kind, mode, 50, msg);

	ck_assert((err == VMP_OK) == (store != NULL));
	vmp_store_close(store);
	return err;
}

START_TEST(a_new_store_is_current_and_private)
{
	struct vmp_store *store;
	struct vmp_msg msg;
	struct stat st;
	int from, to;

	ck_assert_int_eq(vmp_store_open(&store, scratch_path, VMP_STORE_POLICY, VMP_STORE_CREATE, 50, &msg), VMP_OK);
	ck_assert_int_eq(vmp_store_version(store), vmp_store_version_known(VMP_STORE_POLICY));
	ck_assert_int_eq(vmp_store_migrate(store, &from, &to, &msg), VMP_OK);
	ck_assert_int_eq(from, to);
	vmp_store_close(store);
	ck_assert_int_eq(stat(scratch_path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0640);
}
END_TEST

START_TEST(a_missing_file)
{
	struct vmp_msg msg;

	unlink(scratch_path);
	ck_assert_int_eq(open_as(VMP_STORE_POLICY, VMP_STORE_READ, &msg), VMP_ENOENT);
	ck_assert_ptr_nonnull(strstr(msg.text, scratch_path));
	ck_assert_int_eq(open_as(VMP_STORE_POLICY, VMP_STORE_WRITE, &msg), VMP_ENOENT);
	ck_assert_int_eq(access(scratch_path, F_OK), -1);
}
END_TEST

START_TEST(a_file_that_is_no_store)
{
	struct vmp_msg msg;
	FILE *f = fopen(scratch_path, "w");

	fputs("This is a letter to the administrator, long enough to be read as a header of one hundred octets, "
	      "and more.",
	      f);
	fclose(f);
	ck_assert_int_eq(open_as(VMP_STORE_POLICY, VMP_STORE_READ, &msg), VMP_ECORRUPT);
}
END_TEST

START_TEST(a_store_of_the_other_kind)
{
	struct vmp_msg msg;

	ck_assert_int_eq(open_as(VMP_STORE_SESSION, VMP_STORE_WRITE, &msg), VMP_ECORRUPT);
	ck_assert_ptr_nonnull(strstr(msg.text, "not a vmprov session store"));
}
END_TEST

START_TEST(a_database_of_somebody_else)
{
	struct vmp_msg msg;

	scratch_sql("PRAGMA application_id = 7");
	ck_assert_int_eq(open_as(VMP_STORE_POLICY, VMP_STORE_READ, &msg), VMP_ECORRUPT);
}
END_TEST

START_TEST(a_newer_schema_is_refused)
{
	struct vmp_msg msg;

	scratch_sql("PRAGMA user_version = 1000");
	ck_assert_int_eq(open_as(VMP_STORE_POLICY, VMP_STORE_READ, &msg), VMP_EVERSION);
	ck_assert_ptr_nonnull(strstr(msg.text, "newer"));
	ck_assert_int_eq(open_as(VMP_STORE_POLICY, VMP_STORE_CREATE, &msg), VMP_EVERSION);
}
END_TEST

START_TEST(an_older_schema_wants_migration)
{
	struct vmp_msg msg;

	scratch_sql("PRAGMA user_version = 1");
	ck_assert_int_eq(open_as(VMP_STORE_POLICY, VMP_STORE_READ, &msg), VMP_EVERSION);
	ck_assert_ptr_nonnull(strstr(msg.text, "vmprov migrate"));
}
END_TEST

START_TEST(a_failed_migration_changes_nothing)
{
	struct vmp_store *store;
	struct vmp_msg msg;
	char sql[128];

	/* Version 1 again, with version 2's triggers in the way. */
	scratch_sql("PRAGMA user_version = 1");
	ck_assert_int_eq(vmp_store_open(&store, scratch_path, VMP_STORE_POLICY, VMP_STORE_CREATE, 50, &msg), VMP_OK);
	ck_assert_int_ne(vmp_store_migrate(store, NULL, NULL, &msg), VMP_OK);
	ck_assert_int_eq(vmp_store_version(store), 1);
	vmp_store_close(store);
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d; INSERT INTO vm_record (mac) VALUES ('525400aabbcc')",
		 vmp_store_version_known(VMP_STORE_POLICY));
	scratch_sql(sql);
	ck_assert_int_eq(open_as(VMP_STORE_POLICY, VMP_STORE_READ, &msg), VMP_OK);
}
END_TEST

/* Version 4, as released, with content: what came later applies to it. */
START_TEST(an_older_store_is_brought_up)
{
	static const char content[] =
		"INSERT INTO tenant (name) VALUES ('acme'); INSERT INTO coi (name) VALUES ('web'), ('app');"
		"INSERT INTO vm_record (mac, name, cois) VALUES ('525400000001', 'one', 'web');"
		"PRAGMA journal_mode = WAL; PRAGMA application_id = 1986883702; PRAGMA user_version = 4";
	struct vmp_store *store;
	struct vmp_msg msg = { "" };
	int v, from, to;

	unlink(scratch_path);
	for (v = 0; v < 4; v++)
		scratch_sql(vmp_schema_policy[v].sql);
	scratch_sql(content);
	ck_assert_int_eq(open_as(VMP_STORE_POLICY, VMP_STORE_READ, &msg), VMP_EVERSION);
	ck_assert_int_eq(vmp_store_open(&store, scratch_path, VMP_STORE_POLICY, VMP_STORE_CREATE, 50, &msg), VMP_OK);
	ck_assert_msg(vmp_store_migrate(store, &from, &to, &msg) == VMP_OK, "%s", msg.text);
	ck_assert_int_eq(from, 4);
	ck_assert_int_eq(to, vmp_store_version_known(VMP_STORE_POLICY));
	vmp_store_close(store);
	ck_assert_str_eq(scratch_text("SELECT group_concat(coi_id || reason) FROM coi_rotation"), "1first,2first");
	ck_assert_int_eq(scratch_number("SELECT count(*) FROM site"), 1);
	ck_assert_str_eq(scratch_text("SELECT cois FROM vm_record"), "web");
}
END_TEST

/* Two sites must not have the same addresses inside. */
START_TEST(each_store_draws_its_own_prefix)
{
	char first[64];

	snprintf(first, sizeof(first), "%s", scratch_text("SELECT inner_prefix FROM site"));
	scratch_teardown();
	scratch_setup();
	ck_assert_str_ne(scratch_text("SELECT inner_prefix FROM site"), first);
}
END_TEST

START_TEST(a_mark_is_a_place_to_come_back_to)
{
	struct vmp_store *store = NULL;
	struct vmp_msg msg;

	ck_assert_int_eq(vmp_store_open(&store, scratch_path, VMP_STORE_POLICY, VMP_STORE_WRITE, 0, &msg), VMP_OK);
	ck_assert_int_eq(vmp_store_mark(store, &msg), VMP_EIO); /* no transaction */
	ck_assert_int_eq(vmp_store_begin(store, &msg), VMP_OK);
	ck_assert_int_eq(vmp_store_mark(store, &msg), VMP_OK);
	ck_assert_int_eq(vmp_store_touch(store, &msg), VMP_OK);
	vmp_store_release(store, false);
	ck_assert_int_eq(vmp_store_mark(store, &msg), VMP_OK);
	vmp_store_release(store, true);
	ck_assert_int_eq(vmp_store_commit(store, &msg), VMP_OK);
	ck_assert_int_eq(vmp_store_begin(store, &msg), VMP_OK);
	vmp_store_rollback(store);
	vmp_store_release(store, true); /* harmless */
	vmp_store_close(store);
}
END_TEST

START_TEST(to_touch_is_to_write)
{
	struct vmp_store *store = NULL;
	struct stat before, after;
	struct vmp_msg msg;
	char wal[160];

	snprintf(wal, sizeof(wal), "%s-wal", scratch_path);
	ck_assert_int_eq(vmp_store_open(&store, scratch_path, VMP_STORE_POLICY, VMP_STORE_WRITE, 0, &msg), VMP_OK);
	ck_assert_int_eq(vmp_store_touch(store, &msg), VMP_OK);
	ck_assert_int_eq(stat(wal, &before), 0);
	ck_assert_int_eq(vmp_store_touch(store, &msg), VMP_OK);
	ck_assert_int_eq(stat(wal, &after), 0);
	ck_assert_int_gt(after.st_size, before.st_size);
	vmp_store_close(store);
	ck_assert_int_eq(vmp_store_open(&store, scratch_path, VMP_STORE_POLICY, VMP_STORE_READ, 0, &msg), VMP_OK);
	vmp_store_close(store);
}
END_TEST

START_TEST(a_locked_store_is_busy)
{
	struct vmp_store *a, *b;
	struct vmp_msg msg;

	ck_assert_int_eq(vmp_store_open(&a, scratch_path, VMP_STORE_POLICY, VMP_STORE_WRITE, 50, &msg), VMP_OK);
	ck_assert_int_eq(vmp_store_open(&b, scratch_path, VMP_STORE_POLICY, VMP_STORE_WRITE, 50, &msg), VMP_OK);
	ck_assert_int_eq(vmp_store_begin(a, &msg), VMP_OK);
	ck_assert_int_eq(vmp_store_begin(b, &msg), VMP_EBUSY);
	vmp_store_rollback(b);
	ck_assert_int_eq(vmp_store_commit(a, &msg), VMP_OK);
	ck_assert_int_eq(vmp_store_begin(b, &msg), VMP_OK);
	vmp_store_rollback(b);
	vmp_store_close(a);
	vmp_store_close(b);
}
END_TEST

/* A process of its own, whose SQL has to say 1 when it is asked.  It is there before this one opens a store: what
 * SQLite knows of its open files would go along. */
struct other {
	pid_t pid;
	int ask;
};

static struct other other_start(const char *sql)
{
	struct other other;
	int ends[2];
	char asked;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	other.pid = fork();
	if (other.pid == 0) {
		close(ends[1]);
		_exit(read(ends[0], &asked, 1) == 1 && scratch_number(sql) == 1 ? 0 : 1);
	}
	close(ends[0]);
	other.ask = ends[1];
	return other;
}

static bool other_says(struct other other)
{
	int status;

	ck_assert_int_eq(write(other.ask, "?", 1), 1);
	close(other.ask);
	ck_assert_int_eq(waitpid(other.pid, &status, 0), other.pid);
	return status == 0;
}

static void commit_tenant(struct vmp_store *store)
{
	struct vmp_msg msg;

	ck_assert_int_eq(vmp_store_begin(store, &msg), VMP_OK);
	ck_assert_int_eq(vmp_stmt_run(store, "INSERT INTO tenant (name) VALUES ('late')", BIND_NONE, NULL, &msg),
			 VMP_OK);
	ck_assert_int_eq(vmp_store_commit(store, &msg), VMP_OK);
}

/* A reload opens what is open already, and closes it again.  POSIX takes all locks of a process on a file when it
 * closes any descriptor of it: then the next process to come and go would think itself the last, and take the log away
 * with what is yet to be committed to it. */
START_TEST(a_second_handle_takes_no_locks_along)
{
	struct other comes = other_start("SELECT count(*) = 0 FROM tenant WHERE name = 'late'"),
		     reads = other_start("SELECT count(*) FROM tenant WHERE name = 'late'");
	struct vmp_store *first, *second;
	struct stat before, after;
	struct vmp_msg msg;
	char wal[160];

	snprintf(wal, sizeof(wal), "%s-wal", scratch_path);
	ck_assert_int_eq(vmp_store_open(&first, scratch_path, VMP_STORE_POLICY, VMP_STORE_CREATE, 50, &msg), VMP_OK);
	ck_assert_int_eq(vmp_store_touch(first, &msg), VMP_OK);
	ck_assert_int_eq(stat(wal, &before), 0);
	ck_assert_int_eq(vmp_store_open(&second, scratch_path, VMP_STORE_POLICY, VMP_STORE_CREATE, 50, &msg), VMP_OK);
	vmp_store_close(second);

	ck_assert(other_says(comes));
	ck_assert_int_eq(stat(wal, &after), 0);
	ck_assert_uint_eq(after.st_ino, before.st_ino);
	commit_tenant(first);
	ck_assert(other_says(reads));
	vmp_store_close(first);
}
END_TEST

Suite *check_store(void)
{
	Suite *s = suite_create("store");
	TCase *t = tcase_create("store");

	tcase_add_checked_fixture(t, scratch_setup, scratch_teardown);
	tcase_add_test(t, a_new_store_is_current_and_private);
	tcase_add_test(t, a_missing_file);
	tcase_add_test(t, a_file_that_is_no_store);
	tcase_add_test(t, a_store_of_the_other_kind);
	tcase_add_test(t, a_database_of_somebody_else);
	tcase_add_test(t, a_newer_schema_is_refused);
	tcase_add_test(t, an_older_schema_wants_migration);
	tcase_add_test(t, a_failed_migration_changes_nothing);
	tcase_add_test(t, an_older_store_is_brought_up);
	tcase_add_test(t, each_store_draws_its_own_prefix);
	tcase_add_test(t, a_mark_is_a_place_to_come_back_to);
	tcase_add_test(t, to_touch_is_to_write);
	tcase_add_test(t, a_locked_store_is_busy);
	tcase_add_test(t, a_second_handle_takes_no_locks_along);
	suite_add_tcase(s, t);
	return s;
}
