/** badlink: a TCP link between two programs that is slow, alters octets or loses them, for tests.
 *
 *	badlink --listen ADDR:PORT --to ADDR:PORT [--rate OCTETS/S] [--flip N] [--flip-back N] [--mute]
 *
 * Takes connections and passes them on to another address, octet by octet.
 *	--rate       octets per second, in each direction of each connection
 *	--flip       the Nth octet to the target, from 1 on, arrives with its lowest bit altered
 *	--flip-back  the same of what comes back
 *	--mute       what is sent is taken, and goes nowhere
 * SIGUSR1: from now on answers are lost: a connection ends when its target answers anything but a TLS ClientHello.
 * SIGUSR2: a link without faults.  Both hold for connections that exist as well.  IPv4.
 * Prints "ready", a line "open" for each connection, and at its end "closed", how many octets came for the target and
 * how many back.
 * Exit: 0 after SIGTERM or SIGINT; 2 usage.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FULL = 1 << 16, TICK_MS = 50, HELLO_MAX = 1000 };

/* What is wrong with the link. */
struct faults {
	size_t rate, flip, flip_back;
	bool mute, deaf;
};

struct link {
	struct event_base *base;
	struct sockaddr_in listen, to;
	struct faults faults;
	struct ev_token_bucket_cfg *bucket;
};

struct end {
	struct bufferevent *bev;
	struct conn *conn;
	size_t seen; /* octets that came from it */
};

struct conn {
	struct link *link;
	struct end from, to;
	bool ended; /* one end has closed; what the other is still to get goes out */
};

static _Noreturn void fatal(const char *what, const char *value)
{
	fprintf(stderr, "badlink: %s: %s\n", what, value);
	exit(2);
}

static struct end *other(struct end *e)
{
	return e == &e->conn->from ? &e->conn->to : &e->conn->from;
}

static void conn_free(struct conn *c)
{
	printf("closed %zu %zu\n", c->from.seen, c->to.seen);
	bufferevent_free(c->from.bev);
	bufferevent_free(c->to.bev);
	free(c);
}

static void flip(struct evbuffer *in, size_t seen, size_t at)
{
	size_t len = evbuffer_get_length(in);

	if (at > seen && at <= seen + len)
		evbuffer_pullup(in, -1)[at - seen - 1] ^= 1;
}

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct end *e = ctx;
	const struct faults *faults = &e->conn->link->faults;
	bool back = e == &e->conn->to;
	struct evbuffer *in = bufferevent_get_input(bev), *out = bufferevent_get_output(other(e)->bev);

	if (faults->mute) {
		evbuffer_drain(in, evbuffer_get_length(in));
		return;
	}
	if (back && faults->deaf && other(e)->seen > HELLO_MAX) {
		conn_free(e->conn);
		return;
	}
	flip(in, e->seen, back ? faults->flip_back : faults->flip);
	e->seen += evbuffer_get_length(in);
	evbuffer_add_buffer(out, in);
	if (evbuffer_get_length(out) > FULL)
		bufferevent_disable(bev, EV_READ);
}

static void on_written(struct bufferevent *bev, void *ctx)
{
	struct end *e = ctx;

	(void)bev;
	if (e->conn->ended)
		conn_free(e->conn);
	else
		bufferevent_enable(other(e)->bev, EV_READ);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct end *e = ctx;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED)
		return;
	if (e->conn->ended || (what & BEV_EVENT_ERROR) ||
	    evbuffer_get_length(bufferevent_get_output(other(e)->bev)) == 0) {
		conn_free(e->conn);
		return;
	}
	e->conn->ended = true;
	bufferevent_disable(e->bev, EV_READ | EV_WRITE);
}

static void end_open(struct conn *c, struct end *e, evutil_socket_t fd)
{
	e->conn = c;
	e->bev = bufferevent_socket_new(c->link->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!e->bev)
		fatal("no memory", "connection");
	if (c->link->bucket)
		bufferevent_set_rate_limit(e->bev, c->link->bucket);
	bufferevent_setcb(e->bev, on_read, on_written, on_event, e);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr, int len, void *ctx)
{
	struct link *link = ctx;
	struct conn *c = calloc(1, sizeof(*c));

	(void)listener;
	(void)addr;
	(void)len;
	if (!c)
		fatal("no memory", "connection");
	puts("open");
	c->link = link;
	end_open(c, &c->from, fd);
	end_open(c, &c->to, -1);
	if (bufferevent_socket_connect(c->to.bev, (struct sockaddr *)&link->to, sizeof(link->to)) != 0) {
		conn_free(c);
		return;
	}
	bufferevent_enable(c->from.bev, EV_READ | EV_WRITE);
	bufferevent_enable(c->to.bev, EV_READ | EV_WRITE);
}

static void on_signal(evutil_socket_t sig, short what, void *ctx)
{
	struct link *link = ctx;

	(void)what;
	if (sig == SIGUSR1)
		link->faults.deaf = true;
	else if (sig == SIGUSR2)
		link->faults = (struct faults){ 0 };
	else
		event_base_loopbreak(link->base);
}

static void address(const char *text, struct sockaddr_in *out)
{
	char host[INET_ADDRSTRLEN];
	const char *colon = strrchr(text, ':');
	unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : 0;

	memset(out, 0, sizeof(*out));
	out->sin_family = AF_INET;
	out->sin_port = htons((uint16_t)port);
	if (port == 0 || port > UINT16_MAX ||
	    snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text) >= (int)sizeof(host) ||
	    inet_pton(AF_INET, host, &out->sin_addr) != 1)
		fatal("expected ADDR:PORT", text);
}

static void options(struct link *link, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "listen", required_argument, NULL, 'l' },
		{ "to", required_argument, NULL, 't' },
		{ "rate", required_argument, NULL, 'r' },
		{ "flip", required_argument, NULL, 'f' },
		{ "flip-back", required_argument, NULL, 'b' },
		{ "mute", no_argument, NULL, 'm' },
		{ NULL, 0, NULL, 0 },
	};
	int id;

	while ((id = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		size_t number = optarg ? strtoul(optarg, NULL, 10) : 0;

		if (id == 'l')
			address(optarg, &link->listen);
		else if (id == 't')
			address(optarg, &link->to);
		else if (id == 'm')
			link->faults.mute = true;
		else if (id == '?' || number == 0)
			fatal("usage", "see the top of badlink.c");
		else
			*(id == 'r'   ? &link->faults.rate
			  : id == 'f' ? &link->faults.flip
				      : &link->faults.flip_back) = number;
	}
	if (!link->listen.sin_family || !link->to.sin_family || optind != argc)
		fatal("usage", "expected --listen and --to");
}

static void limit(struct link *link)
{
	const struct timeval tick = { .tv_usec = TICK_MS * 1000 };
	size_t each = link->faults.rate * TICK_MS / 1000 + 1;

	if (link->faults.rate)
		link->bucket = ev_token_bucket_cfg_new(each, each, each, each, &tick);
}

int main(int argc, char **argv)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGUSR1, SIGUSR2 };
	struct link link = { 0 };
	struct evconnlistener *listener;
	size_t i;

	options(&link, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	link.base = event_base_new();
	limit(&link);
	listener = evconnlistener_new_bind(link.base, on_accept, &link, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, -1,
					   (struct sockaddr *)&link.listen, sizeof(link.listen));
	if (!listener)
		fatal("cannot listen", strerror(errno));
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		event_add(evsignal_new(link.base, signals[i], on_signal, &link), NULL);
	puts("ready");
	event_base_dispatch(link.base);
	return 0;
}
