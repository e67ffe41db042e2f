/** COI keys that have been opened, for as long as each is good.  No I/O; secret, and wiped. */
#ifndef KEYRING_H
#define KEYRING_H

#include "keys.h"

/** What opens envelopes: the machine's files, in PEM. */
struct keyring_pair {
	char *ca, *certificate, *key;
	size_t key_len;
};
VMP_CHECKED int keyring_pair_read(struct keyring_pair *pair, const char *ca, const char *certificate, const char *key,
				  struct vmp_msg *msg);
/** Wipes. */
void keyring_pair_clear(struct keyring_pair *pair);

/** Two clocks, of which a key's life is the shorter: one that may be set, and one that may not. */
struct keyring_clock {
	int64_t now;	  /**< [s] since 1970 */
	uint64_t boot_ms; /**< CLOCK_BOOTTIME */
};
void keyring_clock_read(struct keyring_clock *clock);

/** A key; not_before is up to KEYRING_EARLY seconds ahead, since clocks differ. */
#define KEYRING_EARLY 300
struct keyring {
	struct keys_one *all; /**< n */
	uint64_t *ends_ms;    /**< of each, by CLOCK_BOOTTIME */
	size_t n;
};

/** Why an envelope was no use; coi and epoch as policyd lists it. */
typedef void (*keyring_bad_fn)(void *ctx, const struct keys_envelope *envelope, const char *why);

/** Replace all keys by those of the envelopes.  One that does not open, or is not of the COI and epoch that it is
 * listed as, or whose time has not come or is over, is told of and left out; but a key that is listed still and that
 * was there before stays.
 * @param bad  NULL: nobody cares. @param changed  out: something is otherwise than before.
 * @return VMP_OK; VMP_ENOMEM: nothing has changed. */
VMP_CHECKED int keyring_take(struct keyring *ring, const struct keys_envelope *envelopes, size_t n,
			     const struct keyring_pair *pair, const struct keyring_clock *clock, keyring_bad_fn bad,
			     void *ctx, bool *changed, struct vmp_msg *msg);
/** Drop the keys that have ended. @param next_ms  out: until the next one will; UINT64_MAX: never. @return are there
 * any? */
bool keyring_look(struct keyring *ring, const struct keyring_clock *clock, uint64_t *next_ms);
/** Wipes. */
void keyring_clear(struct keyring *ring);

#endif
