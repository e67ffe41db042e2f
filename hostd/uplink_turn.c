/* Whose turn it is on an uplink: few conversations at a time, and EAPOL-Starts that do not come all at once. */
#include "loop.h"
#include "uplink.h"
#include "uplink_fence.h"

void uplink_enqueue(struct nic *nic)
{
	struct uplink *u = nic->uplink;

	nic->queue_next = NULL;
	nic->queued = true;
	*u->queue_end[nic->urgency] = nic;
	u->queue_end[nic->urgency] = &nic->queue_next;
	u->n_queued++;
}

void uplink_dequeue(struct nic *nic)
{
	struct uplink *u = nic->uplink;
	struct nic **at = &u->queue[nic->urgency];

	if (!nic->queued)
		return;
	while (*at != nic)
		at = &(*at)->queue_next;
	*at = nic->queue_next;
	if (!*at)
		u->queue_end[nic->urgency] = at;
	nic->queued = false;
	u->n_queued--;
}

/* Until it is known how the switch addresses its answers, and when they go to the group, all on the port see them: one
 * at a time then. */
static unsigned window(const struct uplink *u)
{
	enum config_replies replies = config_replies(u->config);

	if (replies == CONFIG_REPLIES_GROUP || u->grouped ||
	    (replies == CONFIG_REPLIES_AUTO && !u->answered && !u->probed))
		return 1;
	return (unsigned)u->config->window;
}

static struct nic *first(const struct uplink *u)
{
	int i, end = u->host && !u->host_done ? NIC_HOST + 1 : NIC_URGENCIES;

	for (i = 0; i < end; i++) {
		if (u->queue[i])
			return u->queue[i];
	}
	return NULL;
}

void uplink_wake(struct uplink *u, uint64_t ms)
{
	struct timeval wait = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	event_add(u->timer, &wait);
}

/* Some time between half and one and a half of what the rate allows: hosts that boot together do not stay in step. */
static uint64_t spacing(const struct uplink *u)
{
	uint64_t mean_us = 1000000 / (uint64_t)u->config->rate;
	uint32_t r;

	evutil_secure_rng_get_bytes(&r, sizeof(r));
	return mean_us / 2 + r % (mean_us + 1);
}

/* One that waits in the queue may have one already: the switch has begun with it. */
static void take_slot(struct nic *nic)
{
	if (nic->slot)
		return;
	nic->slot = true;
	nic->slot_since = loop_now();
	nic->uplink->n_running++;
}

void uplink_serve(struct uplink *u)
{
	struct nic *nic;
	uint64_t now;

	if (u->fd < 0 || !u->up || !uplink_fence_covers(u))
		return;
	while (u->n_running < window(u) && (nic = first(u))) {
		now = loop_now_us();
		if (now < u->next_at) {
			uplink_wake(u, (u->next_at - now + 999) / 1000);
			return;
		}
		u->next_at = (u->next_at + 100000 > now ? u->next_at : now) + spacing(u);
		uplink_dequeue(nic);
		take_slot(nic);
		nic_turn(nic);
	}
}

void uplink_claim(struct nic *nic)
{
	nic->uplink->answered = true;
	take_slot(nic);
}

void uplink_release(struct nic *nic)
{
	if (!nic->slot)
		return;
	nic->slot = false;
	nic->uplink->n_running--;
	nic->uplink->probed = true;
	/* Not from here: whoever calls may be in the middle of something. */
	uplink_wake(nic->uplink, 0);
}

void uplink_host_done(struct uplink *u)
{
	if (u->host_done)
		return;
	u->host_done = true;
	uplink_wake(u, 0);
}
