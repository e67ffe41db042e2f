/** What the files of the HTTP server share; nobody else includes it. */
#ifndef HTTP_SERVER_INTERNAL_H
#define HTTP_SERVER_INTERNAL_H

#include "http_server.h"

struct http_conn;

TAILQ_HEAD(http_exchanges, http_exchange);
LIST_HEAD(http_conns, http_conn);

struct http_place; /* a site, as the server keeps it */

struct http_server {
	struct event_base *base;
	struct http_server_settings settings;
	struct http_counters counters;
	struct http_place *places;
	struct http_exchanges open;
	struct http_conns conns;
	struct event *resume; /* accepting, after it failed */
	bool full, stopping;
	int64_t stopped_ms;
};

struct http_place {
	struct http_place *next;
	struct http_server *server;
	struct http_site site;
	struct evhttp *evhttp;
};

/** A connection with TLS came, or went: accept, or pause, as their number has it. @param n  1 or -1. */
void http_server_count(struct http_server *server, int n);

/** evhttp's callback for new connections with TLS. @param ctx  a struct http_place. */
struct bufferevent *http_conn_new(struct event_base *base, void *ctx);
/** The server goes: connections that have not ended yet do so without it. */
void http_conn_orphan_all(struct http_server *server);
/** A request has come whole: no deadline while we work at it.  Without effect for connections without TLS, as with
 * the others. */
void http_conn_requested(struct evhttp_request *evhttp);
/** Its answer is about to go: the client has to read it, and may send another request. */
void http_conn_replied(struct evhttp_request *evhttp);
/** Call x->gone when the client ends the connection. */
void http_conn_watch(struct http_exchange *x);
/** Who the client is, if its certificate is one such as policyd issues. @return false: it is not, or there is none. */
bool http_conn_peer(struct evhttp_request *evhttp, struct tls_peer *out);

/** evhttp's callback for requests. @param ctx  a struct http_place. */
void http_exchange_begin(struct evhttp_request *evhttp, void *ctx);
/** End what was not answered. */
void http_exchange_drop_all(struct http_server *server);

#endif
