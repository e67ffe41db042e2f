/** Communities of interest between two machines: which one they talk in, the keys of the pair, and the messages by
 * which they agree on a session key.  No I/O: time, randomness and what is sent come and go by arguments and calls.
 *
 * Of two machines the one whose WireGuard public key is lower, octet by octet, leads: it draws the session key and
 * offers it; the other one follows: it installs it as WireGuard's preshared key and says so, and only then does the
 * leader install it.  Source: automated provisioning, paragraphs 39, 40, 43 and 46, claim 4.
 */
#ifndef VMP_COI_H
#define VMP_COI_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMP_COI_SECRET	 32  /**< [octets] a COI's key, a session key, a WireGuard key */
#define VMP_COI_ID	 16  /**< [octets] a machine's UUID */
#define VMP_COI_MESSAGE	 512 /**< [octets] of any message, at most */
#define VMP_COI_LIVE_MAX 256 /**< epochs that a pair may share, of all its COIs */

/* -- which COI ---------------------------------------------------------------------------------------------------- */

/** One of the COIs that two machines share. */
struct vmp_coi_shared {
	uint64_t id; /**< from 1 */
	uint32_t priority;
	int64_t members;
};
/** The one that they talk in: the lowest priority, then the fewest members, then the lowest id.
 * @return its place in shared; -1: n is 0. Source: paragraphs 39 and 46. */
int vmp_coi_choose(const struct vmp_coi_shared *shared, size_t n);

/* -- keys --------------------------------------------------------------------------------------------------------- */

/** Whom the keys of a pair are for; the same at both ends. */
struct vmp_coi_ends {
	uint8_t id[2][VMP_COI_ID]; /**< [0] leads, [1] follows */
	uint8_t public_key[2][VMP_COI_SECRET];
	uint8_t dh[VMP_COI_SECRET]; /**< X25519 (RFC 7748) of their WireGuard keys: other members of the COI know its
				     * key, and not this; secret */
};
/** Find who leads, and dh. @param own_private  clamped or not.
 * @return VMP_OK; VMP_EINVAL: the same keys or ids, or a public key of small order (dh would be zero). */
VMP_CHECKED int vmp_coi_ends_set(struct vmp_coi_ends *out, bool *leads, const uint8_t own_id[VMP_COI_ID],
				 const uint8_t own_private[VMP_COI_SECRET], const uint8_t peer_id[VMP_COI_ID],
				 const uint8_t peer_public[VMP_COI_SECRET], struct vmp_msg *msg);
/** The public key of a private one. @return VMP_OK; VMP_EIO. */
VMP_CHECKED int vmp_coi_public(const uint8_t own_private[VMP_COI_SECRET], uint8_t out[VMP_COI_SECRET]);
/** A new private key, clamped. @return VMP_OK; VMP_EIO: no random octets. */
VMP_CHECKED int vmp_coi_private_new(uint8_t out[VMP_COI_SECRET]);

/** Keys of a pair in one epoch of one COI: HKDF-SHA256 (RFC 5869), salt "vmprov coi 1", key COI key | dh, info purpose
 * | COI id | epoch | both ids | both public keys; numbers big-endian. */
struct vmp_coi_keys {
	uint8_t of[2]
		  [VMP_COI_SECRET]; /**< AES-256-GCM for what the leader, the follower sends ("leader", "follower") */
	uint8_t recovery[VMP_COI_SECRET]; /**< the preshared key of two ends that cannot talk ("recovery") */
};
/** @return VMP_OK; VMP_EIO: OpenSSL failed; then out is zeros. */
VMP_CHECKED int vmp_coi_derive(const struct vmp_coi_ends *ends, uint64_t coi, uint32_t epoch,
			       const uint8_t coi_key[VMP_COI_SECRET], struct vmp_coi_keys *out);

/* -- messages ----------------------------------------------------------------------------------------------------- */

enum vmp_coi_type {
	VMP_COI_OFFER = 1,   /**< leader: a session key */
	VMP_COI_TAKEN = 2,   /**< follower: has installed the key of that offer */
	VMP_COI_REFUSED = 3, /**< follower: has not: the challenge to go by */
	VMP_COI_DONE = 4,    /**< leader: has installed it too */
	VMP_COI_ASK = 5,     /**< follower: wants an offer */
	VMP_COI_BYE = 6	     /**< either: has no peer with the key of that offer, until somebody needs it again */
};

/** A message: "vc", version 1, type; epoch (4), COI id (8), from (16), to (16), nonce (12), all of it additional data;
 * then AES-256-GCM of the rest under the sender's key of that epoch, and its tag (16).  Numbers are big-endian. */
struct vmp_coi_message {
	enum vmp_coi_type type;
	uint32_t epoch; /**< from 1 */
	uint64_t coi;	/**< from 1 */
	uint8_t from[VMP_COI_ID], to[VMP_COI_ID];
	/* encrypted */
	uint8_t challenge[16]; /**< random, the follower's; a new one for each offer that it takes, so that an offer
				* with another one is old.  zeros: not known to the leader */
	uint64_t counter;      /**< ask: of the asks with this challenge, from 1; else 0 */
	uint8_t offer[16];     /**< random, names an offer; ask: zeros */
	uint8_t session[VMP_COI_SECRET]; /**< offer alone; secret */
};

/** Write. @param nonce  12 octets, never twice under a key. @param out  VMP_COI_MESSAGE octets. @return VMP_OK. */
VMP_CHECKED int vmp_coi_seal(const struct vmp_coi_message *message, const uint8_t key[VMP_COI_SECRET],
			     const uint8_t nonce[12], uint8_t *out, size_t *len, struct vmp_msg *msg);
/** Whose is it?  Reads what is in the clear: type, epoch, coi, from, to; nothing is verified yet.
 * @return VMP_OK; VMP_EINVAL: no message. */
VMP_CHECKED int vmp_coi_peek(const uint8_t *data, size_t len, struct vmp_coi_message *out, struct vmp_msg *msg);
/** Read and verify. @return VMP_OK; VMP_EINVAL: no message; VMP_EACCES: not sealed with this key. */
VMP_CHECKED int vmp_coi_open(const uint8_t *data, size_t len, const uint8_t key[VMP_COI_SECRET],
			     struct vmp_coi_message *out, struct vmp_msg *msg);

/* -- one pair ----------------------------------------------------------------------------------------------------- */

/** What a pair does.  The calls are made from inside vmp_coi_pair_...() and must not come back into the same pair. */
struct vmp_coi_calls {
	/** During vmp_coi_pair_message() it is an answer, for wherever that message came from; else for wherever the
	 * last message that was fresh came from, or the directory says. */
	void (*send)(void *ctx, const uint8_t *data, size_t len);
	/** Make it a WireGuard peer with this preshared key, or change that of one; done when it returns. */
	void (*install)(void *ctx, const uint8_t psk[VMP_COI_SECRET]);
	/** Both ends have it: packets that wait may go. */
	void (*ready)(void *ctx);
	/** No peer any more. */
	void (*remove)(void *ctx);
	/** @return VMP_OK. */
	int (*random)(void *ctx, uint8_t *out, size_t len);
};

/** A live epoch of a COI that the two share. */
struct vmp_coi_live {
	uint64_t coi;
	uint32_t epoch;
	bool current;	    /**< of its COI */
	const uint8_t *key; /**< VMP_COI_SECRET octets */
};

enum vmp_coi_phase {
	VMP_COI_IDLE,	/**< no peer: nobody needs it */
	VMP_COI_ASKING, /**< no peer yet: a key is being agreed on */
	VMP_COI_AGREED, /**< peer, with a session key that both have */
	VMP_COI_UNSURE, /**< peer, with a key that the other end may or may not have: since a restart, or a new offer */
	VMP_COI_RECOVERY /**< peer, with the recovery key, since the ends have not heard of each other for long */
};

struct vmp_coi_pair;

/** @param ends  copied. @param installed  it is a WireGuard peer already, with a key that nobody remembers: this
 * program was started anew. @return NULL: out of memory. */
struct vmp_coi_pair *vmp_coi_pair_new(const struct vmp_coi_ends *ends, bool leads, bool installed,
				      const struct vmp_coi_calls *calls, void *ctx);
/** Wipes.  Calls nothing: the WireGuard peer, if there is one, is the caller's to remove. */
void vmp_coi_pair_free(struct vmp_coi_pair *pair);

/** The keys, whenever they or the choice change. @param live  n, of shared COIs alone; keys are used during the call
 * and what is derived from them is kept until the next. @param chosen  this end's choice; the leader's counts.  With n
 * 0 the peer is removed, and messages are dropped.
 * @param now  [ms] of a clock that does not jump, as everywhere here. @return VMP_OK; VMP_EINVAL: too many; VMP_ENOMEM,
 * VMP_EIO: nothing has changed. */
VMP_CHECKED int vmp_coi_pair_keys(struct vmp_coi_pair *pair, const struct vmp_coi_live *live, size_t n, uint64_t chosen,
				  uint64_t now, struct vmp_msg *msg);
/** There is something to send to it. */
void vmp_coi_pair_need(struct vmp_coi_pair *pair, uint64_t now);
/** WireGuard sends and nothing comes back: the other end may have forgotten us.  Asks again, at most once a second. */
void vmp_coi_pair_stalled(struct vmp_coi_pair *pair, uint64_t now);
/** Nobody needs it any more, or this machine leaves: says bye, and removes the peer. */
void vmp_coi_pair_release(struct vmp_coi_pair *pair, uint64_t now);
/** A message for this pair has come.
 * @param fresh  out: the other end has sent it just now, so that where it came from is where the other end is.  Else it
 * may be a copy that somebody sends again from elsewhere: it is answered, if at all, but its address is not kept.
 * @return VMP_OK; VMP_EINVAL, VMP_EACCES: dropped; VMP_ENOENT: dropped, of an epoch or COI whose key is not here: the
 * caller may fetch its keys anew. */
VMP_CHECKED int vmp_coi_pair_message(struct vmp_coi_pair *pair, const uint8_t *data, size_t len, uint64_t now,
				     bool *fresh, struct vmp_msg *msg);
/** Do what is due. */
void vmp_coi_pair_tick(struct vmp_coi_pair *pair, uint64_t now);
/** [ms] When the next tick is due; UINT64_MAX: never. */
uint64_t vmp_coi_pair_next(const struct vmp_coi_pair *pair);

struct vmp_coi_view {
	enum vmp_coi_phase phase;
	uint64_t coi;			     /**< that they talk in; 0: none */
	uint32_t epoch;			     /**< of the session key's offer */
	uint64_t agreed_at;		     /**< [ms] 0: never */
	unsigned long long offers, refusals; /**< offers sent or taken; messages that did not verify */
};
void vmp_coi_pair_look(const struct vmp_coi_pair *pair, struct vmp_coi_view *out);

#endif
