/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections: non-blocking, driven by edge-triggered epoll, one thread. */
#include "estload.h"
#include "estload_http.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MAX (64u << 20) /* [octets] */

enum state { CONNECTING, HANDSHAKE, IDLE, SENDING, READING, ENDING, DEAD };

struct conn {
	int fd;
	enum state state;
	SSL *ssl; /* NULL: plain */
	char *out, *in;
	size_t out_len, out_at, in_len, in_room;
	reply_fn *done;
	void *ctx;
	struct conn *next; /* among the dead */
};

static struct {
	SSL_CTX *ctx;
	struct sockaddr_in server;
	int epfd;
	bool plain;
	size_t open, peak;
	struct conn *dead; /* freed when no event can name them any more */
} net;

uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

void conn_init(const struct options *o)
{
	static const unsigned char alpn[] = "\x08http/1.1";

	net.server = o->server;
	net.plain = o->plain;
	net.epfd = epoll_create1(EPOLL_CLOEXEC);
	net.ctx = SSL_CTX_new(TLS_client_method());
	if (net.epfd < 0 || !net.ctx || SSL_CTX_set_min_proto_version(net.ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_alpn_protos(net.ctx, alpn, sizeof(alpn) - 1) != 0)
		die("cannot set TLS up");
	/* The server's signature is verified, its chain is not: the generator shares the machine, and spends no more
	 * than it must. */
	SSL_CTX_set_verify(net.ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_mode(net.ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(net.ctx, SSL_SESS_CACHE_OFF);
}

size_t conn_open(void)
{
	return net.open;
}

size_t conn_peak(void)
{
	return net.peak;
}

struct conn *conn_new(X509 *cert, EVP_PKEY *key)
{
	struct conn *c = calloc(1, sizeof(*c));
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = { .ptr = c } };
	int on = 1;

	if (!c || (!net.plain && !(c->ssl = SSL_new(net.ctx))) ||
	    (cert && (SSL_use_certificate(c->ssl, cert) != 1 || SSL_use_PrivateKey(c->ssl, key) != 1)))
		die("cannot set a connection up");
	if (c->ssl)
		SSL_set_tlsext_host_name(c->ssl, "localhost");
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("cannot open a socket: %s", strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if ((connect(c->fd, (struct sockaddr *)&net.server, sizeof(net.server)) != 0 && errno != EINPROGRESS) ||
	    epoll_ctl(net.epfd, EPOLL_CTL_ADD, c->fd, &ev) != 0 || (c->ssl && SSL_set_fd(c->ssl, c->fd) != 1))
		die("cannot connect: %s", strerror(errno));
	if (c->ssl)
		SSL_set_connect_state(c->ssl);
	if (++net.open > net.peak)
		net.peak = net.open;
	return c;
}

/* It is over, but whoever has it still names it. */
static void end(struct conn *c)
{
	if (c->state == DEAD)
		return;
	if (c->ssl && SSL_is_init_finished(c->ssl))
		SSL_shutdown(c->ssl);
	ERR_clear_error();
	close(c->fd);
	SSL_free(c->ssl);
	free(c->out);
	free(c->in);
	c->out = c->in = NULL;
	c->state = DEAD;
	net.open--;
}

void conn_close(struct conn *c)
{
	if (!c)
		return;
	end(c);
	c->next = net.dead;
	net.dead = c;
}

static void bury(void)
{
	while (net.dead) {
		struct conn *c = net.dead;

		net.dead = c->next;
		free(c);
	}
}

/* No answer. */
static bool broken(struct conn *c, const char *why)
{
	const struct reply r = { 0, why, strlen(why) };
	reply_fn *done = c->done;

	c->done = NULL;
	if (done)
		done(c, c->ctx, &r);
	end(c);
	return false;
}

static int put(struct conn *c, const char *text, size_t len)
{
	return c->ssl ? SSL_write(c->ssl, text, (int)len) : (int)send(c->fd, text, len, MSG_NOSIGNAL);
}

static int get(struct conn *c, char *text, size_t room)
{
	return c->ssl ? SSL_read(c->ssl, text, (int)room) : (int)recv(c->fd, text, room, 0);
}

static bool later_plain(struct conn *c, int result)
{
	if (result < 0 && errno == EAGAIN)
		return false;
	return broken(c, result ? strerror(errno) : "the server closed the connection");
}

/* @return whether it can go on at once. */
static bool later(struct conn *c, int result)
{
	int why = c->ssl ? SSL_get_error(c->ssl, result) : SSL_ERROR_NONE;
	unsigned long code = ERR_peek_error();

	if (!c->ssl)
		return later_plain(c, result);
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		return false;
	if (code)
		return broken(c, ERR_reason_error_string(code) ? ERR_reason_error_string(code) : "TLS failed");
	return broken(c, why == SSL_ERROR_ZERO_RETURN ? "the server closed the connection" : strerror(errno));
}

static bool step_connecting(struct conn *c)
{
	socklen_t len = sizeof(int);
	struct sockaddr_in peer;
	int err = 0;

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err)
		return broken(c, strerror(err));
	len = sizeof(peer);
	if (getpeername(c->fd, (struct sockaddr *)&peer, &len) != 0)
		return false;
	c->state = HANDSHAKE;
	return true;
}

static void say_end(struct conn *c)
{
	if (c->ssl)
		SSL_shutdown(c->ssl);
	shutdown(c->fd, SHUT_WR);
}

static bool step_handshake(struct conn *c)
{
	int n = c->ssl ? SSL_connect(c->ssl) : 1;

	if (n != 1)
		return later(c, n);
	c->state = c->out ? SENDING : IDLE;
	if (!c->out && c->done) {
		say_end(c);
		c->state = ENDING;
	}
	return true;
}

static bool step_sending(struct conn *c)
{
	int n = put(c, c->out + c->out_at, c->out_len - c->out_at);

	if (n <= 0)
		return later(c, n);
	c->out_at += (size_t)n;
	if (c->out_at == c->out_len) {
		free(c->out);
		c->out = NULL;
		c->state = READING;
	}
	return true;
}

static void deliver(struct conn *c, size_t body, size_t whole)
{
	struct reply r = { .status = c->in_len > 12 ? (int)strtol(c->in + 9, NULL, 10) : 0,
			   .body = c->in + body,
			   .len = whole - body };
	char *in = c->in;
	reply_fn *done = c->done;

	c->in = NULL;
	c->in_len = c->in_room = 0;
	c->done = NULL;
	c->state = IDLE;
	done(c, c->ctx, &r);
	free(in);
}

static bool step_reading(struct conn *c)
{
	size_t whole, body = 0;
	int n;

	if (c->in_room - c->in_len < 2) {
		c->in_room = c->in_room ? c->in_room * 2 : 4096;
		if (c->in_room > ANSWER_MAX || !(c->in = realloc(c->in, c->in_room)))
			die("an answer of more than %zu octets", c->in_len);
	}
	n = get(c, c->in + c->in_len, c->in_room - c->in_len - 1);
	if (n <= 0)
		return later(c, n);
	c->in_len += (size_t)n;
	c->in[c->in_len] = '\0';
	whole = http_whole(c->in, c->in_len, &body);
	if (whole)
		deliver(c, body, whole);
	return true;
}

/* Nothing is expected: either nothing came, or the end. */
static bool step_idle(struct conn *c)
{
	char octet;
	int n = get(c, &octet, 1);

	return n > 0 ? broken(c, "octets that nobody asked for") : later(c, n);
}

/* It has said that it ends; until the server has, too. */
static bool step_ending(struct conn *c)
{
	struct reply r = { .status = 200, .body = "" };
	reply_fn *done = c->done;
	char octets[256];
	ssize_t n = recv(c->fd, octets, sizeof(octets), 0);

	if (n > 0 || (n < 0 && errno == EAGAIN))
		return n > 0;
	if (n < 0)
		return broken(c, strerror(errno));
	c->done = NULL;
	end(c);
	done(c, c->ctx, &r);
	return false;
}

static bool step_dead(struct conn *c)
{
	(void)c;
	return false;
}

static void drive(struct conn *c)
{
	static bool (*const steps[])(struct conn *) = {
		[CONNECTING] = step_connecting,
		[HANDSHAKE] = step_handshake,
		[IDLE] = step_idle,
		[SENDING] = step_sending,
		[READING] = step_reading,
		[ENDING] = step_ending,
		[DEAD] = step_dead,
	};

	ERR_clear_error();
	while (steps[c->state](c))
		;
}

void conn_request(struct conn *c, const char *method, const char *path, const char *head, const char *body,
		  size_t body_len, reply_fn *done, void *ctx)
{
	int n;

	c->done = done;
	c->ctx = ctx;
	if (c->state == DEAD) {
		broken(c, "the connection had ended");
		return;
	}
	n = asprintf(&c->out, "%s %s HTTP/1.1\r\nHost: localhost:%d\r\n%sContent-Length: %zu\r\n\r\n%.*s", method, path,
		     ntohs(net.server.sin_port), head, body_len, (int)body_len, body_len ? body : "");
	if (n < 0)
		die("out of memory");
	c->out_len = (size_t)n;
	c->out_at = 0;
	if (c->state != IDLE)
		return;
	c->state = SENDING;
	while (c->state == SENDING && step_sending(c))
		;
}

void conn_finish(struct conn *c, reply_fn *done, void *ctx)
{
	c->done = done;
	c->ctx = ctx;
}

void conn_turn(int timeout_ms)
{
	struct epoll_event ev[256];
	int n = epoll_wait(net.epfd, ev, 256, timeout_ms), i;

	for (i = 0; i < n; i++)
		drive(ev[i].data.ptr);
	bury();
}
