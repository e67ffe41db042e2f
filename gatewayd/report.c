#include "broker_parts.h"

#include <string.h>

/* [ms] However seldom servers are asked: VMs have no keys until they are on record. */
#define HOLD_MAX_MS 30000

bool report_is_home(const struct broker *b, const struct parent *parent)
{
	return parent->server == b->settings.home;
}

bool report_is_due(const struct broker *b, const struct product *p, int64_t now_ms, int64_t *due_ms)
{
	if (p->n_starts + p->n_stops == 0 && !p->list_all)
		return false;
	*due_ms = p->n_starts + p->n_stops >= BROKER_REPORTS ? now_ms : p->reported_ms + b->settings.report_ms;
	if (*due_ms < p->hold_ms)
		*due_ms = p->hold_ms;
	return now_ms >= *due_ms;
}

/* -- requests ----------------------------------------------------------------------------------------------------- */

/* Move up to room of a list's into a request. */
static int add_list(struct broker *b, struct child_list *from, int *room, json_t *request, const char *name)
{
	json_t *list = json_array();
	struct child *c;
	int bad = list ? 0 : -1;

	while (bad == 0 && *room > 0 && (c = TAILQ_FIRST(from))) {
		bad = json_array_append_new(list, json_string(c->uuid));
		c->sent = true;
		child_settle(b, c);
		(*room)--;
	}
	if (bad == 0)
		bad = json_object_set(request, name, list);
	json_decref(list);
	return bad == 0 ? VMP_OK : VMP_ENOMEM;
}

int report_add(struct broker *b, struct product *p, json_t *request, int64_t now_ms)
{
	int room = BROKER_REPORTS, i;
	int64_t elsewhere = 0;
	int err = add_list(b, &p->starts, &room, request, "started");

	if (err == VMP_OK)
		err = add_list(b, &p->stops, &room, request, "stopped");
	for (i = 0; i < b->settings.n_server; i++)
		elsewhere += i == b->settings.home ? 0 : parent_held(&p->parent[i], now_ms);
	if (err == VMP_OK && (json_object_set_new(request, "all", json_boolean(p->list_all)) != 0 ||
			      json_object_set_new(request, "elsewhere", json_integer(elsewhere)) != 0))
		err = VMP_ENOMEM;
	if (room < BROKER_REPORTS || p->list_all)
		p->reported_ms = now_ms;
	p->list_all = false;
	return err;
}

/* -- what a request named ----------------------------------------------------------------------------------------- */

typedef int (*named_fn)(struct broker *b, struct child *c, bool started, void *ctx, struct vmp_msg *msg);

/* @param make  those that are not known any more are made for it. */
static int each_of(struct broker *b, struct product *p, const json_t *list, bool started, named_fn each, void *ctx,
		   struct vmp_msg *msg)
{
	const json_t *one;
	size_t i;
	int err = VMP_OK;

	json_array_foreach(list, i, one) {
		struct child *c = child_get(b, json_string_value(one), p, true);

		if (!c)
			return vmp_fail(msg, VMP_ENOMEM, "out of memory");
		err = each(b, c, started, ctx, msg);
		child_settle(b, c);
		if (err != VMP_OK)
			return err;
	}
	return VMP_OK;
}

static int each_named(struct broker *b, struct product *p, const char *body, named_fn each, void *ctx,
		      struct vmp_msg *msg)
{
	json_t *request = body ? json_loads(body, 0, NULL) : NULL;
	int err = each_of(b, p, json_object_get(request, "started"), true, each, ctx, msg);

	if (err == VMP_OK)
		err = each_of(b, p, json_object_get(request, "stopped"), false, each, ctx, msg);
	json_decref(request);
	return err;
}

static int mark(struct broker *b, struct child *c, bool started, void *ctx, struct vmp_msg *msg)
{
	(void)b;
	(void)started;
	(void)msg;
	c->sent = *(const bool *)ctx;
	return VMP_OK;
}

void report_mark(struct broker *b, struct product *p, const char *body, bool sent)
{
	/* Out of memory: it is on no list, and the count of those on record will not be the server's. */
	(void)!each_named(b, p, body, mark, &sent, NULL);
}

/* Why the server does not accept a VM; NULL: it does. */
static const char *refusal_of(const json_t *refused, const char *uuid)
{
	const json_t *one;
	size_t i;

	json_array_foreach(refused, i, one) {
		if (strcmp(json_string_value(json_object_get(one, "id")), uuid) == 0)
			return json_string_value(json_object_get(one, "reason"));
	}
	return NULL;
}

static void remember(struct broker *b, const struct child *c, const char *why, int64_t until_ms)
{
	struct refusal *r = &b->refusal[b->next_refusal++ % REFUSALS];
	struct vmp_msg line = { "" };

	(void)vmp_fail(&line, 0, "%.*s", SERVER_REASON - 1, why);
	memset(r, 0, sizeof(*r));
	memcpy(r->uuid, c->uuid, sizeof(r->uuid));
	memcpy(r->product, c->product->name, sizeof(r->product));
	memcpy(r->why, line.text, strnlen(line.text, SERVER_REASON - 1));
	r->until_ms = until_ms;
}

struct taken {
	const struct server_answer *answer;
	int64_t now_ms;
	bool enough; /* servers have given as many as VMs have: a refusal is of the VM itself */
};

/* It loses what it has, at once.  One that was asked about because it has stopped may come back any time. */
static int refuse(struct broker *b, struct child *c, const char *why, int64_t now_ms, struct vmp_msg *msg)
{
	int err = child_report(b, c, false, msg);

	if (err == VMP_OK && c->account)
		err = vmp_lease_end(b->book, c->uuid, c->product->name, msg);
	if (err != VMP_OK)
		return err;
	if (!c->doubted)
		remember(b, c, why, now_ms + REFUSED_MS);
	c->doubted = false;
	b->counters.ended++;
	return VMP_OK;
}

static int take(struct broker *b, struct child *c, bool started, void *ctx, struct vmp_msg *msg)
{
	const struct taken *taken = ctx;
	const char *why = started ? refusal_of(taken->answer->refused, c->uuid) : NULL;
	int err;

	if (why && !taken->enough) {
		/* It may be one VM too many there for as long as others' leases run out here: it keeps its own to its
		 * end. */
		c->product->hold_ms = taken->now_ms +
				      (b->settings.refresh_ms < HOLD_MAX_MS ? b->settings.refresh_ms : HOLD_MAX_MS);
		err = child_report(b, c, false, msg);
	} else if (why) {
		err = refuse(b, c, why, taken->now_ms, msg);
	} else {
		err = child_report(b, c, started, msg);
		if (started)
			c->doubted = false;
	}
	c->sent = false;
	return err;
}

/* The server's count of our VMs is another than ours: not a request that has crossed a stop, but twice in a row. */
static int compare(struct broker *b, struct parent *parent, int64_t licensed, struct vmp_msg *msg)
{
	struct product *p = parent->product;

	if (licensed < 0 || licensed == p->n_reported) {
		parent->differs = 0;
		return VMP_OK;
	}
	return ++parent->differs < 2 ? VMP_OK : report_anew(b, p, msg);
}

static int64_t held_by_all(const struct broker *b, const struct parent *home, const struct server_answer *answer,
			   int64_t now_ms)
{
	int64_t held = answer->granted;
	int i;

	for (i = 0; i < b->settings.n_server; i++)
		held += i == home->server ? 0 : parent_held(&home->product->parent[i], now_ms);
	return held;
}

int report_taken(struct broker *b, struct parent *parent, const struct server_answer *answer, int64_t now_ms,
		 struct vmp_msg *msg)
{
	struct taken taken = { answer, now_ms,
			       held_by_all(b, parent, answer, now_ms) >= product_occupied(b, parent->product) };
	int err = each_named(b, parent->product, parent->body, take, &taken, msg);

	return err == VMP_OK ? compare(b, parent, answer->licensed, msg) : err;
}

static void unreport(struct broker *b, struct child *c, void *ctx)
{
	(void)ctx;
	c->reported = c->sent = false;
	child_settle(b, c);
}

int report_anew(struct broker *b, struct product *p, struct vmp_msg *msg)
{
	int err = vmp_broker_unreport(b->store, p->name, msg);

	if (err != VMP_OK)
		return err;
	p->n_reported = 0;
	p->list_all = true;
	p->parent[b->settings.home].differs = 0;
	children_each(b, p, unreport, NULL);
	return VMP_OK;
}
