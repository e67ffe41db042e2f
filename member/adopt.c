#include "adopt.h"
#include "fib.h"
#include "log.h"
#include "member_parts.h"
#include "pair.h"
#include "peers.h"

#include <stdlib.h>
#include <string.h>

/* Long enough for policyd to be started anew: till it answers, this machine knows of no change, as if it had gone on.
 */
#define WAIT_S 600

struct adopted {
	struct wg_peer was; /* without its preshared key */
	struct prefix *allowed;
};

static struct {
	struct adopted *all;
	size_t n, room;
	struct event *due;
} adopt;

/* -- which there are ---------------------------------------------------------------------------------------------- */

static int copy(struct adopted *one, const struct wg_peer *wg)
{
	one->was = *wg;
	explicit_bzero(one->was.psk, sizeof(one->was.psk));
	one->was.n_allowed = 0;
	one->allowed = calloc(wg->n_allowed + 1, sizeof(*one->allowed));
	one->was.allowed = one->allowed;
	if (!one->allowed)
		return VMP_ENOMEM;
	for (; one->was.n_allowed < wg->n_allowed; one->was.n_allowed++)
		one->allowed[one->was.n_allowed] = wg->allowed[one->was.n_allowed];
	return VMP_OK;
}

static int add(void *ctx, const struct wg_peer *wg)
{
	size_t room = adopt.room ? 2 * adopt.room : 64;
	struct adopted *all;

	(void)ctx;
	if (adopt.n == adopt.room) {
		all = reallocarray(adopt.all, room, sizeof(*all));
		if (!all)
			return VMP_ENOMEM;
		adopt.all = all;
		adopt.room = room;
	}
	return copy(&adopt.all[adopt.n++], wg);
}

/* -- what becomes of them ----------------------------------------------------------------------------------------- */

static void give_up(const struct adopted *one)
{
	struct vmp_msg msg = { "" };

	/* One that somebody has asked for meanwhile is no stranger. */
	if (peers_by_key(one->was.key) && peers_by_key(one->was.key)->pair)
		return;
	(void)member_wg_result(wg_peer_remove(member.wg, one->was.key, &msg), &msg);
}

static bool is_known(const struct prefix *to)
{
	return fib_owner(to) != NULL;
}

/* Of machines that have gone meanwhile: a gateway's default route would swallow everything. */
static void routes_prune(void)
{
	struct vmp_msg msg = { "" };

	if (route_prune(member.route, member.settings->table, member.settings->interface, is_known, &msg) == VMP_OK)
		return;
	member.count.route_failures++;
	vmp_log(VMP_LOG_ERROR, "route-failed", "what", "older routes", "why", msg.text, NULL);
}

static void finish(bool known)
{
	size_t i, n = 0;

	for (i = 0; i < adopt.n; i++) {
		struct peer *peer = known ? peers_by_key(adopt.all[i].was.key) : NULL;

		if (peer && pair_adopt(peer, &adopt.all[i].was) == VMP_OK)
			n++;
		else
			give_up(&adopt.all[i]);
	}
	if (adopt.n)
		vmp_log(VMP_LOG_INFO, "peers-adopted", "of", vmp_log_num((long long)adopt.n), "adopted",
			vmp_log_num((long long)n), NULL);
	adopt_close();
	routes_prune();
	fib_settle();
}

static void late(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	finish(member.complete);
}

/* Those that have gone since do not wait for keys. */
static void strangers_go(void)
{
	size_t i = 0;

	while (i < adopt.n) {
		struct adopted *one = &adopt.all[i];

		if (peers_by_key(one->was.key)) {
			i++;
			continue;
		}
		give_up(one);
		free(one->allowed);
		*one = adopt.all[--adopt.n];
	}
}

void adopt_try(void)
{
	const struct keys_one *keys;

	if (!adopt_waits() || !member.complete)
		return;
	strangers_go();
	if (!adopt.n || member.keys_told || (member.keys && keys_all(member.keys, &keys) > 0))
		finish(true);
}

void adopt_none(void)
{
	if (adopt_waits())
		finish(false);
}

bool adopt_waits(void)
{
	return adopt.due != NULL;
}

int adopt_open(struct vmp_msg *msg)
{
	struct timeval wait = { .tv_sec = WAIT_S };
	int err = wg_each(member.wg, add, NULL, msg);

	if (err == VMP_OK && !adopt.n)
		routes_prune();
	if (err != VMP_OK || !adopt.n)
		return err;
	adopt.due = evtimer_new(member.base, late, NULL);
	if (!adopt.due || evtimer_add(adopt.due, &wait) != 0)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	return VMP_OK;
}

void adopt_close(void)
{
	if (adopt.due)
		event_free(adopt.due);
	while (adopt.n)
		free(adopt.all[--adopt.n].allowed);
	free(adopt.all);
	memset(&adopt, 0, sizeof(adopt));
}
