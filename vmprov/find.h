/** Records by what an administrator calls them. */
#ifndef FIND_H
#define FIND_H

#include "store.h"

/** A MAC address in any common form, whether a VM has it or not, or a VM's name.
 * @return VMP_OK; VMP_ENOENT when no VM has this name. */
VMP_CHECKED int find_mac(struct vmp_store *store, const char *text, uint64_t *mac, struct vmp_msg *msg);

/** An address, whether a NAS has it or not, or a NAS's name.
 * @return VMP_OK; VMP_ENOENT when no NAS has this name. */
VMP_CHECKED int find_nas(struct vmp_store *store, const char *text, struct vmp_addr *out, struct vmp_msg *msg);

#endif
