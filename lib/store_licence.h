/** Licences in the store: pools, leases, and which guests have one.  For the one process that grants; what an
 * administrator sees of it is in store_licence_view.h.  The rules are lib/lease.h's.  Writes belong inside
 * vmp_store_begin() and _commit().
 */
#ifndef VMP_STORE_LICENCE_H
#define VMP_STORE_LICENCE_H

#include "lease.h"
#include "store_cert.h"

/* -- pools ---------------------------------------------------------------------------------------------------- */

struct vmp_licence_pool {
	struct vmp_lease_pool rule; /**< open and until_ms are what vmp_licence_pool_look() makes of the dates */
	char name[65];
	int64_t tenant_id;	       /**< whose; 0: everybody's */
	int64_t not_before, not_after; /**< [s] since 1970, UTC; 0 and INT64_MAX: no bound */
	bool enabled;
};

/** Each pool: of one product those that end first come first. @param each  what it returns other than VMP_OK ends it,
 * and is returned. */
VMP_CHECKED int vmp_licence_pool_each(struct vmp_store *store,
				      int (*each)(void *ctx, const struct vmp_licence_pool *pool), void *ctx,
				      struct vmp_msg *msg);
/** Is it open now, and until when? @return whether rule was changed. */
bool vmp_licence_pool_look(struct vmp_licence_pool *pool, const struct vmp_clock *clock);

/* -- what there is once --------------------------------------------------------------------------------------- */

#define VMP_INCARNATION 33 /**< 32 hexadecimal digits and a NUL */

struct vmp_licence_state {
	int64_t generation; /**< another: pools were changed, or a lease was ended, by somebody else than the server */
	int64_t seq;	    /**< the highest that was given out */
	int64_t longest_ms; /**< the longest life + grace that was ever given */
	int64_t recover_until_ms; /**< CLOCK_BOOTTIME of recover_boot_id; 0: there is no recovery */
	char recover_boot_id[37];
	char incarnation[VMP_INCARNATION]; /**< of the store: a copy has the same */
};

VMP_CHECKED int vmp_licence_state_read(struct vmp_store *store, struct vmp_licence_state *out, struct vmp_msg *msg);
/** seq, longest_ms and the recovery. @return VMP_EINVAL: a seq that is not beyond the last. */
VMP_CHECKED int vmp_licence_state_write(struct vmp_store *store, const struct vmp_licence_state *state,
					struct vmp_msg *msg);

/* -- leases --------------------------------------------------------------------------------------------------- */

/** What a lease's row says beside the lease. */
struct vmp_licence_holder {
	enum vmp_cert_kind kind; /**< VMP_CERT_GATEWAY, VMP_CERT_VM */
	uint64_t mac;
	int64_t tenant_id;
	int64_t has; /**< as the last request said */
};

/** @param each  other_boot: its times are of another boot. */
VMP_CHECKED int vmp_licence_lease_each(struct vmp_store *store, const struct vmp_clock *clock,
				       int (*each)(void *ctx, const struct vmp_lease *lease, bool other_boot),
				       void *ctx, struct vmp_msg *msg);
/** @param there  it has been written before. */
VMP_CHECKED int vmp_licence_lease_write(struct vmp_store *store, const struct vmp_lease *lease,
					const struct vmp_licence_holder *holder, bool there,
					const struct vmp_clock *clock, struct vmp_msg *msg);
/** Its times after another boot, and what is left of its parts, between two answers.  One that is written down so is
 * left alone. */
VMP_CHECKED int vmp_licence_lease_adjust(struct vmp_store *store, const struct vmp_lease *lease,
					 const struct vmp_clock *clock, struct vmp_msg *msg);
/** Over: the guests that were licensed through it are licensed no more.  Counts the generation up by one. */
VMP_CHECKED int vmp_licence_lease_erase(struct vmp_store *store, const char *holder, const char *product,
					struct vmp_msg *msg);
/** The products that a holder has leases of. */
VMP_CHECKED int vmp_licence_lease_products(struct vmp_store *store, const char *holder,
					   int (*each)(void *ctx, const char *product), void *ctx, struct vmp_msg *msg);

/* -- who asks ------------------------------------------------------------------------------------------------- */

/** A guest, as far as licences are concerned. */
struct vmp_licence_asker {
	int64_t tenant_id, enclave_id; /**< its VM's */
	char product[VMP_PRODUCT];     /**< that it needs by its template; empty: none, or a gateway */
	char gateway[254];	       /**< of its template; empty: none */
	bool broker;		       /**< its template's guests may hold leases for their enclave */
};
/** @return VMP_OK; VMP_ENOENT: no guest has this MAC. */
VMP_CHECKED int vmp_licence_asker(struct vmp_store *store, uint64_t mac, struct vmp_licence_asker *out,
				  struct vmp_msg *msg);
/** The same of one that has been identified. */
void vmp_licence_asker_of(const struct vmp_identity *who, struct vmp_licence_asker *out);

/* -- licensed guests ------------------------------------------------------------------------------------------ */

/** May this guest have keys? @return VMP_OK: it needs no licence, or has it; VMP_EACCES: "no licence for PRODUCT". */
VMP_CHECKED int vmp_licence_check(struct vmp_store *store, uint64_t mac, struct vmp_msg *msg);

/** Is this guest licensed through this holder, and does not wait to be listed again? @return VMP_OK, VMP_ENOENT. */
VMP_CHECKED int vmp_licensed_find(struct vmp_store *store, const char *uuid, const char *holder, const char *product,
				  int64_t boot_ms, struct vmp_msg *msg);
/** A guest of a gateway's enclave has a licence through it; if it had one through another, no more through that.
 * @param asker  the gateway.
 * @return VMP_OK; VMP_EACCES with the reason: no guest, of another tenant or enclave, not running, or its template
 * needs another product. */
VMP_CHECKED int vmp_licensed_add(struct vmp_store *store, const char *uuid, const char *holder, const char *product,
				 const struct vmp_licence_asker *asker, int64_t now, struct vmp_msg *msg);
/** A VM has a licence of its own; it had none. */
VMP_CHECKED int vmp_licensed_self(struct vmp_store *store, uint64_t mac, const char *uuid, const char *product,
				  struct vmp_msg *msg);
/** It has it no more.  Harmless when it is licensed through somebody else, or not at all. */
VMP_CHECKED int vmp_licensed_remove(struct vmp_store *store, const char *uuid, const char *holder, const char *product,
				    struct vmp_msg *msg);
/** All of one holder. */
VMP_CHECKED int vmp_licensed_clear(struct vmp_store *store, const char *holder, const char *product,
				   struct vmp_msg *msg);
VMP_CHECKED int vmp_licensed_count(struct vmp_store *store, const char *holder, const char *product, int64_t *n,
				   struct vmp_msg *msg);
/** The same of those that do not wait to be listed again. */
VMP_CHECKED int vmp_licensed_sure(struct vmp_store *store, const char *holder, const char *product, int64_t boot_ms,
				  int64_t *n, struct vmp_msg *msg);
/** Each of one holder, by product. */
VMP_CHECKED int vmp_licensed_each(struct vmp_store *store, const char *holder,
				  int (*each)(void *ctx, const char *product, const char *uuid), void *ctx,
				  struct vmp_msg *msg);
/** [ms] A gateway that begins to list its guests anew has so long to name them all. */
#define VMP_LICENSED_LIST_MS 60000
/** [ms] Guests with licences of other servers are believed so long after their gateway was heard of. */
#define VMP_LICENSED_ELSEWHERE_MS 3600000
/** A holder begins to list anew: who is not added again in time is removed by vmp_licence_tidy().  Who waits to be
 * listed already gets no more time. */
VMP_CHECKED int vmp_licensed_doubt(struct vmp_store *store, const char *holder, const char *product, int64_t boot_ms,
				   struct vmp_msg *msg);
/** A gateway is heard of that has licences of other servers (or has none of them any more): its guests' licences do not
 * end with its lease here. */
VMP_CHECKED int vmp_licensed_elsewhere(struct vmp_store *store, const char *holder, const char *product, bool has,
				       int64_t boot_ms, struct vmp_msg *msg);
/** A server begins, perhaps in another boot: no doubt lasts longer than the longest from now on. */
VMP_CHECKED int vmp_licensed_begin(struct vmp_store *store, int64_t boot_ms, struct vmp_msg *msg);

/* -- what is told --------------------------------------------------------------------------------------------- */

struct vmp_licence_calls {
	int (*stopped)(void *ctx, const char *uuid); /**< licensed through this gateway no more; may come twice */
	int (*is_short)(void *ctx, const char *product);
};
/** What has changed for a gateway. @param mac  its own. @param version  in: told up to this change; out: up to where it
 * was looked.  At most 1000 changes are looked through. */
VMP_CHECKED int vmp_licence_changes(struct vmp_store *store, uint64_t mac, const char *uuid, int64_t *version,
				    const struct vmp_licence_calls *calls, void *ctx, struct vmp_msg *msg);
/** Do the changes from since on still say all? @param last  out: the newest. */
VMP_CHECKED int vmp_licence_covers(struct vmp_store *store, int64_t since, int64_t *last, bool *out,
				   struct vmp_msg *msg);
/** Others lack this product: a change. */
VMP_CHECKED int vmp_licence_short(struct vmp_store *store, const char *product, struct vmp_msg *msg);

/* -- refusals ------------------------------------------------------------------------------------------------- */

struct vmp_licence_denial {
	const char *holder, *product, *reason;
	uint64_t mac;
	int64_t tenant_id, wants, available;
};
#define VMP_LICENCE_DENIALS 500 /**< refusals of one holder that are kept: the latest */
/** Write it down; the same holder, product and reason within an hour are one row. */
VMP_CHECKED int vmp_licence_deny(struct vmp_store *store, const struct vmp_licence_denial *denial, int64_t now,
				 struct vmp_msg *msg);

/** Remove whom nobody listed again, and forget refusals older than keep_s; at most max rows of each.
 * @param n  out, of the fuller. */
VMP_CHECKED int vmp_licence_tidy(struct vmp_store *store, const struct vmp_clock *clock, int64_t keep_s, int max,
				 int *n, struct vmp_msg *msg);

#endif
