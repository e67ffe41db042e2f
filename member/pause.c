#include "pause.h"
#include "err.h"
#include "retry.h"

/* Failures after which retry_pause() is past the longest. */
#define MANY 6

uint64_t pause_after(int err, unsigned failures)
{
	uint64_t ms;

	if (err == VMP_EACCES || err == VMP_ENOENT)
		return retry_pause(1) * (PAUSE_LONGEST / 1000);
	if (failures <= 1)
		return retry_pause(1) / 2;
	ms = retry_pause(failures - 1);
	return failures > MANY || ms > PAUSE_LONGEST ? retry_pause(1) * (PAUSE_LONGEST / 1000) : ms;
}

void pause_begin(struct event *timer, uint64_t ms)
{
	const struct timeval tv = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	evtimer_add(timer, &tv);
}
