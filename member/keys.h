/** The keys of this machine's COIs: fetched, opened with its certificate's key, acknowledged; in memory alone, wiped.
 * What lies on the disk are the envelopes as they came, which this machine's key alone opens. */
#ifndef KEYS_H
#define KEYS_H

#include "coi.h"
#include "http_client.h"

#define KEYS_ANSWER (4 << 20)	     /**< [octets] of an answer, at most */
#define KEYS_MAX    VMP_COI_LIVE_MAX /**< keys in it */

struct keys;

struct keys_settings {
	struct http_client *client;	    /**< whose answer_max is KEYS_ANSWER or more; freed after the keys */
	const char *certificate, *key, *ca; /**< files */
	const char *cache;		    /**< file for the envelopes; "": none */
	/** Keys have come, or ended, or another one of a COI is current. */
	void (*changed)(void *ctx);
	/** policyd refuses (VMP_EACCES, VMP_ENOENT), is not reached or makes no sense (VMP_EIO), or answers (VMP_OK);
	 * whenever that changes.  keys_free() may be called from here when err is not VMP_OK. */
	void (*state)(void *ctx, int err, const char *why);
	void *ctx;
};
/** Opens what the cache has, and calls nothing; fetches nothing before keys_fetch(). */
VMP_CHECKED int keys_new(struct event_base *base, const struct keys_settings *settings, struct keys **out,
			 struct vmp_msg *msg);
/** Wipes. */
void keys_free(struct keys *keys);
/** Fetch now; several at once are one, and one a second.  Tried again by itself until it has come, with every key in it
 * open; then what has come is acknowledged to policyd. */
void keys_fetch(struct keys *keys);
/** Forget all of them, what is on the disk and what is on its way; calls nothing.  keys_fetch() begins anew. */
void keys_wipe(struct keys *keys);

/** One live epoch. */
struct keys_one {
	char coi[65];
	uint32_t epoch;
	bool current;
	int64_t not_after; /**< [s] since 1970; afterwards it is gone by itself */
	uint8_t key[VMP_COI_SECRET];
};
/** Borrowed, until the next event. @return how many. */
size_t keys_all(const struct keys *keys, const struct keys_one **out);

struct keys_envelope {
	char coi[65];
	uint32_t epoch;
	bool current;
	uint8_t *der;
	size_t len;
};
/** Read an answer's list into envelopes (decoded base64), without opening them.
 * @param out  n, for keys_envelopes_free(); untouched on error. @return VMP_OK; VMP_EINVAL with the first thing that is
 * wrong: an epoch twice, two current ones of a COI, more than KEYS_MAX, an envelope over VMP_ENVELOPE_MAX; VMP_ENOMEM.
 */
VMP_CHECKED int keys_read(const char *text, size_t len, struct keys_envelope **out, size_t *n, struct vmp_msg *msg);
void keys_envelopes_free(struct keys_envelope *envelopes, size_t n);

#endif
