/** COI keys, epoch by epoch, sealed.  Writes belong inside vmp_store_begin() and _commit().
 *
 * A COI's epochs count from 1.  The highest is current; older ones stay good until every live member has acknowledged
 * the current one, or their grace ends; then their sealed key is wiped.  Table coi_rotation is the durable list of COIs
 * that need a new epoch: the schema's triggers write it whenever a member leaves, `vmprov coi rotate` and sqlite3 may
 * too.
 */
#ifndef VMP_STORE_COI_KEY_H
#define VMP_STORE_COI_KEY_H

#include "seal.h"
#include "store.h"

#define VMP_EPOCHS_LIVE 4 /**< of one COI at a time; the oldest is retired for a fifth */

struct vmp_coi_key_row {
	int64_t coi_id;
	char coi[VMP_COI_NAME];
	uint32_t epoch;
	int64_t created_at;
	int64_t retire_at; /**< [s] since 1970: end of grace; 0: current */
	uint8_t sealed[VMP_SEALED];
};

/** The live epochs of a VM's COIs that are enabled, by COI name and epoch. @param rows  room for max. @return VMP_OK.
 */
VMP_CHECKED int vmp_store_coi_keys(struct vmp_store *store, uint64_t mac, int64_t now, struct vmp_coi_key_row *rows,
				   size_t max, size_t *n, struct vmp_msg *msg);
/** One VM has got an epoch.  VMP_ENOENT: not a member, or no such epoch.  A repetition, or an older epoch, changes
 * nothing. */
VMP_CHECKED int vmp_store_coi_ack(struct vmp_store *store, uint64_t mac, const char *coi, uint32_t epoch,
				  struct vmp_msg *msg);

/** A COI that needs a new epoch. */
struct vmp_coi_due {
	int64_t coi_id;
	char coi[VMP_COI_NAME];
	uint32_t epoch; /**< the one to make */
	char reason[65];
};
/** Those in coi_rotation, then those whose current epoch is older than rotate_s (0: no schedule), or was made more than
 * 300 s after now, since the clock was set back; at most max.  For lapsed licences a COI has no new epoch within 10 s
 * of the last: a VM that gives its licence back again and again is no burden for all members. */
VMP_CHECKED int vmp_store_coi_due(struct vmp_store *store, int64_t now, int64_t rotate_s, struct vmp_coi_due *list,
				  size_t max, size_t *n, struct vmp_msg *msg);
/** Record a new epoch, give the one before grace_s seconds, and strike the COI from the list.
 * VMP_EEXIST when that epoch is there: somebody else made it. */
VMP_CHECKED int vmp_store_coi_epoch(struct vmp_store *store, int64_t coi_id, uint32_t epoch,
				    const uint8_t sealed[VMP_SEALED], int64_t now, int64_t grace_s,
				    struct vmp_msg *msg);
/** Retire epochs whose grace has ended, or whose successor every live member (a guest that is not stopped, with a
 * directory entry, that is not refused itself nor by its tenant or enclave) has acknowledged; and enter into
 * coi_rotation the COIs of VMs whose validity ended since last.  For each VM whose time came or ended there is a
 * change, so that directories and sessions follow.  Nothing is written when there is nothing to do.  What fails for one
 * COI keeps no other from being retired: commit after an error too.
 * @param n  out, epochs retired. @return VMP_OK; the first error. */
VMP_CHECKED int vmp_store_coi_retire(struct vmp_store *store, int64_t now, int *n, struct vmp_msg *msg);
/** Ask for a new epoch. VMP_ENOENT. */
VMP_CHECKED int vmp_store_coi_rotate(struct vmp_store *store, const char *coi, const char *reason, struct vmp_msg *msg);
/** Each live epoch of one COI, or NULL for all, with how many members have acknowledged it, for people. */
VMP_CHECKED int vmp_store_coi_key_each(struct vmp_store *store, const char *coi,
				       int (*each)(void *ctx, const struct vmp_coi_key_row *row, int64_t members,
						   int64_t acked),
				       void *ctx, struct vmp_msg *msg);

#endif
