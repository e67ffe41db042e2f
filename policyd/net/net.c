#include "net.h"
#include "body.h"
#include "conn.h"
#include "log.h"
#include "request.h"
#include "tls.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HEADERS_MAX 8192 /* [octets] */
#define DRAIN_MS    3000 /* what clients have to take their last answers */

struct net net;

static const struct route *const https_tables[] = { est_routes, vm_routes, member_routes, revocation_routes, NULL };
static const struct route *const http_tables[] = { status_routes, revocation_routes, NULL };

static struct event *tick, *stop;
static int64_t drain_since;

int64_t net_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int net_prepare(const struct proc_env *env, struct vmp_msg *msg)
{
	(void)env;
	(void)msg;
	/* Thousands of small buffers come and go: give memory back when they have gone. */
	mallopt(M_TRIM_THRESHOLD, 1 << 20);
	mallopt(M_MMAP_THRESHOLD, 1 << 18);
	return VMP_OK;
}

static struct evhttp *make_http(const struct route *const *tables, int timeout)
{
	struct evhttp *http = evhttp_new(net.base);

	if (!http)
		return NULL;
	evhttp_set_max_headers_size(http, HEADERS_MAX);
	evhttp_set_max_body_size(http, BODY_MAX);
	evhttp_set_timeout(http, timeout);
	/* All that it knows: the routes say which they take. */
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
						 EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
	evhttp_set_flags(http, EVHTTP_SERVER_LINGERING_CLOSE); /* or a client that still sends never reads why */
	evhttp_set_gencb(http, request_route, (void *)(uintptr_t)tables);
	return http;
}

void net_open(void)
{
	int i;

	if (net.ready)
		return;
	for (i = 0; i < net.env->n_tls; i++) {
		struct evhttp_bound_socket *bound = evhttp_accept_socket_with_handle(net.https, net.env->listen[i]);

		if (!bound) {
			vmp_log(VMP_LOG_ERROR, "cannot-listen", NULL);
			_exit(PROC_FAILED);
		}
		conn_listen(bound, true);
	}
	net.ready = true;
	vmp_log(VMP_LOG_INFO, "ready", "listen", net.config->address, NULL);
}

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
	size_t left = request_sweep(net.draining);

	(void)fd;
	(void)what;
	(void)ctx;
	if (!net.draining)
		tls_upkeep();
	else if (net_now_ms() - drain_since > (left ? DRAIN_MS : DRAIN_MS / 10))
		event_base_loopexit(net.base, NULL);
}

/* Finish what has begun, and take nothing new. */
static void on_stop(evutil_socket_t fd, short what, void *ctx)
{
	static const struct timeval often = { .tv_usec = 50 * 1000 };

	(void)fd;
	(void)what;
	(void)ctx;
	conn_stop();
	net.draining = true;
	drain_since = net_now_ms();
	event_add(tick, &often);
}

/* What libevent has to say goes where our own words go. */
static void on_library_log(int severity, const char *text)
{
	vmp_log(severity >= EVENT_LOG_ERR ? VMP_LOG_ERROR : VMP_LOG_WARNING, "libevent", "why", text, NULL);
}

static int set_up(const struct proc_env *env, struct vmp_msg *msg)
{
	static const struct timeval second = { .tv_sec = 1 };
	int i;

	net.config = env->config;
	net.env = env;
	event_set_log_callback(on_library_log);
	net.base = event_base_new();
	if (!net.base)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	net.store = channel_new(net.base, env->channel[PROC_STORE], "store", on_store, NULL);
	net.https = make_http(https_tables, (int)net.config->idle_timeout);
	net.http = make_http(http_tables, (int)net.config->request_timeout);
	tick = event_new(net.base, -1, EV_PERSIST, on_tick, NULL);
	stop = evsignal_new(net.base, SIGTERM, on_stop, NULL);
	if (!net.store || !net.https || !net.http || !tick || !stop || event_add(tick, &second) != 0 ||
	    event_add(stop, NULL) != 0)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	evhttp_set_bevcb(net.https, conn_new_tls, NULL);
	for (i = env->n_tls; i < env->n_listen; i++) {
		struct evhttp_bound_socket *bound = evhttp_accept_socket_with_handle(net.http, env->listen[i]);

		if (!bound)
			return vmp_fail(msg, VMP_EIO, "cannot listen: %s", strerror(errno));
		conn_listen(bound, false);
	}
	return tls_start(msg);
}

int net_run(const struct proc_env *env, struct vmp_msg *msg)
{
	int err = set_up(env, msg);

	if (err == VMP_OK)
		event_base_dispatch(net.base);
	return err;
}
