/** The processes of hostd, from one table.
 *
 * The parent keeps CAP_NET_RAW and CAP_NET_ADMIN, reads nothing from the network, and does two things for the guests
 * process: it opens packet sockets and passes them over, and it keeps the fence, nftables' rules that keep EAPOL
 * between switch and host.  The guests process has no capability; the libvirt process only talks to libvirtd.
 */
#ifndef PROC_H
#define PROC_H

#include "config.h"
#include "daemon.h"

enum proc_id { PROC_GUESTS, PROC_LIBVIRT, PROCS };

/** What a process starts with. */
struct proc_env {
	const struct config *config;
	int parent;  /**< guests: to the parent, SOCK_SEQPACKET (warden.h); else -1 */
	int peer;    /**< guests and libvirt: to each other, SOCK_SEQPACKET (source.h); -1: [guests] libvirt = no */
	int control; /**< guests: the listening control socket */
	int status;  /**< guests: the listening status socket; -1: none */
};

/** docs/man/hostd.8 lists them. */
enum proc_exit { PROC_DONE = VMP_DAEMON_DONE, PROC_FAILED = VMP_DAEMON_FAILED, PROC_CONFIG = VMP_DAEMON_CONFIG };

/* Each process's main; prepare runs with the privileges that hostd was started with, run without them. */
int guests_prepare(const struct proc_env *env, struct vmp_msg *msg);
int guests_run(const struct proc_env *env, struct vmp_msg *msg);
int libvirt_prepare(const struct proc_env *env, struct vmp_msg *msg);
int libvirt_run(const struct proc_env *env, struct vmp_msg *msg);

/** Are the files that the configuration names good, as far as they must be there already?  For hostd -t. */
VMP_CHECKED int guests_check(const struct config *config, struct vmp_msg *msg);

/** guests_check(), for vmp_daemon_check_aside(). @param config  a struct config. */
VMP_CHECKED int proc_check_files(const void *config, struct vmp_msg *msg);

/** Run until told to stop; the parent's main.
 *
 * SIGTERM and SIGINT reach the guests process as SIGTERM, which logs off if it is so configured and ends.  SIGHUP: the
 * configuration is read again, and if it is good all processes start anew; the guests process is told by SIGHUP, and
 * ends with nobody logged off.
 * @return an exit code. */
int proc_supervise(const char *path, struct config *config);

#endif
