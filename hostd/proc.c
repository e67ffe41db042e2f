/* The parent: opens what needs privileges, starts the processes, starts them anew when they end, and serves the guests
 * process. */
#include "proc.h"
#include "account.h"
#include "fence.h"
#include "folders.h"
#include "listen.h"
#include "log.h"
#include "privilege.h"
#include "sandbox.h"
#include "warden.h"

#include <cap-ng.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG	  64
#define STOP_MS	  10000 /* [ms] that the guests process has to log off its guests and to end */
#define START_MS  5000	/* [ms] A process that lasts so long was able to start */
#define STEADY_MS 60000 /* [ms] after which a failure is no repetition */

/* The parent's; its children have none. */
static const struct vmp_privilege kept[] = {
	{ CAP_NET_RAW, true },		/* packet sockets */
	{ CAP_NET_ADMIN, true },	/* nftables, large buffers */
	{ CAP_SETUID, false },		/* children become a user */
	{ CAP_SETGID, false },		/* and its group */
	{ CAP_KILL, false },		/* signals to them */
	{ CAP_CHOWN, false },		/* folders and sockets for them */
	{ CAP_DAC_READ_SEARCH, false }, /* their files, when SIGHUP has them checked */
};

#define N_KEPT (sizeof(kept) / sizeof(kept[0]))

static unsigned guests_needs(const struct config *config)
{
	(void)config;
	return VMP_SANDBOX_FILES | VMP_SANDBOX_SOCKETS | VMP_SANDBOX_ACCEPT;
}

/* libvirt's socket for more than reading is its group's. */
static unsigned libvirt_needs(const struct config *config)
{
	return VMP_SANDBOX_FILES | VMP_SANDBOX_SOCKETS | (config->attach ? VMP_SANDBOX_GROUPS : 0);
}

static const struct {
	const char *name, *title;
	int (*prepare)(const struct proc_env *env, struct vmp_msg *msg);
	int (*run)(const struct proc_env *env, struct vmp_msg *msg);
	unsigned (*needs)(const struct config *config);
} procs[PROCS] = {
	[PROC_GUESTS] = { "hostd/guests", "hostd: guests", guests_prepare, guests_run, guests_needs },
	[PROC_LIBVIRT] = { "hostd/libvirt", "hostd: libvirt", libvirt_prepare, libvirt_run, libvirt_needs },
};

struct child {
	pid_t pid;	  /* 0: not running */
	uint64_t started; /* [ms] */
	uint64_t due;	  /* [ms] when to start it anew */
	unsigned pause;
};

struct supervisor {
	const char *path;
	struct config *config;
	struct child child[PROCS];
	int signals;	     /* signalfd */
	sigset_t before;     /* the mask that children get */
	int control, status; /* listening; status -1: none */
	int warden;	     /* to the guests process; -1: it is not running */
	int peer;	     /* the libvirt process's end towards it, for all that follow one another; -1 */
	bool stop, reload, ending;
	bool steady; /* a guests process has run for a while */
	int exit_code;
};

/* [ms] CLOCK_MONOTONIC */
static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* -- children ------------------------------------------------------------------------------------ */

/* In the child: never returns. */
static void child(const struct supervisor *s, enum proc_id id, const struct proc_env *env, pid_t parent)
{
	const struct config *config = s->config;
	struct vmp_msg msg = { "" };
	unsigned uid, gid;
	int err;

	vmp_log_setup(procs[id].name, (enum vmp_log_level)vmp_log_level(config->log_level));
	prctl(PR_SET_NAME, procs[id].title);
	sigprocmask(SIG_SETMASK, &s->before, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN); /* the terminal sends it to all; the parent decides */
	err = vmp_account_user(config->user, &uid, &gid, &msg);
	if (err == VMP_OK)
		err = procs[id].prepare(env, &msg);
	if (err == VMP_OK)
		err = vmp_sandbox_enter(uid, gid, procs[id].needs(config), parent, &msg);
	if (err == VMP_OK)
		err = vmp_privilege_keep(NULL, 0, &msg);
	if (err != VMP_OK) {
		vmp_log(VMP_LOG_ERROR, "cannot-start", "why", msg.text, NULL);
		_exit(PROC_CONFIG);
	}
	err = procs[id].run(env, &msg);
	if (err != VMP_OK)
		vmp_log(VMP_LOG_ERROR, "failed", "why", msg.text, NULL);
	_exit(err == VMP_OK ? PROC_DONE : PROC_FAILED);
}

/* What env names stays open there, and nothing else of ours. */
static int start(struct supervisor *s, enum proc_id id, const struct proc_env *env, struct vmp_msg *msg)
{
	const int ours[] = { s->signals, s->control, s->status, s->warden, s->peer };
	struct child *c = &s->child[id];
	pid_t parent = getpid(), pid = fork();
	size_t i;

	if (pid < 0)
		return vmp_fail(msg, VMP_EIO, "cannot fork: %s", strerror(errno));
	if (pid == 0) {
		for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
			if (ours[i] >= 0 && ours[i] != env->peer && ours[i] != env->control && ours[i] != env->status)
				close(ours[i]);
		}
		child(s, id, env, parent);
	}
	c->pid = pid;
	c->started = now_ms();
	return VMP_OK;
}

static int pair(int fds[2], struct vmp_msg *msg)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0)
		return VMP_OK;
	fds[0] = fds[1] = -1;
	return vmp_fail(msg, VMP_EIO, "cannot make a socketpair: %s", strerror(errno));
}

static int start_guests(struct supervisor *s, struct vmp_msg *msg)
{
	struct proc_env env = { .config = s->config, .control = s->control, .status = s->status, .peer = -1 };
	int to_parent[2], to_libvirt[2] = { -1, -1 };
	int err = pair(to_parent, msg);

	if (err == VMP_OK && s->config->libvirt)
		err = pair(to_libvirt, msg);
	s->warden = to_parent[0];
	s->peer = to_libvirt[1];
	env.parent = to_parent[1];
	env.peer = to_libvirt[0];
	if (err == VMP_OK)
		err = start(s, PROC_GUESTS, &env, msg);
	close_fd(&to_parent[1]);
	close_fd(&to_libvirt[0]);
	return err;
}

static int start_libvirt(struct supervisor *s, struct vmp_msg *msg)
{
	const struct proc_env env = { .config = s->config, .parent = -1, .control = -1, .status = -1, .peer = s->peer };

	return s->peer >= 0 ? start(s, PROC_LIBVIRT, &env, msg) : VMP_OK;
}

/* Start those whose time has come. */
static int start_due(struct supervisor *s, struct vmp_msg *msg)
{
	uint64_t now = now_ms();
	int err = VMP_OK;

	if (!s->child[PROC_GUESTS].pid && s->child[PROC_GUESTS].due <= now)
		err = start_guests(s, msg);
	/* It has nobody to talk to before. */
	if (err == VMP_OK && s->child[PROC_GUESTS].pid && !s->child[PROC_LIBVIRT].pid &&
	    s->child[PROC_LIBVIRT].due <= now)
		err = start_libvirt(s, msg);
	return err;
}

static void kill_child(struct supervisor *s, enum proc_id id)
{
	pid_t pid = s->child[id].pid;

	if (pid > 0) {
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	s->child[id].pid = 0;
}

/* The libvirt process speaks to one guests process alone. */
static void guests_ended(struct supervisor *s)
{
	close_fd(&s->warden);
	close_fd(&s->peer);
	kill_child(s, PROC_LIBVIRT);
	s->child[PROC_LIBVIRT].due = 0;
}

/* Longer and longer while it keeps ending soon after its start. */
static void ended(struct supervisor *s, enum proc_id id, int status)
{
	struct child *c = &s->child[id];
	uint64_t now = now_ms();
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);

	c->pid = 0;
	if (now - c->started >= STEADY_MS)
		c->pause = 0;
	c->due = now + vmp_daemon_pause(&c->pause);
	if (!s->ending)
		vmp_log(VMP_LOG_ERROR, "process-ended", "process", procs[id].name,
			WIFEXITED(status) ? "exit" : "signal", vmp_log_num(code), NULL);
	if (id != PROC_GUESTS)
		return;
	s->steady = s->steady || now - c->started >= START_MS;
	/* What is wrong from the start needs a person; what was right before may be so again: a disk that is full now.
	 */
	if (WIFEXITED(status) && code == PROC_CONFIG && !s->steady) {
		s->exit_code = PROC_CONFIG;
		s->stop = true;
	}
	guests_ended(s);
}

static void reap(struct supervisor *s)
{
	int status, id;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (id = 0; id < PROCS && s->child[id].pid != pid; id++)
			;
		if (id < PROCS)
			ended(s, (enum proc_id)id, status);
	}
}

/* -- the loop ------------------------------------------------------------------------------------ */

static void take_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			reap(s);
			break;
		case SIGHUP:
			s->reload = true;
			break;
		default:
			s->stop = true;
		}
	}
}

/* One that has closed its end is about to end; one that speaks nonsense is none of ours any more. */
static void serve(struct supervisor *s)
{
	struct vmp_msg msg;
	int err = warden_serve(s->warden, s->config, &msg);

	if (err == VMP_OK)
		return;
	close_fd(&s->warden);
	if (err == VMP_ENOENT || s->child[PROC_GUESTS].pid == 0)
		return;
	vmp_log(VMP_LOG_ERROR, "process-cut-off", "process", procs[PROC_GUESTS].name, "why", msg.text, NULL);
	kill(s->child[PROC_GUESTS].pid, SIGKILL);
}

/* Wait for something, until a time at most, and do what it asks for. */
static void turn(struct supervisor *s, uint64_t until)
{
	struct pollfd fds[2] = { { .fd = s->signals, .events = POLLIN }, { .fd = s->warden, .events = POLLIN } };
	uint64_t now = now_ms();
	int timeout = until == UINT64_MAX ? -1 : until <= now ? 0 : (int)(until - now);

	if (poll(fds, 2, timeout) <= 0)
		return;
	/* First: what it asked for before it ended. */
	if (fds[1].revents)
		serve(s);
	if (fds[0].revents)
		take_signals(s);
}

static uint64_t next_due(const struct supervisor *s)
{
	uint64_t due = UINT64_MAX;
	int id;

	for (id = 0; id < PROCS; id++) {
		if (!s->child[id].pid && (id == PROC_GUESTS || s->peer >= 0) && s->child[id].due < due)
			due = s->child[id].due;
	}
	return due;
}

/* @param sig  what the guests process is told. */
static void stop_all(struct supervisor *s, int sig)
{
	uint64_t deadline = now_ms() + STOP_MS;

	s->ending = true;
	if (s->child[PROC_GUESTS].pid > 0)
		kill(s->child[PROC_GUESTS].pid, sig);
	while (s->child[PROC_GUESTS].pid > 0 && now_ms() < deadline)
		turn(s, deadline);
	if (s->child[PROC_GUESTS].pid > 0)
		vmp_log(VMP_LOG_WARNING, "killed", "process", procs[PROC_GUESTS].name, NULL);
	kill_child(s, PROC_GUESTS);
	guests_ended(s);
	s->child[PROC_GUESTS].due = 0;
	s->ending = false;
}

/* -- the configuration --------------------------------------------------------------------------- */

int proc_check_files(const void *config, struct vmp_msg *msg)
{
	return guests_check(config, msg);
}

static int open_control(const struct config *config, int *fd, struct vmp_msg *msg)
{
	unsigned gid;
	int err = vmp_account_group(config->control_group, &gid, msg);

	return err == VMP_OK ? vmp_listen_unix(config->control_path, gid, BACKLOG, fd, msg) : err;
}

static int open_status(const struct config *config, int *fd, struct vmp_msg *msg)
{
	*fd = -1;
	return *config->status_address ? vmp_listen_tcp(config->status_address, BACKLOG, fd, msg) : VMP_OK;
}

/* The same socket, for another group. */
static int regroup_control(const struct config *config, struct vmp_msg *msg)
{
	unsigned gid;
	int err = vmp_account_group(config->control_group, &gid, msg);

	if (err == VMP_OK && lchown(config->control_path, (uid_t)-1, gid == (unsigned)-1 ? getegid() : gid) != 0)
		err = vmp_fail(msg, VMP_EIO, "%s: cannot change its group: %s", config->control_path, strerror(errno));
	return err;
}

/* Listen where the new configuration says, as far as it says something else; or leave all as it is. */
static int move_listening(struct supervisor *s, const struct config *next, struct vmp_msg *msg)
{
	bool new_status = strcmp(next->status_address, s->config->status_address) != 0;
	bool new_control = strcmp(next->control_path, s->config->control_path) != 0;
	int control = -1, status = -1;
	int err = new_status ? open_status(next, &status, msg) : VMP_OK;

	if (err == VMP_OK)
		err = new_control ? open_control(next, &control, msg) : regroup_control(next, msg);
	if (err != VMP_OK) {
		close_fd(&status);
		return err;
	}
	if (new_status) {
		close_fd(&s->status);
		s->status = status;
	}
	if (new_control) {
		unlink(s->config->control_path);
		close_fd(&s->control);
		s->control = control;
	}
	return VMP_OK;
}

/* Take a new configuration, if it is good. */
static void reload(struct supervisor *s)
{
	static struct config next;
	struct vmp_msg msg;
	int err = config_read(s->path, &next, &msg);

	s->reload = false;
	if (err == VMP_OK)
		err = vmp_daemon_check_aside(proc_check_files, &next, &msg);
	if (err == VMP_OK)
		err = folders_make(&next, &msg);
	if (err == VMP_OK)
		err = move_listening(s, &next, &msg);
	if (err != VMP_OK) {
		vmp_log(VMP_LOG_ERROR, "reload-refused", "why", msg.text, NULL);
		return;
	}
	stop_all(s, SIGHUP);
	if (s->config->fence && !next.fence)
		warden_unfence();
	*s->config = next;
	vmp_log_setup("hostd", (enum vmp_log_level)vmp_log_level(next.log_level));
	vmp_log(VMP_LOG_INFO, "reloaded", "config", s->path, NULL);
}

static int open_signals(struct supervisor *s, struct vmp_msg *msg)
{
	static const int taken[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT };
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigaddset(&set, taken[i]);
	sigprocmask(SIG_BLOCK, &set, &s->before);
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals >= 0 ? VMP_OK : vmp_fail(msg, VMP_EIO, "cannot make a signalfd: %s", strerror(errno));
}

/* Everything that needs more rights than are kept. */
static int prepare(struct supervisor *s, struct vmp_msg *msg)
{
	int err = vmp_privilege_check(kept, N_KEPT, msg);

	if (err == VMP_OK)
		err = open_signals(s, msg);
	if (err == VMP_OK)
		err = folders_make(s->config, msg);
	if (err == VMP_OK)
		err = open_status(s->config, &s->status, msg);
	if (err == VMP_OK)
		err = open_control(s->config, &s->control, msg);
	return err == VMP_OK ? vmp_privilege_keep(kept, N_KEPT, msg) : err;
}

static void run(struct supervisor *s)
{
	struct vmp_msg msg;

	/* An earlier one may have been killed, and there may be no nftables to ask. */
	if (!s->config->fence && fence_remove(&msg) != VMP_OK)
		vmp_log(VMP_LOG_DEBUG, "fence-stays", "why", msg.text, NULL);
	vmp_log(VMP_LOG_INFO, "starting", "control", s->config->control_path, "status", s->config->status_address,
		NULL);
	while (!s->stop) {
		if (start_due(s, &msg) != VMP_OK) {
			vmp_log(VMP_LOG_ERROR, "cannot-start", "why", msg.text, NULL);
			s->exit_code = PROC_FAILED;
			break;
		}
		turn(s, next_due(s));
		if (s->reload && !s->stop)
			reload(s);
	}
	vmp_log(VMP_LOG_INFO, "stopping", NULL);
	stop_all(s, SIGTERM);
	if (s->config->fence)
		warden_unfence();
}

int proc_supervise(const char *path, struct config *config)
{
	struct supervisor s = {
		.path = path, .config = config, .signals = -1, .control = -1, .status = -1, .warden = -1, .peer = -1
	};
	struct vmp_msg msg;

	if (prepare(&s, &msg) == VMP_OK) {
		run(&s);
	} else {
		vmp_log(VMP_LOG_ERROR, "cannot-start", "why", msg.text, NULL);
		s.exit_code = PROC_FAILED;
	}
	if (s.control >= 0)
		unlink(config->control_path);
	close_fd(&s.control);
	close_fd(&s.status);
	close_fd(&s.signals);
	return s.exit_code;
}
