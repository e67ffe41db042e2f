/** Children of a daemon's parent, from a table; each is started anew by itself when it ends. */
#ifndef VMP_SUPERVISE_H
#define VMP_SUPERVISE_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct vmp_child {
	const char *name;  /**< for the log, such as "gatewayd/broker" */
	const char *title; /**< of the process; the kernel takes 15 octets */
	bool wanted;
	/** In the child, whose signals are as they were before vmp_supervise(), except that SIGINT and SIGPIPE are
	 * ignored. @param parent  for vmp_sandbox_enter(). @return an enum vmp_daemon_exit. */
	int (*run)(void *ctx, pid_t parent);
	/* vmp_supervise()'s own. */
	pid_t pid;	  /**< 0: not running */
	uint64_t started; /**< [ms] */
	uint64_t due;	  /**< [ms] when to start it anew */
	unsigned pause;
	bool steady; /**< it has run for a while, some time */
};

/** Borrowed while vmp_supervise() runs. */
struct vmp_supervision {
	struct vmp_child *child; /**< n of them */
	size_t n;
	void *ctx;
	unsigned stop_ms; /**< that children have to end by themselves after SIGTERM */
	/** One has ended that was not told to. @param code  its exit code, or the signal's number. */
	void (*ended)(void *ctx, const struct vmp_child *child, bool signalled, int code);
	/** It was killed, since it did not end within stop_ms. */
	void (*killed)(void *ctx, const struct vmp_child *child);
	/** Told to stop, before the children are: what the parent holds open for them can be closed. */
	void (*stopping)(void *ctx);
	void (*hup)(void *ctx); /**< SIGHUP has come */
};

/** Block the signals that vmp_supervise() waits for: as the first thing, so that none is lost. */
VMP_CHECKED int vmp_supervise_begin(struct vmp_msg *msg);
/** Run them until SIGTERM or SIGINT.  A child that ends with VMP_DAEMON_CONFIG before it has ever lasted 5 s ends all:
 * what is wrong from the start needs a person.
 * @param msg  why it has failed, with VMP_DAEMON_FAILED. @return an enum vmp_daemon_exit. */
int vmp_supervise(const struct vmp_supervision *supervision, struct vmp_msg *msg);

#endif
