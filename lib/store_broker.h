/** gateway.db: what a gateway's licence broker has from its servers, and whom it has given it.
 *
 * Times are milliseconds of CLOCK_BOOTTIME and belong to the boot beside them.  What writes is called inside a
 * transaction (vmp_store_begin()).
 */
#ifndef VMP_STORE_BROKER_H
#define VMP_STORE_BROKER_H

#include "lease.h"
#include "store.h"

#define VMP_BROKER_SERVER 48	/**< [octets] a server's name, and its NUL */
#define VMP_BROKER_BODY	  32768 /**< [octets] a request to a server, and its NUL */

/** The one row of what holds for all. */
struct vmp_broker_state {
	int64_t seq;		  /**< the highest that a child was answered with */
	int64_t longest_ms;	  /**< the longest life and grace that a child was given */
	int64_t recover_until_ms; /**< 0: not recovering */
	char recover_boot_id[VMP_UUID_TEXT];
	char home[VMP_BROKER_SERVER]; /**< the server that "reported" speaks of; empty: none yet */
};
VMP_CHECKED int vmp_broker_state_get(struct vmp_store *store, struct vmp_broker_state *out, struct vmp_msg *msg);
/** @return VMP_OK; VMP_EINVAL: seq would fall. */
VMP_CHECKED int vmp_broker_state_set(struct vmp_store *store, const struct vmp_broker_state *state,
				     struct vmp_msg *msg);

/** One server's lease of one product, and the request that waits for its answer. */
struct vmp_broker_parent {
	const char *server, *product;
	int64_t seq, held;
	int64_t end_ms, grace_ms;
	int64_t lapsing, lapsed_ms; /**< held before, not renewed, and over with its grace then */
	const char *boot_id;
	const char *request_id; /**< empty: none waits */
	const char *body;	/**< what was sent, or is about to be; empty: none */
};
VMP_CHECKED int vmp_broker_parent_put(struct vmp_store *store, const struct vmp_broker_parent *parent,
				      struct vmp_msg *msg);
/** Without effect when there is none. */
VMP_CHECKED int vmp_broker_parent_remove(struct vmp_store *store, const char *server, const char *product,
					 struct vmp_msg *msg);
/** @return VMP_OK to go on.  What it is given is borrowed from the row. */
typedef int (*vmp_broker_parent_fn)(void *ctx, const struct vmp_broker_parent *parent);
/** All of them, by server. @return VMP_OK; what each returned. */
VMP_CHECKED int vmp_broker_parents(struct vmp_store *store, vmp_broker_parent_fn each, void *ctx, struct vmp_msg *msg);

/** One VM's lease of one product. */
struct vmp_broker_child {
	struct vmp_lease lease; /**< at most one part, whose pool is 0 */
	char boot_id[VMP_UUID_TEXT];
	bool reported; /**< the home server has it on record */
	bool over;     /**< no lease any more; kept until the home server has heard so */
};
VMP_CHECKED int vmp_broker_child_put(struct vmp_store *store, const struct vmp_lease *lease, const char *boot_id,
				     bool reported, struct vmp_msg *msg);
/** It is over: the row goes, or stays as what is to be reported. */
VMP_CHECKED int vmp_broker_child_over(struct vmp_store *store, const char *uuid, const char *product,
				      struct vmp_msg *msg);
/** The home server has it on record, or no more. */
VMP_CHECKED int vmp_broker_child_reported(struct vmp_store *store, const char *uuid, const char *product, bool reported,
					  struct vmp_msg *msg);
/** The home server has none of a product's on record, or of all products' (NULL). */
VMP_CHECKED int vmp_broker_unreport(struct vmp_store *store, const char *product, struct vmp_msg *msg);
typedef int (*vmp_broker_child_fn)(void *ctx, const struct vmp_broker_child *child);
VMP_CHECKED int vmp_broker_children(struct vmp_store *store, vmp_broker_child_fn each, void *ctx, struct vmp_msg *msg);

/** Write about as much as a busy transaction does, for nothing but to see whether the disk takes it. */
VMP_CHECKED int vmp_broker_fill(struct vmp_store *store, struct vmp_msg *msg);

#endif
