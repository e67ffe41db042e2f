/** Holders of leases, a network that loses, repeats and delays, and a server that crashes, around a vmp_lease_book.
 *
 * What each holder may believe is kept here by the rules of a correct holder, and compared with what the book counts.
 * Time is the model's own: a clock that nobody sets.  The server's starts anew when it boots, and nobody tells it for
 * how long it was off.
 */
#ifndef LEASE_MODEL_H
#define LEASE_MODEL_H

#include <stdint.h>

struct lease_model;

/** What came about so far: a test that never saw a thing has not tested it. */
struct lease_model_sums {
	uint64_t grown, renewed, shrunk, returned, refused, stale, repeated, reclaimed;
	uint64_t lost, doubled, late, crashes, boots, copies, failed_writes, reduced, closed, recovering, full;
};

/** @param random  32 random bits; ctx goes to it. */
struct lease_model *lease_model_new(uint32_t (*random)(void *ctx), void *ctx);
void lease_model_free(struct lease_model *m);
/** One thing happens. @return NULL; else what went wrong, in a sentence. */
const char *lease_model_step(struct lease_model *m);
const struct lease_model_sums *lease_model_sums(const struct lease_model *m);

#endif
