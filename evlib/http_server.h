/** HTTP/1.1 servers of a daemon, with TLS and without, on evhttp.
 *
 * A server has sites: each has listening sockets, routes, and TLS or not.  With TLS a connection has deadlines while a
 * request comes in and while its answer goes out, and accepting pauses while there are as many connections as there may
 * be.  One thread; everything is called from the event loop.
 *
 * What is no HTTP, or too large, evhttp refuses by itself (400, 413, 501), and not in JSON.
 *
 * Whoever handles an exchange answers it, now or later, exactly once: by http_exchange_send(), _json(), _fail() or
 * _fail_err(), which free it.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "tls_peer.h"

#include <event2/http.h>
#include <jansson.h>
#include <sys/queue.h>

#define HTTP_SEGMENT_MAX 254 /**< [octets] a segment of a path, and its NUL */

struct http_server;

/** One request and its answer.  A program that has more to remember of it has a struct of its own that begins with
 * this one (request_size). */
struct http_exchange {
	struct evhttp_request *evhttp;	/**< for headers and the query; never to be answered directly */
	char segment[HTTP_SEGMENT_MAX]; /**< what stood for '*' in the route's path; empty: nothing */
	const struct tls_peer *peer;	/**< the client, by a certificate such as policyd issues, which TLS has
					 * verified: serial has VMP_SERIAL octets; NULL: none */
	const char *body;		/**< NUL-terminated */
	size_t body_len;		/**< [octets] */
	int64_t began_ms;		/**< http_now_ms() */
	bool long_poll;			/**< waits for something to happen: its time is not counted as busy_ms */
	/* The server's own. */
	struct http_server *server;
	TAILQ_ENTRY(http_exchange) open;
	struct tls_peer client; /* the connection may end before the answer */
	void (*gone)(struct http_exchange *x);
};

/** Where to go; tables end with a NULL path.  A '*' is one segment.  GET takes HEAD as well. */
struct http_route {
	enum evhttp_cmd_type method;
	const char *path;
	void (*handle)(struct http_exchange *x);
	bool needs_cert; /**< peer is not NULL; others are answered 401 */
};

struct http_server_settings {
	size_t request_size;	 /**< [octets] of the program's struct, zeroed at first, wiped at the end; 0: none */
	int64_t max_connections; /**< with TLS, all sites together */
	int64_t request_timeout; /**< [s] for a client to send a request, and again to take its answer */
	int64_t idle_timeout;	 /**< [s] between requests, with TLS */
	size_t headers_max;	 /**< [octets] */
	size_t body_max;	 /**< [octets] */
};

/** What has happened, for /metrics. */
struct http_counters {
	int64_t connections;	   /**< with TLS, open now */
	int64_t connections_total; /**< with TLS */
	int64_t pauses;		   /**< times that accepting was paused, at max_connections */
	int64_t handshakes_failed;
	int64_t timeouts;    /**< connections closed since a request took too long */
	int64_t answers_2xx; /**< and 1xx and 3xx */
	int64_t answers_4xx, answers_5xx;
	int64_t busy_ms; /**< [ms] between requests and answers, summed; long polls left out */
};

/** A set of routes at a set of addresses.  What it points to must outlive the server. */
struct http_site {
	const struct http_route *const *routes;	  /**< tables, in this order; a NULL ends */
	struct ssl_st *(*new_ssl)(void *ssl_ctx); /**< for a new connection, which owns it; NULL: a site without TLS.
						   * A program that gets no SSL is aborted: never is TLS left out */
	void *ssl_ctx;
};

/* -- servers ------------------------------------------------------------------------------------------------------ */

/** @return NULL when out of memory. */
struct http_server *http_server_new(struct event_base *base, const struct http_server_settings *settings,
				    struct vmp_msg *msg);
/** Ends all connections and frees exchanges that were not answered; NULL is safe. */
void http_server_free(struct http_server *server);

/** Add a site. @param site  copied. @param fds  n listening sockets, non-blocking, the server's from then on; they
 * accept at once, so with TLS only when there is a certificate.
 * @return VMP_OK; VMP_ENOMEM, VMP_EIO: the sockets not yet taken are the caller's. */
VMP_CHECKED int http_server_listen(struct http_server *server, const struct http_site *site, const int *fds, int n,
				   struct vmp_msg *msg);

/** Take no more connections, for good; each answer from now on ends its connection. */
void http_server_stop(struct http_server *server);
bool http_server_stopping(const struct http_server *server);
/** After http_server_stop(): may the loop end?  Once everything is answered and 300 ms over, for clients to take their
 * last answers, or in any case after 3 s.  To be asked every 50 ms or so. */
bool http_server_drained(const struct http_server *server);

/** The server's own, kept up to date. */
const struct http_counters *http_server_counters(const struct http_server *server);
/** [ms] CLOCK_MONOTONIC */
int64_t http_now_ms(void);

/* -- exchanges ---------------------------------------------------------------------------------------------------- */

/** A header of the request; NULL: none. */
const char *http_exchange_header(const struct http_exchange *x, const char *name);
/** A header for the answer. */
void http_exchange_add_header(struct http_exchange *x, const char *name, const char *value);

/** Have gone called when the client ends the connection before its answer; gone answers the exchange, which goes
 * nowhere.  For exchanges that wait long; without effect without TLS. */
void http_exchange_watch(struct http_exchange *x, void (*gone)(struct http_exchange *x));

/** Answer, and free the exchange.  503 says Retry-After: 1; nothing is to be cached.
 * @param type  Content-Type. @param data  len octets, copied; NULL with 0. */
void http_exchange_send(struct http_exchange *x, int code, const char *type, const void *data, size_t len);
/** Answer with JSON. @param json  a reference, taken over; NULL (out of memory): 503 */
void http_exchange_json(struct http_exchange *x, int code, json_t *json);
/** Answer {"error": text}. */
void http_exchange_fail(struct http_exchange *x, int code, const char *text);
/** The same, with the code that is usual for an error: 400 VMP_EINVAL, 403 VMP_EACCES, 404 VMP_ENOENT, 409 VMP_EEXIST,
 * else 503. @param text  empty: that of the error. */
void http_exchange_fail_err(struct http_exchange *x, int err, const char *text);

#endif
