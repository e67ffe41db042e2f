/* Two ends of one pair and what is between them: a network that loses, doubles, delays and reorders messages; clocks
 * that do not wait; administrators who change keys; programs that stop and start; eavesdroppers who send again what
 * they heard, and fellow members who try to forge.  What happens, and in which order, comes from numbers; after each
 * step what must always hold is looked at. */
#ifndef COI_MODEL_H
#define COI_MODEL_H

#include "coi.h"

struct coi_model;

/** How often what has come about; a run in which something never came about has not tested it. */
struct coi_model_sums {
	uint64_t sent, lost, doubled, replayed, forged, taken, accepted, recovered, removed, restarts, epochs, choices,
		cut_off, byes, ready, healed, silent;
};

/** @param random  32 bits. */
struct coi_model *coi_model_new(uint32_t (*random)(void *ctx), void *ctx);
void coi_model_free(struct coi_model *model);
const struct coi_model_sums *coi_model_sums(const struct coi_model *model);
/** One thing happens. @return NULL; else what does not hold. */
const char *coi_model_step(struct coi_model *model);
/** Nothing is lost any more, both ends have the same keys and something to send: a minute later they must have agreed.
 * After that nothing that was ever sent may change anything when it is sent again. */
const char *coi_model_heal(struct coi_model *model);
/** Nothing but loss, delay, doubles and replays, for that long: preshared keys must not differ for 40 s.
 * @param permille  of messages that are lost. */
const char *coi_model_lossy(struct coi_model *model, unsigned permille, uint64_t ms);
/** Not one message comes through for ten minutes: both must have the same recovery key. */
const char *coi_model_silence(struct coi_model *model);

#endif
