#include "broker_parts.h"

/* [ms] pauses between rounds that gave nothing: the first, doubled up to the longest */
#define PAUSE_MS     250
#define PAUSE_MAX_MS 2000
/* [ms] A server that has not answered by then is passed by while VMs wait. */
#define PATIENCE_MS 1000

/* What stands against what, for one product. */
struct plan {
	struct broker *b;
	struct product *p;
	int64_t now_ms, *next_ms;
	int64_t occupied, need;	      /* by VMs; and with those that wait */
	int64_t total;		      /* held, of servers that can be counted on */
	int64_t lack;		      /* > 0: VMs wait for so many */
	int64_t more;		      /* > 0: so many are to be asked for ahead, or because they lack */
	int64_t give[BROKER_SERVERS]; /* to be given back */
	const struct parent *grow;    /* the server to be asked for more ahead; NULL: none */
};

static void at_latest(struct plan *plan, int64_t ms)
{
	if (ms < *plan->next_ms)
		*plan->next_ms = ms;
}

static bool is_short(const struct parent *parent, int64_t now_ms)
{
	return now_ms < parent->short_until_ms;
}

/* Of a server that does not answer, the second half of a lease is not counted on. */
static int64_t counted(const struct plan *plan, const struct parent *parent)
{
	if (parent_is_silent(parent) && parent->end_ms - plan->now_ms < plan->b->settings.refresh_ms)
		return 0;
	return parent_held(parent, plan->now_ms);
}

static int expire(struct broker *b, struct parent *parent, int64_t now_ms, struct vmp_msg *msg)
{
	bool held = parent->held && parent_held(parent, now_ms) == 0;
	bool lapsed = parent->lapsing && now_ms >= parent->lapsed_ms;

	if (lapsed)
		parent->lapsing = 0;
	if (held && now_ms < parent->lapsed_ms)
		parent->lapsing += parent->held;
	if (held)
		parent->held = 0;
	return held || lapsed ? parent_put(b, parent, msg) : VMP_OK;
}

/* -- how many ----------------------------------------------------------------------------------------------------- */

static int64_t target(const struct plan *plan, bool others_lack)
{
	/* Nobody uses it any more: not even the spare ones are needed. */
	if (plan->need == 0 && plan->now_ms - plan->p->used_ms > 2 * plan->b->settings.refresh_ms)
		return 0;
	return vmp_forecast_target(&plan->p->forecast, &plan->b->rule, plan->need, plan->total, others_lack);
}

struct latest {
	const struct product *product;
	int64_t over_ms;
};

static void note_latest(void *ctx, const struct vmp_lease *lease)
{
	struct latest *latest = ctx;
	int i;

	for (i = 0; i < lease->n_part; i++) {
		const struct vmp_lease_part *part = &lease->part[i];
		int64_t over = part->lapsing && part->lapsed_ms > part->over_ms ? part->lapsed_ms : part->over_ms;

		if (part->pool == latest->product->pool && over > latest->over_ms)
			latest->over_ms = over;
	}
}

/* VMs' leases were cut to the ends of servers' leases: what stays must carry all of them to the last one's end. */
static bool can_give(const struct plan *plan)
{
	struct latest latest = { plan->p, 0 };
	int64_t left = 0;
	int i;

	vmp_lease_each(plan->b->book, note_latest, &latest);
	for (i = 0; i < plan->b->settings.n_server; i++) {
		const struct parent *parent = &plan->p->parent[i];

		if (parent->end_ms + parent->grace_ms >= latest.over_ms)
			left += parent_held(parent, plan->now_ms) - plan->give[i];
	}
	return left >= plan->occupied;
}

static int64_t least_of(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* VMs still run on what the server has not renewed: to want less would end that. */
static int64_t want(const struct plan *plan, const struct parent *parent, int64_t wants)
{
	int64_t all = parent_held(parent, plan->now_ms) + parent->lapsing;

	return parent->lapsing && wants < all && (plan->total < plan->occupied || !can_give(plan)) ? all : wants;
}

/* The last server first; those where others lack them before all, and there all that is not used. */
static void plan_surplus(struct plan *plan, int64_t surplus, int64_t unused)
{
	bool any = false;
	int pass, i;

	for (pass = 0; pass < 2; pass++) {
		for (i = plan->b->settings.n_server - 1; i >= 0; i--) {
			const struct parent *parent = &plan->p->parent[i];
			int64_t give;

			if (is_short(parent, plan->now_ms) != (pass == 0))
				continue;
			give = least_of(counted(plan, parent), pass == 0 ? unused : surplus);
			if (give <= 0)
				continue;
			plan->give[i] = give;
			surplus -= give;
			unused -= give;
			any = true;
		}
	}
	if (any && !can_give(plan)) {
		for (i = 0; i < BROKER_SERVERS; i++)
			plan->give[i] = 0;
	}
}

/* The first that may have some. */
static const struct parent *grow_where(const struct plan *plan)
{
	const struct parent *other = NULL;
	int i;

	for (i = 0; i < plan->b->settings.n_server; i++) {
		const struct parent *parent = &plan->p->parent[i];

		if (parent_is_silent(parent))
			continue;
		if (parent->available != 0)
			return parent;
		if (!other)
			other = parent;
	}
	return other;
}

static void count(struct plan *plan)
{
	struct product *p = plan->p;
	bool others_lack = false;
	int64_t wanted;
	int i;

	plan->occupied = product_occupied(plan->b, p);
	plan->need = plan->occupied + p->n_waiting;
	for (i = 0; i < plan->b->settings.n_server; i++) {
		plan->total += counted(plan, &p->parent[i]);
		others_lack = others_lack || is_short(&p->parent[i], plan->now_ms);
	}
	vmp_forecast_note(&p->forecast, plan->need, plan->now_ms);
	plan->lack = plan->need - plan->total;
	wanted = target(plan, others_lack);
	plan->more = wanted - plan->total;
	if (plan->more > 0)
		plan->grow = grow_where(plan);
	else
		plan_surplus(plan, plan->total - target(plan, false), plan->total - plan->need);
}

/* -- VMs wait ----------------------------------------------------------------------------------------------------- */

static bool is_busy(struct plan *plan, const struct parent *parent)
{
	if (!parent->body || parent_is_silent(parent) || plan->now_ms >= parent->asked_ms + PATIENCE_MS)
		return false;
	at_latest(plan, parent->asked_ms + PATIENCE_MS);
	return true;
}

/* All have been asked for all that lacks: the one with most, for as much as it has. */
static struct parent *ask_for_less(struct plan *plan)
{
	struct parent *best = NULL, *parent;
	int i;

	for (i = 0; i < plan->b->settings.n_server; i++) {
		parent = &plan->p->parent[i];
		if (!parent->body && parent->available > 0 && (!best || parent->available > best->available))
			best = parent;
	}
	return best;
}

static void end_round(struct plan *plan)
{
	struct product *p = plan->p;

	p->pause_ms = p->pause_ms ? least_of(2 * p->pause_ms, PAUSE_MAX_MS) : PAUSE_MS;
	p->round_ms = plan->now_ms + p->pause_ms;
	p->tried = 0;
	p->smaller = false;
	at_latest(plan, p->round_ms);
}

/* Whom to ask for what VMs wait for; NULL: nobody now. */
static struct parent *ask_whom(struct plan *plan)
{
	struct product *p = plan->p;
	struct parent *parent;
	int i;

	for (i = 0; i < plan->b->settings.n_server; i++) {
		parent = &p->parent[i];
		if (is_busy(plan, parent))
			return NULL;
		if (p->tried & 1u << i)
			continue;
		if (!parent->body)
			return parent;
		p->tried |= 1u << i;
	}
	parent = p->smaller ? NULL : ask_for_less(plan);
	p->smaller = true;
	if (!parent)
		end_round(plan);
	return parent;
}

static int serve_waiting(struct plan *plan, struct vmp_msg *msg)
{
	struct product *p = plan->p;
	struct parent *parent;
	int64_t held;

	if (plan->lack <= 0) {
		p->tried = 0;
		p->smaller = false;
		p->pause_ms = p->round_ms = 0;
		return VMP_OK;
	}
	if (p->n_waiting == 0)
		return VMP_OK; /* VMs have more than servers have given: their leases run out, and nothing is asked in
				  haste */
	if (plan->now_ms < p->round_ms) {
		at_latest(plan, p->round_ms);
		return VMP_OK;
	}
	parent = ask_whom(plan);
	if (!parent)
		return VMP_OK;
	held = parent_held(parent, plan->now_ms);
	return parent_request(plan->b, parent,
			      want(plan, parent, held + (plan->more > plan->lack ? plan->more : plan->lack)),
			      held + (p->smaller ? 1 : plan->lack), plan->now_ms, msg);
}

void plan_asked(struct parent *parent, bool grew)
{
	struct product *p = parent->product;

	p->tried |= 1u << parent->server;
	if (!grew)
		return;
	p->pause_ms = 0;
	if (p->smaller)
		p->tried = 0;
	p->smaller = false;
}

/* -- all else ----------------------------------------------------------------------------------------------------- */

/* Is it time to talk to a server about what is held, or to give some back? */
static bool is_due(struct plan *plan, const struct parent *parent)
{
	int64_t pace = parent->asked_ms + plan->b->settings.report_ms, due;

	if (parent->again && (parent->stales < 2 || plan->now_ms >= pace))
		return true;
	if (parent->again)
		at_latest(plan, pace);
	if (report_is_home(plan->b, parent) && plan->p->n_starts + plan->p->n_stops + plan->p->list_all) {
		if (report_is_due(plan->b, plan->p, plan->now_ms, &due))
			return true;
		at_latest(plan, due);
	}
	if (plan->give[parent->server] && is_short(parent, plan->now_ms)) {
		if (plan->now_ms >= pace)
			return true;
		at_latest(plan, pace);
	}
	if (!parent->held && !parent->lapsing && parent != plan->grow)
		return false;
	at_latest(plan,
		  parent->refresh_ms > plan->now_ms ? parent->refresh_ms : plan->now_ms + plan->b->settings.refresh_ms);
	return plan->now_ms >= parent->refresh_ms;
}

static int refresh(struct plan *plan, struct parent *parent, struct vmp_msg *msg)
{
	int64_t held = parent_held(parent, plan->now_ms), wants = held - plan->give[parent->server];

	if (parent == plan->grow)
		wants += plan->more;
	wants = want(plan, parent, wants);
	return parent_request(plan->b, parent, wants, least_of(wants, held + 1), plan->now_ms, msg);
}

int plan_product(struct broker *b, struct product *p, int64_t now_ms, int64_t *next_ms, struct vmp_msg *msg)
{
	struct plan plan = { .b = b, .p = p, .now_ms = now_ms, .next_ms = next_ms };
	int i, err = VMP_OK;

	for (i = 0; i < b->settings.n_server && err == VMP_OK; i++)
		err = expire(b, &p->parent[i], now_ms, msg);
	if (err != VMP_OK)
		return err;
	count(&plan);
	if (plan.need)
		p->used_ms = now_ms;
	err = serve_waiting(&plan, msg);
	for (i = 0; i < b->settings.n_server && err == VMP_OK; i++) {
		struct parent *parent = &p->parent[i];

		if (!parent->body && is_due(&plan, parent))
			err = refresh(&plan, parent, msg);
		if (parent->body && !parent->sent && parent->retry_ms > now_ms)
			at_latest(&plan, parent->retry_ms);
	}
	return err;
}
