/* Certificates: whom they stand for, and what is told of them. */
#include "store_cert.h"
#include "store_whom.h"

#include <stdlib.h>
#include <string.h>

/* What precedes WHOM_COLUMNS in the statements here. */
enum { KIND, NOT_BEFORE, NOT_AFTER, USED_AT, REVOKED_AT, REASON, ROWID, WHOM };
#define CERT_COLUMNS "w.kind, w.not_before, w.not_after, w.used_at, w.revoked_at, w.reason, w.rowid, " WHOM_COLUMNS

static void identity_from_row(sqlite3_stmt *stmt, const uint8_t serial[VMP_SERIAL], struct vmp_identity *out)
{
	vmp_whom_read(stmt, WHOM, out);
	memcpy(out->serial, serial, VMP_SERIAL);
	out->kind = vmp_kind_of((const char *)sqlite3_column_text(stmt, KIND));
	if (!out->next_kind)
		out->next_kind = out->kind; /* policyd's own, and of guests that are gone */
	out->not_before = sqlite3_column_int64(stmt, NOT_BEFORE);
	out->not_after = sqlite3_column_int64(stmt, NOT_AFTER);
}

static int refuse(sqlite3_stmt *stmt, const struct vmp_identity *who, int64_t now, struct vmp_msg *msg)
{
	char whom[WHOM_TEXT], serial[2 * VMP_SERIAL + 1];
	const char *why = who->mac || who->host_id ? vmp_whom_refusal(stmt, WHOM, now) : NULL;

	vmp_hex(who->serial, VMP_SERIAL, serial);
	if (sqlite3_column_type(stmt, REVOKED_AT) != SQLITE_NULL)
		return vmp_fail(msg, VMP_EACCES, "certificate %s of %s: revoked (%s)", serial, vmp_whom_text(who, whom),
				vmp_crl_reason_name(sqlite3_column_int(stmt, REASON)));
	if (who->not_after < now)
		return vmp_fail(msg, VMP_EACCES, "certificate %s of %s: expired", serial, vmp_whom_text(who, whom));
	if (why)
		return vmp_fail(msg, VMP_EACCES, "%s: %s", vmp_whom_text(who, whom), why);
	return VMP_OK;
}

/* The older ones have done their duty: whoever uses this one has received it. */
static int first_use(struct vmp_store *store, const struct vmp_identity *who, int64_t rowid, int64_t now,
		     struct vmp_msg *msg)
{
	static const char by_mac[] = "UPDATE certificate SET revoked_at = ?3, reason = 4, revoked_by = 'policyd' "
				     "WHERE mac = ?1 AND rowid < ?2 AND revoked_at IS NULL AND not_after >= ?3",
			  by_host[] = "UPDATE certificate SET revoked_at = ?3, reason = 4, revoked_by = 'policyd' "
				      "WHERE host_id = ?1 AND rowid < ?2 AND revoked_at IS NULL AND not_after >= ?3";
	int err = vmp_stmt_run(store, "UPDATE certificate SET used_at = ?2 WHERE rowid = ?1",
			       BIND_LIST(BIND_INT(rowid), BIND_INT(now)), NULL, msg);

	if (err == VMP_OK && who->mac)
		err = vmp_stmt_run(store, by_mac, BIND_LIST(BIND_INT(who->mac), BIND_INT(rowid), BIND_INT(now)), NULL,
				   msg);
	if (err == VMP_OK && who->host_id)
		err = vmp_stmt_run(store, by_host, BIND_LIST(BIND_INT(who->host_id), BIND_INT(rowid), BIND_INT(now)),
				   NULL, msg);
	return err;
}

int vmp_store_identify(struct vmp_store *store, const uint8_t serial[VMP_SERIAL], int64_t now, struct vmp_identity *out,
		       struct vmp_msg *msg)
{
	static const char sql[] = "SELECT " CERT_COLUMNS "FROM certificate AS w" WHOM_JOIN "WHERE w.serial = ?1";
	char hex[2 * VMP_SERIAL + 1];
	sqlite3_stmt *stmt;
	int64_t rowid;
	bool used;
	int err;

	vmp_hex(serial, VMP_SERIAL, hex);
	err = vmp_stmt_first(store, sql, BIND_LIST(BIND_TEXT(hex)), &stmt, msg);
	if (err == VMP_ENOENT)
		return vmp_fail(msg, err, "certificate %s: not issued here", hex);
	if (err != VMP_OK)
		return err;
	identity_from_row(stmt, serial, out);
	err = refuse(stmt, out, now, msg);
	rowid = sqlite3_column_int64(stmt, ROWID);
	used = sqlite3_column_type(stmt, USED_AT) != SQLITE_NULL;
	vmp_stmt_done(stmt);
	return err == VMP_OK && !used ? first_use(store, out, rowid, now, msg) : err;
}

int vmp_store_cert_add(struct vmp_store *store, const struct vmp_cert_row *row, struct vmp_msg *msg)
{
	char hex[2 * VMP_SERIAL + 1];
	int64_t there;
	int err;

	vmp_hex(row->who.serial, VMP_SERIAL, hex);
	err = vmp_stmt_number(store, "SELECT 1 FROM certificate WHERE serial = ?1", BIND_LIST(BIND_TEXT(hex)), &there,
			      msg);
	if (err == VMP_OK)
		return vmp_fail(msg, VMP_EEXIST, "certificate %s: its serial number is taken", hex);
	return err == VMP_ENOENT ? vmp_cert_insert(store, &row->who, row, msg) : err;
}

/* The first row's DER. */
static int read_der(struct vmp_store *store, const char *sql, const struct vmp_bind *binds, uint8_t *der, size_t *len,
		    struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_first(store, sql, binds, &stmt, msg);

	if (err != VMP_OK)
		return err;
	if (!vmp_stmt_blob(stmt, 0, der, len))
		err = vmp_fail(msg, VMP_ECORRUPT, "certificate: %d octets", sqlite3_column_bytes(stmt, 0));
	vmp_stmt_done(stmt);
	return err;
}

int vmp_store_cert_prepared(struct vmp_store *store, const struct vmp_identity *who,
			    const uint8_t key_digest[VMP_DIGEST], int64_t now, uint8_t *der, size_t *len,
			    struct vmp_msg *msg)
{
	static const char
		by_mac[] = "SELECT der FROM certificate WHERE mac = ?1 AND key_digest = ?2 AND used_at IS NULL "
			   "AND revoked_at IS NULL AND not_after > ?3 AND kind = ?4 ORDER BY rowid DESC LIMIT 1",
		by_host[] = "SELECT der FROM certificate WHERE host_id = ?1 AND key_digest = ?2 AND used_at IS NULL "
			    "AND revoked_at IS NULL AND not_after > ?3 AND kind = ?4 ORDER BY rowid DESC LIMIT 1";

	return read_der(store, who->mac ? by_mac : by_host,
			BIND_LIST(BIND_NONZERO(who->mac ? (int64_t)who->mac : who->host_id),
				  BIND_BLOB(key_digest, VMP_DIGEST), BIND_INT(now),
				  BIND_TEXT(vmp_kind_word(who->next_kind))),
			der, len, msg);
}

int vmp_store_cert_der(struct vmp_store *store, const uint8_t serial[VMP_SERIAL], uint8_t *der, size_t *len,
		       struct vmp_msg *msg)
{
	char hex[2 * VMP_SERIAL + 1];
	int err;

	vmp_hex(serial, VMP_SERIAL, hex);
	err = read_der(store, "SELECT der FROM certificate WHERE serial = ?1", BIND_LIST(BIND_TEXT(hex)), der, len,
		       msg);
	return err == VMP_ENOENT ? vmp_fail(msg, err, "certificate %s: not issued here", hex) : err;
}

static int unhex_serial(sqlite3_stmt *stmt, int col, uint8_t out[VMP_SERIAL])
{
	const char *text = (const char *)sqlite3_column_text(stmt, col);

	return vmp_unhex(text ? text : "", (size_t)sqlite3_column_bytes(stmt, col), out, VMP_SERIAL);
}

int vmp_store_revoked(struct vmp_store *store, int64_t now, struct vmp_revoked **list, size_t *n, struct vmp_msg *msg)
{
	size_t room = 0;
	sqlite3_stmt *stmt;
	int err;

	*list = NULL;
	*n = 0;
	err = vmp_stmt_bind(store,
			    "SELECT serial, revoked_at, reason FROM certificate "
			    "WHERE revoked_at IS NOT NULL AND not_after >= ?1",
			    BIND_LIST(BIND_INT(now)), &stmt, msg);
	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		struct vmp_revoked *more = *n < room ? *list
						     : realloc(*list, (room = room ? room * 2 : 64) * sizeof(**list));

		if (!more) {
			err = vmp_fail(msg, VMP_ENOMEM, "out of memory");
			break;
		}
		*list = more;
		err = unhex_serial(stmt, 0, more[*n].serial);
		more[*n].at = sqlite3_column_int64(stmt, 1);
		more[*n].reason = (uint8_t)sqlite3_column_int(stmt, 2);
		*n += err == VMP_OK;
	}
	if (err == VMP_ENOENT)
		return VMP_OK;
	vmp_stmt_done(stmt);
	free(*list);
	*list = NULL;
	*n = 0;
	return err;
}

static int ocsp_one(struct vmp_store *store, struct vmp_ocsp *ask, size_t i, struct vmp_msg *msg)
{
	char hex[2 * VMP_SERIAL + 1];
	sqlite3_stmt *stmt;
	int err;

	ask->item[i].status = VMP_OCSP_UNKNOWN;
	if (!ask->item[i].ours)
		return VMP_OK;
	vmp_hex(ask->item[i].serial, VMP_SERIAL, hex);
	err = vmp_stmt_first(store, "SELECT revoked_at, reason FROM certificate WHERE serial = ?1",
			     BIND_LIST(BIND_TEXT(hex)), &stmt, msg);
	if (err != VMP_OK)
		return err == VMP_ENOENT ? VMP_OK : err;
	ask->item[i].status = VMP_OCSP_GOOD;
	if (sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
		ask->item[i].status = VMP_OCSP_REVOKED;
		ask->item[i].revoked_at = sqlite3_column_int64(stmt, 0);
		ask->item[i].reason = (uint8_t)sqlite3_column_int(stmt, 1);
	}
	vmp_stmt_done(stmt);
	return VMP_OK;
}

int vmp_store_ocsp(struct vmp_store *store, struct vmp_ocsp *ask, struct vmp_msg *msg)
{
	size_t i;
	int err = VMP_OK;

	for (i = 0; i < ask->n && i < VMP_OCSP_SERIALS && err == VMP_OK; i++)
		err = ocsp_one(store, ask, i, msg);
	return err;
}

int vmp_store_crl_number(struct vmp_store *store, int64_t *out, struct vmp_msg *msg)
{
	int err = vmp_stmt_run(store, "UPDATE site SET crl_number = crl_number + 1", BIND_NONE, NULL, msg);

	return err == VMP_OK ? vmp_stmt_number(store, "SELECT crl_number FROM site", BIND_NONE, out, msg) : err;
}

int vmp_store_cert_tidy(struct vmp_store *store, int64_t now, int64_t keep_s, int max, int *n, struct vmp_msg *msg)
{
	int tokens = 0;
	int err = vmp_stmt_run(store,
			       "DELETE FROM certificate WHERE rowid IN (SELECT rowid FROM certificate "
			       "WHERE not_after < ?1 ORDER BY not_after LIMIT ?2)",
			       BIND_LIST(BIND_INT(now - keep_s), BIND_INT(max)), n, msg);

	if (err == VMP_OK)
		err = vmp_stmt_run(store,
				   "DELETE FROM token WHERE hash IN (SELECT hash FROM token WHERE expires_at < ?1 "
				   "ORDER BY expires_at LIMIT ?2)",
				   BIND_LIST(BIND_INT(now - 86400), BIND_INT(max - *n)), &tokens, msg);
	if (err == VMP_OK)
		*n += tokens;
	return err;
}
