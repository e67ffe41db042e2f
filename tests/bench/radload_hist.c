/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "radload.h"

static size_t slot_of(uint64_t ns)
{
	if (ns < HIST_STEPS)
		return (size_t)ns;

	unsigned octave = 63U - (unsigned)__builtin_clzll(ns); /* 5 or more */
	size_t slot = (octave - 4U) * (size_t)HIST_STEPS + ((ns >> (octave - 5U)) & (HIST_STEPS - 1));

	return slot < HIST_SLOTS ? slot : HIST_SLOTS - 1;
}

static double slot_middle(size_t slot)
{
	if (slot < HIST_STEPS)
		return (double)slot;

	unsigned shift = (unsigned)(slot / HIST_STEPS) - 1U;
	uint64_t low = (uint64_t)(HIST_STEPS + slot % HIST_STEPS) << shift;

	return (double)low + (double)(1ULL << shift) / 2;
}

void hist_add(struct hist *h, uint64_t ns)
{
	h->total++;
	h->slot[slot_of(ns)]++;
}

double hist_quantile_us(const struct hist *h, double q)
{
	uint64_t want = (uint64_t)(q * (double)h->total), seen = 0;

	for (size_t i = 0; i < HIST_SLOTS; i++) {
		seen += h->slot[i];
		if (seen > want)
			return slot_middle(i) / 1000.0;
	}
	return 0;
}
