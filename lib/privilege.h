/** Capabilities (capabilities(7)) that a process keeps. */
#ifndef VMP_PRIVILEGE_H
#define VMP_PRIVILEGE_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

/** One of them; the numbers are those of linux/capability.h, which cap-ng.h includes. */
struct vmp_privilege {
	int capability;
	bool must; /**< without it there is no use in going on; others are kept as far as they are there */
};

/** Are those there that must be? @return VMP_OK; VMP_EACCES; VMP_EIO. */
VMP_CHECKED int vmp_privilege_check(const struct vmp_privilege *kept, size_t n, struct vmp_msg *msg);
/** Keep these, as permitted and effective ones and in the bounding set, as far as that may be changed; no ambient ones,
 * and never more.
 * @return VMP_OK; VMP_EACCES: one that must be there is not; VMP_EIO. */
VMP_CHECKED int vmp_privilege_keep(const struct vmp_privilege *kept, size_t n, struct vmp_msg *msg);
/** Before a change of user (vmp_sandbox_enter()): what is permitted stays so.  It takes effect again with
 * vmp_privilege_keep(), which must follow. */
VMP_CHECKED int vmp_privilege_carry(struct vmp_msg *msg);

#endif
