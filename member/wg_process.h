/** wireguard-go's process. */
#ifndef WG_PROCESS_H
#define WG_PROCESS_H

#include "err.h"

/** Start it for an interface, and wait until it is in the background, or has failed.
 * @param program  sought in PATH. @return VMP_OK; VMP_ENOENT: there is no such program; VMP_EIO: it has failed, or has
 * not come to an end within ten seconds. */
VMP_CHECKED int wg_process_start(const char *program, const char *name, struct vmp_msg *msg);
/** [ms] of a clock that does not jump; and a pause of a few milliseconds, between looks at something. */
long long wg_process_now(void);
void wg_process_pause(void);

#endif
