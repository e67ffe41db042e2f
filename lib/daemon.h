/** What the daemons' parents share: the command line, a configuration that is checked, children that are started anew.
 */
#ifndef VMP_DAEMON_H
#define VMP_DAEMON_H

#include "err.h"

#include <stdbool.h>

/** Exit codes, of daemons and of their processes. */
enum vmp_daemon_exit { VMP_DAEMON_DONE = 0, VMP_DAEMON_FAILED = 1, VMP_DAEMON_CONFIG = 2 };

struct vmp_daemon_args {
	const char *name;   /**< of the program; from the caller, as the other two */
	const char *help;   /**< for --help */
	const char *config; /**< path: what --config says, or what the caller has set */
	bool only_test;	    /**< --test */
};

/** Read -c FILE, -t, --version and --help.
 * @return whether to go on; else *exit_code is set, and everything said. */
bool vmp_daemon_args(int argc, char **argv, struct vmp_daemon_args *args, int *exit_code);

typedef int (*vmp_daemon_check_fn)(const void *config, struct vmp_msg *msg);
typedef int (*vmp_daemon_read_fn)(const char *path, void *config, struct vmp_msg *msg);

/** What each daemon begins with: its arguments, its configuration, and with --test the files that it names.
 * @param config  what read_config fills and check_files looks at.
 * @return whether to go on; else *exit_code is set, and everything said. */
bool vmp_daemon_begin(int argc, char **argv, struct vmp_daemon_args *args, vmp_daemon_read_fn read_config,
		      vmp_daemon_check_fn check_files, void *config, int *exit_code);
/** Ask check in a process of its own, which says why not, so that nothing of what it reads stays in this one. */
VMP_CHECKED int vmp_daemon_check_aside(vmp_daemon_check_fn check, const void *config, struct vmp_msg *msg);

/** [ms] the next pause before a restart: none at first, and then from 100 ms, doubled, to 30 s. @param pause  0 at
 * first, and again when a process has lasted; moved on. */
unsigned vmp_daemon_pause(unsigned *pause);

#endif
