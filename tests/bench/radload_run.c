/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sockets and the two loops.
 *
 * Closed loop: each source port keeps its share of the window outstanding; k replies read by one
 * recvmmsg() are answered by k new requests in one sendmmsg().  Open loop: requests go out by the clock,
 * one source port after the other.  A (port, identifier) pair is free again when its reply came or when
 * the request timed out; identifiers rotate, so that a pair rests for as long as possible.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "radload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH	    32U
#define SCAN_NS	    50000000U /* how often to look for requests that timed out */
#define SOCKET_BUFF (1 << 20)

struct port {
	int fd;
	unsigned outstanding;
	uint8_t next_id;
	uint64_t sent[256];  /* [ns] 0 = identifier is free */
	uint64_t index[256]; /* of the MAC */
	uint8_t ra[256][RA_LEN];
};

struct run {
	const struct options *opt;
	struct codec *codec;
	struct result *res;
	struct port *ports;
	int epfd;
	unsigned turn; /* open loop: the port to use next */
	bool sending;
	uint64_t outstanding;
	uint64_t started, last_reply, last_scan; /* [ns] */
	struct wire wires[BATCH];
	struct mmsghdr out[BATCH], in[BATCH];
	struct iovec out_iov[BATCH], in_iov[BATCH];
	uint8_t in_buf[BATCH][REPLY_MAX];
};

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static int port_socket(const struct options *o)
{
	int size = SOCKET_BUFF;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("cannot open a socket: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (connect(fd, (const struct sockaddr *)&o->server, sizeof(o->server)) < 0)
		die("cannot connect to the server's address: %s", strerror(errno));
	return fd;
}

static void ports_open(struct run *r)
{
	r->ports = calloc(r->opt->ports, sizeof(*r->ports));
	r->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (!r->ports || r->epfd < 0)
		die("cannot set up %u ports: %s", r->opt->ports, strerror(errno));
	for (unsigned i = 0; i < r->opt->ports; i++) {
		struct port *p = &r->ports[i];
		struct epoll_event ev = { .events = EPOLLIN, .data = { .ptr = p } };

		p->fd = port_socket(r->opt);
		if (epoll_ctl(r->epfd, EPOLL_CTL_ADD, p->fd, &ev) < 0)
			die("epoll: %s", strerror(errno));
	}
}

static void wires_init(struct run *r)
{
	for (size_t i = 0; i < BATCH; i++) {
		r->out_iov[i].iov_base = r->wires[i].pkt;
		codec_init_wire(r->codec, &r->wires[i]);
		r->out[i].msg_hdr = (struct msghdr){ .msg_iov = &r->out_iov[i], .msg_iovlen = 1 };
		r->in_iov[i] = (struct iovec){ .iov_base = r->in_buf[i], .iov_len = REPLY_MAX };
		r->in[i].msg_hdr = (struct msghdr){ .msg_iov = &r->in_iov[i], .msg_iovlen = 1 };
	}
}

static struct run *run_new(const struct options *o, struct codec *c, struct result *res)
{
	struct run *r = calloc(1, sizeof(*r));

	if (!r)
		die("out of memory");
	r->opt = o;
	r->codec = c;
	r->res = res;
	ports_open(r);
	wires_init(r);
	return r;
}

static void run_free(struct run *r)
{
	for (unsigned i = 0; i < r->opt->ports; i++)
		close(r->ports[i].fd);
	close(r->epfd);
	free(r->ports);
	free(r);
}

/* How many of @p want requests may still go out. */
static unsigned allowance(struct run *r, unsigned want)
{
	if (!r->sending)
		return 0;
	if (r->opt->requests && r->opt->requests - r->res->requests <= want) {
		want = (unsigned)(r->opt->requests - r->res->requests);
		r->sending = false;
	}
	return want;
}

static void fill(struct run *r, struct port *p, unsigned n)
{
	uint8_t ids[BATCH];

	for (unsigned i = 0; i < n; i++) {
		while (p->sent[p->next_id])
			p->next_id++;
		ids[i] = p->next_id;
		r->out_iov[i].iov_len = codec_fill(r->codec, &r->wires[i], ids[i], &p->index[ids[i]]);
		memcpy(p->ra[ids[i]], r->wires[i].pkt + 4, RA_LEN);
		p->sent[ids[i]] = 1; /* taken; the time follows, when the batch is ready to go */
		p->next_id++;
	}

	uint64_t now = clock_ns();

	for (unsigned i = 0; i < n; i++)
		p->sent[ids[i]] = now;
}

/* A request that the kernel does not take counts as sent: it will time out and be counted as lost. */
static void port_send(struct run *r, struct port *p, unsigned want)
{
	want = allowance(r, want);
	r->res->requests += want;
	r->outstanding += want;
	p->outstanding += want;
	while (want > 0) {
		unsigned n = want < BATCH ? want : BATCH;

		fill(r, p, n);
		if (sendmmsg(p->fd, r->out, n, 0) < 0 && errno == ECONNREFUSED)
			die("the server went away");
		want -= n;
	}
}

static void release(struct run *r, struct port *p, unsigned id)
{
	p->sent[id] = 0;
	p->outstanding--;
	r->outstanding--;
}

/* @return true when the reply freed an identifier. */
static bool take_reply(struct run *r, struct port *p, uint8_t *pkt, size_t len, uint64_t now)
{
	unsigned id = len >= 20 ? pkt[1] : 0;

	if (len >= 20 && !p->sent[id]) {
		r->res->late++;
		return false;
	}
	if (len < 20 || !codec_check(r->codec, pkt, len, p->ra[id], p->index[id])) {
		r->res->wrong++;
		if (len < 20)
			return false;
	} else {
		r->res->replies++;
		hist_add(&r->res->hist, now - p->sent[id]);
	}
	r->last_reply = now;
	release(r, p, id);
	return true;
}

static void port_read(struct run *r, struct port *p)
{
	unsigned freed = 0;
	int n = recvmmsg(p->fd, r->in, BATCH, 0, NULL);

	if (n < 0 && errno == ECONNREFUSED)
		die("the server went away");

	uint64_t now = clock_ns();

	for (int i = 0; i < n; i++)
		freed += take_reply(r, p, r->in_buf[i], r->in[i].msg_len, now);
	if (freed && r->opt->rate <= 0)
		port_send(r, p, freed);
}

static void port_expire(struct run *r, struct port *p, uint64_t before)
{
	unsigned freed = 0;

	for (unsigned id = 0; id < 256 && p->outstanding > 0; id++) {
		if (!p->sent[id] || p->sent[id] > before)
			continue;
		release(r, p, id);
		r->res->lost++;
		freed++;
	}
	if (freed && r->opt->rate <= 0)
		port_send(r, p, freed);
}

static void expire(struct run *r, uint64_t now)
{
	uint64_t timeout = (uint64_t)(r->opt->timeout * 1e9);

	if (now - r->last_scan < SCAN_NS)
		return;
	r->last_scan = now;
	for (unsigned i = 0; i < r->opt->ports; i++)
		port_expire(r, &r->ports[i], now - timeout);
}

/* Closed loop: the window, spread over the ports. */
static void send_window(struct run *r)
{
	unsigned share = r->opt->window / r->opt->ports, rest = r->opt->window % r->opt->ports;

	for (unsigned i = 0; i < r->opt->ports; i++)
		port_send(r, &r->ports[i], share + (i < rest));
}

/* Open loop: what the clock says is due. */
static void send_due(struct run *r, uint64_t now)
{
	uint64_t due = (uint64_t)((double)(now - r->started) / 1e9 * r->opt->rate);

	while (r->sending && r->res->requests < due) {
		struct port *p = &r->ports[r->turn];

		r->turn = (r->turn + 1) % r->opt->ports;
		if (p->outstanding < 256)
			port_send(r, p, 1);
	}
}

/* Being woken for every single reply costs more than handling it: let a few gather. */
static void gather(const struct options *o)
{
	struct timespec pause = { .tv_nsec = (long)o->gather * 1000 };

	if (o->gather)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
}

static void turn_loop(struct run *r)
{
	struct epoll_event ev[64];

	gather(r->opt);

	int n = epoll_wait(r->epfd, ev, 64, r->opt->rate > 0 && r->opt->gather ? 0 : 1);

	for (int i = 0; i < n; i++)
		port_read(r, ev[i].data.ptr);

	uint64_t now = clock_ns();

	if (r->opt->seconds > 0 && (double)(now - r->started) / 1e9 >= r->opt->seconds)
		r->sending = false;
	if (r->opt->rate > 0)
		send_due(r, now);
	expire(r, now);
}

void run_load(const struct options *o, struct codec *c, struct result *res)
{
	struct run *r = run_new(o, c, res);

	r->sending = true;
	r->started = r->last_scan = r->last_reply = clock_ns();
	if (o->rate <= 0)
		send_window(r);
	while (r->sending || r->outstanding > 0)
		turn_loop(r);
	res->seconds = (double)(r->last_reply - r->started) / 1e9;
	run_free(r);
}

/* One attempt of the first request.  @return the reply's length, 0 when none came in time. */
static size_t probe_once(struct run *r, double wait)
{
	struct epoll_event ev;

	struct port *p = &r->ports[0];
	size_t size = codec_fill(r->codec, &r->wires[0], p->next_id++, &p->index[0]);

	if (send(p->fd, r->wires[0].pkt, size, 0) < 0)
		return 0;
	if (epoll_wait(r->epfd, &ev, 1, (int)(wait * 1000) + 1) <= 0)
		return 0;

	ssize_t n = recv(p->fd, r->in_buf[0], REPLY_MAX, 0);

	return n > 0 && r->in_buf[0][1] == r->wires[0].pkt[1] ? (size_t)n : 0;
}

void run_probe(const struct options *o, struct codec *c)
{
	struct options one = *o;
	uint64_t give_up = clock_ns() + (uint64_t)((o->wait > 0 ? o->wait : o->timeout) * 1e9);
	size_t len = 0;

	one.ports = 1;

	struct run *r = run_new(&one, c, NULL);

	while (!len) {
		if (clock_ns() >= give_up)
			die("no reply from the server");
		len = probe_once(r, o->wait > 0 ? 0.1 : o->timeout);
		if (!len)
			usleep(2000); /* nothing listens there yet */
	}

	const char *bad = codec_learn(c, r->in_buf[0], len, r->wires[0].pkt + 4, r->ports[0].index[0]);

	if (bad)
		die("first request: %s", bad);
	run_free(r);
}
