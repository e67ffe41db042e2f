#include "endpoint.h"
#include "guard_linux.h"
#include "log.h"
#include "member_parts.h"

#include <string.h>

/* Each on its own: what one family lacks, the other may have. */
static void said(int err, const char *what, const struct vmp_msg *msg)
{
	if (err == VMP_OK)
		return;
	member.count.route_failures++;
	vmp_log(VMP_LOG_ERROR, "route-failed", "what", what, "why", msg->text, NULL);
}

/* The TUN interface goes when this program goes; what stays behind it keeps packets for other machines from leaving by
 * the default route, unencrypted. */
static void prefix_up(const struct prefix *site, const struct prefix *inner)
{
	const struct member_settings *s = member.settings;
	struct vmp_msg msg = { "" };

	if (!site->family || !inner->family)
		return;
	said(route_add(member.route, s->table, site, NULL, NULL, &msg), "a route that stays", &msg);
	said(route_add(member.route, s->table, site, member.tun, inner, &msg), "the site's route", &msg);
	/* A route of the underlay that has the site in it, or that a neighbour announces, would be asked first. */
	said(route_site_rule(member.route, site, s->table - 1, s->table, true, &msg), "the site's rule", &msg);
}

static void family_up(int family, const struct prefix *site, const struct prefix *inner)
{
	const struct member_settings *s = member.settings;
	struct vmp_msg msg = { "" };

	if (!inner->family)
		return;
	said(route_address(member.route, s->interface, inner, &msg), "the inner address", &msg);
	prefix_up(site, inner);
	said(route_rules(member.route, family, s->table, s->mark, s->table, true, &msg), "rules", &msg);
}

static int guard(struct vmp_msg *msg)
{
	const struct guard_settings settings = { .wireguard = member.settings->interface,
						 .tun = member.tun,
						 .gateway = member.own.gateway,
						 .port = member.settings->port,
						 .mark = member.settings->mark,
						 .own = { member.own.inner6, member.own.inner4 },
						 .site = { member.own.inner6_site, member.own.inner4_site } };

	return guard_set(&settings, msg);
}

int member_guard_keep(struct vmp_msg *msg)
{
	if (guard_is_there())
		return VMP_OK;
	vmp_log(VMP_LOG_ERROR, "guard-failed", "why", "somebody has taken the table vmprov_guard away: it is made anew",
		NULL);
	return guard(msg);
}

/* What else this machine has would be cut off. */
static bool is_underlay(const struct prefix *site)
{
	union wg_endpoint own;
	struct vmp_msg msg;
	struct prefix at;

	if (!site->family || !*member.endpoint || endpoint_read(member.endpoint, 1, &own, &msg) != VMP_OK ||
	    own.sa.sa_family != site->family)
		return false;
	at = site->family == AF_INET6 ? prefix_of(AF_INET6, &own.in6.sin6_addr) : prefix_of(AF_INET, &own.in.sin_addr);
	return prefix_has(site, &at);
}

int member_site_up(struct vmp_msg *msg_out)
{
	const struct prefix mine[] = { member.own.inner6, member.own.inner4 };
	struct vmp_msg msg = { "" };
	int err;

	if (is_underlay(&member.own.inner6_site) || is_underlay(&member.own.inner4_site))
		return vmp_fail(msg_out, VMP_EINVAL,
				"%s, which this machine is reached at, is in the site's inner prefix: the site needs "
				"another one",
				member.endpoint);
	err = guard(msg_out);
	if (err != VMP_OK)
		return err;
	family_up(AF_INET6, &member.own.inner6_site, &member.own.inner6);
	family_up(AF_INET, &member.own.inner4_site, &member.own.inner4);
	said(route_address_only(member.route, member.settings->interface, mine, 2, &msg), "older addresses", &msg);
	return VMP_OK;
}
