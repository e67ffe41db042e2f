#include "keyring.h"
#include "boot_clock.h"
#include "cms.h"
#include "file.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FILE_MAX 1048576 /* [octets] */

_Static_assert(VMP_COI_KEY == VMP_COI_SECRET, "a COI's key");
_Static_assert(VMP_COI_NAME == sizeof(((struct keys_one *)0)->coi), "a COI's name");

/* -- what opens them -------------------------------------------------------------------------------------------- */

int keyring_pair_read(struct keyring_pair *pair, const char *ca, const char *certificate, const char *key,
		      struct vmp_msg *msg)
{
	size_t len;
	int err;

	memset(pair, 0, sizeof(*pair));
	err = vmp_file_read(ca, FILE_MAX, false, &pair->ca, &len, msg);
	if (!err)
		err = vmp_file_read(certificate, FILE_MAX, false, &pair->certificate, &len, msg);
	if (!err)
		err = vmp_file_read(key, FILE_MAX, true, &pair->key, &pair->key_len, msg);
	if (err)
		keyring_pair_clear(pair);
	return err;
}

void keyring_pair_clear(struct keyring_pair *pair)
{
	vmp_wipe(pair->key, pair->key_len);
	free(pair->key);
	free(pair->certificate);
	free(pair->ca);
	memset(pair, 0, sizeof(*pair));
}

void keyring_clock_read(struct keyring_clock *clock)
{
	clock->now = time(NULL);
	clock->boot_ms = boot_clock_ms();
}

/* -- the ring --------------------------------------------------------------------------------------------------- */

static int ring_new(struct keyring *ring, size_t n)
{
	ring->n = 0;
	ring->all = calloc(n + 1, sizeof(*ring->all));
	ring->ends_ms = calloc(n + 1, sizeof(*ring->ends_ms));
	if (ring->all && ring->ends_ms)
		return VMP_OK;
	keyring_clear(ring);
	return VMP_ENOMEM;
}

void keyring_clear(struct keyring *ring)
{
	vmp_wipe(ring->all, ring->n * sizeof(*ring->all));
	free(ring->all);
	free(ring->ends_ms);
	memset(ring, 0, sizeof(*ring));
}

static const struct keys_one *find(const struct keyring *ring, const struct keys_envelope *e)
{
	size_t i;

	for (i = 0; i < ring->n; i++) {
		if (ring->all[i].epoch == e->epoch && strcmp(ring->all[i].coi, e->coi) == 0)
			return &ring->all[i];
	}
	return NULL;
}

static bool is_same(const struct keyring *a, const struct keyring *b)
{
	size_t i;

	if (a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++) {
		const struct keys_one *x = &a->all[i], *y = &b->all[i];

		if (x->epoch != y->epoch || x->current != y->current || x->not_after != y->not_after ||
		    strcmp(x->coi, y->coi) != 0 || !vmp_same(x->key, y->key, sizeof(x->key)))
			return false;
	}
	return true;
}

/* [ms] What is left of a key, from 0; a life without end is cut where the sum would not fit. */
static uint64_t left_ms(int64_t not_after, int64_t now)
{
	uint64_t left = not_after > now ? (uint64_t)not_after - (uint64_t)now : 0;

	return left < UINT32_MAX ? left * 1000 : (uint64_t)UINT32_MAX * 1000;
}

static int check_content(const struct keys_envelope *e, const struct vmp_coi_key *key, int64_t now, struct vmp_msg *msg)
{
	if (strcmp(key->coi, e->coi) != 0 || key->epoch != e->epoch)
		return vmp_fail(msg, VMP_EINVAL, "it has epoch %u of %s inside", key->epoch, key->coi);
	if (key->not_after <= now)
		return vmp_fail(msg, VMP_EINVAL, "it ended at %lld, and now is %lld", (long long)key->not_after,
				(long long)now);
	if (key->not_before > now && key->not_before - now > KEYRING_EARLY)
		return vmp_fail(msg, VMP_EINVAL, "it begins at %lld, and now is %lld", (long long)key->not_before,
				(long long)now);
	return VMP_OK;
}

static int open_one(const struct keys_envelope *e, const struct keyring_pair *pair, const struct keyring_clock *clock,
		    struct keys_one *out, struct vmp_msg *msg)
{
	struct vmp_coi_key key;
	int err = vmp_cms_open(pair->ca, pair->certificate, pair->key, e->der, e->len, clock->now, &key, msg);

	if (!err)
		err = check_content(e, &key, clock->now, msg);
	if (!err) {
		memcpy(out->coi, e->coi, sizeof(out->coi));
		out->epoch = e->epoch;
		out->current = e->current;
		out->not_after = key.not_after;
		memcpy(out->key, key.key, sizeof(out->key));
	}
	vmp_wipe(&key, sizeof(key));
	return err;
}

/* Add the key of an envelope, or the one that was there. */
static void add(struct keyring *fresh, const struct keyring *ring, const struct keys_envelope *e,
		const struct keyring_pair *pair, const struct keyring_clock *clock, keyring_bad_fn bad, void *ctx)
{
	struct keys_one *one = &fresh->all[fresh->n];
	const struct keys_one *before = find(ring, e);
	struct vmp_msg why = { "" };

	if (open_one(e, pair, clock, one, &why) == VMP_OK) {
		fresh->ends_ms[fresh->n++] = clock->boot_ms + left_ms(one->not_after, clock->now);
		return;
	}
	if (bad)
		bad(ctx, e, why.text);
	if (!before)
		return;
	*one = *before;
	one->current = e->current;
	fresh->ends_ms[fresh->n++] = ring->ends_ms[before - ring->all];
}

int keyring_take(struct keyring *ring, const struct keys_envelope *envelopes, size_t n, const struct keyring_pair *pair,
		 const struct keyring_clock *clock, keyring_bad_fn bad, void *ctx, bool *changed, struct vmp_msg *msg)
{
	struct keyring fresh;
	size_t i;

	if (ring_new(&fresh, n) != VMP_OK)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	for (i = 0; i < n; i++)
		add(&fresh, ring, &envelopes[i], pair, clock, bad, ctx);
	*changed = !is_same(ring, &fresh);
	keyring_clear(ring);
	*ring = fresh;
	return VMP_OK;
}

/* [ms] By whichever clock ends it first; 0: it has ended. */
static uint64_t left(const struct keyring *ring, size_t i, const struct keyring_clock *clock)
{
	uint64_t by_clock = left_ms(ring->all[i].not_after, clock->now), boot = 0;

	if (ring->ends_ms[i] > clock->boot_ms)
		boot = ring->ends_ms[i] - clock->boot_ms;
	return by_clock < boot ? by_clock : boot;
}

bool keyring_look(struct keyring *ring, const struct keyring_clock *clock, uint64_t *next_ms)
{
	size_t i, to = 0, before = ring->n;

	*next_ms = UINT64_MAX;
	for (i = 0; i < before; i++) {
		uint64_t ms = left(ring, i, clock);

		if (ms == 0)
			continue;
		if (ms < *next_ms)
			*next_ms = ms;
		if (to != i) {
			ring->all[to] = ring->all[i];
			ring->ends_ms[to] = ring->ends_ms[i];
		}
		to++;
	}
	if (to < before)
		vmp_wipe(ring->all + to, (before - to) * sizeof(*ring->all));
	ring->n = to;
	return to < before;
}
