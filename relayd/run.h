/** The process: sockets, the user that it becomes, its certificate, the loop. */
#ifndef RUN_H
#define RUN_H

#include "config.h"

/** For relayd -t: the files that the configuration names. @param config  a struct config. */
VMP_CHECKED int run_check(const void *config, struct vmp_msg *msg);
/** Until SIGTERM. @return an exit code. */
VMP_CHECKED int run(const struct config *config);

#endif
