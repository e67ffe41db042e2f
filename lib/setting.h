/** Checks of a daemon's settings that a table of options cannot make.  Each names the option, as "[listen] address".
 * Errors are VMP_EINVAL. */
#ifndef VMP_SETTING_H
#define VMP_SETTING_H

#include "err.h"

/** A list of ADDRESS:PORT. @param such_as  examples for the message; NULL: none. @param n  out: how many; NULL is
 * allowed. */
VMP_CHECKED int vmp_setting_addresses(const char *option, const char *list, int max, const char *such_as, int *n,
				      struct vmp_msg *msg);
/** An absolute path. */
VMP_CHECKED int vmp_setting_path(const char *option, const char *path, struct vmp_msg *msg);
/** A user of this machine, or nobody. */
VMP_CHECKED int vmp_setting_user(const char *option, const char *user, struct vmp_msg *msg);
/** "[log] level". */
VMP_CHECKED int vmp_setting_log_level(const char *level, struct vmp_msg *msg);

#endif
