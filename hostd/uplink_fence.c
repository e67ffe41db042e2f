#include "uplink_fence.h"
#include "log.h"
#include "loop.h"
#include "uplink.h"
#include "warden.h"

#include <stdio.h>
#include <string.h>

#define AGAIN_S 5 /* [s] until another try */

struct places {
	char port[CONFIG_UPLINKS][IF_NAMESIZE], alone[CONFIG_UPLINKS][IF_NAMESIZE];
	size_t n_port, n_alone;
};

static struct places stands, wanted;
static bool asked, waits;
static char error[VMP_MSG_MAX];

static bool has(char names[][IF_NAMESIZE], size_t n, const char *name)
{
	while (n > 0) {
		if (strcmp(names[--n], name) == 0)
			return true;
	}
	return false;
}

/* A bridge of Linux forwards between its ports what it must not; every other uplink (macvtap, Open vSwitch, the port of
 * a bond) hands on what reaches it. */
static bool is_port(const struct uplink *u)
{
	const struct link *link = link_by_name(u->config->name), *bridge = *u->bridge ? link_by_name(u->bridge) : NULL;

	return link && bridge && link->master == bridge->index && strcmp(bridge->kind, "bridge") == 0;
}

static void collect(struct places *out)
{
	const struct uplink *u;
	int i;

	memset(out, 0, sizeof(*out));
	for (i = 0; (u = uplink_at(i)); i++) {
		if (!link_by_name(u->config->name))
			continue;
		if (is_port(u))
			memcpy(out->port[out->n_port++], u->config->name, IF_NAMESIZE);
		else
			memcpy(out->alone[out->n_alone++], u->config->name, IF_NAMESIZE);
	}
}

static void again(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	waits = false;
	uplink_fence_look();
}

static void serve_all(void)
{
	struct uplink *u;
	int i;

	for (i = 0; (u = uplink_at(i)); i++)
		uplink_serve(u);
}

static void moved(void *ctx, int err, int fd, const char *why)
{
	static const struct timeval pause = { AGAIN_S, 0 };

	(void)ctx;
	(void)fd;
	asked = false;
	if (err == VMP_OK) {
		stands = wanted;
		error[0] = '\0';
		serve_all();
		uplink_fence_look();
		return;
	}
	if (strcmp(error, why) != 0)
		vmp_log(VMP_LOG_ERROR, "fence-failed", "why", why, NULL);
	snprintf(error, sizeof(error), "%s", why);
	/* Links that change meanwhile have it tried as well. */
	waits = waits || event_base_once(loop.base, -1, EV_TIMEOUT, again, NULL, &pause) == 0;
}

void uplink_fence_look(void)
{
	const char *ports[CONFIG_UPLINKS], *alone[CONFIG_UPLINKS];
	struct places now;
	size_t i;

	if (!loop.config->fence || asked || loop.stopping)
		return;
	collect(&now);
	if (memcmp(&now, &stands, sizeof(now)) == 0)
		return;
	wanted = now;
	for (i = 0; i < wanted.n_port; i++)
		ports[i] = wanted.port[i];
	for (i = 0; i < wanted.n_alone; i++)
		alone[i] = wanted.alone[i];
	asked = true;
	warden_ask_fence(ports, wanted.n_port, alone, wanted.n_alone, moved, NULL);
}

bool uplink_fence_covers(const struct uplink *u)
{
	if (!loop.config->fence)
		return true;
	return is_port(u) ? has(stands.port, stands.n_port, u->config->name)
			  : has(stands.alone, stands.n_alone, u->config->name);
}

const char *uplink_fence_error(void)
{
	return error;
}
