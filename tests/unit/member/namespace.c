#include "namespace.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool own;

static bool loopback_up(void)
{
	struct ifreq ifr = { .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up;

	memcpy(ifr.ifr_name, "lo", 3);
	up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &ifr) == 0;
	if (fd >= 0)
		close(fd);
	return up;
}

/* wireguard-go's control sockets are in /var/run, which is /run. */
static bool private_mounts(void)
{
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return false;
	if (mount("proc", "/proc", "proc", 0, NULL) != 0)
		perror("/proc");
	(void)mkdir("/run/wireguard", 0755);
	return mount("tmpfs", "/run/wireguard", "tmpfs", 0, "size=1m") == 0;
}

static int as_first_process(int (*run)(void))
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	own = loopback_up() && private_mounts();
	if (!own)
		perror("a machine of the tests' own");
	return own ? run() : EXIT_FAILURE;
}

int namespace_run(int (*run)(void))
{
	int status = 0;
	pid_t pid;

	if (geteuid() != 0 || unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID) != 0) {
		puts("member: not root: tests with interfaces are left out");
		return run();
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		exit(as_first_process(run));
	/* LeakSanitizer wants another process at the end, and there can be none any more in this namespace. */
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		_exit(EXIT_FAILURE);
	_exit(WEXITSTATUS(status));
}

bool namespace_is_own(void)
{
	return own;
}
