/** Between wg.c and its engines. */
#ifndef WG_INTERNAL_H
#define WG_INTERNAL_H

#include "wg.h"

#include <net/if.h>

/** Peers as an engine tells of them, before anybody else sees them. */
struct wg_list {
	struct wg_peer *peer;
	size_t n, room;
	struct prefix *allowed; /**< of all of them, one after the other */
	size_t n_allowed, room_allowed;
};
/** The peer with this key, if it is the last one; else a new one. @return NULL: out of memory. */
struct wg_peer *wg_list_peer(struct wg_list *list, const uint8_t key[VMP_COI_SECRET]);
/** For the last peer; there is one. @return VMP_OK; VMP_ENOMEM. */
VMP_CHECKED int wg_list_allow(struct wg_list *list, const struct prefix *allowed);
/** Let each peer's allowed point to its own.  Afterwards nothing is added. */
void wg_list_end(struct wg_list *list);
/** Wipes. */
void wg_list_clear(struct wg_list *list);

struct wg_driver {
	const char *name;
	/** Is there an interface of this kind? @return VMP_OK; VMP_ENOENT: none of its kind; VMP_EACCES; VMP_EIO. */
	int (*find)(const char *name, struct wg **out, struct vmp_msg *msg);
	/** @return VMP_OK; VMP_ENOENT: this machine has no such engine; VMP_EACCES; VMP_EIO. */
	int (*make)(const char *name, const char *program, struct wg **out, struct vmp_msg *msg);
	/** @param destroy  take the interface away. */
	void (*close)(struct wg *wg, bool destroy);
	int (*device_set)(struct wg *wg, const uint8_t *private_key, uint16_t port, uint32_t mark, struct vmp_msg *msg);
	int (*peer_set)(struct wg *wg, const struct wg_peer *peer, unsigned what, struct vmp_msg *msg);
	int (*peer_remove)(struct wg *wg, const uint8_t *key, struct vmp_msg *msg);
	int (*list)(struct wg *wg, struct wg_list *list, struct vmp_msg *msg);
};
extern const struct wg_driver wg_kernel, wg_userspace;

/** What each engine's begins with. */
struct wg {
	const struct wg_driver *driver;
	char name[IFNAMSIZ];
};

#endif
