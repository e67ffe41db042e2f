/** The WireGuard interface of this machine: the kernel's, or wireguard-go's where the kernel has none. */
#ifndef WG_H
#define WG_H

#include "coi.h"
#include "prefix.h"

#include <netinet/in.h>
#include <stdbool.h>

struct wg;

enum wg_engine { WG_AUTO, WG_KERNEL, WG_USERSPACE };

/** Find the interface, or make it. WG_AUTO: whatever has the name; else the kernel's; else wireguard-go.
 * wireguard-go is started by its own daemonizing, and lives on when this program ends; its control socket is
 * /var/run/wireguard/NAME.sock.  To be called before the sandbox.
 * @param program  of wireguard-go, such as "wireguard-go"; sought in PATH.
 * @param made  out: it was not there before. @return VMP_OK; VMP_ENOENT: no engine, and msg says which were tried;
 * VMP_EINVAL: no interface's name; VMP_EEXIST: something else has it; VMP_EACCES; VMP_EIO. */
VMP_CHECKED int wg_open(const char *name, enum wg_engine engine, const char *program, struct wg **out, bool *made,
			struct vmp_msg *msg);
/** Forget it; the interface stays. */
void wg_close(struct wg *wg);
/** Take the interface away (and wireguard-go with it, which is waited for), and close. */
void wg_destroy(struct wg *wg);
/** "kernel" or "wireguard-go" */
const char *wg_engine_name(const struct wg *wg);

/** Private key, UDP port, mark of the packets that it sends (0: none). */
VMP_CHECKED int wg_device_set(struct wg *wg, const uint8_t private_key[VMP_COI_SECRET], uint16_t port, uint32_t mark,
			      struct vmp_msg *msg);

union wg_endpoint {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/** What wg_peer_set() is to change. */
enum wg_what {
	WG_PSK = 1,
	WG_ENDPOINT = 2,
	WG_ALLOWED = 4,
	WG_KEEPALIVE = 8,
	WG_EXISTING = 16 /**< only if it is there */
};

struct wg_peer {
	uint8_t key[VMP_COI_SECRET];
	uint8_t psk[VMP_COI_SECRET];  /**< secret */
	union wg_endpoint endpoint;   /**< sa_family 0: none */
	const struct prefix *allowed; /**< n_allowed, which replace what it had */
	size_t n_allowed;
	uint16_t keepalive; /**< [s]; 0: none */
	/* As it is, in wg_each() */
	int64_t handshake;	 /**< [s] since 1970 by this machine's clock; 0: never */
	uint64_t received, sent; /**< [octets] */
};
/** Make a peer or change it, in one step.
 * @param what  what is to change; the rest stays, or is none in a new peer.  With no WG_PSK only an existing one can be
 * changed, so WG_EXISTING belongs to it.
 * @return VMP_OK; VMP_EINVAL: neither WG_PSK nor WG_EXISTING, or a psk of zeros; VMP_EACCES, VMP_EIO, VMP_ENOMEM. */
VMP_CHECKED int wg_peer_set(struct wg *wg, const struct wg_peer *peer, unsigned what, struct vmp_msg *msg);
/** Gone when it returns: nothing is sent to it or taken from it.  One that is not there is no error. */
VMP_CHECKED int wg_peer_remove(struct wg *wg, const uint8_t key[VMP_COI_SECRET], struct vmp_msg *msg);
/** Each peer, once all of them have been read: each may change and remove them.  What it gets is gone when the call
 * returns, and the preshared keys are wiped. @return VMP_OK, or what each returned; VMP_EIO, VMP_EACCES, VMP_ENOMEM. */
VMP_CHECKED int wg_each(struct wg *wg, int (*each)(void *ctx, const struct wg_peer *peer), void *ctx,
			struct vmp_msg *msg);

#endif
