/** WireGuard peers from before this program was started: they go on, if the directory still has them. */
#ifndef ADOPT_H
#define ADOPT_H

#include "err.h"

#include <stdbool.h>

/** Look which there are; they stay for ten minutes at most, as policyd may be away. @return VMP_OK; VMP_EIO,
 * VMP_ENOMEM. */
VMP_CHECKED int adopt_open(struct vmp_msg *msg);
/** The directory has told all, or keys have come: those that are known go on, the others are removed. */
void adopt_try(void);
/** None go on. */
void adopt_none(void);
/** Are there some that nothing is known of yet? */
bool adopt_waits(void);
void adopt_close(void);

#endif
