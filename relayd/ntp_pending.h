/** NTP requests that wait for their answer, by their transmit timestamp. */
#ifndef NTP_PENDING_H
#define NTP_PENDING_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define NTP_PENDING    1024
#define NTP_PENDING_MS 5000 /**< [ms] for which one waits */

/** Who asked; all 0 where one socket has asked for all. */
struct ntp_asker {
	int fd;
	socklen_t len;
	struct sockaddr_storage from;
};

/** Zeroed: empty. */
struct ntp_pending {
	struct {
		uint64_t key; /* 0: answered */
		uint64_t until_ms;
		struct ntp_asker asker;
	} slot[NTP_PENDING]; /* a ring: those that wait the longest first */
	size_t first, n;
};

/** @param now  [ms] of any clock that goes forward. @param asker  NULL: all 0.
 * @return VMP_OK; VMP_EEXIST: one with this timestamp waits; VMP_EFULL. */
VMP_CHECKED int ntp_pending_add(struct ntp_pending *p, uint64_t key, uint64_t now, const struct ntp_asker *asker);
/** An answer has come: who asked?  Each is told once. @param out  NULL: not asked for.
 * @return false: nobody, or too long ago. */
bool ntp_pending_take(struct ntp_pending *p, uint64_t key, uint64_t now, struct ntp_asker *out);

#endif
