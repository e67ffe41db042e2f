/* How many licences a broker should hold: what is in use, and what it will need until it asks again. */
#include "lease_internal.h"

#define NOTE_MS	 10000 /* the rate is measured over no less: short swings cancel out */
#define FADE_MS	 30000 /* a rate that is not kept up is halved in that time, or sooner */
#define FEW	 4     /* times least: so small a surplus is not worth a request */
#define RATE_MAX 1e9

void vmp_forecast_note(struct vmp_forecast *f, int64_t in_use, int64_t now_ms)
{
	int64_t passed = now_ms - f->at_ms;
	double rate;

	if (!f->at_ms) {
		*f = (struct vmp_forecast){ .at_ms = now_ms, .in_use = in_use };
		return;
	}
	f->starts += in_use - f->in_use;
	f->in_use = in_use;
	rate = f->starts > 0 ? (double)f->starts * 1000 / (double)lease_most(passed, NOTE_MS) : 0;
	if (passed >= NOTE_MS) { /* down slowly: the next wave of starts comes soon, or never */
		f->rate *= FADE_MS / (double)(FADE_MS + passed);
		f->starts = 0;
		f->at_ms = now_ms;
	}
	f->rate = rate > f->rate ? rate : f->rate;
	f->rate = f->rate < RATE_MAX ? f->rate : RATE_MAX;
}

static int64_t percent(int64_t n, int64_t percents)
{
	return (n * percents + 99) / 100;
}

/* Never more than is in use: a storm doubles what is held with each request, and a few requests are enough. */
static int64_t growth(const struct vmp_forecast *f, int64_t horizon_ms, int64_t in_use)
{
	double n = f->rate * (double)horizon_ms / 1000;

	return n < (double)in_use ? (int64_t)n : in_use;
}

int64_t vmp_forecast_target(const struct vmp_forecast *f, const struct vmp_forecast_rule *rule, int64_t in_use,
			    int64_t held, bool is_short)
{
	int64_t beside = lease_most(rule->least, percent(in_use, rule->margin)), target, slack;

	if (is_short)
		return in_use;
	beside = lease_most(beside, growth(f, rule->horizon_ms, in_use));
	target = lease_least(in_use + beside, VMP_LEASE_MAX);
	slack = lease_most(percent(target, rule->slack), FEW * rule->least);
	if (held < in_use + (beside + 1) / 2 || held > target + slack)
		return target;
	return held;
}
