#include "scratch.h"
#include "suites.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char scratch_path[128];
static char dir[96];

void scratch_setup(void)
{
	struct vmp_store *store;
	struct vmp_msg msg = { "" };

	snprintf(dir, sizeof(dir), "%s/vmprov-unit.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(scratch_path, sizeof(scratch_path), "%s/policy.db", dir);
	ck_assert_msg(vmp_store_open(&store, scratch_path, VMP_STORE_POLICY, VMP_STORE_CREATE, 1000, &msg) == VMP_OK,
		      "%s", msg.text);
	ck_assert_msg(vmp_store_migrate(store, NULL, NULL, &msg) == VMP_OK, "%s", msg.text);
	vmp_store_close(store);
}

void scratch_teardown(void)
{
	static const char *const names[] = { "", "-wal", "-shm", "-old" };
	char path[160];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", scratch_path, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

void scratch_sql(const char *sql)
{
	char *error = NULL;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(scratch_path, &db), SQLITE_OK);
	sqlite3_exec(db, sql, NULL, NULL, &error);
	ck_assert_msg(!error, "%s: %s", sql, error);
	sqlite3_close(db);
}

void scratch_refused(const char *sql, const char *says)
{
	char *error = NULL;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(scratch_path, &db), SQLITE_OK);
	sqlite3_exec(db, sql, NULL, NULL, &error);
	ck_assert_msg(error && strstr(error, says), "%s: %s, not %s", sql, error ? error : "not refused", says);
	sqlite3_free(error);
	sqlite3_close(db);
}

const char *scratch_text(const char *sql)
{
	static char out[512];
	sqlite3_stmt *stmt;
	sqlite3 *db;
	const char *text = NULL;

	ck_assert_int_eq(sqlite3_open(scratch_path, &db), SQLITE_OK);
	ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
	if (sqlite3_step(stmt) == SQLITE_ROW)
		text = (const char *)sqlite3_column_text(stmt, 0);
	snprintf(out, sizeof(out), "%s", text ? text : "-");
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return out;
}

long long scratch_number(const char *sql)
{
	const char *text = scratch_text(sql);

	return strcmp(text, "-") == 0 ? -1 : strtoll(text, NULL, 10);
}
