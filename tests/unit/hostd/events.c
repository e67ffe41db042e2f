#include "events.h"
#include "../clock_stub.h"

#include <event2/event.h>
#include <stdlib.h>

struct event {
	struct event *next;
	event_callback_fn fn;
	void *ctx;
	uint64_t due; /* [us]; UINT64_MAX: for its descriptor alone */
	int fd;
	bool pending, once;
};

static struct event *events;

struct event *event_new(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn fn, void *ctx)
{
	struct event *e = calloc(1, sizeof(*e));

	(void)base;
	(void)what;
	if (!e)
		abort();
	e->fn = fn;
	e->ctx = ctx;
	e->fd = fd;
	e->next = events;
	events = e;
	return e;
}

int event_add(struct event *e, const struct timeval *wait)
{
	e->pending = true;
	e->due = wait ? stub_now_us + (uint64_t)wait->tv_sec * 1000000 + (uint64_t)wait->tv_usec : UINT64_MAX;
	return 0;
}

int event_del(struct event *e)
{
	e->pending = false;
	return 0;
}

void event_free(struct event *e)
{
	struct event **at = &events;

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	free(e);
}

int event_base_once(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn fn, void *ctx,
		    const struct timeval *wait)
{
	struct event *e = event_new(base, fd, what, fn, ctx);

	e->once = true;
	return event_add(e, wait);
}

/* Always the same numbers. */
void evutil_secure_rng_get_bytes(void *out, size_t n)
{
	static uint32_t state = 1;
	uint8_t *at = out;

	for (; n > 0; n--) {
		state = state * 1664525 + 1013904223;
		*at++ = (uint8_t)(state >> 24);
	}
}

bool events_turn(uint64_t until_us)
{
	struct event *e, *first = NULL;
	event_callback_fn fn;
	void *ctx;

	for (e = events; e; e = e->next) {
		if (e->pending && e->due <= until_us && (!first || e->due < first->due))
			first = e;
	}
	if (!first)
		return false;
	if (first->due > stub_now_us)
		stub_now_us = first->due;
	first->pending = false;
	fn = first->fn;
	ctx = first->ctx;
	if (first->once)
		event_free(first);
	fn(-1, EV_TIMEOUT, ctx);
	return true;
}

bool events_readable(int fd)
{
	struct event *e = events;

	while (e && !(e->pending && e->fd == fd))
		e = e->next;
	if (e)
		e->fn(fd, EV_READ, e->ctx);
	return e != NULL;
}

unsigned events_count(void)
{
	const struct event *e;
	unsigned n = 0;

	for (e = events; e; e = e->next)
		n += !e->once;
	return n;
}
