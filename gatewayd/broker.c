#include "broker_parts.h"

#include <stdlib.h>
#include <string.h>

#define TICK_MS		 1000
#define UNKNOWN_GRACE_MS 900000 /* of a store that does not know any */
#define LATEST_MS	 60000	/* the longest pause between plans */

/* -- the book's journal ------------------------------------------------------------------------------------------- */

static int on_write(void *ctx, const struct vmp_lease *lease, struct vmp_msg *msg)
{
	struct broker *b = ctx;
	struct product *p = product_get(b, lease->product, false, 0);
	struct child *c = p ? child_get(b, lease->holder, p, true) : NULL;
	int err;

	if (!c)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	err = vmp_broker_child_put(b->store, lease, b->clock.boot_id, c->reported, msg);
	if (err == VMP_OK) {
		c->account = true;
		c->held = vmp_lease_occupied(lease) > 0;
	}
	child_settle(b, c);
	return err;
}

static int on_erase(void *ctx, const struct vmp_lease *lease, struct vmp_msg *msg)
{
	struct broker *b = ctx;
	struct product *p = product_get(b, lease->product, false, 0);
	struct child *c = p ? child_get(b, lease->holder, p, false) : NULL;
	int err = vmp_broker_child_over(b->store, lease->holder, lease->product, msg);

	if (err != VMP_OK || !c)
		return err;
	c->account = c->held = false;
	child_settle(b, c);
	return VMP_OK;
}

/* -- an older copy ------------------------------------------------------------------------------------------------ */

void broker_recover_for(struct broker *b, int64_t grace_ms, int64_t now_ms)
{
	int64_t longest = b->settings.life_ms + (grace_ms ? grace_ms : UNKNOWN_GRACE_MS);

	if (longest < vmp_lease_longest(b->book))
		longest = vmp_lease_longest(b->book);
	vmp_lease_recover(b->book, now_ms + longest);
	b->counters.recoveries++;
}

void broker_recover(struct broker *b, int64_t seq, int64_t now_ms)
{
	if (seq > vmp_lease_seq(b->book))
		vmp_lease_seq_set(b->book, seq);
	broker_recover_for(b, 0, now_ms);
}

/* -- loading ------------------------------------------------------------------------------------------------------ */

struct loading {
	struct broker *b;
	int64_t now_ms;
	struct vmp_msg *msg;
};

static int server_of(const struct broker *b, const char *name)
{
	int i;

	for (i = 0; i < b->settings.n_server; i++) {
		if (strcmp(b->settings.server[i], name) == 0)
			return i;
	}
	return -1;
}

static int no_room(struct vmp_msg *msg)
{
	return vmp_fail(msg, VMP_ENOMEM, "out of memory, or more than %d products in the store", BROKER_PRODUCTS);
}

/* A lease of another boot is over, as far as anybody knows here: it counts when its server has renewed it. */
static int load_parent(void *ctx, const struct vmp_broker_parent *row)
{
	struct loading *l = ctx;
	struct broker *b = l->b;
	int server = server_of(b, row->server);
	struct product *p = server < 0 ? NULL : product_get(b, row->product, true, l->now_ms);
	bool same_boot = strcmp(row->boot_id, b->clock.boot_id) == 0;
	struct parent *parent = p ? &p->parent[server] : NULL;

	if (server < 0)
		return VMP_OK; /* not in the configuration any more: it runs out */
	/* Without a place, what has nothing is not worth a refusal to start: its server will say that it knows us. */
	if (!p)
		return row->held || row->lapsing || *row->body ? no_room(l->msg) : VMP_OK;
	parent->seq = row->seq;
	parent->held = row->held;
	p->given = p->given || row->held > 0;
	parent->grace_ms = row->grace_ms;
	parent->end_ms = same_boot ? row->end_ms : l->now_ms;
	parent->lapsing = row->lapsing;
	parent->lapsed_ms = same_boot ? row->lapsed_ms : l->now_ms + row->grace_ms;
	if (!*row->body)
		return VMP_OK;
	memcpy(parent->request_id, row->request_id, strnlen(row->request_id, VMP_UUID_TEXT - 1) + 1);
	parent->body = strdup(row->body);
	return parent->body ? VMP_OK : no_room(l->msg);
}

static int load_child(void *ctx, const struct vmp_broker_child *row)
{
	struct loading *l = ctx;
	struct broker *b = l->b;
	struct product *p = product_get(b, row->lease.product, true, l->now_ms);
	struct child *c = p ? child_get(b, row->lease.holder, p, true) : NULL;
	struct vmp_lease lease = row->lease;
	int err = VMP_OK;

	if (!c)
		return no_room(l->msg);
	lease.part[0].pool = p->pool;
	c->account = !row->over;
	c->held = c->account && vmp_lease_occupied(&lease) > 0;
	c->reported = row->reported;
	p->n_reported += row->reported;
	if (c->account)
		err = vmp_lease_restore(b->book, &lease, strcmp(row->boot_id, b->clock.boot_id) != 0, l->now_ms);
	child_settle(b, c);
	return err == VMP_OK ? VMP_OK : vmp_fail(l->msg, err, "the store's lease of %s cannot be used", lease.holder);
}

static void load_state(struct broker *b, int64_t now_ms)
{
	int64_t until = b->state.recover_until_ms;

	vmp_lease_seq_set(b->book, b->state.seq);
	vmp_lease_longest_set(b->book, b->state.longest_ms);
	if (until && strcmp(b->state.recover_boot_id, b->clock.boot_id) != 0)
		until = now_ms + b->state.longest_ms;
	if (until > now_ms)
		vmp_lease_recover(b->book, until);
}

static int load_rows(struct broker *b, int64_t now_ms, struct vmp_msg *msg)
{
	struct loading loading = { b, now_ms, msg };
	int i, j, err = vmp_broker_parents(b->store, load_parent, &loading, msg);

	if (err == VMP_OK)
		err = vmp_broker_children(b->store, load_child, &loading, msg);
	for (i = 0; i < BROKER_PRODUCTS && err == VMP_OK; i++) {
		struct product *p = b->product[i];

		for (j = 0; p && j < b->settings.n_server; j++)
			report_mark(b, p, p->parent[j].body, true);
		if (p)
			err = product_fit(b, p, 0, now_ms);
	}
	return err;
}

static int load(struct broker *b, int64_t now_ms, struct vmp_msg *msg)
{
	struct vmp_lease_journal journal = { on_write, on_erase, b };
	int err = vmp_broker_state_get(b->store, &b->state, msg);

	if (err != VMP_OK)
		return err;
	b->book = vmp_lease_book_new(&journal);
	if (!b->book)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	load_state(b, now_ms);
	return load_rows(b, now_ms, msg);
}

/* Another server keeps the records now: it has heard of nobody yet. */
static int change_home(struct broker *b, struct vmp_msg *msg)
{
	const char *home = b->settings.server[b->settings.home];
	int err;

	if (strcmp(b->state.home, home) == 0)
		return VMP_OK;
	err = vmp_broker_unreport(b->store, NULL, msg);
	memset(b->state.home, 0, sizeof(b->state.home));
	memcpy(b->state.home, home, strlen(home));
	return err == VMP_OK ? vmp_broker_state_set(b->store, &b->state, msg) : err;
}

int broker_new(const struct broker_settings *settings, struct vmp_store *store, const struct vmp_clock *clock,
	       struct broker **out, struct vmp_msg *msg)
{
	struct broker *b = *out = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	b->settings = *settings;
	b->rule = (struct vmp_forecast_rule){ .horizon_ms = settings->refresh_ms + settings->timeout_ms,
					      .margin = settings->margin,
					      .least = settings->spare,
					      .slack = settings->slack };
	b->store = store;
	b->clock = *clock;
	err = vmp_store_begin(store, msg);
	if (err == VMP_OK)
		err = vmp_broker_state_get(store, &b->state, msg);
	if (err == VMP_OK)
		err = change_home(b, msg);
	if (err == VMP_OK)
		err = vmp_store_commit(store, msg);
	if (err != VMP_OK)
		vmp_store_rollback(store);
	if (err == VMP_OK)
		err = load(b, clock->boot_ms, msg);
	if (err == VMP_OK)
		return VMP_OK;
	broker_free(b);
	*out = NULL;
	return err;
}

static void clear(struct broker *b)
{
	vmp_lease_book_free(b->book);
	b->book = NULL;
	children_free(b);
	products_free(b);
}

void broker_free(struct broker *b)
{
	if (!b)
		return;
	clear(b);
	free(b);
}

/* -- a transaction that came to nothing --------------------------------------------------------------------------- */

/* What is no part of the store: who waits, what is on its way, and what servers have said. */
static int carry_over(struct broker *b, struct product *old, int64_t now_ms)
{
	struct product *p = product_get(b, old->name, old->n_waiting > 0, now_ms);
	struct waiter *w;
	int i;

	if (!p)
		return old->n_waiting ? VMP_ENOMEM : VMP_OK;
	while ((w = TAILQ_FIRST(&old->waiters))) {
		broker_leave(w);
		waiter_enter(w, p);
	}
	p->forecast = old->forecast;
	p->given = p->given || old->given;
	memcpy(p->maker, old->maker, sizeof(p->maker));
	for (i = 0; i < b->settings.n_server; i++) {
		struct parent *to = &p->parent[i];
		const struct parent *from = &old->parent[i];

		to->refresh_ms = now_ms + TICK_MS;
		to->retry_ms = now_ms + TICK_MS;
		to->short_until_ms = from->short_until_ms;
		to->available = from->available;
		to->failures = from->failures;
		to->sent = to->body && from->sent && strcmp(to->request_id, from->request_id) == 0;
		memcpy(to->why, from->why, sizeof(to->why));
	}
	return VMP_OK;
}

static void let_go(struct product *old)
{
	struct waiter *w;

	while ((w = TAILQ_FIRST(&old->waiters)))
		broker_leave(w);
	product_free(old);
}

int broker_reload(struct broker *b, int64_t now_ms, struct vmp_msg *msg)
{
	struct product *old[BROKER_PRODUCTS];
	int i, err;

	memcpy(old, b->product, sizeof(old));
	memset(b->product, 0, sizeof(b->product));
	clear(b);
	err = load(b, now_ms, msg);
	for (i = 0; i < BROKER_PRODUCTS; i++) {
		if (old[i] && err == VMP_OK)
			err = carry_over(b, old[i], now_ms);
		if (old[i])
			let_go(old[i]);
	}
	return err;
}

/* -- each transaction's end --------------------------------------------------------------------------------------- */

static void count_ended(void *ctx, const struct vmp_lease *lease)
{
	struct broker *b = ctx;

	if (vmp_lease_occupied(lease))
		b->counters.ended++;
}

static int tick(struct broker *b, int64_t now_ms, struct vmp_msg *msg)
{
	if (now_ms - b->ticked_ms < TICK_MS)
		return VMP_OK;
	b->ticked_ms = now_ms;
	return vmp_lease_tick(b->book, now_ms, count_ended, b, msg);
}

static int put_state(struct broker *b, struct vmp_msg *msg)
{
	struct vmp_broker_state now = b->state;
	int err;

	now.seq = vmp_lease_seq(b->book);
	now.longest_ms = vmp_lease_longest(b->book);
	now.recover_until_ms = vmp_lease_recovering(b->book);
	if (now.recover_until_ms)
		memcpy(now.recover_boot_id, b->clock.boot_id, sizeof(now.recover_boot_id));
	if (now.seq == b->state.seq && now.longest_ms == b->state.longest_ms &&
	    now.recover_until_ms == b->state.recover_until_ms)
		return VMP_OK;
	err = vmp_broker_state_set(b->store, &now, msg);
	if (err == VMP_OK)
		b->state = now;
	return err;
}

int broker_plan(struct broker *b, int64_t now_ms, int64_t *next_ms, struct vmp_msg *msg)
{
	int i, err = tick(b, now_ms, msg);

	*next_ms = now_ms + LATEST_MS;
	for (i = 0; i < BROKER_PRODUCTS && err == VMP_OK; i++) {
		struct product *p = b->product[i];
		const struct waiter *first = p ? TAILQ_FIRST(&p->waiters) : NULL;

		if (first && first->until_ms < *next_ms)
			*next_ms = first->until_ms;
		if (p)
			err = plan_product(b, p, now_ms, next_ms, msg);
	}
	return err == VMP_OK ? put_state(b, msg) : err;
}

struct parent *broker_send(struct broker *b, int64_t now_ms)
{
	int i, j;

	for (i = 0; i < BROKER_PRODUCTS; i++) {
		for (j = 0; b->product[i] && j < b->settings.n_server; j++) {
			struct parent *parent = &b->product[i]->parent[j];

			if (!parent->body || parent->sent || now_ms < parent->retry_ms)
				continue;
			parent->sent = true;
			parent->sent_ms = now_ms;
			return parent;
		}
	}
	return NULL;
}

/* -- what servers tell -------------------------------------------------------------------------------------------- */

/* It may be back by now, with a lease that it asked for since: that is for the server to say, when it is asked. */
static int doubt(struct broker *b, struct child *c, struct vmp_msg *msg)
{
	int err = VMP_OK;

	if (c->held)
		c->doubted = true;
	else
		err = child_report(b, c, false, msg);
	child_settle(b, c);
	return err;
}

static int take_stopped(struct broker *b, const json_t *list, struct vmp_msg *msg)
{
	const json_t *one;
	int err = VMP_OK, j;
	size_t i;

	json_array_foreach(list, i, one) {
		for (j = 0; j < BROKER_PRODUCTS && err == VMP_OK; j++) {
			struct product *p = b->product[j];
			struct child *c = p ? child_get(b, json_string_value(one), p, false) : NULL;

			if (c)
				err = doubt(b, c, msg);
		}
	}
	return err;
}

static void take_shorts(struct broker *b, int server, const json_t *list, int64_t now_ms)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one) {
		struct product *p = product_get(b, json_string_value(one), false, now_ms);

		if (p)
			p->parent[server].short_until_ms = now_ms + SHORT_MS;
	}
}

struct listed {
	const json_t *uuids; /* {uuid: true} */
	int err;
	struct vmp_msg *msg;
};

/* We believe that it is on record, and it is not. */
static void doubt_unlisted(struct broker *b, struct child *c, void *ctx)
{
	struct listed *listed = ctx;

	if (listed->err == VMP_OK && c->reported && !c->sent && !json_object_get(listed->uuids, c->uuid))
		listed->err = doubt(b, c, listed->msg);
}

/* It is on record, and we do not have it: it has stopped, or its lease is over. */
static int take_unknown(struct broker *b, struct product *p, const char *uuid, struct vmp_msg *msg)
{
	struct child *c = child_get(b, uuid, p, true);
	int err = VMP_OK;

	if (!c)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	if (!c->sent && !c->held)
		err = child_report(b, c, true, msg);
	child_settle(b, c);
	return err;
}

static int take_list(struct broker *b, struct product *p, const json_t *list, struct vmp_msg *msg)
{
	json_t *uuids = json_object();
	struct listed listed = { uuids, uuids ? VMP_OK : VMP_ENOMEM, msg };
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one) {
		if (json_object_set_new(uuids, json_string_value(one), json_true()) != 0)
			listed.err = VMP_ENOMEM;
		if (listed.err == VMP_OK)
			listed.err = take_unknown(b, p, json_string_value(one), msg);
	}
	if (listed.err == VMP_OK)
		children_each(b, p, doubt_unlisted, &listed);
	json_decref(uuids);
	return listed.err;
}

static int take_full(struct broker *b, json_t *licensed, int64_t now_ms, struct vmp_msg *msg)
{
	const char *name;
	json_t *list;
	int i, err = VMP_OK;

	/* Those of products that we do not know have to be named by somebody. */
	json_object_foreach(licensed, name, list) {
		if (json_array_size(list))
			(void)product_get(b, name, true, now_ms);
	}
	for (i = 0; i < BROKER_PRODUCTS && err == VMP_OK; i++) {
		if (b->product[i])
			err = take_list(b, b->product[i], json_object_get(licensed, b->product[i]->name), msg);
	}
	return err;
}

int broker_watched(struct broker *b, int server, const struct server_watch *watch, int64_t now_ms, struct vmp_msg *msg)
{
	take_shorts(b, server, watch->shorts, now_ms);
	if (server != b->settings.home)
		return VMP_OK;
	if (watch->full)
		return take_full(b, watch->licensed, now_ms, msg);
	return take_stopped(b, watch->stopped, msg);
}

/* -- for those who look ------------------------------------------------------------------------------------------- */

const struct broker_settings *broker_settings(const struct broker *b)
{
	return &b->settings;
}

const struct broker_counters *broker_counters(const struct broker *b)
{
	return &b->counters;
}

int64_t broker_seq(const struct broker *b)
{
	return vmp_lease_seq(b->book);
}

int64_t broker_recovering(const struct broker *b)
{
	return vmp_lease_recovering(b->book);
}

int64_t broker_occupied(const struct broker *b, const struct product *p)
{
	return product_occupied(b, p);
}

struct parent *broker_parent(struct broker *b, const char *product, int server)
{
	struct product *p = product_get(b, product, false, 0);

	return p ? &p->parent[server] : NULL;
}

struct product *broker_product(struct broker *b, int at)
{
	return at < BROKER_PRODUCTS ? b->product[at] : NULL;
}
