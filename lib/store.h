/** The store: policy.db, session.db and gateway.db in SQLite.  SQL lives in lib/store*.c and schema/ alone.
 *
 * A handle belongs to one thread at a time.
 */
#ifndef VMP_STORE_H
#define VMP_STORE_H

#include "policy.h"

struct vmp_store;

enum vmp_store_kind { VMP_STORE_POLICY, VMP_STORE_SESSION, VMP_STORE_BROKER };
enum vmp_store_mode {
	VMP_STORE_READ,	 /**< must exist; never written, not even its journal */
	VMP_STORE_WRITE, /**< must exist */
	VMP_STORE_CREATE /**< made empty if absent, for its group too (0640; session.db 0660): migrate next */
};

/** Tell SQLite to keep no process-wide statistics, whose mutex every thread would contend for.
 * Call once, before the first open, in a program with many threads; without effect later. */
void vmp_store_tune_process(void);

/** Open a store.
 *
 * @param path     file; borrowed.
 * @param busy_ms  how long to wait for a lock before VMP_EBUSY.
 * @param out      new handle for vmp_store_close(); NULL on error.
 * @return VMP_OK; VMP_ENOENT, VMP_EIO, VMP_EBUSY, VMP_ECORRUPT; VMP_EVERSION when the schema is newer
 *         than this program or, except for VMP_STORE_CREATE, older.
 */
VMP_CHECKED int vmp_store_open(struct vmp_store **out, const char *path, enum vmp_store_kind kind,
			       enum vmp_store_mode mode, int busy_ms, struct vmp_msg *msg);
/** NULL is allowed. */
void vmp_store_close(struct vmp_store *store);

/** Does the path still name the file that is open? */
bool vmp_store_is_there(const struct vmp_store *store);

/** The schema version that this program knows for a kind. */
int vmp_store_version_known(enum vmp_store_kind kind);
/** The version that the open store has. */
int vmp_store_version(const struct vmp_store *store);

/** Bring the schema to the known version in one transaction; opens with VMP_STORE_CREATE alone.
 * @param from,to  out, versions before and after; NULL is allowed. */
VMP_CHECKED int vmp_store_migrate(struct vmp_store *store, int *from, int *to, struct vmp_msg *msg);

/** Empty the write-ahead log when it holds anything, nobody wrote for quiet_s seconds and no reader needs it;
 * otherwise do nothing.  Never waits, so that no writer waits for it: sqlite3's shell would give up at once. */
void vmp_store_trim(struct vmp_store *store, int quiet_s);

/** Take up to 256 MiB of cache: before a bulk load, and for who writes all over a store. */
void vmp_store_bulk(struct vmp_store *store);

/** One transaction over several calls (BEGIN IMMEDIATE).  Rollback is harmless when none is open. */
VMP_CHECKED int vmp_store_begin(struct vmp_store *store, struct vmp_msg *msg);
VMP_CHECKED int vmp_store_commit(struct vmp_store *store, struct vmp_msg *msg);
void vmp_store_rollback(struct vmp_store *store);

/** Inside a transaction, a place to come back to; one at a time.
 * @return VMP_OK; VMP_EIO when SQLite has rolled the transaction back, as it does when the disk is full. */
VMP_CHECKED int vmp_store_mark(struct vmp_store *store, struct vmp_msg *msg);
/** Give the place up; what was written since stays or is taken back.  If that cannot be done, all is taken back, and
 * the commit fails. */
void vmp_store_release(struct vmp_store *store, bool keep);

/** Write without changing anything, so that the commit tells whether the disk takes it.  Belongs inside
 * vmp_store_begin() and _commit(). */
VMP_CHECKED int vmp_store_touch(struct vmp_store *store, struct vmp_msg *msg);

/** [ms] After this time at the latest a look-up notices that another file has taken the store's place.  (A
 * commit is seen by the very next look-up.) */
#define VMP_STORE_REPLACED_MS 10

/** Look a MAC up and decide, all inside one read transaction on the latest commit.
 *
 * Call vmp_store_end() when done with out, whose pointers die then; also after errors.  Between the two
 * the handle takes vmp_store_eap_md5() and nothing else.
 *
 * @return VMP_OK with out->verdict, VMP_UNKNOWN among them; VMP_EBUSY, VMP_ECORRUPT, VMP_EVERSION, VMP_EIO,
 *         VMP_ENOMEM: then nothing is known, and out is not filled.  VMP_ENOENT when the path has come to
 *         name another file than the one that is open: close and open again.
 * Cost: one descent of one tree; more only for links that the row says exist; the small tables
 *       are read again only after a commit that changed them.
 */
VMP_CHECKED int vmp_store_decide(struct vmp_store *store, uint64_t mac, const struct vmp_request *req,
				 struct vmp_decision *out, struct vmp_msg *msg);
/** The EAP-MD5 password of the VM just looked up; out->text is wiped by the caller.
 * @return VMP_OK; VMP_ENOENT when it has none. */
VMP_CHECKED int vmp_store_eap_md5(struct vmp_store *store, char out[129], struct vmp_msg *msg);
void vmp_store_end(struct vmp_store *store);

/** [ms] A look-up's read transaction is kept for the next ones so long at the most, while nothing is committed. */
#define VMP_STORE_KEPT_MS 100
/** Call now and then on a handle that is not being used: ends a transaction that was kept so long. */
void vmp_store_idle(struct vmp_store *store);

#endif
