/* What the files coi_model*.c share: the two ends, the network between them, and time. */
#ifndef COI_MODEL_INTERNAL_H
#define COI_MODEL_INTERNAL_H

#include "coi_model.h"

#define MODEL_COIS    3
#define MODEL_FLIGHT  1024 /* messages on their way */
#define MODEL_ARCHIVE 2048 /* that somebody has kept */
#define MODEL_DRAWN   512  /* session keys that the leader drew last */
#define MODEL_SENT    256  /* times of the last messages of an end */

enum { LEAD, FOLLOW };

struct model_packet {
	uint64_t at;
	int to;
	size_t len;
	uint8_t data[VMP_COI_MESSAGE];
};

struct model_end {
	struct coi_model *model;
	int which;
	struct vmp_coi_pair *pair;
	bool installed, wants, member[MODEL_COIS], keyed;
	uint8_t psk[VMP_COI_SECRET];
	uint32_t epoch[MODEL_COIS]; /* what it knows to be current */
	uint64_t chosen;
	uint64_t installs;
	uint64_t sent_at[MODEL_SENT], n_sent;
};

struct coi_model {
	uint32_t (*random)(void *ctx);
	void *ctx;
	uint64_t now;
	struct vmp_coi_ends ends;
	struct model_end end[2];
	uint32_t epoch[MODEL_COIS];
	unsigned loss, doubles, delay;
	uint64_t dark_until; /* nothing comes through */
	uint64_t next_traffic;
	uint64_t differ_since;
	struct model_packet flight[MODEL_FLIGHT];
	size_t n_flight;
	struct model_packet archive[MODEL_ARCHIVE];
	uint64_t n_archive;
	uint8_t drawn[MODEL_DRAWN][VMP_COI_SECRET], has_taken[MODEL_DRAWN][VMP_COI_SECRET];
	uint64_t n_drawn, n_taken;
	struct coi_model_sums sums;
	const char *wrong;
};

/* 0 to n - 1. */
unsigned model_below(struct coi_model *m, unsigned n);
/* The first thing that does not hold is what coi_model_step() says. */
void model_is_wrong(struct coi_model *m, const char *why);
/* A message arrives then, unless there are too many. */
void model_fly(struct coi_model *m, int to, const uint8_t *data, size_t len, uint64_t at);
/* The place of the next one to arrive, if there is any; have it arrive. */
size_t model_first_flight(const struct coi_model *m);
void model_deliver(struct coi_model *m, size_t i);
/* The program of an end starts anew. @param stays  its WireGuard peer. */
void model_start(struct model_end *e, bool stays);
/* An end's keys or choice have changed: two live epochs of each COI that is shared, the current one and the one before.
 */
void model_keys_tell(struct model_end *e);
/* Both know all there is to know. */
void model_synchronize(struct coi_model *m);
void model_look_at_difference(struct coi_model *m);
/* Go on to the next thing that is due, but not past that. @return false: nothing is due until then. */
bool model_advance(struct coi_model *m, uint64_t until);

#endif
