/** A bar on standard error, when that is a terminal. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct progress {
	bool shown;
	const char *what;
	int64_t total; /**< of done; 0: not known */
	struct timespec next;
};

/** @param total  0 when not known. */
void progress_start(struct progress *p, const char *what, int64_t total);
/** Cheap enough for every record. @param records  shown beside the bar. */
void progress_show(struct progress *p, int64_t done, int64_t records);
/** Take the bar away. */
void progress_end(struct progress *p);

#endif
