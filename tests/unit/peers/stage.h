/* A member whose WireGuard, kernel, policyd and clock are stand-ins; lib/coi and the socket of messages are real, and
 * so are the other machines' ends. */
#ifndef STAGE_H
#define STAGE_H

#include "directory.h"
#include "keys.h"
#include "member.h"
#include "self.h"

#include <check.h>

#define STAGE_PORT    40000
#define STAGE_TABLE   30317
#define STAGE_MEMBERS 8

/* Another machine. */
struct machine {
	struct directory_peer told; /* what the directory says of it */
	uint8_t private_key[VMP_COI_SECRET];
	int fd;			   /* its socket of messages */
	struct vmp_coi_pair *pair; /* NULL: it does not take part */
	bool is_peer, is_ready;	   /* as it sees us */
	uint8_t psk[VMP_COI_SECRET];
	uint8_t said[VMP_COI_MESSAGE]; /* its last message */
	size_t said_len;
	unsigned received, byes, octets; /* messages */
	union wg_endpoint from;		 /* of the last one */
	bool deaf, mute;
};

/* What WireGuard has. */
struct stage_peer {
	uint8_t key[VMP_COI_SECRET], psk[VMP_COI_SECRET];
	union wg_endpoint endpoint;
	struct prefix allowed[64];
	size_t n_allowed;
	uint16_t keepalive;
	uint64_t received, sent;
};

struct stage {
	struct event_base *base;
	struct member_settings settings;
	struct self_answer self;
	struct machine machine[STAGE_MEMBERS];
	size_t n_machine;
	struct stage_peer wg[STAGE_MEMBERS + 4];
	size_t n_wg;
	bool wg_there; /* the interface was there before */
	int wg_err;    /* what requests to WireGuard come to */
	int guard_err;
	bool guard_away;      /* somebody has flushed all rules */
	struct prefix old[4]; /* routes of an earlier life */
	size_t n_old;
	unsigned refused; /* packets */
	unsigned sent;	  /* packets that went on */
	unsigned told;	  /* settings.changed */
	unsigned puts, fetches, agains, wipes, failed;
	char put[64];		  /* the endpoint that was registered last */
	unsigned names, reserved; /* written last */
	struct keys_one key[16];
	size_t n_key;
	char trace[8192]; /* what was done to WireGuard and the kernel, in order */
};
extern struct stage stage;

/* For checked fixtures: no machine is known yet. */
void stage_setup(void);
void stage_teardown(void);

/* A machine in these COIs (ids: 1 is "c1"), whose messages' port is its own; in the directory when it is told. */
struct machine *machine_add(const char *name, const char *cois);
/* It takes part: with keys of these COIs, epoch 1. @param installed  it has us as a peer already. */
void machine_join(struct machine *m, bool installed);
void machine_keys(struct machine *m);
void machine_cois(struct machine *m, const char *cois);
/* Its end needs us. */
void machine_need(struct machine *m);
/* WireGuard's entry of it; NULL: none. */
struct stage_peer *machine_wg(const struct machine *m);
/* Both have each other, with one key. */
bool machine_agreed(const struct machine *m);
/* It has another key, and we lead, or it does; the directory is to tell it. */
void machine_other_key(struct machine *m, bool we_lead);
/* A datagram from its socket. */
void machine_says(struct machine *m, const void *data, size_t len);

/* A key of a COI's epoch; the older ones of it are no longer current. */
void stage_key(const char *coi, uint32_t epoch);
/* Those that were added are told to the member. */
void stage_keys_come(void);
/* policyd has answered for keys; err: it has not. */
void stage_keys_state(int err, const char *why);
/* member_new() and member_go(). */
void stage_begin(void);
/* policyd knows us. */
void stage_registered(void);
/* All of it, with a key for each COI up to "c4" and all machines in the directory, which take part. */
void stage_up(void);
/* The directory's answer: NULL ends. */
void stage_tell(bool full, struct machine *m, ...);
void stage_gone(const char *id);
void stage_directory_state(int err, const char *why);
void stage_self_fails(int err, const char *why);
/* Time passes. */
void stage_run(unsigned ms);
/* Until it is so; fails after that many seconds of the stand-in's clock. */
void stage_until(bool (*is)(const struct machine *m), const struct machine *m, unsigned seconds);
/* A packet for it comes out of the TUN interface. */
void stage_packet(const struct prefix *to);
/* What was done since the last call. */
const char *stage_done(void);
/* One of its lines stands before another one. */
bool done_before(const char *done, const char *first, const char *second);

#endif
