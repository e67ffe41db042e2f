/* What the kernel says of links, decoded; links_linux.c keeps it. */
#include "link_linux.h"

#include <libmnl/libmnl.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

static bool number(const struct nlattr *attr, uint32_t *out)
{
	if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
		return false;
	*out = mnl_attr_get_u32(attr);
	return true;
}

/* Of what is there; out is cut to its room, and ends in a NUL. */
static void text(const struct nlattr *attr, char *out, size_t room)
{
	const char *from = mnl_attr_get_payload(attr);
	size_t len = strnlen(from, mnl_attr_get_payload_len(attr));

	if (len >= room)
		len = room - 1;
	memset(out, 0, room);
	memcpy(out, from, len);
}

static uint64_t address(const struct nlattr *attr)
{
	const uint8_t *octet = mnl_attr_get_payload(attr);
	uint64_t mac = 0;
	int i;

	if (mnl_attr_get_payload_len(attr) != 6)
		return 0;
	for (i = 0; i < 6; i++)
		mac = mac << 8 | octet[i];
	return mac;
}

struct decoding {
	struct link link;
	struct link_learned learned;
	uint32_t master;
	char slave_kind[IF_NAMESIZE]; /* its master's */
};

static int take_info_attr(const struct nlattr *attr, void *ctx)
{
	struct decoding *d = ctx;

	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
		text(attr, d->link.kind, sizeof(d->link.kind));
	else if (mnl_attr_get_type(attr) == IFLA_INFO_SLAVE_KIND)
		text(attr, d->slave_kind, sizeof(d->slave_kind));
	return MNL_CB_OK;
}

static int take_link_attr(const struct nlattr *attr, void *ctx)
{
	struct decoding *d = ctx;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		text(attr, d->link.name, sizeof(d->link.name));
		return MNL_CB_OK;
	case IFLA_IFALIAS:
		text(attr, d->link.alias, sizeof(d->link.alias));
		return MNL_CB_OK;
	case IFLA_ADDRESS:
		d->link.mac = address(attr);
		return MNL_CB_OK;
	case IFLA_MASTER:
		return number(attr, &d->master) ? MNL_CB_OK : MNL_CB_ERROR;
	case IFLA_LINKINFO:
		return mnl_attr_parse_nested(attr, take_info_attr, d);
	default:
		return MNL_CB_OK;
	}
}

static int decode_link(const struct nlmsghdr *message, const struct link_events *events)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(message);
	struct decoding d = { .master = 0 };

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*head))
		return VMP_EINVAL;
	/* A bridge tells of its ports in messages of its own, and says of one that leaves it that it is deleted. */
	if (head->ifi_family != AF_UNSPEC || head->ifi_index <= 0)
		return VMP_OK;
	if (mnl_attr_parse(message, sizeof(*head), take_link_attr, &d) != MNL_CB_OK)
		return VMP_EINVAL;
	d.link.index = head->ifi_index;
	d.link.gone = message->nlmsg_type == RTM_DELLINK;
	d.link.up = (head->ifi_flags & IFF_UP) && (head->ifi_flags & IFF_LOWER_UP);
	/* The port of a bond or a VRF is no bridge's. */
	if (strcmp(d.slave_kind, "bridge") == 0 && d.master <= INT32_MAX)
		d.link.master = (int)d.master;
	if (head->ifi_type != ARPHRD_ETHER)
		d.link.mac = 0;
	events->changed(&d.link);
	return VMP_OK;
}

/* Only what a bridge has learned from frames: its entry has an age, and nobody set it there. */
static bool is_learned(const struct ndmsg *head)
{
	return head->ndm_family == AF_BRIDGE && head->ndm_ifindex > 0 &&
	       (head->ndm_state & (NUD_REACHABLE | NUD_STALE)) && !(head->ndm_state & (NUD_PERMANENT | NUD_NOARP)) &&
	       !(head->ndm_flags & (NTF_SELF | NTF_EXT_LEARNED));
}

static int take_learned_attr(const struct nlattr *attr, void *ctx)
{
	struct decoding *d = ctx;

	if (mnl_attr_get_type(attr) == NDA_LLADDR)
		d->learned.mac = address(attr);
	else if (mnl_attr_get_type(attr) == NDA_MASTER && !number(attr, &d->master))
		return MNL_CB_ERROR;
	return MNL_CB_OK;
}

static int decode_learned(const struct nlmsghdr *message, const struct link_events *events)
{
	const struct ndmsg *head = mnl_nlmsg_get_payload(message);
	struct decoding d = { .master = 0 };

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*head))
		return VMP_EINVAL;
	if (!is_learned(head))
		return VMP_OK;
	if (mnl_attr_parse(message, sizeof(*head), take_learned_attr, &d) != MNL_CB_OK)
		return VMP_EINVAL;
	d.learned.port = head->ndm_ifindex;
	d.learned.bridge = d.master <= INT32_MAX ? (int)d.master : 0;
	d.learned.forgotten = message->nlmsg_type == RTM_DELNEIGH;
	if (d.learned.mac)
		events->learned(&d.learned);
	return VMP_OK;
}

static int decode_done(const struct nlmsghdr *message, const struct link_events *events)
{
	const int *result = mnl_nlmsg_get_payload(message);

	if (mnl_nlmsg_get_payload_len(message) >= sizeof(*result) && *result < 0)
		return VMP_EBUSY;
	events->synced();
	return VMP_OK;
}

static int decode_message(const struct nlmsghdr *message, const struct link_events *events)
{
	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return decode_link(message, events);
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return decode_learned(message, events);
	case NLMSG_DONE:
		return decode_done(message, events);
	case NLMSG_ERROR:
		return VMP_EBUSY;
	default:
		return VMP_OK;
	}
}

/* libmnl takes a length beyond 2^31 for a small one. */
static bool is_whole(const struct nlmsghdr *message, int left)
{
	return mnl_nlmsg_ok(message, left) && message->nlmsg_len <= (unsigned)left;
}

int link_decode(const uint8_t *data, size_t len, const struct link_events *events)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)data;
	int left = len > INT32_MAX ? 0 : (int)len, err = VMP_OK;

	for (; err == VMP_OK && is_whole(message, left); message = mnl_nlmsg_next(message, &left))
		err = message->nlmsg_flags & NLM_F_DUMP_INTR ? VMP_EBUSY : decode_message(message, events);
	return err == VMP_OK && left > 0 ? VMP_EINVAL : err;
}
