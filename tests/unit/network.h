/* A session store and the network's reports to it, for the suites that need them.  Places: A and B are port 1 of two
 * NASes, C of a third; a, b and c their ports 2. */
#ifndef NETWORK_H
#define NETWORK_H

#include "scratch.h"
#include "store_session.h"

extern struct vmp_store *network; /**< open to write; scratch_path names its file */
extern struct vmp_msg network_msg;
extern struct vmp_report_effect network_effect; /**< of the last report */
extern int64_t network_window_s;		/**< for clone alarms; 60 at first */

void network_setup(void);
void network_teardown(void);
/** Close the store, and remove its file. */
void network_remove(void);
/** The file is lost: an empty one takes its place. */
void network_lose(void);

/** 52:54:00:00:00:NN */
uint64_t network_mac(int n);
/** A report of guest n with a place's attributes and no Acct-Session-Id; texts live until the next call. */
struct vmp_report network_report(enum vmp_report_type type, int n, char place, uint64_t token, int64_t at);
/** Take it down. */
void network_take(const struct vmp_report *report);

void network_auth(int n, char place, uint64_t token, int64_t at);
/** @param octets  in; out is twice as much. */
void network_acct(enum vmp_report_type type, int n, char place, uint64_t token, int64_t at, const char *acct,
		  uint64_t octets);
void network_restart(char place, int64_t at);

/** The session that lasts as "A started 5 S1": place, state, token, Acct-Session-Id; "-" when there is none. */
const char *network_sketch(int n);

#endif
