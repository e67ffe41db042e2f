/* The broker towards VMs. */
#include "broker_parts.h"

#include <stdio.h>
#include <string.h>

static const struct refusal *refusal_find(const struct broker *b, const struct broker_ask *ask, int64_t now_ms)
{
	int i;

	for (i = 0; i < REFUSALS; i++) {
		const struct refusal *r = &b->refusal[i];

		if (now_ms < r->until_ms && strcmp(r->uuid, ask->uuid) == 0 && strcmp(r->product, ask->product) == 0)
			return r;
	}
	return NULL;
}

/* -- waiting ------------------------------------------------------------------------------------------------------ */

static struct waiter_chain *chain_of(struct product *p, const char *uuid)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	while (*uuid)
		hash = (hash ^ (unsigned char)*uuid++) * 16777619u;
	return &p->waits[hash % WAITER_CHAINS];
}

void waiter_enter(struct waiter *waiter, struct product *p)
{
	waiter->product = p;
	TAILQ_INSERT_TAIL(&p->waiters, waiter, next);
	LIST_INSERT_HEAD(chain_of(p, waiter->uuid), waiter, chain);
	p->n_waiting++;
}

/* Each that waits is one more licence that servers are asked for: a VM counts once, however often it asks. */
static bool waits_already(struct product *p, const char *uuid)
{
	const struct waiter *w;

	LIST_FOREACH(w, chain_of(p, uuid), chain)
	{
		if (strcmp(w->uuid, uuid) == 0)
			return true;
	}
	return false;
}

void broker_leave(struct waiter *waiter)
{
	if (!waiter->product)
		return;
	TAILQ_REMOVE(&waiter->product->waiters, waiter, next);
	LIST_REMOVE(waiter, chain);
	waiter->product->n_waiting--;
	waiter->product = NULL;
}

static bool has_room(struct broker *b, struct product *p, int64_t now_ms)
{
	return product_usable(b, p, now_ms) > product_occupied(b, p);
}

struct waiter *broker_ready(struct broker *b, int64_t now_ms, bool *over)
{
	int i;

	for (i = 0; i < BROKER_PRODUCTS; i++) {
		struct product *p = b->product[i];
		struct waiter *first = p ? TAILQ_FIRST(&p->waiters) : NULL;

		if (!first)
			continue;
		*over = now_ms >= first->until_ms || vmp_lease_recovering(b->book);
		if (*over || has_room(b, p, now_ms))
			return first;
	}
	return NULL;
}

/* Would the book refuse it for want of licences, and for nothing else? */
static bool should_wait(struct broker *b, const struct broker_ask *ask, struct product *p, int64_t now_ms)
{
	const struct vmp_lease *account = vmp_lease_find(b->book, ask->uuid, ask->product);
	int64_t held = account ? vmp_lease_occupied(account) : 0;

	if (ask->wants <= held || vmp_lease_recovering(b->book))
		return false;
	if (account ? strcmp(account->request_id, ask->id) == 0 || account->seq != ask->seen : ask->seen != 0)
		return false;
	return !has_room(b, p, now_ms) && !waits_already(p, ask->uuid);
}

/* -- answers ------------------------------------------------------------------------------------------------------ */

/* What servers say of why there is no more. */
static void servers_words(const struct broker *b, const struct product *p, struct broker_answer *out)
{
	const char *why = NULL;
	bool answer = false;
	int i;

	for (i = 0; i < b->settings.n_server; i++) {
		const struct parent *parent = &p->parent[i];

		if (parent->available > out->lease.available)
			out->lease.available = parent->available;
		if (parent_is_silent(parent))
			continue;
		answer = answer || parent->available >= 0;
		if (!why && *parent->why)
			why = parent->why;
	}
	if (why)
		snprintf(out->why, sizeof(out->why), "%s", why);
	else if (!answer)
		snprintf(out->why, sizeof(out->why), "no licence server answers");
}

static void explain(const struct broker *b, const struct product *p, struct broker_answer *out)
{
	unsigned reason = out->lease.reason;

	if (reason == VMP_LEASE_FINE)
		return;
	snprintf(out->why, sizeof(out->why), "%s", vmp_lease_reason_text(reason));
	if (p && (reason == VMP_LEASE_EXHAUSTED || reason == VMP_LEASE_CLOSED || reason == VMP_LEASE_REDUCED))
		servers_words(b, p, out);
}

static void count_answer(struct broker *b, const struct vmp_lease_answer *l, bool repeated)
{
	if (l->stale)
		b->counters.stale++;
	else if (repeated)
		b->counters.repeated++;
	else if (l->granted > l->before)
		b->counters.grants++;
	else if (l->granted && l->granted == l->before && !l->refused)
		b->counters.renewals++;
	else if (l->granted < l->before && !l->refused)
		b->counters.returns++;
	else if (l->refused)
		b->counters.refusals[l->reason < VMP_LEASE_REASONS ? l->reason : VMP_LEASE_REASONS]++;
}

/* The home server does not accept it: as if it had never held anything. */
static void refuse(struct broker *b, const struct refusal *refusal, struct broker_answer *out)
{
	out->lease.refused = true;
	snprintf(out->why, sizeof(out->why), "%s", refusal->why);
	b->counters.refusals[VMP_LEASE_REASONS]++;
}

static int ask_book(struct broker *b, const struct broker_ask *ask, struct product *p, int64_t now_ms,
		    struct broker_answer *out, struct vmp_msg *msg)
{
	struct vmp_lease_request request = { .holder = ask->uuid,
					     .product = ask->product,
					     .id = ask->id,
					     .seen = ask->seen,
					     .has = ask->has,
					     .in_use = ask->in_use,
					     .wants = ask->wants,
					     .least = ask->wants,
					     .pools = p ? &p->pool : NULL,
					     .n_pools = p != NULL };
	const struct vmp_lease *account = vmp_lease_find(b->book, ask->uuid, ask->product);
	int64_t extra = ask->wants > (account ? vmp_lease_occupied(account) : 0);
	int err = p ? product_fit(b, p, extra, now_ms) : VMP_OK;

	if (err == VMP_OK)
		err = vmp_lease_ask(b->book, &request, now_ms, &out->lease, msg);
	if (err != VMP_OK)
		return err;
	explain(b, p, out);
	count_answer(b, &out->lease, out->lease.repeated);
	return VMP_OK;
}

int broker_ask(struct broker *b, const struct broker_ask *ask, int64_t now_ms, struct waiter *waiter,
	       struct broker_answer *out, struct vmp_msg *msg)
{
	bool strange = ask->wants > 0 && product_is_one_too_many(b, ask->uuid, ask->product, now_ms);
	struct product *p = product_get(b, ask->product, ask->wants > 0 && !strange, now_ms);
	const struct refusal *refusal = ask->wants > 0 ? refusal_find(b, ask, now_ms) : NULL;

	memset(out, 0, sizeof(*out));
	if (strange)
		return vmp_fail(msg, VMP_EACCES, "expected no more products that there are no licences of");
	if (!p && ask->wants > 0)
		return vmp_fail(msg, VMP_EACCES, "expected at most %d products in use at one gateway", BROKER_PRODUCTS);
	if (refusal) {
		refuse(b, refusal, out);
		return VMP_OK;
	}
	if (p && ask->wants > 0)
		p->used_ms = now_ms;
	if (p && ask->wants > 0 && !*p->maker)
		memcpy(p->maker, ask->uuid, sizeof(p->maker));
	if (p && waiter && should_wait(b, ask, p, now_ms)) {
		memcpy(waiter->uuid, ask->uuid, sizeof(waiter->uuid));
		waiter_enter(waiter, p);
		return VMP_OK;
	}
	return ask_book(b, ask, p, now_ms, out, msg);
}
