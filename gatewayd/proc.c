/* The parent: sockets, and two processes that are started anew when they end. */
#include "proc.h"
#include "coi_run.h"
#include "listen.h"
#include "log.h"
#include "privilege.h"
#include "run.h"
#include "supervise.h"

#include <cap-ng.h>
#include <unistd.h>

#define BACKLOG 1024
#define STOP_MS 10000 /* [ms] that processes have to answer, and to tell other machines */

/* What children become, to signal them, and their files; the last two are for a member alone. */
static const struct vmp_privilege kept[] = {
	{ CAP_SETUID, false },	     { CAP_SETGID, false },   { CAP_KILL, false },   { CAP_DAC_READ_SEARCH, false },
	{ CAP_DAC_OVERRIDE, false }, { CAP_NET_ADMIN, true }, { CAP_NET_RAW, true },
};

#define N_KEPT (sizeof(kept) / sizeof(kept[0]))

enum { BROKER, MEMBER, CHILDREN };

/* -- children ----------------------------------------------------------------------------------------------------- */

static void close_sockets(struct proc_sockets *sockets)
{
	while (sockets->n > 0)
		close(sockets->fd[--sockets->n]);
}

static int run_broker(void *ctx, pid_t parent)
{
	struct proc_env env = *(const struct proc_env *)ctx;

	vmp_log_setup("gatewayd/broker", (enum vmp_log_level)vmp_log_level(env.config->log_level));
	close_sockets(&env.members);
	return run(&env, parent);
}

static int run_member(void *ctx, pid_t parent)
{
	struct proc_env env = *(const struct proc_env *)ctx;

	vmp_log_setup("gatewayd/member", (enum vmp_log_level)vmp_log_level(env.config->log_level));
	close_sockets(&env.vms);
	close_sockets(&env.watchers);
	return coi_run(&env, parent);
}

static void on_ended(void *ctx, const struct vmp_child *child, bool signalled, int code)
{
	(void)ctx;
	vmp_log(VMP_LOG_ERROR, "process-ended", "process", child->name, signalled ? "signal" : "exit",
		vmp_log_num(code), NULL);
}

static void on_killed(void *ctx, const struct vmp_child *child)
{
	(void)ctx;
	vmp_log(VMP_LOG_WARNING, "killed", "process", child->name, NULL);
}

/* Nobody else is to come, while those who have are answered. */
static void on_stopping(void *ctx)
{
	struct proc_env *env = ctx;

	close_sockets(&env->vms);
	close_sockets(&env->watchers);
	close_sockets(&env->members);
}

/* Files are looked at as they change; for the rest gatewayd is started anew. */
static void on_hup(void *ctx)
{
	(void)ctx;
	vmp_log(VMP_LOG_WARNING, "not-reloaded", "why", "a changed configuration needs a restart", NULL);
}

/* -- the parent --------------------------------------------------------------------------------------------------- */

int proc_check(const void *config, struct vmp_msg *msg)
{
	const struct config *c = config;
	int err = c->n_server > 0 ? run_check(c, msg) : VMP_OK;

	return err == VMP_OK && c->coi_enabled ? coi_check(c, msg) : err;
}

static int open_sockets(struct proc_env *env, struct vmp_msg *msg)
{
	const struct config *c = env->config;
	int err = VMP_OK;

	if (c->n_server > 0)
		err = vmp_listen_list(c->address, BACKLOG, env->vms.fd, &env->vms.n, msg);
	if (err == VMP_OK && c->n_server > 0)
		err = vmp_listen_list(c->status_address, BACKLOG, env->watchers.fd, &env->watchers.n, msg);
	if (err == VMP_OK && c->coi_enabled)
		err = vmp_listen_list(c->coi_status_address, BACKLOG, env->members.fd, &env->members.n, msg);
	return err;
}

static int prepare(struct proc_env *env, struct vmp_msg *msg)
{
	int err = vmp_supervise_begin(msg);

	if (err == VMP_OK)
		err = open_sockets(env, msg);
	/* A broker alone can be started by anybody. */
	return err == VMP_OK ? vmp_privilege_keep(kept, N_KEPT - (env->config->coi_enabled ? 0 : 2), msg) : err;
}

int proc_supervise(const struct config *config)
{
	struct proc_env env = { .config = config };
	struct vmp_child children[CHILDREN] = {
		[BROKER] = { "gatewayd/broker", "gateway: broker", config->n_server > 0, run_broker, 0, 0, 0, 0, 0 },
		[MEMBER] = { "gatewayd/member", "gateway: member", config->coi_enabled, run_member, 0, 0, 0, 0, 0 },
	};
	const struct vmp_supervision supervision = { .child = children,
						     .n = CHILDREN,
						     .ctx = &env,
						     .stop_ms = STOP_MS,
						     .ended = on_ended,
						     .killed = on_killed,
						     .stopping = on_stopping,
						     .hup = on_hup };
	struct vmp_msg msg = { "" };
	int exit_code = PROC_FAILED;

	if (prepare(&env, &msg) == VMP_OK)
		exit_code = vmp_supervise(&supervision, &msg);
	if (exit_code == PROC_FAILED)
		vmp_log(VMP_LOG_ERROR, "cannot-start", "why", msg.text, NULL);
	on_stopping(&env);
	return exit_code;
}
