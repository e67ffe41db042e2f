#include "ntp_exit.h"
#include "ntp_packet.h"
#include "ntp_pending.h"
#include "boot_clock.h"
#include "relay.h"
#include "stream.h"
#include "udp.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct ntp_exit {
	int fd;
	struct service *service;
	struct bufferevent *bev; /* our end of the pair */
	struct event *event;
	struct ntp_pending pending;
};

static void send_request(struct ntp_exit *x, const uint8_t *packet, size_t len, uint64_t key)
{
	/* An error is the server's matter or the network's: the client asks again. */
	if (ntp_pending_add(&x->pending, key, boot_clock_ms(), NULL) != VMP_OK || send(x->fd, packet, len, 0) < 0)
		x->service->lost++;
}

/* What comes was checked on its way in: it is frames of requests. */
static void on_read(struct bufferevent *bev, void *ctx)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	struct ntp_exit *x = ctx;
	uint64_t key;
	ssize_t n;

	for (;;) {
		size_t len = evbuffer_get_length(in);
		const uint8_t *data = evbuffer_pullup(in, len < NTP_FRAME ? (ssize_t)len : NTP_FRAME);

		n = ntp_frame_read(data, len < NTP_FRAME ? len : NTP_FRAME, NTP_CLIENT, &key, NULL);
		if (n <= 0)
			break;
		send_request(x, data + 2, (size_t)n - 2, key);
		evbuffer_drain(in, (size_t)n);
	}
}

static void pass_answer(struct ntp_exit *x, const uint8_t *packet, size_t len)
{
	struct evbuffer *out = bufferevent_get_output(x->bev);
	uint8_t head[2];
	uint64_t key;

	if (ntp_packet_read(packet, len, NTP_SERVER, &key, NULL) != VMP_OK ||
	    !ntp_pending_take(&x->pending, key, boot_clock_ms(), NULL) || evbuffer_get_length(out) > STREAM_ROOM) {
		x->service->lost++;
		return;
	}
	ntp_frame_head(len, head);
	evbuffer_add(out, head, sizeof(head));
	evbuffer_add(out, packet, len);
}

static void on_datagram(evutil_socket_t fd, short what, void *ctx)
{
	uint8_t packet[NTP_MOST + 1];
	ssize_t n;
	int i;

	(void)what;
	for (i = 0; i < UDP_BURST; i++) {
		n = recv(fd, packet, sizeof(packet), 0);
		if (n >= 0)
			pass_answer(ctx, packet, (size_t)n);
		else
			break;
	}
}

static bool set_up(struct ntp_exit *x, struct bufferevent **bev)
{
	struct bufferevent *pair[2];

	if (bufferevent_pair_new(relay.base, 0, pair) != 0)
		return false;
	x->bev = pair[0];
	*bev = pair[1];
	bufferevent_setcb(x->bev, on_read, NULL, NULL, x);
	bufferevent_enable(x->bev, EV_READ | EV_WRITE);
	bufferevent_setwatermark(*bev, EV_READ, 0, STREAM_ROOM);
	x->event = event_new(relay.base, x->fd, EV_READ | EV_PERSIST, on_datagram, x);
	return x->event && event_add(x->event, NULL) == 0;
}

struct ntp_exit *ntp_exit_new(int fd, struct service *service, struct bufferevent **bev)
{
	struct ntp_exit *x = calloc(1, sizeof(*x));

	*bev = NULL;
	if (!x) {
		close(fd);
		return NULL;
	}
	x->fd = fd;
	x->service = service;
	if (set_up(x, bev))
		return x;
	if (*bev)
		bufferevent_free(*bev);
	*bev = NULL;
	ntp_exit_free(x);
	return NULL;
}

void ntp_exit_free(struct ntp_exit *x)
{
	if (!x)
		return;
	if (x->bev)
		bufferevent_free(x->bev);
	if (x->event)
		event_free(x->event);
	close(x->fd);
	free(x);
}
