/** A machine that somebody needs, or that needs us: keys are agreed on with it, and it becomes a WireGuard peer. */
#ifndef PAIR_H
#define PAIR_H

#include "peer.h"

#include <event2/event_struct.h>

#define PAIR_HELD	 16 /**< packets that wait for one machine */
#define PAIR_HELD_OCTETS (64u << 10)
#define HELD_OCTETS	 (4u << 20) /**< of all machines */
#define HELD_MS		 5000

struct held;

struct pair {
	struct pair *next, **at; /**< of all */
	struct peer *peer;
	struct vmp_coi_pair *coi;
	struct event tick;
	bool is_leader;
	bool tunnel;		  /**< it is a WireGuard peer */
	bool ready;		  /**< both ends are, and its addresses are routed there */
	bool broken;		  /**< WireGuard did not do what it was told: begins anew */
	const char *why;	  /**< for the log, if it is removed now */
	uint64_t chosen;	  /**< by this end, when it had its keys last */
	size_t n_live;		  /**< and how many of those there were */
	struct vmp_coi_view seen; /**< at the last look */
	/* packets that wait */
	struct held *first, **last;
	unsigned n_held;
	size_t held_octets;
	uint64_t resend_since;	 /**< [ms] */
	unsigned resent;	 /**< packets that came by the TUN interface although there was a way, since then */
	union wg_endpoint from;	 /**< of the message that is being looked at; sa_family 0: none */
	union wg_endpoint heard; /**< of the last one that cannot be a copy: where one that roams is */
	/* as WireGuard had it at the last sweep */
	uint64_t received, sent;
	int64_t handshake;
	uint64_t active_at; /**< [ms] something was sent or received */
	uint64_t looked_at; /**< [ms] */
	bool is_silent;	    /**< something was sent, and nothing came back */
	unsigned sweep;	    /**< the last one that saw it */
};

struct pair *pairs_first(void);
size_t pairs_count(void);
/** Those that are WireGuard peers. */
size_t pairs_up(void);

/** Somebody sends to it. @param packet  held until there is a way. */
void pair_need(struct peer *peer, const uint8_t *packet, size_t len);
/** A message of its. @param head  what stands in the clear. @param from  where it came from. */
void pair_message(struct peer *peer, const struct vmp_coi_message *head, const uint8_t *data, size_t len,
		  const union wg_endpoint *from);
/** It is a WireGuard peer already. @param was  as it is there. @return VMP_OK; VMP_ENOMEM, VMP_EINVAL: it cannot be
 * one. */
VMP_CHECKED int pair_adopt(struct peer *peer, const struct wg_peer *was);
/** Keys or COIs have changed. */
void pair_rekey(struct pair *pair);
/** What a COI stands for has changed, such as how many members it has: the choice may be another one. */
void pair_reconsider(struct pair *pair);
void pair_stalled(struct pair *pair);
/** Nobody needs it: says bye. */
void pair_release(struct pair *pair, const char *why);
/** No peer any more, at once and without a word; NULL does nothing. */
void pair_free(struct pair *pair, const char *why);
/** WireGuard did not do as it was told: away, and if packets come, anew. */
void pair_begin_anew(struct pair *pair, const char *why);
const char *pair_phase(const struct pair *pair);
/** The COI that the two talk in, by what has been agreed on, else by the directory; "": none. */
const char *pair_coi_name(const struct peer *peer);
/** The live epochs that the two share. @param live  VMP_COI_LIVE_MAX. @param chosen  out: the COI to talk in; 0: none.
 */
size_t pair_live(const struct peer *peer, struct vmp_coi_live *live, uint64_t *chosen);

/* -- pair_held.c -- */

/** Keep a copy, within limits. */
void held_add(struct pair *pair, const uint8_t *packet, size_t len);
/** Send them. */
void held_send(struct pair *pair);
void held_drop(struct pair *pair);
void held_close(void);

/* -- pair_tunnel.c: WireGuard and routes of one machine -- */

void tunnel_install(struct pair *pair, const uint8_t psk[VMP_COI_SECRET]);
/** Its addresses are routed there. */
void tunnel_ready(struct pair *pair);
/** WireGuard first, then the routes. */
void tunnel_remove(struct pair *pair);
/** What it may send has changed. */
void tunnel_allowed(struct pair *pair);
void tunnel_endpoint(struct pair *pair);
/** An adopted one: what differs, but for the preshared key. */
void tunnel_adopt(struct pair *pair, const struct wg_peer *was);

#endif
