#include "retry.h"
#include "pki.h"

#define FIRST	1000
#define LONGEST (5 * 60 * 1000)

uint64_t retry_pause(unsigned tries)
{
	uint64_t ms = FIRST;
	uint32_t drawn = 0;

	while (tries-- > 1 && ms < LONGEST)
		ms *= 2;
	if (ms > LONGEST)
		ms = LONGEST;
	/* Without randomness left, half of it is as good as any. */
	if (vmp_random(&drawn, sizeof(drawn)) != VMP_OK)
		drawn = UINT32_MAX / 2;
	return ms * 3 / 4 + (ms / 2 * drawn >> 32);
}
