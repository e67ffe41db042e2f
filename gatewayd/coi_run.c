#include "coi_run.h"
#include "account.h"
#include "coi_status.h"
#include "filter.h"
#include "filter_poll.h"
#include "forwarding.h"
#include "identity.h"
#include "library_log.h"
#include "log.h"
#include "member.h"
#include "privilege.h"
#include "sandbox.h"

#include <cap-ng.h>
#include <signal.h>
#include <string.h>

#define HEADERS_MAX 8192  /* [octets] */
#define REQUEST_MS  10000 /* a signer may be slower than a licence server has to be */
#define BACK_MS	    1000  /* between looks at what keeps the member from going */

static struct {
	struct event_base *base;
	const struct config *config;
	struct http_client_settings policyd;
	struct http_client *client; /* for filters and the certificate */
	struct http_server *server;
	struct event *stop_event;
	bool halted; /* for the filter's sake */
	bool failed; /* WireGuard is gone: the parent starts us anew, and we it */
} run;

static const struct vmp_privilege kept[] = { { CAP_NET_ADMIN, true }, { CAP_NET_RAW, true } };
static const struct http_route *const tables[] = { coi_status_routes, NULL };

/* -- settings ----------------------------------------------------------------------------------------------------- */

/* Where the certificate comes from: as the broker's. */
static struct http_client_settings policyd_of(const struct config *c)
{
	bool home = !*c->identity_url && c->n_server > 0;

	return (struct http_client_settings){ .url = home ? c->server[c->home].url : c->identity_url,
					      .ca = c->ca,
					      .agent = PROC_AGENT,
					      .timeout_ms = REQUEST_MS,
					      .answer_max = FILTER_ANSWER,
					      .mark = (uint32_t)c->coi_mark,
					      .proxy = home ? c->server[c->home].proxy : "",
					      .proxy_ca = c->ca,
					      .proxy_certificate = c->certificate,
					      .proxy_key = c->key };
}

/* With servers the broker enrols, and this one takes what comes. */
static struct identity_settings identity_of(const struct config *c)
{
	return (struct identity_settings){ .certificate = c->certificate,
					   .key = c->key,
					   .ca = c->ca,
					   .enrol = c->enrol && c->n_server == 0,
					   .label = c->label,
					   .token_file = c->token_file,
					   .owner = "the gateway",
					   .expected = "a token in [identity] token_file" };
}

static struct member_settings member_of(const struct config *c)
{
	return (struct member_settings){ .policyd = policyd_of(c),
					 .certificate = c->certificate,
					 .key = c->key,
					 .ca = c->ca,
					 .state = c->coi_state,
					 .interface = c->coi_interface,
					 .engine = c->coi_engine,
					 .program = c->coi_program,
					 .port = (uint16_t)c->coi_port,
					 .endpoint = c->coi_endpoint,
					 .mark = (uint32_t)c->coi_mark,
					 .table = (uint32_t)c->coi_table,
					 .mtu = (unsigned)c->coi_mtu,
					 .idle_s = c->coi_idle,
					 .most = c->coi_most,
					 .hosts = "",
					 .suffix = "" };
}

static struct filter_settings filter_of(const struct config *c)
{
	return (struct filter_settings){ .frame = { .interface = c->coi_interface,
						    .clear = c->coi_clear,
						    .input = c->coi_input,
						    .masquerade = c->coi_masquerade,
						    .transit = c->coi_transit } };
}

int coi_check(const struct config *c, struct vmp_msg *msg)
{
	struct http_client_settings policyd = policyd_of(c);
	struct identity_settings identity = identity_of(c);
	int err = http_client_check(&policyd, msg);

	/* The broker's certificate may be still to come. */
	return err == VMP_OK && c->n_server == 0 ? identity_check(&identity, msg) : err;
}

/* -- what comes together ------------------------------------------------------------------------------------------ */

/* Without a filter nothing may pass, and so there are no peers. */
static void on_filter(void *ctx)
{
	const char *trouble = filter_trouble();

	(void)ctx;
	if (trouble && !run.halted) {
		run.halted = true;
		member_halt(trouble);
	} else if (!trouble && run.halted) {
		run.halted = false;
		if (identity_is_there())
			member_go();
	}
}

static void on_members(void *ctx)
{
	(void)ctx;
	filter_members();
}

static int on_rules(void *ctx, const char *text, size_t len, int64_t *version, struct vmp_msg *msg)
{
	(void)ctx;
	return filter_take(text, len, version, msg);
}

static void on_withdrawn(void *ctx, const char *why)
{
	(void)ctx;
	filter_withdraw(why);
}

static void have_certificate(void)
{
	if (!run.halted)
		member_go();
	filter_poll_go();
}

/* -- the process -------------------------------------------------------------------------------------------------- */

/* Peers first: with them all that may pass. */
static void on_stop(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	member_halt("gatewayd stops");
	event_base_loopbreak(run.base);
}

static void on_failed(void *ctx, const char *why)
{
	(void)ctx;
	vmp_log(VMP_LOG_ERROR, "failed", "why", why, NULL);
	run.failed = true;
	event_base_loopbreak(run.base);
}

static int start_member(struct vmp_msg *msg)
{
	static struct member_settings settings;

	run.base = event_base_new();
	if (!run.base)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	settings = member_of(run.config);
	settings.changed = on_members;
	settings.failed = on_failed;
	return member_new(run.base, &settings, msg);
}

/* The user's change would take all capabilities along. */
static int give_up(pid_t parent, struct vmp_msg *msg)
{
	unsigned uid, gid;
	int err = vmp_account_user(run.config->user, &uid, &gid, msg);

	if (err == VMP_OK)
		err = vmp_privilege_carry(msg);
	if (err == VMP_OK)
		err = vmp_sandbox_enter(uid, gid, VMP_SANDBOX_FILES | VMP_SANDBOX_SOCKETS | VMP_SANDBOX_ACCEPT, parent,
					msg);
	return err == VMP_OK ? vmp_privilege_keep(kept, sizeof(kept) / sizeof(kept[0]), msg) : err;
}

static int start_server(const struct proc_env *env, struct vmp_msg *msg)
{
	const struct config *c = env->config;
	struct http_server_settings settings = { .max_connections = c->max_connections,
						 .request_timeout = c->request_timeout,
						 .idle_timeout = c->idle_timeout,
						 .headers_max = HEADERS_MAX };
	struct http_site site = { tables, NULL, NULL };

	library_log_begin();
	run.stop_event = evsignal_new(run.base, SIGTERM, on_stop, NULL);
	if (!run.stop_event || event_add(run.stop_event, NULL) != 0)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	run.server = http_server_new(run.base, &settings, msg);
	return run.server ? http_server_listen(run.server, &site, env->members.fd, env->members.n, msg) : VMP_ENOMEM;
}

static int start_filter(struct vmp_msg *msg)
{
	struct filter_settings filter = filter_of(run.config);
	struct filter_poll_settings poll = { .certificate = run.config->certificate,
					     .key = run.config->key,
					     .take = on_rules,
					     .withdrawn = on_withdrawn };
	int err;

	filter.changed = on_filter;
	err = filter_init(run.base, &filter, msg);
	if (err == VMP_OK)
		err = http_client_new(run.base, &run.policyd, &run.client, msg);
	poll.client = run.client;
	return err == VMP_OK ? filter_poll_init(run.base, &poll, msg) : err;
}

static int start_identity(struct vmp_msg *msg)
{
	/* It keeps a pointer. */
	static struct identity_settings identity;

	identity = identity_of(run.config);
	identity.client = run.client;
	identity_changed(have_certificate);
	return identity_init(run.base, &identity, msg);
}

/* @param down  nothing is to be left of it. */
static void finish(bool down)
{
	identity_free();
	filter_poll_free();
	http_server_free(run.server);
	http_client_free(run.client);
	if (run.base)
		member_free(down);
	filter_free(down);
	if (run.stop_event)
		event_free(run.stop_event);
	if (run.base)
		event_base_free(run.base);
}

int coi_run(const struct proc_env *env, pid_t parent)
{
	struct vmp_msg msg = { "" };
	int err;

	run.config = env->config;
	run.policyd = policyd_of(run.config);
	err = start_member(&msg);
	if (err == VMP_OK)
		err = give_up(parent, &msg);
	if (err == VMP_OK)
		err = start_server(env, &msg);
	if (err == VMP_OK)
		err = start_filter(&msg);
	/* The kernel begins to forward when there is something that judges it. */
	if (err == VMP_OK && run.config->coi_forwarding)
		err = forwarding_on(&msg);
	if (err == VMP_OK)
		err = start_identity(&msg);
	if (err != VMP_OK) {
		vmp_log(VMP_LOG_ERROR, "cannot-start", "why", msg.text, NULL);
		return PROC_FAILED;
	}
	event_base_dispatch(run.base);
	finish(!run.failed);
	return run.failed ? PROC_FAILED : PROC_DONE;
}
