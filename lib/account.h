/** Users and groups of this machine, by name. */
#ifndef VMP_ACCOUNT_H
#define VMP_ACCOUNT_H

#include "err.h"

/** Whom a process is to become.
 * @param name  empty, or we are not root: stay who we are, *uid and *gid are (unsigned)-1.
 * @return VMP_OK; VMP_EINVAL: there is no such user. */
VMP_CHECKED int vmp_account_user(const char *name, unsigned *uid, unsigned *gid, struct vmp_msg *msg);

/** @param name  empty: *gid is (unsigned)-1. @return VMP_OK; VMP_EINVAL: there is no such group. */
VMP_CHECKED int vmp_account_group(const char *name, unsigned *gid, struct vmp_msg *msg);

#endif
