/** What a process gives up before it listens to anybody. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "err.h"

#include <stdbool.h>
#include <sys/types.h>

/** Bits: what a process still needs beside memory, time and the descriptors that it has. */
enum sandbox_need {
	SANDBOX_FILES = 1,   /**< open files; without it, the root directory becomes an empty one */
	SANDBOX_SOCKETS = 2, /**< make connections: a PKCS#11 module may talk to its device so */
	SANDBOX_ACCEPT = 4   /**< take connections */
};

/** Become another user (if we are root), lose the file system and the system calls that are not needed, never run
 * another program, leave no core, end with the parent.
 * @param uid,gid  (unsigned)-1: stay. @param parent  who it was at the fork. */
VMP_CHECKED int sandbox_enter(unsigned uid, unsigned gid, unsigned needs, pid_t parent, struct vmp_msg *msg);

#endif
