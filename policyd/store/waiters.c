#include "waiters.h"
#include "state.h"

#include <stdlib.h>
#include <string.h>

#define WAITS_A_CLIENT 2
/* [octets] of answers in one transaction, after which no more waiters are looked at */
#define OUTBOX_MAX (4 << 20)

struct waiter {
	TAILQ_ENTRY(waiter) next;
	uint64_t id;
	uint8_t serial[VMP_SERIAL];
	uint64_t client;
	int64_t version;  /**< nothing of its concern has changed up to here */
	int64_t seen;	  /**< the newest version when it was last looked at */
	int64_t until_ms; /**< CLOCK_BOOTTIME */
};

void waiters_init(struct waiters *waiters, const struct waiters_kind *kind)
{
	waiters->kind = kind;
	TAILQ_INIT(&waiters->list);
	waiters->n = 0;
}

static void count(struct waiters *waiters, size_t n)
{
	waiters->n = n;
	if (waiters->kind->count)
		waiters->kind->count(n);
}

static void end(struct waiters *waiters, struct waiter *w)
{
	TAILQ_REMOVE(&waiters->list, w, next);
	free(w);
	count(waiters, waiters->n - 1);
}

/* Who asks again has given the older question up. */
static void make_room(struct state *s, struct waiters *waiters, uint64_t client)
{
	struct waiter *w, *oldest = NULL;
	int n = 0;

	TAILQ_FOREACH(w, &waiters->list, next)
	{
		if (w->client != client)
			continue;
		oldest = oldest ? oldest : w;
		n++;
	}
	if (n >= WAITS_A_CLIENT && waiters->kind->tell_nothing(s, oldest->id, client, oldest->version) == VMP_OK)
		end(waiters, oldest);
}

int waiters_add(struct state *s, struct waiters *waiters, const struct message *m, uint64_t client, int64_t version,
		int64_t last)
{
	struct waiter *w = calloc(1, sizeof(*w));
	int64_t wait = m->wait < s->config->longest_wait ? m->wait : s->config->longest_wait;

	if (!w)
		return VMP_ENOMEM;
	make_room(s, waiters, client);
	w->id = m->id;
	memcpy(w->serial, m->serial, sizeof(w->serial));
	w->client = client;
	w->version = version;
	w->seen = last;
	w->until_ms = s->clock.boot_ms + wait * 1000;
	TAILQ_INSERT_TAIL(&waiters->list, w, next);
	count(waiters, waiters->n + 1);
	return STATE_LATER;
}

/* @return whether it waits on. */
static bool look(struct state *s, const struct waiters_kind *kind, struct waiter *w, bool changed)
{
	struct vmp_msg msg = { "" };
	struct vmp_identity who;
	bool over = s->clock.boot_ms >= w->until_ms;
	int err = VMP_ENOENT;

	if (changed || (over && kind->identify_at_end)) {
		err = vmp_store_identify(s->store, w->serial, s->clock.now, &who, &msg);
		if (err == VMP_ENOENT)
			err = VMP_EACCES;
		if (err == VMP_OK) {
			w->client = kind->client(s, &who); /* it may be another's now */
			err = kind->tell(s, w->id, w->client, &w->version, &msg);
		}
	}
	if (err == VMP_ENOENT && over)
		err = kind->tell_nothing(s, w->id, w->client, w->version);
	if (err == VMP_ENOENT)
		return true;
	if (err != VMP_OK)
		state_answer_error(s, w->id, err, msg.text);
	return false;
}

bool waiters_look(struct state *s, struct waiters *waiters, int64_t last)
{
	struct waiter *w, *next;

	for (w = TAILQ_FIRST(&waiters->list); w; w = next) {
		bool changed = w->seen != last;

		next = TAILQ_NEXT(w, next);
		/* Others wait for this transaction's lock, and the answers for its end: the rest another time. */
		if (changed && evbuffer_get_length(s->outbox) > OUTBOX_MAX)
			return false;
		w->seen = last;
		if (!look(s, waiters->kind, w, changed))
			end(waiters, w);
		else if (w->version < last) /* there was too much to look through */
			w->seen = w->version;
	}
	return true;
}

void waiters_rolled_back(struct waiters *waiters, int64_t last)
{
	struct waiter *w;

	TAILQ_FOREACH(w, &waiters->list, next)
	{
		if (w->version > last)
			w->version = last;
		w->seen = -1;
	}
}
