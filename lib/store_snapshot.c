/* The read transaction of the look-ups, kept from one to the next while it is provably the latest commit.
 *
 * Beginning and ending a read transaction costs as much as finding the row: SQLite takes and drops a file
 * lock.  Every commit changes the header of the WAL index, which all connections map (SQLite's "WAL-mode File
 * Format", section 2.1: two copies of 48 octets, the first written last); so while that header is what it was
 * when the transaction began, nothing has been committed since, and the transaction can serve once more.
 * Where there is no such header to look at, each look-up has a transaction of its own.
 *
 * A transaction is kept for VMP_STORE_KEPT_MS at the most, and vmp_store_idle() ends one that nobody asks
 * for: an old reader would keep the write-ahead log from starting again.
 */
#include "store_internal.h"

#include <string.h>
#include <time.h>

/* The first copy, and the version that its first four octets must hold. */
#define HEADER		  VMP_WAL_HEADER
#define WAL_INDEX_VERSION 3007000
#define WAL_INDEX_REGION  32768

int64_t vmp_store_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The mapped header, through SQLite's own interface to it; NULL when there is none that can be relied on. */
static const volatile void *wal_header(struct vmp_store *store)
{
	sqlite3_file *file = NULL;
	volatile void *region = NULL;
	uint32_t version;
	int rc;

	if (sqlite3_file_control(store->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || !file ||
	    !file->pMethods || file->pMethods->iVersion < 2)
		return NULL;
	rc = file->pMethods->xShmMap(file, 0, WAL_INDEX_REGION, 0, &region);
	/* SQLITE_READONLY: mapped, not writable.  Its extended codes: not to be relied on. */
	if ((rc != SQLITE_OK && rc != SQLITE_READONLY) || !region)
		return NULL;
	memcpy(&version, (const void *)region, sizeof(version));
	return version == WAL_INDEX_VERSION ? region : NULL;
}

static bool header_is(const volatile void *mapped, const uint8_t copy[HEADER])
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return memcmp((const void *)mapped, copy, HEADER) == 0;
}

static int run(struct vmp_store *store, enum look which, struct vmp_msg *msg)
{
	int err = vmp_store_look(store, which, msg), rc;

	if (err != VMP_OK)
		return err;
	rc = sqlite3_step(store->look[which]);
	sqlite3_reset(store->look[which]);
	return rc == SQLITE_DONE ? VMP_OK : vmp_store_error(store, rc, "cannot read", msg);
}

static void leave(struct vmp_store *store)
{
	store->kept = false;
	if (!sqlite3_get_autocommit(store->db))
		(void)run(store, LOOK_COMMIT, NULL);
}

int vmp_store_snapshot_enter(struct vmp_store *store, struct vmp_msg *msg)
{
	if (store->kept) {
		if (header_is(store->wal_index, store->wal_header) &&
		    vmp_store_now_ms() - store->kept_since_ms < VMP_STORE_KEPT_MS)
			return VMP_OK;
		leave(store);
	}
	store->wal_index = wal_header(store);
	if (store->wal_index)
		memcpy(store->wal_header, (const void *)store->wal_index, HEADER);
	return run(store, LOOK_BEGIN, msg);
}

void vmp_store_snapshot_taken(struct vmp_store *store)
{
	if (store->kept || !store->wal_index || !header_is(store->wal_index, store->wal_header))
		return;
	store->kept = true;
	store->kept_since_ms = vmp_store_now_ms();
}

void vmp_store_snapshot_leave(struct vmp_store *store)
{
	if (!store->kept)
		leave(store);
}

void vmp_store_idle(struct vmp_store *store)
{
	if (store->kept && vmp_store_now_ms() - store->kept_since_ms >= VMP_STORE_KEPT_MS)
		leave(store);
}
