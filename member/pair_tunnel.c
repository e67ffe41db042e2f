#include "pair.h"
#include "endpoint.h"
#include "fib.h"
#include "log.h"
#include "member_parts.h"
#include "traffic.h"

#include <stdlib.h>
#include <string.h>

#define COMPARED  1024
#define KEEPALIVE 25 /* [s] so that a NAT keeps the way to one that others cannot reach */

/* -- what it may send --------------------------------------------------------------------------------------------- */

static struct {
	struct prefix *prefix;
	size_t n, room;
} allowed;

static void allow(const struct prefix *prefix)
{
	size_t room = allowed.room ? 2 * allowed.room : 64;
	struct prefix *bigger;

	if (!prefix->family)
		return;
	if (allowed.n == allowed.room) {
		bigger = reallocarray(allowed.prefix, room, sizeof(*bigger));
		if (!bigger)
			return;
		allowed.prefix = bigger;
		allowed.room = room;
	}
	allowed.prefix[allowed.n++] = *prefix;
}

/* WireGuard gives a prefix to whom it was told of last, so only its owner is told. */
static void allow_owned(const struct peer *peer, const struct prefix *prefix)
{
	if (prefix->family && fib_owner(prefix) == peer)
		allow(prefix);
}

static void allowed_fill(struct wg_peer *out, const struct peer *peer)
{
	const struct peer *one;
	uint16_t i;

	allowed.n = 0;
	allow_owned(peer, &peer->inner6);
	allow_owned(peer, &peer->inner4);
	for (i = 0; i < peer->n_route; i++)
		allow_owned(peer, &peer->route[i]);
	for (one = peer->carried; one; one = one->next_carried) {
		allow_owned(one, &one->inner6);
		allow_owned(one, &one->inner4);
	}
	out->allowed = allowed.prefix;
	out->n_allowed = allowed.n;
}

/* -- WireGuard ---------------------------------------------------------------------------------------------------- */

static void failed(struct pair *pair, int err, const struct vmp_msg *msg)
{
	if (member_wg_result(err, msg) != VMP_OK)
		pair->broken = true;
}

static void set(struct pair *pair, struct wg_peer *wg, unsigned what)
{
	struct vmp_msg msg = { "" };

	memcpy(wg->key, pair->peer->key, sizeof(wg->key));
	if (what & WG_ALLOWED) {
		allowed_fill(wg, pair->peer);
		pair->peer->dirty = false;
	}
	if (what & WG_ENDPOINT)
		wg->endpoint = pair->peer->endpoint;
	if (what & WG_KEEPALIVE)
		wg->keepalive = member.is_remote ? KEEPALIVE : 0;
	failed(pair, wg_peer_set(member.wg, wg, what, &msg), &msg);
	explicit_bzero(wg->psk, sizeof(wg->psk));
}

/* Where one that roams is, WireGuard finds out. */
static unsigned endpoint_bit(const struct peer *peer)
{
	return peer_roams(peer) ? 0 : WG_ENDPOINT;
}

void tunnel_install(struct pair *pair, const uint8_t psk[VMP_COI_SECRET])
{
	unsigned what = WG_PSK | (pair->tunnel ? WG_EXISTING : 0);
	struct wg_peer wg = { .keepalive = 0 };

	if (!pair->tunnel)
		what |= endpoint_bit(pair->peer) | WG_ALLOWED | WG_KEEPALIVE;
	memcpy(wg.psk, psk, sizeof(wg.psk));
	set(pair, &wg, what);
	if (pair->tunnel || pair->broken)
		return;
	pair->tunnel = true;
	pair->received = pair->sent = 0;
	member.count.up++;
	if (pairs_up() > (size_t)member.settings->most)
		traffic_soon();
}

static bool has(const struct wg_peer *wg, const struct prefix *prefix)
{
	size_t i;

	for (i = 0; i < wg->n_allowed; i++) {
		if (prefix_equal(&wg->allowed[i], prefix))
			return true;
	}
	return false;
}

static bool same_allowed(const struct wg_peer *a, const struct wg_peer *b)
{
	size_t i;

	if (a->n_allowed != b->n_allowed)
		return false;
	for (i = 0; i < a->n_allowed; i++) {
		if (!has(b, &a->allowed[i]))
			return false;
	}
	return true;
}

/* To set the same addresses anew takes them away for a moment, and packets are lost.  A gateway with very many is not
 * worth the comparison. */
void tunnel_adopt(struct pair *pair, const struct wg_peer *was)
{
	unsigned what = WG_KEEPALIVE | WG_EXISTING;
	struct wg_peer wg = { .keepalive = 0 };

	allowed_fill(&wg, pair->peer);
	if (wg.n_allowed > COMPARED || !same_allowed(&wg, was))
		what |= WG_ALLOWED;
	if (!endpoint_equal(&pair->peer->endpoint, &was->endpoint))
		what |= endpoint_bit(pair->peer);
	set(pair, &wg, what);
	pair->received = was->received;
	pair->sent = was->sent;
	pair->handshake = was->handshake;
}

void tunnel_allowed(struct pair *pair)
{
	struct wg_peer wg = { .keepalive = 0 };

	set(pair, &wg, WG_ALLOWED | WG_EXISTING);
}

void tunnel_endpoint(struct pair *pair)
{
	struct wg_peer wg = { .keepalive = 0 };

	if (pair->tunnel && endpoint_bit(pair->peer))
		set(pair, &wg, WG_ENDPOINT | WG_EXISTING);
}

/* -- routes ------------------------------------------------------------------------------------------------------- */

static void touch(const struct peer *peer)
{
	const struct peer *one;
	uint16_t i;

	fib_touch(&peer->inner6);
	fib_touch(&peer->inner4);
	for (i = 0; i < peer->n_route; i++)
		fib_touch(&peer->route[i]);
	for (one = peer->carried; one; one = one->next_carried) {
		fib_touch(&one->inner6);
		fib_touch(&one->inner4);
	}
}

void tunnel_ready(struct pair *pair)
{
	pair->ready = true;
	touch(pair->peer);
	fib_settle();
	vmp_log(VMP_LOG_INFO, "peer-up", "name", pair->peer->name, "coi", pair_coi_name(pair->peer), NULL);
}

void tunnel_remove(struct pair *pair)
{
	struct vmp_msg msg = { "" };

	if (!pair->tunnel || member.keep)
		return;
	/* What stays in spite of that, the next sweep finds. */
	if (member_wg_result(wg_peer_remove(member.wg, pair->peer->key, &msg), &msg) != VMP_OK)
		traffic_soon();
	pair->tunnel = false;
	member.count.down++;
	touch(pair->peer);
	if (pair->ready)
		vmp_log(VMP_LOG_INFO, "peer-down", "name", pair->peer->name, "why",
			pair->why ? pair->why : "it is not needed", NULL);
	pair->ready = false;
	fib_settle();
}
