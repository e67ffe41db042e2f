/** The text that wireguard-go and its like speak (https://www.wireguard.com/xplatform/), without sending it. */
#ifndef WG_UAPI_H
#define WG_UAPI_H

#include "wg_internal.h"

#define WG_UAPI_LINE 512 /**< [octets] of a line, its end included, at most */

/** A request; each is malloc'd, and holds keys: for wg_uapi_free().  NULL: out of memory. */
struct wg_uapi_text {
	size_t len, room;
	char text[];
};
/** @param port  NULL: it stays. */
struct wg_uapi_text *wg_uapi_device(const uint8_t *private_key, const uint16_t *port, uint32_t mark);
struct wg_uapi_text *wg_uapi_peer(const struct wg_peer *peer, unsigned what);
struct wg_uapi_text *wg_uapi_remove(const uint8_t *key);
struct wg_uapi_text *wg_uapi_get(void);
void wg_uapi_free(struct wg_uapi_text *text);

/** An answer, as it comes.  All zero at first. */
struct wg_uapi_answer {
	struct wg_list *list; /**< peers go in here; NULL: none are expected */
	uint16_t port;	      /**< of the device; 0: not told */
	int refused;	      /**< errno that it ends with; 0: good */
	bool ended;
	bool has_errno, has_peer;
	size_t len; /**< of line */
	char line[WG_UAPI_LINE];
};
/** Take some of it. @return VMP_OK; VMP_EINVAL: it is no answer; VMP_ENOMEM.  Nothing more is to be taken then, nor
 * after its end. */
VMP_CHECKED int wg_uapi_take(struct wg_uapi_answer *answer, const char *data, size_t len, struct vmp_msg *msg);
void wg_uapi_wipe(struct wg_uapi_answer *answer);

#endif
