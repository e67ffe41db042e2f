#include "broker_parts.h"

#include <stdlib.h>
#include <string.h>

/* [ms] A product that no VM has asked for so long may give its place to another; one that no server has ever given
 * sooner, since a VM can ask for whatever comes to its mind. */
#define UNUSED_MS  600000
#define STRANGE_MS 5000
/* Of those, so many can be of one VM within a minute: each costs requests to servers, and a place. */
#define STRANGE_EACH	2
#define STRANGE_EACH_MS 60000

static bool is_unused(const struct product *p, int64_t now_ms)
{
	int i;

	if (p->n_waiting || p->n_starts || p->n_stops || p->n_reported || p->n_children ||
	    now_ms - p->used_ms < (p->given ? UNUSED_MS : STRANGE_MS))
		return false;
	for (i = 0; i < BROKER_SERVERS; i++) {
		if (p->parent[i].held || p->parent[i].lapsing || p->parent[i].body)
			return false;
	}
	return true;
}

void product_free(struct product *p)
{
	int i;

	for (i = 0; p && i < BROKER_SERVERS; i++)
		free(p->parent[i].body);
	free(p);
}

/* Its rows as well: nothing is lost, since the servers have nothing of it for us. */
static bool forget(struct broker *b, int place)
{
	int i;

	for (i = 0; i < b->settings.n_server; i++) {
		if (vmp_broker_parent_remove(b->store, b->settings.server[i], b->product[place]->name, NULL) != VMP_OK)
			return false;
	}
	vmp_lease_pool_remove(b->book, b->product[place]->pool);
	product_free(b->product[place]);
	b->product[place] = NULL;
	return true;
}

static int free_place(struct broker *b, int64_t now_ms)
{
	int i, unused = -1;

	for (i = 0; i < BROKER_PRODUCTS && b->product[i]; i++) {
		if (is_unused(b->product[i], now_ms) && product_occupied(b, b->product[i]) == 0)
			unused = i;
	}
	if (i < BROKER_PRODUCTS)
		return i;
	return unused >= 0 && forget(b, unused) ? unused : -1;
}

static struct product *product_new(struct broker *b, const char *name, int place, int64_t now_ms)
{
	struct product *p = calloc(1, sizeof(*p));
	int i;

	if (!p)
		return NULL;
	memcpy(p->name, name, strlen(name) + 1);
	p->pool = place + 1;
	p->used_ms = now_ms;
	p->set.owned = -1; /* as no pool is */
	TAILQ_INIT(&p->waiters);
	TAILQ_INIT(&p->starts);
	TAILQ_INIT(&p->stops);
	for (i = 0; i < BROKER_SERVERS; i++) {
		p->parent[i].product = p;
		p->parent[i].server = i;
		p->parent[i].available = -1;
	}
	b->product[place] = p;
	if (product_fit(b, p, 0, now_ms) == VMP_OK)
		return p;
	b->product[place] = NULL;
	product_free(p);
	return NULL;
}

struct product *product_get(struct broker *b, const char *name, bool make, int64_t now_ms)
{
	int i;

	for (i = 0; i < BROKER_PRODUCTS; i++) {
		if (b->product[i] && strcmp(b->product[i]->name, name) == 0)
			return b->product[i];
	}
	i = make && strlen(name) < VMP_PRODUCT ? free_place(b, now_ms) : -1;
	return i < 0 ? NULL : product_new(b, name, i, now_ms);
}

bool product_is_one_too_many(const struct broker *b, const char *uuid, const char *name, int64_t now_ms)
{
	int i, n = 0;

	for (i = 0; i < BROKER_PRODUCTS; i++) {
		const struct product *p = b->product[i];

		if (p && strcmp(p->name, name) == 0)
			return false;
		n += p && !p->given && now_ms - p->used_ms < STRANGE_EACH_MS && strcmp(p->maker, uuid) == 0;
	}
	return n >= STRANGE_EACH;
}

void products_free(struct broker *b)
{
	int i;

	for (i = 0; i < BROKER_PRODUCTS; i++)
		product_free(b->product[i]);
	memset(b->product, 0, sizeof(b->product));
}

int64_t product_occupied(const struct broker *b, const struct product *p)
{
	int64_t occupied = 0;

	return vmp_lease_pool_usage(b->book, p->pool, &occupied) == VMP_OK ? occupied : 0;
}

int64_t product_usable(const struct broker *b, const struct product *p, int64_t now_ms)
{
	int64_t usable = 0;
	int i;

	for (i = 0; i < b->settings.n_server; i++)
		usable += parent_usable(&p->parent[i], now_ms);
	return usable;
}

/* The one that lasts longest of those that end before `before`, or then with a higher index; NULL: none. */
static const struct parent *next_longest(const struct broker *b, const struct product *p, const struct parent *before,
					 int64_t now_ms)
{
	const struct parent *best = NULL, *at;
	int i;

	for (i = 0; i < b->settings.n_server; i++) {
		at = &p->parent[i];
		if (parent_usable(at, now_ms) == 0)
			continue;
		if (before && (at->end_ms > before->end_ms || (at->end_ms == before->end_ms && at <= before)))
			continue;
		if (!best || at->end_ms > best->end_ms)
			best = at;
	}
	return best;
}

int product_fit(struct broker *b, struct product *p, int64_t extra, int64_t now_ms)
{
	int64_t need = p->set.owned < 0 ? 0 : product_occupied(b, p) + extra;
	struct vmp_lease_pool pool = { .id = p->pool, .life_ms = b->settings.life_ms, .until_ms = INT64_MAX };
	const struct parent *parent = NULL;
	int err;

	memcpy(pool.product, p->name, sizeof(pool.product));
	while ((!pool.open || pool.owned < need) && (parent = next_longest(b, p, parent, now_ms))) {
		if (!pool.open || parent->grace_ms < pool.grace_ms)
			pool.grace_ms = parent->grace_ms;
		pool.owned += parent_usable(parent, now_ms);
		pool.until_ms = parent->end_ms;
		pool.open = true;
	}
	if (pool.owned > VMP_LEASE_MAX)
		pool.owned = VMP_LEASE_MAX;
	if (memcmp(&pool, &p->set, sizeof(pool)) == 0)
		return VMP_OK;
	err = vmp_lease_pool_set(b->book, &pool);
	if (err == VMP_OK)
		p->set = pool;
	return err;
}
