/* hold: keeps the store open, for those who may only read it.
 *
 * A reader that may not write the store's -shm file can use it only while somebody who may has the store
 * open; else SQLite makes it rebuild an index of its own for every look-up.  This somebody also empties the
 * write-ahead log when it has grown, and follows when another file takes the store's place.
 */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* [s] between looks at the file */
#define LOOK_S 1
/* [s] after the last write that the log is emptied */
#define QUIET_S 2

static bool replaced(const struct cli *cli, const struct stat *open)
{
	struct stat now;

	return stat(cli->store, &now) != 0 || now.st_ino != open->st_ino || now.st_dev != open->st_dev;
}

/* Until a signal ends us, or the path names another file.  @return whether to go on with that. */
static bool hold_this(const struct cli *cli, struct vmp_store *store, const sigset_t *signals)
{
	const struct timespec pause = { .tv_sec = LOOK_S };
	struct stat open;

	if (stat(cli->store, &open) != 0)
		return true;
	while (sigtimedwait(signals, NULL, &pause) < 0) {
		if (errno == EAGAIN && replaced(cli, &open))
			return true;
		vmp_store_trim(store, QUIET_S);
	}
	return false;
}

int hold_run(struct cli *cli, int argc, char **argv)
{
	const struct timespec pause = { .tv_sec = LOOK_S };
	struct vmp_msg msg, said = { "" };
	struct vmp_store *store;
	sigset_t signals;
	bool go_on = true;

	if (cli_option(cli, argc, argv, NULL) >= 0 || optind != argc)
		return cli_usage(cli, "expected no operands");
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	while (go_on) {
		if (vmp_store_open(&store, cli->store, VMP_STORE_POLICY, VMP_STORE_WRITE, CLI_BUSY_MS, &msg) ==
		    VMP_OK) {
			printf("holding %s\n", cli->store);
			fflush(stdout);
			said.text[0] = '\0';
			go_on = hold_this(cli, store, &signals);
			vmp_store_close(store);
			continue;
		}
		if (strcmp(msg.text, said.text) != 0)
			(void)cli_fail(CLI_STORE, "%s; waiting for it", msg.text);
		said = msg;
		go_on = sigtimedwait(&signals, NULL, &pause) < 0;
	}
	return CLI_OK;
}
