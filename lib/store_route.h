/** What gateways lead to.  Writes belong inside vmp_store_begin() and _commit(). */
#ifndef VMP_STORE_ROUTE_H
#define VMP_STORE_ROUTE_H

#include "store.h"

/** @param prefix  any form of one, such as "2001:DB8::/32". @return VMP_OK; VMP_EINVAL, as vmp_cidr_form(), or when the
 * schema refuses: no gateway, more than 64; VMP_EEXIST. */
VMP_CHECKED int vmp_store_route_add(struct vmp_store *store, uint64_t mac, const char *prefix, struct vmp_msg *msg);
/** @return VMP_OK; VMP_EINVAL; VMP_ENOENT. */
VMP_CHECKED int vmp_store_route_remove(struct vmp_store *store, uint64_t mac, const char *prefix, struct vmp_msg *msg);
/** Those of one gateway, or, with mac 0, of all, by gateway. @param name  the VM's. @return VMP_OK; what each()
 * returned. */
VMP_CHECKED int vmp_store_route_each(struct vmp_store *store, uint64_t mac,
				     int (*each)(void *ctx, uint64_t mac, const char *name, const char *prefix),
				     void *ctx, struct vmp_msg *msg);

#endif
