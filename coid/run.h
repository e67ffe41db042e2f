/** The daemon: from its join bundle to its end. */
#ifndef RUN_H
#define RUN_H

#include "config.h"

/** For --test: the files that the configuration names. @param config  a struct config. */
VMP_CHECKED int run_check(const void *config, struct vmp_msg *msg);
/** @return an enum vmp_daemon_exit */
int run(const struct config *config);

#endif
