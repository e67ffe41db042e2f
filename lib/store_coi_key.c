#include "store_coi_key.h"
#include "store_stmt.h"

#include <stdio.h>
#include <string.h>

/** How many retired epochs of one COI are remembered. */
#define RETIRED_KEPT "16"

/** [s] An epoch made further in the future than this was made before the clock was set back: it would never age. */
#define AHEAD_S 300

/** [s] A licence can be given back as often as one likes: epochs that it leads to are no closer together. */
#define LAPSE_S 10

/* coi_id, name, epoch, created_at, retire_at, sealed from column 0 on. */
static int row_from_stmt(sqlite3_stmt *stmt, struct vmp_coi_key_row *row, struct vmp_msg *msg)
{
	size_t n = VMP_SEALED;

	memset(row, 0, sizeof(*row));
	row->coi_id = sqlite3_column_int64(stmt, 0);
	vmp_stmt_text(stmt, 1, row->coi, sizeof(row->coi));
	row->epoch = (uint32_t)sqlite3_column_int64(stmt, 2);
	row->created_at = sqlite3_column_int64(stmt, 3);
	row->retire_at = sqlite3_column_int64(stmt, 4);
	if (!vmp_stmt_blob(stmt, 5, row->sealed, &n) || n != VMP_SEALED)
		return vmp_fail(msg, VMP_ECORRUPT, "coi %s: the sealed key of epoch %u has not %d octets", row->coi,
				row->epoch, VMP_SEALED);
	return VMP_OK;
}

int vmp_store_coi_keys(struct vmp_store *store, uint64_t mac, int64_t now, struct vmp_coi_key_row *rows, size_t max,
		       size_t *n, struct vmp_msg *msg)
{
	static const char sql[] = "SELECT k.coi_id, coi.name, k.epoch, k.created_at, k.retire_at, k.sealed "
				  "FROM member JOIN coi ON coi.id = member.coi_id JOIN coi_key AS k "
				  "ON k.coi_id = member.coi_id WHERE member.mac = ?1 AND coi.enabled "
				  "AND k.retired_at IS NULL AND (k.retire_at IS NULL OR k.retire_at > ?2) "
				  "ORDER BY coi.name, k.epoch";
	sqlite3_stmt *stmt;
	int err;

	*n = 0;
	err = vmp_stmt_bind(store, sql, BIND_LIST(BIND_INT(mac), BIND_INT(now)), &stmt, msg);
	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		if (*n == max)
			err = vmp_fail(msg, VMP_EINVAL, "coi keys: more than %zu", max);
		else
			err = row_from_stmt(stmt, &rows[*n], msg);
		if (err == VMP_OK)
			++*n;
		else
			vmp_stmt_done(stmt);
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}

int vmp_store_coi_ack(struct vmp_store *store, uint64_t mac, const char *coi, uint32_t epoch, struct vmp_msg *msg)
{
	static const char sql[] =
		"SELECT coi.id, coalesce(a.epoch, 0), "
		"EXISTS (SELECT 1 FROM coi_key AS k WHERE k.coi_id = coi.id AND k.epoch = ?3) FROM coi "
		"JOIN member ON member.mac = ?1 AND member.coi_id = coi.id "
		"LEFT JOIN coi_ack AS a ON a.coi_id = coi.id AND a.mac = ?1 WHERE coi.name = ?2";
	int64_t coi_id, acked;
	sqlite3_stmt *stmt;
	bool known;
	int err = vmp_stmt_first(store, sql, BIND_LIST(BIND_INT(mac), BIND_TEXT(coi), BIND_INT(epoch)), &stmt, msg);

	if (err != VMP_OK)
		return err == VMP_ENOENT ? vmp_fail(msg, err, "coi %s: not a member", coi) : err;
	coi_id = sqlite3_column_int64(stmt, 0);
	acked = sqlite3_column_int64(stmt, 1);
	known = sqlite3_column_int(stmt, 2);
	vmp_stmt_done(stmt);
	if (epoch <= acked)
		return VMP_OK;
	if (!known)
		return vmp_fail(msg, VMP_ENOENT, "coi %s: has no epoch %u", coi, epoch);
	return vmp_stmt_run(store,
			    "INSERT INTO coi_ack (coi_id, mac, epoch) VALUES (?1, ?2, ?3) "
			    "ON CONFLICT (coi_id, mac) DO UPDATE SET epoch = excluded.epoch",
			    BIND_LIST(BIND_INT(coi_id), BIND_INT(mac), BIND_INT(epoch)), NULL, msg);
}

static int read_due(struct vmp_store *store, sqlite3_stmt *stmt, struct vmp_coi_due *list, size_t max, size_t *n,
		    struct vmp_msg *msg)
{
	int err = VMP_OK;

	while (*n < max && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		struct vmp_coi_due *due = &list[(*n)++];

		due->coi_id = sqlite3_column_int64(stmt, 0);
		vmp_stmt_text(stmt, 1, due->coi, sizeof(due->coi));
		due->epoch = (uint32_t)sqlite3_column_int64(stmt, 2);
		vmp_stmt_text(stmt, 3, due->reason, sizeof(due->reason));
	}
	if (err == VMP_OK)
		vmp_stmt_done(stmt);
	return err == VMP_ENOENT ? VMP_OK : err;
}

/* Current epochs that nobody asks to replace already. */
#define DUE_KEY                                                                                                        \
	"FROM coi_key AS k CROSS JOIN coi ON coi.id = k.coi_id WHERE k.retire_at IS NULL "                             \
	"AND NOT EXISTS (SELECT 1 FROM coi_rotation AS r WHERE r.coi_id = k.coi_id) AND "

int vmp_store_coi_due(struct vmp_store *store, int64_t now, int64_t rotate_s, struct vmp_coi_due *list, size_t max,
		      size_t *n, struct vmp_msg *msg)
{
	static const char asked[] = "SELECT r.coi_id, coi.name, (SELECT coalesce(max(epoch), 0) + 1 FROM coi_key AS k "
				    "WHERE k.coi_id = r.coi_id), r.reason FROM coi_rotation AS r "
				    "CROSS JOIN coi ON coi.id = r.coi_id WHERE r.reason <> 'licence lapsed' "
				    "OR NOT EXISTS (SELECT 1 FROM coi_key AS k WHERE k.coi_id = r.coi_id "
				    "AND k.created_at BETWEEN ?2 AND ?3) ORDER BY r.at, r.coi_id LIMIT ?1",
			  schedule[] = "SELECT k.coi_id, coi.name, k.epoch + 1, 'schedule', k.created_at " DUE_KEY
				       "k.created_at <= ?1 UNION ALL "
				       "SELECT k.coi_id, coi.name, k.epoch + 1, 'schedule', k.created_at " DUE_KEY
				       "k.created_at > ?3 ORDER BY k.created_at LIMIT ?2";
	sqlite3_stmt *stmt;
	int err;

	*n = 0;
	err = vmp_stmt_bind(store, asked, BIND_LIST(BIND_INT(max), BIND_INT(now - LAPSE_S + 1), BIND_INT(now)), &stmt,
			    msg);
	if (err == VMP_OK)
		err = read_due(store, stmt, list, max, n, msg);
	if (err != VMP_OK || rotate_s <= 0 || *n == max)
		return err;
	err = vmp_stmt_bind(store, schedule,
			    BIND_LIST(BIND_INT(now - rotate_s), BIND_INT(max - *n), BIND_INT(now + AHEAD_S)), &stmt,
			    msg);
	return err == VMP_OK ? read_due(store, stmt, list, max, n, msg) : err;
}

/* Retire the epochs up to one, and forget retired ones beyond RETIRED_KEPT. @param n  out, retired; NULL is allowed. */
static int trim_epochs(struct vmp_store *store, int64_t coi_id, int64_t upto, int64_t now, int *n, struct vmp_msg *msg)
{
	int err = vmp_stmt_run(store,
			       "UPDATE coi_key SET sealed = NULL, retired_at = ?3 WHERE coi_id = ?1 AND epoch <= ?2 "
			       "AND retired_at IS NULL",
			       BIND_LIST(BIND_INT(coi_id), BIND_INT(upto), BIND_INT(now)), n, msg);

	if (err != VMP_OK)
		return err;
	return vmp_stmt_run(store,
			    "DELETE FROM coi_key WHERE coi_id = ?1 AND retired_at IS NOT NULL AND epoch <= "
			    "(SELECT epoch FROM coi_key WHERE coi_id = ?1 AND retired_at IS NOT NULL "
			    "ORDER BY epoch DESC LIMIT 1 OFFSET " RETIRED_KEPT ")",
			    BIND_LIST(BIND_INT(coi_id)), NULL, msg);
}

static int check_epoch(struct vmp_store *store, int64_t coi_id, uint32_t epoch, struct vmp_msg *msg)
{
	int64_t last = 0, there;
	int err = vmp_stmt_number(store, "SELECT 1 FROM coi WHERE id = ?1", BIND_LIST(BIND_INT(coi_id)), &there, msg);

	if (err == VMP_OK)
		err = vmp_stmt_number(store, "SELECT coalesce(max(epoch), 0) FROM coi_key WHERE coi_id = ?1",
				      BIND_LIST(BIND_INT(coi_id)), &last, msg);
	else if (err == VMP_ENOENT)
		return vmp_fail(msg, err, "coi %lld: not there any more", (long long)coi_id);
	if (err != VMP_OK)
		return err;
	if (epoch <= last)
		return vmp_fail(msg, VMP_EEXIST, "coi %lld: epoch %u is there already", (long long)coi_id, epoch);
	if (epoch != last + 1)
		return vmp_fail(msg, VMP_EINVAL, "coi %lld: expected epoch %lld, not %u", (long long)coi_id,
				(long long)last + 1, epoch);
	return VMP_OK;
}

int vmp_store_coi_epoch(struct vmp_store *store, int64_t coi_id, uint32_t epoch, const uint8_t sealed[VMP_SEALED],
			int64_t now, int64_t grace_s, struct vmp_msg *msg)
{
	int err = check_epoch(store, coi_id, epoch, msg);

	if (err == VMP_OK)
		err = vmp_stmt_run(
			store, "INSERT INTO coi_key (coi_id, epoch, sealed, created_at) VALUES (?1, ?2, ?3, ?4)",
			BIND_LIST(BIND_INT(coi_id), BIND_INT(epoch), BIND_BLOB(sealed, VMP_SEALED), BIND_INT(now)),
			NULL, msg);
	if (err == VMP_OK)
		err = vmp_stmt_run(
			store,
			"UPDATE coi_key SET retire_at = ?3 WHERE coi_id = ?1 AND epoch < ?2 AND retire_at IS NULL",
			BIND_LIST(BIND_INT(coi_id), BIND_INT(epoch), BIND_INT(now + grace_s)), NULL, msg);
	if (err == VMP_OK)
		err = vmp_stmt_run(store, "DELETE FROM coi_rotation WHERE coi_id = ?1", BIND_LIST(BIND_INT(coi_id)),
				   NULL, msg);
	return err == VMP_OK ? trim_epochs(store, coi_id, (int64_t)epoch - VMP_EPOCHS_LIVE, now, NULL, msg) : err;
}

/* VMs whose time came or ended since it was last looked: a change for whoever follows them, and, where it ended, new
 * keys for those that they leave.  Nothing is written when there are none. */
static int look_at_validity(struct vmp_store *store, int64_t now, struct vmp_msg *msg)
{
	static const char passed[] = "SELECT EXISTS (SELECT 1 FROM vm WHERE not_after > ?1 AND not_after <= ?2) OR "
				     "EXISTS (SELECT 1 FROM vm WHERE not_before > ?1 AND not_before <= ?2) OR ?1 > ?2",
			  change[] =
				  "INSERT INTO change (kind, action, ref, name) "
				  "SELECT 'vm', 'update', mac, name FROM vm WHERE not_after > ?1 AND not_after <= ?2 "
				  "UNION SELECT 'vm', 'update', mac, name FROM vm WHERE not_before > ?1 "
				  "AND not_before <= ?2",
			  rotate[] = "INSERT INTO coi_rotation (coi_id, reason) SELECT DISTINCT coi_id, 'VM expired' "
				     "FROM vm JOIN member USING (mac) WHERE not_after > ?1 AND not_after <= ?2 "
				     "AND EXISTS (SELECT 1 FROM coi_key AS k WHERE k.coi_id = member.coi_id) "
				     "AND NOT EXISTS (SELECT 1 FROM coi_rotation AS r WHERE r.coi_id = member.coi_id)";
	int64_t last = 0, any = 0;
	int err = vmp_stmt_number(store, "SELECT validity_checked_at FROM site", BIND_NONE, &last, msg);

	if (err == VMP_OK)
		err = vmp_stmt_number(store, passed, BIND_LIST(BIND_INT(last), BIND_INT(now)), &any, msg);
	if (err != VMP_OK || !any)
		return err;
	err = vmp_stmt_run(store, change, BIND_LIST(BIND_INT(last), BIND_INT(now)), NULL, msg);
	if (err == VMP_OK)
		err = vmp_stmt_run(store, rotate, BIND_LIST(BIND_INT(last), BIND_INT(now)), NULL, msg);
	if (err == VMP_OK)
		err = vmp_stmt_run(store, "UPDATE site SET validity_checked_at = ?1", BIND_LIST(BIND_INT(now)), NULL,
				   msg);
	return err;
}

/* A member that is in the directory at time ?1; m is its row of member. */
#define LIVE                                                                                                           \
	"guest ON guest.mac = m.mac AND guest.state = 'started' AND guest.wg_key IS NOT NULL "                         \
	"JOIN vm ON vm.mac = m.mac AND vm.enabled AND coalesce(vm.not_before, 0) <= ?1 "                               \
	"AND coalesce(vm.not_after > ?1, 1) JOIN tenant ON tenant.id = vm.tenant_id AND tenant.enabled "               \
	"JOIN enclave ON enclave.id = vm.enclave_id AND enclave.enabled "

struct ended {
	int64_t coi_id;
	uint32_t epoch;
};

/* Read at most max after the first skip; those of one COI in any order. */
static int read_ended(struct vmp_store *store, int64_t now, struct ended *list, size_t max, size_t skip, size_t *n,
		      struct vmp_msg *msg)
{
	static const char sql[] =
		"SELECT k.coi_id, k.epoch FROM coi_key AS k WHERE k.retire_at IS NOT NULL AND k.retired_at IS NULL "
		"AND (k.retire_at <= ?1 OR NOT EXISTS (SELECT 1 FROM member AS m JOIN " LIVE
		"LEFT JOIN coi_ack AS a ON a.coi_id = m.coi_id AND a.mac = m.mac "
		"WHERE m.coi_id = k.coi_id AND coalesce(a.epoch, 0) <= k.epoch)) ORDER BY k.retire_at, k.coi_id, "
		"k.epoch LIMIT ?2 OFFSET ?3";
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(store, sql, BIND_LIST(BIND_INT(now), BIND_INT(max), BIND_INT(skip)), &stmt, msg);

	*n = 0;
	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		list[*n].coi_id = sqlite3_column_int64(stmt, 0);
		list[(*n)++].epoch = (uint32_t)sqlite3_column_int64(stmt, 1);
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}

/* With one epoch go all before it.  What fails is left, and the next is tried. @param failed  out, how many.
 * @return the first error. */
static int retire_each(struct vmp_store *store, const struct ended *list, size_t len, int64_t now, int *n,
		       size_t *failed, struct vmp_msg *msg)
{
	int first = VMP_OK, err, wiped;
	size_t i;

	*failed = 0;
	for (i = 0; i < len; i++) {
		wiped = 0;
		err = trim_epochs(store, list[i].coi_id, (int64_t)list[i].epoch, now, &wiped,
				  first == VMP_OK ? msg : NULL);
		*n += wiped;
		*failed += err != VMP_OK;
		first = first == VMP_OK ? err : first;
	}
	return first;
}

int vmp_store_coi_retire(struct vmp_store *store, int64_t now, int *n, struct vmp_msg *msg)
{
	size_t found, failed, skip = 0;
	struct ended list[256];
	int first, err;

	*n = 0;
	first = look_at_validity(store, now, msg);
	do {
		err = read_ended(store, now, list, sizeof(list) / sizeof(list[0]), skip, &found,
				 first == VMP_OK ? msg : NULL);
		first = first == VMP_OK ? err : first;
		if (err != VMP_OK)
			break;
		/* What failed stays, and comes first in the next batch. */
		err = retire_each(store, list, found, now, n, &failed, first == VMP_OK ? msg : NULL);
		first = first == VMP_OK ? err : first;
		skip += failed;
	} while (found == sizeof(list) / sizeof(list[0]));
	return first;
}

int vmp_store_coi_rotate(struct vmp_store *store, const char *coi, const char *reason, struct vmp_msg *msg)
{
	int64_t coi_id;
	int err = vmp_stmt_number(store, "SELECT id FROM coi WHERE name = ?1", BIND_LIST(BIND_TEXT(coi)), &coi_id, msg);

	if (err != VMP_OK)
		return err == VMP_ENOENT ? vmp_fail(msg, err, "coi %s: not found", coi) : err;
	return vmp_stmt_run(store, "INSERT INTO coi_rotation (coi_id, reason) VALUES (?1, ?2)",
			    BIND_LIST(BIND_INT(coi_id), BIND_TEXT(reason)), NULL, msg);
}

int vmp_store_coi_key_each(struct vmp_store *store, const char *coi,
			   int (*each)(void *ctx, const struct vmp_coi_key_row *row, int64_t members, int64_t acked),
			   void *ctx, struct vmp_msg *msg)
{
	static const char sql[] =
		"SELECT k.coi_id, coi.name, k.epoch, k.created_at, k.retire_at, k.sealed, coi.member_count, "
		"(SELECT count(*) FROM coi_ack AS a WHERE a.coi_id = k.coi_id AND a.epoch >= k.epoch) "
		"FROM coi_key AS k JOIN coi ON coi.id = k.coi_id WHERE k.retired_at IS NULL "
		"AND (?1 IS NULL OR coi.name = ?1) ORDER BY coi.name, k.epoch";
	struct vmp_coi_key_row row;
	sqlite3_stmt *stmt;
	int64_t there;
	int err = VMP_OK;

	if (coi)
		err = vmp_stmt_number(store, "SELECT 1 FROM coi WHERE name = ?1", BIND_LIST(BIND_TEXT(coi)), &there,
				      msg);
	if (err != VMP_OK)
		return err == VMP_ENOENT ? vmp_fail(msg, err, "coi %s: not found", coi) : err;
	err = vmp_stmt_bind(store, sql, BIND_LIST(BIND_TEXT(coi)), &stmt, msg);
	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		err = row_from_stmt(stmt, &row, msg);
		if (err == VMP_OK)
			err = each(ctx, &row, sqlite3_column_int64(stmt, 6), sqlite3_column_int64(stmt, 7));
		if (err != VMP_OK) {
			vmp_stmt_done(stmt);
			return err;
		}
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}
