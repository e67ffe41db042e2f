/** Addresses, rules and routes of this machine, by rtnetlink.  What is there already is no error,
 * nor is what is gone. @return VMP_OK; VMP_EACCES, VMP_EIO, VMP_ENOMEM. */
#ifndef ROUTE_LINUX_H
#define ROUTE_LINUX_H

#include "prefix.h"

#include <stddef.h>

struct route;

/** A socket for all of it, which goes on to serve after a sandbox; CAP_NET_ADMIN is needed with each call. */
VMP_CHECKED int route_open(struct route **out, struct vmp_msg *msg);
void route_close(struct route *route);

/** Up, with this MTU (0: as it is), and without a link-local address that nobody asked for. */
VMP_CHECKED int route_link_up(struct route *route, const char *link, unsigned mtu, struct vmp_msg *msg);
/** Take the interface away. */
VMP_CHECKED int route_link_del(struct route *route, const char *link, struct vmp_msg *msg);
/** Give it an address; without the prefix's own route, and without duplicate address detection. */
VMP_CHECKED int route_address(struct route *route, const char *link, const struct prefix *address, struct vmp_msg *msg);
/** Take away its addresses except these and link-local ones: it was somebody else's before. */
VMP_CHECKED int route_address_only(struct route *route, const char *link, const struct prefix *keep_these, size_t n,
				   struct vmp_msg *msg);
/** Packets that do not have this mark ask the table, after the main table, whose default routes are left out for that:
 * as `ip rule add pref PREF lookup main suppress_prefixlength 0` and `ip rule add pref PREF+1 not fwmark MARK lookup
 * TABLE`.
 * @param family  AF_INET, AF_INET6. @param on  false: takes them away. */
VMP_CHECKED int route_rules(struct route *route, int family, uint32_t pref, uint32_t mark, uint32_t table, bool on,
			    struct vmp_msg *msg);
/** To a prefix by an interface, in a table; replaces.
 * @param link  NULL: a route of the highest metric that makes it unreachable, for when the interfaces are gone.
 * @param source  an address of this machine to use; NULL, or family 0: none. */
VMP_CHECKED int route_add(struct route *route, uint32_t table, const struct prefix *to, const char *link,
			  const struct prefix *source, struct vmp_msg *msg);
/** @param link  as in route_add(). */
VMP_CHECKED int route_del(struct route *route, uint32_t table, const struct prefix *to, const char *link,
			  struct vmp_msg *msg);
/** Take away those of a table by an interface that nobody wants. @param is_wanted  calls nothing of this. */
VMP_CHECKED int route_prune(struct route *route, uint32_t table, const char *link,
			    bool (*is_wanted)(const struct prefix *to), struct vmp_msg *msg);
/** `ip rule add pref PREF to SITE lookup TABLE`: whatever other routes this machine has or learns, packets for the site
 * do not take them. @param on  false: takes it away. */
VMP_CHECKED int route_site_rule(struct route *route, const struct prefix *site, uint32_t pref, uint32_t table, bool on,
				struct vmp_msg *msg);
/** All routes of a table, for a start anew. */
VMP_CHECKED int route_flush(struct route *route, uint32_t table, struct vmp_msg *msg);

#endif
