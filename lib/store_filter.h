/** Filters: what may pass a gateway, COI by COI.  Reads only. */
#ifndef VMP_STORE_FILTER_H
#define VMP_STORE_FILTER_H

#include "store.h"

/** One rule; its texts are as the store has them, and live until each() returns.  Lists are separated by commas;
 * an empty one says: any. */
struct vmp_filter {
	int64_t id;
	const char *coi; /**< name */
	int64_t coi_id, position;
	const char *direction; /**< in, out */
	const char *source, *destination;
	const char *protocol; /**< tcp, udp, icmp, any */
	const char *source_ports, *ports;
	const char *action; /**< accept, drop, reject */
	bool log;
};

/** Has anything that vmp_store_filters() tells this gateway changed after change number since?
 * @param version  out: the last change there is; the next call's since.
 * @return VMP_OK: it may have, or the store does not remember so far; VMP_ENOENT: nothing has. */
VMP_CHECKED int vmp_store_filters_changed(struct vmp_store *store, uint64_t mac, int64_t since, int64_t *version,
					  struct vmp_msg *msg);

/** All enabled rules of the enabled COIs that a gateway is a member of, by COI (its name), position and id.
 * @return VMP_OK; what each() returned. */
VMP_CHECKED int vmp_store_filters(struct vmp_store *store, uint64_t mac,
				  int (*each)(void *ctx, const struct vmp_filter *rule), void *ctx,
				  struct vmp_msg *msg);

#endif
