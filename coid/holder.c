#include "holder.h"
#include "pki.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define SECOND	     1000
#define PAUSE_MAX_MS (60 * SECOND)
#define MARGIN_PART  100 /* of a life, which is left unused */
#define ANSWER_MAX   65536
#define STALE_MS     SECOND /* between an answer that is stale and the next request */

static const char *const state_names[HOLDER_STATES] = { "none", "held", "grace", "over" };
static const char *const result_names[HOLDER_RESULTS] = { "granted", "refused", "stale", "returned", "failed" };

const char *holder_state_name(enum holder_state state)
{
	return state_names[state];
}

const char *holder_result_name(enum holder_result result)
{
	return result_names[result];
}

void holder_init(struct holder *h, const char *product, int64_t now_ms)
{
	memset(h, 0, sizeof(*h));
	snprintf(h->product, sizeof(h->product), "%s", product);
	h->wants = true;
	h->ask_ms = now_ms;
}

/* -- time --------------------------------------------------------------------------------------------------------- */

enum holder_state holder_state(const struct holder *h, int64_t now_ms)
{
	if (h->end_ms == 0)
		return HOLDER_NONE;
	if (now_ms < h->end_ms)
		return HOLDER_HELD;
	return now_ms < h->lapse_ms ? HOLDER_GRACE : HOLDER_OVER;
}

bool holder_is_due(const struct holder *h, int64_t now_ms)
{
	return !h->asking && !holder_is_released(h) && now_ms >= h->ask_ms;
}

int64_t holder_next(const struct holder *h, int64_t now_ms)
{
	const int64_t at[] = { h->asking || holder_is_released(h) ? INT64_MAX : h->ask_ms, h->end_ms, h->lapse_ms };
	int64_t next = INT64_MAX;
	size_t i;

	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		/* What has been due for long is due; an end that is over is over. */
		if ((i == 0 || at[i] > now_ms) && at[i] < next)
			next = at[i];
	}
	return next;
}

/* Doubled each time from 1 s on, and a quarter more or less. */
static int64_t pause_of(unsigned tries, uint32_t drawn)
{
	int64_t ms = SECOND;

	while (tries-- > 1 && ms < PAUSE_MAX_MS)
		ms *= 2;
	if (ms > PAUSE_MAX_MS)
		ms = PAUSE_MAX_MS;
	return ms * 3 / 4 + ms / 2 * (drawn >> 16) / 65536;
}

/* While something is held, the pause is a part of what is left of it. */
static void ask_after(struct holder *h, unsigned tries, uint32_t drawn, int64_t now_ms)
{
	int64_t pause = pause_of(tries, drawn), left = h->end_ms - now_ms;

	if (left > 0 && pause > left / 4)
		pause = left / 4 > SECOND ? left / 4 : SECOND;
	h->ask_ms = now_ms + pause;
}

void holder_hurry(struct holder *h, int64_t now_ms)
{
	if (!h->asking && h->ask_ms > now_ms)
		h->ask_ms = now_ms;
}

/* -- requests ----------------------------------------------------------------------------------------------------- */

static bool has_now(const struct holder *h, int64_t now_ms)
{
	enum holder_state state = holder_state(h, now_ms);

	return h->has && (!h->wants || state == HOLDER_HELD || state == HOLDER_GRACE);
}

int holder_request(struct holder *h, int64_t now_ms, char out[HOLDER_BODY])
{
	bool has = has_now(h, now_ms);
	json_t *json;
	size_t len;

	/* Another wish is another request. */
	if (h->asked != h->wants)
		*h->request_id = '\0';
	if (!*h->request_id && vmp_uuid_random(h->request_id) != VMP_OK)
		return VMP_EIO;
	json = json_pack("{s:s, s:s, s:I, s:i, s:i, s:i}", "product", h->product, "request_id", h->request_id, "seen",
			 (json_int_t)h->seen, "has", (int)has, "in_use", (int)(has && h->wants), "wants",
			 (int)h->wants);
	len = json ? json_dumpb(json, out, HOLDER_BODY - 1, JSON_COMPACT) : 0;
	json_decref(json);
	if (len == 0 || len >= HOLDER_BODY)
		return VMP_EIO;
	out[len] = '\0';
	h->asking = true;
	h->asked = h->wants;
	h->open |= h->wants;
	h->sent_ms = now_ms;
	return VMP_OK;
}

/* -- answers ------------------------------------------------------------------------------------------------------ */

struct answer {
	int64_t seq, granted, duration_s, grace_s;
	const char *reason;
	bool stale;
};

static bool read_answer(json_t *json, struct answer *a)
{
	json_int_t seq, granted, duration, grace;
	int stale = 0;

	a->reason = "";
	/* Members that are not known are a newer server's. */
	if (!json || json_unpack(json, "{s:I, s:I, s:I, s:I, s?s, s?b}", "seq", &seq, "granted", &granted, "duration_s",
				 &duration, "grace_s", &grace, "reason", &a->reason, "stale", &stale) != 0)
		return false;
	*a = (struct answer){ seq, granted, duration, grace, a->reason, stale != 0 };
	return seq >= 0 && granted >= 0 && granted <= VMP_LEASE_MAX && duration >= 0 && grace >= 0 &&
	       duration <= VMP_LEASE_LIFE_MS / SECOND && grace <= VMP_LEASE_LIFE_MS / SECOND &&
	       (granted == 0 || duration > 0 || stale);
}

static void set_reason(struct holder *h, const char *why)
{
	struct vmp_msg msg;

	vmp_fail(&msg, 0, "%s", why); /* one line */
	snprintf(h->reason, sizeof(h->reason), "%s", msg.text);
}

static int64_t margin_of(int64_t ms)
{
	return ms / MARGIN_PART > SECOND ? ms / MARGIN_PART : SECOND;
}

/* Half of its life, or up to a tenth of that earlier, so that machines that came together do not renew together. */
static enum holder_result granted(struct holder *h, const struct answer *a, uint32_t drawn)
{
	int64_t life = a->duration_s * SECOND, grace = a->grace_s * SECOND, half = life / 2;

	h->has = true;
	h->refusals = 0;
	h->duration_ms = life;
	h->end_ms = h->sent_ms + life - margin_of(life);
	h->lapse_ms = h->sent_ms + life + grace - margin_of(life + grace);
	h->ask_ms = h->sent_ms + half - half / 10 * (drawn >> 16) / 65536;
	*h->reason = '\0';
	return HOLDER_GRANTED;
}

/* What was told before is good to its end. */
static enum holder_result refused(struct holder *h, const char *why, uint32_t drawn, int64_t now_ms)
{
	set_reason(h, why);
	ask_after(h, ++h->refusals, drawn, now_ms);
	return HOLDER_REFUSED;
}

static enum holder_result stale(struct holder *h, const struct answer *a, int64_t now_ms)
{
	h->has = h->has && a->granted > 0;
	/* On no more than that may it count; keys work on, since it is asked at once. */
	if (!h->has && h->end_ms > now_ms)
		h->end_ms = now_ms;
	/* A server that always says so is not asked all the time. */
	h->ask_ms = h->stales++ ? h->sent_ms + STALE_MS : now_ms;
	return HOLDER_STALE;
}

static enum holder_result take(struct holder *h, const struct answer *a, uint32_t drawn, int64_t now_ms)
{
	h->seen = a->seq;
	h->failures = 0;
	*h->request_id = '\0';
	if (a->stale)
		return stale(h, a, now_ms);
	h->stales = 0;
	if (h->wants && a->granted > 0)
		return granted(h, a, drawn);
	h->has = h->open = a->granted > 0;
	h->ask_ms = now_ms;
	if (h->wants)
		return refused(h, *a->reason ? a->reason : "no licence was given", drawn, now_ms);
	/* It was asked for while it was wanted. */
	return h->has ? HOLDER_GRANTED : HOLDER_RETURNED;
}

static void why_not(const json_t *json, int status, const char *why, struct vmp_msg *out)
{
	const char *error = json_string_value(json_object_get(json, "error"));

	if (status == 0)
		vmp_fail(out, 0, "%s", why);
	else
		vmp_fail(out, 0, "status %d%s%s", status, error ? ": " : "", error ? error : "");
}

/* Is it a no, or nothing that could be one? */
static bool is_refusal(int status)
{
	return status >= 400 && status < 500 && status != 408 && status != 409 && status != 429;
}

enum holder_result holder_answer(struct holder *h, int status, const char *body, size_t len, const char *why,
				 uint32_t drawn, int64_t now_ms)
{
	json_t *json = status && len <= ANSWER_MAX ? json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
	enum holder_result result = HOLDER_FAILED;
	struct vmp_msg msg = { "" };
	struct answer a;

	h->asking = false;
	if ((status == 200 || status == 409) && read_answer(json, &a)) {
		result = take(h, &a, drawn, now_ms);
	} else {
		why_not(json, status, why, &msg);
		if (is_refusal(status)) {
			*h->request_id = '\0';
			/* Whoever may not ask cannot give back either. */
			h->open &= h->wants;
			result = refused(h, msg.text, drawn, now_ms);
		} else {
			set_reason(h, msg.text);
			ask_after(h, ++h->failures, drawn, now_ms);
		}
	}
	json_decref(json);
	h->result[result]++;
	return result;
}

void holder_unsent(struct holder *h, const char *why, uint32_t drawn, int64_t now_ms)
{
	(void)holder_answer(h, 0, NULL, 0, why, drawn, now_ms);
}

/* -- the end ------------------------------------------------------------------------------------------------------ */

void holder_release(struct holder *h, int64_t now_ms)
{
	if (!h->wants)
		return;
	h->wants = false;
	h->end_ms = h->lapse_ms = h->end_ms ? now_ms : 0;
	/* A request that nobody has answered may have been granted, and is followed by a return. */
	h->ask_ms = now_ms;
}

bool holder_is_released(const struct holder *h)
{
	return !h->wants && !h->asking && !h->open;
}
