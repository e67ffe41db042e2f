#include "wg_message_linux.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <string.h>
#include <time.h>

/* -- requests ------------------------------------------------------------------------------------- */
void wg_message_begin(struct nlmsghdr *message, uint8_t command, const char *name)
{
	struct genlmsghdr *head = mnl_nlmsg_put_extra_header(message, sizeof(*head));

	head->cmd = command;
	head->version = WG_GENL_VERSION;
	mnl_attr_put_strz(message, WGDEVICE_A_IFNAME, name);
}

void wg_message_device(struct nlmsghdr *message, const uint8_t *private_key, uint16_t port, uint32_t mark)
{
	mnl_attr_put(message, WGDEVICE_A_PRIVATE_KEY, WG_KEY_LEN, private_key);
	mnl_attr_put_u16(message, WGDEVICE_A_LISTEN_PORT, port);
	mnl_attr_put_u32(message, WGDEVICE_A_FWMARK, mark);
}

static bool put_allowed(struct nlmsghdr *message, const struct prefix *allowed)
{
	struct nlattr *nest = mnl_attr_nest_start_check(message, WG_MESSAGE, 0);

	if (!nest)
		return false;
	if (mnl_attr_put_u16_check(message, WG_MESSAGE, WGALLOWEDIP_A_FAMILY, allowed->family) &&
	    mnl_attr_put_check(message, WG_MESSAGE, WGALLOWEDIP_A_IPADDR, allowed->family == AF_INET ? 4 : 16,
			       allowed->address) &&
	    mnl_attr_put_u8_check(message, WG_MESSAGE, WGALLOWEDIP_A_CIDR_MASK, allowed->bits)) {
		mnl_attr_nest_end(message, nest);
		return true;
	}
	mnl_attr_nest_cancel(message, nest);
	return false;
}

static void put_settings(struct nlmsghdr *message, const struct wg_peer *peer, unsigned what)
{
	const union wg_endpoint *endpoint = &peer->endpoint;

	if (what & WG_PSK)
		mnl_attr_put(message, WGPEER_A_PRESHARED_KEY, WG_KEY_LEN, peer->psk);
	if (what & WG_ENDPOINT)
		mnl_attr_put(message, WGPEER_A_ENDPOINT,
			     endpoint->sa.sa_family == AF_INET ? sizeof(endpoint->in) : sizeof(endpoint->in6),
			     endpoint);
	if (what & WG_KEEPALIVE)
		mnl_attr_put_u16(message, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, peer->keepalive);
}

size_t wg_message_peer(struct nlmsghdr *message, const struct wg_peer *peer, unsigned what, size_t from)
{
	struct nlattr *peers = mnl_attr_nest_start(message, WGDEVICE_A_PEERS), *one = mnl_attr_nest_start(message, 0),
		      *list;
	uint32_t flags = (what & WG_EXISTING) || from > 0 ? WGPEER_F_UPDATE_ONLY : 0;

	if ((what & WG_ALLOWED) && from == 0)
		flags |= WGPEER_F_REPLACE_ALLOWEDIPS;
	mnl_attr_put(message, WGPEER_A_PUBLIC_KEY, WG_KEY_LEN, peer->key);
	mnl_attr_put_u32(message, WGPEER_A_FLAGS, flags);
	if (from == 0)
		put_settings(message, peer, what);
	if (what & WG_ALLOWED) {
		list = mnl_attr_nest_start(message, WGPEER_A_ALLOWEDIPS);
		while (from < peer->n_allowed && put_allowed(message, &peer->allowed[from]))
			from++;
		mnl_attr_nest_end(message, list);
	}
	mnl_attr_nest_end(message, one);
	mnl_attr_nest_end(message, peers);
	return what & WG_ALLOWED ? from : peer->n_allowed;
}

void wg_message_remove(struct nlmsghdr *message, const uint8_t *key)
{
	struct nlattr *peers = mnl_attr_nest_start(message, WGDEVICE_A_PEERS), *one = mnl_attr_nest_start(message, 0);

	mnl_attr_put(message, WGPEER_A_PUBLIC_KEY, WG_KEY_LEN, key);
	mnl_attr_put_u32(message, WGPEER_A_FLAGS, WGPEER_F_REMOVE_ME);
	mnl_attr_nest_end(message, one);
	mnl_attr_nest_end(message, peers);
}

/* -- answers -------------------------------------------------------------------------------------- */
/* The attributes of a nest by their type; newer kernels may have more. */
struct table {
	const struct nlattr **by_type;
	unsigned n;
};

static int take_attribute(const struct nlattr *attr, void *ctx)
{
	const struct table *table = ctx;

	if (mnl_attr_get_type(attr) < table->n)
		table->by_type[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

/* libmnl stops where attributes are no longer well-formed, and says nothing of it. */
static bool is_whole(const uint8_t *at, size_t len)
{
	const struct nlattr *attr;
	size_t aligned;

	while (len >= sizeof(*attr)) {
		attr = (const void *)at;
		if (attr->nla_len < sizeof(*attr) || attr->nla_len > len)
			return false;
		aligned = (attr->nla_len + MNL_ALIGNTO - 1u) & ~(MNL_ALIGNTO - 1u);
		if (aligned >= len)
			return true;
		at += aligned;
		len -= aligned;
	}
	return len == 0;
}

static bool split(const struct nlattr *nest, const struct nlattr **by_type, unsigned n)
{
	struct table table = { by_type, n };

	return is_whole(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest)) &&
	       mnl_attr_parse_nested(nest, take_attribute, &table) == MNL_CB_OK;
}

/* Each attribute of a nest. */
struct walk {
	int (*take)(const struct nlattr *attr, struct wg_list *list);
	struct wg_list *list;
	int rc;
};

static int walk_one(const struct nlattr *attr, void *ctx)
{
	struct walk *walk = ctx;

	walk->rc = walk->take(attr, walk->list);
	return walk->rc == 0 ? MNL_CB_OK : MNL_CB_STOP;
}

static int walk_nest(const struct nlattr *nest, int (*take)(const struct nlattr *attr, struct wg_list *list),
		     struct wg_list *list)
{
	struct walk walk = { take, list, 0 };

	if (!is_whole(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest)) ||
	    mnl_attr_parse_nested(nest, walk_one, &walk) < MNL_CB_STOP)
		return -EBADMSG;
	return walk.rc;
}

static bool has(const struct nlattr *attr, size_t len)
{
	return attr && mnl_attr_get_payload_len(attr) == len;
}

static uint64_t number64(const struct nlattr *attr)
{
	uint64_t n = 0;

	if (has(attr, sizeof(n)))
		memcpy(&n, mnl_attr_get_payload(attr), sizeof(n));
	return n;
}

static int read_allowed(const struct nlattr *nest, struct wg_list *list)
{
	const struct nlattr *a[WGALLOWEDIP_A_MAX + 1] = { NULL };
	struct prefix prefix = { 0 };
	uint16_t family;

	if (!split(nest, a, WGALLOWEDIP_A_MAX + 1) || !has(a[WGALLOWEDIP_A_FAMILY], sizeof(family)) ||
	    !has(a[WGALLOWEDIP_A_CIDR_MASK], 1))
		return -EBADMSG;
	family = mnl_attr_get_u16(a[WGALLOWEDIP_A_FAMILY]);
	prefix.bits = mnl_attr_get_u8(a[WGALLOWEDIP_A_CIDR_MASK]);
	if ((family != AF_INET && family != AF_INET6) || prefix.bits > (family == AF_INET ? 32 : 128) ||
	    !has(a[WGALLOWEDIP_A_IPADDR], family == AF_INET ? 4 : 16))
		return -EBADMSG;
	prefix.family = (uint8_t)family;
	memcpy(prefix.address, mnl_attr_get_payload(a[WGALLOWEDIP_A_IPADDR]), family == AF_INET ? 4 : 16);
	return wg_list_allow(list, &prefix) == VMP_OK ? 0 : -ENOMEM;
}

static int read_endpoint(const struct nlattr *attr, union wg_endpoint *out)
{
	union wg_endpoint endpoint = { .in6 = { 0 } };
	size_t len = mnl_attr_get_payload_len(attr);

	memcpy(&endpoint, mnl_attr_get_payload(attr), len < sizeof(endpoint) ? len : sizeof(endpoint));
	if (!(endpoint.sa.sa_family == AF_INET && len == sizeof(endpoint.in)) &&
	    !(endpoint.sa.sa_family == AF_INET6 && len == sizeof(endpoint.in6)))
		return -EBADMSG;
	*out = endpoint;
	return 0;
}

static int read_settings(const struct nlattr *const *a, struct wg_peer *peer)
{
	struct timespec64 {
		int64_t s, ns;
	} at = { 0, 0 };

	if (a[WGPEER_A_PRESHARED_KEY]) {
		if (!has(a[WGPEER_A_PRESHARED_KEY], WG_KEY_LEN))
			return -EBADMSG;
		memcpy(peer->psk, mnl_attr_get_payload(a[WGPEER_A_PRESHARED_KEY]), WG_KEY_LEN);
	}
	if (has(a[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL], 2))
		peer->keepalive = mnl_attr_get_u16(a[WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL]);
	if (has(a[WGPEER_A_LAST_HANDSHAKE_TIME], sizeof(at)))
		memcpy(&at, mnl_attr_get_payload(a[WGPEER_A_LAST_HANDSHAKE_TIME]), sizeof(at));
	if (at.s)
		peer->handshake = at.s;
	if (a[WGPEER_A_RX_BYTES])
		peer->received = number64(a[WGPEER_A_RX_BYTES]);
	if (a[WGPEER_A_TX_BYTES])
		peer->sent = number64(a[WGPEER_A_TX_BYTES]);
	return a[WGPEER_A_ENDPOINT] ? read_endpoint(a[WGPEER_A_ENDPOINT], &peer->endpoint) : 0;
}

/* A peer whose addresses do not fit into a message comes once more in the next one, with its key and addresses alone.
 */
static int read_peer(const struct nlattr *nest, struct wg_list *list)
{
	const struct nlattr *a[WGPEER_A_MAX + 1] = { NULL };
	struct wg_peer *peer;
	int rc;

	if (!split(nest, a, WGPEER_A_MAX + 1) || !has(a[WGPEER_A_PUBLIC_KEY], WG_KEY_LEN))
		return -EBADMSG;
	peer = wg_list_peer(list, mnl_attr_get_payload(a[WGPEER_A_PUBLIC_KEY]));
	rc = peer ? read_settings(a, peer) : -ENOMEM;
	return rc != 0 || !a[WGPEER_A_ALLOWEDIPS] ? rc : walk_nest(a[WGPEER_A_ALLOWEDIPS], read_allowed, list);
}

int wg_message_read(const struct nlmsghdr *message, struct wg_list *list)
{
	const struct nlattr *a[WGDEVICE_A_MAX + 1] = { NULL };
	struct table table = { a, WGDEVICE_A_MAX + 1 };
	const size_t head = sizeof(struct genlmsghdr);
	const uint8_t *payload = mnl_nlmsg_get_payload(message);

	if (mnl_nlmsg_get_payload_len(message) < head ||
	    !is_whole(payload + head, mnl_nlmsg_get_payload_len(message) - head) ||
	    mnl_attr_parse(message, (unsigned)head, take_attribute, &table) != MNL_CB_OK)
		return -EBADMSG;
	return a[WGDEVICE_A_PEERS] ? walk_nest(a[WGDEVICE_A_PEERS], read_peer, list) : 0;
}
