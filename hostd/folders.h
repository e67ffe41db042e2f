/** The folders that hostd keeps its state in. */
#ifndef FOLDERS_H
#define FOLDERS_H

#include "config.h"

/** Make those that are missing, for [process] user; with the rights that hostd was started with.
 * @return VMP_OK; VMP_EINVAL: no such user; VMP_EIO. */
VMP_CHECKED int folders_make(const struct config *config, struct vmp_msg *msg);

#endif
