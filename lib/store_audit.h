/** The audit trail: append-only, who did what to whom. */
#ifndef VMP_STORE_AUDIT_H
#define VMP_STORE_AUDIT_H

#include "store.h"

struct vmp_audit {
	int64_t id, at;	     /**< set when read */
	const char *event;   /**< a word from docs/PROTOCOL.md, such as "enrolled" */
	const char *actor;   /**< "host hv1", "vm web1", "administrator" */
	const char *subject; /**< "vm 52:54:00:00:01:01", "coi web" */
	const char *detail;
};

/** Append; belongs inside vmp_store_begin() and _commit().  Texts are cut to 64, 160, 160 and 400 octets, control
 * characters made '?'. */
VMP_CHECKED int vmp_store_audit(struct vmp_store *store, const struct vmp_audit *event, struct vmp_msg *msg);

/** What to read; zero-initialized: everything. */
struct vmp_audit_filter {
	int64_t since;	   /**< [s] since 1970 */
	const char *event; /**< NULL: any */
	const char *about; /**< contained in actor or subject; NULL: any */
	int64_t after_id;  /**< only later ones */
	int64_t last;	   /**< the last so many; 0: all */
};
/** In the order of id. */
VMP_CHECKED int vmp_store_audit_each(struct vmp_store *store, const struct vmp_audit_filter *filter,
				     int (*each)(void *ctx, const struct vmp_audit *event), void *ctx,
				     struct vmp_msg *msg);
/** Forget events older than keep_s, at most max; the schema refuses to delete younger ones than 90 days. */
VMP_CHECKED int vmp_store_audit_tidy(struct vmp_store *store, int64_t now, int64_t keep_s, int max, int *n,
				     struct vmp_msg *msg);

#endif
