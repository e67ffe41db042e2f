/* Licences: pools, leases, and what there is once. */
#include "store_licence.h"
#include "store_stmt.h"
#include "store_whom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- pools ---------------------------------------------------------------------------------------------------- */

static void pool_from_row(sqlite3_stmt *stmt, struct vmp_licence_pool *out)
{
	memset(out, 0, sizeof(*out));
	out->rule.id = sqlite3_column_int64(stmt, 0);
	vmp_stmt_text(stmt, 1, out->name, sizeof(out->name));
	vmp_stmt_text(stmt, 2, out->rule.product, sizeof(out->rule.product));
	out->tenant_id = sqlite3_column_int64(stmt, 3);
	out->rule.owned = sqlite3_column_int64(stmt, 4);
	out->rule.overdraft = sqlite3_column_int64(stmt, 5);
	out->rule.life_ms = sqlite3_column_int64(stmt, 6) * 1000;
	out->rule.grace_ms = sqlite3_column_int64(stmt, 7) * 1000;
	out->rule.until_ms = INT64_MAX;
	out->not_before = sqlite3_column_int64(stmt, 8);
	out->not_after = sqlite3_column_type(stmt, 9) == SQLITE_NULL ? INT64_MAX : sqlite3_column_int64(stmt, 9);
	out->enabled = sqlite3_column_int(stmt, 10);
}

int vmp_licence_pool_each(struct vmp_store *store, int (*each)(void *ctx, const struct vmp_licence_pool *pool),
			  void *ctx, struct vmp_msg *msg)
{
	static const char sql[] = "SELECT id, name, product, tenant_id, owned, overdraft, lease_s, grace_s, "
				  "not_before, not_after, enabled FROM licence_pool "
				  "ORDER BY product, not_after IS NULL, not_after, id";
	struct vmp_licence_pool pool;
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(store, sql, BIND_NONE, &stmt, msg);

	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		pool_from_row(stmt, &pool);
		err = each(ctx, &pool);
		if (err != VMP_OK) {
			vmp_stmt_done(stmt);
			return err;
		}
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}

bool vmp_licence_pool_look(struct vmp_licence_pool *pool, const struct vmp_clock *clock)
{
	bool open = pool->enabled && pool->not_before <= clock->now && clock->now < pool->not_after;
	int64_t until = INT64_MAX, was = pool->rule.until_ms;
	bool near;

	if (pool->not_after != INT64_MAX)
		until = clock->boot_ms + (pool->not_after - clock->now) * 1000;
	near = until == was || (until != INT64_MAX && was != INT64_MAX && llabs(until - was) < 1000);
	if (open == pool->rule.open && near)
		return false;
	pool->rule.open = open;
	pool->rule.until_ms = until;
	return true;
}

/* -- what there is once --------------------------------------------------------------------------------------- */

int vmp_licence_state_read(struct vmp_store *store, struct vmp_licence_state *out, struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_first(store,
				 "SELECT generation, seq, longest_ms, recover_until_ms, recover_boot_id, incarnation "
				 "FROM licence_state",
				 BIND_NONE, &stmt, msg);

	memset(out, 0, sizeof(*out));
	if (err != VMP_OK)
		return err == VMP_ENOENT ? vmp_fail(msg, VMP_ECORRUPT, "table licence_state is empty") : err;
	out->generation = sqlite3_column_int64(stmt, 0);
	out->seq = sqlite3_column_int64(stmt, 1);
	out->longest_ms = sqlite3_column_int64(stmt, 2);
	out->recover_until_ms = sqlite3_column_int64(stmt, 3);
	vmp_stmt_text(stmt, 4, out->recover_boot_id, sizeof(out->recover_boot_id));
	vmp_stmt_text(stmt, 5, out->incarnation, sizeof(out->incarnation));
	vmp_stmt_done(stmt);
	return VMP_OK;
}

int vmp_licence_state_write(struct vmp_store *store, const struct vmp_licence_state *state, struct vmp_msg *msg)
{
	return vmp_stmt_run(store,
			    "UPDATE licence_state SET seq = ?1, longest_ms = max(longest_ms, ?2), "
			    "recover_until_ms = ?3, recover_boot_id = ?4",
			    BIND_LIST(BIND_INT(state->seq), BIND_INT(state->longest_ms),
				      BIND_INT(state->recover_until_ms), BIND_TEXT(state->recover_boot_id)),
			    NULL, msg);
}

/* -- leases --------------------------------------------------------------------------------------------------- */

/* "[[1,3,9000,0,0],[2,1,9000,0,0]]" */
static void parts_to_text(const struct vmp_lease *lease, char *out, size_t room)
{
	size_t len = 0;
	int i;

	out[len++] = '[';
	for (i = 0; i < lease->n_part; i++) {
		const struct vmp_lease_part *p = &lease->part[i];

		len += (size_t)snprintf(out + len, room - len, "%s[%lld,%lld,%lld,%lld,%lld]", i ? "," : "",
					(long long)p->pool, (long long)p->count, (long long)p->over_ms,
					(long long)p->lapsing, (long long)p->lapsed_ms);
	}
	snprintf(out + len, room - len, "]");
}

#define PARTS_TEXT (VMP_LEASE_PARTS * (5 * 21 + 3) + 3)

static bool take(const char **at, char wanted)
{
	if (**at != wanted)
		return false;
	++*at;
	return true;
}

static bool take_number(const char **at, int64_t *out)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	*out = strtoll(*at, &end, 10);
	*at = end;
	return true;
}

static bool take_part(const char **at, struct vmp_lease_part *p)
{
	return take(at, '[') && take_number(at, &p->pool) && take(at, ',') && take_number(at, &p->count) &&
	       take(at, ',') && take_number(at, &p->over_ms) && take(at, ',') && take_number(at, &p->lapsing) &&
	       take(at, ',') && take_number(at, &p->lapsed_ms) && take(at, ']') && p->pool > 0 &&
	       p->count <= VMP_LEASE_MAX && p->lapsing <= VMP_LEASE_MAX;
}

static bool parts_from_text(const char *text, struct vmp_lease *out)
{
	bool more = take(&text, '[');

	out->n_part = 0;
	if (more && take(&text, ']'))
		return *text == '\0';
	while (more && out->n_part < VMP_LEASE_PARTS) {
		if (!take_part(&text, &out->part[out->n_part++]))
			return false;
		more = take(&text, ',');
	}
	return !more && out->n_part > 0 && take(&text, ']') && *text == '\0';
}

static int lease_from_row(sqlite3_stmt *stmt, struct vmp_lease *out, struct vmp_msg *msg)
{
	memset(out, 0, sizeof(*out));
	vmp_stmt_text(stmt, 0, out->holder, sizeof(out->holder));
	vmp_stmt_text(stmt, 1, out->product, sizeof(out->product));
	out->seq = sqlite3_column_int64(stmt, 2);
	vmp_stmt_text(stmt, 3, out->request_id, sizeof(out->request_id));
	out->wants = sqlite3_column_int64(stmt, 4);
	out->in_use = sqlite3_column_int64(stmt, 5);
	out->life_ms = sqlite3_column_int64(stmt, 6);
	out->grace_ms = sqlite3_column_int64(stmt, 7);
	out->end_ms = sqlite3_column_int64(stmt, 8);
	out->reason = (unsigned)sqlite3_column_int(stmt, 9);
	out->refused = sqlite3_column_int(stmt, 10);
	out->available = sqlite3_column_int64(stmt, 11);
	if (!parts_from_text(vmp_stmt_str(stmt, 12), out))
		return vmp_fail(msg, VMP_ECORRUPT,
				"lease of %s by %s: parts: expected [[pool, count, over_ms, "
				"lapsing, lapsed_ms], ...]",
				out->product, out->holder);
	return VMP_OK;
}

int vmp_licence_lease_each(struct vmp_store *store, const struct vmp_clock *clock,
			   int (*each)(void *ctx, const struct vmp_lease *lease, bool other_boot), void *ctx,
			   struct vmp_msg *msg)
{
	static const char sql[] = "SELECT holder, product, seq, request_id, wants, in_use, life_ms, grace_ms, "
				  "until_ms, reason, refused, available, parts, boot_id <> ?1 FROM lease";
	struct vmp_lease lease;
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(store, sql, BIND_LIST(BIND_TEXT(clock->boot_id)), &stmt, msg);

	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		err = lease_from_row(stmt, &lease, msg);
		if (err == VMP_OK)
			err = each(ctx, &lease, sqlite3_column_int(stmt, 13));
		if (err != VMP_OK) {
			vmp_stmt_done(stmt);
			return err;
		}
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}

int vmp_licence_lease_write(struct vmp_store *store, const struct vmp_lease *lease,
			    const struct vmp_licence_holder *holder, bool there, const struct vmp_clock *clock,
			    struct vmp_msg *msg)
{
	static const char insert
		[] = "INSERT INTO lease (holder, product, kind, mac, tenant_id, seq, request_id, wants, has, in_use, "
		     "granted_at, life_ms, grace_ms, until_ms, boot_id, reason, refused, available, parts) "
		     "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
	  update[] = "UPDATE lease SET kind = ?3, mac = ?4, tenant_id = ?5, seq = ?6, request_id = ?7, wants = ?8, "
		     "has = ?9, in_use = ?10, granted_at = ?11, life_ms = ?12, grace_ms = ?13, until_ms = ?14, "
		     "boot_id = ?15, reason = ?16, refused = ?17, available = ?18, parts = ?19 "
		     "WHERE holder = ?1 AND product = ?2";
	char parts[PARTS_TEXT];
	const struct vmp_bind *binds = BIND_LIST(
		BIND_TEXT(lease->holder), BIND_TEXT(lease->product), BIND_TEXT(vmp_kind_word(holder->kind)),
		BIND_INT(holder->mac), BIND_INT(holder->tenant_id), BIND_INT(lease->seq), BIND_TEXT(lease->request_id),
		BIND_INT(lease->wants), BIND_INT(holder->has), BIND_INT(lease->in_use), BIND_INT(clock->now),
		BIND_INT(lease->life_ms), BIND_INT(lease->grace_ms), BIND_INT(lease->end_ms), BIND_TEXT(clock->boot_id),
		BIND_INT(lease->reason), BIND_INT(lease->refused), BIND_INT(lease->available), BIND_TEXT(parts));
	int n = 0, err = VMP_OK;

	parts_to_text(lease, parts, sizeof(parts));
	if (there)
		err = vmp_stmt_run(store, update, binds, &n, msg);
	return err == VMP_OK && n == 0 ? vmp_stmt_run(store, insert, binds, NULL, msg) : err;
}

int vmp_licence_lease_adjust(struct vmp_store *store, const struct vmp_lease *lease, const struct vmp_clock *clock,
			     struct vmp_msg *msg)
{
	char parts[PARTS_TEXT];

	parts_to_text(lease, parts, sizeof(parts));
	return vmp_stmt_run(store,
			    "UPDATE lease SET until_ms = ?3, boot_id = ?4, parts = ?5 "
			    "WHERE holder = ?1 AND product = ?2 AND (boot_id <> ?4 OR parts <> ?5)",
			    BIND_LIST(BIND_TEXT(lease->holder), BIND_TEXT(lease->product), BIND_INT(lease->end_ms),
				      BIND_TEXT(clock->boot_id), BIND_TEXT(parts)),
			    NULL, msg);
}

int vmp_licence_lease_erase(struct vmp_store *store, const char *holder, const char *product, struct vmp_msg *msg)
{
	return vmp_stmt_run(store, "DELETE FROM lease WHERE holder = ?1 AND product = ?2",
			    BIND_LIST(BIND_TEXT(holder), BIND_TEXT(product)), NULL, msg);
}

int vmp_licence_lease_products(struct vmp_store *store, const char *holder, int (*each)(void *ctx, const char *product),
			       void *ctx, struct vmp_msg *msg)
{
	char products[8][VMP_PRODUCT];
	sqlite3_stmt *stmt;
	size_t n = 0, i;
	int err = vmp_stmt_bind(store, "SELECT product FROM lease WHERE holder = ?1", BIND_LIST(BIND_TEXT(holder)),
				&stmt, msg);

	/* Read first: what each does may change what is being read. */
	while (err == VMP_OK && n < 8 && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK)
		vmp_stmt_text(stmt, 0, products[n++], VMP_PRODUCT);
	if (err == VMP_OK)
		vmp_stmt_done(stmt);
	if (err != VMP_OK && err != VMP_ENOENT)
		return err;
	for (i = 0, err = VMP_OK; i < n && err == VMP_OK; i++)
		err = each(ctx, products[i]);
	return err;
}

/* -- refusals ------------------------------------------------------------------------------------------------- */

int vmp_licence_deny(struct vmp_store *store, const struct vmp_licence_denial *d, int64_t now, struct vmp_msg *msg)
{
	int again = 0;
	int err = vmp_stmt_run(
		store,
		"UPDATE licence_denial SET n = n + 1, last_at = ?4, wants = ?5, available = ?6 WHERE id = "
		"(SELECT max(id) FROM licence_denial WHERE holder = ?1 AND product = ?2 AND reason = ?3) "
		"AND first_at BETWEEN ?4 - 3600 AND ?4",
		BIND_LIST(BIND_TEXT(d->holder), BIND_TEXT(d->product), BIND_TEXT(d->reason), BIND_INT(now),
			  BIND_INT(d->wants), BIND_INT(d->available)),
		&again, msg);

	if (err != VMP_OK || again)
		return err;
	/* Products that there are none of have any name: who makes them up writes over its own. */
	err = vmp_stmt_run(store,
			   "DELETE FROM licence_denial WHERE id = (SELECT iif(count(*) >= ?2, min(id), 0) "
			   "FROM licence_denial WHERE holder = ?1)",
			   BIND_LIST(BIND_TEXT(d->holder), BIND_INT(VMP_LICENCE_DENIALS)), NULL, msg);
	if (err != VMP_OK)
		return err;
	return vmp_stmt_run(store,
			    "INSERT INTO licence_denial (holder, mac, product, tenant_id, reason, wants, available, "
			    "first_at, last_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
			    BIND_LIST(BIND_TEXT(d->holder), BIND_INT(d->mac), BIND_TEXT(d->product),
				      BIND_INT(d->tenant_id), BIND_TEXT(d->reason), BIND_INT(d->wants),
				      BIND_INT(d->available), BIND_INT(now)),
			    NULL, msg);
}

int vmp_licence_tidy(struct vmp_store *store, const struct vmp_clock *clock, int64_t keep_s, int max, int *n,
		     struct vmp_msg *msg)
{
	int64_t last = 0;
	int forgotten = 0, err;

	*n = 0;
	err = vmp_stmt_run(store,
			   "DELETE FROM licensed WHERE mac IN (SELECT mac FROM licensed WHERE doubt_ms <= ?1 LIMIT ?2)",
			   BIND_LIST(BIND_INT(clock->boot_ms), BIND_INT(max)), n, msg);
	if (err == VMP_OK)
		err = vmp_stmt_old(store, "SELECT id, last_at FROM licence_denial ORDER BY id LIMIT ?1",
				   clock->now - keep_s, max, &last, msg);
	if (err != VMP_OK || !last)
		return err;
	err = vmp_stmt_run(store, "DELETE FROM licence_denial WHERE id <= ?1", BIND_LIST(BIND_INT(last)), &forgotten,
			   msg);
	if (forgotten > *n)
		*n = forgotten;
	return err;
}
