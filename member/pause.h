/** How long a request to policyd waits for its next try. */
#ifndef PAUSE_H
#define PAUSE_H

#include <event2/event.h>
#include <stdint.h>

/** [ms] Whoever is revoked must not stay a peer for longer, once policyd is there again. */
#define PAUSE_LONGEST 30000

/** [ms] Half a second after the first failure, since a connection that is lost is the most likely one, then 1 s, 2 s
 * and so on up to PAUSE_LONGEST; that at once after a refusal.  A quarter more or less.
 * @param err  VMP_EACCES, VMP_ENOENT: refused; others: failed. @param failures  in a row, from 1. */
uint64_t pause_after(int err, unsigned failures);
/** Let a timer come so many milliseconds from now. */
void pause_begin(struct event *timer, uint64_t ms);

#endif
