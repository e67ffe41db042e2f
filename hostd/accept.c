#include "accept.h"
#include "log.h"
#include "loop.h"

#include <event2/listener.h>
#include <event2/util.h>
#include <string.h>

static void resume(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	if (!loop.stopping)
		evconnlistener_enable(ctx);
}

static void on_error(struct evconnlistener *listener, void *ctx)
{
	static const struct timeval pause = { .tv_usec = 100 * 1000 };

	(void)ctx;
	vmp_log(VMP_LOG_ERROR, "cannot-accept", "why", evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()), NULL);
	evconnlistener_disable(listener);
	event_base_once(loop.base, -1, EV_TIMEOUT, resume, listener, &pause);
}

void accept_calmly(struct evconnlistener *listener)
{
	evconnlistener_set_error_cb(listener, on_error);
}
