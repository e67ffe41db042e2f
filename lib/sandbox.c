#include "sandbox.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
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
	{ "socket", VMP_SANDBOX_SOCKETS },
	{ "connect", VMP_SANDBOX_SOCKETS },
	{ "bind", VMP_SANDBOX_SOCKETS },
	{ "listen", VMP_SANDBOX_SOCKETS },
	{ "accept", VMP_SANDBOX_ACCEPT },
	{ "accept4", VMP_SANDBOX_ACCEPT },
	{ "open", VMP_SANDBOX_FILES },
	{ "openat", VMP_SANDBOX_FILES },
	{ "openat2", VMP_SANDBOX_FILES },
	{ "creat", VMP_SANDBOX_FILES },
	{ "open_by_handle_at", 0 },
	{ "unlink", VMP_SANDBOX_FILES },
	{ "unlinkat", VMP_SANDBOX_FILES },
	{ "rmdir", VMP_SANDBOX_FILES },
	{ "rename", VMP_SANDBOX_FILES },
	{ "renameat", VMP_SANDBOX_FILES },
	{ "renameat2", VMP_SANDBOX_FILES },
	{ "link", VMP_SANDBOX_FILES },
	{ "linkat", VMP_SANDBOX_FILES },
	{ "symlink", VMP_SANDBOX_FILES },
	{ "symlinkat", VMP_SANDBOX_FILES },
	{ "mkdir", VMP_SANDBOX_FILES },
	{ "mkdirat", VMP_SANDBOX_FILES },
	{ "mknod", 0 },
	{ "mknodat", 0 },
	{ "truncate", VMP_SANDBOX_FILES },
	{ "chmod", VMP_SANDBOX_FILES },
	{ "fchmodat", VMP_SANDBOX_FILES },
	{ "chown", VMP_SANDBOX_FILES },
	{ "fchownat", VMP_SANDBOX_FILES },
	{ "lchown", VMP_SANDBOX_FILES },
};

/* A user namespace of its own would give a process all capabilities in it, and with them much more of the kernel to
 * try. What clone3() is asked for cannot be seen: the C library takes clone() where there is none. */
static int forbid_namespaces(scmp_filter_ctx filter)
{
	int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
				  SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER));

	return rc ? rc : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

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
		rc = forbid_namespaces(filter);
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc == 0 ? VMP_OK : vmp_fail(msg, VMP_EIO, "cannot restrict system calls: %s", strerror(-rc));
}

/* An empty directory that has no name any more. */
static int leave_files(struct vmp_msg *msg)
{
	char dir[] = "/tmp/vmprov-empty.XXXXXX";

	if (!mkdtemp(dir) || chdir(dir) != 0 || rmdir(dir) != 0 || chroot(".") != 0)
		return vmp_fail(msg, VMP_EIO, "cannot leave the file system: %s: %s", dir, strerror(errno));
	return VMP_OK;
}

static int become(unsigned uid, unsigned gid, unsigned needs, struct vmp_msg *msg)
{
	const struct passwd *pw = needs & VMP_SANDBOX_GROUPS ? getpwuid(uid) : NULL;

	if ((pw ? initgroups(pw->pw_name, gid) : setgroups(0, NULL)) != 0 || setresgid(gid, gid, gid) != 0 ||
	    setresuid(uid, uid, uid) != 0)
		return vmp_fail(msg, VMP_EIO, "cannot become user %u: %s", uid, strerror(errno));
	return VMP_OK;
}

int vmp_sandbox_enter(unsigned uid, unsigned gid, unsigned needs, pid_t parent, struct vmp_msg *msg)
{
	static const struct rlimit none = { 0, 0 };
	int err = VMP_OK;

	setrlimit(RLIMIT_CORE, &none);
	if (geteuid() == 0 && !(needs & VMP_SANDBOX_FILES))
		err = leave_files(msg);
	if (err == VMP_OK && uid != (unsigned)-1)
		err = become(uid, gid, needs, msg);
	if (err != VMP_OK)
		return err;
	/* After the change of user, which takes both back. */
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		return vmp_fail(msg, VMP_EIO, "the parent has gone");
	return forbid(needs, msg);
}
