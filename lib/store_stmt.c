#include "store_stmt.h"

#include <stdlib.h>
#include <string.h>

/* Open addressing on the text's address. */
struct vmp_stmt_slot {
	const char *sql;
	sqlite3_stmt *stmt;
};

static size_t slot_of(const struct vmp_stmt_cache *cache, const char *sql)
{
	size_t at = ((uintptr_t)sql >> 4) * 0x9e3779b1u & (cache->room - 1);

	while (cache->slot[at].sql && cache->slot[at].sql != sql)
		at = (at + 1) & (cache->room - 1);
	return at;
}

/* Keep at least half of the slots empty. */
static bool make_room(struct vmp_stmt_cache *cache)
{
	struct vmp_stmt_cache more = { .room = cache->room ? cache->room * 2 : 128, .used = cache->used };
	size_t i;

	if (cache->used * 2 < cache->room)
		return true;
	more.slot = calloc(more.room, sizeof(*more.slot));
	if (!more.slot)
		return false;
	for (i = 0; i < cache->room; i++) {
		if (cache->slot[i].sql)
			more.slot[slot_of(&more, cache->slot[i].sql)] = cache->slot[i];
	}
	free(cache->slot);
	*cache = more;
	return true;
}

static int find(struct vmp_store *store, const char *sql, sqlite3_stmt **out, struct vmp_msg *msg)
{
	struct vmp_stmt_cache *cache = &store->stmts;
	sqlite3_stmt *stmt = NULL;
	size_t at;
	int rc;

	if (!make_room(cache))
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	at = slot_of(cache, sql);
	if (!cache->slot[at].sql) {
		rc = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
		if (rc != SQLITE_OK)
			return vmp_store_error(store, rc, "cannot prepare", msg);
		cache->slot[at] = (struct vmp_stmt_slot){ sql, stmt };
		cache->used++;
	}
	*out = cache->slot[at].stmt;
	return VMP_OK;
}

void vmp_stmt_clear(struct vmp_store *store)
{
	size_t i;

	for (i = 0; i < store->stmts.room; i++)
		sqlite3_finalize(store->stmts.slot[i].stmt);
	free(store->stmts.slot);
	memset(&store->stmts, 0, sizeof(store->stmts));
}

static int bind_one(sqlite3_stmt *stmt, int at, const struct vmp_bind *bind)
{
	if (bind->type == VMP_BIND_INT || (bind->type == VMP_BIND_NONZERO && bind->num))
		return sqlite3_bind_int64(stmt, at, bind->num);
	if (!bind->data)
		return sqlite3_bind_null(stmt, at);
	if (bind->type == VMP_BIND_TEXT)
		return sqlite3_bind_text(stmt, at, bind->data, -1, SQLITE_STATIC);
	return sqlite3_bind_blob64(stmt, at, bind->data, bind->len, SQLITE_STATIC);
}

int vmp_stmt_bind(struct vmp_store *store, const char *sql, const struct vmp_bind *binds, sqlite3_stmt **out,
		  struct vmp_msg *msg)
{
	int err = find(store, sql, out, msg), at, rc = SQLITE_OK;

	if (err != VMP_OK) {
		*out = NULL;
		return err;
	}
	sqlite3_reset(*out);
	for (at = 1; binds->type != VMP_BIND_END && rc == SQLITE_OK; at++, binds++)
		rc = bind_one(*out, at, binds);
	return rc == SQLITE_OK ? VMP_OK : vmp_store_error(store, rc, "cannot bind", msg);
}

void vmp_stmt_done(sqlite3_stmt *stmt)
{
	if (!stmt)
		return;
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt);
}

/* The schema speaks to people already: nothing is added to its words. */
static int refused(const char *text, struct vmp_msg *msg)
{
	static const char check[] = "CHECK constraint failed: ";

	if (strncmp(text, check, sizeof(check) - 1) == 0)
		text += sizeof(check) - 1;
	return vmp_fail(msg, VMP_EINVAL, "%s", text);
}

int vmp_stmt_next(struct vmp_store *store, sqlite3_stmt *stmt, struct vmp_msg *msg)
{
	int rc = sqlite3_step(stmt), err = VMP_ENOENT;

	if (rc == SQLITE_ROW)
		return VMP_OK;
	if ((rc & 0xff) == SQLITE_CONSTRAINT)
		err = refused(sqlite3_errmsg(store->db), msg);
	else if (rc != SQLITE_DONE)
		err = vmp_store_error(store, rc, sqlite3_stmt_readonly(stmt) ? "cannot read" : "cannot write", msg);
	vmp_stmt_done(stmt);
	return err;
}

int vmp_stmt_first(struct vmp_store *store, const char *sql, const struct vmp_bind *binds, sqlite3_stmt **out,
		   struct vmp_msg *msg)
{
	int err = vmp_stmt_bind(store, sql, binds, out, msg);

	return err == VMP_OK ? vmp_stmt_next(store, *out, msg) : err;
}

int vmp_stmt_run(struct vmp_store *store, const char *sql, const struct vmp_bind *binds, int *changes,
		 struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_first(store, sql, binds, &stmt, msg);

	if (err == VMP_OK)
		vmp_stmt_done(stmt);
	if (err != VMP_OK && err != VMP_ENOENT)
		return err;
	if (changes)
		*changes = sqlite3_changes(store->db);
	return VMP_OK;
}

int vmp_stmt_number(struct vmp_store *store, const char *sql, const struct vmp_bind *binds, int64_t *out,
		    struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_first(store, sql, binds, &stmt, msg);

	if (err == VMP_OK) {
		*out = sqlite3_column_int64(stmt, 0);
		vmp_stmt_done(stmt);
	}
	return err;
}

size_t vmp_stmt_cut(const char *text, size_t len, size_t max)
{
	size_t at = max, back;

	if (len <= max)
		return len;
	/* No character has more than three octets after its first. */
	for (back = 0; back < 3 && at && ((unsigned char)text[at] & 0xc0) == 0x80; back++)
		at--;
	return ((unsigned char)text[at] & 0xc0) == 0x80 ? max : at;
}

/* The octets, at most n, of the character that text begins with; 0: it is no UTF-8 (RFC 3629). */
static size_t char_len(const unsigned char *text, size_t n)
{
	unsigned char low = text[0] == 0xe0 ? 0xa0 : text[0] == 0xf0 ? 0x90 : 0x80;  /* less would be overlong */
	unsigned char high = text[0] == 0xed ? 0x9f : text[0] == 0xf4 ? 0x8f : 0xbf; /* surrogates; beyond Unicode */
	size_t len = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4, i;

	if (text[0] < 0x80)
		return 1;
	if (text[0] < 0xc2 || text[0] > 0xf4 || len > n || text[1] < low || text[1] > high)
		return 0;
	for (i = 2; i < len; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

/* What a terminal with another encoding has typed: JSON, and certificates, could not carry it. */
void vmp_stmt_utf8(char *text, size_t len)
{
	size_t at, n;

	for (at = 0; at < len; at += n ? n : 1) {
		n = char_len((unsigned char *)text + at, len - at);
		if (!n)
			text[at] = '?';
	}
}

const char *vmp_stmt_or_empty(const char *text)
{
	return text ? text : "";
}

const char *vmp_stmt_str(sqlite3_stmt *stmt, int col)
{
	return vmp_stmt_or_empty((const char *)sqlite3_column_text(stmt, col));
}

void vmp_stmt_text(sqlite3_stmt *stmt, int col, char *out, size_t room)
{
	const char *text = (const char *)sqlite3_column_text(stmt, col);
	size_t len = text ? vmp_stmt_cut(text, (size_t)sqlite3_column_bytes(stmt, col), room - 1) : 0;

	if (len)
		memcpy(out, text, len);
	vmp_stmt_utf8(out, len);
	out[len] = '\0';
}

bool vmp_stmt_blob(sqlite3_stmt *stmt, int col, void *out, size_t *len)
{
	const void *data = sqlite3_column_blob(stmt, col);
	size_t n = (size_t)sqlite3_column_bytes(stmt, col);

	if (n > *len)
		return false;
	if (n)
		memcpy(out, data, n);
	*len = n;
	return true;
}

int vmp_stmt_old(struct vmp_store *store, const char *sql, int64_t before, int max, int64_t *last, struct vmp_msg *msg)
{
	sqlite3_stmt *stmt;
	int err = vmp_stmt_bind(store, sql, BIND_LIST(BIND_INT(max)), &stmt, msg);

	while (err == VMP_OK && (err = vmp_stmt_next(store, stmt, msg)) == VMP_OK) {
		if (sqlite3_column_int64(stmt, 1) >= before)
			break;
		*last = sqlite3_column_int64(stmt, 0);
	}
	if (err == VMP_OK)
		vmp_stmt_done(stmt);
	return err == VMP_ENOENT ? VMP_OK : err;
}

int vmp_stmt_read_begin(struct vmp_store *store, bool *opened, struct vmp_msg *msg)
{
	*opened = sqlite3_get_autocommit(store->db);
	return *opened ? vmp_stmt_run(store, "BEGIN", BIND_NONE, NULL, msg) : VMP_OK;
}

void vmp_stmt_read_end(struct vmp_store *store, bool opened)
{
	if (opened && vmp_stmt_run(store, "COMMIT", BIND_NONE, NULL, NULL) != VMP_OK)
		vmp_store_rollback(store);
}
