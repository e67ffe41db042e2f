/** The member process: this gateway as a member of COIs, and its filters. */
#ifndef COI_RUN_H
#define COI_RUN_H

#include "proc.h"

/** For --test. */
VMP_CHECKED int coi_check(const struct config *config, struct vmp_msg *msg);
/** @param parent  for vmp_sandbox_enter(). @return an enum proc_exit */
int coi_run(const struct proc_env *env, pid_t parent);

#endif
