#include "pump.h"
#include "boot_clock.h"
#include "relay.h"
#include "stream.h"

#include <event2/buffer.h>
#include <stdlib.h>

#define AGAIN_MS 20

/* One direction. */
struct way {
	struct bufferevent *from, *to;
	struct filter filter;
	bool ended;	      /* from: nothing more comes */
	bool finished;	      /* to: was told so */
	int64_t octets, *sum; /* sum: the service's */
};

struct pump {
	struct way way[2]; /* 0: from near to far */
	bool broken[2];	   /* way[i].from broke off */
	bool refused;	   /* what came from one of them must not pass */
	struct event *again, *idle;
	int64_t moved_ms;
	struct service *service;
	char why[VMP_MSG_MAX];
	pump_fn done;
	void *ctx;
};

/* -- moving ------------------------------------------------------------------------------------------------------- */

/* How much of what has come may go on?  VMP_EINVAL: nothing, ever. */
static ssize_t passes(struct way *w, struct evbuffer *in, struct vmp_msg *why)
{
	size_t len = evbuffer_get_length(in), look = len < FILTER_LOOK ? len : FILTER_LOOK;

	if (len == 0 || filter_is_open(&w->filter))
		return (ssize_t)len;
	return filter_pass(&w->filter, evbuffer_pullup(in, (ssize_t)look), look, why);
}

/* @return VMP_EINVAL: what comes must not pass. */
static int move(struct pump *p, struct way *w, struct vmp_msg *why)
{
	struct evbuffer *in = bufferevent_get_input(w->from), *out = bufferevent_get_output(w->to);
	uint64_t frames = w->filter.n;
	ssize_t n = 0;

	while (evbuffer_get_length(out) < STREAM_ROOM && (n = passes(w, in, why)) > 0) {
		evbuffer_remove_buffer(in, out, (size_t)n);
		w->octets += n;
		*w->sum += n;
		p->moved_ms = (int64_t)boot_clock_ms();
	}
	if (w->filter.n != frames)
		service_passed(p->service, w->filter.back, w->filter.n - frames);
	return n < 0 ? VMP_EINVAL : VMP_OK;
}

/* Everything has gone: tell the other side that this was all. */
static int finish(struct pump *p, struct way *w, struct vmp_msg *why)
{
	static const struct timeval soon = { .tv_usec = AGAIN_MS * 1000 };
	size_t left = evbuffer_get_length(bufferevent_get_input(w->from));

	if (!w->ended || w->finished || evbuffer_get_length(bufferevent_get_output(w->to)) > 0)
		return VMP_OK;
	if (!filter_may_end(&w->filter, left))
		return vmp_fail(why, VMP_EINVAL, "it ended within a frame");
	if (stream_end(w->to))
		w->finished = true;
	else
		evtimer_add(p->again, &soon);
	return VMP_OK;
}

/* Nothing more is taken; what was good before goes on. */
static void refuse(struct pump *p, struct way *w, const char *why)
{
	struct evbuffer *in = bufferevent_get_input(w->from);

	snprintf(p->why, sizeof(p->why), "%s", why);
	p->refused = w->ended = true;
	bufferevent_disable(w->from, EV_READ);
	evbuffer_drain(in, evbuffer_get_length(in));
}

static void turn_way(struct pump *p, int i)
{
	struct way *w = &p->way[i];
	struct vmp_msg why = { "" };

	/* There is nobody who could take it. */
	if (p->broken[1 - i]) {
		w->finished = true;
		return;
	}
	if (move(p, w, &why) != VMP_OK)
		refuse(p, w, why.text);
	if (finish(p, w, &why) == VMP_OK)
		return;
	refuse(p, w, why.text);
	w->finished = true;
}

/* Neither syslog nor NTP has a use for one direction alone, and nobody for one whose other end lies. */
static bool is_over(const struct pump *p)
{
	return p->refused || p->service->config->type != SERVICE_TLS ? p->way[0].finished || p->way[1].finished
								     : p->way[0].finished && p->way[1].finished;
}

/* Where one direction's end ended both, the other is told as well: a syslog sender waits for that (RFC 5425 4.4). */
static void take_leave(struct pump *p)
{
	int i;

	for (i = 0; i < 2; i++) {
		const struct way *w = &p->way[i];

		if (!w->finished && evbuffer_get_length(bufferevent_get_output(w->to)) == 0)
			stream_end(w->to);
	}
}

/* @return false: the pump is over, and may be gone. */
static bool turn(struct pump *p)
{
	turn_way(p, 0);
	turn_way(p, 1);
	if (!is_over(p))
		return true;
	take_leave(p);
	p->done(p->ctx, p->refused ? PUMP_REFUSED : p->broken[0] || p->broken[1] ? PUMP_BROKEN : PUMP_DONE, p->why);
	return false;
}

/* -- events ------------------------------------------------------------------------------------------------------- */

static void on_turn(struct bufferevent *bev, void *ctx)
{
	(void)bev;
	turn(ctx);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct pump *p = ctx;
	int side = p->way[0].from == bev ? 0 : 1;
	struct vmp_msg why;

	p->way[side].ended = true;
	if (!(what & BEV_EVENT_EOF)) {
		p->broken[side] = true;
		snprintf(p->why, sizeof(p->why), "%s: %s", side == 0 ? "near" : "far", stream_why(bev, what, &why));
	}
	if (turn(p))
		/* The end of what comes has stopped both directions, with TLS. */
		bufferevent_enable(bev, EV_WRITE);
}

static void on_again(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	turn(ctx);
}

/* [s] Who asks for a tunnel for TLS begins at once. */
static int64_t limit(const struct pump *p)
{
	return p->service->config->type == SERVICE_TLS && !p->way[0].filter.begun ? relay.config->request_timeout
										  : relay.config->idle_timeout;
}

static void await_idle(struct pump *p, int64_t ms)
{
	const struct timeval tv = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	evtimer_add(p->idle, &tv);
}

static void on_idle(evutil_socket_t fd, short what, void *ctx)
{
	struct pump *p = ctx;
	int64_t left = limit(p) * 1000 - ((int64_t)boot_clock_ms() - p->moved_ms);

	(void)fd;
	(void)what;
	if (left > 0)
		await_idle(p, left);
	else
		p->done(p->ctx, PUMP_IDLE, "nothing has passed for long");
}

/* -- pumps -------------------------------------------------------------------------------------------------------- */

static void init_way(struct way *w, struct bufferevent *from, struct bufferevent *to, const struct service *service,
		     bool back)
{
	w->from = from;
	w->to = to;
	w->filter.type = service->config->type;
	w->filter.back = back;
}

struct pump *pump_new(struct bufferevent *near, struct bufferevent *far, struct service *service, pump_fn done,
		      void *ctx)
{
	static const struct timeval now = { 0 };
	struct pump *p = calloc(1, sizeof(*p));
	int i;

	if (!p)
		return NULL;
	init_way(&p->way[0], near, far, service, false);
	init_way(&p->way[1], far, near, service, true);
	p->way[0].sum = &service->octets_out;
	p->way[1].sum = &service->octets_in;
	p->service = service;
	p->done = done;
	p->ctx = ctx;
	p->moved_ms = (int64_t)boot_clock_ms();
	p->again = evtimer_new(relay.base, on_again, p);
	p->idle = evtimer_new(relay.base, on_idle, p);
	if (!p->again || !p->idle) {
		pump_free(p);
		return NULL;
	}
	for (i = 0; i < 2; i++) {
		/* To be told when there is room again, and when all has gone. */
		bufferevent_setwatermark(p->way[i].from, EV_WRITE, STREAM_ROOM / 2, 0);
		bufferevent_setcb(p->way[i].from, on_turn, on_turn, on_event, p);
		bufferevent_enable(p->way[i].from, EV_READ | EV_WRITE);
	}
	evtimer_add(p->again, &now);
	await_idle(p, limit(p) * 1000);
	return p;
}

/* What follows is on_again()'s, which is due. */
void pump_near_ended(struct pump *p)
{
	p->way[0].ended = true;
}

void pump_free(struct pump *p)
{
	int i;

	if (!p)
		return;
	for (i = 0; i < 2; i++)
		bufferevent_setcb(p->way[i].from, NULL, NULL, NULL, NULL);
	if (p->again)
		event_free(p->again);
	if (p->idle)
		event_free(p->idle);
	free(p);
}

void pump_octets(const struct pump *p, int64_t *out, int64_t *in)
{
	*out = p->way[0].octets;
	*in = p->way[1].octets;
}
