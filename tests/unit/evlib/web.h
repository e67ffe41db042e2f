/* An HTTPS server and an HTTPS proxy on loopback, in the test's own event loop. */
#ifndef WEB_H
#define WEB_H

#include "../maker.h"

#include <event2/event.h>
#include <event2/http.h>
#include <openssl/ssl.h>

/* How one of them speaks TLS. */
struct web_tls {
	const struct maker *own;
	const struct maker *trust; /* the CA that clients must have a certificate of; NULL: none is asked for */
	bool optional;		   /* who has none may come as well */
	int version;		   /* TLS1_2_VERSION: no higher; 0: any */
};

/* What both have seen. */
struct web_seen {
	unsigned connections, requests;
	char peer[64];	 /* the CN of the last request's client; "": no certificate */
	char text[4096]; /* the last request: its line and its headers, as they came or as evhttp has them, and its body
			  */
};

struct web_server;
/* Answers /status/N with N, "Location: /elsewhere" and {"error": "because"}, /big/N with N octets, /silent never, and
 * anything else with "good". */
struct web_server *web_server_new(struct event_base *base, const struct web_tls *tls);
void web_server_free(struct web_server *server);
/* "https://127.0.0.1:port" */
const char *web_server_url(const struct web_server *server);
struct web_seen *web_server_seen(struct web_server *server);
/* Answer otherwise. @param answer  answers evhttp's request; NULL: as above. */
void web_server_answer(struct web_server *server, void (*answer)(struct evhttp_request *req));

struct web_proxy;
/* Takes CONNECT and connects. */
struct web_proxy *web_proxy_new(struct event_base *base, const struct web_tls *tls);
void web_proxy_free(struct web_proxy *proxy);
const char *web_proxy_url(const struct web_proxy *proxy);
struct web_seen *web_proxy_seen(struct web_proxy *proxy);
/* Answer so, instead of connecting. @param line  "403 Forbidden"; NULL: connect. */
void web_proxy_refuse(struct web_proxy *proxy, const char *line);

#endif
