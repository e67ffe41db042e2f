/** nftables (nft(8)), by libnftables: each call is done when it returns. */
#ifndef NFT_LINUX_H
#define NFT_LINUX_H

#include "err.h"

/** Run commands in one transaction: all of them, or none.
 * @return VMP_OK; VMP_EIO: nftables refuses, and says why; VMP_ENOMEM. */
VMP_CHECKED int nft_run(const char *commands, struct vmp_msg *msg);

#endif
