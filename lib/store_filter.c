#include "store_filter.h"
#include "store_directory.h"
#include "store_stmt.h"

#include <string.h>

/** After more changes than this, all is told anew: to sift them costs as much. */
#define CHANGES_MAX 8192

/* Who asks, and a row of change that may concern it. */
struct viewer {
	struct vmp_store *store;
	uint64_t mac;
	struct vmp_msg *msg;
	bool concerned;
};

static int on_own(struct viewer *v, const struct vmp_change *c)
{
	v->concerned |= (uint64_t)c->ref == v->mac;
	return VMP_OK;
}

static int on_coi(struct viewer *v, const struct vmp_change *c)
{
	int64_t there;
	int err = vmp_stmt_number(v->store, "SELECT 1 FROM member WHERE mac = ?1 AND coi_id = ?2",
				  BIND_LIST(BIND_INT(v->mac), BIND_INT(c->ref)), &there, v->msg);

	v->concerned |= err == VMP_OK;
	return err == VMP_ENOENT ? VMP_OK : err;
}

/* Its rows are of more than COIs. */
static int on_directory(struct viewer *v, const struct vmp_change *c)
{
	return strncmp(c->name, "coi ", 4) == 0 ? on_coi(v, c) : VMP_OK;
}

static const struct {
	const char *kind;
	int (*on)(struct viewer *v, const struct vmp_change *c);
} kinds[] = {
	{ "filter", on_coi },
	{ "member", on_own },
	{ "directory", on_directory },
};

static int on_change(void *ctx, const struct vmp_change *change)
{
	struct viewer *v = ctx;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].kind, change->kind) == 0)
			return kinds[i].on(v, change);
	}
	return VMP_OK;
}

int vmp_store_filters_changed(struct vmp_store *store, uint64_t mac, int64_t since, int64_t *version,
			      struct vmp_msg *msg)
{
	struct viewer v = { .store = store, .mac = mac, .msg = msg };
	int64_t first = 0;
	int err = vmp_store_change_last(store, version, msg);

	if (err != VMP_OK || (since > 0 && since == *version))
		return err == VMP_OK ? VMP_ENOENT : err;
	err = vmp_stmt_number(store, "SELECT min(id) FROM change", BIND_NONE, &first, msg);
	if (err != VMP_OK)
		return err;
	if (since <= 0 || since > *version || first == 0 || first > since + 1 || *version - since > CHANGES_MAX)
		return VMP_OK;
	err = vmp_store_change_each(store, since, CHANGES_MAX, on_change, &v, msg);
	return err == VMP_OK && !v.concerned ? VMP_ENOENT : err;
}

static void read_row(sqlite3_stmt *stmt, struct vmp_filter *out)
{
	out->id = sqlite3_column_int64(stmt, 0);
	out->coi = vmp_stmt_str(stmt, 1);
	out->coi_id = sqlite3_column_int64(stmt, 2);
	out->position = sqlite3_column_int64(stmt, 3);
	out->direction = vmp_stmt_str(stmt, 4);
	out->source = vmp_stmt_str(stmt, 5);
	out->destination = vmp_stmt_str(stmt, 6);
	out->protocol = vmp_stmt_str(stmt, 7);
	out->source_ports = vmp_stmt_str(stmt, 8);
	out->ports = vmp_stmt_str(stmt, 9);
	out->action = vmp_stmt_str(stmt, 10);
	out->log = sqlite3_column_int(stmt, 11);
}

int vmp_store_filters(struct vmp_store *store, uint64_t mac, int (*each)(void *ctx, const struct vmp_filter *rule),
		      void *ctx, struct vmp_msg *msg)
{
	static const char sql[] =
		"SELECT filter.id, coi.name, coi.id, position, direction, source, destination, protocol, "
		"source_ports, ports, action, log FROM member JOIN coi ON coi.id = member.coi_id "
		"JOIN filter ON filter.coi_id = coi.id WHERE member.mac = ?1 AND coi.enabled "
		"AND filter.enabled ORDER BY coi.name, position, filter.id";
	struct vmp_filter rule;
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(store, sql, BIND_LIST(BIND_INT(mac)), &stmt, msg);

	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		read_row(stmt, &rule);
		err = each(ctx, &rule);
		if (err != VMP_OK) {
			vmp_stmt_done(stmt);
			return err;
		}
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}
