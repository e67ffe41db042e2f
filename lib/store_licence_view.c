/* What an administrator sees of licences. */
#include "store_licence_view.h"
#include "mac.h"
#include "store_audit.h"
#include "store_stmt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY 86400

/* -- pools ---------------------------------------------------------------------------------------------------- */

struct line {
	struct vmp_licence_pool pool;
	int64_t leased, in_use, guests;
};

struct lines {
	struct line *line;
	size_t n;
	struct vmp_msg *msg;
};

static int add_line(void *ctx, const struct vmp_licence_pool *pool)
{
	struct lines *l = ctx;
	struct line *more = realloc(l->line, (l->n + 1) * sizeof(*more));

	if (!more)
		return vmp_fail(l->msg, VMP_ENOMEM, "out of memory");
	l->line = more;
	memset(&l->line[l->n], 0, sizeof(*more));
	l->line[l->n++].pool = *pool;
	return VMP_OK;
}

static struct line *find_line(const struct lines *l, int64_t pool)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (l->line[i].pool.rule.id == pool)
			return &l->line[i];
	}
	return NULL;
}

static int64_t less(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Leases part by part, as far as they are not over: what is used is of the first parts. */
static int add_parts(struct vmp_store *store, const struct lines *l, const struct vmp_clock *clock, struct vmp_msg *msg)
{
	static const char sql[] =
		"SELECT pool_id, iif(other OR over_ms > ?2, count, 0) + iif(other OR lapsed_ms > ?2, lapsing, 0), "
		"place, in_use, guests FROM (SELECT holder, product, boot_id <> ?1 AS other, in_use, "
		"(SELECT count(*) FROM licensed WHERE licensed.holder = lease.holder "
		"AND licensed.product = lease.product) AS guests FROM lease) JOIN lease_part USING (holder, product) "
		"ORDER BY holder, product, place";
	int64_t used = 0, guests = 0;
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(store, sql, BIND_LIST(BIND_TEXT(clock->boot_id), BIND_INT(clock->boot_ms)), &stmt, msg);

	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		struct line *line = find_line(l, sqlite3_column_int64(stmt, 0));
		int64_t count = sqlite3_column_int64(stmt, 1);

		if (sqlite3_column_int64(stmt, 2) == 0) {
			used = sqlite3_column_int64(stmt, 3);
			guests = sqlite3_column_int64(stmt, 4);
		}
		if (!line)
			continue;
		line->leased += count;
		line->in_use += less(used, count);
		line->guests += less(guests, count);
		used -= less(used, count);
		guests -= less(guests, count);
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}

static int read_lines(struct vmp_store *store, const struct vmp_clock *clock, struct lines *out, struct vmp_msg *msg)
{
	int err;

	memset(out, 0, sizeof(*out));
	out->msg = msg;
	err = vmp_licence_pool_each(store, add_line, out, msg);
	return err == VMP_OK ? add_parts(store, out, clock, msg) : err;
}

static const char *state_of(const struct vmp_licence_pool *pool, int64_t now)
{
	if (!pool->enabled)
		return "disabled";
	if (now < pool->not_before)
		return "not yet";
	return now >= pool->not_after ? "over" : "open";
}

/* The tenant's name, and how often those who may draw on the pool were refused. */
static int read_rest(struct vmp_store *store, const struct line *line, int64_t now, char tenant[65], int64_t *denied,
		     struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_first(
		store,
		"SELECT (SELECT name FROM tenant WHERE id = ?2), (SELECT sum(n) FROM licence_denial "
		"WHERE product = ?1 AND last_at > ?3 AND (?2 IS NULL OR tenant_id = ?2))",
		BIND_LIST(BIND_TEXT(line->pool.rule.product), BIND_NONZERO(line->pool.tenant_id), BIND_INT(now - DAY)),
		&stmt, msg);

	if (err != VMP_OK)
		return err;
	vmp_stmt_text(stmt, 0, tenant, 65);
	*denied = sqlite3_column_int64(stmt, 1);
	vmp_stmt_done(stmt);
	return VMP_OK;
}

static int tell_line(struct vmp_store *store, const struct line *line, int64_t now,
		     int (*each)(void *ctx, const struct vmp_licence_usage *usage), void *ctx, struct vmp_msg *msg)
{
	struct vmp_licence_usage usage = { .product = line->pool.rule.product,
					   .pool = line->pool.name,
					   .owned = line->pool.rule.owned,
					   .overdraft = line->pool.rule.overdraft,
					   .leased = line->leased,
					   .in_use = line->in_use,
					   .guests = line->guests,
					   .state = state_of(&line->pool, now) };
	char tenant[65];
	int err = read_rest(store, line, now, tenant, &usage.denied, msg);

	usage.tenant = tenant;
	return err == VMP_OK ? each(ctx, &usage) : err;
}

int vmp_licence_usage_each(struct vmp_store *store, const struct vmp_clock *clock,
			   int (*each)(void *ctx, const struct vmp_licence_usage *usage), void *ctx,
			   struct vmp_msg *msg)
{
	struct lines lines;
	bool opened = false;
	size_t i;
	int err = vmp_stmt_read_begin(store, &opened, msg);

	if (err != VMP_OK)
		return err;
	err = read_lines(store, clock, &lines, msg);
	for (i = 0; i < lines.n && err == VMP_OK; i++)
		err = tell_line(store, &lines.line[i], clock->now, each, ctx, msg);
	vmp_stmt_read_end(store, opened);
	free(lines.line);
	return err;
}

/* -- leases --------------------------------------------------------------------------------------------------- */

/* The UUID of whom an administrator names. */
static int find_holder(struct vmp_store *store, const char *text, char out[VMP_UUID_TEXT], struct vmp_msg *msg)
{
	static const char by_mac[] = "SELECT uuid FROM guest WHERE mac = ?1 UNION ALL "
				     "SELECT holder FROM lease WHERE mac = ?1 LIMIT 1",
			  by_name[] = "SELECT uuid FROM vm JOIN guest USING (mac) WHERE name = ?1";
	sqlite3_stmt *stmt;
	uint64_t mac;
	int err;

	if (vmp_uuid_parse(text, strlen(text), out) == VMP_OK)
		return VMP_OK;
	if (vmp_mac_parse(text, strlen(text), &mac) == VMP_OK)
		err = vmp_stmt_first(store, by_mac, BIND_LIST(BIND_INT(mac)), &stmt, msg);
	else
		err = vmp_stmt_first(store, by_name, BIND_LIST(BIND_TEXT(text)), &stmt, msg);
	if (err != VMP_OK)
		return err == VMP_ENOENT
			       ? vmp_fail(msg, err, "%s: expected the UUID, MAC address or name of a guest", text)
			       : err;
	vmp_stmt_text(stmt, 0, out, VMP_UUID_TEXT);
	vmp_stmt_done(stmt);
	return VMP_OK;
}

enum {
	HOLDER,
	KIND,
	NAME,
	MAC,
	TENANT,
	PRODUCT,
	POOLS,
	COUNT,
	WANTS,
	IN_USE,
	GUESTS,
	GRANTED_AT,
	LIFE,
	GRACE,
	OTHER_BOOT,
	LEFT,
	REASON,
	AVAILABLE
};

static void row_from_stmt(sqlite3_stmt *stmt, struct vmp_licence_row *out)
{
	unsigned reason = (unsigned)sqlite3_column_int(stmt, REASON);

	*out = (struct vmp_licence_row){ .holder = vmp_stmt_str(stmt, HOLDER),
					 .kind = vmp_stmt_str(stmt, KIND),
					 .name = vmp_stmt_str(stmt, NAME),
					 .mac = (uint64_t)sqlite3_column_int64(stmt, MAC),
					 .tenant = vmp_stmt_str(stmt, TENANT),
					 .product = vmp_stmt_str(stmt, PRODUCT),
					 .pools = vmp_stmt_str(stmt, POOLS),
					 .count = sqlite3_column_int64(stmt, COUNT),
					 .wants = sqlite3_column_int64(stmt, WANTS),
					 .in_use = sqlite3_column_int64(stmt, IN_USE),
					 .guests = sqlite3_column_int64(stmt, GUESTS),
					 .granted_at = sqlite3_column_int64(stmt, GRANTED_AT),
					 .life_s = sqlite3_column_int64(stmt, LIFE),
					 .grace_s = sqlite3_column_int64(stmt, GRACE),
					 .other_boot = sqlite3_column_int(stmt, OTHER_BOOT),
					 .left_s = sqlite3_column_int64(stmt, LEFT),
					 .reason = reason ? vmp_lease_reason_text(reason) : "",
					 .available = sqlite3_column_int64(stmt, AVAILABLE) };
}

int vmp_licence_row_each(struct vmp_store *store, const struct vmp_licence_row_filter *filter,
			 const struct vmp_clock *clock, int (*each)(void *ctx, const struct vmp_licence_row *row),
			 void *ctx, struct vmp_msg *msg)
{
	static const char sql[] =
		"SELECT l.holder, l.kind, vm.name, l.mac, tenant.name, l.product, "
		"(SELECT group_concat(coalesce(p.name, pool_id) || ':' || (count + lapsing), ' ') FROM lease_part AS "
		"part "
		"LEFT JOIN licence_pool AS p ON p.id = pool_id WHERE part.holder = l.holder AND part.product = "
		"l.product), "
		"(SELECT coalesce(iif(sum(count), sum(count), sum(lapsing)), 0) FROM lease_part AS part "
		"WHERE part.holder = l.holder AND part.product = l.product), wants, in_use, "
		"(SELECT count(*) FROM licensed WHERE licensed.holder = l.holder AND licensed.product = l.product), "
		"granted_at, life_ms / 1000, grace_ms / 1000, boot_id <> ?3, (until_ms - ?4) / 1000, reason, available "
		"FROM lease AS l LEFT JOIN guest ON guest.uuid = l.holder LEFT JOIN vm ON vm.mac = guest.mac "
		"LEFT JOIN tenant ON tenant.id = l.tenant_id WHERE (?1 IS NULL OR l.product = ?1) "
		"AND (?2 IS NULL OR l.holder = ?2) ORDER BY l.product, vm.name, l.holder";
	char holder[VMP_UUID_TEXT] = "";
	struct vmp_licence_row row;
	sqlite3_stmt *stmt;
	int err = filter->holder ? find_holder(store, filter->holder, holder, msg) : VMP_OK;

	if (err != VMP_OK)
		return err;
	err = vmp_stmt_bind(store, sql,
			    BIND_LIST(BIND_TEXT(filter->product), BIND_TEXT(filter->holder ? holder : NULL),
				      BIND_TEXT(clock->boot_id), BIND_INT(clock->boot_ms)),
			    &stmt, msg);
	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		row_from_stmt(stmt, &row);
		err = each(ctx, &row);
		if (err != VMP_OK) {
			vmp_stmt_done(stmt);
			return err;
		}
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}

int vmp_licence_end(struct vmp_store *store, const char *holder, const char *product, const char *by, int *n,
		    struct vmp_msg *msg)
{
	static const char find[] = "SELECT mac FROM lease WHERE holder = ?1 AND (?2 IS NULL OR product = ?2)";
	char uuid[VMP_UUID_TEXT], mac[VMP_MAC_TEXT], subject[80];
	struct vmp_audit event = {
		.event = "licence-ended", .actor = by, .subject = subject, .detail = product ? product : "all products"
	};
	int64_t number = 0;
	int err = find_holder(store, holder, uuid, msg);

	*n = 0;
	if (err != VMP_OK)
		return err;
	err = vmp_stmt_number(store, find, BIND_LIST(BIND_TEXT(uuid), BIND_TEXT(product)), &number, msg);
	if (err == VMP_ENOENT)
		return vmp_fail(msg, err, "%s: has no lease%s%s", holder, product ? " of " : "",
				product ? product : "");
	if (err == VMP_OK)
		err = vmp_stmt_run(store, "DELETE FROM lease WHERE holder = ?1 AND (?2 IS NULL OR product = ?2)",
				   BIND_LIST(BIND_TEXT(uuid), BIND_TEXT(product)), n, msg);
	vmp_mac_format((uint64_t)number, mac);
	snprintf(subject, sizeof(subject), "vm %s", mac);
	return err == VMP_OK ? vmp_store_audit(store, &event, msg) : err;
}

/* -- refusals ------------------------------------------------------------------------------------------------- */

int vmp_licence_refusal_each(struct vmp_store *store, const char *product, int64_t last,
			     int (*each)(void *ctx, const struct vmp_licence_refusal *refusal), void *ctx,
			     struct vmp_msg *msg)
{
	static const char sql[] =
		"SELECT d.id, holder, vm.name, d.mac, product, tenant.name, reason, wants, available, first_at, "
		"last_at, n FROM (SELECT * FROM licence_denial WHERE ?1 IS NULL OR product = ?1 ORDER BY id DESC "
		"LIMIT ?2) AS d LEFT JOIN guest ON guest.uuid = d.holder LEFT JOIN vm ON vm.mac = guest.mac "
		"LEFT JOIN tenant ON tenant.id = d.tenant_id ORDER BY d.id";
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(store, sql, BIND_LIST(BIND_TEXT(product), BIND_INT(last > 0 ? last : -1)), &stmt, msg);

	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		const struct vmp_licence_refusal refusal = { .id = sqlite3_column_int64(stmt, 0),
							     .holder = vmp_stmt_str(stmt, 1),
							     .name = vmp_stmt_str(stmt, 2),
							     .mac = (uint64_t)sqlite3_column_int64(stmt, 3),
							     .product = vmp_stmt_str(stmt, 4),
							     .tenant = vmp_stmt_str(stmt, 5),
							     .reason = vmp_stmt_str(stmt, 6),
							     .wants = sqlite3_column_int64(stmt, 7),
							     .available = sqlite3_column_int64(stmt, 8),
							     .first_at = sqlite3_column_int64(stmt, 9),
							     .last_at = sqlite3_column_int64(stmt, 10),
							     .n = sqlite3_column_int64(stmt, 11) };

		err = each(ctx, &refusal);
		if (err != VMP_OK) {
			vmp_stmt_done(stmt);
			return err;
		}
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}

/* -- what is wrong -------------------------------------------------------------------------------------------- */

/* What of one pool is worth a word. */
static int look_at_pool(const struct line *line, int64_t now, int (*each)(void *ctx, const char *finding), void *ctx)
{
	const struct vmp_licence_pool *pool = &line->pool;
	const char *state = state_of(pool, now);
	char text[256];

	if (line->leased > pool->rule.owned) {
		snprintf(text, sizeof(text), "pool %s: %lld licences of %s are leased, and %lld owned", pool->name,
			 (long long)line->leased, pool->rule.product, (long long)pool->rule.owned);
		return each(ctx, text);
	}
	if (strcmp(state, "open") != 0 && line->leased > 0) {
		snprintf(text, sizeof(text), "pool %s: is %s, and %lld licences of %s run out", pool->name,
			 strcmp(state, "not yet") == 0 ? "not open yet" : state, (long long)line->leased,
			 pool->rule.product);
		return each(ctx, text);
	}
	return VMP_OK;
}

/* Rows whose first column is a finding. */
static int look_at_rows(struct vmp_store *store, const char *sql, const struct vmp_bind *binds,
			int (*each)(void *ctx, const char *finding), void *ctx, struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(store, sql, binds, &stmt, msg);

	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		err = each(ctx, vmp_stmt_str(stmt, 0));
		if (err != VMP_OK) {
			vmp_stmt_done(stmt);
			return err;
		}
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}

int vmp_licence_doctor(struct vmp_store *store, const struct vmp_clock *clock,
		       int (*each)(void *ctx, const char *finding), void *ctx, struct vmp_msg *msg)
{
	static const char missing[] =
		"SELECT 'template ' || name || ': needs licences of ' || licence_product || "
		"', of which its tenant has no pool' FROM template AS t WHERE kind = 'vm' "
		"AND licence_product <> '' AND enabled AND NOT EXISTS (SELECT 1 FROM licence_pool "
		"AS p WHERE p.product = t.licence_product "
		"AND (p.tenant_id IS NULL OR p.tenant_id = t.tenant_id)) ORDER BY name",
			  gone[] =
				  "SELECT 'lease of ' || product || ' by ' || holder || ': its holder is not there any "
				  "more; it ends by itself' FROM lease WHERE parts <> '[]' "
				  "AND (boot_id <> ?1 OR until_ms + grace_ms > ?2) "
				  "AND NOT EXISTS (SELECT 1 FROM guest WHERE uuid = holder) ORDER BY product, holder",
			  recovery[] = "SELECT 'licences: the store was an older copy: nothing is granted for ' || "
				       "((recover_until_ms - ?2 + 999) / 1000) || ' more seconds' FROM licence_state "
				       "WHERE recover_boot_id = ?1 AND recover_until_ms > ?2";
	const struct vmp_bind *now = BIND_LIST(BIND_TEXT(clock->boot_id), BIND_INT(clock->boot_ms));
	struct lines lines;
	size_t i;
	int err = read_lines(store, clock, &lines, msg);

	for (i = 0; i < lines.n && err == VMP_OK; i++)
		err = look_at_pool(&lines.line[i], clock->now, each, ctx);
	free(lines.line);
	if (err == VMP_OK)
		err = look_at_rows(store, missing, BIND_NONE, each, ctx, msg);
	if (err == VMP_OK)
		err = look_at_rows(store, gone, now, each, ctx, msg);
	return err == VMP_OK ? look_at_rows(store, recovery, now, each, ctx, msg) : err;
}
