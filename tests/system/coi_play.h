/* What the parts of coi-play share. */
#ifndef COI_PLAY_H
#define COI_PLAY_H

#include "coi.h"

#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>

#define FRAME_MAX    2048
#define MACHINES_MAX 256
#define KEYS_MAX     256

struct options {
	const char *file, *interface, *from, *to;
	struct sockaddr_in address; /* of forge */
	struct in_addr source;	    /* of replay; zeros: as captured */
	uint16_t port;
	long times;
	bool flip;
};

_Noreturn void fatal(int status, const char *what, const char *value);

/* -- coi_play_capture.c: Ethernet frames with UDP over IPv4 or IPv6, of a file that tcpdump wrote */
struct frame {
	uint8_t data[FRAME_MAX];
	size_t len;
	size_t ip, udp, payload; /* where they begin */
	uint16_t source, destination;
};
struct capture {
	FILE *in;
	bool swapped, nanoseconds;
};
void capture_open(struct capture *capture, const char *path);
/* The next one to or from this port. @return false: there is none. */
bool capture_next(struct capture *capture, uint16_t port, struct frame *frame);
void capture_close(struct capture *capture);
/* Checksums are right again. */
void frame_seal(struct frame *frame);

/* -- coi_play_world.c: what an attacker knows */
struct machine {
	char name[64];
	uint8_t id[VMP_COI_ID], public_key[VMP_COI_SECRET];
};
struct coi_key {
	uint64_t coi;
	uint32_t epoch;
	uint8_t key[VMP_COI_SECRET];
};
struct world {
	struct machine machine[MACHINES_MAX];
	struct coi_key key[KEYS_MAX];
	size_t machines, keys;
	uint8_t private_key[VMP_COI_SECRET];
};
/* As --world says. */
const struct world *the_attacker(void);
void world_read(struct world *world, const char *path);
const struct machine *world_machine(const struct world *world, const char *name);
const struct machine *world_by_id(const struct world *world, const uint8_t id[VMP_COI_ID]);
/* The ends of a pair, with what this attacker's private key makes of the public key of one of them. @return false:
 * nothing. */
bool world_ends(const struct world *world, const struct machine *a, const struct machine *b, const struct machine *with,
		struct vmp_coi_ends *out);

/* -- the commands; each returns the exit status */
int play_replay(const struct options *options);
int play_open(const struct options *options);
int play_forge(const struct options *options);

#endif
