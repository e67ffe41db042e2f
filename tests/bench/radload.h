/* SPDX-License-Identifier: GPL-2.0-or-later */
/* radload: a load generator for RADIUS over UDP.  Parts shared by its files. */
#ifndef RADLOAD_H
#define RADLOAD_H

#include "args.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <netinet/in.h>

#define PACKET_MAX 256	/**< [octets] room for one request and the secret; the MAB request takes 113 */
#define REPLY_MAX  4096 /**< [octets] RFC 2865, section 3 */
#define ATTRS_MAX  1024 /**< [octets] reply attributes that radload compares */
#define RA_LEN	   16	/**< [octets] Request and Response Authenticator */
#define SECRET_MAX 48	/**< [octets] secret + authenticator fit one MD5 input */
#define MAC_TEXT   12	/**< [octets] as User-Name and User-Password have it */

/** What the command line asks for. */
struct options {
	struct sockaddr_in server;
	const char *secret;
	uint64_t mac_first, mac_count, mac_step;
	uint64_t seed;
	uint64_t requests;	   /**< stop after so many; 0 = by time */
	double seconds;		   /**< [s] stop sending after so long; 0 = by requests */
	double rate;		   /**< [1/s] open loop; 0 = closed loop */
	double timeout;		   /**< [s] a reply later than this is lost */
	double wait;		   /**< [s] how long to repeat the first request until it is answered */
	unsigned window;	   /**< outstanding requests, closed loop */
	unsigned ports;		   /**< UDP source ports */
	unsigned gather;	   /**< [us] pause before looking for replies */
	unsigned verify;	   /**< check the Response Authenticator of one reply in so many */
	uint8_t expect[ATTRS_MAX]; /**< attributes that each reply must carry */
	size_t expect_len;	   /**< [octets] 0 = learn them from the first reply */
	bool vary[256];		   /**< by type: attributes whose value differs from reply to reply */
	const char *state;	   /**< file with what is known of each MAC; NULL = none */
	bool accounting;	   /**< Accounting-Requests instead of Access-Requests */
	bool in_turn;		   /**< the MACs one after the other instead of random ones */
	bool probe;		   /**< send the first request only */
	bool tsv;
};

void options_parse(struct options *o, int argc, char **argv);
int hex_decode(const char *hex, uint8_t *out, size_t max);

/* What is known of each MAC (radload_state.c), for as long as the file is there: over several runs. */

#define CLASS_MAX 62 /**< [octets] of a Class that can be kept */

struct state_record {
	uint8_t flags;	   /**< STATE_... */
	uint8_t class_len; /**< [octets] 0 = none came */
	uint8_t class[CLASS_MAX];
};

enum {
	STATE_ACCEPTED = 1,  /**< an Access-Accept came */
	STATE_STARTED = 2,   /**< a Start was sent */
	STATE_ACCOUNTED = 4, /**< an Accounting-Response came */
};

struct state {
	uint64_t count;
	struct state_record *records; /**< one for each MAC of the range, shared with the file */
};

/** @param path  made when it is not there; NULL = memory that is gone at the end.  Dies when it is no such file. */
struct state *state_open(const char *path, uint64_t count);
void state_close(struct state *s);
/** How many MACs have one of these flags. */
uint64_t state_count(const struct state *s, uint8_t flag);

/* Packets (radload_packet.c, radload_access.c, radload_acct.c). */

struct codec;

/** One request, preceded in memory by the HMAC's inner key block so that one MD5 call covers both. */
struct wire {
	uint8_t ipad[64];
	uint8_t pkt[PACKET_MAX];
};

struct codec *codec_new(const struct options *o);
void codec_free(struct codec *c);

/** Prepare the parts of @p w that do not change between requests. */
void codec_init_wire(const struct codec *c, struct wire *w);

/** Turn @p w into a new request: the next MAC, fresh authenticator, signature.
 *
 * @param index  out: which MAC of the range, for codec_learn() and codec_check().
 * @return the packet's length.
 */
size_t codec_fill(struct codec *c, struct wire *w, uint8_t id, uint64_t *index);

/** Check the first reply and keep its attributes as what every later one must carry.
 *
 * @return NULL, or what is wrong with it (static text).
 */
const char *codec_learn(struct codec *c, uint8_t *pkt, size_t len, const uint8_t ra[RA_LEN], uint64_t index);

/** Check a reply: code, length and attributes always, the Response Authenticator on a sampling.  Notes a good one in
 * the state of its MAC.
 *
 * @p pkt is clobbered.
 */
bool codec_check(struct codec *c, uint8_t *pkt, size_t len, const uint8_t ra[RA_LEN], uint64_t index);

/** How many different MACs have had a good reply of this kind, earlier runs with the same state included; 0 without. */
uint64_t codec_macs(const struct codec *c);

/* Latencies (radload_hist.c): log-linear, 32 steps to the octave, so within 3 %. */

#define HIST_STEPS 32
#define HIST_SLOTS (HIST_STEPS * 60)

struct hist {
	uint64_t total;
	uint64_t slot[HIST_SLOTS];
};

void hist_add(struct hist *h, uint64_t ns);
double hist_quantile_us(const struct hist *h, double q);

/* The run (radload_run.c). */

struct result {
	uint64_t requests, replies, lost, wrong, late;
	double seconds; /**< [s] first request to last reply */
	struct hist hist;
};

/** Send the first request until it is answered and learn the reply.  Dies when nothing answers in time. */
void run_probe(const struct options *o, struct codec *c);
void run_load(const struct options *o, struct codec *c, struct result *r);

#endif
