/** A file beside gateway.db that tells whether gateway.db is an older copy of itself. */
#ifndef MARK_H
#define MARK_H

#include <stdint.h>

/** Compare with what the broker knows; begin a recovery when it knows less. */
void mark_check(void);
/** Write it, at most once a second and when there is something new. */
void mark_upkeep(int64_t now_ms);

#endif
