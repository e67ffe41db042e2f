/* Certificates, for the administrator: which there are, and their end. */
#include "store_whom.h"
#include "mac.h"

#include <string.h>

/* RFC 5280 section 5.3.1, without those that can be taken back: here a revocation is final. */
static const char *const reasons[] = {
	[0] = "unspecified", [1] = "keyCompromise",	   [2] = "cACompromise",       [3] = "affiliationChanged",
	[4] = "superseded",  [5] = "cessationOfOperation", [9] = "privilegeWithdrawn", [10] = "aACompromise",
};

#define REASONS ((int)(sizeof(reasons) / sizeof(reasons[0])))

int vmp_crl_reason(const char *name, int *out, struct vmp_msg *msg)
{
	int i;

	for (i = 0; i < REASONS; i++) {
		if (reasons[i] && strcmp(reasons[i], name) == 0) {
			*out = i;
			return VMP_OK;
		}
	}
	return vmp_fail(msg, VMP_EINVAL,
			"reason %s: expected unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, "
			"cessationOfOperation, privilegeWithdrawn or aACompromise",
			name);
}

const char *vmp_crl_reason_name(int reason)
{
	return reason >= 0 && reason < REASONS && reasons[reason] ? reasons[reason] : "unknown";
}

/* Which certificates are meant; the order of the statements below. */
enum target { BY_SERIAL, BY_MAC, BY_HOST, ALL, TARGETS };

struct chosen {
	enum target target;
	int64_t id;
	char serial[2 * VMP_SERIAL + 1];
};

static int choose_host(struct vmp_store *store, const char *name, struct chosen *out, struct vmp_msg *msg)
{
	int err = vmp_stmt_number(store, "SELECT id FROM host WHERE name = ?1", BIND_LIST(BIND_TEXT(name)), &out->id,
				  msg);

	out->target = BY_HOST;
	return err == VMP_ENOENT ? vmp_fail(msg, err, "host %s: not found", name) : err;
}

/* Of a VM that is gone, the MAC is still known by its certificates. */
static int choose_vm(struct vmp_store *store, const char *which, struct chosen *out, struct vmp_msg *msg)
{
	uint64_t mac = 0;
	int err;

	if (vmp_mac_parse(which, strlen(which), &mac) != VMP_OK)
		mac = 0;
	err = vmp_stmt_number(store,
			      "SELECT mac FROM vm WHERE mac = ?1 UNION ALL SELECT mac FROM vm WHERE name = ?2 "
			      "UNION ALL SELECT mac FROM certificate WHERE mac = ?1 LIMIT 1",
			      BIND_LIST(BIND_NONZERO(mac), BIND_TEXT(which)), &out->id, msg);
	out->target = BY_MAC;
	return err == VMP_ENOENT
		       ? vmp_fail(msg, err, "%s: expected a certificate's serial number, a VM or host:NAME", which)
		       : err;
}

static int choose(struct vmp_store *store, const char *which, struct chosen *out, struct vmp_msg *msg)
{
	uint8_t serial[VMP_SERIAL];
	int64_t there;
	int err;

	memset(out, 0, sizeof(*out));
	if (!which) {
		out->target = ALL;
		return VMP_OK;
	}
	if (strncmp(which, "host:", 5) == 0)
		return choose_host(store, which + 5, out, msg);
	if (vmp_unhex(which, strlen(which), serial, VMP_SERIAL) != VMP_OK)
		return choose_vm(store, which, out, msg);
	vmp_hex(serial, VMP_SERIAL, out->serial);
	out->target = BY_SERIAL;
	err = vmp_stmt_number(store, "SELECT 1 FROM certificate WHERE serial = ?1", BIND_LIST(BIND_TEXT(out->serial)),
			      &there, msg);
	return err == VMP_ENOENT ? choose_vm(store, which, out, msg) : err;
}

#define REVOKE "UPDATE certificate SET revoked_at = ?2, reason = ?3, revoked_by = ?4 WHERE revoked_at IS NULL AND "

int vmp_store_cert_revoke(struct vmp_store *store, const char *which, int reason, const char *by, int64_t now, int *n,
			  struct vmp_msg *msg)
{
	/* One that is named is revoked though it ended. */
	static const char *const sql[] = {
		[BY_SERIAL] = REVOKE "serial = ?1",
		[BY_MAC] = REVOKE "mac = ?1 AND not_after >= ?2",
		[BY_HOST] = REVOKE "host_id = ?1 AND not_after >= ?2",
	};
	struct chosen chosen;
	int err;

	*n = 0;
	if (reason < 0 || reason >= REASONS || !reasons[reason])
		return vmp_fail(msg, VMP_EINVAL, "reason %d: expected 0 to 10 and not 7", reason);
	err = choose(store, which ? which : "", &chosen, msg);
	if (err != VMP_OK)
		return err;
	if (chosen.target == BY_SERIAL)
		return vmp_stmt_run(store, sql[BY_SERIAL],
				    BIND_LIST(BIND_TEXT(chosen.serial), BIND_INT(now), BIND_INT(reason), BIND_TEXT(by)),
				    n, msg);
	return vmp_stmt_run(store, sql[chosen.target],
			    BIND_LIST(BIND_INT(chosen.id), BIND_INT(now), BIND_INT(reason), BIND_TEXT(by)), n, msg);
}

#define LIST                                                                                                           \
	"SELECT w.serial, w.kind, w.not_before, w.not_after, w.subject, w.issued_at, w.used_at, w.revoked_at, "        \
	"w.reason, w.key_digest, w.der, " WHOM_COLUMNS "FROM certificate AS w" WHOM_JOIN                               \
	"WHERE (?2 OR (w.revoked_at IS NULL AND w.not_after >= ?3))"
#define NEWEST " ORDER BY w.rowid DESC"

static int row_from_stmt(sqlite3_stmt *stmt, struct vmp_cert_row *row, struct vmp_msg *msg)
{
	size_t n = VMP_DIGEST;
	const char *serial = (const char *)sqlite3_column_text(stmt, 0);

	memset(row, 0, sizeof(*row));
	vmp_whom_read(stmt, 11, &row->who);
	row->who.kind = vmp_kind_of((const char *)sqlite3_column_text(stmt, 1));
	if (!row->who.next_kind)
		row->who.next_kind = row->who.kind;
	row->who.not_before = sqlite3_column_int64(stmt, 2);
	row->who.not_after = sqlite3_column_int64(stmt, 3);
	vmp_stmt_text(stmt, 4, row->subject, sizeof(row->subject));
	row->issued_at = sqlite3_column_int64(stmt, 5);
	row->used_at = sqlite3_column_int64(stmt, 6);
	row->revoked_at = sqlite3_column_int64(stmt, 7);
	row->reason = (uint8_t)sqlite3_column_int(stmt, 8);
	row->der = sqlite3_column_blob(stmt, 10);
	row->der_len = (size_t)sqlite3_column_bytes(stmt, 10);
	if (!vmp_stmt_blob(stmt, 9, row->key_digest, &n) || n != VMP_DIGEST || !serial ||
	    vmp_unhex(serial, strlen(serial), row->who.serial, VMP_SERIAL) != VMP_OK)
		return vmp_fail(msg, VMP_ECORRUPT, "certificate %s: its row is damaged", serial ? serial : "");
	return VMP_OK;
}

int vmp_store_cert_each(struct vmp_store *store, const char *which, bool with_ended, int64_t now,
			int (*each)(void *ctx, const struct vmp_cert_row *row), void *ctx, struct vmp_msg *msg)
{
	static const char *const sql[TARGETS] = {
		[BY_SERIAL] = LIST " AND w.serial = ?1",
		[BY_MAC] = LIST " AND w.mac = ?1" NEWEST,
		[BY_HOST] = LIST " AND w.host_id = ?1" NEWEST,
		[ALL] = LIST " AND ?1 IS NOT NULL" NEWEST,
	};
	struct vmp_cert_row row;
	struct chosen chosen;
	sqlite3_stmt *stmt;
	int err = choose(store, which, &chosen, msg);

	if (err != VMP_OK)
		return err;
	err = vmp_stmt_bind(store, sql[chosen.target],
			    BIND_LIST(chosen.target == BY_SERIAL ? (struct vmp_bind)BIND_TEXT(chosen.serial)
								 : (struct vmp_bind)BIND_INT(chosen.id),
				      BIND_INT(with_ended), BIND_INT(now)),
			    &stmt, msg);
	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		err = row_from_stmt(stmt, &row, msg);
		if (err == VMP_OK)
			err = each(ctx, &row);
		if (err != VMP_OK) {
			vmp_stmt_done(stmt);
			return err;
		}
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}
