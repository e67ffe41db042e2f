/* What policyd has followed of the changes, and which sessions are still to be compared. */
#include "store_coa.h"
#include "store_stmt.h"

#include <string.h>

#define VISIT 20000 /* members that one call of vmp_coa_member_each() looks at for ties */

int vmp_coa_follow_get(struct vmp_store *store, struct vmp_coa_follow *out, struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_first(store, "SELECT change_id, session_store, notice_id FROM coa_follow", BIND_NONE, &stmt,
				 msg);

	if (err != VMP_OK)
		return err == VMP_ENOENT ? vmp_fail(msg, VMP_ECORRUPT, "coa_follow: its row is missing") : err;
	memset(out, 0, sizeof(*out));
	out->change_id = sqlite3_column_int64(stmt, 0);
	vmp_stmt_text(stmt, 1, out->session_store, sizeof(out->session_store));
	out->notice_id = sqlite3_column_int64(stmt, 2);
	vmp_stmt_done(stmt);
	return VMP_OK;
}

int vmp_coa_follow_set(struct vmp_store *store, const struct vmp_coa_follow *follow, struct vmp_msg *msg)
{
	return vmp_stmt_run(
		store, "UPDATE coa_follow SET change_id = ?1, session_store = ?2, notice_id = ?3",
		BIND_LIST(BIND_INT(follow->change_id), BIND_TEXT(follow->session_store), BIND_INT(follow->notice_id)),
		NULL, msg);
}

int vmp_coa_change_first(struct vmp_store *store, int64_t *out, struct vmp_msg *msg)
{
	return vmp_stmt_number(store, "SELECT coalesce(min(id), 0) FROM change", BIND_NONE, out, msg);
}

static const char *const kinds[] = {
	[VMP_SCAN_ALL] = "all",
	[VMP_SCAN_COI] = "coi",
	[VMP_SCAN_TIES] = "ties",
};

#define KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

int vmp_coa_scan_add(struct vmp_store *store, const struct vmp_coa_scan *scan, int64_t not_before, struct vmp_msg *msg)
{
	const struct vmp_bind *binds = BIND_LIST(BIND_TEXT(kinds[scan->kind]), BIND_INT(scan->ref),
						 BIND_INT(not_before));
	int n = 0;
	int err = vmp_stmt_run(store,
			       "UPDATE coa_scan SET not_before = min(not_before, ?3) "
			       "WHERE kind = ?1 AND ref = ?2 AND after_mac = 0",
			       binds, &n, msg);

	if (err != VMP_OK || n)
		return err;
	return vmp_stmt_run(store, "INSERT INTO coa_scan (kind, ref, not_before) VALUES (?1, ?2, ?3)", binds, NULL,
			    msg);
}

int vmp_coa_scan_next(struct vmp_store *store, int64_t now, struct vmp_coa_scan *out, struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	const char *kind;
	int i = 0, err;

	err = vmp_stmt_first(store,
			     "SELECT id, kind, ref, after_mac FROM coa_scan "
			     "WHERE not_before <= ?1 OR not_before > ?1 + 120 ORDER BY id LIMIT 1",
			     BIND_LIST(BIND_INT(now)), &stmt, msg);
	if (err != VMP_OK)
		return err;
	memset(out, 0, sizeof(*out));
	out->id = sqlite3_column_int64(stmt, 0);
	kind = (const char *)sqlite3_column_text(stmt, 1);
	while (kind && i < KINDS - 1 && strcmp(kinds[i], kind) != 0)
		i++;
	out->kind = (enum vmp_coa_scan_kind)i;
	out->ref = sqlite3_column_int64(stmt, 2);
	out->after = (uint64_t)sqlite3_column_int64(stmt, 3);
	vmp_stmt_done(stmt);
	return VMP_OK;
}

int vmp_coa_scan_move(struct vmp_store *store, int64_t id, uint64_t after, struct vmp_msg *msg)
{
	return vmp_stmt_run(store, "UPDATE coa_scan SET after_mac = ?2 WHERE id = ?1",
			    BIND_LIST(BIND_INT(id), BIND_INT(after)), NULL, msg);
}

int vmp_coa_scan_end(struct vmp_store *store, int64_t id, struct vmp_msg *msg)
{
	return vmp_stmt_run(store, "DELETE FROM coa_scan WHERE id = ?1", BIND_LIST(BIND_INT(id)), NULL, msg);
}

int vmp_coa_coi_id(struct vmp_store *store, const char *name, int64_t *id, struct vmp_msg *msg)
{
	return vmp_stmt_number(store, "SELECT id FROM coi WHERE name = ?1", BIND_LIST(BIND_TEXT(name)), id, msg);
}

int vmp_coa_member_each(struct vmp_store *store, int64_t coi_id, bool ties, uint64_t after, int max,
			int (*each)(void *ctx, uint64_t mac), void *ctx, struct vmp_msg *msg)
{
	static const char members[] = "SELECT mac, 1 FROM member WHERE coi_id = ?1 AND mac > ?2 ORDER BY mac LIMIT ?3",
			  several[] = "SELECT member.mac, instr(vm.coi_ids, ',') FROM member CROSS JOIN vm "
				      "ON vm.mac = member.mac WHERE member.coi_id = ?1 AND member.mac > ?2 "
				      "ORDER BY member.mac LIMIT ?3";
	int visit = ties && max < VISIT ? VISIT : max, visited = 0, given = 0;
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(store, ties ? several : members,
				BIND_LIST(BIND_INT(coi_id), BIND_INT(after), BIND_INT(visit)), &stmt, msg);

	while (err == VMP_OK && given < max && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		/* The last one that is looked at says how far it went. */
		if (++visited < visit && !sqlite3_column_int(stmt, 1))
			continue;
		given++;
		err = each(ctx, (uint64_t)sqlite3_column_int64(stmt, 0));
	}
	if (err == VMP_ENOENT)
		return VMP_OK;
	vmp_stmt_done(stmt);
	return err;
}

int vmp_coa_revoked(struct vmp_store *store, const char *serial, uint64_t *mac, char cert_name[254],
		    struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	/* Of a host that is gone, its certificate tells the name. */
	int err = vmp_stmt_first(
		store,
		"SELECT c.mac, iif(c.host_id IS NULL, '', coalesce(host.cert_name, host.name, c.subject)) "
		"FROM certificate AS c LEFT JOIN host ON host.id = c.host_id WHERE c.serial = ?1 "
		"AND c.revoked_at IS NOT NULL AND c.reason IS NOT 4 AND (c.mac OR c.host_id)",
		BIND_LIST(BIND_TEXT(serial)), &stmt, msg);

	if (err != VMP_OK)
		return err;
	*mac = (uint64_t)sqlite3_column_int64(stmt, 0);
	vmp_stmt_text(stmt, 1, cert_name, 254);
	vmp_stmt_done(stmt);
	return VMP_OK;
}
