#include "coi.h"

static bool is_better(const struct vmp_coi_shared *a, const struct vmp_coi_shared *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	if (a->members != b->members)
		return a->members < b->members;
	return a->id < b->id;
}

int vmp_coi_choose(const struct vmp_coi_shared *shared, size_t n)
{
	size_t i, best = 0;

	for (i = 1; i < n; i++) {
		if (is_better(&shared[i], &shared[best]))
			best = i;
	}
	return n ? (int)best : -1;
}
