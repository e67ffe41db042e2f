/** The processes of policyd, from one table; who they are and what they keep. */
#ifndef PROC_H
#define PROC_H

#include "config.h"
#include "daemon.h"

#include <stdbool.h>

enum proc_id { PROC_NET, PROC_STORE, PROC_SIGNER, PROC_COA, PROCS };

/** What a process starts with. */
struct proc_env {
	const struct config *config;
	int channel[PROCS];		  /**< to each other process; -1: none */
	int listen[3 * CONFIG_ADDRESSES]; /**< listening sockets, n_listen of them: the n_tls of [listen] first, then
					   * the n_forwarded of [forwarded], then those of [status] */
	int n_listen, n_tls, n_forwarded;
};

/** docs/man/policyd.8 lists them. */
enum proc_exit { PROC_DONE = VMP_DAEMON_DONE, PROC_FAILED = VMP_DAEMON_FAILED, PROC_CONFIG = VMP_DAEMON_CONFIG };

/* Each process's main: prepare runs with the privileges that policyd was started with, run without them.  Errors of
 * prepare and run are fatal. */
int net_prepare(const struct proc_env *env, struct vmp_msg *msg);
int net_run(const struct proc_env *env, struct vmp_msg *msg);
int store_prepare(const struct proc_env *env, struct vmp_msg *msg);
int store_run(const struct proc_env *env, struct vmp_msg *msg);
int signer_prepare(const struct proc_env *env, struct vmp_msg *msg);
int signer_run(const struct proc_env *env, struct vmp_msg *msg);
unsigned signer_needs(const struct proc_env *env);
int coa_prepare(const struct proc_env *env, struct vmp_msg *msg);
int coa_run(const struct proc_env *env, struct vmp_msg *msg);

/** Can the CA's and the master key be read, as far as they need not be made first?  Makes nothing. */
VMP_CHECKED int signer_check(const struct config *config, struct vmp_msg *msg);

/** Are [coa]'s files good: secrets, dialects, dictionary?  VMP_OK also when it is not enabled. */
VMP_CHECKED int coa_check(const struct config *config, struct vmp_msg *msg);

/** Both. @param config  a struct config. */
VMP_CHECKED int proc_check_files(const void *config, struct vmp_msg *msg);

/** Run until told to stop; the parent's main. @param path  for SIGHUP. @return an exit code. */
int proc_supervise(const char *path, struct config *config);

#endif
