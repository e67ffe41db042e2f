/** What the store's files share; nobody else includes it. */
#ifndef VMP_STORE_INTERNAL_H
#define VMP_STORE_INTERNAL_H

#include "arena.h"
#include "store.h"

#include <sqlite3.h>
#include <sys/stat.h>

/** A catalog and the memory behind it. */
struct vmp_catalog_box {
	struct vmp_catalog cat;
	struct vmp_arena strings;
	unsigned *count_version; /**< for cat.coi[i].member_count: the data version it was read at */
};

/** Prepared statements of the look-up. */
enum look {
	LOOK_BEGIN,
	LOOK_COMMIT,
	LOOK_VM,
	LOOK_GENERATION,
	LOOK_MEMBERS,
	LOOK_HOSTS,
	LOOK_NASES,
	LOOK_EAP_MD5,
	LOOKS
};

/** Statements by the address of their text: store_stmt.h. */
struct vmp_stmt_cache {
	struct vmp_stmt_slot *slot;
	size_t room, used; /**< room is 0 or a power of two */
};

/** [octets] One copy of the WAL index's header. */
#define VMP_WAL_HEADER 48

struct vmp_store {
	sqlite3 *db;
	char *path;
	enum vmp_store_kind kind;
	enum vmp_store_mode mode;
	int version;
	int busy_ms;	    /**< how long to wait for a lock */
	int fd;		    /**< O_PATH on the file that is open, to notice another in its place; -1 */
	int64_t checked_ms; /**< CLOCK_MONOTONIC when path was last found to name fd's file */

	struct vmp_stmt_cache stmts;
	sqlite3_stmt *session; /**< whose row vmp_session_get() has handed out; NULL */
	int64_t polled;	       /**< SQLite's data version at the last vmp_store_poll(); 0: none yet */

	sqlite3_stmt *look[LOOKS];
	struct vmp_catalog_box *box; /**< NULL: not read yet */
	unsigned data_version;	     /**< box is known to be current at this version of the file */
	struct vmp_vm vm;

	bool kept;			/**< a read transaction is open, and is the commit that wal_header names */
	int64_t kept_since_ms;		/**< CLOCK_MONOTONIC */
	const volatile void *wal_index; /**< SQLite's mapping; NULL: there is none */
	uint8_t wal_header[VMP_WAL_HEADER];
};

/** Prepare one of the look-up's statements, once. */
VMP_CHECKED int vmp_store_look(struct vmp_store *store, enum look which, struct vmp_msg *msg);

/** [ms] CLOCK_MONOTONIC, to the tick: cheap enough to ask in every look-up. */
int64_t vmp_store_now_ms(void);

/** Be inside a read transaction that sees the latest commit. */
VMP_CHECKED int vmp_store_snapshot_enter(struct vmp_store *store, struct vmp_msg *msg);
/** The transaction's first statement has run: it may be kept from now on. */
void vmp_store_snapshot_taken(struct vmp_store *store);
/** A look-up is over: end the transaction unless it is kept. */
void vmp_store_snapshot_leave(struct vmp_store *store);

/** Turn SQLite's error into ours, with the store's path and SQLite's words in msg. */
int vmp_store_error(const struct vmp_store *store, int rc, const char *doing, struct vmp_msg *msg);

/** Read the small tables inside the present read transaction. */
VMP_CHECKED int vmp_store_catalog_load(struct vmp_store *store, int64_t generation, struct vmp_catalog_box **out,
				       struct vmp_msg *msg);
void vmp_store_catalog_free(struct vmp_catalog_box *box);

/** Read the nullable policy columns from col on, in the order vlan, tagged_vlans, cos, ingress_kbps,
 * egress_kbps, acl, session_timeout_s, mab.  Texts are borrowed from the row. */
void vmp_store_policy_columns(sqlite3_stmt *stmt, int col, struct vmp_policy *out);

/** Finalize the look-up's statements and drop its catalog. */
void vmp_store_look_clear(struct vmp_store *store);
/** Finalize store_stmt.h's statements. */
void vmp_stmt_clear(struct vmp_store *store);

/** One migration, from schema/. */
struct vmp_migration {
	const char *name, *sql;
};
extern const struct vmp_migration vmp_schema_policy[], vmp_schema_session[],
	vmp_schema_broker[]; /**< a NULL name ends */

#endif
