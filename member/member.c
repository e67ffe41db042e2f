#include "member.h"
#include "adopt.h"
#include "endpoint.h"
#include "fib.h"
#include "log.h"
#include "member_parts.h"
#include "offers.h"
#include "pair.h"
#include "peers.h"
#include "traffic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MTU 1420
/* linux/rtnetlink.h */
#define TABLE_DEFAULT 253
#define TABLE_LOCAL   255
#define LOOK_S	      30 /* between looks at this machine's own address, and tries after a refusal */
#define LOOK_SOON_S   2	 /* as long as it is not known */
#define GUARD_S	      2	 /* between looks whether the guard is still there */
#define KEYS_CACHE    "coi-keys.json"

struct member member;

static struct {
	struct event *tell, *look, *guard;
	char cache[4096];
	char put[ENDPOINT_TEXT]; /* the endpoint that policyd is told */
	bool anew;		 /* the directory and the keys are asked for as well, once policyd knows us */
	bool said;		 /* that it does not */
} own;

/* -- who cares ---------------------------------------------------------------------------------------------------- */

static void tell(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	if (member.settings->changed)
		member.settings->changed(member.settings->ctx);
}

void member_tell(void)
{
	if (own.tell)
		event_active(own.tell, EV_TIMEOUT, 1);
}

int member_wg_result(int err, const struct vmp_msg *msg)
{
	if (err == VMP_OK) {
		*member.wg_why = '\0';
		return err;
	}
	member.count.wg_failures++;
	/* The same again and again is said once. */
	if (strcmp(member.wg_why, msg->text) != 0)
		vmp_log(VMP_LOG_ERROR, "wireguard-failed", "why", msg->text, NULL);
	snprintf(member.wg_why, sizeof(member.wg_why), "%s", *msg->text ? msg->text : vmp_strerror(err));
	return err;
}

/* -- packets for machines that are no peers -------------------------------------------------------------------------
 */

static void packet_needs(void *ctx, const struct prefix *to, const struct prefix *from, const uint8_t *packet,
			 size_t len)
{
	const struct prefix *inner = to->family == AF_INET6 ? &member.own.inner6 : &member.own.inner4;
	struct peer *peer = member.state == MEMBER_UP ? fib_find(to) : NULL;
	struct peer *via = peer ? peer_via(peer) : NULL;

	(void)ctx;
	(void)from;
	if (via) {
		pair_need(via, packet, len);
	} else if (member.state == MEMBER_UP && !member.complete) {
		/* Who is there is about to be told: the sender tries again. */
		member.count.dropped++;
	} else {
		member.count.refused++;
		if (inner->family)
			need_refuse(member.need, inner, packet, len);
	}
}

/* -- down --------------------------------------------------------------------------------------------------------- */

static void look_later(void)
{
	bool soon = member.state == MEMBER_REGISTERING || endpoint_is_asked();
	struct timeval wait = { .tv_sec = soon ? LOOK_SOON_S : LOOK_S };

	evtimer_add(own.look, &wait);
}

/* Keys of an earlier life, which this one has not come to. */
static void cache_remove(void)
{
	if (unlink(own.cache) != 0 && errno != ENOENT)
		vmp_log(VMP_LOG_WARNING, "keys-cache-failed", "why", strerror(errno), NULL);
}

static void go_down(enum member_state state, const char *why)
{
	bool was_up = member.state == MEMBER_UP;

	if (was_up)
		vmp_log(VMP_LOG_WARNING, "coi-down", "why", why, NULL);
	snprintf(member.why, sizeof(member.why), "%s", why);
	adopt_none();
	member.keys_told = false;
	if (was_up)
		peers_clear(why);
	if (member.keys)
		keys_wipe(member.keys);
	else
		cache_remove();
	member.state = state;
	own.anew = true;
	look_later();
	peers_names_later();
	member_tell();
}

static bool is_refusal(int err)
{
	return err == VMP_EACCES || err == VMP_ENOENT;
}

static void refused(const char *why)
{
	if (member.state != MEMBER_STOPPED)
		go_down(MEMBER_REFUSED, why);
}

/* -- the directory and the keys ----------------------------------------------------------------------------------- */

static void directory_state(void *ctx, int err, const char *why)
{
	(void)ctx;
	snprintf(member.directory_why, sizeof(member.directory_why), "%s", err == VMP_OK ? "" : why);
	if (is_refusal(err))
		refused(why);
	else if (err == VMP_OK && member.state == MEMBER_REFUSED)
		member_register();
}

static void directory_answered(void *ctx, int64_t version)
{
	(void)ctx;
	member.version = version;
	if (member.keys && member.state == MEMBER_UP)
		keys_fetch(member.keys);
}

static void keys_changed(void *ctx)
{
	(void)ctx;
	if (member.state != MEMBER_UP)
		return;
	peers_rekey();
	adopt_try();
	peers_keep_carriers();
	member_tell();
}

static void keys_state(void *ctx, int err, const char *why)
{
	(void)ctx;
	if (is_refusal(err))
		refused(why);
	if (err != VMP_OK || member.state != MEMBER_UP)
		return;
	/* No key is an answer too: nobody waits for one any longer. */
	member.keys_told = true;
	adopt_try();
}

static int keys_begin(struct vmp_msg *msg)
{
	const struct member_settings *s = member.settings;
	const struct keys_settings settings = { .client = member.client,
						.certificate = s->certificate,
						.key = s->key,
						.ca = s->ca,
						.cache = own.cache,
						.changed = keys_changed,
						.state = keys_state };

	return member.keys ? VMP_OK : keys_new(member.base, &settings, &member.keys, msg);
}

static int directory_begin(struct vmp_msg *msg)
{
	const struct member_settings *s = member.settings;
	const struct directory_settings settings = { .client = member.client,
						     .certificate = s->certificate,
						     .key = s->key,
						     .calls = peers_calls,
						     .state = directory_state,
						     .answered = directory_answered };

	if (member.directory) {
		directory_again(member.directory);
		return VMP_OK;
	}
	return directory_new(member.base, &settings, &member.directory, msg);
}

/* -- up ----------------------------------------------------------------------------------------------------------- */

static bool is_same(const struct self_answer *a, const struct self_answer *b)
{
	return memcmp(a->uuid, b->uuid, sizeof(a->uuid)) == 0 && prefix_equal(&a->inner6, &b->inner6) &&
	       prefix_equal(&a->inner4, &b->inner4) && prefix_equal(&a->inner6_site, &b->inner6_site) &&
	       prefix_equal(&a->inner4_site, &b->inner4_site) && a->gateway == b->gateway && a->remote == b->remote;
}

/* Keys first: those on the disk are there at once, and peers of an earlier life wait for them. */
static void follow(void)
{
	struct vmp_msg msg = { "" };
	int err = keys_begin(&msg);

	if (err == VMP_OK)
		err = directory_begin(&msg);
	if (err != VMP_OK) {
		go_down(MEMBER_REFUSED, msg.text);
		return;
	}
	keys_fetch(member.keys);
	own.anew = false;
}

/* Without its guard this machine is better off without communities. */
static bool site_up(void)
{
	struct vmp_msg msg = { "" };

	if (member_site_up(&msg) == VMP_OK)
		return true;
	if (!own.said)
		vmp_log(VMP_LOG_ERROR, "guard-failed", "why", msg.text, NULL);
	own.said = true;
	snprintf(member.why, sizeof(member.why), "nothing guards the inner addresses: %s", msg.text);
	return false;
}

static void guard_keep(evutil_socket_t fd, short what, void *ctx)
{
	struct vmp_msg msg = { "" };

	(void)fd;
	(void)what;
	(void)ctx;
	if (member.state == MEMBER_UP && member_guard_keep(&msg) != VMP_OK)
		go_down(MEMBER_REFUSED, msg.text);
}

static void registered(const struct self_answer *answer)
{
	bool is_remote = answer->remote || !*own.put, was_up = member.state == MEMBER_UP;
	bool same = was_up && is_same(answer, &member.own) && is_remote == member.is_remote;

	if (was_up && !same) {
		go_down(MEMBER_REGISTERING, "this machine's own entry has changed");
		was_up = false;
	}
	member.own = *answer;
	member.is_remote = is_remote;
	memcpy(member.endpoint, own.put, sizeof(member.endpoint));
	if (!same && !site_up()) {
		member.state = MEMBER_REFUSED;
		look_later();
		return;
	}
	member.state = MEMBER_UP;
	*member.why = '\0';
	own.said = false;
	if (!was_up) {
		vmp_log(VMP_LOG_INFO, "registered", "name", answer->name, "uuid", answer->id, "endpoint", own.put,
			NULL);
		vmp_log(VMP_LOG_INFO, "coi-up", "name", answer->name, "interface", member.settings->interface, NULL);
		peers_names_later();
	}
	if (own.anew || !was_up)
		follow();
	member_tell();
}

static void self_done(void *ctx, int err, const struct self_answer *answer, const char *why)
{
	(void)ctx;
	if (member.state == MEMBER_STOPPED)
		return;
	if (err == VMP_OK) {
		registered(answer);
		return;
	}
	if (!own.said)
		vmp_log(VMP_LOG_WARNING, "not-registered", "why", why, NULL);
	own.said = true;
	if (is_refusal(err))
		refused(why);
	else if (member.state != MEMBER_UP)
		snprintf(member.why, sizeof(member.why), "not registered: %s", why);
}

/* -- registering -------------------------------------------------------------------------------------------------- */

static int endpoint_now(char out[ENDPOINT_TEXT], struct vmp_msg *msg)
{
	const struct member_settings *s = member.settings;
	union wg_endpoint endpoint;
	int err = VMP_OK;

	*out = '\0';
	if (strcmp(s->endpoint, "none") == 0)
		return VMP_OK;
	if (*s->endpoint)
		err = endpoint_read(s->endpoint, s->port, &endpoint, msg);
	else
		err = endpoint_find(s->policyd.url, s->mark, s->port, &endpoint, msg);
	if (err == VMP_OK)
		endpoint_write(&endpoint, out);
	return err;
}

void member_register(void)
{
	char endpoint[ENDPOINT_TEXT];
	struct vmp_msg msg = { "" };
	int err = member.self ? endpoint_now(endpoint, &msg) : VMP_ENOENT;

	if (!member.self)
		return;
	if (err == VMP_OK) {
		memcpy(own.put, endpoint, sizeof(own.put));
		err = self_put(member.self, member.public_key, endpoint, &msg);
	}
	if (err != VMP_OK && member.state != MEMBER_UP)
		snprintf(member.why, sizeof(member.why), "not registered: %s", msg.text);
}

/* A machine that moved to another address says so; one that was refused asks again.  What was not answered is tried
 * again by itself. */
static void look(evutil_socket_t fd, short what, void *ctx)
{
	char endpoint[ENDPOINT_TEXT];
	struct vmp_msg msg = { "" };

	(void)fd;
	(void)what;
	(void)ctx;
	if (member.state == MEMBER_STOPPED)
		return;
	if (member.state == MEMBER_REFUSED ||
	    (endpoint_now(endpoint, &msg) == VMP_OK && strcmp(endpoint, own.put) != 0))
		member_register();
	look_later();
}

void member_go(void)
{
	const struct self_settings settings = { .client = member.client,
						.certificate = member.settings->certificate,
						.key = member.settings->key,
						.done = self_done };
	struct vmp_msg msg = { "" };

	if (!member.self && self_new(member.base, &settings, &member.self, &msg) != VMP_OK) {
		snprintf(member.why, sizeof(member.why), "not registered: %s", msg.text);
		return;
	}
	if (member.state == MEMBER_STOPPED) {
		member.state = MEMBER_REGISTERING;
		snprintf(member.why, sizeof(member.why), "not registered yet");
	}
	own.anew = true;
	member_register();
	look_later();
}

void member_halt(const char *why)
{
	go_down(MEMBER_STOPPED, why);
	directory_free(member.directory);
	member.directory = NULL;
	keys_free(member.keys);
	member.keys = NULL;
	self_free(member.self);
	member.self = NULL;
}

/* -- all of it ---------------------------------------------------------------------------------------------------- */

static int engine_of(const char *name, enum wg_engine *out, struct vmp_msg *msg)
{
	static const struct {
		const char *name;
		enum wg_engine engine;
	} engines[] = { { "auto", WG_AUTO }, { "kernel", WG_KERNEL }, { "userspace", WG_USERSPACE } };
	size_t i;

	for (i = 0; i < sizeof(engines) / sizeof(engines[0]); i++) {
		if (strcmp(engines[i].name, name) == 0) {
			*out = engines[i].engine;
			return VMP_OK;
		}
	}
	return vmp_fail(msg, VMP_EINVAL, "engine %s: auto, kernel or userspace was expected", name);
}

static int interfaces_open(bool *made, struct vmp_msg *msg)
{
	const struct member_settings *s = member.settings;
	unsigned mtu = s->mtu ? s->mtu : MTU;
	enum wg_engine engine = WG_AUTO;
	int err = engine_of(s->engine, &engine, msg);

	snprintf(member.tun, sizeof(member.tun), "%sn", s->interface);
	if (err == VMP_OK)
		err = route_open(&member.route, msg);
	if (err == VMP_OK)
		err = wg_open(s->interface, engine, s->program, &member.wg, made, msg);
	if (err == VMP_OK)
		err = wg_device_set(member.wg, member.private_key, s->port, s->mark, msg);
	if (err == VMP_OK)
		err = route_link_up(member.route, s->interface, mtu, msg);
	if (err == VMP_OK)
		err = need_open(member.base, member.tun, mtu, packet_needs, NULL, &member.need, msg);
	return err;
}

/* The table may hold routes of an earlier life, which are looked at as machines become known. */
static int earlier_life(bool made, struct vmp_msg *msg)
{
	fib_inherit();
	if (!made)
		return adopt_open(msg);
	/* Names that a machine which lost its power still has: until policyd is heard of, nothing keeps packets for
	 * them inside. */
	peers_names_later();
	return VMP_OK;
}

static int client_open(struct vmp_msg *msg)
{
	struct http_client_settings settings = member.settings->policyd;

	settings.mark = member.settings->mark;
	settings.answer_max = DIRECTORY_ANSWER;
	return http_client_new(member.base, &settings, &member.client, msg);
}

static int events_open(struct vmp_msg *msg)
{
	static const struct timeval often = { .tv_sec = GUARD_S };

	own.tell = evtimer_new(member.base, tell, NULL);
	own.look = evtimer_new(member.base, look, NULL);
	own.guard = event_new(member.base, -1, EV_PERSIST, guard_keep, NULL);
	if (!own.tell || !own.look || !own.guard || event_add(own.guard, &often) != 0)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	return VMP_OK;
}

static int check(const struct member_settings *s, struct vmp_msg *msg)
{
	union wg_endpoint endpoint;

	if (!s->port || s->port == UINT16_MAX)
		return vmp_fail(msg, VMP_EINVAL, "port %u: 1 to 65534 was expected", s->port);
	if (s->table >= TABLE_DEFAULT && s->table <= TABLE_LOCAL)
		return vmp_fail(msg, VMP_EINVAL, "table %u is the kernel's: one of its own was expected, such as 30317",
				s->table);
	if (strlen(s->interface) > 14)
		return vmp_fail(msg, VMP_EINVAL, "interface %s: at most 14 characters were expected", s->interface);
	if (snprintf(own.cache, sizeof(own.cache), "%s/" KEYS_CACHE, s->state) >= (int)sizeof(own.cache))
		return vmp_fail(msg, VMP_EINVAL, "%.60s...: a shorter path was expected", s->state);
	if (*s->endpoint && strcmp(s->endpoint, "none") != 0)
		return endpoint_read(s->endpoint, s->port, &endpoint, msg);
	return VMP_OK;
}

int member_new(struct event_base *base, const struct member_settings *settings, struct vmp_msg *msg)
{
	bool made = false;
	int err;

	memset(&member, 0, sizeof(member));
	memset(&own, 0, sizeof(own));
	member.base = base;
	member.settings = settings;
	snprintf(member.why, sizeof(member.why), "not yet told to begin");
	err = check(settings, msg);
	if (err == VMP_OK)
		err = member_key_load(msg);
	if (err == VMP_OK)
		err = client_open(msg);
	if (err == VMP_OK)
		err = peers_open(msg);
	if (err == VMP_OK)
		err = events_open(msg);
	if (err == VMP_OK)
		err = interfaces_open(&made, msg);
	if (err == VMP_OK)
		err = offers_open(base, (uint16_t)(settings->port + 1), settings->mark, msg);
	if (err == VMP_OK)
		err = earlier_life(made, msg);
	if (err == VMP_OK)
		err = traffic_open(msg);
	if (err != VMP_OK)
		member_free(made);
	return err;
}

static void interfaces_close(bool down)
{
	/* The rules stay, and what is unreachable without the interfaces: packets for other machines that somebody
	 * still sends are not to leave by the default route, unencrypted. */
	if (down && member.wg)
		wg_destroy(member.wg);
	else if (member.wg)
		wg_close(member.wg);
	if (member.need)
		need_close(member.need);
	if (member.route)
		route_close(member.route);
}

void member_free(bool down)
{
	if (!member.base)
		return;
	member.keep = !down;
	if (down && member.state != MEMBER_STOPPED)
		member_halt("this program ends");
	while (peers_first())
		peer_forget(peers_first(), "this program ends");
	adopt_close();
	traffic_close();
	offers_close();
	peers_close();
	fib_free();
	held_close();
	directory_free(member.directory);
	keys_free(member.keys);
	self_free(member.self);
	interfaces_close(down);
	http_client_free(member.client);
	endpoint_close();
	if (own.tell)
		event_free(own.tell);
	if (own.look)
		event_free(own.look);
	if (own.guard)
		event_free(own.guard);
	explicit_bzero(&member, sizeof(member));
	memset(&own, 0, sizeof(own));
}
