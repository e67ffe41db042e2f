/** Prepared statements of a store, for lib/store*.c alone: made once, kept until the store is closed.
 *
 * A statement is one text constant: its address is the key, so two functions that share one share its rows too.
 */
#ifndef VMP_STORE_STMT_H
#define VMP_STORE_STMT_H

#include "store_internal.h"

/** A value for a parameter. */
struct vmp_bind {
	enum { VMP_BIND_END, VMP_BIND_INT, VMP_BIND_NONZERO, VMP_BIND_TEXT, VMP_BIND_BLOB } type;
	int64_t num;
	const void *data; /**< borrowed until the statement is done; NULL binds NULL */
	size_t len;
};

#define BIND_INT(v)                                                                                                    \
	{                                                                                                              \
		VMP_BIND_INT, (int64_t)(v), NULL, 0                                                                    \
	}
#define BIND_NONZERO(v)                                                                                                \
	{                                                                                                              \
		VMP_BIND_NONZERO, (int64_t)(v), NULL, 0                                                                \
	} /**< 0 binds NULL */
#define BIND_TEXT(v)                                                                                                   \
	{                                                                                                              \
		VMP_BIND_TEXT, 0, (v), 0                                                                               \
	}
#define BIND_BLOB(v, n)                                                                                                \
	{                                                                                                              \
		VMP_BIND_BLOB, 0, (v), (n)                                                                             \
	}
#define BIND_LIST(...) ((const struct vmp_bind[]){ __VA_ARGS__, { VMP_BIND_END, 0, NULL, 0 } })
#define BIND_NONE      (&(const struct vmp_bind){ VMP_BIND_END, 0, NULL, 0 })

/** Take a statement from the cache and bind its parameters, ?1 first. */
VMP_CHECKED int vmp_stmt_bind(struct vmp_store *store, const char *sql, const struct vmp_bind *binds,
			      sqlite3_stmt **out, struct vmp_msg *msg);
/** The next row.  @return VMP_OK; VMP_ENOENT at the end, and then the statement is done; or an error, likewise. */
VMP_CHECKED int vmp_stmt_next(struct vmp_store *store, sqlite3_stmt *stmt, struct vmp_msg *msg);
/** Done with it before its last row.  NULL is allowed. */
void vmp_stmt_done(sqlite3_stmt *stmt);

/** Bind, and get the first row: vmp_stmt_done() comes after VMP_OK. */
VMP_CHECKED int vmp_stmt_first(struct vmp_store *store, const char *sql, const struct vmp_bind *binds,
			       sqlite3_stmt **out, struct vmp_msg *msg);
/** Run one that yields no rows.  What the schema refuses is VMP_EINVAL, in its own words alone.
 * @param changes  out, rows; NULL is allowed. */
VMP_CHECKED int vmp_stmt_run(struct vmp_store *store, const char *sql, const struct vmp_bind *binds, int *changes,
			     struct vmp_msg *msg);
/** The first column of the first row as a number; VMP_ENOENT when there is none. */
VMP_CHECKED int vmp_stmt_number(struct vmp_store *store, const char *sql, const struct vmp_bind *binds, int64_t *out,
				struct vmp_msg *msg);

/** A column's text, cut to room at a character's end, with '?' for each octet that is no UTF-8; "" for NULL. */
void vmp_stmt_text(sqlite3_stmt *stmt, int col, char *out, size_t room);
/** A column's text as it is, borrowed from the row; "" for NULL. */
const char *vmp_stmt_str(sqlite3_stmt *stmt, int col);
/** @return text, or "" for NULL. */
const char *vmp_stmt_or_empty(const char *text);
/** A column of octets. @param len  in: room, out: length. @return false when there is no room. */
bool vmp_stmt_blob(sqlite3_stmt *stmt, int col, void *out, size_t *len);
/** Put '?' in the place of each octet that is no UTF-8. */
void vmp_stmt_utf8(char *text, size_t len);
/** How many octets of text, of len, fit into max without half a character (UTF-8). */
size_t vmp_stmt_cut(const char *text, size_t len, size_t max);

/** The last id of the rows that begin a journal and are older than before.  Ids ascend with time, so the search ends
 * at the first that is not, and no index is kept for it.
 * @param sql  yields id and at, by id, at most ?1. @param last  out: 0 when there is none. */
VMP_CHECKED int vmp_stmt_old(struct vmp_store *store, const char *sql, int64_t before, int max, int64_t *last,
			     struct vmp_msg *msg);

/** Be in a read transaction unless one is open. @param opened  out, for vmp_stmt_read_end(). */
VMP_CHECKED int vmp_stmt_read_begin(struct vmp_store *store, bool *opened, struct vmp_msg *msg);
void vmp_stmt_read_end(struct vmp_store *store, bool opened);

#endif
