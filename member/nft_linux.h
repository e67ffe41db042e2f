/** nftables (nft(8)), by libnftables: each call is done when it returns. */
#ifndef NFT_LINUX_H
#define NFT_LINUX_H

#include "err.h"

/** Run commands in one transaction: all of them, or none.
 * @return VMP_OK; VMP_EIO: nftables refuses, and says why; VMP_ENOMEM. */
VMP_CHECKED int nft_run(const char *commands, struct vmp_msg *msg);
/** Is there a table of family inet?  Cheap enough to be asked every second.
 * @return VMP_OK; VMP_ENOENT: there is none; VMP_EIO, VMP_ENOMEM: nobody knows. */
VMP_CHECKED int nft_has(const char *table, struct vmp_msg *msg);

#endif
