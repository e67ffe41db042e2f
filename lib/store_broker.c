#include "store_broker.h"
#include "store_stmt.h"

#include <string.h>

int vmp_broker_state_get(struct vmp_store *store, struct vmp_broker_state *out, struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_first(store, "SELECT seq, longest_ms, recover_until_ms, recover_boot_id, home FROM broker",
				 BIND_NONE, &stmt, msg);

	memset(out, 0, sizeof(*out));
	if (err != VMP_OK)
		return err == VMP_ENOENT ? vmp_fail(msg, VMP_ECORRUPT, "the broker's row is missing") : err;
	out->seq = sqlite3_column_int64(stmt, 0);
	out->longest_ms = sqlite3_column_int64(stmt, 1);
	out->recover_until_ms = sqlite3_column_int64(stmt, 2);
	vmp_stmt_text(stmt, 3, out->recover_boot_id, sizeof(out->recover_boot_id));
	vmp_stmt_text(stmt, 4, out->home, sizeof(out->home));
	vmp_stmt_done(stmt);
	return VMP_OK;
}

int vmp_broker_state_set(struct vmp_store *store, const struct vmp_broker_state *state, struct vmp_msg *msg)
{
	return vmp_stmt_run(store,
			    "UPDATE broker SET seq = ?1, longest_ms = ?2, recover_until_ms = ?3, recover_boot_id = ?4,"
			    " home = ?5",
			    BIND_LIST(BIND_INT(state->seq), BIND_INT(state->longest_ms),
				      BIND_INT(state->recover_until_ms), BIND_TEXT(state->recover_boot_id),
				      BIND_TEXT(state->home)),
			    NULL, msg);
}

int vmp_broker_fill(struct vmp_store *store, struct vmp_msg *msg)
{
	return vmp_stmt_run(store, "UPDATE filler SET octets = randomblob(32768)", BIND_NONE, NULL, msg);
}

/* -- parents ------------------------------------------------------------------------------------------------------ */

int vmp_broker_parent_put(struct vmp_store *store, const struct vmp_broker_parent *p, struct vmp_msg *msg)
{
	return vmp_stmt_run(
		store,
		"INSERT INTO parent (server, product, seq, held, end_ms, grace_ms, lapsing, lapsed_ms, boot_id,"
		" request_id, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
		" ON CONFLICT (server, product) DO UPDATE SET seq = excluded.seq, held = excluded.held,"
		" end_ms = excluded.end_ms, grace_ms = excluded.grace_ms, lapsing = excluded.lapsing,"
		" lapsed_ms = excluded.lapsed_ms, boot_id = excluded.boot_id, request_id = excluded.request_id,"
		" body = excluded.body",
		BIND_LIST(BIND_TEXT(p->server), BIND_TEXT(p->product), BIND_INT(p->seq), BIND_INT(p->held),
			  BIND_INT(p->end_ms), BIND_INT(p->grace_ms), BIND_INT(p->lapsing), BIND_INT(p->lapsed_ms),
			  BIND_TEXT(p->boot_id), BIND_TEXT(p->request_id), BIND_TEXT(p->body)),
		NULL, msg);
}

int vmp_broker_parent_remove(struct vmp_store *store, const char *server, const char *product, struct vmp_msg *msg)
{
	return vmp_stmt_run(store, "DELETE FROM parent WHERE server = ?1 AND product = ?2",
			    BIND_LIST(BIND_TEXT(server), BIND_TEXT(product)), NULL, msg);
}

int vmp_broker_parents(struct vmp_store *store, vmp_broker_parent_fn each, void *ctx, struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(store,
				"SELECT server, product, seq, held, end_ms, grace_ms, boot_id, request_id, body,"
				" lapsing, lapsed_ms"
				" FROM parent ORDER BY server, product",
				BIND_NONE, &stmt, msg);

	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		struct vmp_broker_parent p = { .server = vmp_stmt_str(stmt, 0),
					       .product = vmp_stmt_str(stmt, 1),
					       .seq = sqlite3_column_int64(stmt, 2),
					       .held = sqlite3_column_int64(stmt, 3),
					       .end_ms = sqlite3_column_int64(stmt, 4),
					       .grace_ms = sqlite3_column_int64(stmt, 5),
					       .boot_id = vmp_stmt_str(stmt, 6),
					       .request_id = vmp_stmt_str(stmt, 7),
					       .body = vmp_stmt_str(stmt, 8),
					       .lapsing = sqlite3_column_int64(stmt, 9),
					       .lapsed_ms = sqlite3_column_int64(stmt, 10) };

		err = each(ctx, &p);
		if (err != VMP_OK)
			vmp_stmt_done(stmt);
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}

/* -- children ----------------------------------------------------------------------------------------------------- */

int vmp_broker_child_put(struct vmp_store *store, const struct vmp_lease *l, const char *boot_id, bool reported,
			 struct vmp_msg *msg)
{
	const struct vmp_lease_part none = { 0 }, *part = l->n_part ? &l->part[0] : &none;

	return vmp_stmt_run(
		store,
		"INSERT INTO child (uuid, product, seq, request_id, wants, in_use, held, over_ms, lapsing, lapsed_ms,"
		" life_ms, grace_ms, end_ms, boot_id, reason, refused, available, reported)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"
		" ON CONFLICT (uuid, product) DO UPDATE SET seq = excluded.seq, request_id = excluded.request_id,"
		" wants = excluded.wants, in_use = excluded.in_use, held = excluded.held, over_ms = excluded.over_ms,"
		" lapsing = excluded.lapsing, lapsed_ms = excluded.lapsed_ms, life_ms = excluded.life_ms,"
		" grace_ms = excluded.grace_ms, end_ms = excluded.end_ms, boot_id = excluded.boot_id,"
		" reason = excluded.reason, refused = excluded.refused, available = excluded.available,"
		" reported = excluded.reported, over = 0",
		BIND_LIST(BIND_TEXT(l->holder), BIND_TEXT(l->product), BIND_INT(l->seq), BIND_TEXT(l->request_id),
			  BIND_INT(l->wants), BIND_INT(l->in_use), BIND_INT(part->count), BIND_INT(part->over_ms),
			  BIND_INT(part->lapsing), BIND_INT(part->lapsed_ms), BIND_INT(l->life_ms),
			  BIND_INT(l->grace_ms), BIND_INT(l->end_ms), BIND_TEXT(boot_id), BIND_INT(l->reason),
			  BIND_INT(l->refused), BIND_INT(l->available), BIND_INT(reported)),
		NULL, msg);
}

int vmp_broker_child_over(struct vmp_store *store, const char *uuid, const char *product, struct vmp_msg *msg)
{
	int changes = 0;
	int err = vmp_stmt_run(store, "DELETE FROM child WHERE uuid = ?1 AND product = ?2 AND NOT reported",
			       BIND_LIST(BIND_TEXT(uuid), BIND_TEXT(product)), &changes, msg);

	if (err != VMP_OK || changes)
		return err;
	return vmp_stmt_run(store, "UPDATE child SET over = 1, held = 0, lapsing = 0 WHERE uuid = ?1 AND product = ?2",
			    BIND_LIST(BIND_TEXT(uuid), BIND_TEXT(product)), NULL, msg);
}

int vmp_broker_child_reported(struct vmp_store *store, const char *uuid, const char *product, bool reported,
			      struct vmp_msg *msg)
{
	if (!reported) {
		int changes = 0;
		int err = vmp_stmt_run(store, "DELETE FROM child WHERE uuid = ?1 AND product = ?2 AND over",
				       BIND_LIST(BIND_TEXT(uuid), BIND_TEXT(product)), &changes, msg);

		if (err != VMP_OK || changes)
			return err;
	}
	return vmp_stmt_run(store, "UPDATE child SET reported = ?3 WHERE uuid = ?1 AND product = ?2",
			    BIND_LIST(BIND_TEXT(uuid), BIND_TEXT(product), BIND_INT(reported)), NULL, msg);
}

int vmp_broker_unreport(struct vmp_store *store, const char *product, struct vmp_msg *msg)
{
	int err = vmp_stmt_run(store, "DELETE FROM child WHERE over AND (?1 IS NULL OR product = ?1)",
			       BIND_LIST(BIND_TEXT(product)), NULL, msg);

	return err != VMP_OK
		       ? err
		       : vmp_stmt_run(store,
				      "UPDATE child SET reported = 0 WHERE reported AND (?1 IS NULL OR product = ?1)",
				      BIND_LIST(BIND_TEXT(product)), NULL, msg);
}

static void read_child(sqlite3_stmt *stmt, struct vmp_broker_child *out)
{
	struct vmp_lease *l = &out->lease;

	memset(out, 0, sizeof(*out));
	vmp_stmt_text(stmt, 0, l->holder, sizeof(l->holder));
	vmp_stmt_text(stmt, 1, l->product, sizeof(l->product));
	l->seq = sqlite3_column_int64(stmt, 2);
	vmp_stmt_text(stmt, 3, l->request_id, sizeof(l->request_id));
	l->wants = sqlite3_column_int64(stmt, 4);
	l->in_use = sqlite3_column_int64(stmt, 5);
	l->part[0].count = sqlite3_column_int64(stmt, 6);
	l->part[0].over_ms = sqlite3_column_int64(stmt, 7);
	l->part[0].lapsing = sqlite3_column_int64(stmt, 8);
	l->part[0].lapsed_ms = sqlite3_column_int64(stmt, 9);
	l->n_part = l->part[0].count + l->part[0].lapsing > 0;
	l->life_ms = sqlite3_column_int64(stmt, 10);
	l->grace_ms = sqlite3_column_int64(stmt, 11);
	l->end_ms = sqlite3_column_int64(stmt, 12);
	vmp_stmt_text(stmt, 13, out->boot_id, sizeof(out->boot_id));
	l->reason = (unsigned)sqlite3_column_int64(stmt, 14);
	l->refused = sqlite3_column_int(stmt, 15);
	l->available = sqlite3_column_int64(stmt, 16);
	out->reported = sqlite3_column_int(stmt, 17);
	out->over = sqlite3_column_int(stmt, 18);
}

int vmp_broker_children(struct vmp_store *store, vmp_broker_child_fn each, void *ctx, struct vmp_msg *msg)
{
	struct vmp_broker_child child;
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(
		store,
		"SELECT uuid, product, seq, request_id, wants, in_use, held, over_ms, lapsing, lapsed_ms,"
		" life_ms, grace_ms, end_ms, boot_id, reason, refused, available, reported, over"
		" FROM child",
		BIND_NONE, &stmt, msg);

	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		read_child(stmt, &child);
		err = each(ctx, &child);
		if (err != VMP_OK)
			vmp_stmt_done(stmt);
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}
