#include "traffic.h"
#include "adopt.h"
#include "boot_clock.h"
#include "endpoint.h"
#include "log.h"
#include "member_parts.h"
#include "offers.h"
#include "pair.h"
#include "peers.h"

#include <stdlib.h>
#include <string.h>

#define EVERY_S	  10
#define SOON_S	  1
#define NAT_S	  25
#define FAILURES  3	/* sweeps in a row */
#define STRAYS	  64	/* removed in one sweep */
#define FORGET_MS 60000 /* [ms] that a pair which is no WireGuard peer is kept */
#define KEEPALIVE 32	/* [octets] of a WireGuard packet without data, which nobody answers */
#define ANSWER_MS 10000 /* [ms] WireGuard itself answers data after ten seconds of silence at the latest */

static struct {
	struct event *sweep_due, *nat_due;
	unsigned sweep, failures;
	uint64_t now;
	uint8_t stray[STRAYS][VMP_COI_SECRET];
	size_t n_stray;
} traffic;

/* -- what WireGuard has ------------------------------------------------------------------------------------------- */

static bool is_silent(const struct pair *pair, const struct wg_peer *wg)
{
	return wg->received == pair->received && wg->sent > pair->sent + KEEPALIVE;
}

static int look(void *ctx, const struct wg_peer *wg)
{
	struct peer *peer = peers_by_key(wg->key);
	struct pair *pair = peer ? peer->pair : NULL;

	(void)ctx;
	if (!pair || !pair->tunnel) {
		if (traffic.n_stray < STRAYS)
			memcpy(traffic.stray[traffic.n_stray++], wg->key, VMP_COI_SECRET);
		return VMP_OK;
	}
	pair->is_silent = is_silent(pair, wg) && traffic.now - pair->looked_at >= ANSWER_MS / 2;
	if (wg->received != pair->received || wg->sent != pair->sent)
		pair->active_at = traffic.now;
	pair->received = wg->received;
	pair->sent = wg->sent;
	pair->handshake = wg->handshake;
	pair->looked_at = traffic.now;
	pair->sweep = traffic.sweep;
	return VMP_OK;
}

/* Somebody else's, or one whose removal failed: whoever is a peer is decided here. */
static void strays_remove(void)
{
	struct vmp_msg msg = { "" };
	size_t i;

	for (i = 0; i < traffic.n_stray; i++) {
		if (member_wg_result(wg_peer_remove(member.wg, traffic.stray[i], &msg), &msg) == VMP_OK)
			vmp_log(VMP_LOG_WARNING, "peer-stray", "why", "a WireGuard peer that nobody knows: removed",
				NULL);
	}
	if (traffic.n_stray)
		traffic_soon();
}

/* -- each pair ---------------------------------------------------------------------------------------------------- */

static void judge(struct pair *pair)
{
	uint64_t idle = traffic.now - pair->active_at;

	if (pair->broken || (pair->tunnel && pair->sweep != traffic.sweep))
		pair_begin_anew(pair, "WireGuard does not have it as it was told");
	else if (pair->tunnel && idle >= (uint64_t)member.settings->idle_s * 1000)
		pair_release(pair, "idle");
	else if (pair->tunnel && pair->is_silent)
		pair_stalled(pair);
	else if (!pair->tunnel && pair->seen.phase == VMP_COI_IDLE && !pair->n_held && idle >= FORGET_MS)
		pair_free(pair, "");
}

/* -- too many ----------------------------------------------------------------------------------------------------- */

static int by_activity(const void *a, const void *b)
{
	const struct pair *const *x = a, *const *y = b;

	return ((*x)->active_at > (*y)->active_at) - ((*x)->active_at < (*y)->active_at);
}

static void evict(size_t n)
{
	struct pair **all = calloc(pairs_count() + 1, sizeof(struct pair *)), *pair;
	size_t n_all = 0, i;

	if (!all)
		return;
	for (pair = pairs_first(); pair; pair = pair->next) {
		if (pair->tunnel)
			all[n_all++] = pair;
	}
	qsort(all, n_all, sizeof(struct pair *), by_activity);
	for (i = 0; i < n && i < n_all; i++) {
		member.count.evicted++;
		pair_release(all[i], "there are too many");
	}
	free(all);
}

/* -- the sweep ---------------------------------------------------------------------------------------------------- */

static void again(time_t seconds)
{
	struct timeval wait = { .tv_sec = seconds };

	evtimer_add(traffic.sweep_due, &wait);
}

static bool look_at_all(void)
{
	const struct member_settings *s = member.settings;
	struct vmp_msg msg = { "" };

	if (member_wg_result(wg_each(member.wg, look, NULL, &msg), &msg) == VMP_OK) {
		traffic.failures = 0;
		return true;
	}
	if (++traffic.failures == FAILURES && s->failed)
		s->failed(s->ctx, member.wg_why);
	return false;
}

static void sweep(evutil_socket_t fd, short what, void *ctx)
{
	size_t most = (size_t)member.settings->most;
	struct pair *pair, *next;

	(void)fd;
	(void)what;
	(void)ctx;
	again(EVERY_S);
	traffic.now = boot_clock_ms();
	traffic.sweep++;
	traffic.n_stray = 0;
	if (adopt_waits() || !look_at_all())
		return;
	strays_remove();
	for (pair = pairs_first(); pair; pair = next) {
		next = pair->next;
		judge(pair);
	}
	if (pairs_up() > most)
		evict(pairs_up() - most);
}

/* A machine that others cannot reach keeps the way to it open; WireGuard's own keepalive does that for its port alone.
 */
static void nat(evutil_socket_t fd, short what, void *ctx)
{
	union wg_endpoint to;
	struct pair *pair;

	(void)fd;
	(void)what;
	(void)ctx;
	peers_keep_carriers();
	for (pair = member.is_remote ? pairs_first() : NULL; pair; pair = pair->next) {
		if (!pair->tunnel || peer_roams(pair->peer))
			continue;
		to = endpoint_next_port(&pair->peer->endpoint);
		offers_keepalive(&to);
	}
}

int traffic_open(struct vmp_msg *msg)
{
	struct timeval wait = { .tv_sec = NAT_S };

	traffic.sweep_due = evtimer_new(member.base, sweep, NULL);
	traffic.nat_due = event_new(member.base, -1, EV_PERSIST, nat, NULL);
	if (!traffic.sweep_due || !traffic.nat_due || event_add(traffic.nat_due, &wait) != 0)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	again(EVERY_S);
	return VMP_OK;
}

void traffic_close(void)
{
	if (traffic.sweep_due)
		event_free(traffic.sweep_due);
	if (traffic.nat_due)
		event_free(traffic.nat_due);
	memset(&traffic, 0, sizeof(traffic));
}

void traffic_soon(void)
{
	again(SOON_S);
}
