#include "nft_linux.h"
#include "netlink_linux.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* The first line of what libnftables says, without the place in our text that it points at. */
static const char *first_line(char *text)
{
	char *error = strstr(text, "rror: ");

	text[strcspn(text, "\n")] = '\0';
	return error && *error ? error + 6 : *text ? text : "no reason given";
}

int nft_run(const char *commands, struct vmp_msg *msg)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	char said[VMP_MSG_MAX] = "";
	int err = VMP_OK;

	if (!nft)
		return vmp_fail(msg, VMP_ENOMEM, "nftables: out of memory");
	nft_ctx_buffer_error(nft);
	nft_ctx_buffer_output(nft);
	if (nft_run_cmd_from_buffer(nft, commands) != 0) {
		snprintf(said, sizeof(said), "%s", nft_ctx_get_error_buffer(nft));
		err = vmp_fail(msg, VMP_EIO, "nftables: %s", first_line(said));
	}
	nft_ctx_free(nft);
	return err;
}

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
