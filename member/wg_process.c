#include "wg_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 10000
#define ENVIRONMENT 32

extern char **environ;

long long wg_process_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void wg_process_pause(void)
{
	static const struct timespec pause = { 0, 5000000 };

	nanosleep(&pause, NULL);
}

/* What it may know: where programs are, and how Go is to run.  Its own variables would keep it in the foreground, or
 * hand it descriptors that it has not. */
static void choose_environment(char **out)
{
	static char prefer[] = "WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD=1";
	size_t i, n = 0;

	out[n++] = prefer;
	for (i = 0; environ[i] && n < ENVIRONMENT - 1; i++) {
		if (strncmp(environ[i], "PATH=", 5) == 0 || strncmp(environ[i], "GO", 2) == 0)
			out[n++] = environ[i];
	}
	out[n] = NULL;
}

/* @return 0, errno. */
static int spawn(const char *program, const char *name, pid_t *pid)
{
	char *argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t)name, NULL };
	char *environment[ENVIRONMENT];
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int rc = 0, fd;

	choose_environment(environment);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	for (fd = STDIN_FILENO; fd <= STDERR_FILENO && rc == 0; fd++)
		rc = posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
	/* In a session of its own: what a terminal sends to us is not for it. */
	if (rc == 0)
		rc = posix_spawnattr_setflags(&attributes,
					      POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (rc == 0)
		rc = posix_spawnattr_setsigmask(&attributes, &none);
	if (rc == 0)
		rc = posix_spawnattr_setsigdefault(&attributes, &all);
	if (rc == 0)
		rc = posix_spawnp(pid, program, &files, &attributes, argv, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

/* @return false: it is still there. */
static bool await(pid_t pid, int *status)
{
	long long until = wg_process_now() + PATIENCE_MS;
	pid_t got = 0;

	for (;;) {
		got = waitpid(pid, status, WNOHANG);
		/* Somebody who ignores SIGCHLD never learns how it ended. */
		if (got < 0 && errno == ECHILD)
			*status = 0;
		if (got == pid || (got < 0 && errno == ECHILD))
			return true;
		if (wg_process_now() >= until)
			return false;
		wg_process_pause();
	}
}

int wg_process_start(const char *program, const char *name, struct vmp_msg *msg)
{
	int status = 0, rc;
	pid_t pid = -1;

	rc = spawn(program, name, &pid);
	if (rc == ENOENT)
		return vmp_fail(msg, VMP_ENOENT, "there is no program \"%s\"", program);
	if (rc != 0)
		return vmp_fail(msg, VMP_EIO, "cannot start \"%s\": %s", program, strerror(rc));
	if (!await(pid, &status)) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return vmp_fail(msg, VMP_EIO, "\"%s %s\" has not gone into the background within %d s", program, name,
				PATIENCE_MS / 1000);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return vmp_fail(msg, VMP_ENOENT, "there is no program \"%s\"", program);
	if (status != 0)
		return vmp_fail(msg, VMP_EIO, "\"%s %s\" has failed; by hand with LOG_LEVEL=verbose it says why",
				program, name);
	return VMP_OK;
}
