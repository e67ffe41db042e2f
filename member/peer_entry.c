#include "peer.h"
#include "endpoint.h"
#include "fib.h"
#include "member_parts.h"
#include "pair.h"
#include "peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- COIs, which many machines share ------------------------------------------------------------------------------ */

static struct coi *cois;

struct coi *coi_first(void)
{
	return cois;
}

/* What is told last holds for all: an answer that differs from an older one is the newer truth. */
static void coi_tell(struct coi *coi, const struct directory_coi *told)
{
	if (coi->priority == told->priority && coi->members == told->members && coi->epoch == told->epoch &&
	    strcmp(coi->name, told->name) == 0)
		return;
	coi->priority = told->priority;
	coi->members = told->members;
	coi->epoch = told->epoch;
	memcpy(coi->name, told->name, sizeof(coi->name));
	coi->changed = true;
}

static struct coi *coi_take(const struct directory_coi *told)
{
	struct coi *coi = cois;

	while (coi && coi->id != told->id)
		coi = coi->next;
	if (!coi) {
		coi = calloc(1, sizeof(*coi));
		if (!coi)
			return NULL;
		coi->id = told->id;
		coi->next = cois;
		cois = coi;
	}
	coi->used++;
	coi_tell(coi, told);
	return coi;
}

static void coi_leave(struct coi *coi)
{
	struct coi **at = &cois;

	if (--coi->used)
		return;
	while (*at != coi)
		at = &(*at)->next;
	*at = coi->next;
	free(coi);
}

/* -- one entry's own memory --------------------------------------------------------------------------------------- */

static void block_free(struct peer *peer)
{
	uint16_t i;

	for (i = 0; i < peer->n_coi; i++)
		coi_leave(peer->coi[i]);
	free(peer->block);
	peer->block = NULL;
	peer->n_coi = peer->n_route = 0;
}

/* A gateway goes nowhere by another one. */
static size_t routes_of(const struct directory_peer *told)
{
	return told->gateway && !member.own.gateway ? told->n_route : 0;
}

/* No route takes other machines' inner addresses. */
static bool is_inside(const struct prefix *route)
{
	const struct prefix *site = route->family == AF_INET6 ? &member.own.inner6_site : &member.own.inner4_site;

	return site->family && prefix_has(site, route);
}

/* Name, COIs and routes in one piece: a directory may have ten thousand machines, most of them never needed. */
static int block_make(struct peer *out, const struct directory_peer *told)
{
	size_t n_route = routes_of(told), name = strlen(told->name) + 1, i;
	char *block = malloc(told->n_coi * sizeof(struct coi *) + n_route * sizeof(struct prefix) + name);

	if (!block)
		return VMP_ENOMEM;
	memset(out, 0, sizeof(*out));
	out->block = block;
	out->coi = (struct coi **)(void *)block;
	block += told->n_coi * sizeof(struct coi *);
	out->route = (struct prefix *)(void *)block;
	block += n_route * sizeof(struct prefix);
	memcpy(block, told->name, name);
	out->name = block;
	for (i = 0; i < n_route; i++) {
		if (!is_inside(&told->route[i]))
			out->route[out->n_route++] = told->route[i];
	}
	for (i = 0; i < told->n_coi; i++) {
		out->coi[i] = coi_take(&told->coi[i]);
		if (!out->coi[i]) {
			block_free(out);
			return VMP_ENOMEM;
		}
		out->n_coi++;
	}
	return VMP_OK;
}

static void block_move(struct peer *to, const struct peer *from)
{
	to->block = from->block;
	to->name = from->name;
	to->coi = from->coi;
	to->route = from->route;
	to->n_coi = from->n_coi;
	to->n_route = from->n_route;
}

/* -- who carries it ----------------------------------------------------------------------------------------------- */

void peer_carry(struct peer *peer, struct peer *carrier)
{
	if (peer->carrier == carrier)
		return;
	if (peer->carrier) {
		peer->carrier->dirty = true;
		*peer->carried_at = peer->next_carried;
		if (peer->next_carried)
			peer->next_carried->carried_at = peer->carried_at;
	}
	peer->carrier = carrier;
	if (carrier) {
		carrier->dirty = true;
		peer->next_carried = carrier->carried;
		peer->carried_at = &carrier->carried;
		if (carrier->carried)
			carrier->carried->carried_at = &peer->next_carried;
		carrier->carried = peer;
	}
	fib_touch(&peer->inner6);
	fib_touch(&peer->inner4);
}

/* -- its places in the tables ------------------------------------------------------------------------------------- */

static int routes_add(struct peer *peer)
{
	int err = VMP_OK;
	uint16_t i;

	for (i = 0; i < peer->n_route && err == VMP_OK; i++)
		err = fib_add(&peer->route[i], peer);
	return err;
}

static void routes_del(struct peer *peer)
{
	uint16_t i;

	for (i = 0; i < peer->n_route; i++)
		fib_del(&peer->route[i], peer);
}

/* Of a machine that others cannot reach and one that is no gateway, neither may be a WireGuard peer of the other. */
static bool is_indirect(const struct directory_peer *told)
{
	return !told->gateway && !member.own.gateway &&
	       (member.is_remote || told->remote || !told->endpoint.sa.sa_family);
}

static void fill(struct peer *peer, const struct directory_peer *told)
{
	memcpy(peer->uuid, told->uuid, sizeof(peer->uuid));
	memcpy(peer->key, told->key, sizeof(peer->key));
	peer->endpoint = told->endpoint;
	peer->inner6 = told->inner6;
	peer->inner4 = told->inner4;
	peer->gateway = told->gateway;
	peer->remote = told->remote;
	peer->indirect = is_indirect(told);
}

struct peer *peer_new(const struct directory_peer *told)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	if (!peer || block_make(peer, told) != VMP_OK) {
		free(peer);
		return NULL;
	}
	fill(peer, told);
	peers_insert(peer);
	if (fib_add(&peer->inner6, peer) != VMP_OK || fib_add(&peer->inner4, peer) != VMP_OK ||
	    routes_add(peer) != VMP_OK) {
		peer_forget(peer, "out of memory");
		return NULL;
	}
	return peer;
}

bool peer_differs(const struct peer *peer, const struct directory_peer *told)
{
	return memcmp(peer->key, told->key, sizeof(peer->key)) != 0 || !prefix_equal(&peer->inner6, &told->inner6) ||
	       !prefix_equal(&peer->inner4, &told->inner4) || peer->gateway != told->gateway ||
	       peer->remote != told->remote || peer->indirect != is_indirect(told);
}

static bool same_routes(const struct peer *a, const struct peer *b)
{
	uint16_t i;

	if (a->n_route != b->n_route)
		return false;
	for (i = 0; i < a->n_route; i++) {
		if (!prefix_equal(&a->route[i], &b->route[i]))
			return false;
	}
	return true;
}

static bool same_cois(const struct peer *a, const struct peer *b)
{
	return a->n_coi == b->n_coi && (!a->n_coi || memcmp(a->coi, b->coi, a->n_coi * sizeof(a->coi[0])) == 0);
}

int peer_update(struct peer *peer, const struct directory_peer *told)
{
	bool routes, cois_changed;
	struct peer fresh;
	int err = block_make(&fresh, told);

	if (err != VMP_OK)
		return err;
	routes = !same_routes(peer, &fresh);
	cois_changed = !same_cois(peer, &fresh);
	if (routes)
		routes_del(peer);
	block_free(peer);
	block_move(peer, &fresh);
	if (routes)
		err = routes_add(peer);
	/* What waits for a way that is taken away would go out by this machine's default route, unencrypted. */
	if (routes && peer->pair)
		held_drop(peer->pair);
	if (!endpoint_equal(&peer->endpoint, &told->endpoint)) {
		peer->endpoint = told->endpoint;
		if (peer->pair)
			tunnel_endpoint(peer->pair);
	}
	if (cois_changed && peer->pair)
		pair_rekey(peer->pair);
	return err;
}

static void carriers_forget(struct peer *peer)
{
	while (peer->carried)
		peer_carry(peer->carried, NULL);
	peer_carry(peer, NULL);
}

void peer_forget(struct peer *peer, const char *why)
{
	pair_free(peer->pair, why);
	carriers_forget(peer);
	routes_del(peer);
	fib_del(&peer->inner6, peer);
	fib_del(&peer->inner4, peer);
	peers_remove(peer);
	block_free(peer);
	free(peer);
}
