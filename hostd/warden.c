/* The guests process's end: one request on its way at a time, the others wait. */
#include "log.h"
#include "warden.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct question {
	struct question *next;
	struct warden_request request;
	warden_fn done;
	void *ctx;
};

static struct {
	int fd;
	struct event_base *base;
	struct event *readable;
	struct question *first, **last;
} warden;

/* Nothing is left that could be asked. */
static void lost(const char *why)
{
	vmp_log(VMP_LOG_ERROR, "parent-gone", "why", why, NULL);
	event_del(warden.readable);
	event_base_loopbreak(warden.base);
}

static void ask_first(void)
{
	const struct warden_request *request = &warden.first->request;

	if (send(warden.fd, request, sizeof(*request), MSG_NOSIGNAL) != sizeof(*request))
		lost(strerror(errno));
}

static void tell_first(int err, int fd, const char *why)
{
	struct question *q = warden.first;
	bool more = q->next != NULL; /* what is asked within done() goes by itself */

	warden.first = q->next;
	if (!warden.first)
		warden.last = &warden.first;
	q->done(q->ctx, err, fd, why);
	free(q);
	if (more)
		ask_first();
}

static int take_fd(struct msghdr *message)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static void answer_came(evutil_socket_t from, short what, void *ctx)
{
	struct warden_reply reply;
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec part = { &reply, sizeof(reply) };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room)
	};
	ssize_t n = recvmsg(from, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	(void)what;
	(void)ctx;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != sizeof(reply) || !warden.first) {
		lost(n < 0 ? strerror(errno) : "it has closed the channel");
		return;
	}
	reply.msg.text[sizeof(reply.msg.text) - 1] = '\0';
	tell_first(reply.err, take_fd(&message), reply.err == VMP_OK ? "" : reply.msg.text);
}

int warden_open(struct event_base *base, int fd, struct vmp_msg *msg)
{
	warden.base = base;
	warden.fd = fd;
	warden.first = NULL;
	warden.last = &warden.first;
	warden.readable = event_new(base, fd, EV_READ | EV_PERSIST, answer_came, NULL);
	if (!warden.readable || event_add(warden.readable, NULL) != 0)
		return vmp_fail(msg, VMP_ENOMEM, "warden: out of memory");
	return VMP_OK;
}

void warden_close(void)
{
	struct question *q;

	while ((q = warden.first)) {
		warden.first = q->next;
		free(q);
	}
	if (warden.readable)
		event_free(warden.readable);
	warden.readable = NULL;
	close(warden.fd);
}

static void ask(const struct warden_request *request, warden_fn done, void *ctx)
{
	struct question *q = calloc(1, sizeof(*q));

	if (!q) {
		done(ctx, VMP_ENOMEM, -1, "out of memory");
		return;
	}
	q->request = *request;
	q->done = done;
	q->ctx = ctx;
	*warden.last = q;
	warden.last = &q->next;
	if (warden.first == q)
		ask_first();
}

static void put_name(struct warden_request *request, size_t i, const char *name)
{
	snprintf(request->name[i], sizeof(request->name[i]), "%s", name);
}

void warden_ask_socket(const char *uplink, warden_fn done, void *ctx)
{
	struct warden_request request = { .what = WARDEN_OPEN };

	put_name(&request, 0, uplink);
	ask(&request, done, ctx);
}

void warden_ask_fence(const char *const *ports, size_t n_port, const char *const *alone, size_t n_alone, warden_fn done,
		      void *ctx)
{
	struct warden_request request = { .what = WARDEN_FENCE };
	size_t i;

	for (i = 0; i < n_port && request.n_port < CONFIG_UPLINKS; i++)
		put_name(&request, request.n_port++, ports[i]);
	for (i = 0; i < n_alone && request.n_port + request.n_alone < CONFIG_UPLINKS; i++)
		put_name(&request, request.n_port + request.n_alone++, alone[i]);
	ask(&request, done, ctx);
}
