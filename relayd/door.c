#include "door.h"
#include "listen.h"
#include "log.h"
#include "metrics.h"
#include "relay.h"
#include "tunnel.h"

#include <event2/listener.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG	 1024
#define DOORS	 (CONFIG_ADDRESSES + CONFIG_SERVICES)
#define STRANGER 256 /* connections beside the tunnels that there may be: those that are not known yet */

static struct door {
	int fd;	     /* the listener's, if there is one */
	int service; /* its place in the configuration; -1: [listen] */
	struct evconnlistener *listener;
} doors[DOORS];

static size_t n_doors;
static bool paused, resting, closed;

/* -- sockets ------------------------------------------------------------------------------------------------------ */

static int add(const char *address, int service, struct vmp_msg *msg)
{
	struct door *door = &doors[n_doors];
	int err = vmp_listen_tcp(address, BACKLOG, &door->fd, msg);

	door->service = service;
	n_doors += err == VMP_OK;
	return err;
}

int door_bind(const struct config *config, struct vmp_msg *msg)
{
	const char *list = config->address;
	char word[VMP_INI_TEXT];
	int i, err = VMP_OK;

	while (err == VMP_OK && vmp_ini_word(&list, word, sizeof(word)))
		err = add(word, -1, msg);
	for (i = 0; i < config->n_service && err == VMP_OK; i++) {
		if (config->service[i].type == SERVICE_SYSLOG && *config->service[i].listen)
			err = add(config->service[i].listen, i, msg);
	}
	return err;
}

/* -- accepting ---------------------------------------------------------------------------------------------------- */

static void turn(void)
{
	size_t i;

	for (i = 0; i < n_doors; i++) {
		if (!doors[i].listener)
			continue;
		if (paused || resting || closed)
			evconnlistener_disable(doors[i].listener);
		else
			evconnlistener_enable(doors[i].listener);
	}
}

void door_turn(void)
{
	bool full = tunnel_count() >= relay.config->tunnels + STRANGER;

	if (full == paused)
		return;
	paused = full;
	turn();
	if (!full)
		return;
	metrics.pauses++;
	vmp_log(VMP_LOG_WARNING, "accepting-paused", "connections", vmp_log_num(tunnel_count()), NULL);
}

void door_close(void)
{
	closed = true;
	turn();
}

static void on_rested(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	resting = false;
	turn();
}

/* accept() fails, for want of descriptors or memory: libevent would try again at once, for ever. */
static void on_accept_error(struct evconnlistener *listener, void *ctx)
{
	static const struct timeval pause = { .tv_usec = 100 * 1000 };

	(void)listener;
	(void)ctx;
	vmp_log(VMP_LOG_ERROR, "cannot-accept", "why", evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()), NULL);
	resting = true;
	turn();
	event_base_once(relay.base, -1, EV_TIMEOUT, on_rested, NULL, &pause);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from, int len, void *ctx)
{
	const struct door *door = ctx;
	int n;

	(void)listener;
	(void)len;
	tunnel_new(fd, door->service >= 0 ? services_all(&n) + door->service : NULL, from);
	door_turn();
}

int door_open(struct vmp_msg *msg)
{
	size_t i;

	for (i = 0; i < n_doors; i++) {
		doors[i].listener = evconnlistener_new(relay.base, on_accept, &doors[i],
						       LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, doors[i].fd);
		if (!doors[i].listener)
			return vmp_fail(msg, VMP_ENOMEM, "out of memory");
		evconnlistener_set_error_cb(doors[i].listener, on_accept_error);
	}
	return VMP_OK;
}

void door_free(void)
{
	while (n_doors) {
		if (doors[--n_doors].listener)
			evconnlistener_free(doors[n_doors].listener);
		else
			close(doors[n_doors].fd);
	}
}
