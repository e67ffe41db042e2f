#include "nft_table_linux.h"
#include "netlink_linux.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

int nft_has(const char *table, struct vmp_msg *msg)
{
	struct netlink *netlink;
	struct nlmsghdr *request;
	struct nfgenmsg *head;
	int err = netlink_open(NETLINK_NETFILTER, &netlink, msg), rc;

	if (err != VMP_OK)
		return err;
	request = netlink_request(netlink, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, 0);
	head = mnl_nlmsg_put_extra_header(request, sizeof(*head));
	head->nfgen_family = NFPROTO_INET;
	head->version = NFNETLINK_V0;
	mnl_attr_put_strz(request, NFTA_TABLE_NAME, table);
	rc = netlink_ask(netlink, request, NULL, NULL);
	netlink_close(netlink);
	if (rc == -ENOENT)
		return vmp_fail(msg, VMP_ENOENT, "nftables: there is no table inet %s", table);
	return rc == 0 ? VMP_OK : netlink_fail(msg, rc, "cannot look for the table", table);
}
