#include "pair.h"
#include "boot_clock.h"
#include "endpoint.h"
#include "log.h"
#include "member_parts.h"
#include "offers.h"
#include "pki.h"
#include "traffic.h"

#include <stdlib.h>
#include <string.h>

#define NEW_MOST    200	  /* pairs that messages begin in a second */
#define FETCH_MS    10000 /* [ms] between fetches of keys that messages ask for */
#define RESEND_MOST 64	  /* packets in a second that came by the TUN interface although there was a way */

static struct {
	struct pair *first;
	size_t n;
	uint64_t new_since, fetched_at;
	unsigned new_ones;
} pairs;

struct pair *pairs_first(void)
{
	return pairs.first;
}

size_t pairs_count(void)
{
	return pairs.n;
}

size_t pairs_up(void)
{
	return (size_t)(member.count.up - member.count.down);
}

/* -- what is known of it ------------------------------------------------------------------------------------------ */

const char *pair_phase(const struct pair *pair)
{
	static const char *const names[] = {
		[VMP_COI_IDLE] = "idle",     [VMP_COI_ASKING] = "asking",     [VMP_COI_AGREED] = "agreed",
		[VMP_COI_UNSURE] = "unsure", [VMP_COI_RECOVERY] = "recovery",
	};

	return pair ? names[pair->seen.phase] : names[VMP_COI_IDLE];
}

const char *pair_coi_name(const struct peer *peer)
{
	uint64_t id = peer->pair ? peer->pair->seen.coi : 0;
	const struct coi *coi;
	uint16_t i;

	for (i = 0; id && i < peer->n_coi; i++) {
		if (peer->coi[i]->id == id)
			return peer->coi[i]->name;
	}
	coi = peer_coi(peer);
	return coi ? coi->name : "";
}

/* Whoever chooses has the key: a COI without one is not talked in, however well it stands. */
size_t pair_live(const struct peer *peer, struct vmp_coi_live *live, uint64_t *chosen)
{
	struct vmp_coi_shared shared[DIRECTORY_COIS];
	const struct keys_one *one = NULL;
	size_t n_key = member.keys ? keys_all(member.keys, &one) : 0, n = 0, n_shared = 0, k;
	int best;
	uint16_t i;

	for (i = 0; i < peer->n_coi; i++) {
		const struct coi *coi = peer->coi[i];
		size_t before = n;

		for (k = 0; k < n_key && n < VMP_COI_LIVE_MAX; k++) {
			if (strcmp(one[k].coi, coi->name) == 0)
				live[n++] = (struct vmp_coi_live){ coi->id, one[k].epoch, one[k].current, one[k].key };
		}
		if (n > before)
			shared[n_shared++] = (struct vmp_coi_shared){ coi->id, coi->priority, coi->members };
	}
	best = vmp_coi_choose(shared, n_shared);
	*chosen = best < 0 ? 0 : shared[best].id;
	return n;
}

/* -- what lib/coi asks for ---------------------------------------------------------------------------------------- */

/* Whoever calls is answered where he calls from.  What is sent without being asked goes where one that roams was heard
 * last, which no copy of an old message moves, and else to where the directory says. */
static void call_send(void *ctx, const uint8_t *data, size_t len)
{
	const struct pair *pair = ctx;
	union wg_endpoint to = pair->from;

	if (!to.sa.sa_family)
		to = peer_roams(pair->peer) ? pair->heard : endpoint_next_port(&pair->peer->endpoint);
	offers_send(&to, data, len);
}

static void call_install(void *ctx, const uint8_t psk[VMP_COI_SECRET])
{
	tunnel_install(ctx, psk);
}

static void call_ready(void *ctx)
{
	struct pair *pair = ctx;

	/* WireGuard did not take it: what waits, waits. */
	if (!pair->tunnel)
		return;
	if (!pair->ready)
		tunnel_ready(pair);
	held_send(pair);
}

static void call_remove(void *ctx)
{
	tunnel_remove(ctx);
}

static int call_random(void *ctx, uint8_t *out, size_t len)
{
	(void)ctx;
	return vmp_random(out, len);
}

/* -- what has come of it ------------------------------------------------------------------------------------------ */

static void tick_set(struct pair *pair, uint64_t now)
{
	uint64_t at = vmp_coi_pair_next(pair->coi), wait = at > now ? at - now : 1;
	struct timeval tv = { .tv_sec = (time_t)(wait / 1000), .tv_usec = (suseconds_t)(wait % 1000 * 1000) };

	if (at == UINT64_MAX)
		evtimer_del(&pair->tick);
	else
		evtimer_add(&pair->tick, &tv);
}

static void tell_agreed(struct pair *pair)
{
	member.count.agreed++;
	vmp_log(VMP_LOG_DEBUG, "key-agreed", "name", pair->peer->name, "coi", pair_coi_name(pair->peer), "epoch",
		vmp_log_num(pair->seen.epoch), NULL);
}

static void tell_recovery(struct pair *pair)
{
	member.count.recoveries++;
	vmp_log(VMP_LOG_WARNING, "recovery-key", "name", pair->peer->name, "coi", pair_coi_name(pair->peer), NULL);
}

/* Every call into lib/coi ends here. */
static void after(struct pair *pair, uint64_t now)
{
	struct vmp_coi_view was = pair->seen;

	vmp_coi_pair_look(pair->coi, &pair->seen);
	member.count.refusals += pair->seen.refusals - was.refusals;
	if (pair->seen.agreed_at != was.agreed_at && pair->seen.agreed_at)
		tell_agreed(pair);
	if (pair->seen.phase == VMP_COI_RECOVERY && was.phase != VMP_COI_RECOVERY)
		tell_recovery(pair);
	if (pair->seen.coi != was.coi)
		member_tell();
	if (pair->broken)
		traffic_soon();
	pair->why = NULL;
	tick_set(pair, now);
}

static void tick_due(evutil_socket_t fd, short what, void *ctx)
{
	struct pair *pair = ctx;
	uint64_t now = boot_clock_ms();

	(void)fd;
	(void)what;
	pair->why = "it does not answer";
	vmp_coi_pair_tick(pair->coi, now);
	after(pair, now);
}

/* -- its life ----------------------------------------------------------------------------------------------------- */

static const struct vmp_coi_calls calls = {
	.send = call_send, .install = call_install, .ready = call_ready, .remove = call_remove, .random = call_random
};

static void link_in(struct pair *pair)
{
	pair->next = pairs.first;
	pair->at = &pairs.first;
	if (pairs.first)
		pairs.first->at = &pair->next;
	pairs.first = pair;
	pair->peer->pair = pair;
	pairs.n++;
}

static void link_out(struct pair *pair)
{
	*pair->at = pair->next;
	if (pair->next)
		pair->next->at = pair->at;
	pair->peer->pair = NULL;
	pairs.n--;
}

static struct vmp_coi_pair *coi_pair(struct peer *peer, bool installed, struct pair *pair)
{
	struct vmp_msg msg = { "" };
	struct vmp_coi_pair *coi = NULL;
	struct vmp_coi_ends ends;

	if (vmp_coi_ends_set(&ends, &pair->is_leader, member.own.uuid, member.private_key, peer->uuid, peer->key,
			     &msg) == VMP_OK)
		coi = vmp_coi_pair_new(&ends, pair->is_leader, installed, &calls, pair);
	else
		vmp_log(VMP_LOG_WARNING, "peer-unusable", "name", peer->name, "why", msg.text, NULL);
	/* Its key stays what it is: neither packets nor messages try, or say, it again. */
	peer->unusable = !coi && *msg.text;
	explicit_bzero(&ends, sizeof(ends));
	return coi;
}

static struct pair *pair_make(struct peer *peer, bool installed)
{
	struct pair *pair = peer->unusable ? NULL : calloc(1, sizeof(*pair));

	if (!pair)
		return NULL;
	pair->coi = coi_pair(peer, installed, pair);
	if (!pair->coi) {
		free(pair);
		return NULL;
	}
	pair->peer = peer;
	pair->last = &pair->first;
	pair->active_at = boot_clock_ms();
	evtimer_assign(&pair->tick, member.base, tick_due, pair);
	link_in(pair);
	vmp_coi_pair_look(pair->coi, &pair->seen);
	return pair;
}

void pair_free(struct pair *pair, const char *why)
{
	if (!pair)
		return;
	pair->why = why;
	if (pair->tunnel)
		tunnel_remove(pair);
	held_drop(pair);
	evtimer_del(&pair->tick);
	vmp_coi_pair_free(pair->coi);
	link_out(pair);
	free(pair);
}

void pair_begin_anew(struct pair *pair, const char *why)
{
	struct peer *peer = pair->peer;

	pair_free(pair, why);
	pair_need(peer, NULL, 0);
}

void pair_rekey(struct pair *pair)
{
	struct vmp_coi_live live[VMP_COI_LIVE_MAX];
	uint64_t now = boot_clock_ms(), chosen;
	size_t n = pair_live(pair->peer, live, &chosen);
	struct vmp_msg msg = { "" };

	pair->chosen = chosen;
	pair->n_live = n;
	pair->why = "no COI with a key is shared any more";
	if (vmp_coi_pair_keys(pair->coi, live, n, chosen, now, &msg) != VMP_OK) {
		vmp_log(VMP_LOG_WARNING, "peer-unusable", "name", pair->peer->name, "why", msg.text, NULL);
		if (vmp_coi_pair_keys(pair->coi, NULL, 0, 0, now, &msg) != VMP_OK)
			pair->broken = true;
	}
	if (pair->n_held)
		vmp_coi_pair_need(pair->coi, now);
	after(pair, now);
}

void pair_reconsider(struct pair *pair)
{
	struct vmp_coi_live live[VMP_COI_LIVE_MAX];
	uint64_t chosen;
	size_t n = pair_live(pair->peer, live, &chosen);

	if (chosen != pair->chosen || n != pair->n_live)
		pair_rekey(pair);
}

int pair_adopt(struct peer *peer, const struct wg_peer *was)
{
	struct vmp_coi_live live[VMP_COI_LIVE_MAX];
	struct pair *pair;
	uint64_t chosen;

	if (peer->indirect || peer->pair || !pair_live(peer, live, &chosen))
		return VMP_EINVAL;
	pair = pair_make(peer, true);
	if (!pair)
		return VMP_ENOMEM;
	pair->tunnel = true;
	member.count.up++;
	tunnel_adopt(pair, was);
	tunnel_ready(pair);
	pair_rekey(pair);
	return VMP_OK;
}

/* -- who needs it ------------------------------------------------------------------------------------------------- */

static struct pair *pair_begin(struct peer *peer)
{
	struct pair *pair = peer->pair;

	if (pair)
		return pair;
	pair = pair_make(peer, false);
	if (pair)
		pair_rekey(pair);
	return pair;
}

/* The route was not there yet when it was sent.  One that comes again and again runs in a circle. */
static void resend(struct pair *pair, const uint8_t *packet, size_t len, uint64_t now)
{
	struct vmp_msg msg;

	if (now - pair->resend_since >= 1000) {
		pair->resend_since = now;
		pair->resent = 0;
	}
	if (pair->resent++ >= RESEND_MOST || need_send(member.need, packet, len, &msg) != VMP_OK)
		member.count.dropped++;
}

void pair_need(struct peer *peer, const uint8_t *packet, size_t len)
{
	struct pair *pair = pair_begin(peer);
	uint64_t now = boot_clock_ms();

	if (!pair) {
		member.count.dropped += packet != NULL;
		return;
	}
	pair->active_at = now;
	if (packet && pair->ready) {
		resend(pair, packet, len, now);
		return;
	}
	if (packet)
		held_add(pair, packet, len);
	vmp_coi_pair_need(pair->coi, now);
	after(pair, now);
}

/* Anybody can name an epoch that nobody has. */
static void fetch_keys(uint64_t now)
{
	if (!member.keys || (pairs.fetched_at && now - pairs.fetched_at < FETCH_MS))
		return;
	pairs.fetched_at = now;
	keys_fetch(member.keys);
}

static bool has_key(const struct peer *peer, const struct vmp_coi_message *head)
{
	struct vmp_coi_live live[VMP_COI_LIVE_MAX];
	uint64_t chosen;
	size_t n = pair_live(peer, live, &chosen), i;

	for (i = 0; i < n; i++) {
		if (live[i].coi == head->coi && live[i].epoch == head->epoch)
			return true;
	}
	return false;
}

/* A new pair costs an X25519, whoever sends. */
static bool may_begin(uint64_t now)
{
	if (now - pairs.new_since >= 1000) {
		pairs.new_since = now;
		pairs.new_ones = 0;
	}
	return pairs.new_ones++ < NEW_MOST;
}

void pair_message(struct peer *peer, const struct vmp_coi_message *head, const uint8_t *data, size_t len,
		  const union wg_endpoint *from)
{
	bool is_new = !peer->pair, fresh = false;
	uint64_t now = boot_clock_ms();
	struct pair *pair;
	struct vmp_msg msg;
	int err;

	/* A pair that is there knows its epochs. */
	if (is_new && !has_key(peer, head)) {
		fetch_keys(now);
		return;
	}
	if (is_new && (head->type == VMP_COI_BYE || !may_begin(now)))
		return;
	pair = pair_begin(peer);
	if (!pair)
		return;
	pair->from = *from;
	pair->why = "it has said bye";
	err = vmp_coi_pair_message(pair->coi, data, len, now, &fresh, &msg);
	after(pair, now);
	if (fresh)
		pair->heard = *from;
	memset(&pair->from, 0, sizeof(pair->from));
	if (err == VMP_ENOENT)
		fetch_keys(now);
	if (err != VMP_OK && is_new)
		pair_free(pair, "");
}

void pair_stalled(struct pair *pair)
{
	uint64_t now = boot_clock_ms();

	member.count.stalled++;
	vmp_coi_pair_stalled(pair->coi, now);
	after(pair, now);
}

void pair_release(struct pair *pair, const char *why)
{
	uint64_t now = boot_clock_ms();

	pair->why = why;
	vmp_coi_pair_release(pair->coi, now);
	after(pair, now);
}
