#include "uplink.h"
#include "guest.h"
#include "log.h"
#include "loop.h"
#include "packet_linux.h"
#include "uplink_fence.h"
#include "warden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUCKETS	  1024
#define READ_MOST 256  /* frames in one turn of the loop */
#define REOPEN_MS 1000 /* [ms] until another try to open a socket */

static struct uplink *uplinks;
static int n_uplink;

struct uplink *uplink_at(int i)
{
	return i < n_uplink ? &uplinks[i] : NULL;
}

bool uplink_is(const char *name)
{
	int i;

	for (i = 0; i < n_uplink; i++) {
		if (strcmp(uplinks[i].config->name, name) == 0)
			return true;
	}
	return false;
}

struct uplink *uplink_for(const char *bridge, const char *direct)
{
	int i;

	for (i = 0; i < n_uplink; i++) {
		if ((*bridge && strcmp(uplinks[i].bridge, bridge) == 0) ||
		    (*direct && strcmp(uplinks[i].config->name, direct) == 0))
			return &uplinks[i];
	}
	return NULL;
}

/* -- the table of those that authenticate here ---------------------------------------------------- */
static struct nic **bucket(const struct uplink *uplink, uint64_t mac)
{
	return &uplink->table[(mac ^ mac >> 10 ^ mac >> 20) % uplink->n_bucket];
}

struct nic *uplink_nic(struct uplink *uplink, uint64_t mac)
{
	struct nic *nic = *bucket(uplink, mac);

	while (nic && nic->mac != mac)
		nic = nic->next;
	return nic;
}

void uplink_insert(struct nic *nic)
{
	struct nic **at = bucket(nic->uplink, nic->mac);

	nic->next = *at;
	*at = nic;
	nic->uplink->n_nic++;
}

void uplink_remove(struct nic *nic)
{
	struct nic **at = bucket(nic->uplink, nic->mac);

	while (*at && *at != nic)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = nic->next;
	nic->uplink->n_nic--;
}

void uplink_each_nic(struct uplink *uplink, void (*visit)(void *ctx, struct nic *nic), void *ctx)
{
	struct nic *nic, *next;
	unsigned i;

	for (i = 0; i < uplink->n_bucket; i++) {
		for (nic = uplink->table[i]; nic; nic = next) {
			next = nic->next;
			visit(ctx, nic);
		}
	}
}

/* -- its life --------------------------------------------------------------------------------------- */
static void again(void *ctx, struct nic *nic)
{
	(void)ctx;
	if (nic->stage != NIC_IDLE && nic != nic->uplink->host)
		nic_start(nic, NIC_AGAIN);
}

static void port_down(void *ctx, struct nic *nic)
{
	(void)ctx;
	nic_port_down(nic);
}

static void go_down(struct uplink *u)
{
	if (!u->up)
		return;
	u->up = false;
	vmp_log(VMP_LOG_WARNING, "uplink-down", "uplink", u->config->name, NULL);
	uplink_each_nic(u, port_down, NULL);
}

/* The switch may have forgotten everybody: the port was down, or is another one. */
static void restart(struct uplink *u)
{
	u->answered = u->probed = u->grouped = u->grouped_said = false;
	/* One that an operator has logged off will have no verdict. */
	u->host_done = !u->host || u->host->held_by_operator;
	if (u->host)
		nic_start(u->host, NIC_HOST);
	uplink_each_nic(u, again, NULL);
	uplink_serve(u);
}

static void retry(void *ctx, struct nic *nic)
{
	bool failed = nic->had_event && (nic->last_event == VMP_AUTH_REJECTED || nic->last_event == VMP_AUTH_FAILED);

	(void)ctx;
	if ((nic->stage == NIC_WAITING && !nic->queued) ||
	    (nic->stage == NIC_RUNNING && failed && !nic_is_authorized(nic)))
		nic_start(nic, nic->urgency);
}

void uplinks_identity_changed(void)
{
	int i;

	for (i = 0; i < n_uplink; i++) {
		const struct nic *host = uplinks[i].host;

		/* It has had no verdict yet, only nothing to be judged by. */
		if (host && host->stage == NIC_WAITING && !host->queued)
			uplinks[i].host_done = false;
		uplink_each_nic(&uplinks[i], retry, NULL);
	}
}

static void close_socket(struct uplink *u)
{
	if (u->readable)
		event_free(u->readable);
	u->readable = NULL;
	if (u->fd >= 0)
		close(u->fd);
	u->fd = -1;
}

static void readable(evutil_socket_t fd, short what, void *ctx)
{
	struct uplink *u = ctx;
	uint8_t frame[2048];
	int i, n = 0;

	(void)what;
	for (i = 0; i < READ_MOST && u->fd == fd; i++) {
		n = packet_read(fd, frame, sizeof(frame));
		if (n <= 0)
			break;
		uplink_take(u, frame, (size_t)n);
	}
	uplink_serve(u);
}

static void open_socket(struct uplink *u);

/* The interface may have gone, and another of its name come, while the parent was asked. */
static bool is_still_there(const struct uplink *u)
{
	const struct link *link = link_by_name(u->config->name);

	return link && link->index == u->index;
}

static void opened(void *ctx, int err, int fd, const char *why)
{
	struct uplink *u = ctx;

	u->asked = false;
	if (err != VMP_OK) {
		if (strcmp(u->last_error, why) != 0)
			vmp_log(VMP_LOG_ERROR, "uplink-failed", "uplink", u->config->name, "why", why, NULL);
		snprintf(u->last_error, sizeof(u->last_error), "%s", why);
		uplink_wake(u, REOPEN_MS);
		return;
	}
	if (!is_still_there(u)) {
		close(fd);
		open_socket(u);
		return;
	}
	close_socket(u);
	u->fd = fd;
	u->last_error[0] = '\0';
	u->readable = event_new(loop.base, fd, EV_READ | EV_PERSIST, readable, u);
	if (!u->readable || event_add(u->readable, NULL) != 0) {
		close_socket(u);
		uplink_wake(u, REOPEN_MS);
		return;
	}
	vmp_log(VMP_LOG_INFO, "uplink-open", "uplink", u->config->name, "bridge", *u->bridge ? u->bridge : NULL, NULL);
	if (u->up)
		restart(u);
}

static void open_socket(struct uplink *u)
{
	const struct link *link = link_by_name(u->config->name);

	if (u->asked || u->fd >= 0 || !link)
		return;
	u->asked = true;
	u->index = link->index;
	warden_ask_socket(u->config->name, opened, u);
}

static void timer_came(evutil_socket_t fd, short what, void *ctx)
{
	struct uplink *u = ctx;

	(void)fd;
	(void)what;
	open_socket(u);
	uplink_serve(u);
}

/* -- the interface itself ----------------------------------------------------------------------------- */
/* A host whose uplink is a bridge's port sends with the bridge's address. */
static void place_host(struct uplink *u)
{
	bool held = u->host && u->host->held_by_operator;
	const struct link *bridge = *u->bridge ? link_by_name(u->bridge) : NULL;
	uint64_t mac = bridge && bridge->mac ? bridge->mac : u->mac;

	if (!u->config->host || !mac || (u->host && u->host->mac == mac))
		return;
	nic_free(u->host, true);
	u->host = nic_new(u, NULL, mac);
	u->host_done = !u->host || held;
	if (u->host) {
		u->host->held_by_operator = held;
		nic_start(u->host, NIC_HOST);
	} else {
		vmp_log(VMP_LOG_WARNING, "address-taken", "guest", "(host)", "uplink", u->config->name, NULL);
	}
	/* A guest may have waited for the address. */
	guests_rewire();
}

static bool take_bridge(struct uplink *u, const struct link *link)
{
	const struct link *master = link->master ? link_by_index(link->master) : NULL;
	char was[IF_NAMESIZE];

	memcpy(was, u->bridge, sizeof(was));
	if (*u->config->bridge)
		snprintf(u->bridge, sizeof(u->bridge), "%.15s", u->config->bridge);
	else if (master && strcmp(master->kind, "bridge") == 0)
		memcpy(u->bridge, master->name, sizeof(u->bridge));
	else
		u->bridge[0] = '\0';
	return strcmp(was, u->bridge) != 0;
}

static void look_again(struct uplink *u)
{
	const struct link *link = link_by_name(u->config->name);
	bool was_up = u->up, rewired;

	if (!link) {
		close_socket(u);
		go_down(u);
		return;
	}
	u->mac = link->mac;
	/* Another one of the same name. */
	if (u->fd >= 0 && link->index != u->index) {
		close_socket(u);
		go_down(u);
		was_up = false;
	}
	if (!link->up)
		go_down(u);
	u->up = link->up;
	rewired = take_bridge(u, link);
	place_host(u);
	open_socket(u);
	if (u->up && !was_up && u->fd >= 0)
		restart(u);
	if (u->up && !was_up)
		vmp_log(VMP_LOG_INFO, "uplink-up", "uplink", u->config->name, NULL);
	if (rewired)
		guests_rewire();
}

void uplink_link(const struct link *link)
{
	int i;

	for (i = 0; i < n_uplink; i++) {
		const struct link *own = link_by_name(uplinks[i].config->name);

		if (strcmp(link->name, uplinks[i].config->name) == 0) {
			/* Another one of the same name has other sockets. */
			if (link->gone) {
				close_socket(&uplinks[i]);
				go_down(&uplinks[i]);
			} else {
				look_again(&uplinks[i]);
			}
		} else if (own && own->master == link->index) {
			look_again(&uplinks[i]);
		}
	}
	uplink_fence_look();
}

static int init_one(struct uplink *u, const struct config_uplink *config)
{
	int i;

	u->config = config;
	u->fd = -1;
	u->n_bucket = BUCKETS;
	u->table = calloc(BUCKETS, sizeof(struct nic *));
	u->timer = event_new(loop.base, -1, 0, timer_came, u);
	for (i = 0; i < NIC_URGENCIES; i++)
		u->queue_end[i] = &u->queue[i];
	snprintf(u->bridge, sizeof(u->bridge), "%.15s", config->bridge);
	return u->table && u->timer ? VMP_OK : VMP_ENOMEM;
}

int uplinks_init(const struct config *config, struct vmp_msg *msg)
{
	int i;

	uplinks = calloc((size_t)config->n_uplink, sizeof(*uplinks));
	if (!uplinks)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	n_uplink = config->n_uplink;
	for (i = 0; i < n_uplink; i++) {
		if (init_one(&uplinks[i], &config->uplink[i]) != VMP_OK)
			return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	}
	return VMP_OK;
}

void uplinks_free(void)
{
	int i;

	for (i = 0; i < n_uplink; i++) {
		nic_free(uplinks[i].host, loop.logoff);
		close_socket(&uplinks[i]);
		if (uplinks[i].timer)
			event_free(uplinks[i].timer);
		free(uplinks[i].table);
	}
	free(uplinks);
	uplinks = NULL;
	n_uplink = 0;
}
