/* The book's tables: accounts by holder and product, pools by id, and what is occupied of each. */
#include "lease_internal.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS 64 /* at first; a power of two */

/* -- one account ----------------------------------------------------------------------------------------------- */

int64_t vmp_lease_count(const struct vmp_lease *lease)
{
	int64_t count = 0, lapsing = 0;
	int i;

	for (i = 0; i < lease->n_part; i++) {
		count += lease->part[i].count;
		lapsing += lease->part[i].lapsing;
	}
	return count ? count : lapsing;
}

int64_t vmp_lease_occupied(const struct vmp_lease *lease)
{
	int64_t sum = 0;
	int i;

	for (i = 0; i < lease->n_part; i++)
		sum += lease->part[i].count + lease->part[i].lapsing;
	return sum;
}

struct vmp_lease_part lease_part_of(const struct vmp_lease *lease, int64_t pool)
{
	int i;

	for (i = 0; lease && i < lease->n_part; i++) {
		if (lease->part[i].pool == pool)
			return lease->part[i];
	}
	return (struct vmp_lease_part){ .pool = pool };
}

void lease_pack(struct vmp_lease *lease)
{
	int i, n = 0;

	for (i = 0; i < lease->n_part; i++) {
		if (lease->part[i].count || lease->part[i].lapsing)
			lease->part[n++] = lease->part[i];
	}
	lease->n_part = n;
}

bool lease_trim(struct vmp_lease *lease, int64_t now_ms)
{
	bool any = false;
	int i;

	for (i = 0; i < lease->n_part; i++) {
		struct vmp_lease_part *part = &lease->part[i];

		if (part->count && part->over_ms <= now_ms) {
			part->count = 0;
			any = true;
		}
		if (part->lapsing && part->lapsed_ms <= now_ms) {
			part->lapsing = 0;
			any = true;
		}
	}
	lease_pack(lease);
	return any;
}

/* When something of the account is over next; all of it is, if that was the last. */
static int64_t next_over(const struct vmp_lease *lease, int64_t *last)
{
	int64_t first = lease->end_ms + lease->grace_ms;
	int i;

	*last = first;
	for (i = 0; i < lease->n_part; i++) {
		const struct vmp_lease_part *part = &lease->part[i];

		if (part->count) {
			first = lease_least(first, part->over_ms);
			*last = lease_most(*last, part->over_ms);
		}
		if (part->lapsing) {
			first = lease_least(first, part->lapsed_ms);
			*last = lease_most(*last, part->lapsed_ms);
		}
	}
	return first;
}

/* -- pools ----------------------------------------------------------------------------------------------------- */

/* The place of the first pool whose id is not below. */
static size_t pool_place(const struct vmp_lease_book *book, int64_t id)
{
	size_t low = 0, high = book->n_pools;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (book->pool[mid].is.id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct lease_pool *lease_pool_find(const struct vmp_lease_book *book, int64_t id)
{
	size_t at = pool_place(book, id);

	return at < book->n_pools && book->pool[at].is.id == id ? &book->pool[at] : NULL;
}

static struct lease_pool *pool_make(struct vmp_lease_book *book, int64_t id)
{
	struct lease_pool *pool = lease_pool_find(book, id);
	size_t at = pool_place(book, id), room = book->room ? 2 * book->room : 8;

	if (pool)
		return pool;
	if (book->n_pools == book->room) {
		pool = realloc(book->pool, room * sizeof(*pool));
		if (!pool)
			return NULL;
		book->pool = pool;
		book->room = room;
	}
	pool = &book->pool[at];
	memmove(pool + 1, pool, (book->n_pools++ - at) * sizeof(*pool));
	*pool = (struct lease_pool){ .is.id = id };
	return pool;
}

static bool in_range(int64_t n, int64_t max)
{
	return n >= 0 && n <= max;
}

int vmp_lease_pool_set(struct vmp_lease_book *book, const struct vmp_lease_pool *is)
{
	struct lease_pool *pool;

	if (is->id <= 0 || !*is->product || !memchr(is->product, 0, sizeof(is->product)) ||
	    !in_range(is->owned, VMP_LEASE_MAX) || !in_range(is->overdraft, VMP_LEASE_MAX) ||
	    !in_range(is->life_ms, VMP_LEASE_LIFE_MS) || !in_range(is->grace_ms, VMP_LEASE_LIFE_MS))
		return VMP_EINVAL;
	pool = pool_make(book, is->id);
	if (!pool)
		return VMP_ENOMEM;
	pool->is = *is;
	pool->known = true;
	return VMP_OK;
}

void vmp_lease_pool_remove(struct vmp_lease_book *book, int64_t id)
{
	struct lease_pool *pool = lease_pool_find(book, id);

	if (!pool)
		return;
	pool->known = false;
	if (pool->occupied)
		return; /* accounts speak of it: it stays, to be counted on if it comes back */
	book->n_pools--;
	memmove(pool, pool + 1, (size_t)(book->pool + book->n_pools - pool) * sizeof(*pool));
}

int vmp_lease_pool_usage(const struct vmp_lease_book *book, int64_t id, int64_t *occupied)
{
	const struct lease_pool *pool = lease_pool_find(book, id);

	if (!pool || !pool->known)
		return VMP_ENOENT;
	*occupied = pool->occupied;
	return VMP_OK;
}

/* Count an account into its pools (times 1), or out of them (times -1). */
static void tally(struct vmp_lease_book *book, const struct vmp_lease *lease, int64_t times)
{
	int i;

	for (i = 0; i < lease->n_part; i++) {
		struct lease_pool *pool = lease_pool_find(book, lease->part[i].pool);

		pool->live += times * lease->part[i].count;
		pool->occupied += times * (lease->part[i].count + lease->part[i].lapsing);
	}
}

/* -- accounts -------------------------------------------------------------------------------------------------- */

/* FNV-1a, 32 bits. */
static uint32_t mix(uint32_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619U;
	return hash;
}

static uint32_t hash_of(const char *holder, const char *product)
{
	return mix(mix(2166136261U, holder), product);
}

struct lease_account *lease_account_find(const struct vmp_lease_book *book, const char *holder, const char *product)
{
	uint32_t hash = hash_of(holder, product);
	struct lease_account *a;

	for (a = book->slot[hash & (book->n_slots - 1)]; a; a = a->next) {
		if (a->hash == hash && strcmp(a->lease.holder, holder) == 0 && strcmp(a->lease.product, product) == 0)
			break;
	}
	return a;
}

static void chain(struct lease_account **slot, size_t n_slots, struct lease_account *a)
{
	struct lease_account **at = &slot[a->hash & (n_slots - 1)];

	a->next = *at;
	*at = a;
}

/* More slots when there are more accounts than slots; without memory the chains are longer. */
static void widen(struct vmp_lease_book *book)
{
	size_t i, n = 2 * book->n_slots;
	struct lease_account **slot, *a;

	if (book->n_accounts < book->n_slots || !(slot = calloc(n, sizeof(struct lease_account *))))
		return;
	for (i = 0; i < book->n_slots; i++) {
		while ((a = book->slot[i])) {
			book->slot[i] = a->next;
			chain(slot, n, a);
		}
	}
	free(book->slot);
	book->slot = slot;
	book->n_slots = n;
}

static struct lease_account *account_new(struct vmp_lease_book *book, const struct vmp_lease *lease)
{
	struct lease_account *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	widen(book);
	a->hash = hash_of(lease->holder, lease->product);
	return a;
}

/* Make it what is counted. */
static void account_set(struct vmp_lease_book *book, struct lease_account *a, const struct vmp_lease *lease)
{
	int64_t last;

	tally(book, &a->lease, -1);
	a->lease = *lease;
	tally(book, lease, 1);
	book->seq = lease_most(book->seq, lease->seq);
	book->longest_ms = lease_most(book->longest_ms, lease->life_ms + lease->grace_ms);
	book->over_ms = lease_least(book->over_ms, next_over(lease, &last));
}

int lease_put(struct vmp_lease_book *book, struct lease_account *account, const struct vmp_lease *next,
	      struct vmp_msg *msg)
{
	struct lease_account *made = account ? NULL : account_new(book, next);
	int err;

	if (!account && !made)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory for leases");
	err = book->journal.write ? book->journal.write(book->journal.ctx, next, msg) : VMP_OK;
	if (err) {
		free(made);
		return err;
	}
	if (made) {
		chain(book->slot, book->n_slots, made);
		book->n_accounts++;
	}
	account_set(book, made ? made : account, next);
	return VMP_OK;
}

static int account_erase(struct vmp_lease_book *book, struct lease_account **at, struct vmp_msg *msg)
{
	struct lease_account *a = *at;
	int err = book->journal.erase ? book->journal.erase(book->journal.ctx, &a->lease, msg) : VMP_OK;

	if (err)
		return err;
	tally(book, &a->lease, -1);
	*at = a->next;
	book->n_accounts--;
	free(a);
	return VMP_OK;
}

int vmp_lease_restore(struct vmp_lease_book *book, const struct vmp_lease *lease, bool waited_out, int64_t now_ms)
{
	struct lease_account *a = lease_account_find(book, lease->holder, lease->product);
	struct vmp_lease is = *lease;
	int64_t shift = waited_out ? now_ms - (is.end_ms - is.life_ms) : 0;
	int i;

	for (i = 0; i < is.n_part; i++) {
		if (!pool_make(book, is.part[i].pool))
			return VMP_ENOMEM;
		/* The time of nothing is none: shifted into a younger boot, it would be before its beginning. */
		is.part[i].over_ms = is.part[i].count ? is.part[i].over_ms + shift : 0;
		is.part[i].lapsed_ms = is.part[i].lapsing ? is.part[i].lapsed_ms + shift : 0;
	}
	is.end_ms += shift;
	if (!a) {
		if (!(a = account_new(book, &is)))
			return VMP_ENOMEM;
		chain(book->slot, book->n_slots, a);
		book->n_accounts++;
	}
	account_set(book, a, &is);
	return VMP_OK;
}

const struct vmp_lease *vmp_lease_find(const struct vmp_lease_book *book, const char *holder, const char *product)
{
	const struct lease_account *a = lease_account_find(book, holder, product);

	return a ? &a->lease : NULL;
}

int vmp_lease_end(struct vmp_lease_book *book, const char *holder, const char *product, struct vmp_msg *msg)
{
	const struct lease_account *a = lease_account_find(book, holder, product);
	struct lease_account **at;

	if (!a)
		return VMP_ENOENT;
	at = &book->slot[a->hash & (book->n_slots - 1)];
	while (*at != a)
		at = &(*at)->next;
	return account_erase(book, at, msg);
}

int lease_reclaim(struct vmp_lease_book *book, const struct lease_account *spare, int64_t now_ms,
		  void (*ended)(void *ctx, const struct vmp_lease *lease), void *ctx, struct vmp_msg *msg)
{
	int64_t earliest = INT64_MAX, last;
	struct lease_account **at;
	int err = VMP_OK;
	size_t i;

	for (i = 0; i < book->n_slots; i++) {
		for (at = &book->slot[i]; *at;) {
			struct vmp_lease is = (*at)->lease;

			(void)next_over(&is, &last);
			if (last <= now_ms && *at != spare) {
				if (ended)
					ended(ctx, &is);
				if ((err = account_erase(book, at, msg)))
					return err;
				continue;
			}
			if (*at != spare && lease_trim(&is, now_ms) && (err = lease_put(book, *at, &is, msg)))
				return err;
			earliest = lease_least(earliest, next_over(&is, &last));
			at = &(*at)->next;
		}
	}
	book->over_ms = earliest;
	book->looked_ms = now_ms;
	return VMP_OK;
}

void vmp_lease_each(const struct vmp_lease_book *book, void (*each)(void *ctx, const struct vmp_lease *lease),
		    void *ctx)
{
	const struct lease_account *a;
	size_t i;

	for (i = 0; i < book->n_slots; i++) {
		for (a = book->slot[i]; a; a = a->next)
			each(ctx, &a->lease);
	}
}

size_t vmp_lease_accounts(const struct vmp_lease_book *book)
{
	return book->n_accounts;
}

/* -- the book -------------------------------------------------------------------------------------------------- */

struct vmp_lease_book *vmp_lease_book_new(const struct vmp_lease_journal *journal)
{
	struct vmp_lease_book *book = calloc(1, sizeof(*book));

	if (!book || !(book->slot = calloc(SLOTS, sizeof(struct lease_account *)))) {
		free(book);
		return NULL;
	}
	book->n_slots = SLOTS;
	book->over_ms = INT64_MAX;
	book->believe_ms = INT64_MAX;
	book->looked_ms = INT64_MIN;
	if (journal)
		book->journal = *journal;
	return book;
}

void vmp_lease_book_free(struct vmp_lease_book *book)
{
	struct lease_account *a;
	size_t i;

	if (!book)
		return;
	for (i = 0; i < book->n_slots; i++) {
		while ((a = book->slot[i])) {
			book->slot[i] = a->next;
			free(a);
		}
	}
	free(book->slot);
	free(book->pool);
	free(book);
}
