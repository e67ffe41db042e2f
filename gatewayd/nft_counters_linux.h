/** nftables' named counters, by netlink: libnftables would read the whole table for them. */
#ifndef NFT_COUNTERS_LINUX_H
#define NFT_COUNTERS_LINUX_H

#include "err.h"

#include <stdint.h>

/** Those of a table of family inet; none, when there is no such table.
 * @return VMP_OK; VMP_EIO; VMP_ENOMEM; what each returned. */
VMP_CHECKED int nft_counters(const char *table,
			     int (*each)(void *ctx, const char *name, uint64_t packets, uint64_t octets), void *ctx,
			     struct vmp_msg *msg);

#endif
