/** A member of COIs: what coid and gatewayd share.  One for each process.
 *
 * Registers with policyd, follows the directory, fetches keys, agrees with other machines on session keys, and drives
 * WireGuard, addresses and routes.  A machine becomes a WireGuard peer when the first packet for it comes, or when it
 * asks, and is none any more when nothing has passed for a while.
 */
#ifndef MEMBER_H
#define MEMBER_H

#include "http_client.h"
#include "prefix.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/** Borrowed until member_free(). */
struct member_settings {
	struct http_client_settings policyd; /**< its client is made by member_new(), with mark */
	const char *certificate, *key, *ca;  /**< files */
	const char *state;		     /**< folder: wireguard.key, coi-keys.json */
	/* [wireguard] */
	const char *interface; /**< "vmprov0"; the TUN interface has an "n" behind it */
	const char *engine;    /**< "auto", "kernel", "userspace" */
	const char *program;   /**< "wireguard-go" */
	uint16_t port;	       /**< of WireGuard; messages between members use the one after it */
	const char *endpoint;  /**< address that others reach this machine at, perhaps with another port; "": found out
				* by a look at the route to policyd; "none": others cannot, remote clients */
	uint32_t mark, table;  /**< of routes; rules have the preference of the table's number */
	unsigned mtu;	       /**< 0: 1420 */
	/* [peers] */
	int64_t idle_s, most; /**< evicted after; at most so many at a time */
	/* [names] */
	const char *hosts, *suffix;
	const char *broker; /**< of licences, a host that no machine is to be named as; NULL, "": none */
	/** Who is there, or which COI somebody is in, has changed; NULL: nobody cares. */
	void (*changed)(void *ctx);
	/** WireGuard has not answered for half a minute, and cannot be made anew from inside the sandbox: the program
	 * does best to end and be started again; NULL: it does not. */
	void (*failed)(void *ctx, const char *why);
	void *ctx;
};

/** Everything that needs more than the process will have later: the interface, TUN, sockets.
 * @return VMP_OK; VMP_EINVAL, VMP_ENOENT, VMP_EACCES, VMP_EIO. */
VMP_CHECKED int member_new(struct event_base *base, const struct member_settings *settings, struct vmp_msg *msg);
/** Begin, once there is a certificate; called again whenever there is a new one, or a lease. */
void member_go(void);
/** Leave: peers and keys are gone when it returns, and every one of them has been told; why is for the status.
 * member_go() comes back. */
void member_halt(const char *why);
/** Is there anything to talk with: registered, keys, not halted? NULL: yes; else why not. */
const char *member_trouble(void);
/** @param down  the interface goes away; else it stays as it is, for a start anew. */
void member_free(bool down);

/** Machines, as gatewayd's filters need them. */
struct member_peer {
	const char *id, *name;
	const struct prefix *inner6, *inner4;
	bool gateway, remote;
	const char *coi;	 /**< that this machine and it talk in: the leader's choice, as far as known */
	const char *const *cois; /**< all that are shared; NULL ends */
};
int member_each(int (*each)(void *ctx, const struct member_peer *peer), void *ctx);
/** This machine's own addresses; family 0: not known yet. */
void member_inner(struct prefix *inner6, struct prefix *inner4);

/** For /v1/status: an object, to which the caller may add. */
json_t *member_status(void);
/** For /metrics; each begins with vmprov_coi_. */
struct evbuffer;
void member_metrics(struct evbuffer *out);

#endif
