/* TLS connections: how long they may take, and whose they are. */
#include "http_server_internal.h"

#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>

struct http_conn {
	LIST_ENTRY(http_conn) next;
	struct http_server *server; /* NULL: it has gone */
	SSL *ssl;
	struct event *deadline;
	struct event *closed; /* while an exchange waits; NULL: none does */
	struct http_exchange *waiting;
	bool known; /* peer has been looked for */
	bool has_peer;
	struct tls_peer peer;
};

/* Our place in an SSL, which evhttp's bufferevent owns: so we learn of its end. */
static int ex_data = -1;

/* -- how long ----------------------------------------------------------------------------------------------------- */

static void arm(struct http_conn *conn, int64_t seconds)
{
	const struct timeval tv = { .tv_sec = (time_t)seconds };

	evtimer_add(conn->deadline, &tv);
}

/* evhttp owns the connection and notices that its socket has ended. */
static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
	struct http_conn *conn = ctx;

	(void)fd;
	(void)what;
	conn->server->counters.timeouts++;
	shutdown(SSL_get_fd(conn->ssl), SHUT_RDWR);
}

static struct http_conn *begin(struct http_server *server)
{
	struct http_conn *conn = calloc(1, sizeof(*conn));

	/* evhttp takes no for "then without TLS", and that must not be: without memory, we are started anew. */
	if (!conn || !(conn->deadline = evtimer_new(server->base, on_deadline, conn)))
		abort();
	conn->server = server;
	LIST_INSERT_HEAD(&server->conns, conn, next);
	arm(conn, server->settings.request_timeout);
	http_server_count(server, 1);
	return conn;
}

static void unwatch(struct http_conn *conn)
{
	if (conn->closed)
		event_free(conn->closed);
	conn->closed = NULL;
}

static void end(struct http_conn *conn)
{
	unwatch(conn);
	event_free(conn->deadline);
	if (conn->server) {
		LIST_REMOVE(conn, next);
		http_server_count(conn->server, -1);
	}
	free(conn);
}

static void on_ssl_free(void *parent, void *data, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	struct http_conn *conn = data;

	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	if (!conn)
		return;
	if (conn->server && !SSL_is_init_finished(parent))
		conn->server->counters.handshakes_failed++;
	end(conn);
}

struct bufferevent *http_conn_new(struct event_base *base, void *ctx)
{
	const struct http_place *place = ctx;
	SSL *ssl = place->site.new_ssl(place->site.ssl_ctx);
	struct http_conn *conn = begin(place->server);
	struct bufferevent *bev;

	if (ex_data < 0)
		ex_data = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_ssl_free);
	if (!ssl || SSL_set_ex_data(ssl, ex_data, conn) != 1)
		abort();
	conn->ssl = ssl;
	bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (!bev)
		abort();
	return bev;
}

/* libevent frees what is left of them in the loop, or with the event base. */
void http_conn_orphan_all(struct http_server *server)
{
	struct http_conn *conn;

	while ((conn = LIST_FIRST(&server->conns))) {
		LIST_REMOVE(conn, next);
		unwatch(conn);
		evtimer_del(conn->deadline);
		conn->server = NULL;
	}
}

/* -- while a request is worked at --------------------------------------------------------------------------------- */

static struct http_conn *conn_of(struct evhttp_request *evhttp)
{
	struct evhttp_connection *evcon = evhttp_request_get_connection(evhttp);
	SSL *ssl = evcon ? bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(evcon)) : NULL;

	return ssl ? SSL_get_ex_data(ssl, ex_data) : NULL;
}

void http_conn_requested(struct evhttp_request *evhttp)
{
	struct http_conn *conn = conn_of(evhttp);

	if (conn)
		evtimer_del(conn->deadline);
}

void http_conn_replied(struct evhttp_request *evhttp)
{
	struct http_conn *conn = conn_of(evhttp);

	if (!conn)
		return;
	unwatch(conn);
	arm(conn, conn->server->settings.idle_timeout + conn->server->settings.request_timeout);
}

static void on_closed(evutil_socket_t fd, short what, void *ctx)
{
	struct http_conn *conn = ctx;

	(void)fd;
	(void)what;
	conn->waiting->gone(conn->waiting);
}

void http_conn_watch(struct http_exchange *x)
{
	struct http_conn *conn = conn_of(x->evhttp);

	if (!conn)
		return;
	unwatch(conn);
	conn->waiting = x;
	/* evhttp reads nothing while a request waits, and so would not see the end. */
	conn->closed = event_new(conn->server->base, SSL_get_fd(conn->ssl), EV_CLOSED, on_closed, conn);
	if (conn->closed)
		event_add(conn->closed, NULL);
}

/* -- who ---------------------------------------------------------------------------------------------------------- */

bool http_conn_peer(struct evhttp_request *evhttp, struct tls_peer *out)
{
	struct http_conn *conn = conn_of(evhttp);

	if (!conn)
		return false;
	if (!conn->known)
		conn->has_peer = tls_peer_read(conn->ssl, &conn->peer) && tls_peer_is_ours(&conn->peer);
	conn->known = true;
	if (conn->has_peer)
		*out = conn->peer;
	return conn->has_peer;
}
