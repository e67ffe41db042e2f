/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TLS 1.3 as policyd has it (P-256 certificate, no tickets, client certificates asked for), requests answered in
 * place: one process, one thread, epoll. */
#include "bare.h"
#include "estload_http.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_MAX 8192
#define BACKLOG	    4096
#define EVENTS	    256

struct peer {
	TAILQ_ENTRY(peer) next; /* among those who wait for a change, or for the commit */
	int fd;
	bool shaken, listed, uncommitted, ended;
	SSL *ssl;
	char *in, *out;
	size_t in_len, out_len, out_at;
};

TAILQ_HEAD(peers, peer);

static struct {
	const struct options *o;
	SSL_CTX *ctx;
	int epfd, fd;
	struct peers waiting, uncommitted, dead;
	size_t n_uncommitted;
	unsigned long long version;
} server = { .version = 1 };

static void tls_make(void)
{
	EVP_PKEY *key;
	X509 *cert = ca_server(&key);
	SSL_CTX *ctx = server.ctx = SSL_CTX_new(TLS_server_method());

	if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 || SSL_CTX_set_num_tickets(ctx, 0) != 1 ||
	    SSL_CTX_use_certificate(ctx, cert) != 1 || SSL_CTX_use_PrivateKey(ctx, key) != 1 ||
	    X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca_cert()) != 1 ||
	    SSL_CTX_add_client_CA(ctx, ca_cert()) != 1)
		die("cannot set TLS up");
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	/* Not to build, and verify, the server's own chain at each handshake. */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	X509_free(cert);
	EVP_PKEY_free(key);
}

/* -- connections ---------------------------------------------------------------------------------------------- */

static void peer_new(int fd)
{
	struct peer *p = calloc(1, sizeof(*p));
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = { .ptr = p } };

	if (!p || !(p->ssl = SSL_new(server.ctx)) || SSL_set_fd(p->ssl, fd) != 1 ||
	    epoll_ctl(server.epfd, EPOLL_CTL_ADD, fd, &ev) != 0)
		die("cannot take a connection");
	p->fd = fd;
	SSL_set_accept_state(p->ssl);
}

static void commit(void);

static void peer_end(struct peer *p)
{
	if (p->ended)
		return;
	if (p->uncommitted)
		commit();
	p->ended = true;
	if (p->listed)
		TAILQ_REMOVE(&server.waiting, p, next);
	SSL_free(p->ssl);
	close(p->fd);
	free(p->in);
	free(p->out);
	TAILQ_INSERT_TAIL(&server.dead, p, next);
}

/* @return whether all of it went out. */
static bool flush(struct peer *p)
{
	while (p->out && p->out_at < p->out_len) {
		int n = SSL_write(p->ssl, p->out + p->out_at, (int)(p->out_len - p->out_at));

		if (n <= 0)
			return false;
		p->out_at += (size_t)n;
	}
	free(p->out);
	p->out = NULL;
	return true;
}

/* Body, filled up to the size of policyd's. */
static void answer_later(struct peer *p, const char *body, size_t len)
{
	size_t whole = len > server.o->answer ? len : server.o->answer;
	int n = asprintf(
		&p->out,
		"HTTP/1.1 200 OK\r\nContent-Type: application/pkcs7-mime; smime-type=certs-only\r\n"
		"Content-Transfer-Encoding: base64\r\nCache-Control: no-store\r\nContent-Length: %zu\r\n\r\n%*s",
		whole, -(int)whole, body);

	if (n < 0)
		die("out of memory");
	p->out_len = (size_t)n;
	p->out_at = 0;
}

static void commit(void)
{
	struct peer *p;

	if (!server.n_uncommitted)
		return;
	db_commit();
	server.n_uncommitted = 0;
	while ((p = TAILQ_FIRST(&server.uncommitted))) {
		TAILQ_REMOVE(&server.uncommitted, p, next);
		p->uncommitted = false;
		flush(p);
	}
}

/* -- requests ------------------------------------------------------------------------------------------------- */

static void issue(struct peer *p, const char *body, size_t len)
{
	X509 *cert = ca_issue(body, len);
	unsigned char *der = NULL;
	int n = cert ? i2d_X509(cert, &der) : 0;
	char *text = n > 0 ? malloc((size_t)n / 3 * 4 + 8) : NULL;

	if (!text)
		die("cannot issue");
	EVP_EncodeBlock((unsigned char *)text, der, n);
	answer_later(p, text, strlen(text));
	if (server.o->commit != COMMIT_NONE) {
		if (!server.n_uncommitted++)
			db_begin();
		db_insert(der, n);
		TAILQ_INSERT_TAIL(&server.uncommitted, p, next);
		p->uncommitted = true;
		if (server.o->commit == COMMIT_EACH || server.n_uncommitted == GROUP)
			commit();
	} else {
		flush(p);
	}
	free(text);
	OPENSSL_free(der);
	X509_free(cert);
}

/* The same octets to everybody. */
static void tell_all(struct peer *from, const char *body, size_t len)
{
	struct peer *p;
	char *text;

	if (asprintf(&text, "{\"version\":%llu,\"change\":%.*s}", ++server.version, (int)len, body) < 0)
		die("out of memory");
	answer_later(from, text, strlen(text));
	flush(from);
	while ((p = TAILQ_FIRST(&server.waiting))) {
		TAILQ_REMOVE(&server.waiting, p, next);
		p->listed = false;
		answer_later(p, text, strlen(text));
		flush(p);
	}
	free(text);
}

static void handle(struct peer *p, const char *body, size_t len)
{
	char text[64];

	if (strncmp(p->in, "GET /v1/directory", 17) == 0 && !strstr(p->in, "wait=0")) {
		p->listed = true;
		TAILQ_INSERT_TAIL(&server.waiting, p, next);
	} else if (strncmp(p->in, "PUT ", 4) == 0) {
		tell_all(p, body, len);
	} else if (strncmp(p->in, "POST ", 5) == 0 && !server.o->no_issue) {
		issue(p, body, len);
	} else {
		snprintf(text, sizeof(text), "{\"version\":%llu}", server.version);
		answer_later(p, text, strlen(text));
		flush(p);
	}
}

static void take_requests(struct peer *p)
{
	size_t body, whole;
	int n;

	for (;;) {
		if (!p->in && !(p->in = malloc(REQUEST_MAX)))
			die("out of memory");
		n = SSL_read(p->ssl, p->in + p->in_len, (int)(REQUEST_MAX - p->in_len - 1));
		if (n <= 0)
			break;
		p->in_len += (size_t)n;
		p->in[p->in_len] = '\0';
		whole = http_whole(p->in, p->in_len, &body);
		if (!whole)
			continue;
		handle(p, p->in + body, whole - body);
		free(p->in);
		p->in = NULL;
		p->in_len = 0;
	}
	if (!p->in_len) {
		free(p->in);
		p->in = NULL;
	}
	if (SSL_get_error(p->ssl, n) != SSL_ERROR_WANT_READ)
		peer_end(p);
}

static void drive(struct peer *p)
{
	int n;

	if (p->ended)
		return;
	ERR_clear_error();
	if (!p->shaken) {
		n = SSL_accept(p->ssl);
		if (n != 1) {
			if (SSL_get_error(p->ssl, n) != SSL_ERROR_WANT_READ)
				peer_end(p);
			return;
		}
		p->shaken = true;
	}
	if (flush(p))
		take_requests(p);
}

static void accept_all(void)
{
	int fd;

	while ((fd = accept4(server.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		peer_new(fd);
}

static void listen_on(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct epoll_event ev = { .events = EPOLLIN };
	int on = 1;

	server.epfd = epoll_create1(EPOLL_CLOEXEC);
	server.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(server.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(server.fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(server.fd, BACKLOG) != 0 ||
	    epoll_ctl(server.epfd, EPOLL_CTL_ADD, server.fd, &ev) != 0)
		die("port %d: %s", port, strerror(errno));
}

static void turn(void)
{
	struct epoll_event ev[EVENTS];
	struct peer *p;
	int n = epoll_wait(server.epfd, ev, EVENTS, -1), i;

	for (i = 0; i < n; i++) {
		if (ev[i].data.ptr)
			drive(ev[i].data.ptr);
		else
			accept_all();
	}
	commit();
	while ((p = TAILQ_FIRST(&server.dead))) {
		TAILQ_REMOVE(&server.dead, p, next);
		free(p);
	}
}

void serve(const struct options *o)
{
	server.o = o;
	TAILQ_INIT(&server.waiting);
	TAILQ_INIT(&server.uncommitted);
	TAILQ_INIT(&server.dead);
	ca_make();
	tls_make();
	if (o->commit != COMMIT_NONE)
		db_open(o->dir);
	listen_on(o->port);
	puts("ready");
	fflush(stdout);
	for (;;)
		turn();
}
