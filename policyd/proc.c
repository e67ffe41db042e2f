/* The parent: opens what needs privileges, starts the processes, and starts all of them anew when one ends. */
#include "proc.h"
#include "account.h"
#include "listen.h"
#include "log.h"
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG	    4096
#define STOP_S	    5	/* [s] that processes have to end by themselves */
#define START_S	    5	/* [s] Processes that last so long were able to start */
#define STEADY_S    60	/* [s] after which a failure is no repetition */
#define SPARE_FILES 640 /* beside the TLS connections: those without TLS, listeners, channels */

static unsigned needs_sockets(const struct proc_env *env)
{
	(void)env;
	return VMP_SANDBOX_ACCEPT;
}

static unsigned needs_files(const struct proc_env *env)
{
	(void)env;
	return VMP_SANDBOX_FILES;
}

static unsigned needs_nothing(const struct proc_env *env)
{
	(void)env;
	return 0;
}

static const struct {
	const char *name, *title;
	size_t user; /* offset in struct config */
	int (*prepare)(const struct proc_env *env, struct vmp_msg *msg);
	int (*run)(const struct proc_env *env, struct vmp_msg *msg);
	unsigned (*needs)(const struct proc_env *env);
} procs[PROCS] = {
	[PROC_NET] = { "policyd/net", "policyd: net", offsetof(struct config, net_user), net_prepare, net_run,
		       needs_sockets },
	[PROC_STORE] = { "policyd/store", "policyd: store", offsetof(struct config, store_user), store_prepare,
			 store_run, needs_files },
	[PROC_SIGNER] = { "policyd/signer", "policyd: signer", offsetof(struct config, signer_user), signer_prepare,
			  signer_run, signer_needs },
	[PROC_COA] = { "policyd/coa", "policyd: coa", offsetof(struct config, coa_user), coa_prepare, coa_run,
		       needs_nothing },
};

static bool is_wanted(const struct config *config, enum proc_id id)
{
	return id != PROC_COA || config->coa_enabled;
}

static const enum proc_id pairs[][2] = {
	{ PROC_NET, PROC_STORE },
	{ PROC_STORE, PROC_SIGNER },
	{ PROC_STORE, PROC_COA },
};

#define N_PAIRS (sizeof(pairs) / sizeof(pairs[0]))

struct supervisor {
	const char *path;
	struct config *config;
	struct proc_env env; /* the listening sockets alone */
	sigset_t signals, before;
	pid_t pid[PROCS]; /* 0: not running */
	int exit_code;
	time_t started;
	unsigned pause;
	bool steady; /* a set of processes has run for a while */
};

/* [s] CLOCK_MONOTONIC */
static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void close_listening(struct supervisor *s)
{
	while (s->env.n_listen > 0)
		close(s->env.listen[--s->env.n_listen]);
	s->env.n_tls = s->env.n_forwarded = 0;
}

static int listen_on_list(struct supervisor *s, const char *list, struct vmp_msg *msg)
{
	return vmp_listen_list(list, BACKLOG, s->env.listen, &s->env.n_listen, msg);
}

static int open_listening(struct supervisor *s, struct vmp_msg *msg)
{
	int err = listen_on_list(s, s->config->address, msg);

	s->env.n_tls = s->env.n_listen;
	if (err == VMP_OK)
		err = listen_on_list(s, s->config->forwarded_address, msg);
	s->env.n_forwarded = s->env.n_listen - s->env.n_tls;
	if (err == VMP_OK)
		err = listen_on_list(s, s->config->status_address, msg);
	return err;
}

static void raise_file_limit(const struct config *config)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = (rlim_t)config->max_connections + SPARE_FILES;
	if (limit.rlim_max < limit.rlim_cur)
		limit.rlim_max = limit.rlim_cur;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		vmp_log(VMP_LOG_WARNING, "few-files", "why", "max_connections is beyond the limit on open files", NULL);
}

/* In the child: never returns. */
static void child(const struct supervisor *s, enum proc_id id, const struct proc_env *env, pid_t parent)
{
	const struct config *config = s->config;
	struct vmp_msg msg = { "" };
	unsigned uid, gid;
	int err;

	vmp_log_setup(procs[id].name, (enum vmp_log_level)vmp_log_level(config->log_level));
	prctl(PR_SET_NAME, procs[id].title);
	/* Only the signer has to do with keys, and a URI may have a PIN in it. */
	if (id != PROC_SIGNER) {
		explicit_bzero(s->config->ca_key, sizeof(s->config->ca_key));
		explicit_bzero(s->config->master_unlock, sizeof(s->config->master_unlock));
	}
	sigprocmask(SIG_SETMASK, &s->before, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN); /* the terminal sends it to all; the parent decides */
	err = vmp_account_user((const char *)config + procs[id].user, &uid, &gid, &msg);
	if (err == VMP_OK)
		err = procs[id].prepare(env, &msg);
	if (err == VMP_OK)
		err = vmp_sandbox_enter(uid, gid, procs[id].needs(env), parent, &msg);
	if (err != VMP_OK) {
		vmp_log(VMP_LOG_ERROR, "cannot-start", "why", msg.text, NULL);
		_exit(PROC_CONFIG);
	}
	err = procs[id].run(env, &msg);
	if (err != VMP_OK)
		vmp_log(VMP_LOG_ERROR, "failed", "why", msg.text, NULL);
	_exit(err == VMP_OK ? PROC_DONE : PROC_FAILED);
}

static void close_all(int fds[N_PAIRS][2], const struct proc_env *keep)
{
	size_t i, j;
	int k;

	for (i = 0; i < N_PAIRS; i++) {
		for (j = 0; j < 2; j++) {
			bool kept = false;

			for (k = 0; keep && k < PROCS; k++)
				kept = kept || keep->channel[k] == fds[i][j];
			if (!kept && fds[i][j] >= 0)
				close(fds[i][j]);
		}
	}
}

static pid_t start_one(struct supervisor *s, enum proc_id id, int fds[N_PAIRS][2])
{
	struct proc_env env = s->env;
	pid_t parent = getpid(), pid = fork();
	size_t i;
	int k;

	if (pid != 0)
		return pid;
	env.config = s->config;
	for (k = 0; k < PROCS; k++)
		env.channel[k] = -1;
	for (i = 0; i < N_PAIRS; i++) {
		if (pairs[i][0] == id)
			env.channel[pairs[i][1]] = fds[i][0];
		else if (pairs[i][1] == id)
			env.channel[pairs[i][0]] = fds[i][1];
	}
	close_all(fds, &env);
	for (k = 0; k < s->env.n_listen && id != PROC_NET; k++)
		close(s->env.listen[k]);
	child(s, id, &env, parent);
	return 0;
}

static int start_all(struct supervisor *s, struct vmp_msg *msg)
{
	int fds[N_PAIRS][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 } };
	size_t i;
	int id, err = VMP_OK;

	raise_file_limit(s->config);
	for (i = 0; i < N_PAIRS && err == VMP_OK; i++) {
		if (is_wanted(s->config, pairs[i][1]) &&
		    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds[i]) != 0)
			err = vmp_fail(msg, VMP_EIO, "cannot make a socketpair: %s", strerror(errno));
	}
	for (id = 0; id < PROCS && err == VMP_OK; id++) {
		if (!is_wanted(s->config, (enum proc_id)id))
			continue;
		s->pid[id] = start_one(s, (enum proc_id)id, fds);
		if (s->pid[id] < 0)
			err = vmp_fail(msg, VMP_EIO, "cannot fork: %s", strerror(errno));
	}
	close_all(fds, NULL);
	s->started = now_s();
	return err;
}

static bool any_left(const struct supervisor *s)
{
	int id;

	for (id = 0; id < PROCS; id++) {
		if (s->pid[id] > 0)
			return true;
	}
	return false;
}

/* Take note of children that ended. @return whether one did. */
static bool reap(struct supervisor *s, bool expected)
{
	bool ended = false;
	int status, id;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (id = 0; id < PROCS && s->pid[id] != pid; id++)
			;
		if (id == PROCS)
			continue;
		s->pid[id] = 0;
		ended = true;
		if (WIFEXITED(status) && WEXITSTATUS(status) > s->exit_code)
			s->exit_code = WEXITSTATUS(status);
		if (!expected)
			vmp_log(VMP_LOG_ERROR, "process-ended", "process", procs[id].name,
				WIFEXITED(status) ? "exit" : "signal",
				vmp_log_num(WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status)), NULL);
	}
	return ended;
}

/* The net process answers what it has taken, the others end when their channels do; whoever does not is killed. */
static void stop_all(struct supervisor *s)
{
	struct timespec tick = { .tv_nsec = 100 * 1000 * 1000 };
	int id, left = STOP_S * 10;

	if (s->pid[PROC_NET] > 0)
		kill(s->pid[PROC_NET], SIGTERM);
	for (; any_left(s); left--) {
		for (id = 0; id < PROCS && left <= 0; id++) {
			if (s->pid[id] > 0)
				kill(s->pid[id], SIGKILL);
		}
		if (left < -STOP_S * 10)
			return;
		sigset_t chld;
		sigemptyset(&chld);
		sigaddset(&chld, SIGCHLD);
		sigtimedwait(&chld, NULL, &tick);
		reap(s, true);
	}
}

/* Listen where the new configuration says; if that fails, where the old one did. */
static int move_listening(struct supervisor *s, const struct config *was, struct vmp_msg *msg)
{
	struct config wanted = *s->config;
	struct vmp_msg again;
	int err;

	if (strcmp(wanted.address, was->address) == 0 && strcmp(wanted.status_address, was->status_address) == 0 &&
	    strcmp(wanted.forwarded_address, was->forwarded_address) == 0)
		return VMP_OK;
	close_listening(s);
	err = open_listening(s, msg);
	if (err == VMP_OK)
		return VMP_OK;
	close_listening(s);
	*s->config = *was;
	if (open_listening(s, &again) != VMP_OK)
		vmp_log(VMP_LOG_ERROR, "cannot-listen", "why", again.text, NULL);
	return err;
}

int proc_check_files(const void *config, struct vmp_msg *msg)
{
	int err = signer_check(config, msg);

	return err == VMP_OK ? coa_check(config, msg) : err;
}

/* Take a new configuration, if it is good. */
static void reload(struct supervisor *s)
{
	struct config next, was = *s->config;
	struct vmp_msg msg;
	int err = config_read(s->path, &next, &msg);

	if (err == VMP_OK)
		err = vmp_daemon_check_aside(proc_check_files, &next, &msg);
	if (err == VMP_OK) {
		stop_all(s);
		*s->config = next;
		err = move_listening(s, &was, &msg);
	}
	if (err != VMP_OK) {
		vmp_log(VMP_LOG_ERROR, "reload-refused", "why", msg.text, NULL);
		return;
	}
	vmp_log_setup("policyd", (enum vmp_log_level)vmp_log_level(next.log_level));
	vmp_log(VMP_LOG_INFO, "reloaded", "config", s->path, NULL);
}

/* Longer and longer while processes keep ending soon after their start. */
static void pause_before_restart(struct supervisor *s)
{
	struct timespec wait;
	sigset_t orders = s->signals;
	unsigned ms;
	int sig;

	sigdelset(&orders, SIGCHLD);
	if (now_s() - s->started >= STEADY_S)
		s->pause = 0;
	ms = vmp_daemon_pause(&s->pause);
	wait = (struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };
	sig = sigtimedwait(&orders, NULL, &wait);
	if (sig > 0)
		raise(sig); /* blocked: the next wait takes it */
}

/* One set of processes, from start to end. @return whether another is to follow. */
static bool generation(struct supervisor *s)
{
	struct vmp_msg msg;
	int sig;

	s->exit_code = 0;
	if (start_all(s, &msg) != VMP_OK) {
		vmp_log(VMP_LOG_ERROR, "cannot-start", "why", msg.text, NULL);
		s->exit_code = PROC_FAILED;
		stop_all(s);
		return false;
	}
	for (;;) {
		sig = sigwaitinfo(&s->signals, NULL);
		s->steady = s->steady || now_s() - s->started >= START_S;
		if (sig == SIGCHLD && reap(s, false))
			break;
		if (sig == SIGHUP) {
			reload(s);
			if (!any_left(s))
				return true;
		}
		if (sig == SIGTERM || sig == SIGINT) {
			vmp_log(VMP_LOG_INFO, "stopping", NULL);
			stop_all(s);
			s->exit_code = PROC_DONE;
			return false;
		}
	}
	stop_all(s);
	/* What is wrong from the start needs a person; what was right before may be so again: a disk that is full now.
	 */
	if (s->exit_code == PROC_CONFIG && !s->steady)
		return false;
	pause_before_restart(s);
	return true;
}

int proc_supervise(const char *path, struct config *config)
{
	struct supervisor s = { .path = path, .config = config };
	struct vmp_msg msg;

	sigemptyset(&s.signals);
	sigaddset(&s.signals, SIGCHLD);
	sigaddset(&s.signals, SIGHUP);
	sigaddset(&s.signals, SIGTERM);
	sigaddset(&s.signals, SIGINT);
	sigprocmask(SIG_BLOCK, &s.signals, &s.before);
	if (open_listening(&s, &msg) != VMP_OK) {
		vmp_log(VMP_LOG_ERROR, "cannot-start", "why", msg.text, NULL);
		return PROC_FAILED;
	}
	vmp_log(VMP_LOG_INFO, "starting", "listen", config->address, "status", config->status_address,
		*config->forwarded_address ? "forwarded" : NULL, config->forwarded_address, NULL);
	while (generation(&s))
		;
	close_listening(&s);
	return s.exit_code;
}
