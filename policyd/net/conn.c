#include "conn.h"
#include "log.h"
#include "tls.h"

#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* All listeners; those for TLS pause when there are as many connections as there may be. */
static struct {
	struct evconnlistener *listener;
	bool tls;
} listeners[2 * CONFIG_ADDRESSES];

static size_t n_listeners, n_conns;
static bool paused, stopped;

struct conn {
	SSL *ssl;
	struct event *deadline;
	struct event *closed; /* while a request waits; NULL: none does */
	void (*gone)(void *ctx);
	void *ctx;
	bool known; /* serial has been looked for */
	bool has_serial;
	uint8_t serial[VMP_SERIAL];
};

/* Our place in an SSL, which evhttp's bufferevent owns: so we learn of its end. */
static int place = -1;

/* -- how many --------------------------------------------------------------------------------------------------- */

static void turn(bool tls, bool on)
{
	size_t i;

	for (i = 0; i < n_listeners; i++) {
		if (listeners[i].tls != tls)
			continue;
		if (on)
			evconnlistener_enable(listeners[i].listener);
		else
			evconnlistener_disable(listeners[i].listener);
	}
}

/* Accept, or pause, as the number of connections has it. */
static void count(int n)
{
	bool full;

	n_conns += (size_t)n;
	metric_set(METRIC_CONNECTIONS, (int64_t)n_conns);
	full = n_conns >= (size_t)net.config->max_connections;
	if (stopped || full == paused)
		return;
	paused = full;
	turn(true, !full);
	if (!full)
		return;
	metric_add(METRIC_CONNECTIONS_REFUSED, 1);
	vmp_log(VMP_LOG_WARNING, "accepting-paused", "connections", vmp_log_num((long long)n_conns), NULL);
}

static void resume(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	if (stopped)
		return;
	turn(false, true);
	turn(true, !paused);
}

/* accept() fails, for want of descriptors or memory: libevent would try again at once, for ever. */
static void on_accept_error(struct evconnlistener *listener, void *ctx)
{
	static const struct timeval pause = { .tv_usec = 100 * 1000 };

	(void)listener;
	(void)ctx; /* evhttp's */
	vmp_log(VMP_LOG_ERROR, "cannot-accept", "why", evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()), NULL);
	turn(false, false);
	turn(true, false);
	event_base_once(net.base, -1, EV_TIMEOUT, resume, NULL, &pause);
}

void conn_listen(struct evhttp_bound_socket *bound, bool tls)
{
	listeners[n_listeners].listener = evhttp_bound_socket_get_listener(bound);
	listeners[n_listeners].tls = tls;
	evconnlistener_set_error_cb(listeners[n_listeners++].listener, on_accept_error);
}

void conn_stop(void)
{
	stopped = true;
	turn(false, false);
	turn(true, false);
}

/* -- how long --------------------------------------------------------------------------------------------------- */

static void arm(struct conn *conn, int64_t seconds)
{
	const struct timeval tv = { .tv_sec = (time_t)seconds };

	evtimer_add(conn->deadline, &tv);
}

/* evhttp owns the connection and notices that its socket has ended. */
static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
	struct conn *conn = ctx;

	(void)fd;
	(void)what;
	metric_add(METRIC_TIMEOUTS, 1);
	shutdown(SSL_get_fd(conn->ssl), SHUT_RDWR);
}

static struct conn *begin(struct event_base *base)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	/* evhttp takes no for "then without TLS", and that must not be: without memory, the parent starts us anew. */
	if (!conn || !(conn->deadline = evtimer_new(base, on_deadline, conn)))
		abort();
	arm(conn, net.config->request_timeout);
	metric_add(METRIC_CONNECTIONS_TOTAL, 1);
	count(1);
	return conn;
}

static void unwatch(struct conn *conn)
{
	if (conn->closed)
		event_free(conn->closed);
	conn->closed = NULL;
}

static void end(struct conn *conn)
{
	unwatch(conn);
	event_free(conn->deadline);
	count(-1);
	free(conn);
}

static void on_ssl_free(void *parent, void *data, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	if (!data)
		return;
	if (!SSL_is_init_finished(parent))
		metric_add(METRIC_HANDSHAKES_FAILED, 1);
	end(data);
}

struct bufferevent *conn_new_tls(struct event_base *base, void *ctx)
{
	SSL *ssl = tls_new();
	struct conn *conn = begin(base);
	struct bufferevent *bev;

	(void)ctx;
	if (place < 0)
		place = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_ssl_free);
	if (!ssl || SSL_set_ex_data(ssl, place, conn) != 1)
		abort();
	conn->ssl = ssl;
	bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (!bev)
		abort();
	return bev;
}

static struct conn *conn_of(struct evhttp_request *http)
{
	struct evhttp_connection *evcon = evhttp_request_get_connection(http);
	SSL *ssl = evcon ? bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(evcon)) : NULL;

	return ssl ? SSL_get_ex_data(ssl, place) : NULL;
}

void conn_requested(struct evhttp_request *http)
{
	struct conn *conn = conn_of(http);

	if (conn)
		evtimer_del(conn->deadline);
}

void conn_replied(struct evhttp_request *http)
{
	struct conn *conn = conn_of(http);

	if (!conn)
		return;
	unwatch(conn);
	arm(conn, net.config->idle_timeout + net.config->request_timeout);
}

static void on_closed(evutil_socket_t fd, short what, void *ctx)
{
	struct conn *conn = ctx;

	(void)fd;
	(void)what;
	conn->gone(conn->ctx);
}

void conn_watch(struct evhttp_request *http, void (*gone)(void *ctx), void *ctx)
{
	struct conn *conn = conn_of(http);

	if (!conn)
		return;
	unwatch(conn);
	conn->gone = gone;
	conn->ctx = ctx;
	/* evhttp reads nothing while a request waits, and so would not see the end. */
	conn->closed = event_new(net.base, SSL_get_fd(conn->ssl), EV_CLOSED, on_closed, conn);
	if (conn->closed)
		event_add(conn->closed, NULL);
}

/* -- who -------------------------------------------------------------------------------------------------------- */

/* Positive, of exactly the length that ours have. */
static bool read_serial(const SSL *ssl, uint8_t serial[VMP_SERIAL])
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	const ASN1_INTEGER *number = cert ? X509_get0_serialNumber(cert) : NULL;

	if (!number || SSL_get_verify_result(ssl) != X509_V_OK || ASN1_STRING_type(number) != V_ASN1_INTEGER ||
	    ASN1_STRING_length(number) != VMP_SERIAL)
		return false;
	memcpy(serial, ASN1_STRING_get0_data(number), VMP_SERIAL);
	return serial[0] >= 1 && serial[0] <= 127;
}

bool conn_serial(struct evhttp_request *http, uint8_t serial[VMP_SERIAL])
{
	struct conn *conn = conn_of(http);

	if (!conn)
		return false;
	if (!conn->known)
		conn->has_serial = read_serial(conn->ssl, conn->serial);
	conn->known = true;
	memcpy(serial, conn->serial, VMP_SERIAL);
	return conn->has_serial;
}
