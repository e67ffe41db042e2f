/** Other machines, as far as the directory tells. */
#ifndef PEER_H
#define PEER_H

#include "directory.h"

#include <event2/event.h>

struct pair;

/** A COI that this machine is in, and that others share; as it was told last. */
struct coi {
	struct coi *next;
	uint64_t id;
	char name[65];
	uint32_t priority, epoch;
	int64_t members;
	unsigned used; /**< by so many machines */
	bool changed;  /**< since the pairs last had their keys */
};

struct peer {
	struct peer *next_uuid, *next_key, *next; /**< in the tables; next: of all */
	struct peer **at;			  /**< what points to this one in the list of all */
	struct peer *carrier;			  /**< the gateway that its packets go through; NULL: none */
	struct peer *carried, *next_carried;	  /**< those that go through this one */
	struct peer **carried_at;
	struct pair *pair; /**< NULL: nobody has needed it lately */
	void *block;	   /**< what the next three point into */
	const char *name;
	struct coi **coi;     /**< n_coi, in the server's order */
	struct prefix *route; /**< n_route */
	union wg_endpoint endpoint;
	struct prefix inner6, inner4;
	unsigned generation; /**< the full answer that had it last */
	uint16_t n_coi, n_route;
	bool gateway, remote;
	bool indirect; /**< packets go through a gateway, or nowhere */
	bool dirty;    /**< what WireGuard may take from it has changed */
	bool unusable; /**< no keys can be agreed on with its public key; said once */
	uint8_t uuid[VMP_COI_ID];
	uint8_t key[VMP_COI_SECRET];
};

/** Through whom its packets go: itself or a gateway; NULL: nobody. */
struct peer *peer_via(struct peer *peer);
/** The COI that this machine would talk to it in by what the directory says; NULL: none. */
const struct coi *peer_coi(const struct peer *peer);
/** May its address change without the directory's knowing? */
bool peer_roams(const struct peer *peer);
/** Its id as text. @param out  37 octets. @return out. */
const char *peer_id(const struct peer *peer, char *out);
/** Read an id; false: none. */
bool peer_id_read(const char *text, uint8_t out[VMP_COI_ID]);

/* -- peer_entry.c: one entry's memory and its places in the tables -- */

/** A new one, in all tables. @return NULL: out of memory. */
struct peer *peer_new(const struct directory_peer *told);
/** Take over what may change without a new beginning: name, COIs, routes, endpoint. @return VMP_OK; VMP_ENOMEM. */
VMP_CHECKED int peer_update(struct peer *peer, const struct directory_peer *told);
/** Is what is told another machine, as far as WireGuard is concerned? */
bool peer_differs(const struct peer *peer, const struct directory_peer *told);
/** Out of all tables; no WireGuard peer any more. */
void peer_forget(struct peer *peer, const char *why);
/** Its packets go through a gateway, or through none that is known: NULL. */
void peer_carry(struct peer *peer, struct peer *carrier);
/** All COIs known. */
struct coi *coi_first(void);

#endif
