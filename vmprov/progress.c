#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define WIDTH	 40
#define EVERY_NS 100000000L

void progress_start(struct progress *p, const char *what, int64_t total)
{
	*p = (struct progress){ .shown = isatty(STDERR_FILENO), .what = what, .total = total };
}

static bool is_due(struct progress *p)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec < p->next.tv_sec || (now.tv_sec == p->next.tv_sec && now.tv_nsec < p->next.tv_nsec))
		return false;
	now.tv_nsec += EVERY_NS;
	if (now.tv_nsec >= 1000000000L) {
		now.tv_nsec -= 1000000000L;
		now.tv_sec++;
	}
	p->next = now;
	return true;
}

void progress_show(struct progress *p, int64_t done, int64_t records)
{
	static const char bar[WIDTH + 1] = "########################################";
	int full;

	if (!p->shown || !is_due(p))
		return;
	if (p->total > 0) {
		full = done >= p->total ? WIDTH : (int)(done * WIDTH / p->total);
		fprintf(stderr, "\r%s [%-*.*s] %3d%% %" PRId64 " ", p->what, WIDTH, full, bar, full * 100 / WIDTH,
			records);
	} else {
		fprintf(stderr, "\r%s %" PRId64 " ", p->what, records);
	}
	fflush(stderr);
}

void progress_end(struct progress *p)
{
	if (p->shown && p->next.tv_sec)
		fprintf(stderr, "\r\033[K");
}
