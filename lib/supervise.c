#include "supervise.h"
#include "daemon.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_MS  5000	/* [ms] A process that lasts so long was able to start */
#define STEADY_MS 60000 /* [ms] after which a failure is no repetition */

struct state {
	const struct vmp_supervision *s;
	bool stop;
	int exit_code;
};

static sigset_t waited, before;

/* [ms] CLOCK_MONOTONIC */
static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int vmp_supervise_begin(struct vmp_msg *msg)
{
	static const int taken[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT };
	size_t i;

	sigemptyset(&waited);
	for (i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigaddset(&waited, taken[i]);
	if (sigprocmask(SIG_BLOCK, &waited, &before) != 0)
		return vmp_fail(msg, VMP_EIO, "cannot block signals: %s", strerror(errno));
	return VMP_OK;
}

/* -- children ----------------------------------------------------------------------------------------------------- */

static int start(const struct state *state, struct vmp_child *c, struct vmp_msg *msg)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return vmp_fail(msg, VMP_EIO, "cannot fork: %s", strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_NAME, c->title);
		signal(SIGPIPE, SIG_IGN);
		signal(SIGINT, SIG_IGN); /* the terminal sends it to all; the parent decides */
		sigprocmask(SIG_SETMASK, &before, NULL);
		_exit(c->run(state->s->ctx, parent));
	}
	c->pid = pid;
	c->started = now_ms();
	return VMP_OK;
}

/* Start those whose time has come. */
static int start_due(const struct state *state, struct vmp_msg *msg)
{
	uint64_t now = now_ms();
	int err = VMP_OK;
	size_t i;

	for (i = 0; i < state->s->n && err == VMP_OK; i++) {
		struct vmp_child *c = &state->s->child[i];

		if (c->wanted && !c->pid && c->due <= now)
			err = start(state, c, msg);
	}
	return err;
}

/* Longer and longer pauses while it keeps ending soon after its start. */
static void ended(struct state *state, struct vmp_child *c, int status)
{
	uint64_t now = now_ms();
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);

	c->pid = 0;
	c->steady = c->steady || now - c->started >= START_MS;
	if (now - c->started >= STEADY_MS)
		c->pause = 0;
	c->due = now + vmp_daemon_pause(&c->pause);
	if (state->stop)
		return;
	state->s->ended(state->s->ctx, c, !WIFEXITED(status), code);
	/* What was right before may be so again: a disk that is full now. */
	if (WIFEXITED(status) && code == VMP_DAEMON_CONFIG && !c->steady) {
		state->exit_code = VMP_DAEMON_CONFIG;
		state->stop = true;
	}
}

static void reap(struct state *state)
{
	int status;
	pid_t pid;
	size_t i;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < state->s->n; i++) {
			if (state->s->child[i].pid == pid)
				ended(state, &state->s->child[i], status);
		}
	}
}

/* -- the loop ----------------------------------------------------------------------------------------------------- */

static uint64_t next_due(const struct state *state)
{
	uint64_t due = UINT64_MAX;
	size_t i;

	for (i = 0; i < state->s->n; i++) {
		const struct vmp_child *c = &state->s->child[i];

		if (c->wanted && !c->pid && c->due < due)
			due = c->due;
	}
	return due;
}

/* Wait for a signal, until a time at most, and do what it asks for. */
static void turn(struct state *state, uint64_t until)
{
	uint64_t now = now_ms(), left = until > now ? until - now : 0;
	struct timespec wait = { .tv_sec = (time_t)(left / 1000), .tv_nsec = (long)(left % 1000) * 1000000 };
	int sig = until == UINT64_MAX ? sigwaitinfo(&waited, NULL) : sigtimedwait(&waited, NULL, &wait);

	if (sig == SIGCHLD)
		reap(state);
	else if (sig == SIGHUP && state->s->hup && !state->stop)
		state->s->hup(state->s->ctx);
	else if (sig == SIGTERM || sig == SIGINT)
		state->stop = true;
}

static bool any_left(const struct state *state)
{
	size_t i;

	for (i = 0; i < state->s->n; i++) {
		if (state->s->child[i].pid > 0)
			return true;
	}
	return false;
}

static void signal_all(const struct state *state, int sig)
{
	size_t i;

	for (i = 0; i < state->s->n; i++) {
		struct vmp_child *c = &state->s->child[i];

		if (c->pid <= 0)
			continue;
		kill(c->pid, sig);
		if (sig == SIGKILL && state->s->killed)
			state->s->killed(state->s->ctx, c);
	}
}

static void stop_all(struct state *state)
{
	uint64_t deadline = now_ms() + state->s->stop_ms;

	state->stop = true;
	if (state->s->stopping)
		state->s->stopping(state->s->ctx);
	signal_all(state, SIGTERM);
	while (any_left(state) && now_ms() < deadline)
		turn(state, deadline);
	if (!any_left(state))
		return;
	signal_all(state, SIGKILL);
	while (any_left(state))
		turn(state, now_ms() + 100);
}

int vmp_supervise(const struct vmp_supervision *supervision, struct vmp_msg *msg)
{
	struct state state = { .s = supervision, .exit_code = VMP_DAEMON_DONE };

	while (!state.stop) {
		if (start_due(&state, msg) != VMP_OK) {
			state.exit_code = VMP_DAEMON_FAILED;
			break;
		}
		turn(&state, next_due(&state));
	}
	stop_all(&state);
	return state.exit_code;
}
