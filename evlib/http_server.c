/* Sites, listening sockets, and how many connections there may be. */
#include "http_server_internal.h"
#include "log.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DRAIN_MS 3000 /* what clients have to take their last answers */

/* Of all servers: libevent says which listener failed, and not whose it is. */
struct listener {
	LIST_ENTRY(listener) next;
	struct evconnlistener *listener;
	struct http_place *place;
};

LIST_HEAD(listener_list, listener);

static struct listener_list listeners = LIST_HEAD_INITIALIZER(listeners);

int64_t http_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* -- accepting ---------------------------------------------------------------------------------------------------- */

/* Have the listeners accept that may: those with TLS pause when there are as many connections as there may be. */
static void turn(const struct http_server *server, bool on)
{
	struct listener *l;

	LIST_FOREACH(l, &listeners, next)
	{
		if (l->place->server != server)
			continue;
		if (on && !server->stopping && !(server->full && l->place->site.new_ssl))
			evconnlistener_enable(l->listener);
		else
			evconnlistener_disable(l->listener);
	}
}

void http_server_count(struct http_server *server, int n)
{
	struct http_counters *c = &server->counters;
	bool full;

	c->connections += n;
	c->connections_total += n > 0;
	full = c->connections >= server->settings.max_connections;
	if (server->stopping || full == server->full)
		return;
	server->full = full;
	/* Where accepting has failed, it is not the time yet. */
	if (!evtimer_pending(server->resume, NULL))
		turn(server, true);
	if (!full)
		return;
	c->pauses++;
	vmp_log(VMP_LOG_WARNING, "accepting-paused", "connections", vmp_log_num((long long)c->connections), NULL);
}

static void resume(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	turn(ctx, true);
}

/* accept() fails, for want of descriptors or memory: libevent would try again at once, for ever. */
static void on_accept_error(struct evconnlistener *listener, void *ctx)
{
	static const struct timeval pause = { .tv_usec = 100 * 1000 };
	struct listener *l;

	(void)ctx; /* evhttp's */
	vmp_log(VMP_LOG_ERROR, "cannot-accept", "why", evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()), NULL);
	LIST_FOREACH(l, &listeners, next)
	{
		if (l->listener == listener)
			break;
	}
	if (!l)
		return;
	turn(l->place->server, false);
	evtimer_add(l->place->server->resume, &pause);
}

/* -- sites -------------------------------------------------------------------------------------------------------- */

static struct evhttp *make_evhttp(struct http_place *place)
{
	const struct http_server_settings *s = &place->server->settings;
	struct evhttp *http = evhttp_new(place->server->base);

	if (!http)
		return NULL;
	evhttp_set_max_headers_size(http, (ev_ssize_t)s->headers_max);
	evhttp_set_max_body_size(http, (ev_ssize_t)s->body_max);
	evhttp_set_timeout(http, (int)(place->site.new_ssl ? s->idle_timeout : s->request_timeout));
	/* All that it knows: the routes say which they take. */
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT |
						 EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
	evhttp_set_flags(http, EVHTTP_SERVER_LINGERING_CLOSE); /* or a client that still sends never reads why */
	evhttp_set_gencb(http, http_exchange_begin, place);
	if (place->site.new_ssl)
		evhttp_set_bevcb(http, http_conn_new, place);
	return http;
}

static int accept_on(struct http_place *place, int fd, struct vmp_msg *msg)
{
	struct listener *l = calloc(1, sizeof(*l));
	struct evhttp_bound_socket *bound = l ? evhttp_accept_socket_with_handle(place->evhttp, fd) : NULL;

	if (!bound) {
		int err = vmp_fail(msg, l ? VMP_EIO : VMP_ENOMEM, "cannot listen: %s", strerror(errno));

		free(l);
		return err;
	}
	l->listener = evhttp_bound_socket_get_listener(bound);
	l->place = place;
	evconnlistener_set_error_cb(l->listener, on_accept_error);
	LIST_INSERT_HEAD(&listeners, l, next);
	return VMP_OK;
}

int http_server_listen(struct http_server *server, const struct http_site *site, const int *fds, int n,
		       struct vmp_msg *msg)
{
	struct http_place *place = calloc(1, sizeof(*place));
	int i, err = VMP_OK;

	if (!place)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	place->server = server;
	place->site = *site;
	place->evhttp = make_evhttp(place);
	if (!place->evhttp) {
		free(place);
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	}
	place->next = server->places;
	server->places = place;
	for (i = 0; i < n && err == VMP_OK; i++)
		err = accept_on(place, fds[i], msg);
	turn(server, !evtimer_pending(server->resume, NULL));
	return err;
}

/* -- a server's life ---------------------------------------------------------------------------------------------- */

struct http_server *http_server_new(struct event_base *base, const struct http_server_settings *settings,
				    struct vmp_msg *msg)
{
	struct http_server *server = calloc(1, sizeof(*server));

	if (server)
		server->resume = evtimer_new(base, resume, server);
	if (!server || !server->resume) {
		free(server);
		vmp_fail(msg, VMP_ENOMEM, "out of memory");
		return NULL;
	}
	server->base = base;
	server->settings = *settings;
	if (server->settings.request_size < sizeof(struct http_exchange))
		server->settings.request_size = sizeof(struct http_exchange);
	TAILQ_INIT(&server->open);
	LIST_INIT(&server->conns);
	return server;
}

static void forget_listeners(const struct http_place *place)
{
	struct listener *l, *next;

	for (l = LIST_FIRST(&listeners); l; l = next) {
		next = LIST_NEXT(l, next);
		if (l->place != place)
			continue;
		LIST_REMOVE(l, next);
		free(l);
	}
}

void http_server_free(struct http_server *server)
{
	struct http_place *place;

	if (!server)
		return;
	http_exchange_drop_all(server);
	http_conn_orphan_all(server);
	while ((place = server->places)) {
		server->places = place->next;
		forget_listeners(place);
		evhttp_free(place->evhttp);
		free(place);
	}
	event_free(server->resume);
	free(server);
}

void http_server_stop(struct http_server *server)
{
	server->stopping = true;
	server->stopped_ms = http_now_ms();
	turn(server, false);
}

bool http_server_stopping(const struct http_server *server)
{
	return server->stopping;
}

bool http_server_drained(const struct http_server *server)
{
	return server->stopping &&
	       http_now_ms() - server->stopped_ms > (TAILQ_EMPTY(&server->open) ? DRAIN_MS / 10 : DRAIN_MS);
}

const struct http_counters *http_server_counters(const struct http_server *server)
{
	return &server->counters;
}
