#include "store_audit.h"
#include "store_stmt.h"

#include <string.h>

/* One line of at most max octets; it may speak of what a NAS has sent. */
static const char *tidy_text(const char *text, size_t max, char *out)
{
	size_t len = text ? strlen(text) : 0, i;

	len = len ? vmp_stmt_cut(text, len, max) : 0;
	for (i = 0; i < len; i++)
		out[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
	out[len] = '\0';
	vmp_stmt_utf8(out, len);
	return out;
}

int vmp_store_audit(struct vmp_store *store, const struct vmp_audit *event, struct vmp_msg *msg)
{
	char word[65], actor[161], subject[161], detail[401];

	return vmp_stmt_run(store, "INSERT INTO audit (event, actor, subject, detail) VALUES (?1, ?2, ?3, ?4)",
			    BIND_LIST(BIND_TEXT(tidy_text(event->event, sizeof(word) - 1, word)),
				      BIND_TEXT(tidy_text(event->actor, sizeof(actor) - 1, actor)),
				      BIND_TEXT(tidy_text(event->subject, sizeof(subject) - 1, subject)),
				      BIND_TEXT(tidy_text(event->detail, sizeof(detail) - 1, detail))),
			    NULL, msg);
}

int vmp_store_audit_each(struct vmp_store *store, const struct vmp_audit_filter *filter,
			 int (*each)(void *ctx, const struct vmp_audit *event), void *ctx, struct vmp_msg *msg)
{
	static const char sql[] = "SELECT * FROM (SELECT id, at, event, actor, subject, detail FROM audit "
				  "WHERE id > ?1 AND at >= ?2 AND (?3 IS NULL OR event = ?3) "
				  "AND (?4 IS NULL OR instr(actor, ?4) OR instr(subject, ?4)) "
				  "ORDER BY id DESC LIMIT ?5) ORDER BY id",
			  all[] = "SELECT id, at, event, actor, subject, detail FROM audit "
				  "WHERE id > ?1 AND at >= ?2 AND (?3 IS NULL OR event = ?3) "
				  "AND (?4 IS NULL OR instr(actor, ?4) OR instr(subject, ?4)) ORDER BY id";
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(store, filter->last > 0 ? sql : all,
				filter->last > 0 ? BIND_LIST(BIND_INT(filter->after_id), BIND_INT(filter->since),
							     BIND_TEXT(filter->event), BIND_TEXT(filter->about),
							     BIND_INT(filter->last))
						 : BIND_LIST(BIND_INT(filter->after_id), BIND_INT(filter->since),
							     BIND_TEXT(filter->event), BIND_TEXT(filter->about)),
				&stmt, msg);

	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		const struct vmp_audit row = { .id = sqlite3_column_int64(stmt, 0),
					       .at = sqlite3_column_int64(stmt, 1),
					       .event = vmp_stmt_str(stmt, 2),
					       .actor = vmp_stmt_str(stmt, 3),
					       .subject = vmp_stmt_str(stmt, 4),
					       .detail = vmp_stmt_str(stmt, 5) };

		err = each(ctx, &row);
		if (err != VMP_OK) {
			vmp_stmt_done(stmt);
			return err;
		}
	}
	return err == VMP_ENOENT ? VMP_OK : err;
}

int vmp_store_audit_tidy(struct vmp_store *store, int64_t now, int64_t keep_s, int max, int *n, struct vmp_msg *msg)
{
	int64_t last = 0;
	int err = vmp_stmt_old(store, "SELECT id, at FROM audit ORDER BY id LIMIT ?1", now - keep_s, max, &last, msg);

	*n = 0;
	if (err != VMP_OK || !last)
		return err;
	return vmp_stmt_run(store, "DELETE FROM audit WHERE id <= ?1", BIND_LIST(BIND_INT(last)), n, msg);
}
