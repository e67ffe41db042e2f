/** What tunnels may lead to, each one's counters among it. */
#ifndef SERVICE_H
#define SERVICE_H

#include "config.h"
#include "peers.h"

struct tls_files;

struct service {
	const struct config_service *config;
	struct tls_files *tls;	  /**< for the syslog server; NULL: of another type, or not ours to connect to */
	struct peers_name server; /**< whom its certificate must name; all 0: the target's host */

	int64_t open, total;	       /**< tunnels */
	int64_t octets_out, octets_in; /**< to the target, and from it */
	int64_t messages;	       /**< of syslog */
	int64_t requests, answers;     /**< of NTP */
	int64_t lost;		       /**< NTP packets for which there was no room, or nobody who waits */
	int64_t failures;	       /**< of connections to the target or the next relay */
};

/** @return VMP_OK; VMP_EINVAL, VMP_ENOMEM. */
VMP_CHECKED int services_init(const struct config *config, struct vmp_msg *msg);
void services_free(void);
/** All, and how many. */
struct service *services_all(int *n);
/** The one with this target, as authority_read() writes it; NULL: none. */
struct service *service_find(const char *authority);
/** Read the files of all that have some; a failure is logged, and what was loaded before stays. */
void services_load(void);
/** Frames have passed: messages, requests or answers. */
void service_passed(struct service *service, bool back, uint64_t frames);

#endif
