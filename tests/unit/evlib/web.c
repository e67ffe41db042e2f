#include "web.h"
#include "../suites.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* -- both ------------------------------------------------------------------------------------------------------- */

static SSL_CTX *tls_new(const struct web_tls *tls)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	ck_assert_ptr_nonnull(ctx);
	ck_assert(SSL_CTX_use_certificate(ctx, tls->own->cert) == 1 && SSL_CTX_use_PrivateKey(ctx, tls->own->key) == 1);
	SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_max_proto_version(ctx, tls->version);
	if (tls->trust) {
		X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), tls->trust->cert);
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | (tls->optional ? 0 : SSL_VERIFY_FAIL_IF_NO_PEER_CERT), NULL);
	}
	return ctx;
}

static struct bufferevent *tls_bufferevent(struct event_base *base, evutil_socket_t fd, SSL_CTX *ctx)
{
	struct bufferevent *bev = bufferevent_openssl_socket_new(base, fd, SSL_new(ctx), BUFFEREVENT_SSL_ACCEPTING,
								 BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);

	ck_assert_ptr_nonnull(bev);
	return bev;
}

static void see_peer(struct web_seen *seen, struct bufferevent *bev)
{
	X509 *cert = SSL_get0_peer_certificate(bufferevent_openssl_get_ssl(bev));

	seen->requests++;
	*seen->peer = '\0';
	if (cert)
		X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, seen->peer, sizeof(seen->peer));
}

static void loopback(struct sockaddr_in *sin)
{
	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

static void url_of(evutil_socket_t fd, char out[48])
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);

	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	snprintf(out, 48, "https://127.0.0.1:%d", ntohs(sin.sin_port));
}

/* -- the server ------------------------------------------------------------------------------------------------- */

struct web_server {
	struct evhttp *http;
	SSL_CTX *ctx;
	char url[48];
	struct web_seen seen;
	void (*answer)(struct evhttp_request *req);
};

static struct bufferevent *accepted(struct event_base *base, void *ctx)
{
	struct web_server *server = ctx;

	server->seen.connections++;
	return tls_bufferevent(base, -1, server->ctx);
}

static void see_request(struct web_seen *seen, struct evhttp_request *req, const char *method)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(req);
	size_t room = sizeof(seen->text), len = evbuffer_get_length(body);
	struct evkeyval *h;
	int at;

	at = snprintf(seen->text, room, "%s %s\n", method, evhttp_request_get_uri(req));
	for (h = evhttp_request_get_input_headers(req)->tqh_first; h; h = h->next.tqe_next)
		at += snprintf(seen->text + at, room - (size_t)at, "%s: %s\n", h->key, h->value);
	if ((size_t)at + len < room) {
		evbuffer_copyout(body, seen->text + at, len);
		seen->text[(size_t)at + len] = '\0';
	}
}

static void answer_as_usual(struct evhttp_request *req)
{
	const char *uri = evhttp_request_get_uri(req);
	struct evbuffer *out = evbuffer_new();
	int n = 0;

	if (sscanf(uri, "/status/%d", &n) == 1) {
		evhttp_add_header(evhttp_request_get_output_headers(req), "Location", "/elsewhere");
		evbuffer_add_printf(out, "{\"error\": \"because\"}");
		evhttp_send_reply(req, n, NULL, out);
	} else if (sscanf(uri, "/big/%d", &n) == 1) {
		char *octets = calloc(1, (size_t)n);

		memset(octets, 'x', (size_t)n);
		evbuffer_add(out, octets, (size_t)n);
		evhttp_send_reply(req, 200, NULL, out);
		free(octets);
	} else if (strcmp(uri, "/silent") != 0) {
		evbuffer_add_printf(out, "good");
		evhttp_send_reply(req, 200, NULL, out);
	}
	evbuffer_free(out);
}

static void came(struct evhttp_request *req, void *ctx)
{
	struct web_server *server = ctx;
	const char *method = evhttp_request_get_command(req) == EVHTTP_REQ_GET	 ? "GET"
			     : evhttp_request_get_command(req) == EVHTTP_REQ_PUT ? "PUT"
										 : "POST";

	see_peer(&server->seen, evhttp_connection_get_bufferevent(evhttp_request_get_connection(req)));
	see_request(&server->seen, req, method);
	server->answer(req);
}

struct web_server *web_server_new(struct event_base *base, const struct web_tls *tls)
{
	struct web_server *server = calloc(1, sizeof(*server));
	struct evhttp_bound_socket *bound;

	ck_assert_ptr_nonnull(server);
	server->ctx = tls_new(tls);
	server->http = evhttp_new(base);
	server->answer = answer_as_usual;
	evhttp_set_allowed_methods(server->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT);
	evhttp_set_bevcb(server->http, accepted, server);
	evhttp_set_gencb(server->http, came, server);
	bound = evhttp_bind_socket_with_handle(server->http, "127.0.0.1", 0);
	ck_assert_ptr_nonnull(bound);
	url_of(evhttp_bound_socket_get_fd(bound), server->url);
	return server;
}

void web_server_free(struct web_server *server)
{
	evhttp_free(server->http);
	SSL_CTX_free(server->ctx);
	free(server);
}

const char *web_server_url(const struct web_server *server)
{
	return server->url;
}

struct web_seen *web_server_seen(struct web_server *server)
{
	return &server->seen;
}

void web_server_answer(struct web_server *server, void (*answer)(struct evhttp_request *req))
{
	server->answer = answer ? answer : answer_as_usual;
}

/* -- the proxy -------------------------------------------------------------------------------------------------- */

/* A tunnel: what came to the proxy, and what it has connected to. */
struct tunnel {
	struct tunnel *next;
	struct web_proxy *proxy;
	struct bufferevent *side[2];
};

struct web_proxy {
	struct event_base *base;
	struct evconnlistener *listener;
	SSL_CTX *ctx;
	char url[48];
	const char *refusal;
	struct web_seen seen;
	struct tunnel *first;
};

static void pass(struct bufferevent *from, void *ctx)
{
	struct tunnel *t = ctx;

	bufferevent_write_buffer(t->side[from == t->side[0]], bufferevent_get_input(from));
}

/* Until the test ends both are kept, so that nobody is called about one that has gone. */
static void ended(struct bufferevent *bev, short what, void *ctx)
{
	struct tunnel *t = ctx;

	(void)bev;
	if (!(what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)))
		return;
	if (t->side[0])
		bufferevent_free(t->side[0]);
	if (t->side[1])
		bufferevent_free(t->side[1]);
	t->side[0] = t->side[1] = NULL;
}

static void connect_to(struct tunnel *t, int port)
{
	struct sockaddr_in sin;

	loopback(&sin);
	sin.sin_port = htons((uint16_t)port);
	t->side[1] = bufferevent_socket_new(t->proxy->base, -1, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	bufferevent_setcb(t->side[0], pass, NULL, ended, t);
	bufferevent_setcb(t->side[1], pass, NULL, ended, t);
	bufferevent_enable(t->side[1], EV_READ | EV_WRITE);
	ck_assert_int_eq(bufferevent_socket_connect(t->side[1], (struct sockaddr *)&sin, sizeof(sin)), 0);
	evbuffer_add_printf(bufferevent_get_output(t->side[0]), "HTTP/1.1 200 Connection established\r\n\r\n");
}

static void asked(struct bufferevent *bev, void *ctx)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	struct tunnel *t = ctx;
	struct web_seen *seen = &t->proxy->seen;
	struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
	int port = 0;

	if (end.pos < 0)
		return;
	see_peer(seen, bev);
	ck_assert_int_lt(end.pos + 4, (ssize_t)sizeof(seen->text));
	evbuffer_remove(in, seen->text, (size_t)end.pos + 4);
	seen->text[end.pos] = '\0';
	ck_assert_int_eq(sscanf(seen->text, "CONNECT 127.0.0.1:%d HTTP/1.1", &port), 1);
	if (t->proxy->refusal)
		evbuffer_add_printf(bufferevent_get_output(bev), "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n",
				    t->proxy->refusal);
	else
		connect_to(t, port);
}

static void proxy_accepted(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from, int len,
			   void *ctx)
{
	struct web_proxy *proxy = ctx;
	struct tunnel *t = calloc(1, sizeof(*t));

	(void)listener;
	(void)from;
	(void)len;
	ck_assert_ptr_nonnull(t);
	t->proxy = proxy;
	t->next = proxy->first;
	proxy->first = t;
	proxy->seen.connections++;
	t->side[0] = tls_bufferevent(proxy->base, fd, proxy->ctx);
	bufferevent_setcb(t->side[0], asked, NULL, ended, t);
	bufferevent_enable(t->side[0], EV_READ | EV_WRITE);
}

struct web_proxy *web_proxy_new(struct event_base *base, const struct web_tls *tls)
{
	struct web_proxy *proxy = calloc(1, sizeof(*proxy));
	struct sockaddr_in sin;

	ck_assert_ptr_nonnull(proxy);
	loopback(&sin);
	proxy->base = base;
	proxy->ctx = tls_new(tls);
	proxy->listener = evconnlistener_new_bind(base, proxy_accepted, proxy, LEV_OPT_CLOSE_ON_FREE, 16,
						  (struct sockaddr *)&sin, sizeof(sin));
	ck_assert_ptr_nonnull(proxy->listener);
	url_of(evconnlistener_get_fd(proxy->listener), proxy->url);
	return proxy;
}

void web_proxy_free(struct web_proxy *proxy)
{
	struct tunnel *t;

	while ((t = proxy->first)) {
		proxy->first = t->next;
		ended(NULL, BEV_EVENT_EOF, t);
		free(t);
	}
	evconnlistener_free(proxy->listener);
	SSL_CTX_free(proxy->ctx);
	free(proxy);
}

const char *web_proxy_url(const struct web_proxy *proxy)
{
	return proxy->url;
}

struct web_seen *web_proxy_seen(struct web_proxy *proxy)
{
	return &proxy->seen;
}

void web_proxy_refuse(struct web_proxy *proxy, const char *line)
{
	proxy->refusal = line;
}
