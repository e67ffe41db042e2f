#include "lease_model.h"
#include "lease_holder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOLDERS	 8
#define PRODUCTS 2
#define PARTIES	 (HOLDERS * PRODUCTS)
#define POOLS	 6
#define MESSAGES 48

struct message {
	bool is_answer;
	int party;
	struct lease_asking asking;
	int64_t sent; /* when the request was */
	struct vmp_lease_answer answer;
};

/* What is on the server's disk. */
struct disk {
	bool there[PARTIES];
	int boot[PARTIES]; /* in which each was written */
	struct vmp_lease lease[PARTIES];
	int64_t seq, recover;
	int recover_boot;
};

struct lease_model {
	uint32_t (*random)(void *ctx);
	void *ctx;
	int64_t t;		 /* [ms] */
	int64_t booted;		 /* the server, at that time */
	int64_t longest, marked; /* beside the store: never an older copy */
	int boot;
	bool failing; /* the disk is full */
	bool older;   /* the store is an older copy, and recovery is not over */
	bool jumped;  /* the book was loaded anew: what it counts may have changed */
	uint64_t ids;
	struct vmp_lease_book *book;
	struct disk disk, work, backup;
	struct vmp_lease_pool pool[POOLS];
	int64_t counted[POOLS];	 /* as of the last step */
	int64_t bound[PRODUCTS]; /* what may be believed in while older */
	struct lease_holder party[PARTIES];
	struct message message[MESSAGES];
	int n_messages;
	struct lease_model_sums sums;
	char error[256];
};

static const char *const products[PRODUCTS] = { "web-std", "db" };
/* Which pools are of which product, and which holders may draw on them: all, the even, the first four. */
static const int product_of[POOLS] = { 0, 0, 0, 0, 1, 1 };
static const unsigned holders_of[POOLS] = { 0x55, 0x0f, 0xff, 0xff, 0xff, 0x0f };

/* n is small beside 2^32. */
static int64_t below(struct lease_model *m, int64_t n)
{
	return (int64_t)(m->random(m->ctx) % (uint64_t)n);
}

static bool once_in(struct lease_model *m, int64_t n)
{
	return below(m, n) == 0;
}

static void put_uuid(uint64_t n, char out[VMP_UUID_TEXT])
{
	static const char zero[VMP_UUID_TEXT] = "00000000-0000-4000-8000-000000000000";
	size_t i;

	memcpy(out, zero, sizeof(zero));
	for (i = VMP_UUID_TEXT - 2; n; i--, n >>= 4)
		out[i] = "0123456789abcdef"[n & 15];
}

static int64_t clock_of(const struct lease_model *m)
{
	return m->t - m->booted;
}

/* -- the server's disk ----------------------------------------------------------------------------------------- */

static int party_of(const struct vmp_lease *lease)
{
	int holder = (int)strtol(lease->holder + VMP_UUID_TEXT - 3, NULL, 16);

	return holder * PRODUCTS + (strcmp(lease->product, products[1]) == 0);
}

static int disk_write(void *ctx, const struct vmp_lease *lease, struct vmp_msg *msg)
{
	struct lease_model *m = ctx;
	int i = party_of(lease);

	if (m->failing)
		return vmp_fail(msg, VMP_EFULL, "full");
	m->work.there[i] = true;
	m->work.boot[i] = m->boot;
	m->work.lease[i] = *lease;
	return VMP_OK;
}

static int disk_erase(void *ctx, const struct vmp_lease *lease, struct vmp_msg *msg)
{
	struct lease_model *m = ctx;

	if (m->failing)
		return vmp_fail(msg, VMP_EFULL, "full");
	m->work.there[party_of(lease)] = false;
	m->sums.reclaimed++;
	return VMP_OK;
}

/* The server starts, from its disk. */
static void load(struct lease_model *m)
{
	const struct vmp_lease_journal journal = { disk_write, disk_erase, m };
	int i;

	vmp_lease_book_free(m->book);
	m->book = vmp_lease_book_new(&journal);
	m->work = m->disk;
	m->jumped = true;
	if (!m->book)
		abort();
	vmp_lease_seq_set(m->book, m->disk.seq);
	vmp_lease_longest_set(m->book, m->longest);
	for (i = 0; i < POOLS; i++) {
		if (m->pool[i].id && vmp_lease_pool_set(m->book, &m->pool[i]))
			abort();
	}
	for (i = 0; i < PARTIES; i++) {
		if (m->disk.there[i] &&
		    vmp_lease_restore(m->book, &m->disk.lease[i], m->disk.boot[i] != m->boot, clock_of(m)))
			abort();
	}
	if (m->disk.recover)
		vmp_lease_recover(m->book,
				  m->disk.recover_boot == m->boot ? m->disk.recover : clock_of(m) + m->longest);
}

static void commit(struct lease_model *m)
{
	m->work.seq = vmp_lease_seq(m->book);
	if (vmp_lease_recovering(m->book) != m->work.recover) {
		m->work.recover = vmp_lease_recovering(m->book);
		m->work.recover_boot = m->boot;
	}
	m->disk = m->work;
	m->marked = m->disk.seq > m->marked ? m->disk.seq : m->marked;
	m->longest = vmp_lease_longest(m->book);
}

/* -- the network ----------------------------------------------------------------------------------------------- */

static void send_message(struct lease_model *m, const struct message *message)
{
	if (m->n_messages == MESSAGES)
		m->message[below(m, MESSAGES)] = *message; /* another is lost */
	else
		m->message[m->n_messages++] = *message;
}

static struct message take_message(struct lease_model *m, int i)
{
	struct message message = m->message[i];

	if (once_in(m, 8)) {
		m->sums.doubled++; /* it stays on its way */
	} else {
		m->message[i] = m->message[--m->n_messages];
	}
	return message;
}

/* -- holders --------------------------------------------------------------------------------------------------- */

static void ask(struct lease_model *m, int i)
{
	struct lease_holder *p = &m->party[i];
	struct lease_asking *a = &p->asking;
	int64_t demand = once_in(m, 5) ? 0 : below(m, 9);

	/* Most keep what they have when they ask for more. */
	a->wants = once_in(m, 3) || demand > lease_holder_has(p, m->t) ? demand : lease_holder_has(p, m->t);
	a->least = below(m, 2) ? 1 : below(m, a->wants + 2);
	lease_holder_use_less(p, a->wants);
	a->seen = p->seen;
	a->has = lease_holder_has(p, m->t);
	put_uuid(++m->ids, a->id);
	p->waits = true;
}

static void act(struct lease_model *m)
{
	int i = (int)below(m, PARTIES);
	struct message message = { .party = i };

	if (!m->party[i].waits || once_in(m, 12)) /* or it has another idea, before it was answered */
		ask(m, i);
	message.asking = m->party[i].asking;
	message.sent = m->t;
	send_message(m, &message);
}

/* It starts again: with all it knew, with the last answer's number alone, or with nothing. */
static void holder_crash(struct lease_model *m)
{
	int i = (int)below(m, PARTIES);
	struct lease_holder *p = &m->party[i];
	int64_t seen = p->seen;

	if ((i / PRODUCTS) % 2 == 1 && !once_in(m, 4))
		return;
	*p = (struct lease_holder){ .seen = below(m, 2) ? seen : 0 };
}

/* -- the server ------------------------------------------------------------------------------------------------ */

static void count_answer(struct lease_model *m, const struct lease_asking *asked, const struct vmp_lease_answer *a)
{
	struct lease_model_sums *s = &m->sums;

	s->stale += a->stale;
	s->repeated += a->repeated;
	s->refused += a->refused;
	if (a->stale || a->repeated)
		return;
	s->grown += a->granted > a->before;
	s->renewed += a->granted && a->granted == a->before;
	s->shrunk += a->granted < a->before && asked->wants >= a->before;
	s->returned += asked->wants < a->before;
	s->reduced += a->reason == VMP_LEASE_REDUCED;
	s->closed += a->reason == VMP_LEASE_CLOSED;
	s->recovering += a->reason == VMP_LEASE_RECOVERING;
	s->full += a->reason == VMP_LEASE_EXHAUSTED;
}

/* @return is there an answer? */
static bool serve(struct lease_model *m, struct message *message)
{
	char holder[VMP_UUID_TEXT];
	int64_t pools[POOLS];
	struct vmp_lease_request r = { .holder = holder, .pools = pools };
	int i, who = message->party / PRODUCTS, what = message->party % PRODUCTS, err;

	for (i = 0; i < POOLS; i++) {
		if (product_of[i] == what && holders_of[i] >> who & 1 && m->pool[i].id)
			pools[r.n_pools++] = m->pool[i].id;
	}
	put_uuid((uint64_t)who, holder);
	r.product = products[what];
	r.id = message->asking.id;
	r.seen = message->asking.seen;
	r.has = message->asking.has;
	r.wants = message->asking.wants;
	r.least = message->asking.least;
	r.trusted = who % 2 == 0;
	m->failing = once_in(m, 100);
	err = vmp_lease_ask(m->book, &r, clock_of(m), &message->answer, NULL);
	m->failing = false;
	m->sums.failed_writes += err != VMP_OK;
	if (err && err != VMP_EFULL)
		abort();
	message->is_answer = true;
	return !err;
}

/* One transaction with some requests: a crash loses it, or the answers alone. */
static void batch(struct lease_model *m)
{
	struct message answers[4];
	int i, k, n = 0, most = (int)below(m, 4) + 1;
	bool crash;

	for (i = 0; i < m->n_messages && n < most; i++) {
		k = (i + (int)(m->t & 15)) % m->n_messages;
		if (!m->message[k].is_answer) {
			answers[n] = take_message(m, k);
			n += serve(m, &answers[n]);
		}
	}
	crash = once_in(m, 200);
	m->sums.crashes += crash;
	if (crash && below(m, 2)) { /* before the commit */
		load(m);
		return;
	}
	commit(m);
	for (i = 0; i < n && !crash; i++) {
		count_answer(m, &answers[i].asking, &answers[i].answer);
		send_message(m, &answers[i]);
	}
	if (crash)
		load(m);
}

static int64_t limit(const struct vmp_lease_pool *pool)
{
	return pool->owned + pool->overdraft;
}

static void change_pool(struct lease_model *m)
{
	int i = (int)below(m, POOLS);
	struct vmp_lease_pool *pool = &m->pool[i];

	if (pool->id && once_in(m, 8)) {
		vmp_lease_pool_remove(m->book, pool->id);
		pool->id = 0;
		return;
	}
	pool->id = i + 1;
	memcpy(pool->product, products[product_of[i]], strlen(products[product_of[i]]) + 1);
	pool->owned = below(m, 12);
	pool->overdraft = once_in(m, 6) ? below(m, 4) : 0;
	pool->life_ms = (below(m, 30) + 1) * (once_in(m, 4) ? 1000 : 20000);
	pool->grace_ms = below(m, 3) * 30000;
	pool->open = !once_in(m, 4);
	pool->until_ms = once_in(m, 4) ? clock_of(m) + below(m, 600) * 1000 : INT64_MAX;
	if (vmp_lease_pool_set(m->book, pool))
		abort();
}

static void tick(struct lease_model *m)
{
	if (vmp_lease_tick(m->book, clock_of(m), NULL, NULL, NULL))
		abort();
	commit(m);
}

/* What is promised by all that was committed, of one product: no more can be believed in, whatever copy comes. */
static int64_t promised(const struct lease_model *m, int product)
{
	int64_t sum = 0;
	int i;

	for (i = product; i < PARTIES; i += PRODUCTS)
		sum += m->disk.there[i] ? vmp_lease_occupied(&m->disk.lease[i]) : 0;
	return sum;
}

static void older_copy(struct lease_model *m)
{
	int i;

	for (i = 0; i < PRODUCTS; i++) {
		int64_t sum = promised(m, i);

		m->bound[i] = m->older && m->bound[i] > sum ? m->bound[i] : sum;
	}
	m->disk = m->backup;
	m->disk.recover = 0;
	load(m);
	vmp_lease_recover(m->book, clock_of(m) + m->longest);
	if (below(m, 2))
		vmp_lease_seq_set(m->book, m->marked);
	m->older = true;
	m->sums.copies++;
	commit(m);
}

static void server_trouble(struct lease_model *m)
{
	int64_t what = below(m, 64);

	if (what < 16) {
		m->backup = m->disk;
	} else if (what < 18) {
		older_copy(m);
	} else if (what < 22) { /* off for some time, and its clock starts anew */
		m->t += below(m, 300) * 1000;
		m->booted = m->t;
		m->boot++;
		m->sums.boots++;
		load(m);
		commit(m);
	} else {
		change_pool(m);
	}
}

/* -- what must hold -------------------------------------------------------------------------------------------- */

static const char *wrong(struct lease_model *m, const char *what, int64_t a, int64_t b)
{
	snprintf(m->error, sizeof(m->error), "%s: %lld, %lld", what, (long long)a, (long long)b);
	return m->error;
}

/* Of a pool, as the disk has it. */
static int64_t written(const struct lease_model *m, int64_t pool)
{
	int64_t sum = 0;
	int i, k;

	for (i = 0; i < PARTIES; i++) {
		for (k = 0; m->work.there[i] && k < m->work.lease[i].n_part; k++) {
			const struct vmp_lease_part *part = &m->work.lease[i].part[k];

			sum += part->pool == pool ? part->count + part->lapsing : 0;
		}
	}
	return sum;
}

static const char *check_pools(struct lease_model *m)
{
	int64_t occupied, most;
	int i;

	for (i = 0; i < POOLS; i++) {
		if (!m->pool[i].id)
			continue;
		if (vmp_lease_pool_usage(m->book, i + 1, &occupied))
			return wrong(m, "a pool is missing", i + 1, 0);
		if (occupied != written(m, i + 1))
			return wrong(m, "the book counts what is not written", occupied, written(m, i + 1));
		most = m->jumped || m->counted[i] > limit(&m->pool[i]) ? m->counted[i] : limit(&m->pool[i]);
		if (!m->jumped && occupied > most)
			return wrong(m, "more is occupied than may be", occupied, most);
		m->counted[i] = occupied;
	}
	m->jumped = false;
	return NULL;
}

/* What of an account is not over yet. */
static int64_t still(const struct vmp_lease *lease, int64_t now)
{
	int64_t sum = 0;
	int i;

	for (i = 0; lease && i < lease->n_part; i++) {
		sum += lease->part[i].over_ms > now ? lease->part[i].count : 0;
		sum += lease->part[i].lapsed_ms > now ? lease->part[i].lapsing : 0;
	}
	return sum;
}

static const char *check_holders(struct lease_model *m)
{
	char holder[VMP_UUID_TEXT];
	int64_t sum[PRODUCTS] = { 0 }, own;
	int i;

	for (i = 0; i < PARTIES; i++) {
		own = lease_holder_has(&m->party[i], m->t);
		sum[i % PRODUCTS] += own;
		if (m->older || !own)
			continue;
		put_uuid((uint64_t)(i / PRODUCTS), holder);
		if (own > still(vmp_lease_find(m->book, holder, products[i % PRODUCTS]), clock_of(m)))
			return wrong(m, "a holder has what the book gives to others", i, own);
	}
	for (i = 0; m->older && i < PRODUCTS; i++) {
		if (sum[i] > m->bound[i])
			return wrong(m, "an older copy gave out again what is in use", sum[i], m->bound[i]);
	}
	return NULL;
}

/* -- steps ----------------------------------------------------------------------------------------------------- */

static void deliver(struct lease_model *m)
{
	int i;
	struct message message;

	if (!m->n_messages)
		return;
	i = (int)below(m, m->n_messages);
	if (!m->message[i].is_answer) {
		batch(m);
		return;
	}
	message = take_message(m, i);
	if (!lease_holder_hear(&m->party[message.party], &message.asking, message.sent, &message.answer, m->t))
		m->sums.late++;
}

static void pass_time(struct lease_model *m)
{
	static const int64_t most[] = { 10, 100, 1000, 5000, 20000, 100000 };

	m->t += below(m, most[below(m, 6)]);
}

const char *lease_model_step(struct lease_model *m)
{
	int64_t what = below(m, 256);
	const char *error;

	if (what < 24)
		pass_time(m);
	else if (what < 100)
		act(m);
	else if (what < 240)
		deliver(m);
	else if (what < 246 && m->n_messages) {
		m->sums.lost++;
		m->message[below(m, m->n_messages)] = m->message[m->n_messages - 1];
		m->n_messages--;
	} else if (what < 250)
		holder_crash(m);
	else if (what < 254)
		tick(m);
	else
		server_trouble(m);
	if (m->older && clock_of(m) >= vmp_lease_recovering(m->book))
		m->older = false;
	error = check_pools(m);
	return error ? error : check_holders(m);
}

struct lease_model *lease_model_new(uint32_t (*random)(void *ctx), void *ctx)
{
	struct lease_model *m = calloc(1, sizeof(*m));
	int i;

	if (!m)
		abort();
	m->random = random;
	m->ctx = ctx;
	m->t = 1000;
	load(m);
	for (i = 0; i < 4 * POOLS; i++)
		change_pool(m);
	commit(m);
	return m;
}

void lease_model_free(struct lease_model *m)
{
	vmp_lease_book_free(m->book);
	free(m);
}

const struct lease_model_sums *lease_model_sums(const struct lease_model *m)
{
	return &m->sums;
}
