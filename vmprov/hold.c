/* hold: keeps the store open, for those who may only read it.
 *
 * A reader that may not write the store's -shm file can use it only while somebody who may has the store
 * open; else SQLite makes it rebuild an index of its own for every look-up.  This somebody also empties the
 * write-ahead log when it has grown, and follows when another file takes the store's place.  session.db beside it is
 * kept open as well: the last who closes it would take the files away that radiusd cannot make.
 */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* [s] between looks at the file */
#define LOOK_S 1
/* [s] after the last write that the log is emptied */
#define QUIET_S 2

/* Sessions may be lost and made again at any time: who writes them says so. */
static void hold_sessions(const char *path, struct vmp_store **sessions)
{
	if (*sessions && vmp_store_is_there(*sessions))
		return;
	vmp_store_close(*sessions);
	if (vmp_store_open(sessions, path, VMP_STORE_SESSION, VMP_STORE_WRITE, 0, NULL) != VMP_OK)
		*sessions = NULL;
}

/* Until a signal ends us, or the path names another file.  @return whether to go on with that. */
static bool hold_this(const struct cli *cli, struct vmp_store *store, const sigset_t *signals)
{
	const struct timespec pause = { .tv_sec = LOOK_S };
	struct vmp_store *sessions = NULL;
	char *path = cli_session_path(cli);
	bool there = true;

	do {
		hold_sessions(path, &sessions);
		vmp_store_trim(store, QUIET_S);
		if (sigtimedwait(signals, NULL, &pause) >= 0)
			break;
		there = errno != EAGAIN || vmp_store_is_there(store);
	} while (there);
	vmp_store_close(sessions);
	free(path);
	return !there;
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
