/** What an administrator sees of licences: pools and what is had of them, leases, refusals. */
#ifndef VMP_STORE_LICENCE_VIEW_H
#define VMP_STORE_LICENCE_VIEW_H

#include "store_licence.h"

/** One pool, and what is had of it.  An account that draws on several pools uses the first first. */
struct vmp_licence_usage {
	const char *product, *pool, *tenant; /**< tenant: empty: everybody's */
	int64_t owned, overdraft;
	int64_t leased;	   /**< of leases that are not over, grace included */
	int64_t in_use;	   /**< of those, as their holders said last */
	int64_t guests;	   /**< of those, guests that are on record with a licence */
	int64_t denied;	   /**< refusals within 24 hours of those who may draw on it */
	const char *state; /**< "open", "disabled", "not yet", "over" */
};
/** By product, then as the server draws on them.  Texts live until each returns. */
VMP_CHECKED int vmp_licence_usage_each(struct vmp_store *store, const struct vmp_clock *clock,
				       int (*each)(void *ctx, const struct vmp_licence_usage *usage), void *ctx,
				       struct vmp_msg *msg);

struct vmp_licence_row {
	const char *holder; /**< UUID */
	const char *kind;   /**< "gateway", "vm" */
	const char *name;   /**< its VM's; empty: gone */
	uint64_t mac;
	const char *tenant;
	const char *product;
	const char *pools; /**< "west:3 spare:1"; empty: nothing is held */
	int64_t count, wants, in_use;
	int64_t guests;	    /**< on record with a licence through it */
	int64_t granted_at; /**< [s] since 1970, UTC */
	int64_t life_s, grace_s;
	bool other_boot;    /**< nobody knows what is left: policyd has not started since the machine has */
	int64_t left_s;	    /**< of the life; negative: in its grace; -grace_s and less: over */
	const char *reason; /**< of the last answer, as vmp_lease_reason_text(); empty: all was given */
	int64_t available;
};
struct vmp_licence_row_filter {
	const char *product; /**< NULL: any */
	const char *holder;  /**< UUID, MAC in any form, or a VM's name; NULL: any */
};
/** By product, then by name. @return VMP_ENOENT: nobody is called as filter->holder says. */
VMP_CHECKED int vmp_licence_row_each(struct vmp_store *store, const struct vmp_licence_row_filter *filter,
				     const struct vmp_clock *clock,
				     int (*each)(void *ctx, const struct vmp_licence_row *row), void *ctx,
				     struct vmp_msg *msg);

/** End leases at once, whether their holder still uses them or not: only when it is known to be gone.  Writes the audit
 * event `licence-ended`.
 * @param holder   UUID, MAC in any form, or a VM's name. @param product  NULL: all.
 * @param by  who, for the audit event. @param n  out, how many.
 * @return VMP_OK; VMP_ENOENT: no such lease. */
VMP_CHECKED int vmp_licence_end(struct vmp_store *store, const char *holder, const char *product, const char *by,
				int *n, struct vmp_msg *msg);

/** A refusal, or several of one hour. */
struct vmp_licence_refusal {
	int64_t id;
	const char *holder, *name; /**< UUID; VM's name, empty: gone */
	uint64_t mac;
	const char *product, *tenant;
	const char *reason; /**< a sentence */
	int64_t wants, available;
	int64_t first_at, last_at; /**< [s] since 1970, UTC */
	int64_t n;
};
/** In the order of id. @param product  NULL: any. @param last  the last so many; 0: all. */
VMP_CHECKED int vmp_licence_refusal_each(struct vmp_store *store, const char *product, int64_t last,
					 int (*each)(void *ctx, const struct vmp_licence_refusal *refusal), void *ctx,
					 struct vmp_msg *msg);

/* -- what is wrong -------------------------------------------------------------------------------------------- */

/** Each finding as a sentence: pools of which more is had than owned, closed ones that have leases, products that
 * templates name and no pool has, leases whose holder is gone, a recovery.
 * @param each  what it returns other than VMP_OK ends it, and is returned. */
VMP_CHECKED int vmp_licence_doctor(struct vmp_store *store, const struct vmp_clock *clock,
				   int (*each)(void *ctx, const char *finding), void *ctx, struct vmp_msg *msg);

#endif
