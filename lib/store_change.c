/* The journal of changes, for whoever follows it. */
#include "store_directory.h"
#include "store_stmt.h"

int vmp_store_poll(struct vmp_store *store, bool *changed, struct vmp_msg *msg)
{
	int64_t version = 0;
	int err = vmp_stmt_number(store, "PRAGMA data_version", BIND_NONE, &version, msg);

	if (err != VMP_OK)
		return err;
	*changed = version != store->polled;
	store->polled = version;
	return VMP_OK;
}

/* Not the highest id that is there: old rows may be deleted, all of them too. */
int vmp_store_change_last(struct vmp_store *store, int64_t *out, struct vmp_msg *msg)
{
	int err = vmp_stmt_number(store, "SELECT seq FROM sqlite_sequence WHERE name = 'change'", BIND_NONE, out, msg);

	if (err != VMP_ENOENT)
		return err;
	*out = 0;
	return VMP_OK;
}

int vmp_store_change_each(struct vmp_store *store, int64_t since, int max,
			  int (*each)(void *ctx, const struct vmp_change *change), void *ctx, struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(store,
				"SELECT id, at, ref, kind, action, name FROM change WHERE id > ?1 ORDER BY id LIMIT ?2",
				BIND_LIST(BIND_INT(since), BIND_INT(max)), &stmt, msg);

	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		const struct vmp_change row = { .id = sqlite3_column_int64(stmt, 0),
						.at = sqlite3_column_int64(stmt, 1),
						.ref = sqlite3_column_int64(stmt, 2),
						.kind = (const char *)sqlite3_column_text(stmt, 3),
						.action = (const char *)sqlite3_column_text(stmt, 4),
						.name = (const char *)sqlite3_column_text(stmt, 5) };

		err = each(ctx, &row);
		if (err != VMP_OK) {
			vmp_stmt_done(stmt);
			return err;
		}
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}

int vmp_store_change_tidy(struct vmp_store *store, int64_t now, int64_t keep_s, int max, int *n, struct vmp_msg *msg)
{
	int64_t last = 0;
	int err = vmp_stmt_old(store, "SELECT id, at FROM change ORDER BY id LIMIT ?1", now - keep_s, max, &last, msg);

	*n = 0;
	if (err != VMP_OK || !last)
		return err;
	return vmp_stmt_run(store, "DELETE FROM change WHERE id <= ?1 AND id < (SELECT max(id) FROM change)",
			    BIND_LIST(BIND_INT(last)), n, msg);
}
