/* Two machines and a third one for what is tested of COIs; keys of tests/wire/coi.txt. */
#ifndef COI_ENDS_H
#define COI_ENDS_H

#include "coi.h"

enum coi_machine { COI_LEADER, COI_FOLLOWER, COI_FELLOW };

/** Its private key and UUID. */
const uint8_t *coi_machine_key(enum coi_machine machine);
const uint8_t *coi_machine_id(enum coi_machine machine);
/** As machine sees itself and peer; aborts when that fails. @return whether machine leads. */
bool coi_ends_of(enum coi_machine machine, enum coi_machine peer, struct vmp_coi_ends *out);
/** A COI's key in an epoch. */
void coi_key_of(uint64_t coi, uint32_t epoch, uint8_t out[VMP_COI_SECRET]);
/** Keys of the pair of leader and follower. */
void coi_keys_of(uint64_t coi, uint32_t epoch, struct vmp_coi_keys *out);

#endif
