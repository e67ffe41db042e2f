#include "run.h"
#include "account.h"
#include "daemon.h"
#include "door.h"
#include "http_client.h"
#include "identity.h"
#include "library_log.h"
#include "listen.h"
#include "log.h"
#include "metrics.h"
#include "ntp_door.h"
#include "relay.h"
#include "sandbox.h"
#include "status.h"
#include "stream.h"
#include "tls_files.h"
#include "tunnel.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define BACKLOG	      64
#define WATCHERS      64 /* connections to [status] */
#define CA_MAX	      64 /* certificates in a file */
#define HEADERS_MAX   8192
#define BODY_MAX      1024
#define WATCH_TIMEOUT 10 /* [s] */

struct relay relay;

static int status_fd = -1;
static struct http_server *status;
static struct http_client *policyd;
static struct event *tick, *stop, *interrupt, *hup;

static const struct http_route *const status_tables[] = { status_routes, NULL };

bool relay_is_last(void)
{
	return !*relay.config->next_address;
}

/* -- the certificate ---------------------------------------------------------------------------------------------- */

static int open_doors(struct vmp_msg *msg)
{
	int err = stream_own_id(relay.server, relay.id);

	if (err != VMP_OK)
		return vmp_fail(msg, err, "%s: expected a certificate with a UUID or a CN", relay.config->certificate);
	if (relay.ready)
		return VMP_OK;
	err = door_open(msg);
	if (err == VMP_OK)
		err = ntp_door_open(msg);
	if (err != VMP_OK)
		return err;
	relay.ready = true;
	vmp_log(VMP_LOG_INFO, "ready", "listen", relay.config->address, "role", relay.config->role, "id", relay.id,
		"next", *relay.config->next_address ? relay.config->next_address : NULL, NULL);
	return VMP_OK;
}

static int use_certificate(void *ctx, struct vmp_msg *msg)
{
	int err = tls_files_load(relay.server, msg);

	(void)ctx;
	if (err == VMP_OK)
		err = tls_files_load(relay.client, msg);
	if (err == VMP_OK)
		services_load();
	return err;
}

/* After use_certificate(), when the certificate's name is known as well. */
static void have_certificate(void)
{
	struct vmp_msg why;

	if (tls_files_ready(relay.server) && tls_files_ready(relay.client) && open_doors(&why) != VMP_OK)
		vmp_log(VMP_LOG_ERROR, "not-ready", "why", why.text, NULL);
}

static struct identity_settings identity_of(const struct config *c)
{
	return (struct identity_settings){ .certificate = c->certificate,
					   .key = c->key,
					   .ca = c->ca,
					   .enrol = c->enrol,
					   .label = c->label,
					   .token_file = c->token_file,
					   .owner = "the relay",
					   .expected = "a token in [identity] token_file",
					   .use = use_certificate };
}

static struct http_client_settings policyd_of(const struct config *c)
{
	return (struct http_client_settings){ .url = c->policyd_url,
					      .ca = c->policyd_ca,
					      .agent = "relayd/" VMPROV_VERSION,
					      .timeout_ms = (unsigned)c->policyd_timeout * 1000,
					      .proxy = c->policyd_proxy,
					      .proxy_ca = c->ca,
					      .proxy_certificate = *c->policyd_proxy ? c->certificate : NULL,
					      .proxy_key = *c->policyd_proxy ? c->key : NULL };
}

static int start_identity(struct vmp_msg *msg)
{
	/* It keeps a pointer. */
	static struct identity_settings identity;
	const struct http_client_settings client = policyd_of(relay.config);
	int err = VMP_OK;

	identity = identity_of(relay.config);
	if (*relay.config->policyd_url)
		err = http_client_new(relay.base, &client, &policyd, msg);
	identity.client = policyd;
	if (err != VMP_OK)
		return err;
	identity_changed(have_certificate);
	err = identity_init(relay.base, &identity, msg);
	if (err == VMP_OK && identity_is_there())
		have_certificate();
	return err;
}

static int start_tls(struct vmp_msg *msg)
{
	const struct config *c = relay.config;
	struct tls_files_settings settings = {
		.certificate = c->certificate, .key = c->key, .ca = c->ca, .http = true
	};

	settings.role = TLS_SERVER_REQUIRED;
	relay.server = tls_files_new(&settings, msg);
	settings.role = TLS_CLIENT;
	relay.client = tls_files_new(&settings, msg);
	return relay.server && relay.client ? services_init(c, msg) : VMP_ENOMEM;
}

/* -- what is checked before --------------------------------------------------------------------------------------- */

int run_check(const void *config, struct vmp_msg *msg)
{
	const struct config *c = config;
	const struct identity_settings identity = identity_of(c);
	const struct http_client_settings client = policyd_of(c);
	struct peers peers = { .n = 0 };
	int i, err = peers_read(c->peers, &peers, msg);

	peers_clear(&peers);
	if (err == VMP_OK)
		err = vmp_certs_check(c->ca, CA_MAX, msg);
	for (i = 0; i < c->n_service && err == VMP_OK; i++) {
		if (*c->service[i].ca)
			err = vmp_certs_check(c->service[i].ca, CA_MAX, msg);
	}
	if (err == VMP_OK && *c->policyd_url)
		err = http_client_check(&client, msg);
	return err == VMP_OK ? identity_check(&identity, msg) : err;
}

/* -- the loop ----------------------------------------------------------------------------------------------------- */

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	metrics_tick();
}

static void on_stop(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	relay.draining = true;
	door_close();
	ntp_door_close();
	tunnel_end_all();
	event_base_loopexit(relay.base, NULL);
}

/* Who may come, and the certificates; what else is configured takes a restart. */
static void on_hup(evutil_socket_t fd, short what, void *ctx)
{
	struct peers peers;
	struct vmp_msg why = { "" };
	int err = peers_read(relay.config->peers, &peers, &why);

	(void)fd;
	(void)what;
	(void)ctx;
	if (err == VMP_OK) {
		peers_clear(&relay.peers);
		relay.peers = peers;
		err = use_certificate(NULL, &why);
	}
	if (err == VMP_OK)
		vmp_log(VMP_LOG_INFO, "reloaded", "peers", vmp_log_num((long long)relay.peers.n), NULL);
	else
		vmp_log(VMP_LOG_ERROR, "not-reloaded", "why", why.text, NULL);
}

static void on_dns_log(int is_warning, const char *text)
{
	vmp_log(is_warning ? VMP_LOG_INFO : VMP_LOG_DEBUG, "dns", "why", text, NULL);
}

static int start_status(struct vmp_msg *msg)
{
	static const struct http_server_settings settings = { .max_connections = WATCHERS,
							      .request_timeout = WATCH_TIMEOUT,
							      .idle_timeout = WATCH_TIMEOUT,
							      .headers_max = HEADERS_MAX,
							      .body_max = BODY_MAX };
	const struct http_site site = { status_tables, NULL, NULL };

	status = http_server_new(relay.base, &settings, msg);
	if (!status)
		return VMP_ENOMEM;
	return status_fd < 0 ? VMP_OK : http_server_listen(status, &site, &status_fd, 1, msg);
}

static int start_events(struct vmp_msg *msg)
{
	static const struct timeval second = { .tv_sec = 1 };

	library_log_begin();
	evdns_set_log_fn(on_dns_log);
	relay.base = event_base_new();
	if (!relay.base)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	relay.dns = evdns_base_new(relay.base, EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	/* Without a resolver's configuration, addresses and /etc/hosts still work. */
	if (!relay.dns)
		relay.dns = evdns_base_new(relay.base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	tick = event_new(relay.base, -1, EV_PERSIST, on_tick, NULL);
	stop = evsignal_new(relay.base, SIGTERM, on_stop, NULL);
	interrupt = evsignal_new(relay.base, SIGINT, on_stop, NULL);
	hup = evsignal_new(relay.base, SIGHUP, on_hup, NULL);
	if (!relay.dns || !tick || !stop || !interrupt || !hup || event_add(tick, &second) != 0 ||
	    event_add(stop, NULL) != 0 || event_add(interrupt, NULL) != 0 || event_add(hup, NULL) != 0)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	return start_status(msg);
}

/* -- the start ---------------------------------------------------------------------------------------------------- */

/* As many descriptors as we are allowed: a tunnel has two. */
static void raise_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

static int bind_all(const struct config *c, struct vmp_msg *msg)
{
	int err = door_bind(c, msg);

	if (err == VMP_OK)
		err = ntp_door_bind(c, msg);
	if (err == VMP_OK && *c->status_address)
		err = vmp_listen_tcp(c->status_address, BACKLOG, &status_fd, msg);
	return err;
}

static int give_up(const struct config *c, struct vmp_msg *msg)
{
	unsigned uid, gid;
	int err = vmp_account_user(c->user, &uid, &gid, msg);

	return err == VMP_OK ? vmp_sandbox_enter(uid, gid, VMP_SANDBOX_FILES | VMP_SANDBOX_SOCKETS | VMP_SANDBOX_ACCEPT,
						 getppid(), msg)
			     : err;
}

static int start(const struct config *c, struct vmp_msg *msg)
{
	int err;

	relay.config = c;
	signal(SIGPIPE, SIG_IGN);
	raise_limit();
	err = bind_all(c, msg);
	if (err == VMP_OK)
		err = give_up(c, msg);
	if (err == VMP_OK && *c->next_name)
		err = peers_name_read(c->next_name, &relay.next_name);
	if (err == VMP_OK)
		err = peers_read(c->peers, &relay.peers, msg);
	if (err == VMP_OK)
		err = start_events(msg);
	if (err == VMP_OK)
		err = start_tls(msg);
	return err == VMP_OK ? start_identity(msg) : err;
}

static void finish(void)
{
	struct event *const events[] = { tick, stop, interrupt, hup };
	size_t i;

	identity_free();
	http_client_free(policyd);
	http_server_free(status);
	door_free();
	services_free();
	tls_files_free(relay.server);
	tls_files_free(relay.client);
	peers_clear(&relay.peers);
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		event_free(events[i]);
	evdns_base_free(relay.dns, 0);
	event_base_free(relay.base);
}

int run(const struct config *config)
{
	struct vmp_msg msg = { "" };
	int err = start(config, &msg);

	if (err != VMP_OK) {
		vmp_log(VMP_LOG_ERROR, "cannot-start", "why", msg.text, NULL);
		return VMP_DAEMON_FAILED;
	}
	event_base_dispatch(relay.base);
	finish();
	return VMP_DAEMON_DONE;
}
