#include "ntp_door.h"
#include "boot_clock.h"
#include "leg.h"
#include "metrics.h"
#include "ntp_packet.h"
#include "ntp_pending.h"
#include "relay.h"
#include "stream.h"
#include "udp.h"

#include <event2/buffer.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

#define QUEUE_MAX 16384 /* [octets] of requests that wait for a leg */
#define RETRY_MS  1000	/* between tries to open one */

static struct door {
	int fd, place; /* place: the service's in the configuration */
	struct service *service;
	struct event *event, *idle;
	struct ntp_pending pending;
	struct connect_request request;
	struct leg *leg;
	bool open;		/* the leg is there */
	struct evbuffer *queue; /* frames that wait for it */
	int64_t retry_ms, used_ms;
} doors[CONFIG_SERVICES];

static size_t n_doors;

int ntp_door_bind(const struct config *config, struct vmp_msg *msg)
{
	int i, err = VMP_OK;

	for (i = 0; i < config->n_service && err == VMP_OK; i++) {
		if (config->service[i].type != SERVICE_NTP || !*config->service[i].listen)
			continue;
		doors[n_doors].place = i;
		err = udp_bind(config->service[i].listen, &doors[n_doors].fd, msg);
		n_doors += err == VMP_OK;
	}
	return err;
}

/* -- the leg ------------------------------------------------------------------------------------------------------ */

static void drop_leg(struct door *d)
{
	d->service->open -= d->open;
	leg_free(d->leg);
	d->leg = NULL;
	d->open = false;
	evbuffer_drain(d->queue, evbuffer_get_length(d->queue));
	d->retry_ms = (int64_t)boot_clock_ms() + RETRY_MS;
}

static void take_answer(struct door *d, const uint8_t *packet, size_t len, uint64_t key)
{
	struct ntp_asker asker;

	if (!ntp_pending_take(&d->pending, key, boot_clock_ms(), &asker)) {
		d->service->lost++;
		return;
	}
	d->service->octets_in += (int64_t)len + 2;
	service_passed(d->service, true, 1);
	/* Whether it can be sent is the network's matter: the client asks again. */
	if (sendto(asker.fd, packet, len, 0, (const struct sockaddr *)&asker.from, asker.len) < 0)
		d->service->lost++;
}

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	struct vmp_msg why = { "" };
	struct door *d = ctx;
	uint64_t key;
	ssize_t n;

	for (;;) {
		size_t len = evbuffer_get_length(in), look = len < NTP_FRAME ? len : NTP_FRAME;
		const uint8_t *data = evbuffer_pullup(in, (ssize_t)look);

		n = ntp_frame_read(data, look, NTP_SERVER, &key, &why);
		if (n <= 0)
			break;
		take_answer(d, data + 2, (size_t)n - 2, key);
		evbuffer_drain(in, (size_t)n);
	}
	if (n == 0)
		return;
	metrics_refused(REFUSAL_CONTENT, NULL, d->service->config->name, why.text);
	drop_leg(d);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	(void)bev;
	(void)what;
	drop_leg(ctx);
}

static void on_leg(void *ctx, int status, const char *why, bool refused)
{
	struct door *d = ctx;
	struct bufferevent *bev;

	if (status != 200) {
		metrics_refused(refused ? REFUSAL_NEXT : REFUSAL_UNREACHABLE, NULL, d->service->config->name, why);
		drop_leg(d);
		return;
	}
	d->open = true;
	d->service->open++;
	d->service->total++;
	bev = leg_bev(d->leg);
	bufferevent_setcb(bev, on_read, NULL, on_event, d);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
	bufferevent_write_buffer(bev, d->queue);
}

static void want_leg(struct door *d)
{
	if (d->leg || (int64_t)boot_clock_ms() < d->retry_ms)
		return;
	memcpy(d->request.authority, d->service->config->target, strlen(d->service->config->target) + 1);
	d->leg = leg_open(d->service, &d->request, on_leg, d);
}

/* A leg that nobody has used for long is ended: the next request opens another. */
static void on_idle(evutil_socket_t fd, short what, void *ctx)
{
	struct door *d = ctx;

	(void)fd;
	(void)what;
	if (d->open && (int64_t)boot_clock_ms() - d->used_ms > relay.config->idle_timeout * 1000)
		drop_leg(d);
}

/* -- requests ----------------------------------------------------------------------------------------------------- */

static void pass_request(struct door *d, const uint8_t *packet, size_t len, uint64_t key, const struct ntp_asker *asker)
{
	struct evbuffer *out;
	uint8_t head[2];

	want_leg(d);
	if (!d->leg) {
		d->service->lost++;
		return;
	}
	out = d->open ? bufferevent_get_output(leg_bev(d->leg)) : d->queue;
	/* One that could not go soon had better not go at all: its answer would tell a wrong time. */
	if (evbuffer_get_length(out) > QUEUE_MAX ||
	    ntp_pending_add(&d->pending, key, boot_clock_ms(), asker) != VMP_OK) {
		d->service->lost++;
		return;
	}
	ntp_frame_head(len, head);
	evbuffer_add(out, head, sizeof(head));
	evbuffer_add(out, packet, len);
	d->used_ms = (int64_t)boot_clock_ms();
	d->service->octets_out += (int64_t)len + 2;
	service_passed(d->service, false, 1);
}

static void take_request(struct door *d, const uint8_t *packet, size_t len, const struct ntp_asker *asker)
{
	struct vmp_msg why = { "" };
	char from[NI_MAXHOST] = "";
	uint64_t key;

	if (ntp_packet_read(packet, len, NTP_CLIENT, &key, &why) == VMP_OK) {
		pass_request(d, packet, len, key, asker);
		return;
	}
	if (getnameinfo((const struct sockaddr *)&asker->from, asker->len, from, sizeof(from), NULL, 0,
			NI_NUMERICHOST) != 0)
		*from = '\0';
	metrics_refused(REFUSAL_CONTENT, from, d->service->config->name, why.text);
}

static void on_datagram(evutil_socket_t fd, short what, void *ctx)
{
	uint8_t packet[NTP_MOST + 1];
	struct ntp_asker asker = { .fd = fd };
	ssize_t n;
	int i;

	(void)what;
	for (i = 0; i < UDP_BURST; i++) {
		asker.len = sizeof(asker.from);
		n = recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&asker.from, &asker.len);
		if (n < 0)
			break;
		take_request(ctx, packet, (size_t)n, &asker);
	}
}

/* -- doors -------------------------------------------------------------------------------------------------------- */

static bool open_one(struct door *d)
{
	const struct timeval often = { .tv_sec = (time_t)relay.config->idle_timeout };
	int n;

	d->service = services_all(&n) + d->place;
	d->queue = evbuffer_new();
	d->event = event_new(relay.base, d->fd, EV_READ | EV_PERSIST, on_datagram, d);
	d->idle = event_new(relay.base, -1, EV_PERSIST, on_idle, d);
	return d->queue && d->event && d->idle && event_add(d->event, NULL) == 0 && event_add(d->idle, &often) == 0;
}

int ntp_door_open(struct vmp_msg *msg)
{
	size_t i;

	for (i = 0; i < n_doors; i++) {
		if (!open_one(&doors[i]))
			return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	}
	return VMP_OK;
}

void ntp_door_close(void)
{
	while (n_doors) {
		struct door *d = &doors[--n_doors];

		if (d->event)
			event_free(d->event);
		if (d->idle)
			event_free(d->idle);
		if (d->queue) {
			drop_leg(d);
			evbuffer_free(d->queue);
		}
		close(d->fd);
	}
}
