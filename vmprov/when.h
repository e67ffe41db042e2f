/** Times on the command line and in tables. */
#ifndef WHEN_H
#define WHEN_H

#include <stdbool.h>
#include <stdint.h>

#define WHEN_TEXT 32

/** UTC, in one of the forms of ISO 8601, whole; or seconds since 1970. */
bool when_read(const char *text, int64_t *out);
/** The same, or how long before now: 90s, 5m, 2h, 1d. */
bool when_read_since(const char *text, int64_t now, int64_t *out);
/** 2026-12-01T08:00:00Z; "-" for 0. */
const char *when_text(int64_t at, char room[WHEN_TEXT]);

#endif
