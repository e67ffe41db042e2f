/** Machines' addresses inside the communities.
 *
 * IPv6: the site's prefix and the MAC (modified EUI-64, RFC 4291 appendix A).  IPv4, where the site has a prefix for
 * it: a number that is given to the machine when it first registers, and kept as long as its VM is there.
 */
#ifndef VMP_STORE_INNER_H
#define VMP_STORE_INNER_H

#include "store.h"

/** The site's prefixes. */
struct vmp_inner_prefixes {
	uint8_t six[16]; /**< a /64 */
	uint32_t four;	 /**< host byte order */
	unsigned bits4;	 /**< 8 to 30; 0: no IPv4 inside */
};
/** @return VMP_OK; VMP_ECORRUPT when the site's row makes no sense. */
VMP_CHECKED int vmp_store_inner_prefixes(struct vmp_store *store, struct vmp_inner_prefixes *out, struct vmp_msg *msg);

void vmp_inner_text(const struct vmp_inner_prefixes *prefixes, uint64_t mac, char out[46]);
/** @param number  of the machine within the prefix; one that does not fit, such as 0, gives "". */
void vmp_inner4_text(const struct vmp_inner_prefixes *prefixes, int64_t number, char out[16]);

/** Give a VM a number, unless it has one that fits, or there is no prefix for IPv4.  The next beyond all that are
 * given; only when there is none the lowest that is free, so that what a VM had is not another's soon.  A write.
 * @param exhausted  out: all are given. */
VMP_CHECKED int vmp_store_inner4_take(struct vmp_store *store, uint64_t mac, bool *exhausted, struct vmp_msg *msg);

/** What a machine is told of itself. */
struct vmp_self {
	char inner[46], inner_prefix[46];   /**< prefix: "fd12:3456:789a:1::/64" */
	char inner4[16], inner4_prefix[20]; /**< empty: none */
	bool gateway, remote;		    /**< as its template says */
};
/** @return VMP_OK; VMP_ENOENT: it is no guest. */
VMP_CHECKED int vmp_store_self(struct vmp_store *store, uint64_t mac, struct vmp_self *out, struct vmp_msg *msg);

/** The prefixes alone; all else is empty. */
VMP_CHECKED int vmp_store_inner_show(struct vmp_store *store, struct vmp_self *out, struct vmp_msg *msg);

enum vmp_inner { VMP_INNER_SIX, VMP_INNER_FOUR };
/** Change one of the site's prefixes.  Machines' IPv4 addresses keep their number, if it fits.
 * @param prefix  "fd12:3456:789a:1::/64", "10.64.0.0/10" (/8 to /30), or "": no IPv4 inside. @return VMP_OK;
 * VMP_EINVAL. */
VMP_CHECKED int vmp_store_inner_set(struct vmp_store *store, enum vmp_inner which, const char *prefix,
				    struct vmp_msg *msg);

#endif
