#include "wg_internal.h"
#include "netlink_linux.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const struct wg_driver *driver;
	enum wg_engine engine;
} drivers[] = { { &wg_kernel, WG_KERNEL }, { &wg_userspace, WG_USERSPACE } };

#define DRIVERS (sizeof(drivers) / sizeof(drivers[0]))

static bool is_wanted(size_t i, enum wg_engine engine)
{
	return engine == WG_AUTO || drivers[i].engine == engine;
}

/* It becomes a file's name, and a word of a command line. */
static bool is_name(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < IFNAMSIZ && name[0] != '-' && name[0] != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

static int look_for(const char *name, enum wg_engine engine, struct wg **out, struct vmp_msg *msg)
{
	int err = VMP_ENOENT;
	size_t i;

	for (i = 0; i < DRIVERS && err == VMP_ENOENT; i++) {
		if (is_wanted(i, engine))
			err = drivers[i].driver->find(name, out, msg);
	}
	return err;
}

/* Something else with this name, or with another engine, is not ours to take away. */
static int nothing_there(const char *name, struct vmp_msg *msg)
{
	struct netlink *netlink = NULL;
	int err = netlink_open(NETLINK_ROUTE, &netlink, msg), index;

	if (err != VMP_OK)
		return err;
	index = netlink_index(netlink, name);
	netlink_close(netlink);
	if (index > 0)
		return vmp_fail(msg, VMP_EEXIST, "interface %s is there, and is no WireGuard interface of this engine",
				name);
	return index == -ENODEV ? VMP_OK : netlink_fail(msg, index, "cannot look for interface", name);
}

static int make(const char *name, enum wg_engine engine, const char *program, struct wg **out, struct vmp_msg *msg)
{
	char tried[VMP_MSG_MAX] = "";
	struct vmp_msg why = { "" };
	int err = VMP_ENOENT;
	size_t i, len = 0;

	for (i = 0; i < DRIVERS && err == VMP_ENOENT; i++) {
		if (!is_wanted(i, engine))
			continue;
		err = drivers[i].driver->make(name, program, out, &why);
		if (err != VMP_OK && len < sizeof(tried))
			len += (size_t)snprintf(tried + len, sizeof(tried) - len, "%s%s: %s", len ? "; " : "",
						drivers[i].driver->name, why.text);
	}
	return err == VMP_OK ? VMP_OK : vmp_fail(msg, err, "no WireGuard interface %s: %s", name, tried);
}

int wg_open(const char *name, enum wg_engine engine, const char *program, struct wg **out, bool *made,
	    struct vmp_msg *msg)
{
	int err;

	if (!is_name(name))
		return vmp_fail(msg, VMP_EINVAL,
				"\"%.40s\" is no interface's name: 1 to 15 of a-z A-Z 0-9 . _ - are expected", name);
	*made = false;
	err = look_for(name, engine, out, msg);
	if (err != VMP_ENOENT)
		return err;
	err = nothing_there(name, msg);
	if (err == VMP_OK)
		err = make(name, engine, program, out, msg);
	*made = err == VMP_OK;
	return err;
}

void wg_close(struct wg *wg)
{
	if (wg)
		wg->driver->close(wg, false);
}

void wg_destroy(struct wg *wg)
{
	if (wg)
		wg->driver->close(wg, true);
}

const char *wg_engine_name(const struct wg *wg)
{
	return wg->driver->name;
}

int wg_device_set(struct wg *wg, const uint8_t private_key[VMP_COI_SECRET], uint16_t port, uint32_t mark,
		  struct vmp_msg *msg)
{
	return wg->driver->device_set(wg, private_key, port, mark, msg);
}

/* A peer without a preshared key is one that a former member of the COI may be. */
static int has_key(const struct wg_peer *peer, unsigned what, struct vmp_msg *msg)
{
	uint8_t any = 0;
	size_t i;

	if (!(what & (WG_PSK | WG_EXISTING)))
		return vmp_fail(msg, VMP_EINVAL, "a new WireGuard peer needs its preshared key");
	for (i = 0; i < sizeof(peer->psk); i++)
		any |= peer->psk[i];
	if ((what & WG_PSK) && !any)
		return vmp_fail(msg, VMP_EINVAL, "a preshared key of zeros is none");
	return VMP_OK;
}

static bool is_prefix(const struct prefix *prefix)
{
	return (prefix->family == AF_INET && prefix->bits <= 32) || (prefix->family == AF_INET6 && prefix->bits <= 128);
}

int wg_peer_set(struct wg *wg, const struct wg_peer *peer, unsigned what, struct vmp_msg *msg)
{
	int err = has_key(peer, what, msg), family = peer->endpoint.sa.sa_family;
	size_t i;

	for (i = 0; err == VMP_OK && (what & WG_ALLOWED) && i < peer->n_allowed; i++) {
		if (!is_prefix(&peer->allowed[i]))
			err = vmp_fail(msg, VMP_EINVAL, "a WireGuard peer's address is neither IPv4 nor IPv6");
	}
	if (err != VMP_OK)
		return err;
	/* None can be taken away: it stays until another one is known. */
	if (family != AF_INET && family != AF_INET6)
		what &= ~(unsigned)WG_ENDPOINT;
	return wg->driver->peer_set(wg, peer, what, msg);
}

int wg_peer_remove(struct wg *wg, const uint8_t key[VMP_COI_SECRET], struct vmp_msg *msg)
{
	return wg->driver->peer_remove(wg, key, msg);
}

int wg_each(struct wg *wg, int (*each)(void *ctx, const struct wg_peer *peer), void *ctx, struct vmp_msg *msg)
{
	struct wg_list list = { .n = 0 };
	int err = wg->driver->list(wg, &list, msg);
	size_t i;

	if (err == VMP_OK)
		wg_list_end(&list);
	for (i = 0; err == VMP_OK && i < list.n; i++)
		err = each(ctx, &list.peer[i]);
	wg_list_clear(&list);
	return err;
}
