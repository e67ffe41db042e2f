#include "run.h"
#include "account.h"
#include "boot_clock.h"
#include "commit.h"
#include "identity.h"
#include "library_log.h"
#include "log.h"
#include "loop.h"
#include "mark.h"
#include "sandbox.h"
#include "serve.h"
#include "status.h"
#include "tls_files.h"
#include "upstream.h"
#include "vm_request.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define HEADERS_MAX 8192 /* [octets] */
#define BUSY_MS	    1000
#define DRAIN_MS    50

struct loop loop;

static struct proc_sockets vms, watchers;

static struct tls_files *tls;
static struct event *upkeep, *stop_event;

static const struct http_route *const vm_tables[] = { serve_routes, health_routes, NULL };
static const struct http_route *const status_tables[] = { status_routes, NULL };

/* -- sockets ------------------------------------------------------------------------------------------------------ */

static int open_vms(struct vmp_msg *msg)
{
	struct http_site site = { vm_tables, tls_files_new_ssl, tls };
	int err = http_server_listen(loop.server, &site, vms.fd, vms.n, msg);

	if (err != VMP_OK)
		return err;
	loop.ready = true;
	vmp_log(VMP_LOG_INFO, "ready", "listen", loop.config->address, NULL);
	return VMP_OK;
}

/* -- the certificate ---------------------------------------------------------------------------------------------- */

static int use_certificate(void *ctx, struct vmp_msg *msg)
{
	int err = tls_files_load(tls, msg);

	(void)ctx;
	return err == VMP_OK && !loop.ready ? open_vms(msg) : err;
}

static void have_certificate(void)
{
	upstream_watch();
	commit_soon();
}

static struct identity_settings identity_of(const struct config *c)
{
	return (struct identity_settings){ .certificate = c->certificate,
					   .key = c->key,
					   .ca = c->ca,
					   .enrol = c->enrol,
					   .label = c->label,
					   .token_file = c->token_file,
					   .owner = "the gateway",
					   .expected = "a token in [identity] token_file",
					   .use = use_certificate };
}

static int start_identity(struct vmp_msg *msg)
{
	/* It keeps a pointer. */
	static struct identity_settings identity;
	struct tls_files_settings files = { .role = TLS_SERVER,
					    .certificate = loop.config->certificate,
					    .key = loop.config->key,
					    .ca = loop.config->ca,
					    .http = true };
	int err;

	identity = identity_of(loop.config);
	identity.client = upstream_identity_client();
	tls = tls_files_new(&files, msg);
	if (!tls)
		return VMP_ENOMEM;
	identity_changed(have_certificate);
	err = identity_init(loop.base, &identity, msg);
	if (err == VMP_OK && identity_is_there())
		have_certificate();
	return err;
}

int run_check(const void *config, struct vmp_msg *msg)
{
	const struct config *c = config;
	struct identity_settings identity = identity_of(c);
	int err = upstream_check(c, msg);

	return err == VMP_OK ? identity_check(&identity, msg) : err;
}

/* -- the broker --------------------------------------------------------------------------------------------------- */

static struct broker_settings broker_of(const struct config *c)
{
	struct broker_settings s = { .n_server = c->n_server,
				     .home = c->home,
				     .life_ms = c->lease * 1000,
				     .refresh_ms = c->refresh * 1000,
				     .timeout_ms = c->timeout * 1000,
				     .report_ms = BROKER_REPORT_MS,
				     .margin = c->margin,
				     .spare = c->spare,
				     .slack = c->slack };
	int i;

	for (i = 0; i < c->n_server; i++)
		memcpy(s.server[i], c->server[i].name, sizeof(s.server[i]));
	return s;
}

static int start_broker(struct vmp_msg *msg)
{
	struct broker_settings settings = broker_of(loop.config);
	struct vmp_clock clock;
	int err = vmp_store_open(&loop.store, loop.config->store_path, VMP_STORE_BROKER, VMP_STORE_CREATE, BUSY_MS,
				 msg);

	vmp_clock_read(&clock);
	if (err == VMP_OK)
		err = vmp_store_migrate(loop.store, NULL, NULL, msg);
	if (err == VMP_OK)
		err = broker_new(&settings, loop.store, &clock, &loop.broker, msg);
	if (err == VMP_OK)
		mark_check();
	return err == VMP_OK ? commit_init(serve_settle, upstream_send, serve_lost, msg) : err;
}

/* -- the loop ----------------------------------------------------------------------------------------------------- */

static void on_upkeep(evutil_socket_t fd, short what, void *ctx)
{
	static const struct timeval often = { .tv_usec = DRAIN_MS * 1000 }, second = { .tv_sec = 1 };

	(void)fd;
	(void)what;
	(void)ctx;
	if (!loop.stopping) {
		mark_upkeep((int64_t)boot_clock_ms());
		vmp_store_trim(loop.store, 60);
		evtimer_add(upkeep, &second);
	} else if (http_server_drained(loop.server)) {
		event_base_loopbreak(loop.base);
	} else {
		evtimer_add(upkeep, &often);
	}
}

/* Answer what has come, take nothing new; what VMs have stays theirs. */
static void on_stop(evutil_socket_t fd, short what, void *ctx)
{
	static const struct timeval now = { 0 };

	(void)fd;
	(void)what;
	(void)ctx;
	if (loop.stopping)
		return;
	loop.stopping = true;
	commit_flush();
	serve_stop();
	http_server_stop(loop.server);
	evtimer_add(upkeep, &now);
}

static int start_events(struct vmp_msg *msg)
{
	static const struct timeval now = { 0 };
	const struct config *c = loop.config;
	struct http_server_settings settings = { .request_size = serve_request_size,
						 .max_connections = c->max_connections,
						 .request_timeout = c->request_timeout,
						 .idle_timeout = c->idle_timeout,
						 .headers_max = HEADERS_MAX,
						 .body_max = VM_REQUEST_MAX };
	struct http_site status = { status_tables, NULL, NULL };

	library_log_begin();
	loop.base = event_base_new();
	upkeep = loop.base ? evtimer_new(loop.base, on_upkeep, NULL) : NULL;
	stop_event = loop.base ? evsignal_new(loop.base, SIGTERM, on_stop, NULL) : NULL;
	if (!upkeep || !stop_event || event_add(stop_event, NULL) != 0 || evtimer_add(upkeep, &now) != 0)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	loop.server = http_server_new(loop.base, &settings, msg);
	if (!loop.server)
		return VMP_ENOMEM;
	return http_server_listen(loop.server, &status, watchers.fd, watchers.n, msg);
}

static int start(const struct proc_env *env, pid_t parent, struct vmp_msg *msg)
{
	unsigned uid, gid;
	int err;

	loop.config = env->config;
	vms = env->vms;
	watchers = env->watchers;
	err = vmp_account_user(loop.config->user, &uid, &gid, msg);
	if (err == VMP_OK)
		err = vmp_sandbox_enter(uid, gid, VMP_SANDBOX_FILES | VMP_SANDBOX_SOCKETS | VMP_SANDBOX_ACCEPT, parent,
					msg);
	if (err == VMP_OK)
		err = start_events(msg);
	if (err == VMP_OK)
		err = start_broker(msg);
	if (err == VMP_OK)
		err = upstream_init(msg);
	return err == VMP_OK ? start_identity(msg) : err;
}

static void finish(void)
{
	if (loop.broker)
		mark_upkeep(INT64_MAX);
	identity_free();
	upstream_free();
	http_server_free(loop.server);
	commit_free();
	broker_free(loop.broker);
	vmp_store_close(loop.store);
	tls_files_free(tls);
	if (upkeep)
		event_free(upkeep);
	if (stop_event)
		event_free(stop_event);
	if (loop.base)
		event_base_free(loop.base);
}

int run(const struct proc_env *env, pid_t parent)
{
	struct vmp_msg msg = { "" };
	int err = start(env, parent, &msg);

	if (err != VMP_OK) {
		vmp_log(VMP_LOG_ERROR, "cannot-start", "why", msg.text, NULL);
		return PROC_FAILED;
	}
	event_base_dispatch(loop.base);
	finish();
	return PROC_DONE;
}
