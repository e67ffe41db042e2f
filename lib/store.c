#include "store_internal.h"
#include "store_stmt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* [pages of 4 KiB] of session.db's log before a checkpoint; as many as journal_size_limit keeps. */
#define SESSION_WAL_PAGES 16384
/* "vmpv": tells a vmprov store from any other SQLite file. */
#define APPLICATION_ID 0x766d7076

static const struct {
	const struct vmp_migration *schema;
	const char *name;
} kinds[] = {
	[VMP_STORE_POLICY] = { vmp_schema_policy, "policy" },
	[VMP_STORE_SESSION] = { vmp_schema_session, "session" },
	[VMP_STORE_BROKER] = { vmp_schema_broker, "broker" },
};

int vmp_store_version_known(enum vmp_store_kind kind)
{
	const struct vmp_migration *m = kinds[kind].schema;
	int n = 0;

	while (m[n].name)
		n++;
	return n;
}

int vmp_store_version(const struct vmp_store *store)
{
	return store->version;
}

void vmp_store_tune_process(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* SQLite primary result codes to ours; what is missing is an input/output error. */
static const struct {
	int rc;
	enum vmp_err err;
} errors[] = {
	{ SQLITE_BUSY, VMP_EBUSY },	 { SQLITE_LOCKED, VMP_EBUSY },	 { SQLITE_CORRUPT, VMP_ECORRUPT },
	{ SQLITE_NOTADB, VMP_ECORRUPT }, { SQLITE_ERROR, VMP_ECORRUPT }, { SQLITE_SCHEMA, VMP_ECORRUPT },
	{ SQLITE_FULL, VMP_EFULL },	 { SQLITE_NOMEM, VMP_ENOMEM },	 { SQLITE_CONSTRAINT, VMP_EINVAL },
};

int vmp_store_error(const struct vmp_store *store, int rc, const char *doing, struct vmp_msg *msg)
{
	int err = VMP_EIO;
	size_t i;

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (errors[i].rc == (rc & 0xff))
			err = errors[i].err;
	}
	if (store->mode == VMP_STORE_READ && (rc & 0xff) == SQLITE_READONLY)
		return vmp_fail(
			msg, VMP_EIO,
			"store %s: %s: its -wal and -shm files are missing or may not be read; run vmprov doctor",
			store->path, doing);
	return vmp_fail(msg, err, "store %s: %s: %s", store->path, doing,
			store->db && sqlite3_errcode(store->db) == (rc & 0xff) ? sqlite3_errmsg(store->db)
									       : sqlite3_errstr(rc));
}

static int run(struct vmp_store *store, const char *sql, const char *doing, struct vmp_msg *msg)
{
	int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? VMP_OK : vmp_store_error(store, rc, doing, msg);
}

static int pragma_int(struct vmp_store *store, const char *sql, int *out, struct vmp_msg *msg)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		*out = sqlite3_column_int(stmt, 0);
		sqlite3_finalize(stmt);
		return VMP_OK;
	}
	rc = vmp_store_error(store, rc, "cannot read", msg);
	sqlite3_finalize(stmt);
	return rc;
}

/* Is it a store, of this kind, of a version that we speak? */
static int check_version(struct vmp_store *store, struct vmp_msg *msg)
{
	const int known = vmp_store_version_known(store->kind);
	int id = 0, err;

	err = pragma_int(store, "PRAGMA application_id", &id, msg);
	if (err == VMP_OK)
		err = pragma_int(store, "PRAGMA user_version", &store->version, msg);
	if (err != VMP_OK)
		return err;
	if (store->version == 0 && store->mode == VMP_STORE_CREATE)
		return VMP_OK;
	if (id != APPLICATION_ID + (int)store->kind)
		return vmp_fail(msg, VMP_ECORRUPT, "store %s: not a vmprov %s store", store->path,
				kinds[store->kind].name);
	if (store->version > known)
		return vmp_fail(msg, VMP_EVERSION,
				"store %s: schema version %d is newer than this program's %d; upgrade the program",
				store->path, store->version, known);
	if (store->version < known && store->mode != VMP_STORE_CREATE)
		return vmp_fail(msg, VMP_EVERSION,
				"store %s: schema version %d is older than this program's %d; run vmprov migrate",
				store->path, store->version, known);
	return VMP_OK;
}

static int open_database(struct vmp_store *store, struct vmp_msg *msg)
{
	static const int flags[] = {
		[VMP_STORE_READ] = SQLITE_OPEN_READONLY,
		[VMP_STORE_WRITE] = SQLITE_OPEN_READWRITE,
		[VMP_STORE_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
	};
	int rc = sqlite3_open_v2(store->path, &store->db, flags[store->mode] | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		return vmp_store_error(store, rc, "cannot open", msg);
	sqlite3_busy_timeout(store->db, store->busy_ms);
	return VMP_OK;
}

/* [KiB] of each connection: the trees' upper levels, and of a million VMs two rows in three. */
static int prepare_to_read(struct vmp_store *store, struct vmp_msg *msg)
{
	return run(store, "PRAGMA cache_size = -24576", "cannot open", msg);
}

static int prepare_to_write(struct vmp_store *store, struct vmp_msg *msg)
{
	int keep = 1;

	/* The -wal and -shm files stay, for readers that may not create them; emptied at the last close, so
	 * that nothing of this file is left to be read into one that takes its place. */
	sqlite3_file_control(store->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
	/* Each report of a session touches a page of its own: the longer the log, the more of them a checkpoint writes
	 * only once. */
	if (store->kind == VMP_STORE_SESSION)
		sqlite3_wal_autocheckpoint(store->db, SESSION_WAL_PAGES);
	return run(store,
		   "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL;"
		   "PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -24576",
		   "cannot open", msg);
}

void vmp_store_bulk(struct vmp_store *store)
{
	sqlite3_exec(store->db, "PRAGMA cache_size = -262144", NULL, NULL, NULL);
}

/* Made here, not by SQLite, so that the world never reads it; SQLite gives -wal and -shm the same mode.  Two users of
 * one group write session.db, whatever the umask of the one that makes it.  A file that is there is not opened for
 * this: to close it would drop all locks that SQLite has on it in this process. */
static int make_file(const struct vmp_store *store)
{
	int fd = open(store->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640), rc = 0;

	if (fd < 0)
		return errno == EEXIST ? faccessat(AT_FDCWD, store->path, R_OK | W_OK, AT_EACCESS) : -1;
	if (store->kind == VMP_STORE_SESSION)
		rc = fchmod(fd, 0660);
	close(fd);
	return rc;
}

/* For a path without a file, or with one that cannot be opened, say which. */
static int open_marker(struct vmp_store *store, struct vmp_msg *msg)
{
	if (store->mode != VMP_STORE_CREATE || make_file(store) == 0)
		store->fd = open(store->path, O_PATH | O_CLOEXEC);
	if (store->fd >= 0)
		return VMP_OK;
	return vmp_fail(msg, errno == ENOENT ? VMP_ENOENT : VMP_EIO, "store %s: cannot open: %s", store->path,
			strerror(errno));
}

int vmp_store_open(struct vmp_store **out, const char *path, enum vmp_store_kind kind, enum vmp_store_mode mode,
		   int busy_ms, struct vmp_msg *msg)
{
	struct vmp_store *store = calloc(1, sizeof(*store));
	int err;

	*out = NULL;
	if (!store || !(store->path = strdup(path))) {
		free(store);
		return vmp_fail(msg, VMP_ENOMEM, "store %s: out of memory", path);
	}
	store->kind = kind;
	store->mode = mode;
	store->busy_ms = busy_ms;
	store->fd = -1;
	err = open_marker(store, msg);
	if (err == VMP_OK)
		err = open_database(store, msg);
	if (err == VMP_OK)
		err = check_version(store, msg);
	if (err == VMP_OK)
		err = mode == VMP_STORE_READ ? prepare_to_read(store, msg) : prepare_to_write(store, msg);
	if (err == VMP_OK)
		*out = store;
	else
		vmp_store_close(store);
	return err;
}

void vmp_store_close(struct vmp_store *store)
{
	if (!store)
		return;
	vmp_store_look_clear(store);
	vmp_stmt_clear(store);
	if (store->db && store->mode != VMP_STORE_READ)
		vmp_store_trim(store, 0);
	sqlite3_close(store->db);
	if (store->fd >= 0)
		close(store->fd);
	free(store->path);
	free(store);
}

bool vmp_store_is_there(const struct vmp_store *store)
{
	struct stat open, path;

	return fstat(store->fd, &open) == 0 && stat(store->path, &path) == 0 && path.st_ino == open.st_ino &&
	       path.st_dev == open.st_dev;
}

static int apply_migrations(struct vmp_store *store, int known, struct vmp_msg *msg)
{
	const struct vmp_migration *m = kinds[store->kind].schema;
	char stamp[96];
	int v, err = VMP_OK;

	for (v = store->version; v < known && err == VMP_OK; v++)
		err = run(store, m[v].sql, m[v].name, msg);
	if (err != VMP_OK)
		return err;
	snprintf(stamp, sizeof(stamp), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 APPLICATION_ID + (int)store->kind, known);
	return run(store, stamp, "cannot record the schema version", msg);
}

int vmp_store_migrate(struct vmp_store *store, int *from, int *to, struct vmp_msg *msg)
{
	const int known = vmp_store_version_known(store->kind);
	int err;

	if (from)
		*from = store->version;
	if (to)
		*to = known;
	if (store->version == known)
		return VMP_OK;
	err = vmp_store_begin(store, msg);
	if (err != VMP_OK)
		return err;
	/* Another process may have migrated while we waited for the lock. */
	err = pragma_int(store, "PRAGMA user_version", &store->version, msg);
	if (err == VMP_OK)
		err = apply_migrations(store, known, msg);
	if (err == VMP_OK)
		err = vmp_store_commit(store, msg);
	if (err != VMP_OK) {
		vmp_store_rollback(store);
		return err;
	}
	store->version = known;
	return VMP_OK;
}

void vmp_store_trim(struct vmp_store *store, int quiet_s)
{
	char wal[4096];
	struct stat st;

	snprintf(wal, sizeof(wal), "%s-wal", store->path);
	if (stat(wal, &st) != 0 || st.st_size == 0 || time(NULL) - st.st_mtime < quiet_s)
		return;
	sqlite3_busy_timeout(store->db, 0);
	sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_timeout(store->db, store->busy_ms);
}

int vmp_store_begin(struct vmp_store *store, struct vmp_msg *msg)
{
	return run(store, "BEGIN IMMEDIATE", "cannot begin to write", msg);
}

int vmp_store_commit(struct vmp_store *store, struct vmp_msg *msg)
{
	return run(store, "COMMIT", "cannot commit", msg);
}

void vmp_store_rollback(struct vmp_store *store)
{
	if (!sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

int vmp_store_mark(struct vmp_store *store, struct vmp_msg *msg)
{
	/* SQLite itself rolls back when the disk is full, for instance. */
	if (sqlite3_get_autocommit(store->db))
		return vmp_fail(msg, VMP_EIO, "store %s: the transaction was rolled back", store->path);
	return vmp_stmt_run(store, "SAVEPOINT mark", BIND_NONE, NULL, msg);
}

void vmp_store_release(struct vmp_store *store, bool keep)
{
	if (sqlite3_get_autocommit(store->db))
		return; /* and the commit will say so */
	if ((!keep && vmp_stmt_run(store, "ROLLBACK TO mark", BIND_NONE, NULL, NULL) != VMP_OK) ||
	    vmp_stmt_run(store, "RELEASE mark", BIND_NONE, NULL, NULL) != VMP_OK)
		vmp_store_rollback(store);
}

int vmp_store_touch(struct vmp_store *store, struct vmp_msg *msg)
{
	char sql[64];
	int version = 0, err;

	/* An UPDATE that changes nothing would leave its page alone, and the commit would write nothing.  The version
	 * that is there, since another program may have brought the store up. */
	err = pragma_int(store, "PRAGMA user_version", &version, msg);
	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", version);
	return err == VMP_OK ? run(store, sql, "cannot write", msg) : err;
}
