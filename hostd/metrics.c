#include "metrics.h"

#include <stddef.h>

struct metrics metrics;

#define BOUNDS (sizeof(metrics_took_ms) / sizeof(metrics_took_ms[0]))

const unsigned metrics_took_ms[8] = { 10, 25, 50, 100, 250, 1000, 5000, 30000 };

void metrics_took(uint64_t us)
{
	size_t i;

	for (i = 0; i < BOUNDS; i++) {
		if (us <= (uint64_t)metrics_took_ms[i] * 1000)
			metrics.took[i]++;
	}
	metrics.took[BOUNDS]++;
	metrics.took_us += us;
}
