#include "conn.h"
#include "log.h"
#include "tls.h"

#include <event2/bufferevent_ssl.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct conn {
	SSL *ssl;
	struct event *deadline;
	bool known; /* serial has been looked for */
	bool has_serial;
	uint8_t serial[VMP_SERIAL];
};

/* Our place in an SSL, which evhttp's bufferevent owns: so we learn of its end. */
static int place = -1;
static size_t n_conns;

size_t conn_count(void)
{
	return n_conns;
}

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

static void on_free(void *parent, void *data, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	struct conn *conn = data;

	(void)ad;
	(void)idx;
	(void)argl;
	(void)argp;
	if (!conn)
		return;
	if (!SSL_is_init_finished(parent))
		metric_add(METRIC_HANDSHAKES_FAILED, 1);
	event_free(conn->deadline);
	free(conn);
	n_conns--;
	metric_set(METRIC_CONNECTIONS, (int64_t)n_conns);
	net_accept(true);
}

static struct conn *attach(SSL *ssl, struct event_base *base)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	if (place < 0)
		place = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_free);
	if (conn && !(conn->deadline = evtimer_new(base, on_deadline, conn))) {
		free(conn);
		conn = NULL;
	}
	if (!conn || SSL_set_ex_data(ssl, place, conn) != 1)
		abort();
	conn->ssl = ssl;
	return conn;
}

struct bufferevent *conn_new(struct event_base *base, void *ctx)
{
	SSL *ssl = tls_new();
	struct bufferevent *bev;
	struct conn *conn;

	(void)ctx;
	/* evhttp takes NULL for "without TLS", and that must not be: without memory, the parent starts us anew. */
	if (!ssl)
		abort();
	conn = attach(ssl, base);
	bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (!bev)
		abort();
	n_conns++;
	metric_set(METRIC_CONNECTIONS, (int64_t)n_conns);
	metric_add(METRIC_CONNECTIONS_TOTAL, 1);
	if (n_conns >= (size_t)net.config->max_connections)
		net_accept(false);
	arm(conn, net.config->request_timeout);
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

	if (conn)
		arm(conn, net.config->idle_timeout + net.config->request_timeout);
}

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
