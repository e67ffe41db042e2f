#include "peers.h"
#include "adopt.h"
#include "endpoint.h"
#include "fib.h"
#include "log.h"
#include "member_parts.h"
#include "names.h"
#include "pair.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 256
#define NAMES_MS    100 /* [ms] changes that come within are one */

static struct {
	struct peer **by_uuid, **by_key;
	size_t n_bucket, n;
	struct peer *first;
	size_t n_remote, n_gateway;
	unsigned generation;
	bool full;    /* this answer tells all */
	bool changed; /* this answer changed something */
	bool unfit;   /* it told of a machine that cannot be one, which was said */
	bool carriers_stale;
	struct event *names;
	bool names_failing;
} peers;

/* -- tables ------------------------------------------------------------------------------------------------------- */

static size_t hash(const uint8_t *octets, size_t len)
{
	uint64_t h = 14695981039346656037u;
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ octets[i]) * 1099511628211u;
	return (size_t)(h ^ h >> 32) & (peers.n_bucket - 1);
}

static void chain(struct peer *peer)
{
	size_t u = hash(peer->uuid, sizeof(peer->uuid)), k = hash(peer->key, sizeof(peer->key));

	peer->next_uuid = peers.by_uuid[u];
	peers.by_uuid[u] = peer;
	peer->next_key = peers.by_key[k];
	peers.by_key[k] = peer;
}

static int resize(size_t n)
{
	struct peer **by_uuid = calloc(n, sizeof(struct peer *));
	struct peer **by_key = calloc(n, sizeof(struct peer *));
	struct peer *peer;

	if (!by_uuid || !by_key) {
		free(by_uuid);
		free(by_key);
		return VMP_ENOMEM;
	}
	free(peers.by_uuid);
	free(peers.by_key);
	peers.by_uuid = by_uuid;
	peers.by_key = by_key;
	peers.n_bucket = n;
	for (peer = peers.first; peer; peer = peer->next)
		chain(peer);
	return VMP_OK;
}

void peers_insert(struct peer *peer)
{
	/* Chains that are longer cost time alone. */
	if (peers.n >= peers.n_bucket && resize(2 * peers.n_bucket) != VMP_OK)
		vmp_log(VMP_LOG_WARNING, "out-of-memory", "what", "table of machines", NULL);
	chain(peer);
	peer->next = peers.first;
	peer->at = &peers.first;
	if (peers.first)
		peers.first->at = &peer->next;
	peers.first = peer;
	peers.n++;
	peers.n_remote += peer->remote || peer->indirect;
	peers.n_gateway += peer->gateway;
}

void peers_remove(struct peer *peer)
{
	struct peer **at = &peers.by_uuid[hash(peer->uuid, sizeof(peer->uuid))];

	while (*at != peer)
		at = &(*at)->next_uuid;
	*at = peer->next_uuid;
	at = &peers.by_key[hash(peer->key, sizeof(peer->key))];
	while (*at != peer)
		at = &(*at)->next_key;
	*at = peer->next_key;
	*peer->at = peer->next;
	if (peer->next)
		peer->next->at = peer->at;
	peers.n--;
	peers.n_remote -= peer->remote || peer->indirect;
	peers.n_gateway -= peer->gateway;
}

struct peer *peers_by_uuid(const uint8_t uuid[VMP_COI_ID])
{
	struct peer *peer = peers.by_uuid[hash(uuid, VMP_COI_ID)];

	while (peer && memcmp(peer->uuid, uuid, VMP_COI_ID) != 0)
		peer = peer->next_uuid;
	return peer;
}

struct peer *peers_by_key(const uint8_t key[VMP_COI_SECRET])
{
	struct peer *peer = peers.by_key[hash(key, VMP_COI_SECRET)];

	while (peer && memcmp(peer->key, key, VMP_COI_SECRET) != 0)
		peer = peer->next_key;
	return peer;
}

struct peer *peers_first(void)
{
	return peers.first;
}

size_t peers_count(void)
{
	return peers.n;
}

/* -- carriers: gateways between machines of which one cannot be reached ------------------------------------------- */

static bool shares(const struct peer *peer, const struct coi *coi)
{
	uint16_t i;

	for (i = 0; i < peer->n_coi; i++) {
		if (peer->coi[i] == coi)
			return true;
	}
	return false;
}

/* Both ends take the lowest id, so that packets come back the way they went: WireGuard takes an address from one peer.
 */
static struct peer *carrier(struct peer *const *gateways, size_t n, const struct peer *peer)
{
	const struct coi *coi = peer_coi(peer);
	struct peer *found = NULL;
	size_t i;

	for (i = 0; i < n && coi; i++) {
		if (!shares(gateways[i], coi))
			continue;
		if (!found || memcmp(gateways[i]->uuid, found->uuid, VMP_COI_ID) < 0)
			found = gateways[i];
	}
	return found;
}

static void carriers_find(void)
{
	struct peer **gateways, *peer;
	size_t n = 0;

	peers.carriers_stale = false;
	if (!peers.n_remote)
		return;
	gateways = calloc(peers.n_gateway + 1, sizeof(struct peer *));
	if (!gateways) {
		peers.carriers_stale = true;
		return;
	}
	for (peer = peers.first; peer; peer = peer->next) {
		if (peer->gateway && !peer_roams(peer))
			gateways[n++] = peer;
	}
	for (peer = peers.first; peer; peer = peer->next)
		peer_carry(peer, peer->indirect ? carrier(gateways, n, peer) : NULL);
	free(gateways);
}

void peers_keep_carriers(void)
{
	struct peer *peer;

	for (peer = member.is_remote ? peers.first : NULL; peer; peer = peer->next) {
		if (peer->carried && !(peer->pair && peer->pair->tunnel))
			pair_need(peer, NULL, 0);
	}
}

/* -- /etc/hosts --------------------------------------------------------------------------------------------------- */

static int names_replace(struct vmp_msg *msg)
{
	const struct member_settings *s = member.settings;
	static const struct prefix none;
	struct names_entry *entries = calloc(peers.n + 3, sizeof(*entries));
	char policyd[ENDPOINT_HOST];
	struct peer *peer;
	size_t n = 0;
	int err;

	if (!entries)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	/* Whoever is named as they are would be asked in their place. */
	if (endpoint_host(s->policyd.url, policyd))
		entries[n++] = (struct names_entry){ policyd, &none, &none };
	if (s->broker && *s->broker)
		entries[n++] = (struct names_entry){ s->broker, &none, &none };
	/* When nobody may be talked to, nobody is named. */
	if (member.state == MEMBER_UP)
		entries[n++] = (struct names_entry){ member.own.name, &member.own.inner6, &member.own.inner4 };
	for (peer = peers.first; peer; peer = peer->next)
		entries[n++] = (struct names_entry){ peer->name, &peer->inner6, &peer->inner4 };
	err = names_write(s->hosts ? s->hosts : "", s->suffix ? s->suffix : "", entries, n, msg);
	free(entries);
	return err;
}

static void names_due(evutil_socket_t fd, short what, void *ctx)
{
	struct vmp_msg msg = { "" };
	int err = names_replace(&msg);

	(void)fd;
	(void)what;
	(void)ctx;
	if (err != VMP_OK) {
		member.count.names_failures++;
		if (!peers.names_failing)
			vmp_log(VMP_LOG_WARNING, "names-failed", "file", member.settings->hosts, "why", msg.text, NULL);
	}
	peers.names_failing = err != VMP_OK;
}

void peers_names_later(void)
{
	struct timeval wait = { .tv_usec = NAMES_MS * 1000 };

	if (!event_pending(peers.names, EV_TIMEOUT, NULL))
		event_add(peers.names, &wait);
}

/* -- the directory's answers -------------------------------------------------------------------------------------- */

/* WireGuard before routes: what may come and go ends first. */
void peers_settle(void)
{
	struct pair *pair;

	if (peers.carriers_stale)
		carriers_find();
	for (pair = pairs_first(); pair; pair = pair->next) {
		if (pair->peer->dirty && pair->tunnel)
			tunnel_allowed(pair);
		pair->peer->dirty = false;
	}
	fib_settle();
}

/* What was told while this machine was not wanted is told again. */
static bool is_listening(void)
{
	return member.state == MEMBER_UP;
}

static int begin(void *ctx, bool full)
{
	(void)ctx;
	peers.full = full;
	peers.changed = peers.unfit = false;
	if (full)
		peers.generation++;
	return VMP_OK;
}

static void forget(struct peer *peer)
{
	peers.changed = peers.carriers_stale = true;
	peer_forget(peer, "gone from the directory");
}

static int gone(void *ctx, const char *id)
{
	uint8_t uuid[VMP_COI_ID];
	struct peer *peer;

	(void)ctx;
	if (!is_listening() || !peer_id_read(id, uuid))
		return VMP_OK;
	peer = peers_by_uuid(uuid);
	if (peer)
		forget(peer);
	return VMP_OK;
}

static void displace(struct peer *older, const struct directory_peer *told)
{
	if (older && memcmp(older->uuid, told->uuid, VMP_COI_ID) != 0)
		forget(older);
}

static struct peer *owner(const struct prefix *address)
{
	struct peer *peer = address->family ? fib_owner(address) : NULL;

	return peer && (prefix_equal(&peer->inner6, address) || prefix_equal(&peer->inner4, address)) ? peer : NULL;
}

/* A key or an address that an older entry still has: that one was made anew, or they have swapped. */
static void make_room(const struct directory_peer *told)
{
	displace(peers_by_key(told->key), told);
	displace(owner(&told->inner6), told);
	displace(owner(&told->inner4), told);
}

static bool is_in(const struct prefix *site, const struct prefix *address)
{
	return site->family && prefix_has(site, address);
}

static bool is_in_site(const struct prefix *address)
{
	return is_in(address->family == AF_INET6 ? &member.own.inner6_site : &member.own.inner4_site, address);
}

static bool is_own(const struct prefix *address)
{
	return address->family &&
	       (prefix_equal(address, &member.own.inner6) || prefix_equal(address, &member.own.inner4));
}

/* WireGuard's packets would go back into WireGuard. */
static bool loops(const union wg_endpoint *endpoint)
{
	struct prefix to = { .family = 0 };

	if (endpoint->sa.sa_family == AF_INET6)
		to = prefix_of(AF_INET6, &endpoint->in6.sin6_addr);
	else if (endpoint->sa.sa_family == AF_INET)
		to = prefix_of(AF_INET, &endpoint->in.sin_addr);
	return to.family && is_in_site(&to);
}

/* An entry that would take other addresses than inner ones, or this machine's own: those of a server of names, say.
 * When the site has other prefixes since, this machine's own entry says so soon, and all are told anew. */
static const char *unfit(const struct directory_peer *told)
{
	if (!is_in_site(&told->inner6) || (told->inner4.family && !is_in_site(&told->inner4)))
		return "its inner address is none of the site's";
	if (is_own(&told->inner6) || is_own(&told->inner4))
		return "it has this machine's inner address";
	if (memcmp(told->key, member.public_key, sizeof(told->key)) == 0)
		return "it has this machine's public key";
	return loops(&told->endpoint) ? "its endpoint is an inner address" : NULL;
}

/* One in an answer is said, which stands for all. */
static bool turned_away(const struct directory_peer *told)
{
	const char *why = unfit(told);
	struct peer *peer = why ? peers_by_uuid(told->uuid) : NULL;

	if (why && !peers.unfit)
		vmp_log(VMP_LOG_WARNING, "peer-unusable", "name", told->name, "why", why, NULL);
	peers.unfit = peers.unfit || why;
	if (peer)
		forget(peer);
	return why != NULL;
}

static int tell(void *ctx, const struct directory_peer *told)
{
	struct peer *peer;
	int err = VMP_OK;

	(void)ctx;
	/* Itself is never told; a server that did would have this machine talk with itself. */
	if (!is_listening() || memcmp(told->uuid, member.own.uuid, VMP_COI_ID) == 0 || turned_away(told))
		return VMP_OK;
	make_room(told);
	peer = peers_by_uuid(told->uuid);
	if (peer && peer_differs(peer, told)) {
		peer_forget(peer, "its key or its addresses have changed");
		peer = NULL;
	}
	if (peer)
		err = peer_update(peer, told);
	else
		peer = peer_new(told);
	peers.changed = peers.carriers_stale = true;
	if (peer)
		peer->generation = peers.generation;
	return peer ? err : VMP_ENOMEM;
}

static void forget_older(void)
{
	struct peer *peer, *next;

	for (peer = peers.first; peer; peer = next) {
		next = peer->next;
		if (peer->generation != peers.generation)
			forget(peer);
	}
}

/* Which COI a pair talks in may hang on how many members it has.  In a large one that changes often, and the choice
 * seldom. */
static void cois_changed(void)
{
	struct pair *pair, *next;
	bool changed = false;
	struct coi *coi;

	for (coi = coi_first(); coi; coi = coi->next) {
		changed = changed || coi->changed;
		coi->changed = false;
	}
	for (pair = changed ? pairs_first() : NULL; pair; pair = next) {
		next = pair->next;
		pair_reconsider(pair);
	}
}

static int end(void *ctx)
{
	(void)ctx;
	if (!is_listening())
		return VMP_OK;
	if (peers.full) {
		forget_older();
		/* The site's prefixes may have changed, or what this machine is: its own entry says. */
		if (member.complete)
			member_register();
		member.complete = true;
	}
	cois_changed();
	peers_settle();
	adopt_try();
	peers_keep_carriers();
	if (peers.changed || peers.full) {
		peers_names_later();
		member_tell();
	}
	return VMP_OK;
}

const struct directory_calls peers_calls = { .begin = begin, .peer = tell, .gone = gone, .end = end };

/* -- all of them -------------------------------------------------------------------------------------------------- */

void peers_rekey(void)
{
	struct pair *pair, *next;

	for (pair = pairs_first(); pair; pair = next) {
		next = pair->next;
		pair_rekey(pair);
	}
}

void peers_clear(const char *why)
{
	struct pair *pair, *next;

	for (pair = pairs_first(); pair; pair = next) {
		next = pair->next;
		pair_release(pair, why);
	}
	while (peers.first)
		peer_forget(peers.first, why);
	fib_settle();
	member.complete = false;
	peers_names_later();
	member_tell();
}

int peers_open(struct vmp_msg *msg)
{
	memset(&peers, 0, sizeof(peers));
	peers.names = evtimer_new(member.base, names_due, NULL);
	if (!peers.names || resize(BUCKETS_MIN) != VMP_OK)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	return VMP_OK;
}

void peers_close(void)
{
	/* What is due is done: nobody comes back for it. */
	if (peers.names && event_pending(peers.names, EV_TIMEOUT, NULL))
		names_due(-1, 0, NULL);
	if (peers.names)
		event_free(peers.names);
	free(peers.by_uuid);
	free(peers.by_key);
	memset(&peers, 0, sizeof(peers));
}
