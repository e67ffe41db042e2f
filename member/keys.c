#include "keys.h"
#include "answer.h"
#include "boot_clock.h"
#include "file.h"
#include "keyring.h"
#include "keys_ack.h"
#include "log.h"
#include "pause.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS	 10000 /* how often clocks are looked at, of which one may have been set */
#define APART_MS 1000  /* between two fetches */

/* Epochs by their names. */
struct epochs {
	size_t n;
	struct {
		char coi[65];
		uint32_t epoch;
	} all[KEYS_MAX];
};

struct keys {
	struct keys_settings settings;
	struct event *fetch_timer, *look_timer;
	struct keyring ring;
	struct keys_ack *ack;
	struct keyring_pair pair;   /* of the fetch that is on its way: its envelopes are for that certificate */
	bool fetching, again;	    /* one is on its way; another one is wanted after it */
	uint64_t fetched_at;	    /* [ms] when the last one began; 0: never */
	unsigned failures;	    /* in a row */
	bool known;		    /* state() has been called */
	int err;		    /* as state() was told */
	struct epochs bad, was_bad; /* of the last answer, and of the one before, so that each is logged once */
	struct epochs current;	    /* that have been logged */
};

/* -- what is told ----------------------------------------------------------------------------------------------- */

static bool epochs_have(const struct epochs *epochs, const char *coi, uint32_t epoch)
{
	size_t i;

	for (i = 0; i < epochs->n; i++) {
		if (epochs->all[i].epoch == epoch && strcmp(epochs->all[i].coi, coi) == 0)
			return true;
	}
	return false;
}

static void epochs_add(struct epochs *epochs, const char coi[65], uint32_t epoch)
{
	memcpy(epochs->all[epochs->n].coi, coi, 65);
	epochs->all[epochs->n++].epoch = epoch;
}

static void tell_state(struct keys *k, int err, const char *why)
{
	if (k->known && err == k->err)
		return;
	k->known = true;
	k->err = err;
	k->settings.state(k->settings.ctx, err, why);
}

static void on_bad(void *ctx, const struct keys_envelope *e, const char *why)
{
	struct keys *k = ctx;

	epochs_add(&k->bad, e->coi, e->epoch);
	if (!epochs_have(&k->was_bad, e->coi, e->epoch))
		vmp_log(VMP_LOG_WARNING, "coi-key-bad", "coi", e->coi, "epoch", vmp_log_num(e->epoch), "why", why,
			NULL);
}

static void log_keys(struct keys *k)
{
	struct epochs *now = calloc(1, sizeof(*now));
	size_t i;

	vmp_log(VMP_LOG_INFO, "keys-fetched", "keys", vmp_log_num((long long)k->ring.n), "bad",
		vmp_log_num((long long)k->bad.n), NULL);
	for (i = 0; i < k->ring.n && now; i++) {
		const struct keys_one *one = &k->ring.all[i];

		if (!one->current)
			continue;
		epochs_add(now, one->coi, one->epoch);
		if (!epochs_have(&k->current, one->coi, one->epoch))
			vmp_log(VMP_LOG_INFO, "epoch", "coi", one->coi, "epoch", vmp_log_num(one->epoch), NULL);
	}
	if (now)
		k->current = *now;
	free(now);
}

/* -- what is here ----------------------------------------------------------------------------------------------- */

/* Until the next key ends, or the next look at the clocks. */
static void look_later(struct keys *k, uint64_t next_ms)
{
	if (k->ring.n)
		pause_begin(k->look_timer, next_ms < LOOK_MS ? next_ms : LOOK_MS);
	else
		evtimer_del(k->look_timer);
}

static void on_look(evutil_socket_t fd, short what, void *ctx)
{
	struct keyring_clock clock;
	struct keys *k = ctx;
	uint64_t next_ms;
	bool ended;

	(void)fd;
	(void)what;
	keyring_clock_read(&clock);
	ended = keyring_look(&k->ring, &clock, &next_ms);
	look_later(k, next_ms);
	if (!ended)
		return;
	vmp_log(VMP_LOG_INFO, "keys-ended", "left", vmp_log_num((long long)k->ring.n), NULL);
	keys_fetch(k);
	k->settings.changed(k->settings.ctx);
}

/* Put the keys of an answer in the place of those that are there. */
static int take(struct keys *k, const struct keyring_pair *pair, const char *text, size_t len, bool *changed,
		struct vmp_msg *msg)
{
	struct keys_envelope *envelopes = NULL;
	struct keyring_clock clock;
	uint64_t next_ms;
	size_t n = 0;
	int err = keys_read(text, len, &envelopes, &n, msg);

	if (err)
		return err;
	keyring_clock_read(&clock);
	k->was_bad = k->bad;
	k->bad.n = 0;
	err = keyring_take(&k->ring, envelopes, n, pair, &clock, on_bad, k, changed, msg);
	keys_envelopes_free(envelopes, n);
	if (!err) {
		*changed |= keyring_look(&k->ring, &clock, &next_ms);
		look_later(k, next_ms);
	}
	return err;
}

/* -- what lies on the disk -------------------------------------------------------------------------------------- */

static void cache_failed(const char *why)
{
	vmp_log(VMP_LOG_WARNING, "keys-cache-failed", "why", why, NULL);
}

static void write_cache(const struct keys *k, const char *text, size_t len)
{
	struct vmp_msg msg = { "" };

	if (*k->settings.cache && vmp_file_replace(k->settings.cache, text, len, 0600, &msg) != VMP_OK)
		cache_failed(msg.text);
}

/* Without it, or with one for another certificate, policyd is asked. */
static void read_cache(struct keys *k)
{
	const struct keys_settings *s = &k->settings;
	struct keyring_pair pair;
	struct vmp_msg msg = { "" };
	char *text = NULL;
	size_t len = 0;
	bool changed = false;
	int err = *s->cache ? vmp_file_read(s->cache, KEYS_ANSWER, true, &text, &len, &msg) : VMP_ENOENT;

	if (err == VMP_OK && keyring_pair_read(&pair, s->ca, s->certificate, s->key, NULL) == VMP_OK) {
		err = take(k, &pair, text, len, &changed, &msg);
		keyring_pair_clear(&pair);
	}
	if (err && err != VMP_ENOENT)
		cache_failed(msg.text);
	free(text);
}

/* -- fetching --------------------------------------------------------------------------------------------------- */

static void fetch_in(struct keys *k, uint64_t ms)
{
	uint64_t now = boot_clock_ms(), next = k->fetched_at ? k->fetched_at + APART_MS : 0;

	pause_begin(k->fetch_timer, now + ms < next ? next - now : ms);
}

static void fetch_ended(struct keys *k)
{
	keyring_pair_clear(&k->pair);
	k->fetching = false;
}

static void fetch_failed(struct keys *k, int err, const char *why)
{
	fetch_ended(k);
	k->again = false;
	fetch_in(k, pause_after(err, ++k->failures));
	/* It may say keys_free(). */
	tell_state(k, err, why);
}

/* With a key that does not open there is another fetch: the certificate may just have been renewed. */
static void fetch_done(struct keys *k, const char *body, size_t len, bool changed)
{
	bool again = k->again;

	fetch_ended(k);
	k->again = false;
	k->failures = k->bad.n ? k->failures + 1 : 0;
	if (again || k->bad.n)
		fetch_in(k, again ? 0 : pause_after(VMP_EIO, k->failures));
	write_cache(k, body, len);
	keys_ack_set(k->ack, k->ring.all, k->ring.n);
	if (changed)
		log_keys(k);
	tell_state(k, VMP_OK, "");
	if (changed)
		k->settings.changed(k->settings.ctx);
}

static void on_answer(void *ctx, int status, const char *body, size_t len, const char *why)
{
	struct keys *k = ctx;
	struct vmp_msg msg = { "" }, wrong = { "" };
	bool changed = false;
	int err = answer_read(status, body, len, why, &msg);

	if (!err && take(k, &k->pair, body, len, &changed, &wrong) != VMP_OK)
		err = vmp_fail(&msg, VMP_EIO, "policyd's COI keys: %s", wrong.text);
	if (!err)
		fetch_done(k, body, len, changed);
	else
		fetch_failed(k, err == VMP_EACCES || err == VMP_ENOENT ? err : VMP_EIO, msg.text);
}

static void on_fetch(evutil_socket_t fd, short what, void *ctx)
{
	struct keys *k = ctx;
	const struct keys_settings *s = &k->settings;
	const struct http_request request = {
		.method = "GET", .path = "/v1/coi-keys", .certificate = s->certificate, .key = s->key
	};
	struct vmp_msg msg = { "" };
	int err;

	(void)fd;
	(void)what;
	k->fetching = true;
	k->fetched_at = boot_clock_ms();
	err = keyring_pair_read(&k->pair, s->ca, s->certificate, s->key, &msg);
	if (!err)
		err = http_client_send(s->client, &request, on_answer, k, &msg);
	if (err)
		fetch_failed(k, VMP_EIO, msg.text);
}

void keys_fetch(struct keys *k)
{
	if (k->fetching)
		k->again = true;
	else
		fetch_in(k, 0);
}

/* -- the whole -------------------------------------------------------------------------------------------------- */

int keys_new(struct event_base *base, const struct keys_settings *settings, struct keys **out, struct vmp_msg *msg)
{
	struct keys *k = calloc(1, sizeof(*k));
	int err = k ? VMP_OK : vmp_fail(msg, VMP_ENOMEM, "out of memory");

	if (err)
		return err;
	k->settings = *settings;
	k->fetch_timer = evtimer_new(base, on_fetch, k);
	k->look_timer = evtimer_new(base, on_look, k);
	if (!k->fetch_timer || !k->look_timer)
		err = vmp_fail(msg, VMP_ENOMEM, "out of memory");
	if (!err)
		err = keys_ack_new(base, &k->settings, &k->ack, msg);
	if (err) {
		keys_free(k);
		return err;
	}
	read_cache(k);
	*out = k;
	return VMP_OK;
}

static void forget(struct keys *k)
{
	http_client_cancel(k->settings.client, on_answer, k);
	fetch_ended(k);
	k->again = false;
	k->failures = 0;
	keyring_clear(&k->ring);
}

void keys_wipe(struct keys *k)
{
	forget(k);
	evtimer_del(k->fetch_timer);
	evtimer_del(k->look_timer);
	keys_ack_set(k->ack, NULL, 0);
	k->current.n = k->bad.n = 0;
	if (*k->settings.cache && unlink(k->settings.cache) != 0 && errno != ENOENT)
		cache_failed(strerror(errno));
}

void keys_free(struct keys *k)
{
	if (!k)
		return;
	forget(k);
	keys_ack_free(k->ack);
	if (k->fetch_timer)
		event_free(k->fetch_timer);
	if (k->look_timer)
		event_free(k->look_timer);
	free(k);
}

size_t keys_all(const struct keys *k, const struct keys_one **out)
{
	*out = k->ring.all;
	return k->ring.n;
}
