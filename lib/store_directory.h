/** The directory: for each VM those that it shares a COI with.  Reads only. */
#ifndef VMP_STORE_DIRECTORY_H
#define VMP_STORE_DIRECTORY_H

#include "cidr.h"
#include "pki.h"
#include "store.h"

/** Routes of one gateway, at most. */
#define VMP_ROUTE_MAX 64

struct vmp_shared_coi {
	int64_t id;
	char name[65];
	uint32_t priority;
	int64_t member_count;
	uint32_t epoch; /**< current; 0: none yet */
};

/** A machine to talk to: a guest that runs, has registered a key, is enabled and valid. */
struct vmp_dir_peer {
	char id[VMP_UUID_TEXT];
	char name[129];
	char wg_key[45];   /**< base64 */
	char endpoint[64]; /**< empty: others cannot reach it, and it has to come to them */
	char inner[46];	 /**< its IPv6 address inside: the site's prefix and its MAC (modified EUI-64, RFC 4291 appendix
			    A) */
	char inner4[16]; /**< its IPv4 address inside; empty: none */
	bool gateway;
	bool remote; /**< outside of the enclave */
	uint64_t mac;
	size_t n_coi, n_route;
	struct vmp_shared_coi coi[VMP_LINK_MAX];  /**< shared, in the order in which one is chosen */
	char route[VMP_ROUTE_MAX][VMP_CIDR_TEXT]; /**< what a gateway leads to */
};

/** What is told, inside one read transaction. */
struct vmp_dir_calls {
	int (*peer)(void *ctx, const struct vmp_dir_peer *peer);
	int (*gone)(void *ctx,
		    const char *id); /**< once known to this VM, and shares nothing any more, or has stopped */
};

/** What changed for a VM after change number since.
 *
 * With since 0, older than what the store remembers, or from before a change to this VM's own memberships or state:
 * everything, and *full is true (what the client knows beyond that is gone).  Likewise after a change of kind
 * directory: when one of its COIs got another name, priority, tenant or was enabled or disabled, or a tenant or enclave
 * that somebody in them is of was, or the template of one another kind, or the site another prefix.  Else only
 * differences.
 *
 * A new epoch of one of its COIs alone is VMP_OK without any peer: the client fetches its keys, and takes the current
 * epoch from there.  Nobody learns of machines that it never shared a COI with.
 *
 * @param version  out: the last change that is included; the next call's since.
 * @param full     out.
 * @return VMP_OK; VMP_ENOENT when nothing concerning this VM has changed (*version is still set); what a callback
 * returned. Cost: for differences, a few look-ups per change and changed VM; for all, the COIs' members.
 */
VMP_CHECKED int vmp_store_directory(struct vmp_store *store, uint64_t mac, int64_t since, int64_t now,
				    const struct vmp_dir_calls *calls, void *ctx, int64_t *version, bool *full,
				    struct vmp_msg *msg);

/** Has anybody else committed since the last call?  One look at shared memory. */
VMP_CHECKED int vmp_store_poll(struct vmp_store *store, bool *changed, struct vmp_msg *msg);
/** The last change's number; 0: none. */
VMP_CHECKED int vmp_store_change_last(struct vmp_store *store, int64_t *out, struct vmp_msg *msg);

/** The changes after one, in order. */
struct vmp_change {
	int64_t id, at, ref;
	const char *kind, *action, *name;
};
VMP_CHECKED int vmp_store_change_each(struct vmp_store *store, int64_t since, int max,
				      int (*each)(void *ctx, const struct vmp_change *change), void *ctx,
				      struct vmp_msg *msg);
/** Forget changes older than keep_s, at most max; the last stays.  A write. */
VMP_CHECKED int vmp_store_change_tidy(struct vmp_store *store, int64_t now, int64_t keep_s, int max, int *n,
				      struct vmp_msg *msg);

#endif
