#include "pair.h"
#include "boot_clock.h"
#include "member_parts.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_MS 500 /* [ms] between looks for packets that have waited too long */

struct held {
	struct held *next;
	uint64_t since; /**< [ms] */
	size_t len;
	uint8_t packet[];
};

static struct {
	size_t octets; /* of all machines */
	struct event *due;
} held;

static void take_first(struct pair *pair)
{
	struct held *one = pair->first;

	pair->first = one->next;
	if (!pair->first)
		pair->last = &pair->first;
	pair->n_held--;
	pair->held_octets -= one->len;
	held.octets -= one->len;
	free(one);
}

static void look(evutil_socket_t fd, short what, void *ctx)
{
	struct timeval wait = { .tv_usec = LOOK_MS * 1000 };
	uint64_t now = boot_clock_ms();
	struct pair *pair;

	(void)fd;
	(void)what;
	(void)ctx;
	for (pair = pairs_first(); pair; pair = pair->next) {
		while (pair->first && now - pair->first->since >= HELD_MS) {
			take_first(pair);
			member.count.dropped++;
		}
	}
	if (held.octets)
		evtimer_add(held.due, &wait);
}

static bool look_later(void)
{
	struct timeval wait = { .tv_usec = LOOK_MS * 1000 };

	if (!held.due)
		held.due = evtimer_new(member.base, look, NULL);
	if (!held.due)
		return false;
	return evtimer_pending(held.due, NULL) || evtimer_add(held.due, &wait) == 0;
}

/* The first ones are worth most: what begins a connection is sent again by whoever waits for it. */
void held_add(struct pair *pair, const uint8_t *packet, size_t len)
{
	struct held *one;

	if (pair->n_held >= PAIR_HELD || pair->held_octets + len > PAIR_HELD_OCTETS ||
	    held.octets + len > HELD_OCTETS || !look_later()) {
		member.count.dropped++;
		return;
	}
	one = malloc(sizeof(*one) + len);
	if (!one) {
		member.count.dropped++;
		return;
	}
	one->next = NULL;
	one->since = boot_clock_ms();
	one->len = len;
	memcpy(one->packet, packet, len);
	*pair->last = one;
	pair->last = &one->next;
	pair->n_held++;
	pair->held_octets += len;
	held.octets += len;
	member.count.held++;
}

void held_send(struct pair *pair)
{
	struct vmp_msg msg;

	while (pair->first) {
		if (need_send(member.need, pair->first->packet, pair->first->len, &msg) != VMP_OK)
			member.count.dropped++;
		take_first(pair);
	}
}

void held_drop(struct pair *pair)
{
	member.count.dropped += pair->n_held;
	while (pair->first)
		take_first(pair);
}

void held_close(void)
{
	if (held.due)
		event_free(held.due);
	held.due = NULL;
}
