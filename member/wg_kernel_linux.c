/* The kernel's WireGuard, by generic netlink. */
#include "netlink_linux.h"
#include "wg_message_linux.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>
#include <linux/wireguard.h>
#include <stdlib.h>
#include <string.h>

#define ATTEMPTS 5 /* at a dump during which something changes */

struct kernel {
	struct wg wg;
	struct netlink *netlink, *route;
	uint16_t family; /* what WireGuard's messages are called today */
};

static void kernel_free(struct kernel *kernel)
{
	netlink_close(kernel->netlink);
	netlink_close(kernel->route);
	free(kernel);
}

static int take_family_attr(const struct nlattr *attr, void *ctx)
{
	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID && mnl_attr_validate(attr, MNL_TYPE_U16) == 0)
		*(uint16_t *)ctx = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static int take_family(const struct nlmsghdr *message, void *ctx)
{
	return mnl_attr_parse(message, sizeof(struct genlmsghdr), take_family_attr, ctx);
}

/* Asking for it by name loads the module. */
static int find_family(struct kernel *kernel, struct vmp_msg *msg)
{
	struct nlmsghdr *request = netlink_request(kernel->netlink, GENL_ID_CTRL, 0);
	struct genlmsghdr *head = mnl_nlmsg_put_extra_header(request, sizeof(*head));
	int rc;

	head->cmd = CTRL_CMD_GETFAMILY;
	head->version = 1;
	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	rc = netlink_ask(kernel->netlink, request, take_family, &kernel->family);
	if (rc == -ENOENT || (rc == 0 && kernel->family == 0))
		return vmp_fail(msg, VMP_ENOENT, "this kernel has no WireGuard");
	return rc == 0 ? VMP_OK : netlink_fail(msg, rc, "cannot ask the kernel for", WG_GENL_NAME);
}

static int kernel_new(const char *name, struct kernel **out, struct vmp_msg *msg)
{
	struct kernel *kernel = calloc(1, sizeof(*kernel));
	int err;

	if (!kernel)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	kernel->wg.driver = &wg_kernel;
	memcpy(kernel->wg.name, name, strlen(name) + 1);
	err = netlink_open(NETLINK_GENERIC, &kernel->netlink, msg);
	if (err == VMP_OK)
		err = netlink_open(NETLINK_ROUTE, &kernel->route, msg);
	if (err == VMP_OK)
		err = find_family(kernel, msg);
	if (err != VMP_OK) {
		kernel_free(kernel);
		return err;
	}
	*out = kernel;
	return VMP_OK;
}

static struct nlmsghdr *begin(struct kernel *kernel, uint8_t command, uint16_t flags)
{
	struct nlmsghdr *request = netlink_request(kernel->netlink, kernel->family, flags);

	wg_message_begin(request, command, kernel->wg.name);
	return request;
}

/* -- peers ---------------------------------------------------------------------------------------- */
struct listing {
	struct wg_list *list;
	int rc;
};

static int take_peers(const struct nlmsghdr *message, void *ctx)
{
	struct listing *listing = ctx;
	int rc = listing->list ? wg_message_read(message, listing->list) : 0;

	if (rc == 0)
		return MNL_CB_OK;
	errno = -rc;
	return MNL_CB_ERROR;
}

/* @param list  NULL: only whether it can be asked. @return 0, -errno. */
static int dump(struct kernel *kernel, struct wg_list *list)
{
	struct listing listing = { .list = list };
	int rc = -EINTR, i;

	for (i = 0; i < ATTEMPTS && rc == -EINTR; i++) {
		if (list)
			wg_list_clear(list);
		rc = netlink_ask(kernel->netlink, begin(kernel, WG_CMD_GET_DEVICE, NLM_F_DUMP), take_peers, &listing);
	}
	return rc;
}

static int kernel_list(struct wg *wg, struct wg_list *list, struct vmp_msg *msg)
{
	int rc = dump((struct kernel *)wg, list);

	return rc == 0 ? VMP_OK : netlink_fail(msg, rc, "cannot read the peers of", wg->name);
}

static int kernel_device_set(struct wg *wg, const uint8_t *private_key, uint16_t port, uint32_t mark,
			     struct vmp_msg *msg)
{
	struct kernel *kernel = (struct kernel *)wg;
	struct nlmsghdr *request = begin(kernel, WG_CMD_SET_DEVICE, 0);
	int rc;

	wg_message_device(request, private_key, port, mark);
	rc = netlink_ask(kernel->netlink, request, NULL, NULL);
	return rc == 0 ? VMP_OK : netlink_fail(msg, rc, "cannot set up", wg->name);
}

static int kernel_peer_set(struct wg *wg, const struct wg_peer *peer, unsigned what, struct vmp_msg *msg)
{
	struct kernel *kernel = (struct kernel *)wg;
	struct nlmsghdr *request;
	size_t at = 0;
	int rc;

	do {
		request = begin(kernel, WG_CMD_SET_DEVICE, 0);
		at = wg_message_peer(request, peer, what, at);
		rc = netlink_ask(kernel->netlink, request, NULL, NULL);
	} while (rc == 0 && at < peer->n_allowed);
	return rc == 0 ? VMP_OK : netlink_fail(msg, rc, "cannot set a peer of", wg->name);
}

static int kernel_peer_remove(struct wg *wg, const uint8_t *key, struct vmp_msg *msg)
{
	struct kernel *kernel = (struct kernel *)wg;
	struct nlmsghdr *request = begin(kernel, WG_CMD_SET_DEVICE, 0);
	int rc;

	wg_message_remove(request, key);
	rc = netlink_ask(kernel->netlink, request, NULL, NULL);
	return rc == 0 ? VMP_OK : netlink_fail(msg, rc, "cannot remove a peer of", wg->name);
}

/* -- the interface -------------------------------------------------------------------------------- */
static int kernel_find(const char *name, struct wg **out, struct vmp_msg *msg)
{
	struct kernel *kernel = NULL;
	int err = kernel_new(name, &kernel, msg), rc;

	if (err != VMP_OK)
		return err;
	rc = dump(kernel, NULL);
	if (rc == 0) {
		*out = &kernel->wg;
		return VMP_OK;
	}
	kernel_free(kernel);
	/* The latter: of another kind. */
	if (rc == -ENODEV || rc == -EOPNOTSUPP)
		return vmp_fail(msg, VMP_ENOENT, "no interface %s of the kernel's WireGuard", name);
	return netlink_fail(msg, rc, "cannot look at", name);
}

/* @return 0, -errno. */
static int make_link(struct netlink *route, const char *name)
{
	struct nlmsghdr *request = netlink_request(route, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *nest;

	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(request, IFLA_IFNAME, name);
	nest = mnl_attr_nest_start(request, IFLA_LINKINFO);
	mnl_attr_put_strz(request, IFLA_INFO_KIND, WG_GENL_NAME);
	mnl_attr_nest_end(request, nest);
	return netlink_ask(route, request, NULL, NULL);
}

static int kernel_make(const char *name, const char *program, struct wg **out, struct vmp_msg *msg)
{
	struct kernel *kernel = NULL;
	int err = kernel_new(name, &kernel, msg), rc;

	(void)program;
	if (err != VMP_OK)
		return err;
	rc = make_link(kernel->route, name);
	if (rc == 0) {
		*out = &kernel->wg;
		return VMP_OK;
	}
	kernel_free(kernel);
	if (rc == -EOPNOTSUPP)
		return vmp_fail(msg, VMP_ENOENT, "this kernel has no WireGuard");
	return netlink_fail(msg, rc, "cannot make", name);
}

static void kernel_close(struct wg *wg, bool destroy)
{
	struct kernel *kernel = (struct kernel *)wg;

	/* It may be gone already; and there is nobody left to tell. */
	if (destroy)
		(void)!netlink_remove(kernel->route, wg->name);
	kernel_free(kernel);
}

const struct wg_driver wg_kernel = { .name = "kernel",
				     .find = kernel_find,
				     .make = kernel_make,
				     .close = kernel_close,
				     .device_set = kernel_device_set,
				     .peer_set = kernel_peer_set,
				     .peer_remove = kernel_peer_remove,
				     .list = kernel_list };
