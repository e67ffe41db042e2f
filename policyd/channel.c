#include "channel.h"
#include "log.h"

#include <event2/bufferevent.h>
#include <stdlib.h>
#include <unistd.h>

struct channel {
	struct bufferevent *bev;
	const char *name;
	void (*ready)(void *ctx);
	void *ctx;
	size_t taken; /* octets of the frame that was given out last */
};

static void (*last_act)(void *ctx);
static void *last_ctx;

void channel_at_end(void (*at_end)(void *ctx), void *ctx)
{
	last_act = at_end;
	last_ctx = ctx;
}

static void end(const struct channel *channel, const char *why)
{
	vmp_log(VMP_LOG_DEBUG, "channel-ended", "peer", channel->name, "why", why, NULL);
	if (last_act)
		last_act(last_ctx);
	_exit(0);
}

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct channel *channel = ctx;

	(void)bev;
	channel->ready(channel->ctx);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	(void)bev;
	(void)what;
	end(ctx, "closed");
}

struct channel *channel_new(struct event_base *base, int fd, const char *name, void (*ready)(void *ctx), void *ctx)
{
	struct channel *channel = calloc(1, sizeof(*channel));

	if (!channel || evutil_make_socket_nonblocking(fd) != 0 ||
	    !(channel->bev = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE))) {
		free(channel);
		return NULL;
	}
	channel->name = name;
	channel->ready = ready;
	channel->ctx = ctx;
	bufferevent_setcb(channel->bev, on_read, NULL, on_event, channel);
	bufferevent_set_max_single_read(channel->bev, 1 << 20);
	bufferevent_set_max_single_write(channel->bev, 1 << 20);
	bufferevent_enable(channel->bev, EV_READ | EV_WRITE);
	return channel;
}

void channel_free(struct channel *channel)
{
	if (!channel)
		return;
	bufferevent_free(channel->bev);
	free(channel);
}

bool channel_next(struct channel *channel, struct message *out)
{
	struct evbuffer *in = bufferevent_get_input(channel->bev);
	const uint8_t *head;
	size_t len;

	evbuffer_drain(in, channel->taken);
	channel->taken = 0;
	head = evbuffer_pullup(in, MESSAGE_HEADER);
	if (!head)
		return false;
	if (message_length(head, &len) != VMP_OK) {
		vmp_log(VMP_LOG_ERROR, "malformed-message", "peer", channel->name, NULL);
		end(channel, "malformed");
	}
	if (evbuffer_get_length(in) < len)
		return false;
	if (message_read(evbuffer_pullup(in, (ev_ssize_t)len), len, out) != VMP_OK) {
		vmp_log(VMP_LOG_ERROR, "malformed-message", "peer", channel->name, "type", message_name(out->type),
			NULL);
		end(channel, "malformed");
	}
	channel->taken = len;
	return true;
}

void channel_send(struct channel *channel, const struct message *m)
{
	int err = message_write(m, bufferevent_get_output(channel->bev));

	if (err == VMP_OK)
		return;
	vmp_log(VMP_LOG_ERROR, "cannot-send", "peer", channel->name, "type", message_name(m->type), "why",
		vmp_strerror(err), NULL);
	end(channel, "cannot send");
}
