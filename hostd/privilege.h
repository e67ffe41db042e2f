/** Capabilities (capabilities(7)): what hostd's parent keeps, and that its children have none. */
#ifndef PRIVILEGE_H
#define PRIVILEGE_H

#include "err.h"

/** Is there what hostd cannot do without? @return VMP_OK; VMP_EACCES; VMP_EIO. */
VMP_CHECKED int privilege_check(struct vmp_msg *msg);
/** For the parent: keep what it needs, and never gain more.
 * @return VMP_OK; VMP_EIO. */
VMP_CHECKED int privilege_keep(struct vmp_msg *msg);
/** For a child: give up all. */
VMP_CHECKED int privilege_drop(struct vmp_msg *msg);

#endif
