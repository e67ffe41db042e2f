/** The processes of gatewayd, from one table.
 *
 * The parent opens the sockets, which outlive a process that ends; it reads nothing from the network.  The broker
 * process (if there is a [server]) has no capability; the member process ([coi] enabled) has CAP_NET_ADMIN and
 * CAP_NET_RAW, for WireGuard, routes and nftables.
 */
#ifndef PROC_H
#define PROC_H

#include "config.h"
#include "daemon.h"

#include <sys/types.h>

/** Listening sockets. */
struct proc_sockets {
	int fd[CONFIG_ADDRESSES], n;
};

/** What a process starts with. */
struct proc_env {
	const struct config *config;
	struct proc_sockets vms, watchers, members; /**< of [listen], [status] and [coi] */
};

/** docs/man/gatewayd.8 lists them. */
enum proc_exit { PROC_DONE = VMP_DAEMON_DONE, PROC_FAILED = VMP_DAEMON_FAILED, PROC_CONFIG = VMP_DAEMON_CONFIG };

/** The client of policyd: what names it and what stands in requests. */
#define PROC_AGENT "vmprov-gatewayd/" VMPROV_VERSION

/** For --test: the files that the configuration names. @param config  a struct config. */
VMP_CHECKED int proc_check(const void *config, struct vmp_msg *msg);
/** Run until told to stop; the parent's main. @return an enum proc_exit. */
int proc_supervise(const struct config *config);

#endif
