#include "broker_parts.h"

#include <stdlib.h>
#include <string.h>

static struct child **bucket_of(struct broker *b, const char *uuid)
{
	uint32_t hash = 2166136261u; /* FNV-1a; the UUIDs are policyd's, not whoever's */

	while (*uuid)
		hash = (hash ^ (unsigned char)*uuid++) * 16777619u;
	return &b->bucket[hash % CHILD_BUCKETS];
}

struct child *child_get(struct broker *b, const char *uuid, struct product *p, bool make)
{
	struct child **bucket = bucket_of(b, uuid), *c;

	for (c = *bucket; c; c = c->chain) {
		if (c->product == p && strcmp(c->uuid, uuid) == 0)
			return c;
	}
	c = make ? calloc(1, sizeof(*c)) : NULL;
	if (!c)
		return NULL;
	memcpy(c->uuid, uuid, strlen(uuid) + 1);
	c->product = p;
	p->n_children++;
	c->chain = *bucket;
	*bucket = c;
	return c;
}

/* Be in the list that the state asks for. */
static void be_listed(struct child *c)
{
	struct child_list *list = NULL;

	if (!c->sent && (c->held != c->reported || (c->held && c->doubted)))
		list = c->held ? &c->product->starts : &c->product->stops;
	if (list == c->list)
		return;
	if (c->list) {
		TAILQ_REMOVE(c->list, c, next);
		(*(c->list == &c->product->starts ? &c->product->n_starts : &c->product->n_stops))--;
	}
	c->list = list;
	if (list) {
		TAILQ_INSERT_TAIL(list, c, next);
		(*(list == &c->product->starts ? &c->product->n_starts : &c->product->n_stops))++;
	}
}

void child_settle(struct broker *b, struct child *c)
{
	struct child **at;

	be_listed(c);
	if (c->account || c->held || c->reported || c->sent)
		return;
	for (at = bucket_of(b, c->uuid); *at != c; at = &(*at)->chain)
		;
	*at = c->chain;
	c->product->n_children--;
	free(c);
}

void children_free(struct broker *b)
{
	struct child *c, *next;
	size_t i;

	for (i = 0; i < CHILD_BUCKETS; i++) {
		for (c = b->bucket[i]; c; c = next) {
			next = c->chain;
			free(c);
		}
		b->bucket[i] = NULL;
	}
}

void children_each(struct broker *b, const struct product *p,
		   void (*each)(struct broker *b, struct child *c, void *ctx), void *ctx)
{
	struct child *c, *next;
	size_t i;

	for (i = 0; i < CHILD_BUCKETS; i++) {
		for (c = b->bucket[i]; c; c = next) {
			next = c->chain;
			if (!p || c->product == p)
				each(b, c, ctx);
		}
	}
}

int child_report(struct broker *b, struct child *c, bool reported, struct vmp_msg *msg)
{
	int err = c->reported == reported
			  ? VMP_OK
			  : vmp_broker_child_reported(b->store, c->uuid, c->product->name, reported, msg);

	if (err != VMP_OK)
		return err;
	c->product->n_reported += (int)reported - (int)c->reported;
	c->reported = reported;
	return VMP_OK;
}
