/** What a process gives up before it listens to anybody. */
#ifndef VMP_SANDBOX_H
#define VMP_SANDBOX_H

#include "err.h"

#include <stdbool.h>
#include <sys/types.h>

/** Bits: what a process still needs beside memory, time and the descriptors that it has. */
enum vmp_sandbox_need {
	VMP_SANDBOX_FILES = 1,	 /**< open files; without it, the root directory becomes an empty one */
	VMP_SANDBOX_SOCKETS = 2, /**< make connections: a PKCS#11 module may talk to its device so */
	VMP_SANDBOX_ACCEPT = 4,	 /**< take connections */
	VMP_SANDBOX_GROUPS = 8	 /**< the groups that the user is a member of; without it, none but its own */
};

/** Become another user (if we are root), lose the file system and the system calls that are not needed, never run
 * another program, leave no core, end with the parent.
 * @param uid,gid  (unsigned)-1: stay. @param parent  who it was at the fork. */
VMP_CHECKED int vmp_sandbox_enter(unsigned uid, unsigned gid, unsigned needs, pid_t parent, struct vmp_msg *msg);

#endif
