/** Who may ask for a tunnel, by whom the request came through. */
#ifndef VIA_H
#define VIA_H

#include "connect.h"
#include "tls_peer.h"

struct via_rules {
	bool proxy;	/**< [relay] role = proxy; else relay */
	bool chain;	/**< [relay] chain */
	int64_t depth;	/**< [relay] max_depth */
	const char *id; /**< ours */
};

/** @param peer  who brings it.
 * @return 200; 508: it came through here before, or through too many; 403: it came through a proxy and must not have,
 * or through none and must have, or the last one that it names is not who brings it; with why. */
VMP_CHECKED int via_check(const struct via_rules *rules, const struct connect_request *request,
			  const struct tls_peer *peer, struct vmp_msg *why);

#endif
