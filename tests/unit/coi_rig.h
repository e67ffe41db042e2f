/* Two ends of a pair, and what they have sent to each other, message by message. */
#ifndef COI_RIG_H
#define COI_RIG_H

#include "coi.h"

#define COI_RIG_QUEUE 64

struct coi_rig_end {
	struct vmp_coi_pair *pair;
	bool installed;
	uint8_t psk[VMP_COI_SECRET];
	int installs, readies, removes;
	/* What it has sent, and the other one has not got yet. */
	uint8_t sent[COI_RIG_QUEUE][VMP_COI_MESSAGE];
	size_t len[COI_RIG_QUEUE];
	int n;
	bool fresh; /* the last message that it got */
	bool no_random;
};

extern struct coi_rig_end coi_rig_lead, coi_rig_follow;
extern uint64_t coi_rig_now; /* [ms] */

/* For checked fixtures: both have epoch 1 of COI 1, and nothing was said. */
void coi_rig_setup(void);
void coi_rig_teardown(void);
/* Its program starts, anew if it has before. */
void coi_rig_start(struct coi_rig_end *e, bool installed);
/* It has epochs first to last of COI 1, the last one being current; none at all. */
void coi_rig_keys(struct coi_rig_end *e, uint32_t first, uint32_t last);
void coi_rig_none(struct coi_rig_end *e);
enum vmp_coi_phase coi_rig_phase(const struct coi_rig_end *e);
/* Of the i-th message that the other one has not got yet; 0: there is none. */
int coi_rig_type_of(const struct coi_rig_end *e, int i);
/* A message comes. @return as vmp_coi_pair_message() */
int coi_rig_give(struct coi_rig_end *to, const uint8_t *data, size_t len);
/* The first of what one end has sent comes to the other one; all; nothing ever comes. */
int coi_rig_pass(struct coi_rig_end *from);
void coi_rig_pass_all(void);
void coi_rig_lose_all(void);
/* What is due until then; nothing arrives. */
void coi_rig_wait_until(struct coi_rig_end *e, uint64_t until);
/* The leader needs it, and both agree. */
void coi_rig_agreed(void);

#endif
