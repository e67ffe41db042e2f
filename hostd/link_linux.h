/** The host's interfaces, as rtnetlink tells of them. */
#ifndef LINK_LINUX_H
#define LINK_LINUX_H

#include "err.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#define LINK_ALIAS 256 /**< [octets] IFALIASZ */

struct link {
	int index;
	int master;   /**< index of the bridge whose port it is; 0: none */
	bool up;      /**< has a carrier */
	bool gone;    /**< deleted; only in a call of changed() */
	uint64_t mac; /**< 0: not an Ethernet address */
	char name[IF_NAMESIZE];
	char kind[IF_NAMESIZE]; /**< "bridge", "veth", "tun", ... */
	char alias[LINK_ALIAS];
};

/** A MAC address that a bridge has learned behind a port (or forgotten). */
struct link_learned {
	int port, bridge; /**< indexes; bridge may be 0 */
	uint64_t mac;
	bool forgotten;
};

struct link_events {
	void (*changed)(const struct link *link);	  /**< also for each that is there at first */
	void (*learned)(const struct link_learned *what); /**< only addresses learned from frames, none of the host's
							   * own; NULL: not asked for */
	void (*synced)(void); /**< everything that is there has been told: at first, and after a loss of messages */
};

struct event_base;

/** Listen, and have all links told.  A loss of messages (ENOBUFS) has everything told again. */
VMP_CHECKED int links_open(struct event_base *base, const struct link_events *events, struct vmp_msg *msg);
void links_close(void);
/** @return NULL: there is none.  Good until the loop turns. */
const struct link *link_by_name(const char *name);
const struct link *link_by_index(int index);

/** Decode one datagram from the kernel, for links_open() and for the fuzzer; synced is the end of a dump here.
 * @param data  at an address that four divides. @return VMP_OK; VMP_EINVAL; VMP_EBUSY: a dump has failed, or things
 * changed meanwhile. */
VMP_CHECKED int link_decode(const uint8_t *data, size_t len, const struct link_events *events);

#endif
