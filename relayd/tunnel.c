#include "tunnel.h"
#include "boot_clock.h"
#include "door.h"
#include "leg.h"
#include "log.h"
#include "metrics.h"
#include "pump.h"
#include "relay.h"
#include "stream.h"
#include "via.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#define LINGER_S 2 /* what a client has to read why it was refused */

enum state {
	STATE_HANDSHAKE, /* TLS with who comes */
	STATE_REQUEST,	 /* its CONNECT is to come */
	STATE_LEG,	 /* the far side is being connected */
	STATE_OPEN,	 /* octets pass */
	STATE_REFUSED,	 /* it has been told why, and reads that */
	STATE_GONE
};

struct tunnel {
	TAILQ_ENTRY(tunnel) list;
	enum state state;
	struct bufferevent *near;
	struct event *deadline;
	struct service *entry;	 /* NULL: asks by CONNECT */
	struct service *service; /* NULL: not known yet; from STATE_LEG on one of its tunnels */
	struct tls_peer peer;
	char address[INET6_ADDRSTRLEN];
	struct connect_request request;
	struct leg *leg;
	struct pump *pump;
	bool near_ended; /* before the leg was there */
	int64_t since_ms;
};

static TAILQ_HEAD(tunnel_list, tunnel) tunnels = TAILQ_HEAD_INITIALIZER(tunnels);
static int64_t n_tunnels, n_led; /* n_led: those that lead somewhere, or are about to */

static void on_read(struct bufferevent *bev, void *ctx);
static void on_write(struct bufferevent *bev, void *ctx);
static void on_event(struct bufferevent *bev, short what, void *ctx);

/* -- who ---------------------------------------------------------------------------------------------------------- */

static const char *who(const struct tunnel *t)
{
	return *t->peer.uuid ? t->peer.uuid : *t->peer.name ? t->peer.name : t->address;
}

static bool same_peer(const struct tls_peer *a, const struct tls_peer *b)
{
	return *a->uuid ? strcmp(a->uuid, b->uuid) == 0 : !*b->uuid && strcmp(a->name, b->name) == 0;
}

static int64_t count_of_peer(const struct tunnel *t)
{
	const struct tunnel *other;
	int64_t n = 0;

	TAILQ_FOREACH(other, &tunnels, list)
	n += other->state > STATE_HANDSHAKE && other->state != STATE_REFUSED && same_peer(&t->peer, &other->peer);
	return n;
}

static void read_address(const struct sockaddr *from, char out[INET6_ADDRSTRLEN])
{
	const void *at = from->sa_family == AF_INET6
				 ? (const void *)&((const struct sockaddr_in6 *)(const void *)from)->sin6_addr
				 : (const void *)&((const struct sockaddr_in *)(const void *)from)->sin_addr;

	if (!inet_ntop(from->sa_family, at, out, INET6_ADDRSTRLEN))
		*out = '\0';
}

/* -- states: only this function moves a tunnel from one to the next ------------------------------------------------ */

static void await(struct tunnel *t, int64_t seconds)
{
	const struct timeval tv = { .tv_sec = (time_t)seconds };

	evtimer_add(t->deadline, &tv);
}

static void enter(struct tunnel *t, enum state state)
{
	bool led = t->state == STATE_LEG || t->state == STATE_OPEN, leads = state == STATE_LEG || state == STATE_OPEN;

	n_led += leads - led;
	if (t->service)
		t->service->open += leads - led;
	t->state = state;
	if (state == STATE_HANDSHAKE)
		await(t, relay.config->request_timeout);
	else if (state == STATE_REFUSED)
		await(t, LINGER_S);
	else if (state != STATE_REQUEST && state != STATE_GONE) /* a request has what the handshake has left over */
		evtimer_del(t->deadline);
}

static void tunnel_free(struct tunnel *t)
{
	enter(t, STATE_GONE);
	pump_free(t->pump);
	leg_free(t->leg);
	if (t->near)
		bufferevent_free(t->near);
	if (t->deadline)
		event_free(t->deadline);
	TAILQ_REMOVE(&tunnels, t, list);
	metrics.connections = --n_tunnels;
	free(t);
	door_turn();
}

int64_t tunnel_count(void)
{
	return n_tunnels;
}

/* -- refusing ----------------------------------------------------------------------------------------------------- */

/* One that did not come by CONNECT is not told. */
static bool answer(struct tunnel *t, int status, const char *why)
{
	char text[1024];
	size_t len = connect_write_answer(status, why, text, sizeof(text));

	return !t->entry && len && bufferevent_write(t->near, text, len) == 0;
}

static void refuse(struct tunnel *t, int status, enum refusal reason, const char *why)
{
	const struct service *s = t->service ? t->service : t->entry;

	leg_free(t->leg);
	t->leg = NULL;
	metrics_refused(reason, who(t), s ? s->config->name : NULL, why);
	if (!answer(t, status, why)) {
		tunnel_free(t);
		return;
	}
	/* What it still sends is read and dropped: a connection that is closed before has its last answer lost. */
	enter(t, STATE_REFUSED);
	bufferevent_setcb(t->near, on_read, on_write, on_event, t);
	bufferevent_setwatermark(t->near, EV_WRITE, 0, 0);
}

static void on_write(struct bufferevent *bev, void *ctx)
{
	struct tunnel *t = ctx;

	if (t->state == STATE_REFUSED)
		stream_end(bev);
}

/* -- octets ------------------------------------------------------------------------------------------------------- */

static void on_pump_end(void *ctx, enum pump_end end, const char *why)
{
	struct tunnel *t = ctx;
	const char *service = t->service->config->name;
	int64_t out, in;

	pump_octets(t->pump, &out, &in);
	if (end == PUMP_REFUSED)
		metrics_refused(REFUSAL_CONTENT, who(t), service, why);
	metrics.idle += end == PUMP_IDLE;
	vmp_log(VMP_LOG_INFO, "tunnel-ended", "peer", who(t), "address", t->address, "service", service, "octets_out",
		vmp_log_num(out), "octets_in", vmp_log_num(in), "seconds",
		vmp_log_num(((int64_t)boot_clock_ms() - t->since_ms) / 1000), "why", *why ? why : NULL, NULL);
	tunnel_free(t);
}

static void open_tunnel(struct tunnel *t)
{
	enter(t, STATE_OPEN);
	t->service->total++;
	vmp_log(VMP_LOG_INFO, "tunnel-opened", "peer", who(t), "address", t->address, "service",
		t->service->config->name, "via", t->request.n_via ? t->request.via[0] : NULL, NULL);
	answer(t, 200, NULL);
	t->pump = pump_new(t->near, leg_bev(t->leg), t->service, on_pump_end, t);
	if (!t->pump)
		tunnel_free(t);
	else if (t->near_ended)
		pump_near_ended(t->pump);
}

/* -- the leg ------------------------------------------------------------------------------------------------------ */

static void on_leg(void *ctx, int status, const char *why, bool refused)
{
	struct tunnel *t = ctx;

	struct vmp_msg copy;

	/* What it points to may go with the leg. */
	vmp_fail(&copy, VMP_EIO, "%s", why);
	if (status == 200)
		open_tunnel(t);
	else
		refuse(t, status, refused ? REFUSAL_NEXT : REFUSAL_UNREACHABLE, copy.text);
}

static void lead(struct tunnel *t, struct service *service)
{
	if (n_led >= relay.config->tunnels) {
		refuse(t, 503, REFUSAL_LIMIT, "there are as many tunnels as there may be");
		return;
	}
	t->service = service;
	memcpy(t->request.authority, service->config->target, strlen(service->config->target) + 1);
	enter(t, STATE_LEG);
	t->leg = leg_open(service, &t->request, on_leg, t);
	if (!t->leg)
		refuse(t, 503, REFUSAL_LIMIT, "out of memory");
}

/* -- the request -------------------------------------------------------------------------------------------------- */

static void requested(struct tunnel *t)
{
	const struct via_rules rules = { .proxy = config_is_proxy(relay.config),
					 .chain = relay.config->chain,
					 .depth = relay.config->max_depth,
					 .id = relay.id };
	struct service *service = service_find(t->request.authority);
	struct vmp_msg why = { "" };
	int status = via_check(&rules, &t->request, &t->peer, &why);

	if (status != 200) {
		refuse(t, status, status == 508 ? REFUSAL_LOOP : REFUSAL_ROLE, why.text);
	} else if (!service) {
		vmp_fail(&why, VMP_EACCES, "%s is not among the targets of this relay", t->request.authority);
		refuse(t, 403, REFUSAL_AUTHORITY, why.text);
	} else {
		lead(t, service);
	}
}

static void read_request(struct tunnel *t)
{
	struct evbuffer *in = bufferevent_get_input(t->near);
	size_t head = 0, len = evbuffer_get_length(in);
	struct vmp_msg why = { "" };
	int status = connect_read((const char *)evbuffer_pullup(in, -1), len, &t->request, &head, &why);

	if (status == 0)
		return;
	if (status == 200 && head < len) {
		status = 400;
		vmp_fail(&why, VMP_EINVAL, "expected nothing behind the request before it is answered");
	}
	evbuffer_drain(in, len);
	if (status == 200)
		requested(t);
	else
		refuse(t, status, REFUSAL_REQUEST, why.text);
}

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct evbuffer *in = bufferevent_get_input(bev);
	struct tunnel *t = ctx;

	if (t->state == STATE_REQUEST)
		read_request(t);
	else if (t->state == STATE_REFUSED)
		evbuffer_drain(in, evbuffer_get_length(in));
	else if (t->state == STATE_LEG && !t->entry)
		refuse(t, 400, REFUSAL_REQUEST, "expected nothing behind the request before it is answered");
}

/* -- who comes ---------------------------------------------------------------------------------------------------- */

static void admit(struct tunnel *t)
{
	if (!stream_peer(t->near, &t->peer)) {
		metrics_refused(REFUSAL_HANDSHAKE, t->address, NULL, "no certificate");
		tunnel_free(t);
		return;
	}
	enter(t, STATE_REQUEST);
	if (!peers_has(&relay.peers, &t->peer))
		refuse(t, 403, REFUSAL_PEER, "not among those who may come here");
	else if (count_of_peer(t) > relay.config->per_peer)
		refuse(t, 429, REFUSAL_LIMIT, "there are as many connections of this peer as there may be");
	else if (t->entry)
		lead(t, t->entry);
}

/* The connection has ended before octets could pass. */
static void ended(struct tunnel *t, short what)
{
	struct vmp_msg why;

	/* What a syslog sender has sent before it went goes on, if the leg comes. */
	if (t->state == STATE_LEG && t->entry) {
		t->near_ended = true;
		return;
	}
	if (t->state == STATE_HANDSHAKE)
		metrics_refused(REFUSAL_HANDSHAKE, t->address, NULL, stream_why(t->near, what, &why));
	tunnel_free(t);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct tunnel *t = ctx;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED)
		admit(t);
	else
		ended(t, what);
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
	struct tunnel *t = ctx;

	(void)fd;
	(void)what;
	if (t->state == STATE_REQUEST) {
		refuse(t, 408, REFUSAL_TIMEOUT, "the request took too long");
		return;
	}
	if (t->state == STATE_HANDSHAKE)
		metrics_refused(REFUSAL_TIMEOUT, who(t), NULL, "the TLS handshake took too long");
	tunnel_free(t);
}

/* -- tunnels ------------------------------------------------------------------------------------------------------ */

void tunnel_new(int fd, struct service *entry, const struct sockaddr *from)
{
	struct tunnel *t = calloc(1, sizeof(*t));

	if (!t) {
		close(fd);
		return;
	}
	TAILQ_INSERT_TAIL(&tunnels, t, list);
	metrics.connections = ++n_tunnels;
	metrics.connections_total++;
	t->entry = entry;
	t->since_ms = (int64_t)boot_clock_ms();
	read_address(from, t->address);
	t->deadline = evtimer_new(relay.base, on_deadline, t);
	t->near = stream_accept(fd);
	if (!t->deadline || !t->near) {
		tunnel_free(t);
		return;
	}
	enter(t, STATE_HANDSHAKE);
	bufferevent_setcb(t->near, on_read, on_write, on_event, t);
	bufferevent_enable(t->near, EV_READ | EV_WRITE);
}

void tunnel_end_all(void)
{
	while (!TAILQ_EMPTY(&tunnels))
		tunnel_free(TAILQ_FIRST(&tunnels));
}
