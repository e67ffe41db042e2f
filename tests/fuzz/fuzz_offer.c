/* Messages between members, by one who does not have their keys, and by one who has: the other end itself gone wrong.
 * What begins as a message is one; anything else is a list of what happens to two ends, which must hold together. */
#include "../unit/coi_ends.h"

#include "pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at;
	size_t left;
};

struct end {
	struct vmp_coi_pair *pair;
	bool installed, hostile; /* the other end draws no keys: the input does */
	uint8_t sent[KEPT][VMP_COI_MESSAGE];
	size_t len[KEPT];
	unsigned n, drawn;
};

static struct end ends[2];
static struct vmp_coi_ends both;
static uint64_t now, state;
static struct vmp_coi_keys keys[3];
static uint8_t coi_key[VMP_COI_SECRET];
static struct vmp_coi_live live[] = { { 1, 1, true, coi_key },
				      { 7, UINT32_MAX, true, coi_key },
				      { INT64_MAX, 2, true, coi_key } };

#define must(what)                                                                                                     \
	do {                                                                                                           \
		if (!(what)) {                                                                                         \
			fprintf(stderr, "does not hold: %s\n", #what);                                                 \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

static unsigned next(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->at++;
}

static void on_send(void *ctx, const uint8_t *data, size_t len)
{
	struct end *e = ctx;
	struct vmp_coi_message m;

	must(vmp_coi_peek(data, len, &m, NULL) == VMP_OK);
	memcpy(e->sent[e->n % KEPT], data, len);
	e->len[e->n++ % KEPT] = len;
}

static void on_install(void *ctx, const uint8_t psk[VMP_COI_SECRET])
{
	struct end *e = ctx;
	size_t i;
	bool recovery = false;

	for (i = 0; i < 3; i++)
		recovery |= memcmp(keys[i].recovery, psk, VMP_COI_SECRET) == 0;
	/* What the ends draw begins so. */
	must(recovery || memcmp(psk, "drawn", 5) == 0 || (e == &ends[1] && e->hostile));
	e->installed = true;
}

static void on_ready(void *ctx)
{
	must(((struct end *)ctx)->installed);
}

static void on_remove(void *ctx)
{
	must(((struct end *)ctx)->installed);
	((struct end *)ctx)->installed = false;
}

static int on_random(void *ctx, uint8_t *out, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		out[i] = (uint8_t)(state >> 33);
	}
	if (len == VMP_COI_SECRET) {
		must(ctx == &ends[0]);
		memcpy(out, "drawn", 5);
	}
	return VMP_OK;
}

static void start(struct end *e, bool installed)
{
	static const struct vmp_coi_calls calls = { on_send, on_install, on_ready, on_remove, on_random };
	vmp_coi_pair_free(e->pair);
	e->installed = installed;
	e->pair = vmp_coi_pair_new(&both, e == &ends[0], installed, &calls, e);
	must(e->pair && vmp_coi_pair_keys(e->pair, live, 3, 1, now, NULL) == VMP_OK);
}

static int give(struct end *to, const uint8_t *data, size_t len)
{
	struct vmp_msg msg = { "" };
	unsigned before = to->n;
	bool fresh = true;
	int err = vmp_coi_pair_message(to->pair, data, len, now, &fresh, &msg);

	must((err != VMP_OK) == (*msg.text != '\0'));
	must(err == VMP_OK || !fresh);
	must(err == VMP_OK ? to->n - before <= 3 : to->n == before);
	return err;
}

/* -- one message -- */

/* What opens has one form only. */
static void raw(const uint8_t *data, size_t size)
{
	uint8_t again[VMP_COI_MESSAGE];
	struct vmp_coi_message m;
	size_t len, i;
	int role;

	for (i = 0; i < 6; i++) {
		role = i % 2;
		if (vmp_coi_open(data, size, keys[i / 2].of[role], &m, NULL) != VMP_OK)
			continue;
		must(vmp_coi_seal(&m, keys[i / 2].of[role], data + 48, again, &len, NULL) == VMP_OK);
		must(len == size && memcmp(again, data, size) == 0);
		ends[1 - role].hostile = true;
	}
	give(&ends[0], data, size);
	give(&ends[1], data, size);
}

/* -- many -- */

/* By the other end itself: any content, sealed as it should be. */
static void sealed(struct input *in, struct end *to)
{
	int own = to == &ends[0] ? 0 : 1;
	unsigned which = next(in), i;
	struct vmp_coi_message m = { .type = (enum vmp_coi_type)(which % 8) }, like;
	const struct end *from = &ends[1 - own];
	uint8_t out[VMP_COI_MESSAGE];
	size_t len;

	m.coi = live[which / 8 % 3].coi;
	m.epoch = live[which / 8 % 3].epoch;
	memcpy(m.from, coi_machine_id(own ? COI_LEADER : COI_FOLLOWER), VMP_COI_ID);
	memcpy(m.to, coi_machine_id(own ? COI_FOLLOWER : COI_LEADER), VMP_COI_ID);
	/* Challenge and offer of a message that there was, or anything. */
	for (i = 0; which & 128 && from->n && i < 3; i++) {
		if (vmp_coi_open(from->sent[next(in) % KEPT], 116, keys[i].of[1 - own], &like, NULL) != VMP_OK)
			continue;
		memcpy(m.challenge, like.challenge, sizeof(m.challenge));
		memcpy(m.offer, like.offer, sizeof(m.offer));
	}
	for (i = 0; which & 64 && i < sizeof(m.challenge); i++) {
		m.challenge[i] = (uint8_t)next(in);
		m.offer[i] = (uint8_t)next(in);
	}
	m.counter = m.type == VMP_COI_ASK ? next(in) : 0;
	if (vmp_coi_seal(&m, keys[which / 8 % 3].of[1 - own], (const uint8_t *)"hostile nonce", out, &len, NULL) !=
	    VMP_OK)
		return;
	ends[1].hostile = true;
	must(give(to, out, len) != VMP_EACCES);
}

static void sent(struct input *in, struct end *to, bool altered)
{
	struct end *from = to == &ends[0] ? &ends[1] : &ends[0];
	unsigned i = next(in) % KEPT, bit;
	uint8_t copy[VMP_COI_MESSAGE];

	if (from->len[i] == 0)
		return;
	memcpy(copy, from->sent[i], from->len[i]);
	if (altered) {
		bit = (next(in) | next(in) << 8) % (unsigned)(from->len[i] * 8);
		copy[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	must((give(to, copy, from->len[i]) == VMP_OK) == !altered);
}

static void happens(struct input *in)
{
	unsigned op = next(in);
	struct end *e = &ends[op & 1];

	switch (op / 2 % 10) {
	case 0:
		vmp_coi_pair_need(e->pair, now);
		break;
	case 1:
		vmp_coi_pair_stalled(e->pair, now);
		break;
	case 2:
		vmp_coi_pair_release(e->pair, now);
		must(!e->installed);
		break;
	case 3:
		start(e, op & 128 && e->installed);
		break;
	case 4:
		must(vmp_coi_pair_keys(e->pair, live, next(in) % 4, live[next(in) % 3].coi, now, NULL) == VMP_OK);
		must(vmp_coi_pair_keys(e->pair, live, 3, 1, now, NULL) == VMP_OK);
		break;
	case 5:
		sealed(in, e);
		break;
	case 6:
		sent(in, e, true);
		break;
	case 7:
		now += next(in) * (op & 128 ? 2000 : 10);
		vmp_coi_pair_tick(e->pair, now);
		must(vmp_coi_pair_next(e->pair) > now);
		break;
	default:
		sent(in, e, false);
	}
}

static void prepare(void)
{
	int i;

	memset(coi_key, 0x77, sizeof(coi_key));
	coi_key[31] = 1;
	coi_ends_of(COI_LEADER, COI_FOLLOWER, &both);
	for (i = 0; i < 3; i++)
		must(vmp_coi_derive(&both, live[i].coi, live[i].epoch, coi_key, &keys[i]) == VMP_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	int i;

	if (coi_key[31] == 0)
		prepare();
	now = 1000;
	state = 1;
	for (i = 0; i < 2; i++) {
		memset(&ends[i], 0, sizeof(ends[i]));
		start(&ends[i], false);
	}
	if (size >= 2 && memcmp(data, "vc", 2) == 0)
		raw(data, size);
	else
		while (in.left)
			happens(&in);
	for (i = 0; i < 2; i++)
		vmp_coi_pair_free(ends[i].pair);
	return 0;
}
