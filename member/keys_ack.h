/** What policyd has been told of: which epoch of each COI has arrived here (PUT /v1/coi-keys/COI). */
#ifndef KEYS_ACK_H
#define KEYS_ACK_H

#include "keys.h"

struct keys_ack;

/** @param settings  its client and files, borrowed. */
VMP_CHECKED int keys_ack_new(struct event_base *base, const struct keys_settings *settings, struct keys_ack **out,
			     struct vmp_msg *msg);
void keys_ack_free(struct keys_ack *ack);
/** These are here now: tells of the highest epoch of each COI, one after the other, unless that has been told of; again
 * after a failure.  With none, nothing has been told of any more. */
void keys_ack_set(struct keys_ack *ack, const struct keys_one *all, size_t n);

#endif
