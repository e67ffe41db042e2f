/* The rules: what a request is answered. */
#include "lease_internal.h"

#include <string.h>

#define LOOK_MS	    1000	 /* all accounts are looked at no more often, when a pool is exhausted */
#define SHORTEST_MS 1000	 /* a life below that is none: durations are told in seconds */
#define SEQ_AHEAD   4294967296LL /* no copy is older than by so many answers: a seen beyond is nonsense */

static const char *const reasons[VMP_LEASE_REASONS] = {
	[VMP_LEASE_FINE] = "",
	[VMP_LEASE_EXHAUSTED] = "all licences are in use",
	[VMP_LEASE_NO_POOL] = "there are no licences of this product for this holder",
	[VMP_LEASE_CLOSED] = "the licences of this product are disabled, or outside their dates",
	[VMP_LEASE_RECOVERING] = "the server waits for leases that it may not know of to end",
	[VMP_LEASE_REDUCED] = "fewer licences are owned than before",
};

const char *vmp_lease_reason_text(unsigned reason)
{
	return reason < VMP_LEASE_REASONS ? reasons[reason] : "unknown reason";
}

/* An answer in the making. */
struct draw {
	struct vmp_lease_book *book;
	const struct vmp_lease_request *request;
	const struct vmp_lease *old; /* as it is counted now; nothing held: all zeros */
	struct vmp_lease next;
	int64_t now, want;
	int64_t before; /* held, without what is over */
	bool reduced;	/* an open pool could not renew all */
};

/* -- pools ----------------------------------------------------------------------------------------------------- */

static int64_t limit(const struct lease_pool *pool)
{
	return pool->is.owned + pool->is.overdraft;
}

/* The pool, if there is one of this product; it may be closed. */
static struct lease_pool *pool_of_product(const struct draw *d, int64_t id)
{
	struct lease_pool *pool = lease_pool_find(d->book, id);

	return pool && pool->known && strcmp(pool->is.product, d->request->product) == 0 ? pool : NULL;
}

static bool is_open(const struct lease_pool *pool, int64_t now)
{
	return pool->is.open && pool->is.life_ms >= SHORTEST_MS && pool->is.until_ms >= now + SHORTEST_MS;
}

/* The pool, if this holder may be given of it now. */
static struct lease_pool *pool_usable(const struct draw *d, int64_t id)
{
	struct lease_pool *pool = pool_of_product(d, id);
	size_t i;

	if (!pool || !is_open(pool, d->now))
		return NULL;
	for (i = 0; i < d->request->n_pools; i++) {
		if (d->request->pools[i] == id)
			return pool;
	}
	return NULL;
}

/* What is left of a pool, with this account as it is going to be. */
static int64_t left(const struct draw *d, const struct lease_pool *pool)
{
	struct vmp_lease_part before = lease_part_of(d->old, pool->is.id), after = lease_part_of(&d->next, pool->is.id);
	int64_t others = pool->occupied - before.count - before.lapsing;

	return lease_most(0, limit(pool) - others - after.count - after.lapsing);
}

static int64_t left_of_all(const struct draw *d)
{
	int64_t sum = 0;
	size_t i;

	for (i = 0; i < d->request->n_pools; i++) {
		const struct lease_pool *pool = pool_usable(d, d->request->pools[i]);

		sum += pool ? left(d, pool) : 0;
	}
	return sum;
}

static int64_t live(const struct vmp_lease *lease)
{
	int64_t sum = 0;
	int i;

	for (i = 0; i < lease->n_part; i++)
		sum += lease->part[i].count;
	return sum;
}

/* -- the steps of an answer ------------------------------------------------------------------------------------ */

/* What is left counts for as long as what went would have: the holder may rely on its oldest answer for the rest. */
static void outlive(struct vmp_lease *lease, int64_t over_ms)
{
	int i;

	for (i = 0; i < lease->n_part; i++) {
		lease->part[i].over_ms = lease_most(lease->part[i].over_ms, over_ms);
		lease->part[i].lapsed_ms = lease_most(lease->part[i].lapsed_ms, over_ms);
	}
}

/* What is wanted no more is free at once: the last pool's first, and what is lapsing before the rest. */
static void give_back(struct draw *d)
{
	int64_t surplus = vmp_lease_occupied(&d->next) - d->want, over = 0, n;
	int i;

	for (i = d->next.n_part - 1; i >= 0 && surplus > 0; i--) {
		struct vmp_lease_part *part = &d->next.part[i];

		n = lease_least(surplus, part->lapsing);
		over = n ? lease_most(over, part->lapsed_ms) : over;
		part->lapsing -= n;
		surplus -= n;
	}
	for (i = d->next.n_part - 1; i >= 0 && surplus > 0; i--) {
		struct vmp_lease_part *part = &d->next.part[i];

		n = lease_least(surplus, part->count);
		over = n ? lease_most(over, part->over_ms) : over;
		part->count -= n;
		surplus -= n;
	}
	lease_pack(&d->next);
	outlive(&d->next, over);
}

/* Others' lapsing parts do not stand against a renewal: they end by themselves, and this one is occupied already. */
static void renew(struct draw *d, struct vmp_lease_part *part)
{
	const struct lease_pool *pool = pool_usable(d, part->pool);
	int64_t mine = part->count + part->lapsing, most = 0, keep;

	if (pool) {
		most = limit(pool) - (pool->live - lease_part_of(d->old, part->pool).count);
		d->reduced |= most < mine;
	}
	keep = lease_most(0, lease_least(mine, most));
	if (keep < part->count)
		part->lapsed_ms = part->lapsing ? lease_most(part->over_ms, part->lapsed_ms) : part->over_ms;
	else if (keep > part->count)
		part->over_ms = part->count ? lease_most(part->over_ms, part->lapsed_ms) : part->lapsed_ms;
	part->count = keep;
	part->lapsing = mine - keep;
}

/* The account's part of the pool, made if need be; NULL: it draws on too many already. */
static struct vmp_lease_part *part_for(struct vmp_lease *lease, int64_t pool)
{
	int i;

	for (i = 0; i < lease->n_part; i++) {
		if (lease->part[i].pool == pool)
			return &lease->part[i];
	}
	if (lease->n_part == VMP_LEASE_PARTS)
		return NULL;
	lease->part[lease->n_part++] = (struct vmp_lease_part){ .pool = pool };
	return &lease->part[i];
}

static void grow(struct draw *d)
{
	int64_t missing = d->want - live(&d->next), least = lease_least(d->request->least, d->want), n;
	struct vmp_lease as_it_was = d->next;
	struct vmp_lease_part *part;
	size_t i;

	for (i = 0; i < d->request->n_pools && missing > 0; i++) {
		const struct lease_pool *pool = pool_usable(d, d->request->pools[i]);

		n = pool ? lease_least(missing, left(d, pool)) : 0;
		if (n > 0 && (part = part_for(&d->next, pool->is.id))) {
			part->count += n;
			missing -= n;
		}
	}
	if (missing > 0 && live(&d->next) < least)
		d->next = as_it_was;
}

/* When nothing is renewed: for how long all of it still counts. */
static int64_t remaining(const struct draw *d)
{
	int64_t over = d->next.n_part ? INT64_MAX : d->next.end_ms + d->next.grace_ms;
	int i;

	for (i = 0; i < d->next.n_part; i++)
		over = lease_least(over, d->next.part[i].lapsed_ms);
	return lease_most(0, over - d->now);
}

/* One end for all: the shortest life and grace of the pools that are drawn on. */
static void set_end(struct draw *d)
{
	int64_t life = INT64_MAX, grace = INT64_MAX;
	struct vmp_lease *next = &d->next;
	int i;

	for (i = 0; i < next->n_part; i++) {
		const struct lease_pool *pool = lease_pool_find(d->book, next->part[i].pool);

		if (!next->part[i].count)
			continue;
		life = lease_least(life, lease_least(pool->is.life_ms, pool->is.until_ms - d->now));
		grace = lease_least(grace, pool->is.grace_ms);
	}
	if (life == INT64_MAX) {
		life = remaining(d);
		grace = lease_least(life, next->grace_ms);
		life -= grace;
	}
	next->end_ms = d->now + life;
	next->life_ms = life;
	next->grace_ms = grace;
	for (i = 0; i < next->n_part; i++) {
		if (next->part[i].count)
			next->part[i].over_ms = lease_most(next->part[i].over_ms, next->end_ms + grace);
	}
}

/* -- what is said ---------------------------------------------------------------------------------------------- */

static unsigned reason_of(const struct draw *d)
{
	bool any = false, open = false;
	size_t i;

	if (live(&d->next) >= d->request->wants)
		return VMP_LEASE_FINE;
	for (i = 0; i < d->request->n_pools; i++) {
		const struct lease_pool *pool = pool_of_product(d, d->request->pools[i]);

		any |= pool != NULL;
		open |= pool && is_open(pool, d->now);
	}
	if (!any)
		return VMP_LEASE_NO_POOL;
	if (!open)
		return VMP_LEASE_CLOSED;
	if (d->book->recover_ms)
		return VMP_LEASE_RECOVERING;
	return d->reduced ? VMP_LEASE_REDUCED : VMP_LEASE_EXHAUSTED;
}

/* How many of what was added are beyond what is owned. */
static int64_t overdrawn(const struct draw *d)
{
	int64_t sum = 0;
	int i;

	for (i = 0; i < d->next.n_part; i++) {
		const struct vmp_lease_part *part = &d->next.part[i];
		const struct vmp_lease_part was = lease_part_of(d->old, part->pool);
		const struct lease_pool *pool = lease_pool_find(d->book, part->pool);
		int64_t before = pool->occupied - pool->is.owned;
		int64_t after = before + part->count + part->lapsing - was.count - was.lapsing;

		sum += lease_most(0, lease_most(0, after) - lease_most(0, before));
	}
	return sum;
}

static int64_t told(const struct vmp_lease *lease, int64_t now)
{
	return lease->end_ms > now ? vmp_lease_count(lease) : 0;
}

/* The account as it is, or is going to be. */
static void describe(const struct vmp_lease *lease, int64_t now, struct vmp_lease_answer *out)
{
	out->seq = lease->seq;
	out->granted = told(lease, now);
	out->life_ms = out->granted ? lease->end_ms - now : 0;
	out->grace_ms = out->granted ? lease->grace_ms : 0;
	out->reason = lease->reason;
	out->refused = lease->refused;
	out->available = lease->available;
}

/* Of the request's pools, were others refused lately? */
static bool is_short(const struct draw *d)
{
	size_t i, k;

	for (i = 0; i < d->request->n_pools; i++) {
		const struct lease_pool *pool = pool_of_product(d, d->request->pools[i]);

		for (k = 0; pool && k < LEASE_REFUSALS; k++) {
			if (*pool->refused[k].holder && strcmp(pool->refused[k].holder, d->request->holder) != 0 &&
			    d->now - pool->refused[k].at_ms < VMP_LEASE_SHORT_MS)
				return true;
		}
	}
	return false;
}

static void note_refusal(struct draw *d)
{
	size_t i;

	for (i = 0; i < d->request->n_pools; i++) {
		struct lease_pool *pool = pool_of_product(d, d->request->pools[i]);

		if (!pool)
			continue;
		if (strcmp(pool->refused[0].holder, d->request->holder) != 0)
			pool->refused[1] = pool->refused[0];
		memcpy(pool->refused[0].holder, d->request->holder, VMP_UUID_TEXT);
		pool->refused[0].at_ms = d->now;
	}
}

/* -- a request ------------------------------------------------------------------------------------------------- */

static bool is_product(const char *text)
{
	size_t i;

	for (i = 0; text[i]; i++) {
		if (i == VMP_PRODUCT - 1 || text[i] < ' ' || text[i] > '~')
			return false;
	}
	return i > 0;
}

static bool is_uuid(const char *text)
{
	char canonical[VMP_UUID_TEXT];

	return vmp_uuid_parse(text, strlen(text), canonical) == VMP_OK && strcmp(text, canonical) == 0;
}

static bool is_amount(int64_t n)
{
	return n >= 0 && n <= VMP_LEASE_MAX;
}

static int check(const struct vmp_lease_request *r, struct vmp_msg *msg)
{
	if (!is_uuid(r->holder) || !is_uuid(r->id))
		return vmp_fail(msg, VMP_EINVAL, "a holder and a request have UUIDs in lower case");
	if (!is_product(r->product))
		return vmp_fail(msg, VMP_EINVAL, "a product's name is 1 to %d printable characters", VMP_PRODUCT - 1);
	if (r->seen < 0)
		return vmp_fail(msg, VMP_EINVAL, "seen is at least 0");
	if (!is_amount(r->has) || !is_amount(r->in_use) || !is_amount(r->wants) || !is_amount(r->least))
		return vmp_fail(msg, VMP_EINVAL, "has, in_use, wants and least are 0 to %d", VMP_LEASE_MAX);
	return VMP_OK;
}

/* The holder has seen what this book has never said: the book is an older copy. */
static void learn(struct vmp_lease_book *book, const struct vmp_lease_request *r, int64_t now)
{
	int64_t longest = book->longest_ms;
	size_t i;

	if (!r->trusted || now >= book->believe_ms || r->seen <= book->seq || r->seen - book->seq > SEQ_AHEAD)
		return;
	book->seq = r->seen;
	for (i = 0; i < book->n_pools; i++)
		longest = lease_most(longest, book->pool[i].is.life_ms + book->pool[i].is.grace_ms);
	vmp_lease_recover(book, now + longest);
}

/* Is there nothing new to decide? */
static bool answer_old(struct vmp_lease_book *book, const struct lease_account *account,
		       const struct vmp_lease_request *r, int64_t now, struct vmp_lease_answer *out)
{
	out->repeated = account && strcmp(account->lease.request_id, r->id) == 0;
	out->stale = !out->repeated && r->seen != (account ? account->lease.seq : 0);
	if (out->stale)
		learn(book, r, now);
	if (!out->repeated && !out->stale)
		return false;
	if (account) {
		describe(&account->lease, now, out);
		out->before = out->granted;
	}
	return true;
}

/* The account as it is going to be. */
static void decide(struct draw *d)
{
	int i;

	give_back(d);
	for (i = 0; i < d->next.n_part; i++)
		renew(d, &d->next.part[i]);
	if (!d->book->recover_ms)
		grow(d);
	set_end(d);
	d->next.reason = reason_of(d);
	d->next.available = d->book->recover_ms ? 0 : left_of_all(d);
}

static void say(struct draw *d, struct vmp_lease_answer *out)
{
	const struct vmp_lease_request *r = d->request;
	int64_t granted = told(&d->next, d->now);

	d->next.refused = r->wants > 0 && (granted == 0 || (r->wants > d->before && granted <= d->before));
	if (d->next.refused)
		note_refusal(d);
	describe(&d->next, d->now, out);
	out->before = d->before;
	out->overdrawn = overdrawn(d);
}

static void prepare(struct draw *d, const struct vmp_lease *old)
{
	const struct vmp_lease_request *r = d->request;

	d->next = *old;
	(void)lease_trim(&d->next, d->now);
	d->before = vmp_lease_count(&d->next);
	memcpy(d->next.holder, r->holder, VMP_UUID_TEXT);
	memcpy(d->next.product, r->product, strlen(r->product) + 1);
	memcpy(d->next.request_id, r->id, VMP_UUID_TEXT);
	d->next.wants = r->wants;
	d->next.in_use = r->in_use;
	d->want = d->book->recover_ms ? lease_least(r->wants, r->has) : r->wants;
}

/* Reclaim what is over, if this request cannot be answered in full without. */
static int make_room(struct draw *d, const struct lease_account *spare, struct vmp_msg *msg)
{
	if (d->book->over_ms > d->now || (d->book->looked_ms != INT64_MIN && d->now - d->book->looked_ms < LOOK_MS) ||
	    d->want - vmp_lease_occupied(&d->next) <= left_of_all(d))
		return VMP_OK;
	return lease_reclaim(d->book, spare, d->now, NULL, NULL, msg);
}

static void recovered(struct vmp_lease_book *book, int64_t now_ms)
{
	if (book->recover_ms <= now_ms)
		book->recover_ms = 0;
}

int vmp_lease_ask(struct vmp_lease_book *book, const struct vmp_lease_request *request, int64_t now_ms,
		  struct vmp_lease_answer *out, struct vmp_msg *msg)
{
	static const struct vmp_lease nothing;
	struct draw d = { .book = book, .request = request, .now = now_ms };
	struct lease_account *account;
	int err = check(request, msg);

	if (err)
		return err;
	*out = (struct vmp_lease_answer){ 0 };
	recovered(book, now_ms);
	account = lease_account_find(book, request->holder, request->product);
	out->is_short = is_short(&d);
	if (answer_old(book, account, request, now_ms, out))
		return VMP_OK;
	d.old = account ? &account->lease : &nothing;
	prepare(&d, d.old);
	if ((err = make_room(&d, account, msg)))
		return err;
	decide(&d);
	say(&d, out);
	if (!d.old->n_part && !d.next.n_part) { /* nothing held, nothing given */
		out->seq = d.old->seq;
		return VMP_OK;
	}
	out->seq = d.next.seq = book->seq + 1;
	return lease_put(book, account, &d.next, msg);
}

int vmp_lease_tick(struct vmp_lease_book *book, int64_t now_ms, void (*ended)(void *ctx, const struct vmp_lease *lease),
		   void *ctx, struct vmp_msg *msg)
{
	recovered(book, now_ms);
	if (book->over_ms > now_ms)
		return VMP_OK;
	return lease_reclaim(book, NULL, now_ms, ended, ctx, msg);
}

/* -- numbers that only grow, and recovery ---------------------------------------------------------------------- */

void vmp_lease_seq_set(struct vmp_lease_book *book, int64_t seq)
{
	book->seq = lease_most(book->seq, seq);
}

int64_t vmp_lease_seq(const struct vmp_lease_book *book)
{
	return book->seq;
}

void vmp_lease_recover(struct vmp_lease_book *book, int64_t until_ms)
{
	book->recover_ms = lease_most(book->recover_ms, until_ms);
}

int64_t vmp_lease_recovering(const struct vmp_lease_book *book)
{
	return book->recover_ms;
}

void vmp_lease_believe(struct vmp_lease_book *book, int64_t until_ms)
{
	book->believe_ms = until_ms;
}

int64_t vmp_lease_longest(const struct vmp_lease_book *book)
{
	return book->longest_ms;
}

void vmp_lease_longest_set(struct vmp_lease_book *book, int64_t ms)
{
	book->longest_ms = lease_most(book->longest_ms, ms);
}
