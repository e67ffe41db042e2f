/** The broker process: from its sockets to its end. */
#ifndef RUN_H
#define RUN_H

#include "proc.h"

/** For --test: the files that the configuration names. @param config  a struct config. */
VMP_CHECKED int run_check(const void *config, struct vmp_msg *msg);
/** @param parent  for vmp_sandbox_enter(). @return an enum proc_exit */
int run(const struct proc_env *env, pid_t parent);

#endif
