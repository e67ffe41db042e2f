#include "route_linux.h"
#include "netlink_linux.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

struct route {
	struct netlink *netlink;
};

int route_open(struct route **out, struct vmp_msg *msg)
{
	struct route *route = calloc(1, sizeof(*route));
	int err;

	if (!route)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	err = netlink_open(NETLINK_ROUTE, &route->netlink, msg);
	if (err != VMP_OK) {
		free(route);
		return err;
	}
	*out = route;
	return VMP_OK;
}

void route_close(struct route *route)
{
	if (route)
		netlink_close(route->netlink);
	free(route);
}

static size_t octets(int family)
{
	return family == AF_INET ? 4 : 16;
}

static void put_address(struct nlmsghdr *request, uint16_t type, const struct prefix *address)
{
	mnl_attr_put(request, type, octets(address->family), address->address);
}

/* The index, for who cannot do without: VMP_EIO and a line else. */
static int need_index(struct route *route, const char *link, int *index, struct vmp_msg *msg)
{
	*index = netlink_index(route->netlink, link);
	return *index > 0 ? VMP_OK : netlink_fail(msg, *index, "no interface", link);
}

/* -- interfaces ----------------------------------------------------------------------------------- */
/* Without this, the kernel gives a TUN interface a link-local address, and speaks of it to all who hear it. */
static int no_own_address(struct route *route, int index)
{
	struct nlmsghdr *request = netlink_request(route->netlink, RTM_NEWLINK, 0);
	struct ifinfomsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));
	struct nlattr *families = mnl_attr_nest_start(request, IFLA_AF_SPEC),
		      *six = mnl_attr_nest_start(request, AF_INET6);

	head->ifi_index = index;
	mnl_attr_put_u8(request, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(request, six);
	mnl_attr_nest_end(request, families);
	return netlink_ask(route->netlink, request, NULL, NULL);
}

int route_link_up(struct route *route, const char *link, unsigned mtu, struct vmp_msg *msg)
{
	struct nlmsghdr *request;
	struct ifinfomsg *head;
	int index, rc, err = need_index(route, link, &index, msg);

	if (err != VMP_OK)
		return err;
	/* A machine without IPv6 refuses this, and needs none of it. */
	(void)!no_own_address(route, index);
	request = netlink_request(route->netlink, RTM_NEWLINK, 0);
	head = mnl_nlmsg_put_extra_header(request, sizeof(*head));
	head->ifi_index = index;
	head->ifi_flags = IFF_UP;
	head->ifi_change = IFF_UP;
	if (mtu)
		mnl_attr_put_u32(request, IFLA_MTU, mtu);
	rc = netlink_ask(route->netlink, request, NULL, NULL);
	return rc == 0 ? VMP_OK : netlink_fail(msg, rc, "cannot bring up interface", link);
}

int route_link_del(struct route *route, const char *link, struct vmp_msg *msg)
{
	int rc = netlink_remove(route->netlink, link);

	return rc == 0 || rc == -ENODEV ? VMP_OK : netlink_fail(msg, rc, "cannot take away interface", link);
}

static struct nlmsghdr *address_request(struct route *route, uint16_t type, uint16_t flags, int index,
					const struct prefix *address)
{
	struct nlmsghdr *request = netlink_request(route->netlink, type, flags);
	struct ifaddrmsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));

	head->ifa_family = address->family;
	head->ifa_prefixlen = address->bits;
	head->ifa_index = (unsigned)index;
	put_address(request, IFA_LOCAL, address);
	put_address(request, IFA_ADDRESS, address);
	return request;
}

int route_address(struct route *route, const char *link, const struct prefix *address, struct vmp_msg *msg)
{
	struct nlmsghdr *request;
	int index, rc, err = need_index(route, link, &index, msg);

	if (err != VMP_OK)
		return err;
	request = address_request(route, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, index, address);
	mnl_attr_put_u32(request, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE | IFA_F_PERMANENT);
	rc = netlink_ask(route->netlink, request, NULL, NULL);
	return rc == 0 || rc == -EEXIST ? VMP_OK : netlink_fail(msg, rc, "cannot give an address to interface", link);
}

/* -- lists of what is there, which is taken away when the list is whole ------------------------------ */
struct found {
	struct prefix prefix;
	uint32_t index, table;
};

struct finding {
	struct found *found;
	size_t n, room;
	uint32_t index, table; /* what is looked for */
	const struct nlattr *attr[RTA_MAX + 1];
};

static int keep(struct finding *finding, const struct found *one)
{
	size_t room = finding->room ? finding->room * 2 : 64;
	struct found *more = finding->found;

	if (finding->n == finding->room) {
		more = realloc(more, room * sizeof(*more));
		if (!more) {
			errno = ENOMEM;
			return MNL_CB_ERROR;
		}
		finding->found = more;
		finding->room = room;
	}
	finding->found[finding->n++] = *one;
	return MNL_CB_OK;
}

static int take_attribute(const struct nlattr *attr, void *ctx)
{
	struct finding *finding = ctx;

	if (mnl_attr_get_type(attr) <= RTA_MAX)
		finding->attr[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static uint32_t number(const struct finding *finding, unsigned type, uint32_t otherwise)
{
	const struct nlattr *attr = finding->attr[type];

	return attr && mnl_attr_validate(attr, MNL_TYPE_U32) == 0 ? mnl_attr_get_u32(attr) : otherwise;
}

/* Of that type, or of none, which stands for zeros. */
static bool address_of(const struct finding *finding, unsigned type, int family, struct prefix *out)
{
	const struct nlattr *attr = finding->attr[type];

	if ((family != AF_INET && family != AF_INET6) || (attr && mnl_attr_get_payload_len(attr) != octets(family)))
		return false;
	memset(out, 0, sizeof(*out));
	out->family = (uint8_t)family;
	if (attr)
		memcpy(out->address, mnl_attr_get_payload(attr), octets(family));
	return true;
}

static int find_route(const struct nlmsghdr *message, void *ctx)
{
	const struct rtmsg *head = mnl_nlmsg_get_payload(message);
	struct finding *finding = ctx;
	struct found one;

	memset(finding->attr, 0, sizeof(finding->attr));
	if (mnl_nlmsg_get_payload_len(message) < sizeof(*head) ||
	    mnl_attr_parse(message, sizeof(*head), take_attribute, finding) != MNL_CB_OK ||
	    !address_of(finding, RTA_DST, head->rtm_family, &one.prefix))
		return MNL_CB_OK;
	one.prefix.bits = head->rtm_dst_len;
	one.table = number(finding, RTA_TABLE, head->rtm_table);
	one.index = number(finding, RTA_OIF, 0);
	return one.table == finding->table && !(head->rtm_flags & RTM_F_CLONED) ? keep(finding, &one) : MNL_CB_OK;
}

static int find_address(const struct nlmsghdr *message, void *ctx)
{
	const struct ifaddrmsg *head = mnl_nlmsg_get_payload(message);
	struct finding *finding = ctx;
	struct found one = { .table = 0 };

	memset(finding->attr, 0, sizeof(finding->attr));
	if (mnl_nlmsg_get_payload_len(message) < sizeof(*head) ||
	    mnl_attr_parse(message, sizeof(*head), take_attribute, finding) != MNL_CB_OK ||
	    !address_of(finding, finding->attr[IFA_LOCAL] ? IFA_LOCAL : IFA_ADDRESS, head->ifa_family, &one.prefix))
		return MNL_CB_OK;
	one.prefix.bits = head->ifa_prefixlen;
	one.index = head->ifa_index;
	return one.index == finding->index && head->ifa_scope != RT_SCOPE_LINK ? keep(finding, &one) : MNL_CB_OK;
}

/* -- rules ------------------------------------------------------------------------------------------ */
static struct nlmsghdr *rule_request(struct route *route, bool on, int family, uint32_t pref, uint32_t table)
{
	struct nlmsghdr *request = netlink_request(route->netlink, on ? RTM_NEWRULE : RTM_DELRULE,
						   on ? NLM_F_CREATE | NLM_F_EXCL : 0);
	struct fib_rule_hdr *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));

	head->family = (uint8_t)family;
	head->action = FR_ACT_TO_TBL;
	head->table = RT_TABLE_UNSPEC;
	mnl_attr_put_u32(request, FRA_TABLE, table);
	mnl_attr_put_u32(request, FRA_PRIORITY, pref);
	return request;
}

/* The main table, but not its default routes. */
static int ask_main_rule(struct route *route, bool on, int family, uint32_t pref)
{
	struct nlmsghdr *request = rule_request(route, on, family, pref, RT_TABLE_MAIN);

	mnl_attr_put_u32(request, FRA_SUPPRESS_PREFIXLEN, 0);
	return netlink_ask(route->netlink, request, NULL, NULL);
}

static int ask_own_rule(struct route *route, bool on, int family, uint32_t pref, uint32_t mark, uint32_t table)
{
	struct nlmsghdr *request = rule_request(route, on, family, pref, table);
	struct fib_rule_hdr *head = mnl_nlmsg_get_payload(request);

	head->flags = FIB_RULE_INVERT;
	mnl_attr_put_u32(request, FRA_FWMARK, mark);
	mnl_attr_put_u32(request, FRA_FWMASK, UINT32_MAX);
	return netlink_ask(route->netlink, request, NULL, NULL);
}

static bool is_done(int rc, bool on)
{
	return rc == 0 || rc == (on ? -EEXIST : -ENOENT);
}

int route_rules(struct route *route, int family, uint32_t pref, uint32_t mark, uint32_t table, bool on,
		struct vmp_msg *msg)
{
	int main_rule = ask_main_rule(route, on, family, pref),
	    own = ask_own_rule(route, on, family, pref + 1, mark, table);
	int rc = is_done(main_rule, on) ? own : main_rule;

	return is_done(rc, on) ? VMP_OK
			       : netlink_fail(msg, rc, on ? "cannot add rules for" : "cannot take away rules for",
					      family == AF_INET ? "IPv4" : "IPv6");
}

int route_site_rule(struct route *route, const struct prefix *site, uint32_t pref, uint32_t table, bool on,
		    struct vmp_msg *msg)
{
	struct nlmsghdr *request = rule_request(route, on, site->family, pref, table);
	struct fib_rule_hdr *head = mnl_nlmsg_get_payload(request);
	int rc;

	head->dst_len = site->bits;
	put_address(request, FRA_DST, site);
	rc = netlink_ask(route->netlink, request, NULL, NULL);
	return is_done(rc, on) ? VMP_OK : netlink_fail(msg, rc, "cannot set the rule of", "the site's prefix");
}

/* -- routes ----------------------------------------------------------------------------------------- */
static struct nlmsghdr *route_request(struct route *route, uint16_t type, uint16_t flags, uint32_t table,
				      const struct prefix *to, int index)
{
	struct nlmsghdr *request = netlink_request(route->netlink, type, flags);
	struct rtmsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));

	head->rtm_family = to->family;
	head->rtm_dst_len = to->bits;
	head->rtm_table = RT_TABLE_UNSPEC;
	head->rtm_scope = RT_SCOPE_NOWHERE;
	mnl_attr_put_u32(request, RTA_TABLE, table);
	if (to->bits)
		put_address(request, RTA_DST, to);
	if (index > 0)
		mnl_attr_put_u32(request, RTA_OIF, (uint32_t)index);
	return request;
}

static int fail_route(struct vmp_msg *msg, int rc, const char *what, const struct prefix *to)
{
	char text[PREFIX_TEXT];

	prefix_write(to, text);
	return netlink_fail(msg, rc, what, text);
}

/* What is left over when the interfaces of a prefix are gone: nothing of it goes out another way. */
static void make_unreachable(struct nlmsghdr *request)
{
	struct rtmsg *head = mnl_nlmsg_get_payload(request);

	head->rtm_type = RTN_UNREACHABLE;
	head->rtm_scope = RT_SCOPE_UNIVERSE;
	mnl_attr_put_u32(request, RTA_PRIORITY, UINT32_MAX);
}

int route_add(struct route *route, uint32_t table, const struct prefix *to, const char *link,
	      const struct prefix *source, struct vmp_msg *msg)
{
	struct nlmsghdr *request;
	struct rtmsg *head;
	int index = 0, rc, err = link ? need_index(route, link, &index, msg) : VMP_OK;

	if (err != VMP_OK)
		return err;
	request = route_request(route, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, table, to, index);
	head = mnl_nlmsg_get_payload(request);
	head->rtm_protocol = RTPROT_STATIC;
	head->rtm_type = RTN_UNICAST;
	head->rtm_scope = to->family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	if (!link)
		make_unreachable(request);
	if (source && source->family == to->family)
		put_address(request, RTA_PREFSRC, source);
	rc = netlink_ask(route->netlink, request, NULL, NULL);
	return rc == 0 || rc == -EEXIST ? VMP_OK : fail_route(msg, rc, "cannot add a route to", to);
}

static bool is_gone(int rc)
{
	return rc == 0 || rc == -ESRCH || rc == -ENOENT || rc == -ENODEV;
}

/* @return 0: it is gone. */
static int ask_del(struct route *route, uint32_t table, const struct prefix *to, int index)
{
	int rc = netlink_ask(route->netlink, route_request(route, RTM_DELROUTE, 0, table, to, index), NULL, NULL);

	return is_gone(rc) ? 0 : rc;
}

static int ask_del_unreachable(struct route *route, uint32_t table, const struct prefix *to)
{
	struct nlmsghdr *request = route_request(route, RTM_DELROUTE, 0, table, to, 0);
	int rc;

	make_unreachable(request);
	rc = netlink_ask(route->netlink, request, NULL, NULL);
	return is_gone(rc) ? 0 : rc;
}

int route_del(struct route *route, uint32_t table, const struct prefix *to, const char *link, struct vmp_msg *msg)
{
	int index = link ? netlink_index(route->netlink, link) : 0, rc = index;

	if (!link)
		rc = ask_del_unreachable(route, table, to);
	else if (index > 0)
		rc = ask_del(route, table, to, index);
	/* With its interface a route goes by itself. */
	return is_gone(rc) ? VMP_OK : fail_route(msg, rc, "cannot take away the route to", to);
}

/* @return 0, -errno. */
static int find_routes(struct route *route, int family, struct finding *finding)
{
	struct nlmsghdr *request = netlink_request(route->netlink, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));
	int rc;

	head->rtm_family = (uint8_t)family;
	mnl_attr_put_u32(request, RTA_TABLE, finding->table);
	rc = netlink_ask(route->netlink, request, find_route, finding);
	/* No route has ever been in that table. */
	return rc == -ENOENT ? 0 : rc;
}

#define ATTEMPTS 5 /* at a list during which something changes */

static int flush_family(struct route *route, int family, uint32_t table, struct vmp_msg *msg)
{
	struct finding finding = { .table = table };
	int rc = -EINTR, i;
	size_t at;

	for (i = 0; i < ATTEMPTS && rc == -EINTR; i++) {
		finding.n = 0;
		rc = find_routes(route, family, &finding);
	}
	for (at = 0; rc == 0 && at < finding.n; at++)
		rc = ask_del(route, table, &finding.found[at].prefix, (int)finding.found[at].index);
	free(finding.found);
	return rc == 0 ? VMP_OK
		       : netlink_fail(msg, rc, "cannot take away the routes of", family == AF_INET ? "IPv4" : "IPv6");
}

static int prune_family(struct route *route, int family, uint32_t table, int index,
			bool (*is_wanted)(const struct prefix *to), struct vmp_msg *msg)
{
	struct finding finding = { .table = table };
	int rc = -EINTR, i;
	size_t at;

	for (i = 0; i < ATTEMPTS && rc == -EINTR; i++) {
		finding.n = 0;
		rc = find_routes(route, family, &finding);
	}
	for (at = 0; rc == 0 && at < finding.n; at++) {
		const struct found *one = &finding.found[at];

		if (one->index == (uint32_t)index && !is_wanted(&one->prefix))
			rc = ask_del(route, table, &one->prefix, index);
	}
	free(finding.found);
	return rc == 0 ? VMP_OK
		       : netlink_fail(msg, rc, "cannot take away routes of", family == AF_INET ? "IPv4" : "IPv6");
}

int route_prune(struct route *route, uint32_t table, const char *link, bool (*is_wanted)(const struct prefix *to),
		struct vmp_msg *msg)
{
	int index, err = need_index(route, link, &index, msg);

	if (err == VMP_OK)
		err = prune_family(route, AF_INET, table, index, is_wanted, msg);
	return err == VMP_OK ? prune_family(route, AF_INET6, table, index, is_wanted, msg) : err;
}

int route_flush(struct route *route, uint32_t table, struct vmp_msg *msg)
{
	int err = flush_family(route, AF_INET, table, msg);

	return err == VMP_OK ? flush_family(route, AF_INET6, table, msg) : err;
}

/* -- addresses that are no longer ours -------------------------------------------------------------- */
static int find_addresses(struct route *route, struct finding *finding)
{
	struct nlmsghdr *request = netlink_request(route->netlink, RTM_GETADDR, NLM_F_DUMP);
	struct ifaddrmsg *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));

	head->ifa_index = finding->index;
	return netlink_ask(route->netlink, request, find_address, finding);
}

static bool is_kept(const struct prefix *address, const struct prefix *keep_these, size_t n)
{
	while (n > 0 && !prefix_equal(address, &keep_these[n - 1]))
		n--;
	return n > 0;
}

int route_address_only(struct route *route, const char *link, const struct prefix *keep_these, size_t n,
		       struct vmp_msg *msg)
{
	struct finding finding = { .table = 0 };
	int index, rc = -EINTR, i, err = need_index(route, link, &index, msg);
	size_t at;

	if (err != VMP_OK)
		return err;
	finding.index = (uint32_t)index;
	for (i = 0; i < ATTEMPTS && rc == -EINTR; i++) {
		finding.n = 0;
		rc = find_addresses(route, &finding);
	}
	for (at = 0; rc == 0 && at < finding.n; at++) {
		if (!is_kept(&finding.found[at].prefix, keep_these, n))
			rc = netlink_ask(route->netlink,
					 address_request(route, RTM_DELADDR, 0, index, &finding.found[at].prefix), NULL,
					 NULL);
		rc = rc == -EADDRNOTAVAIL ? 0 : rc;
	}
	free(finding.found);
	return rc == 0 ? VMP_OK : netlink_fail(msg, rc, "cannot take away addresses of interface", link);
}
