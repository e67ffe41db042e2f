#include "sandbox.h"

#include <errno.h>
#include <grp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Refused with EPERM unless the need is there; 0: always. */
static const struct {
	const char *name;
	unsigned need;
} calls[] = {
	{ "execve", 0 },
	{ "execveat", 0 },
	{ "fork", 0 },
	{ "vfork", 0 },
	{ "ptrace", 0 },
	{ "kill", 0 },
	{ "pidfd_getfd", 0 },
	{ "io_uring_setup", 0 },
	{ "process_vm_readv", 0 },
	{ "process_vm_writev", 0 },
	{ "mount", 0 },
	{ "umount2", 0 },
	{ "chroot", 0 },
	{ "pivot_root", 0 },
	{ "unshare", 0 },
	{ "setns", 0 },
	{ "bpf", 0 },
	{ "perf_event_open", 0 },
	{ "userfaultfd", 0 },
	{ "keyctl", 0 },
	{ "add_key", 0 },
	{ "init_module", 0 },
	{ "finit_module", 0 },
	{ "kexec_load", 0 },
	{ "setuid", 0 },
	{ "setgid", 0 },
	{ "setreuid", 0 },
	{ "setregid", 0 },
	{ "setresuid", 0 },
	{ "setresgid", 0 },
	{ "socket", SANDBOX_SOCKETS },
	{ "connect", SANDBOX_SOCKETS },
	{ "bind", SANDBOX_SOCKETS },
	{ "listen", SANDBOX_SOCKETS },
	{ "accept", SANDBOX_ACCEPT },
	{ "accept4", SANDBOX_ACCEPT },
	{ "open", SANDBOX_FILES },
	{ "openat", SANDBOX_FILES },
	{ "openat2", SANDBOX_FILES },
	{ "creat", SANDBOX_FILES },
	{ "open_by_handle_at", 0 },
	{ "unlink", SANDBOX_FILES },
	{ "unlinkat", SANDBOX_FILES },
	{ "rmdir", SANDBOX_FILES },
	{ "rename", SANDBOX_FILES },
	{ "renameat", SANDBOX_FILES },
	{ "renameat2", SANDBOX_FILES },
	{ "link", SANDBOX_FILES },
	{ "linkat", SANDBOX_FILES },
	{ "symlink", SANDBOX_FILES },
	{ "symlinkat", SANDBOX_FILES },
	{ "mkdir", SANDBOX_FILES },
	{ "mkdirat", SANDBOX_FILES },
	{ "mknod", 0 },
	{ "mknodat", 0 },
	{ "truncate", SANDBOX_FILES },
	{ "chmod", SANDBOX_FILES },
	{ "fchmodat", SANDBOX_FILES },
	{ "chown", SANDBOX_FILES },
	{ "fchownat", SANDBOX_FILES },
	{ "lchown", SANDBOX_FILES },
};

static int forbid(unsigned needs, struct vmp_msg *msg)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	size_t i;
	int rc = filter ? 0 : -ENOMEM;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]) && rc == 0; i++) {
		int nr = seccomp_syscall_resolve_name(calls[i].name);

		/* A call that this architecture lacks needs no rule. */
		if (nr != __NR_SCMP_ERROR && !(calls[i].need & needs))
			rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), nr, 0);
	}
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc == 0 ? VMP_OK : vmp_fail(msg, VMP_EIO, "cannot restrict system calls: %s", strerror(-rc));
}

/* An empty directory that has no name any more. */
static int leave_files(struct vmp_msg *msg)
{
	char dir[] = "/tmp/policyd-empty.XXXXXX";

	if (!mkdtemp(dir) || chdir(dir) != 0 || rmdir(dir) != 0 || chroot(".") != 0)
		return vmp_fail(msg, VMP_EIO, "cannot leave the file system: %s: %s", dir, strerror(errno));
	return VMP_OK;
}

int sandbox_enter(unsigned uid, unsigned gid, unsigned needs, pid_t parent, struct vmp_msg *msg)
{
	static const struct rlimit none = { 0, 0 };
	int err = VMP_OK;

	setrlimit(RLIMIT_CORE, &none);
	if (geteuid() == 0 && !(needs & SANDBOX_FILES))
		err = leave_files(msg);
	if (err == VMP_OK && uid != (unsigned)-1 &&
	    (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0))
		err = vmp_fail(msg, VMP_EIO, "cannot become user %u: %s", uid, strerror(errno));
	if (err != VMP_OK)
		return err;
	/* After the change of user, which takes both back. */
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		return vmp_fail(msg, VMP_EIO, "the parent has gone");
	return forbid(needs, msg);
}
