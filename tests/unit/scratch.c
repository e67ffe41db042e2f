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
