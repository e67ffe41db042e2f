#include "dial.h"
#include "relay.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct dial {
	struct evdns_getaddrinfo_request *lookup; /* NULL: answered */
	bool cancelled;				  /* ends with the look-up's callback */
	struct evutil_addrinfo *list, *next;	  /* all, and the next to try */
	struct event *event;			  /* of the socket; or none: to go on from the loop */
	int fd, left;				  /* left: addresses to try */
	char why[VMP_MSG_MAX];
	dial_fn done;
	void *ctx;
};

static void free_all(struct dial *d)
{
	if (d->event)
		event_free(d->event);
	if (d->fd >= 0)
		close(d->fd);
	if (d->list)
		evutil_freeaddrinfo(d->list);
	free(d);
}

static void finish(struct dial *d)
{
	dial_fn done = d->done;
	void *ctx = d->ctx;
	int fd = d->fd;
	char why[VMP_MSG_MAX];

	memcpy(why, d->why, sizeof(why));
	d->fd = -1;
	free_all(d);
	done(ctx, fd, why);
}

static void on_event(evutil_socket_t fd, short what, void *ctx);

/* Have on_event() called when fd can be written to, or in time, or now. */
static bool await(struct dial *d, int fd, struct timeval tv)
{
	if (d->event)
		event_free(d->event);
	d->event = event_new(relay.base, fd, fd >= 0 ? EV_WRITE : EV_TIMEOUT, on_event, d);
	return d->event && event_add(d->event, &tv) == 0;
}

static void drop_socket(struct dial *d, int error)
{
	snprintf(d->why, sizeof(d->why), "%s", strerror(error));
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

static bool connect_to(struct dial *d, const struct evutil_addrinfo *to)
{
	int on = 1;

	d->fd = socket(to->ai_family, to->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (d->fd < 0)
		return false;
	if (to->ai_socktype == SOCK_STREAM)
		setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return connect(d->fd, to->ai_addr, (socklen_t)to->ai_addrlen) == 0 || errno == EINPROGRESS;
}

static void try_next(struct dial *d)
{
	struct timeval tv = { .tv_sec = (time_t)relay.config->connect_timeout };
	const struct evutil_addrinfo *to;

	while ((to = d->next)) {
		d->next = to->ai_next;
		if (connect_to(d, to)) {
			tv.tv_usec = (suseconds_t)(tv.tv_sec * 1000000 / d->left % 1000000);
			tv.tv_sec /= d->left--;
			if (await(d, d->fd, tv))
				return;
		}
		drop_socket(d, errno);
	}
	finish(d);
}

static void on_event(evutil_socket_t fd, short what, void *ctx)
{
	struct dial *d = ctx;
	int error = 0;
	socklen_t len = sizeof(error);

	if (fd < 0) {
		try_next(d);
		return;
	}
	if (what & EV_TIMEOUT)
		error = ETIMEDOUT;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	if (!error) {
		finish(d);
		return;
	}
	drop_socket(d, error);
	try_next(d);
}

static void on_lookup(int result, struct evutil_addrinfo *list, void *ctx)
{
	static const struct timeval now = { 0 };
	struct dial *d = ctx;
	const struct evutil_addrinfo *at;

	d->lookup = NULL;
	d->list = d->next = list;
	for (at = list; at; at = at->ai_next)
		d->left++;
	if (result != 0)
		snprintf(d->why, sizeof(d->why), "%s", evutil_gai_strerror(result));
	/* From the loop: this may be called within dial_start(). */
	if (d->cancelled)
		free_all(d);
	else if (!await(d, -1, now))
		abort(); /* without memory; systemd starts us anew */
}

struct dial *dial_start(const char *authority, int socktype, dial_fn done, void *ctx)
{
	const struct evutil_addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = socktype };
	struct dial *d = calloc(1, sizeof(*d));
	struct evdns_getaddrinfo_request *lookup;
	char host[AUTHORITY_HOST], service[8];
	uint16_t port;

	if (!d)
		return NULL;
	d->fd = -1;
	d->done = done;
	d->ctx = ctx;
	snprintf(d->why, sizeof(d->why), "the host has no address");
	authority_split(authority, host, &port);
	snprintf(service, sizeof(service), "%u", port);
	lookup = evdns_getaddrinfo(relay.dns, host, service, &hints, on_lookup, d);
	/* NULL: on_lookup() has been called. */
	if (lookup)
		d->lookup = lookup;
	return d;
}

void dial_cancel(struct dial *d)
{
	if (!d)
		return;
	if (!d->lookup) {
		free_all(d);
		return;
	}
	d->cancelled = true;
	evdns_getaddrinfo_cancel(d->lookup);
}
