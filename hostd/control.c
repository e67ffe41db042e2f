#include "control.h"
#include "accept.h"
#include "log.h"
#include "loop.h"
#include "order.h"
#include "pki.h"
#include "view.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS 64
#define IDLE_S	    30
#define UNREAD_MAX  (4 * 1024 * 1024) /* [octets] of answers; whoever does not read them gets no more */

/* An order that is being carried out; it may outlive its connection. */
struct pending;

struct conn {
	struct conn *next;
	struct bufferevent *bev;
	uid_t uid;
	struct pending *pending; /* NULL: the next line is read */
	bool ending;		 /* as soon as all is written */
};

struct pending {
	struct conn *conn; /* NULL: it has gone */
};

static struct evconnlistener *listener;
static struct conn *conns;
static unsigned n_conns;

/* -- ends -------------------------------------------------------------------------------------------------------- */

static void conn_free(struct conn *conn)
{
	struct conn **at = &conns;

	while (*at != conn)
		at = &(*at)->next;
	*at = conn->next;
	if (conn->pending)
		conn->pending->conn = NULL;
	bufferevent_free(conn->bev);
	free(conn);
	if (n_conns-- == CONNECTIONS && listener && !loop.stopping)
		evconnlistener_enable(listener);
}

/* A client that has said all it wants may still hear the answer. */
static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct conn *conn = ctx;
	bool owed = conn->pending || evbuffer_get_length(bufferevent_get_output(bev));

	if (!(what & BEV_EVENT_EOF) || !owed) {
		conn_free(conn);
		return;
	}
	conn->ending = true;
	bufferevent_disable(bev, EV_READ);
}

/* -- lines ------------------------------------------------------------------------------------------------------- */

static void send_json(struct conn *conn, json_t *answer)
{
	char *text = answer ? json_dumps(answer, JSON_COMPACT) : NULL;

	json_decref(answer);
	if (text) {
		bufferevent_write(conn->bev, text, strlen(text));
		bufferevent_write(conn->bev, "\n", 1);
	}
	/* Out of memory: an end without an answer. */
	conn->ending |= !text;
	free(text);
}

/* Nobody is idle who waits for us. */
static void await(struct conn *conn, bool waits)
{
	static const struct timeval idle = { .tv_sec = IDLE_S };

	bufferevent_set_timeouts(conn->bev, waits ? NULL : &idle, &idle);
	if (waits)
		bufferevent_disable(conn->bev, EV_READ);
	else
		bufferevent_enable(conn->bev, EV_READ);
}

static void on_done(void *ctx, json_t *answer)
{
	struct pending *pending = ctx;
	struct conn *conn = pending->conn;

	free(pending);
	if (!conn) {
		json_decref(answer);
		return;
	}
	conn->pending = NULL;
	send_json(conn, answer);
	await(conn, false);
	/* What has come behind the line meanwhile. */
	bufferevent_trigger(conn->bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

/* The line stands at the buffer's beginning, and may hold a secret. */
static void take(struct conn *conn, struct evbuffer *input, size_t len)
{
	struct pending *pending = calloc(1, sizeof(*pending));
	char *line = (char *)evbuffer_pullup(input, (ev_ssize_t)len);

	if (!pending || !line) {
		free(pending);
		send_json(conn, order_error(VMP_ENOMEM, "out of memory"));
	} else {
		pending->conn = conn;
		conn->pending = pending;
		await(conn, true);
		order_take(line, len, conn->uid, on_done, pending);
		vmp_wipe(line, len);
	}
	evbuffer_drain(input, len + 1);
}

static void refuse_long(struct conn *conn)
{
	struct vmp_msg msg;
	int err = vmp_fail(&msg, VMP_EINVAL, "a request has at most %d octets", CONTROL_LINE_MAX);

	send_json(conn, order_error(err, msg.text));
	bufferevent_disable(conn->bev, EV_READ);
	conn->ending = true;
}

static void read_lines(struct conn *conn)
{
	struct evbuffer *input = bufferevent_get_input(conn->bev);

	while (!conn->pending && !conn->ending &&
	       evbuffer_get_length(bufferevent_get_output(conn->bev)) <= UNREAD_MAX) {
		size_t eol_len;
		struct evbuffer_ptr eol = evbuffer_search_eol(input, NULL, &eol_len, EVBUFFER_EOL_LF);

		if (eol.pos > CONTROL_LINE_MAX || (eol.pos < 0 && evbuffer_get_length(input) > CONTROL_LINE_MAX))
			refuse_long(conn);
		else if (eol.pos < 0)
			return;
		else
			take(conn, input, (size_t)eol.pos);
	}
}

static void on_readable(struct bufferevent *bev, void *ctx)
{
	(void)bev;
	read_lines(ctx);
}

static void on_written(struct bufferevent *bev, void *ctx)
{
	struct conn *conn = ctx;

	if (conn->ending && evbuffer_get_length(bufferevent_get_output(bev)) == 0)
		conn_free(conn);
	else
		read_lines(conn);
}

/* -- begins ------------------------------------------------------------------------------------------------------ */

static uid_t peer_of(evutil_socket_t fd)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return (uid_t)-1;
	return cred.uid;
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *address, int len, void *ctx)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	(void)address;
	(void)len;
	(void)ctx;
	if (conn)
		conn->bev = bufferevent_socket_new(loop.base, fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
	if (!conn || !conn->bev) {
		free(conn);
		close(fd);
		return;
	}
	conn->uid = peer_of(fd);
	conn->next = conns;
	conns = conn;
	/* The others wait in the kernel's queue. */
	if (++n_conns == CONNECTIONS)
		evconnlistener_disable(l);
	bufferevent_setcb(conn->bev, on_readable, on_written, on_event, conn);
	bufferevent_setwatermark(conn->bev, EV_READ, 0, CONTROL_LINE_MAX + 1);
	await(conn, false);
}

int control_open(int fd, struct vmp_msg *msg)
{
	view_init();
	listener = evconnlistener_new(loop.base, on_accept, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!listener) {
		close(fd);
		return vmp_fail(msg, VMP_ENOMEM, "control socket: out of memory");
	}
	accept_calmly(listener);
	return VMP_OK;
}

void control_close(void)
{
	if (listener)
		evconnlistener_free(listener);
	listener = NULL;
	while (conns)
		conn_free(conns);
}
