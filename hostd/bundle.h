/** What policyd answers to the start of a guest. */
#ifndef BUNDLE_H
#define BUNDLE_H

#include "err.h"

#include <stddef.h>

/** Is this a join bundle for the guest: an object with its UUID and a token?
 * @return VMP_OK; VMP_EIO, since whoever says something else is not to be asked. */
VMP_CHECKED int bundle_check(const char *body, size_t len, const char *uuid, struct vmp_msg *msg);

#endif
