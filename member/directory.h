/** Who shares a COI with this machine, as policyd tells (docs/PROTOCOL.md, "Members"). */
#ifndef DIRECTORY_H
#define DIRECTORY_H

#include "http_client.h"
#include "prefix.h"
#include "wg.h"

#define DIRECTORY_COIS	 64
#define DIRECTORY_ROUTES 64
#define DIRECTORY_ANSWER (64u << 20) /**< [octets] an answer's body, at most */

struct directory_coi {
	uint64_t id;
	char name[65];
	uint32_t priority, epoch;
	int64_t members;
};

struct directory_peer {
	char id[37];
	uint8_t uuid[VMP_COI_ID];
	char name[129];
	uint8_t key[VMP_COI_SECRET];
	union wg_endpoint endpoint;   /**< sa_family 0: none, it comes to us */
	struct prefix inner6, inner4; /**< addresses; inner4.family 0: none */
	bool gateway, remote;
	size_t n_coi, n_route;
	struct directory_coi coi[DIRECTORY_COIS]; /**< shared with this machine, in the server's order */
	struct prefix route[DIRECTORY_ROUTES];	  /**< a gateway's: what it leads to */
};

/** In the order begin, all that are gone, all peers, end.  A machine that was deleted and made anew under the same id
 * may be gone and a peer in one answer. */
struct directory_calls {
	/** An answer begins; full: what is not told until end() is gone. */
	int (*begin)(void *ctx, bool full);
	int (*peer)(void *ctx, const struct directory_peer *peer);
	int (*gone)(void *ctx, const char *id);
	int (*end)(void *ctx);
};
/** Read an answer.  Nothing is called before all of it has been found good: no two peers have the same id, key or inner
 * address.  Members that are not known are left alone, so that a newer policyd may say more.  A port 65535 is told as
 * no endpoint, since messages go to the one after it.
 * @param version  out: the next question's since; untouched on error. @return VMP_OK; VMP_EINVAL with the first thing
 * that is wrong; VMP_ENOMEM; what a call returned. */
VMP_CHECKED int directory_read(const char *text, size_t len, int64_t *version, const struct directory_calls *calls,
			       void *ctx, struct vmp_msg *msg);

/** Follows it by long polls; asks again at once after an answer, soon after a failure, 30 s or so after a refusal. */
struct directory;
struct directory_settings {
	struct http_client *client;    /**< whose answer_max is DIRECTORY_ANSWER; freed after the directory */
	const char *certificate, *key; /**< files */
	struct directory_calls calls;
	/** policyd refuses (VMP_EACCES: revoked, disabled, without a licence; VMP_ENOENT), or is not reached or makes
	 * no sense (VMP_EIO), or answers, again or for the first time (VMP_OK).  Told whenever that changes, and
	 * logged.  directory_free() may be called from here when err is not VMP_OK. */
	void (*state)(void *ctx, int err, const char *why);
	/** Behind the calls of an answer that tells something: other machines, or, when no machine was told of, that
	 * keys may have changed.  An answer that only ends the wait is none, if the version is the same. */
	void (*answered)(void *ctx, int64_t version);
	void *ctx;
};
/** Begins at once with all. */
VMP_CHECKED int directory_new(struct event_base *base, const struct directory_settings *settings,
			      struct directory **out, struct vmp_msg *msg);
/** Ask anew for all, at once: after a new certificate, or a lease. */
void directory_again(struct directory *directory);
void directory_free(struct directory *directory);

#endif
