#include "nft_counters_linux.h"
#include "netlink_linux.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/socket.h>

struct reading {
	const char *table;
	int (*each)(void *ctx, const char *name, uint64_t packets, uint64_t octets);
	void *ctx;
	int err;
};

/* The attributes of an object, and of a counter, by their numbers. */
struct attributes {
	const struct nlattr *of[NFTA_OBJ_MAX + 1];
};

static int take(const struct nlattr *attribute, void *ctx)
{
	struct attributes *found = ctx;

	if (mnl_attr_get_type(attribute) <= NFTA_OBJ_MAX)
		found->of[mnl_attr_get_type(attribute)] = attribute;
	return MNL_CB_OK;
}

static const char *text_of(const struct nlattr *attribute)
{
	return attribute && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0 ? mnl_attr_get_str(attribute) : "";
}

static uint64_t number_of(const struct nlattr *attribute)
{
	uint64_t big;

	if (!attribute || mnl_attr_get_payload_len(attribute) != sizeof(big))
		return 0;
	memcpy(&big, mnl_attr_get_payload(attribute), sizeof(big));
	return be64toh(big);
}

/* Other tables and objects come along where the kernel does not choose. */
static int take_object(const struct nlmsghdr *message, void *ctx)
{
	struct attributes object = { .of = { NULL } }, counter = { .of = { NULL } };
	struct reading *r = ctx;

	if (mnl_attr_parse(message, sizeof(struct nfgenmsg), take, &object) < 0)
		return MNL_CB_ERROR;
	if (strcmp(text_of(object.of[NFTA_OBJ_TABLE]), r->table) != 0 || !object.of[NFTA_OBJ_TYPE] ||
	    mnl_attr_validate(object.of[NFTA_OBJ_TYPE], MNL_TYPE_U32) < 0 ||
	    ntohl(mnl_attr_get_u32(object.of[NFTA_OBJ_TYPE])) != NFT_OBJECT_COUNTER || !object.of[NFTA_OBJ_DATA])
		return MNL_CB_OK;
	if (mnl_attr_parse_nested(object.of[NFTA_OBJ_DATA], take, &counter) < 0)
		return MNL_CB_ERROR;
	r->err = r->each(r->ctx, text_of(object.of[NFTA_OBJ_NAME]), number_of(counter.of[NFTA_COUNTER_PACKETS]),
			 number_of(counter.of[NFTA_COUNTER_BYTES]));
	errno = ECANCELED;
	return r->err == VMP_OK ? MNL_CB_OK : MNL_CB_ERROR;
}

int nft_counters(const char *table, int (*each)(void *ctx, const char *name, uint64_t packets, uint64_t octets),
		 void *ctx, struct vmp_msg *msg)
{
	struct reading r = { .table = table, .each = each, .ctx = ctx };
	struct netlink *netlink;
	struct nlmsghdr *request;
	struct nfgenmsg *head;
	int err = netlink_open(NETLINK_NETFILTER, &netlink, msg), rc;

	if (err != VMP_OK)
		return err;
	request = netlink_request(netlink, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETOBJ, NLM_F_DUMP);
	head = mnl_nlmsg_put_extra_header(request, sizeof(*head));
	head->nfgen_family = NFPROTO_INET;
	head->version = NFNETLINK_V0;
	mnl_attr_put_strz(request, NFTA_OBJ_TABLE, table);
	mnl_attr_put_u32(request, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	rc = netlink_ask(netlink, request, take_object, &r);
	netlink_close(netlink);
	if (r.err != VMP_OK)
		return vmp_fail(msg, r.err, "%s", vmp_strerror(r.err));
	return rc == 0 ? VMP_OK : netlink_fail(msg, rc, "cannot read the counters of", table);
}
