#include "leg.h"
#include "dial.h"
#include "ntp_exit.h"
#include "relay.h"
#include "stream.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct leg {
	struct service *service;
	const struct connect_request *request;
	struct dial *dial;
	struct bufferevent *bev;
	struct ntp_exit *exit;
	struct event *deadline;
	leg_fn done;
	void *ctx;
};

/* -- the end ------------------------------------------------------------------------------------------------------ */

void leg_free(struct leg *leg)
{
	if (!leg)
		return;
	dial_cancel(leg->dial);
	if (leg->bev)
		bufferevent_free(leg->bev);
	ntp_exit_free(leg->exit);
	if (leg->deadline)
		event_free(leg->deadline);
	free(leg);
}

struct bufferevent *leg_bev(struct leg *leg)
{
	return leg->bev;
}

/* The callee may free the leg. */
static void finish(struct leg *leg, int status, const char *why, bool refused)
{
	event_del(leg->deadline);
	if (leg->bev)
		bufferevent_setcb(leg->bev, NULL, NULL, NULL, NULL);
	if (status != 200 && !refused)
		leg->service->failures++;
	leg->done(leg->ctx, status, why, refused);
}

static void fail(struct leg *leg, const char *why)
{
	struct vmp_msg msg;

	vmp_fail(&msg, VMP_EIO, "cannot reach %s: %s",
		 relay_is_last() ? leg->service->config->target : relay.config->next_address, why);
	finish(leg, 502, msg.text, false);
}

static void on_deadline(evutil_socket_t fd, short what, void *ctx)
{
	struct leg *leg = ctx;
	struct vmp_msg msg;

	(void)fd;
	(void)what;
	vmp_fail(&msg, VMP_EIO, "%s takes too long",
		 relay_is_last() ? leg->service->config->target : relay.config->next_address);
	finish(leg, 504, msg.text, false);
}

/* -- CONNECT to the next relay ------------------------------------------------------------------------------------ */

static void ask(struct leg *leg)
{
	char head[CONNECT_HEAD];
	size_t len = connect_write(leg->request, relay.id, head, sizeof(head));

	if (!len || bufferevent_write(leg->bev, head, len) != 0)
		fail(leg, "out of memory");
}

static bool may_be_passed_on(int status)
{
	static const int statuses[] = { 403, 429, 502, 503, 504, 508 };
	size_t i;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (statuses[i] == status)
			return true;
	}
	return false;
}

static void answered(struct leg *leg, const struct connect_answer *answer)
{
	struct vmp_msg msg = { "" };

	if (answer->status < 300) {
		finish(leg, 200, "", false);
		return;
	}
	vmp_fail(&msg, VMP_EACCES, "the next relay refuses with %d: %s", answer->status,
		 *answer->sentence ? answer->sentence : "it says nothing more");
	finish(leg, may_be_passed_on(answer->status) ? answer->status : 502, msg.text, true);
}

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct leg *leg = ctx;
	struct evbuffer *in = bufferevent_get_input(bev);
	size_t used = 0, len = evbuffer_get_length(in);
	struct connect_answer answer;
	struct vmp_msg why = { "" };
	int err = connect_read_answer((const char *)evbuffer_pullup(in, -1), len, &answer, &used, &why);

	if (err == VMP_ENOENT)
		return;
	if (err != VMP_OK) {
		fail(leg, why.text);
		return;
	}
	evbuffer_drain(in, used);
	answered(leg, &answer);
}

static void connected(struct leg *leg)
{
	bool next = !relay_is_last();
	struct vmp_msg why = { "" };

	if (stream_check(leg->bev, next ? NULL : leg->service, &why) != VMP_OK)
		fail(leg, why.text);
	else if (next)
		ask(leg);
	else
		finish(leg, 200, "", false);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct leg *leg = ctx;
	struct vmp_msg why;

	if (what & BEV_EVENT_CONNECTED)
		connected(leg);
	else
		fail(leg, stream_why(bev, what, &why));
}

/* -- kinds of legs: each makes a connected socket's bufferevent --------------------------------------------------- */

static struct bufferevent *make_next(struct leg *leg, int fd)
{
	(void)leg;
	return stream_next(fd);
}

static struct bufferevent *make_tcp(struct leg *leg, int fd)
{
	(void)leg;
	return stream_tcp(fd);
}

static struct bufferevent *make_syslog(struct leg *leg, int fd)
{
	return stream_syslog(fd, leg->service);
}

static struct bufferevent *make_ntp(struct leg *leg, int fd)
{
	struct bufferevent *bev = NULL;

	leg->exit = ntp_exit_new(fd, leg->service, &bev);
	return bev;
}

struct kind {
	int socktype;
	bool tls; /* a handshake follows */
	struct bufferevent *(*make)(struct leg *leg, int fd);
};

static const struct kind kind_next = { SOCK_STREAM, true, make_next };
static const struct kind kinds_last[] = {
	[SERVICE_TLS] = { SOCK_STREAM, false, make_tcp },
	[SERVICE_SYSLOG] = { SOCK_STREAM, true, make_syslog },
	[SERVICE_NTP] = { SOCK_DGRAM, false, make_ntp },
};

static const struct kind *kind_of(const struct leg *leg)
{
	return relay_is_last() ? &kinds_last[leg->service->config->type] : &kind_next;
}

static void on_dial(void *ctx, int fd, const char *why)
{
	struct leg *leg = ctx;
	const struct kind *kind = kind_of(leg);

	leg->dial = NULL;
	if (fd < 0) {
		fail(leg, why);
		return;
	}
	leg->bev = kind->make(leg, fd);
	if (!leg->bev) {
		fail(leg, "out of memory, or no certificate");
		return;
	}
	bufferevent_setcb(leg->bev, on_read, NULL, on_event, leg);
	bufferevent_enable(leg->bev, EV_READ | EV_WRITE);
	if (!kind->tls)
		finish(leg, 200, "", false);
}

struct leg *leg_open(struct service *service, const struct connect_request *request, leg_fn done, void *ctx)
{
	const struct timeval tv = { .tv_sec = (time_t)relay.config->connect_timeout };
	struct leg *leg = calloc(1, sizeof(*leg));

	if (!leg)
		return NULL;
	leg->service = service;
	leg->request = request;
	leg->done = done;
	leg->ctx = ctx;
	leg->deadline = evtimer_new(relay.base, on_deadline, leg);
	leg->dial = dial_start(relay_is_last() ? service->config->target : relay.config->next_address,
			       relay_is_last() ? kinds_last[service->config->type].socktype : SOCK_STREAM, on_dial,
			       leg);
	if (leg->deadline && leg->dial && evtimer_add(leg->deadline, &tv) == 0)
		return leg;
	leg_free(leg);
	return NULL;
}
