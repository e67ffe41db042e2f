/** Tables of nftables, by netlink. */
#ifndef NFT_TABLE_LINUX_H
#define NFT_TABLE_LINUX_H

#include "err.h"

/** Is there a table of family inet?  Cheap enough to be asked every second.
 * @return VMP_OK; VMP_ENOENT: there is none; VMP_EIO, VMP_ENOMEM: nobody knows. */
VMP_CHECKED int nft_has(const char *table, struct vmp_msg *msg);

#endif
