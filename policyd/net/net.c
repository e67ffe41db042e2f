#include "net.h"
#include "body.h"
#include "library_log.h"
#include "log.h"
#include "request.h"
#include "tls.h"

#include <event2/event.h>
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#define HEADERS_MAX 8192 /* [octets] */

struct net net;

static const struct http_route *const https_tables[] = {
	est_routes, vm_routes, member_routes, licence_routes, revocation_routes, health_routes, NULL
};
static const struct http_route *const http_tables[] = { status_routes, revocation_routes, NULL };
/* What forwarders may bring, by [forwarded] serves. */
static const struct http_route *const forwarded_tables[CONFIG_SERVES] = {
	[CONFIG_SERVES_LICENCES] = licence_routes,
	[CONFIG_SERVES_EST] = est_routes,
	[CONFIG_SERVES_COI] = member_routes,
};

static struct event *tick, *stop;

int net_prepare(const struct proc_env *env, struct vmp_msg *msg)
{
	(void)env;
	(void)msg;
	/* Thousands of small buffers come and go: give memory back when they have gone. */
	mallopt(M_TRIM_THRESHOLD, 1 << 20);
	mallopt(M_MMAP_THRESHOLD, 1 << 18);
	return VMP_OK;
}

/* -- listening ---------------------------------------------------------------------------------------------------- */

static const struct http_route *const *served_to_forwarders(void)
{
	static const struct http_route *tables[CONFIG_SERVES + 1];
	int i, n = 0;

	for (i = 0; i < CONFIG_SERVES; i++) {
		if (config_serves(net.config, (enum config_serve)i))
			tables[n++] = forwarded_tables[i];
	}
	return tables;
}

static int listen_tls(const struct http_route *const *routes, const int *fds, int n, struct vmp_msg *msg)
{
	const struct http_site site = { .routes = routes, .new_ssl = tls_new };

	return http_server_listen(net.server, &site, fds, n, msg);
}

void net_open(void)
{
	const struct proc_env *env = net.env;
	struct vmp_msg msg = { "" };
	int err;

	if (net.ready)
		return;
	err = listen_tls(https_tables, env->listen, env->n_tls, &msg);
	if (err == VMP_OK)
		err = listen_tls(served_to_forwarders(), env->listen + env->n_tls, env->n_forwarded, &msg);
	if (err != VMP_OK) {
		vmp_log(VMP_LOG_ERROR, "cannot-listen", "why", msg.text, NULL);
		_exit(PROC_FAILED);
	}
	net.ready = true;
	vmp_log(VMP_LOG_INFO, "ready", "listen", net.config->address, NULL);
}

static int listen_status(struct vmp_msg *msg)
{
	static const struct http_site site = { .routes = http_tables };
	int first = net.env->n_tls + net.env->n_forwarded;

	return http_server_listen(net.server, &site, net.env->listen + first, net.env->n_listen - first, msg);
}

/* -- the loop ----------------------------------------------------------------------------------------------------- */

static void on_store(void *ctx)
{
	struct message m;

	(void)ctx;
	while (channel_next(net.store, &m)) {
		if (!tls_answered(&m))
			request_answered(&m);
	}
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	request_sweep();
	if (!http_server_stopping(net.server))
		tls_upkeep();
	else if (http_server_drained(net.server))
		event_base_loopexit(net.base, NULL);
}

/* Finish what has begun, and take nothing new. */
static void on_stop(evutil_socket_t fd, short what, void *ctx)
{
	static const struct timeval often = { .tv_usec = 50 * 1000 };

	(void)fd;
	(void)what;
	(void)ctx;
	http_server_stop(net.server);
	event_add(tick, &often);
}

static struct http_server *make_server(struct vmp_msg *msg)
{
	const struct http_server_settings settings = {
		.request_size = sizeof(struct request),
		.max_connections = net.config->max_connections,
		.request_timeout = net.config->request_timeout,
		.idle_timeout = net.config->idle_timeout,
		.headers_max = HEADERS_MAX,
		.body_max = BODY_MAX,
	};

	return http_server_new(net.base, &settings, msg);
}

static int set_up(const struct proc_env *env, struct vmp_msg *msg)
{
	static const struct timeval second = { .tv_sec = 1 };
	int err;

	net.config = env->config;
	net.env = env;
	library_log_begin();
	net.base = event_base_new();
	if (!net.base)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	net.store = channel_new(net.base, env->channel[PROC_STORE], "store", on_store, NULL);
	net.server = make_server(msg);
	tick = event_new(net.base, -1, EV_PERSIST, on_tick, NULL);
	stop = evsignal_new(net.base, SIGTERM, on_stop, NULL);
	if (!net.store || !net.server || !tick || !stop || event_add(tick, &second) != 0 || event_add(stop, NULL) != 0)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	err = listen_status(msg);
	return err == VMP_OK ? tls_start(msg) : err;
}

int net_run(const struct proc_env *env, struct vmp_msg *msg)
{
	int err = set_up(env, msg);

	if (err == VMP_OK)
		event_base_dispatch(net.base);
	return err;
}
