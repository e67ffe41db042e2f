/* Stand-ins for WireGuard, the kernel's routes, the TUN interface, policyd and /etc/hosts. */
#include "guard_linux.h"
#include "names.h"
#include "need_linux.h"
#include "route_linux.h"
#include "stage_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Their handles, of which nobody looks inside. */
static char handle[8];
#define HANDLE(type, n) ((struct type *)(void *)&handle[n])

/* -- WireGuard ---------------------------------------------------------------------------------------------------- */

int wg_open(const char *name, enum wg_engine engine, const char *program, struct wg **out, bool *made,
	    struct vmp_msg *msg)
{
	(void)name;
	(void)engine;
	(void)program;
	(void)msg;
	*out = HANDLE(wg, 0);
	*made = !stage.wg_there;
	return VMP_OK;
}

void wg_close(struct wg *wg)
{
	(void)wg;
}

void wg_destroy(struct wg *wg)
{
	(void)wg;
	stage.n_wg = 0;
	stage_trace("wg away\n");
}

const char *wg_engine_name(const struct wg *wg)
{
	(void)wg;
	return "kernel";
}

int wg_device_set(struct wg *wg, const uint8_t private_key[VMP_COI_SECRET], uint16_t port, uint32_t mark,
		  struct vmp_msg *msg)
{
	(void)wg;
	(void)private_key;
	(void)mark;
	(void)msg;
	ck_assert_uint_eq(port, STAGE_PORT);
	return VMP_OK;
}

static struct stage_peer *wg_find(const uint8_t key[VMP_COI_SECRET])
{
	size_t i;

	for (i = 0; i < stage.n_wg; i++) {
		if (memcmp(stage.wg[i].key, key, VMP_COI_SECRET) == 0)
			return &stage.wg[i];
	}
	return NULL;
}

/* As WireGuard does: who is given an address takes it from whoever had it. */
static void take_address(struct stage_peer *to, const struct prefix *prefix)
{
	size_t i, j;

	for (i = 0; i < stage.n_wg; i++) {
		for (j = 0; &stage.wg[i] != to && j < stage.wg[i].n_allowed; j++) {
			if (prefix_equal(&stage.wg[i].allowed[j], prefix))
				stage.wg[i].allowed[j] = stage.wg[i].allowed[--stage.wg[i].n_allowed];
		}
	}
	ck_assert_uint_lt(to->n_allowed, 64);
	to->allowed[to->n_allowed++] = *prefix;
}

int wg_peer_set(struct wg *wg, const struct wg_peer *peer, unsigned what, struct vmp_msg *msg)
{
	struct stage_peer *p = wg_find(peer->key);
	size_t i;

	(void)wg;
	ck_assert(what & (WG_PSK | WG_EXISTING));
	if (stage.wg_err != VMP_OK)
		return vmp_fail(msg, stage.wg_err, "as the test wants it");
	if (!p && what & WG_EXISTING)
		return VMP_OK;
	if (!p) {
		p = &stage.wg[stage.n_wg++];
		memset(p, 0, sizeof(*p));
		memcpy(p->key, peer->key, sizeof(p->key));
	}
	stage_trace("wg+ %s%s%s%s\n", machine_name(p->key), what & WG_PSK ? " psk" : "",
		    what & WG_ALLOWED ? " allowed" : "", what & WG_ENDPOINT ? " endpoint" : "");
	if (what & WG_PSK)
		memcpy(p->psk, peer->psk, sizeof(p->psk));
	if (what & WG_ENDPOINT && peer->endpoint.sa.sa_family)
		p->endpoint = peer->endpoint;
	if (what & WG_KEEPALIVE)
		p->keepalive = peer->keepalive;
	if (what & WG_ALLOWED)
		p->n_allowed = 0;
	for (i = 0; what & WG_ALLOWED && i < peer->n_allowed; i++)
		take_address(p, &peer->allowed[i]);
	return VMP_OK;
}

int wg_peer_remove(struct wg *wg, const uint8_t key[VMP_COI_SECRET], struct vmp_msg *msg)
{
	struct stage_peer *p = wg_find(key);

	(void)wg;
	if (stage.wg_err != VMP_OK)
		return vmp_fail(msg, stage.wg_err, "as the test wants it");
	stage_trace("wg- %s\n", machine_name(key));
	if (p)
		*p = stage.wg[--stage.n_wg];
	return VMP_OK;
}

int wg_each(struct wg *wg, int (*each)(void *ctx, const struct wg_peer *peer), void *ctx, struct vmp_msg *msg)
{
	struct stage_peer all[STAGE_MEMBERS + 4];
	size_t n = stage.n_wg, i;
	int err = VMP_OK;

	(void)wg;
	if (stage.wg_err != VMP_OK)
		return vmp_fail(msg, stage.wg_err, "as the test wants it");
	memcpy(all, stage.wg, sizeof(all));
	for (i = 0; i < n && err == VMP_OK; i++) {
		struct wg_peer peer = { .endpoint = all[i].endpoint,
					.allowed = all[i].allowed,
					.n_allowed = all[i].n_allowed,
					.received = all[i].received,
					.sent = all[i].sent };

		memcpy(peer.key, all[i].key, sizeof(peer.key));
		err = each(ctx, &peer);
	}
	return err;
}

/* -- the kernel --------------------------------------------------------------------------------------------------- */

int route_open(struct route **out, struct vmp_msg *msg)
{
	(void)msg;
	*out = HANDLE(route, 1);
	return VMP_OK;
}

void route_close(struct route *route)
{
	(void)route;
}

int route_link_up(struct route *route, const char *link, unsigned mtu, struct vmp_msg *msg)
{
	(void)route;
	(void)msg;
	stage_trace("up %s %u\n", link, mtu);
	return VMP_OK;
}

int route_address(struct route *route, const char *link, const struct prefix *prefix, struct vmp_msg *msg)
{
	char text[PREFIX_TEXT];

	(void)route;
	(void)msg;
	prefix_write(prefix, text);
	stage_trace("address %s %s\n", text, link);
	return VMP_OK;
}

int route_address_only(struct route *route, const char *link, const struct prefix *keep_these, size_t n,
		       struct vmp_msg *msg)
{
	(void)route;
	(void)link;
	(void)keep_these;
	(void)n;
	(void)msg;
	return VMP_OK;
}

int route_rules(struct route *route, int family, uint32_t pref, uint32_t mark, uint32_t table, bool on,
		struct vmp_msg *msg)
{
	(void)route;
	(void)mark;
	(void)msg;
	ck_assert_uint_eq(pref, table);
	stage_trace("rules%s %d\n", on ? "+" : "-", family == AF_INET6 ? 6 : 4);
	return VMP_OK;
}

static int route_change(const char *what, uint32_t table, const struct prefix *to, const char *link)
{
	char text[PREFIX_TEXT];

	ck_assert_uint_eq(table, STAGE_TABLE);
	prefix_write(to, text);
	stage_trace("route%s %s %s\n", what, text, link ? link : "unreachable");
	return VMP_OK;
}

int route_add(struct route *route, uint32_t table, const struct prefix *to, const char *link,
	      const struct prefix *source, struct vmp_msg *msg)
{
	(void)route;
	(void)source;
	(void)msg;
	return route_change("+", table, to, link);
}

int route_del(struct route *route, uint32_t table, const struct prefix *to, const char *link, struct vmp_msg *msg)
{
	(void)route;
	(void)msg;
	return route_change("-", table, to, link);
}

int route_prune(struct route *route, uint32_t table, const char *link, bool (*keep)(const struct prefix *to),
		struct vmp_msg *msg)
{
	size_t i;

	(void)route;
	(void)msg;
	ck_assert_uint_eq(table, STAGE_TABLE);
	ck_assert_str_eq(link, "vmprov0");
	for (i = 0; i < stage.n_old; i++) {
		if (!keep(&stage.old[i]))
			route_change("-", table, &stage.old[i], "pruned");
	}
	return VMP_OK;
}

int route_site_rule(struct route *route, const struct prefix *site, uint32_t pref, uint32_t table, bool on,
		    struct vmp_msg *msg)
{
	char text[PREFIX_TEXT];

	(void)route;
	(void)msg;
	ck_assert_uint_eq(pref, table - 1);
	prefix_write(site, text);
	stage_trace("site rule%s %s\n", on ? "+" : "-", text);
	return VMP_OK;
}

bool guard_is_there(void)
{
	return !stage.guard_away;
}

int guard_set(const struct guard_settings *settings, struct vmp_msg *msg)
{
	if (stage.guard_err != VMP_OK)
		return vmp_fail(msg, stage.guard_err, "as the test wants it");
	ck_assert_str_eq(settings->wireguard, "vmprov0");
	ck_assert_str_eq(settings->tun, "vmprov0n");
	ck_assert(prefix_equal(&settings->own[0], &stage.self.inner6));
	ck_assert(prefix_equal(&settings->site[0], &stage.self.inner6_site));
	stage.guard_away = false;
	stage_trace("guard\n");
	return VMP_OK;
}

/* -- the TUN interface -------------------------------------------------------------------------------------------- */

static need_fn need_call;

int need_open(struct event_base *base, const char *name, unsigned mtu, need_fn fn, void *ctx, struct need **out,
	      struct vmp_msg *msg)
{
	(void)base;
	(void)mtu;
	(void)ctx;
	(void)msg;
	ck_assert_str_eq(name, "vmprov0n");
	need_call = fn;
	*out = HANDLE(need, 2);
	return VMP_OK;
}

void need_close(struct need *need)
{
	(void)need;
}

int need_send(struct need *need, const uint8_t *packet, size_t len, struct vmp_msg *msg)
{
	(void)need;
	(void)msg;
	stage.sent++;
	stage_trace("send %u of %zu\n", packet[0], len);
	return VMP_OK;
}

void need_refuse(struct need *need, const struct prefix *own, const uint8_t *packet, size_t len)
{
	(void)need;
	(void)packet;
	(void)len;
	ck_assert_int_ne(own->family, 0);
	stage.refused++;
}

void stage_packet(const struct prefix *to)
{
	static uint8_t packet[1400];

	packet[0]++;
	need_call(NULL, to, to->family == AF_INET6 ? &stage.self.inner6 : &stage.self.inner4, packet, sizeof(packet));
}

/* -- policyd ------------------------------------------------------------------------------------------------------ */

static struct directory_settings directory_settings;
static struct keys_settings keys_settings;
static struct self_settings self_settings;

int http_client_new(struct event_base *base, const struct http_client_settings *settings, struct http_client **out,
		    struct vmp_msg *msg)
{
	(void)base;
	(void)msg;
	ck_assert_uint_eq(settings->answer_max, DIRECTORY_ANSWER);
	*out = HANDLE(http_client, 3);
	return VMP_OK;
}

void http_client_free(struct http_client *client)
{
	(void)client;
}

int directory_new(struct event_base *base, const struct directory_settings *settings, struct directory **out,
		  struct vmp_msg *msg)
{
	(void)base;
	(void)msg;
	directory_settings = *settings;
	*out = HANDLE(directory, 4);
	return VMP_OK;
}

void directory_again(struct directory *directory)
{
	(void)directory;
	stage.agains++;
}

void directory_free(struct directory *directory)
{
	(void)directory;
}

const struct directory_calls *stage_directory_calls(void)
{
	return &directory_settings.calls;
}

void stage_directory_state(int err, const char *why)
{
	directory_settings.state(NULL, err, why);
}

int keys_new(struct event_base *base, const struct keys_settings *settings, struct keys **out, struct vmp_msg *msg)
{
	(void)base;
	(void)msg;
	keys_settings = *settings;
	*out = HANDLE(keys, 5);
	return VMP_OK;
}

void keys_free(struct keys *keys)
{
	(void)keys;
}

void keys_fetch(struct keys *keys)
{
	(void)keys;
	stage.fetches++;
}

void keys_wipe(struct keys *keys)
{
	(void)keys;
	stage.n_key = 0;
	stage.wipes++;
}

size_t keys_all(const struct keys *keys, const struct keys_one **out)
{
	(void)keys;
	*out = stage.key;
	return stage.n_key;
}

void stage_keys_come(void)
{
	keys_settings.changed(NULL);
}

void stage_keys_state(int err, const char *why)
{
	keys_settings.state(NULL, err, why);
}

int self_new(struct event_base *base, const struct self_settings *settings, struct self **out, struct vmp_msg *msg)
{
	(void)base;
	(void)msg;
	self_settings = *settings;
	*out = HANDLE(self, 6);
	return VMP_OK;
}

int self_put(struct self *self, const uint8_t public_key[VMP_COI_SECRET], const char *endpoint, struct vmp_msg *msg)
{
	(void)self;
	(void)public_key;
	(void)msg;
	stage.puts++;
	snprintf(stage.put, sizeof(stage.put), "%s", endpoint);
	return VMP_OK;
}

void self_free(struct self *self)
{
	(void)self;
}

void stage_registered(void)
{
	self_settings.done(NULL, VMP_OK, &stage.self, "");
}

void stage_self_fails(int err, const char *why)
{
	self_settings.done(NULL, err, NULL, why);
}

/* -- /etc/hosts --------------------------------------------------------------------------------------------------- */

int names_write(const char *file, const char *suffix, const struct names_entry *entries, size_t n, struct vmp_msg *msg)
{
	size_t i;

	(void)file;
	(void)suffix;
	(void)msg;
	stage.names = stage.reserved = 0;
	for (i = 0; i < n; i++)
		*(entries[i].inner6->family || entries[i].inner4->family ? &stage.names : &stage.reserved) += 1;
	return VMP_OK;
}
