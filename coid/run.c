#include "run.h"
#include "daemon.h"
#include "identity.h"
#include "join.h"
#include "library_log.h"
#include "licence.h"
#include "listen.h"
#include "log.h"
#include "loop.h"
#include "member.h"
#include "pki_pair.h"
#include "privilege.h"
#include "sandbox.h"
#include "status.h"
#include "talk.h"
#include "watch.h"

#include <cap-ng.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define AGENT	    "coid/" VMPROV_VERSION
#define BACKLOG	    64
#define HEADERS_MAX 8192 /* [octets] */
#define BODY_MAX    1024
#define DRAIN_MS    50
#define LICENCE_MS  15000

struct loop loop;

static struct sockets {
	int fd[CONFIG_ADDRESSES], n;
} watchers;
static int control = -1;

static struct http_client *enrolment, *broker;
static struct event *drain, *stop_event, *int_event, *hup_event;
static bool anew, given_back;

static const struct http_route *const status_tables[] = { status_routes, NULL };
static const struct http_route *const control_tables[] = { status_routes, control_routes, NULL };

/* -- what others ask ---------------------------------------------------------------------------------------------- */

const char *loop_trouble(void)
{
	const char *why = loop.stopping ? "stopping" : identity_trouble(true);

	if (!why && !licence_permits())
		why = licence_trouble();
	return why ? why : member_trouble();
}

void loop_renew(void)
{
	if (loop.stopping)
		return;
	if (identity_is_there())
		licence_hurry();
	talk_again();
	watch_look();
}

/* -- the end ------------------------------------------------------------------------------------------------------ */

static void on_drain(evutil_socket_t fd, short what, void *ctx)
{
	static const struct timeval often = { .tv_usec = DRAIN_MS * 1000 };

	(void)fd;
	(void)what;
	(void)ctx;
	if (given_back && http_server_drained(loop.server))
		event_base_loopbreak(loop.base);
	else
		evtimer_add(drain, &often);
}

static void has_given_back(void)
{
	given_back = true;
}

/* First nobody is talked to any more, and then the licence goes back.  Who starts anew keeps both. */
void loop_stop(bool starts_anew)
{
	static const struct timeval now = { 0 };

	if (loop.stopping)
		return;
	loop.stopping = true;
	anew = starts_anew;
	if (anew)
		given_back = true;
	else
		talk_stop();
	if (!anew)
		licence_release(has_given_back);
	http_server_stop(loop.server);
	evtimer_add(drain, &now);
}

static void on_stop(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	loop_stop(false);
}

/* Files of certificates are looked at as they change; for the rest coid is started anew. */
static void on_hup(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	vmp_log(VMP_LOG_WARNING, "not-reloaded", "why", "a changed configuration needs a restart", NULL);
}

/* -- the certificate ---------------------------------------------------------------------------------------------- */

static struct identity_settings identity_of(const struct config *c)
{
	return (struct identity_settings){ .certificate = c->certificate,
					   .key = c->key,
					   .ca = c->ca,
					   .enrol = c->enrol,
					   .label = loop.label,
					   .token_file = "",
					   .owner = "this machine",
					   .expected = "a join bundle with a token" };
}

static void have_certificate(void)
{
	watch_enrolled();
	licence_hurry();
	talk_again();
}

/* -- clients ------------------------------------------------------------------------------------------------------ */

/* Marked, so that what a gateway leads to is not reached by that way. */
static struct http_client_settings client_of(const struct config *c, const char *url)
{
	return (struct http_client_settings){ .url = url,
					      .ca = c->ca,
					      .agent = AGENT,
					      .timeout_ms = (unsigned)c->policyd_timeout * 1000,
					      .mark = (uint32_t)c->mark };
}

/* The broker's certificate is a gateway's, and names no host. */
static int connect_broker(const struct config *c, struct vmp_msg *msg)
{
	bool is_ipv6 = strchr(loop.bundle.gateway, ':') != NULL;
	struct http_client_settings s;
	char url[BUNDLE_HOST + 32];

	snprintf(url, sizeof(url), is_ipv6 ? "https://[%s]:%d" : "https://%s:%d", loop.bundle.gateway,
		 (int)c->lease_port);
	s = client_of(c, *loop.bundle.gateway ? url : loop.policyd);
	s.any_name = *loop.bundle.gateway != '\0';
	s.timeout_ms = LICENCE_MS;
	return http_client_new(loop.base, &s, &broker, msg);
}

static int start_licence(const struct config *c, struct vmp_msg *msg)
{
	struct licence_settings s = {
		.product = loop.bundle.product, .certificate = c->certificate, .key = c->key, .changed = talk_settle
	};
	int err;

	if (!c->lease_enabled || !*loop.bundle.product)
		return VMP_OK;
	err = connect_broker(c, msg);
	s.client = broker;
	return err == VMP_OK ? licence_init(loop.base, &s, msg) : err;
}

static int start_identity(const struct config *c, struct vmp_msg *msg)
{
	struct http_client_settings s = client_of(c, loop.policyd);
	struct identity_settings identity = identity_of(c);
	int err = http_client_new(loop.base, &s, &enrolment, msg);

	identity.client = enrolment;
	identity_changed(have_certificate);
	if (err == VMP_OK)
		err = identity_init(loop.base, &identity, msg);
	/* What was there at the start has been told already, or is none. */
	return err == VMP_OK ? watch_init(loop.base, msg) : err;
}

/* Only a start anew can make it again: nothing is started from behind the filter. */
static void member_failed(void *ctx, const char *why)
{
	(void)ctx;
	vmp_log(VMP_LOG_ERROR, "restarting", "why", why, NULL);
	loop_stop(true);
}

static int start_member(const struct config *c, struct vmp_msg *msg)
{
	struct member_settings s = { .policyd = client_of(c, loop.policyd),
				     .certificate = c->certificate,
				     .key = c->key,
				     .ca = c->ca,
				     .state = c->state,
				     .interface = c->interface,
				     .engine = c->engine,
				     .program = c->program,
				     .port = (uint16_t)c->port,
				     .endpoint = c->endpoint,
				     .mark = (uint32_t)c->mark,
				     .table = (uint32_t)c->table,
				     .mtu = (unsigned)c->mtu,
				     .idle_s = c->idle,
				     .most = c->most,
				     .hosts = c->hosts,
				     .suffix = c->suffix,
				     .broker = loop.bundle.gateway,
				     .failed = member_failed };
	/* Borrowed for as long as it is there. */
	static struct member_settings kept;

	kept = s;
	return member_new(loop.base, &kept, msg);
}

/* -- the beginning ------------------------------------------------------------------------------------------------ */

static int start_events(struct vmp_msg *msg)
{
	library_log_begin();
	loop.base = event_base_new();
	drain = loop.base ? evtimer_new(loop.base, on_drain, NULL) : NULL;
	stop_event = loop.base ? evsignal_new(loop.base, SIGTERM, on_stop, NULL) : NULL;
	int_event = loop.base ? evsignal_new(loop.base, SIGINT, on_stop, NULL) : NULL;
	hup_event = loop.base ? evsignal_new(loop.base, SIGHUP, on_hup, NULL) : NULL;
	if (!drain || !stop_event || !int_event || !hup_event || event_add(stop_event, NULL) != 0 ||
	    event_add(int_event, NULL) != 0 || event_add(hup_event, NULL) != 0)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	return talk_init(loop.base, msg);
}

static int start_server(struct vmp_msg *msg)
{
	static const struct http_server_settings settings = { .max_connections = 64,
							      .request_timeout = 10,
							      .idle_timeout = 10,
							      .headers_max = HEADERS_MAX,
							      .body_max = BODY_MAX };
	static const struct http_site watch = { status_tables, NULL, NULL }, root = { control_tables, NULL, NULL };
	int err;

	loop.server = http_server_new(loop.base, &settings, msg);
	if (!loop.server)
		return VMP_ENOMEM;
	err = http_server_listen(loop.server, &watch, watchers.fd, watchers.n, msg);
	return err == VMP_OK && control >= 0 ? http_server_listen(loop.server, &root, &control, 1, msg) : err;
}

static int listen_all(const struct config *c, struct vmp_msg *msg)
{
	int err = vmp_listen_list(c->status_address, BACKLOG, watchers.fd, &watchers.n, msg);

	if (err == VMP_OK && *c->status_socket)
		err = vmp_listen_unix(c->status_socket, (unsigned)-1, BACKLOG, &control, msg);
	return err;
}

/* The programs that it starts, and the readers of what the host gives, need no more either. */
static int give_up_privileges(struct vmp_msg *msg)
{
	static const struct vmp_privilege kept[] = {
		{ CAP_NET_ADMIN, true }, /* interfaces, addresses, routes, marks of packets */
		{ CAP_NET_RAW, true },	 /* first packets are sent on as they came */
	};

	return vmp_privilege_keep(kept, sizeof(kept) / sizeof(kept[0]), msg);
}

static int prepare(const struct config *c, struct vmp_msg *msg)
{
	int err = give_up_privileges(msg);

	if (err == VMP_OK)
		err = join_folder(c, msg);
	if (err == VMP_OK && config_joins(c))
		err = join_await(c, &loop.bundle, msg);
	if (err == VMP_OK)
		err = listen_all(c, msg);
	loop.policyd = *c->policyd_url ? c->policyd_url : loop.bundle.policyd;
	loop.label = *c->label ? c->label : loop.bundle.label;
	return err;
}

static int start(const struct config *c, struct vmp_msg *msg)
{
	pid_t parent = getppid();
	int err = start_events(msg);

	if (err == VMP_OK)
		err = start_member(c, msg);
	if (err == VMP_OK)
		err = vmp_sandbox_enter((unsigned)-1, (unsigned)-1,
					VMP_SANDBOX_FILES | VMP_SANDBOX_SOCKETS | VMP_SANDBOX_ACCEPT, parent, msg);
	if (err == VMP_OK)
		err = start_server(msg);
	if (err == VMP_OK)
		err = start_licence(c, msg);
	if (err == VMP_OK)
		err = start_identity(c, msg);
	if (err != VMP_OK)
		return err;
	vmp_log(VMP_LOG_INFO, "ready", "uuid", loop.bundle.uuid, "policyd", loop.policyd, NULL);
	talk_settle();
	return VMP_OK;
}

static void finish(void)
{
	struct event *const events[] = { drain, stop_event, int_event, hup_event };
	size_t i;

	talk_free();
	watch_free();
	licence_free();
	identity_free();
	member_free(!anew);
	http_client_free(enrolment);
	http_client_free(broker);
	http_server_free(loop.server);
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		if (events[i])
			event_free(events[i]);
	}
	if (loop.base)
		event_base_free(loop.base);
	bundle_clear(&loop.bundle);
	if (*loop.config->status_socket && !anew)
		unlink(loop.config->status_socket);
}

int run_check(const void *config, struct vmp_msg *msg)
{
	const struct config *c = config;
	struct identity_settings identity = identity_of(c);
	int err = VMP_OK;

	identity.label = c->label;
	if (!c->ca_is_bundles)
		err = vmp_certs_check(c->ca, 64, msg);
	return err == VMP_OK ? identity_check(&identity, msg) : err;
}

int run(const struct config *config)
{
	struct vmp_msg msg = { "" };
	int err;

	loop.config = config;
	signal(SIGPIPE, SIG_IGN);
	err = prepare(config, &msg);
	if (err == VMP_ENOENT)
		return VMP_DAEMON_DONE; /* stopped before there was a bundle */
	if (err == VMP_OK)
		err = start(config, &msg);
	if (err != VMP_OK) {
		vmp_log(VMP_LOG_ERROR, "cannot-start", "why", msg.text, NULL);
		return VMP_DAEMON_FAILED;
	}
	event_base_dispatch(loop.base);
	finish();
	return anew ? VMP_DAEMON_FAILED : VMP_DAEMON_DONE;
}
