/* A clock that stands until it is moved, for boot_clock.h and for libevent's timers. */
#include "boot_clock.h"
#include "stage_parts.h"

#include <time.h>

static uint64_t now_ms;

void stage_clock_begin(void)
{
	now_ms = 1000000;
}

void stage_clock_add(unsigned ms)
{
	now_ms += ms;
}

uint64_t stage_clock(void)
{
	return now_ms;
}

uint64_t boot_clock_ms(void)
{
	return now_ms;
}

/* In place of libc's: libevent, a shared library, calls it as well. */
int clock_gettime(clockid_t clock, struct timespec *out)
{
	(void)clock;
	out->tv_sec = (time_t)(now_ms / 1000);
	out->tv_nsec = (long)(now_ms % 1000 * 1000000);
	return 0;
}
