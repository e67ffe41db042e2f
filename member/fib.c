#include "fib.h"
#include "adopt.h"
#include "log.h"
#include "member_parts.h"
#include "pair.h"
#include "peers.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS_MIN 64

enum way { WAY_UNKNOWN, WAY_NONE, WAY_TUN, WAY_WG };

struct claim {
	struct claim *next;
	struct peer *peer;
};

struct entry {
	struct entry *next, *next_touched;
	struct prefix prefix;
	uint8_t way; /**< enum way: what stands in the kernel's table */
	bool touched;
	struct peer *owner;
	struct claim *others; /**< those that it would belong to, were the owner not there */
};

static struct {
	struct entry **bucket;
	size_t n_bucket, n;
	struct entry *touched;
	unsigned of_length[2][129]; /**< entries, by family and bits: what a look-up has to try */
	bool inherited;
} fib;

/* -- the table ---------------------------------------------------------------------------------------------------- */

static size_t hash(const struct prefix *prefix)
{
	uint64_t h = 14695981039346656037u ^ prefix->bits ^ (uint64_t)prefix->family << 8;
	size_t i;

	for (i = 0; i < sizeof(prefix->address); i++)
		h = (h ^ prefix->address[i]) * 1099511628211u;
	return (size_t)(h ^ h >> 32);
}

static struct entry *find(const struct prefix *prefix)
{
	struct entry *e = fib.n_bucket ? fib.bucket[hash(prefix) % fib.n_bucket] : NULL;

	while (e && !prefix_equal(&e->prefix, prefix))
		e = e->next;
	return e;
}

static int grow(void)
{
	size_t n = fib.n_bucket ? 2 * fib.n_bucket : BUCKETS_MIN, i;
	struct entry **bucket = calloc(n, sizeof(*bucket));
	struct entry *e, *next;

	if (!bucket)
		return VMP_ENOMEM;
	for (i = 0; i < fib.n_bucket; i++) {
		for (e = fib.bucket[i]; e; e = next) {
			next = e->next;
			e->next = bucket[hash(&e->prefix) % n];
			bucket[hash(&e->prefix) % n] = e;
		}
	}
	free(fib.bucket);
	fib.bucket = bucket;
	fib.n_bucket = n;
	return VMP_OK;
}

static void touch(struct entry *e)
{
	if (e->touched)
		return;
	e->touched = true;
	e->next_touched = fib.touched;
	fib.touched = e;
}

static struct entry *insert(const struct prefix *prefix)
{
	struct entry *e, **bucket;

	if (fib.n >= fib.n_bucket && grow() != VMP_OK && !fib.n_bucket)
		return NULL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->prefix = *prefix;
	e->way = fib.inherited ? WAY_UNKNOWN : WAY_NONE;
	bucket = &fib.bucket[hash(prefix) % fib.n_bucket];
	e->next = *bucket;
	*bucket = e;
	fib.n++;
	fib.of_length[prefix->family == AF_INET6][prefix->bits]++;
	return e;
}

static void drop(struct entry *e)
{
	struct entry **at = &fib.bucket[hash(&e->prefix) % fib.n_bucket];

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	fib.n--;
	fib.of_length[e->prefix.family == AF_INET6][e->prefix.bits]--;
	free(e);
}

/* -- who has it --------------------------------------------------------------------------------------------------- */

/* WireGuard gives an address to one peer alone, so both have to be told. */
static void own(struct entry *e, struct peer *peer)
{
	if (e->owner)
		e->owner->dirty = true;
	if (peer)
		peer->dirty = true;
	e->owner = peer;
	touch(e);
}

static int claim_add(struct entry *e, struct peer *peer)
{
	struct claim *claim = malloc(sizeof(*claim));

	if (!claim)
		return VMP_ENOMEM;
	claim->peer = peer;
	claim->next = e->others;
	e->others = claim;
	return VMP_OK;
}

static void claim_del(struct entry *e, const struct peer *peer)
{
	struct claim **at = &e->others, *gone;

	while (*at && (*at)->peer != peer)
		at = &(*at)->next;
	gone = *at;
	if (gone)
		*at = gone->next;
	free(gone);
}

static bool before(const struct peer *a, const struct peer *b)
{
	return memcmp(a->uuid, b->uuid, sizeof(a->uuid)) < 0;
}

int fib_add(const struct prefix *prefix, struct peer *peer)
{
	struct entry *e;
	int err = VMP_OK;

	if (!prefix->family)
		return VMP_OK;
	e = find(prefix);
	if (!e)
		e = insert(prefix);
	if (!e)
		return VMP_ENOMEM;
	if (!e->owner) {
		own(e, peer);
	} else if (before(peer, e->owner)) {
		err = claim_add(e, e->owner);
		if (err == VMP_OK)
			own(e, peer);
	} else if (peer != e->owner) {
		err = claim_add(e, peer);
	}
	return err;
}

static struct peer *lowest(const struct entry *e)
{
	struct peer *peer = NULL;
	struct claim *claim;

	for (claim = e->others; claim; claim = claim->next) {
		if (!peer || before(claim->peer, peer))
			peer = claim->peer;
	}
	return peer;
}

void fib_del(const struct prefix *prefix, struct peer *peer)
{
	struct entry *e = prefix->family ? find(prefix) : NULL;
	struct peer *heir;

	if (!e)
		return;
	if (e->owner != peer) {
		claim_del(e, peer);
		return;
	}
	heir = lowest(e);
	own(e, heir);
	if (heir)
		claim_del(e, heir);
}

struct peer *fib_owner(const struct prefix *prefix)
{
	struct entry *e = find(prefix);

	return e ? e->owner : NULL;
}

static void cut(struct prefix *prefix, unsigned bits)
{
	unsigned i;

	prefix->bits = (uint8_t)bits;
	if (bits % 8)
		prefix->address[bits / 8] &= (uint8_t)(0xff00u >> bits % 8);
	for (i = (bits + 7) / 8; i < sizeof(prefix->address); i++)
		prefix->address[i] = 0;
}

struct peer *fib_find(const struct prefix *address)
{
	const unsigned *of_length = fib.of_length[address->family == AF_INET6];
	struct prefix prefix = *address;
	struct entry *e;
	unsigned bits;

	for (bits = address->bits + 1u; bits-- > 0;) {
		if (!of_length[bits])
			continue;
		cut(&prefix, bits);
		e = find(&prefix);
		if (e && e->owner)
			return e->owner;
	}
	return NULL;
}

/* -- the kernel's table ------------------------------------------------------------------------------------------- */

static const struct prefix *of_family(int family, const struct prefix *v6, const struct prefix *v4)
{
	return family == AF_INET6 ? v6 : v4;
}

/* What lies in the site's prefix goes to the TUN interface by that. */
static enum way wanted(const struct entry *e)
{
	const struct prefix *site = of_family(e->prefix.family, &member.own.inner6_site, &member.own.inner4_site);
	const struct prefix *inner = of_family(e->prefix.family, &member.own.inner6, &member.own.inner4);
	struct peer *via = e->owner ? peer_via(e->owner) : NULL;

	if (!e->owner || !inner->family)
		return WAY_NONE;
	if (via && via->pair && via->pair->ready)
		return WAY_WG;
	return site->family && prefix_has(site, &e->prefix) ? WAY_NONE : WAY_TUN;
}

static int set_way(const struct entry *e, enum way way, struct vmp_msg *msg)
{
	uint32_t table = member.settings->table;
	const char *wg = member.settings->interface;
	int err = VMP_OK, second = VMP_OK;

	if (way != WAY_NONE)
		return route_add(member.route, table, &e->prefix, way == WAY_WG ? wg : member.tun,
				 of_family(e->prefix.family, &member.own.inner6, &member.own.inner4), msg);
	if (e->way != WAY_TUN)
		err = route_del(member.route, table, &e->prefix, wg, msg);
	if (e->way != WAY_WG)
		second = route_del(member.route, table, &e->prefix, member.tun, msg);
	return err != VMP_OK ? err : second;
}

static void settle(struct entry *e)
{
	enum way way = wanted(e);
	struct vmp_msg msg = { "" };
	char text[PREFIX_TEXT];

	if (way == e->way || member.keep)
		return;
	if (set_way(e, way, &msg) == VMP_OK) {
		e->way = (uint8_t)way;
		return;
	}
	/* It is looked at anew with whatever changes next. */
	e->way = WAY_UNKNOWN;
	member.count.route_failures++;
	prefix_write(&e->prefix, text);
	vmp_log(VMP_LOG_ERROR, "route-failed", "prefix", text, "why", msg.text, NULL);
}

void fib_touch(const struct prefix *prefix)
{
	struct entry *e = prefix->family ? find(prefix) : NULL;

	if (e)
		touch(e);
}

/* A route that may lead to a peer of an earlier life, of which is not known yet whether it goes on. */
static bool is_undecided(const struct entry *e)
{
	return e->owner && e->way == WAY_UNKNOWN && wanted(e) != WAY_WG && adopt_waits();
}

void fib_settle(void)
{
	struct entry *e = fib.touched, *next;

	fib.touched = NULL;
	for (; e; e = next) {
		next = e->next_touched;
		e->touched = false;
		if (is_undecided(e)) {
			touch(e);
			continue;
		}
		settle(e);
		if (!e->owner)
			drop(e);
	}
}

void fib_inherit(void)
{
	fib.inherited = true;
}

size_t fib_size(void)
{
	return fib.n;
}

void fib_free(void)
{
	struct entry *e, *next;
	size_t i;

	for (i = 0; i < fib.n_bucket; i++) {
		for (e = fib.bucket[i]; e; e = next) {
			next = e->next;
			while (e->others)
				claim_del(e, e->others->peer);
			free(e);
		}
	}
	free(fib.bucket);
	memset(&fib, 0, sizeof(fib));
}
