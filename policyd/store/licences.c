/* The book of leases: read from the store, written through, and its place outside of the store that shows an older
 * copy. */
#include "licences.h"
#include "file.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* [octets] "incarnation seq longest_ms" */
#define MARK_MAX 256
/* [ms] It is written no more often: what was answered since may be missing when the process is killed. */
#define MARK_MS 1000

static void touch(struct licences *l)
{
	l->touched = true;
}

/* -- the journal ---------------------------------------------------------------------------------------------- */

/* Who holds something is licensed, or may license others. @param was  NULL: it is new. */
static int follow_holder(struct state *s, const struct vmp_lease *was, const struct vmp_lease *lease,
			 struct vmp_msg *msg)
{
	const struct licences *l = s->licences;

	if (l->holder.kind == VMP_CERT_VM && lease->n_part) {
		/* A gateway that had licensed it too may have taken that back. */
		if (was && was->n_part && vmp_licence_check(s->store, l->holder.mac, NULL) != VMP_EACCES)
			return VMP_OK;
		return vmp_licensed_self(s->store, l->holder.mac, lease->holder, lease->product, msg);
	}
	if (l->holder.kind == VMP_CERT_VM)
		return vmp_licensed_remove(s->store, lease->holder, lease->holder, lease->product, msg);
	return lease->n_part || l->elsewhere ? VMP_OK
					     : vmp_licensed_clear(s->store, lease->holder, lease->product, msg);
}

/* An answer has a new number; without one, parts have run out meanwhile. */
static int journal_write(void *ctx, const struct vmp_lease *lease, struct vmp_msg *msg)
{
	struct state *s = ctx;
	const struct vmp_lease *was = vmp_lease_find(s->licences->book, lease->holder, lease->product);
	int err;

	touch(s->licences);
	if (lease->seq <= vmp_lease_seq(s->licences->book))
		return vmp_licence_lease_adjust(s->store, lease, &s->clock, msg);
	err = vmp_licence_lease_write(s->store, lease, &s->licences->holder, was != NULL, &s->clock, msg);
	return err == VMP_OK ? follow_holder(s, was, lease, msg) : err;
}

/* The schema counts the generation up by one. */
static int journal_erase(void *ctx, const struct vmp_lease *lease, struct vmp_msg *msg)
{
	struct state *s = ctx;
	int err = vmp_licence_lease_erase(s->store, lease->holder, lease->product, msg);

	touch(s->licences);
	if (err == VMP_OK)
		s->licences->state.generation++;
	return err;
}

/* -- the mark ------------------------------------------------------------------------------------------------- */

struct mark {
	char incarnation[VMP_INCARNATION];
	int64_t seq, longest_ms;
};

static void mark_path(const struct state *s, char out[VMP_INI_TEXT + 16])
{
	snprintf(out, VMP_INI_TEXT + 16, "%s-licences", s->config->store_path);
}

/* Without one, or with one that cannot be read, all is empty. */
static void mark_read(const struct state *s, struct mark *out)
{
	char path[VMP_INI_TEXT + 16], *text = NULL;
	long long seq = 0, longest = 0;
	size_t len = 0;

	memset(out, 0, sizeof(*out));
	mark_path(s, path);
	if (vmp_file_read(path, MARK_MAX, false, &text, &len, NULL) != VMP_OK)
		return;
	if (sscanf(text, "%32[0-9a-f] %lld %lld", out->incarnation, &seq, &longest) != 3 || seq < 0 || longest < 0)
		memset(out, 0, sizeof(*out));
	else
		out->longest_ms = longest;
	out->seq = seq;
	free(text);
}

/* @return whether there was anything to note. */
static bool mark_write(struct state *s)
{
	struct licences *l = s->licences;
	char path[VMP_INI_TEXT + 16], text[MARK_MAX];
	struct vmp_msg msg;

	if (!l->book || l->stale || l->committed < 0 || l->marked == l->committed)
		return false;
	mark_path(s, path);
	snprintf(text, sizeof(text), "%s %lld %lld\n", l->state.incarnation, (long long)l->committed,
		 (long long)vmp_lease_longest(l->book));
	if (vmp_file_replace(path, text, strlen(text), 0640, &msg) == VMP_OK)
		l->marked = l->committed;
	else
		vmp_log(VMP_LOG_WARNING, "licence-mark-failed", "why", msg.text, NULL);
	return true;
}

void licences_mark(struct state *s)
{
	struct licences *l = s->licences;

	if (s->clock.boot_ms - l->marked_ms >= MARK_MS && mark_write(s))
		l->marked_ms = s->clock.boot_ms;
}

static void mark_last(void *ctx)
{
	(void)mark_write(ctx);
}

/* -- recovery ------------------------------------------------------------------------------------------------- */

/* A pool may have given longer leases than any that is known. */
static int64_t longest(const struct licences *l)
{
	int64_t most = vmp_lease_longest(l->book), ms;
	size_t i;

	for (i = 0; i < l->n_pool; i++) {
		ms = l->pool[i].rule.life_ms + l->pool[i].rule.grace_ms;
		most = ms > most ? ms : most;
	}
	return most;
}

/* Into the store what the book says of a recovery. */
static int recovery_write(struct state *s, struct vmp_msg *msg)
{
	struct licences *l = s->licences;

	touch(l);
	l->state.recover_until_ms = vmp_lease_recovering(l->book);
	snprintf(l->state.recover_boot_id, sizeof(l->state.recover_boot_id), "%s",
		 l->state.recover_until_ms ? s->clock.boot_id : "");
	l->state.seq = vmp_lease_seq(l->book);
	l->state.longest_ms = vmp_lease_longest(l->book);
	return vmp_licence_state_write(s->store, &l->state, msg);
}

static int recovery_tell(struct state *s, const char *why, struct vmp_msg *msg)
{
	struct licences *l = s->licences;
	int64_t left = (vmp_lease_recovering(l->book) - s->clock.boot_ms + 999) / 1000;
	char detail[300];
	int err = recovery_write(s, msg);

	snprintf(detail, sizeof(detail), "%s: no grants for %lld seconds", why, (long long)left);
	vmp_log(VMP_LOG_WARNING, "licence-recovery", "why", why, "seconds", vmp_log_num(left), NULL);
	return err == VMP_OK ? state_audit(s, "licence-recovery", "policyd", "", detail, msg) : err;
}

int licences_recovering(struct state *s, const char *who, struct vmp_msg *msg)
{
	char why[200];

	snprintf(why, sizeof(why), "%s has seen later answers than this store has given", who);
	return recovery_tell(s, why, msg);
}

/* Is what the store says older than what is known to have been said? */
static const char *is_older(const struct licences *l, const struct vmp_licence_state *now, const struct mark *mark)
{
	if (now->seq < l->committed)
		return "the store was replaced by an older copy";
	if (l->committed >= 0) /* the mark was looked at */
		return NULL;
	if (*mark->incarnation && strcmp(mark->incarnation, now->incarnation) != 0)
		return "the store is another than before";
	if (mark->seq > now->seq)
		return "the store is an older copy";
	return !*mark->incarnation && now->seq > 0 ? "the store came without its mark" : NULL;
}

/* A recovery that was under way goes on; in another boot it begins again. */
static int recovery_read(struct state *s, const struct vmp_licence_state *now, struct vmp_msg *msg)
{
	struct licences *l = s->licences;
	bool here = strcmp(now->recover_boot_id, s->clock.boot_id) == 0;

	if (!now->recover_until_ms || (here && now->recover_until_ms <= s->clock.boot_ms))
		return VMP_OK;
	vmp_lease_recover(l->book, here ? now->recover_until_ms : s->clock.boot_ms + longest(l));
	return here ? VMP_OK : recovery_write(s, msg);
}

/* -- reading -------------------------------------------------------------------------------------------------- */

struct reading {
	struct state *s;
	struct vmp_msg *msg;
	bool other_boot;
	int err;
};

static int read_pool(void *ctx, const struct vmp_licence_pool *pool)
{
	struct reading *r = ctx;
	struct licences *l = r->s->licences;
	struct vmp_licence_pool *more = realloc(l->pool, (l->n_pool + 1) * sizeof(*more));

	if (!more)
		return vmp_fail(r->msg, VMP_ENOMEM, "out of memory");
	l->pool = more;
	l->pool[l->n_pool] = *pool;
	(void)vmp_licence_pool_look(&l->pool[l->n_pool], &r->s->clock);
	return vmp_lease_pool_set(l->book, &l->pool[l->n_pool++].rule);
}

static int read_lease(void *ctx, const struct vmp_lease *lease, bool other_boot)
{
	struct reading *r = ctx;

	r->other_boot |= other_boot;
	return vmp_lease_restore(r->s->licences->book, lease, other_boot, r->s->clock.boot_ms);
}

static void write_again(void *ctx, const struct vmp_lease *lease)
{
	struct reading *r = ctx;

	if (r->err == VMP_OK)
		r->err = vmp_licence_lease_adjust(r->s->store, lease, &r->s->clock, r->msg);
}

/* Times of another boot say nothing here: written down as they are now, so that they are waited out once only. */
static int begin_boot(struct state *s, struct reading *r)
{
	touch(s->licences);
	vmp_lease_each(s->licences->book, write_again, r);
	return r->err;
}

static int read_all(struct state *s, struct vmp_msg *msg)
{
	struct licences *l = s->licences;
	struct reading r = { .s = s, .msg = msg };
	int err;

	l->n_pool = 0;
	err = vmp_licence_pool_each(s->store, read_pool, &r, msg);
	if (err == VMP_OK)
		err = vmp_licence_lease_each(s->store, &s->clock, read_lease, &r, msg);
	if (err == VMP_OK && r.other_boot)
		err = begin_boot(s, &r);
	if (err == VMP_OK && l->committed < 0)
		err = vmp_licensed_begin(s->store, s->clock.boot_ms, msg);
	return err;
}

/* A book as the store says, in the place of the one that there was. */
static int load(struct state *s, const struct vmp_licence_state *now, struct vmp_msg *msg)
{
	const struct vmp_lease_journal journal = { journal_write, journal_erase, s };
	struct vmp_lease_book *book = vmp_lease_book_new(&journal);
	struct licences *l = s->licences;
	int64_t said = l->book ? vmp_lease_seq(l->book) : 0;
	struct mark mark = { .seq = 0 };
	const char *older;
	int err;

	if (!book)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	vmp_lease_book_free(l->book);
	l->book = book;
	l->stale = true;
	l->state = *now;
	if (l->committed < 0)
		mark_read(s, &mark);
	vmp_lease_longest_set(book, now->longest_ms > mark.longest_ms ? now->longest_ms : mark.longest_ms);
	err = read_all(s, msg);
	vmp_lease_seq_set(book, now->seq > mark.seq ? now->seq : mark.seq);
	vmp_lease_seq_set(book, said);
	if (err == VMP_OK)
		err = recovery_read(s, now, msg);
	/* Who has a lease of before the start comes while it lasts. */
	if (err == VMP_OK && !l->believe_ms)
		l->believe_ms = s->clock.boot_ms + longest(l);
	vmp_lease_believe(book, l->believe_ms);
	older = is_older(l, now, &mark);
	if (err == VMP_OK && older) {
		vmp_lease_recover(book, s->clock.boot_ms + longest(l));
		err = recovery_tell(s, older, msg);
	}
	l->stale = err != VMP_OK;
	return err;
}

int licences_open(struct state *s, struct vmp_msg *msg)
{
	struct licences *l = s->licences;
	struct vmp_licence_state now;
	int err;

	/* Nobody else writes while this transaction lasts. */
	if (l->looked && !l->stale)
		return VMP_OK;
	err = vmp_licence_state_read(s->store, &now, msg);
	if (err == VMP_OK && (!l->book || l->stale || now.generation != l->state.generation || now.seq != l->state.seq))
		err = load(s, &now, msg);
	l->looked = err == VMP_OK;
	return err;
}

int licences_begin(struct state *s)
{
	struct licences *l = calloc(1, sizeof(*l));

	if (!l)
		return VMP_ENOMEM;
	l->committed = l->marked = -1;
	waiters_init(&l->watchers, &licences_kind);
	l->marked_ms = INT64_MIN / 2;
	s->licences = l;
	channel_at_end(mark_last, s);
	return VMP_OK;
}

/* -- transactions --------------------------------------------------------------------------------------------- */

void licences_message(struct state *s)
{
	s->licences->touched = false;
}

void licences_taken_back(struct state *s)
{
	s->licences->stale |= s->licences->touched;
	s->licences->touched = false;
}

int licences_write(struct state *s, struct vmp_msg *msg)
{
	struct licences *l = s->licences;

	if (!l->book || l->stale ||
	    (vmp_lease_seq(l->book) == l->state.seq && vmp_lease_longest(l->book) == l->state.longest_ms &&
	     vmp_lease_recovering(l->book) == l->state.recover_until_ms))
		return VMP_OK;
	return recovery_write(s, msg);
}

void licences_committed(struct state *s)
{
	struct licences *l = s->licences;

	if (l->book && !l->stale)
		l->committed = l->state.seq;
	l->touched = l->looked = false;
}

void licences_rolled_back(struct state *s)
{
	s->licences->stale = true;
	s->licences->touched = s->licences->looked = false;
}

/* -- what comes by itself ------------------------------------------------------------------------------------- */

size_t licences_candidates(struct state *s, int64_t tenant_id, const char *product, int64_t out[LICENCES_CANDIDATES],
			   int64_t *owned)
{
	const struct licences *l = s->licences;
	size_t i, n = 0;
	int shared;

	*owned = 0;
	for (shared = 0; shared < 2; shared++) {
		for (i = 0; i < l->n_pool && n < LICENCES_CANDIDATES; i++) {
			struct vmp_licence_pool *pool = &l->pool[i];

			if (pool->tenant_id != (shared ? 0 : tenant_id) || strcmp(pool->rule.product, product) != 0)
				continue;
			if (vmp_licence_pool_look(pool, &s->clock) &&
			    vmp_lease_pool_set(l->book, &pool->rule) != VMP_OK)
				continue;
			*owned += pool->rule.owned;
			out[n++] = pool->rule.id;
		}
	}
	return n;
}

int licences_gone(struct state *s, uint64_t mac, const char *uuid, struct vmp_msg *msg)
{
	const struct licences *l = s->licences;
	struct vmp_licence_asker asker;
	int err;

	if (!l->book || l->stale)
		return VMP_OK;
	err = vmp_licence_asker(s->store, mac, &asker, msg);
	if (err == VMP_OK && *asker.product)
		err = vmp_lease_end(l->book, uuid, asker.product, msg);
	return err == VMP_ENOENT ? VMP_OK : err;
}

static void ended(void *ctx, const struct vmp_lease *lease)
{
	(void)ctx;
	metric_add(METRIC_LICENCE_ENDED, lease->n_part > 0);
}

int licences_recovered(struct state *s, struct vmp_msg *msg)
{
	vmp_log(VMP_LOG_INFO, "licence-recovered", NULL);
	touch(s->licences);
	return state_audit(s, "licence-recovered", "policyd", "", "grants go on", msg);
}

void licences_tick(struct state *s)
{
	struct licences *l = s->licences;
	struct vmp_msg msg = { "" };
	bool recovering;
	int err;

	l->touched = false;
	err = licences_open(s, &msg);
	recovering = err == VMP_OK && vmp_lease_recovering(l->book);
	if (err == VMP_OK)
		err = vmp_lease_tick(l->book, s->clock.boot_ms, ended, NULL, &msg);
	if (err == VMP_OK && recovering && !vmp_lease_recovering(l->book))
		err = licences_recovered(s, &msg);
	if (err != VMP_OK) {
		vmp_log(VMP_LOG_ERROR, "upkeep-failed", "why", msg.text, NULL);
		licences_taken_back(s);
	}
}

void licences_metrics(struct state *s, struct evbuffer *out)
{
	const struct licences *l = s->licences;
	int64_t occupied;
	size_t i;

	if (!l->book || l->stale)
		return;
	evbuffer_add_printf(out,
			    "# HELP vmprov_licence_leases Accounts of holders and products in the book.\n"
			    "# TYPE vmprov_licence_leases gauge\nvmprov_licence_leases %zu\n",
			    vmp_lease_accounts(l->book));
	evbuffer_add_printf(out,
			    "# HELP vmprov_licence_recovering Nothing is granted: the store was an older copy.\n"
			    "# TYPE vmprov_licence_recovering gauge\nvmprov_licence_recovering %d\n",
			    vmp_lease_recovering(l->book) != 0);
	evbuffer_add_printf(out, "# HELP vmprov_licence_pool_owned Licences of a pool.\n"
				 "# TYPE vmprov_licence_pool_owned gauge\n");
	for (i = 0; i < l->n_pool; i++)
		evbuffer_add_printf(out, "vmprov_licence_pool_owned{pool=\"%s\"} %lld\n", l->pool[i].name,
				    (long long)l->pool[i].rule.owned);
	evbuffer_add_printf(out, "# HELP vmprov_licence_pool_occupied Licences of leases that are not over, grace "
				 "included.\n# TYPE vmprov_licence_pool_occupied gauge\n");
	for (i = 0; i < l->n_pool; i++) {
		if (vmp_lease_pool_usage(l->book, l->pool[i].rule.id, &occupied) == VMP_OK)
			evbuffer_add_printf(out, "vmprov_licence_pool_occupied{pool=\"%s\"} %lld\n", l->pool[i].name,
					    (long long)occupied);
	}
}
