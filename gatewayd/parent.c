#include "broker_parts.h"

#include <stdlib.h>
#include <string.h>

/* [ms] A life that is as good as over is none: what a VM gets is counted in seconds. */
#define LAST_MS 1000
/* [ms] A holder stops before the server does: by a hundredth of the life, and at least this. */
#define MARGIN_MS 1000
/* [ms] pauses before a request is sent again: the first, doubled up to the longest */
#define RETRY_MS     500
#define RETRY_MAX_MS 8000
/* [ms] the shortest pause between refreshes, however short the lease */
#define REFRESH_MIN_MS 500

int64_t parent_usable(const struct parent *parent, int64_t now_ms)
{
	return parent->held && parent->end_ms - now_ms >= LAST_MS ? parent->held : 0;
}

int64_t parent_held(const struct parent *parent, int64_t now_ms)
{
	return parent->held && now_ms < parent->end_ms + parent->grace_ms ? parent->held : 0;
}

bool parent_is_silent(const struct parent *parent)
{
	return parent->failures > 0;
}

int parent_put(struct broker *b, struct parent *parent, struct vmp_msg *msg)
{
	struct vmp_broker_parent row = { .server = b->settings.server[parent->server],
					 .product = parent->product->name,
					 .seq = parent->seq,
					 .held = parent->held,
					 .end_ms = parent->end_ms,
					 .grace_ms = parent->grace_ms,
					 .lapsing = parent->lapsing,
					 .lapsed_ms = parent->lapsed_ms,
					 .boot_id = b->clock.boot_id,
					 .request_id = parent->body ? parent->request_id : "",
					 .body = parent->body ? parent->body : "" };

	return vmp_broker_parent_put(b->store, &row, msg);
}

void parent_clear_request(struct parent *parent)
{
	free(parent->body);
	parent->body = NULL;
	parent->sent = parent->grows = false;
}

/* -- asking ------------------------------------------------------------------------------------------------------- */

/* Of what the VMs have, this server's part: servers before it come first. */
static int64_t in_use(const struct broker *b, const struct parent *parent, int64_t now_ms)
{
	int64_t left = product_occupied(b, parent->product), held = parent_held(parent, now_ms);
	int i;

	for (i = 0; i < parent->server; i++)
		left -= parent_held(&parent->product->parent[i], now_ms);
	return left < 0 ? 0 : left < held ? left : held;
}

static json_t *compose(struct broker *b, struct parent *parent, int64_t wants, int64_t least, int64_t now_ms)
{
	int64_t held = parent_held(parent, now_ms);
	int64_t has = wants < held ? wants : held + (wants >= held + parent->lapsing ? parent->lapsing : 0);
	json_t *request = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "product", parent->product->name,
				    "request_id", parent->request_id, "seen", (json_int_t)parent->seq, "has",
				    (json_int_t)has, "in_use", (json_int_t)in_use(b, parent, now_ms), "wants",
				    (json_int_t)wants, "least", (json_int_t)least);

	if (request && report_is_home(b, parent) && report_add(b, parent->product, request, now_ms) != VMP_OK) {
		json_decref(request);
		return NULL;
	}
	return request;
}

int parent_request(struct broker *b, struct parent *parent, int64_t wants, int64_t least, int64_t now_ms,
		   struct vmp_msg *msg)
{
	int64_t held = parent_held(parent, now_ms);
	json_t *request;

	if (vmp_uuid_random(parent->request_id) != VMP_OK)
		return vmp_fail(msg, VMP_EIO, "no random numbers");
	request = compose(b, parent, wants, least, now_ms);
	parent->body = request ? json_dumps(request, JSON_COMPACT) : NULL;
	json_decref(request);
	if (!parent->body || strlen(parent->body) >= VMP_BROKER_BODY) {
		parent_clear_request(parent);
		return vmp_fail(msg, VMP_ENOMEM, "cannot write a request");
	}
	parent->grows = wants > held;
	parent->asked_ms = parent->retry_ms = now_ms;
	parent->again = false;
	parent->held = wants < held ? wants : held;
	if (wants < held + parent->lapsing)
		parent->lapsing = 0;
	return parent_put(b, parent, msg);
}

/* -- answers ------------------------------------------------------------------------------------------------------ */

/* What the server gives counts from when it was asked, and ends for us a little before it does for the server. */
static void take_times(struct parent *parent, const struct server_answer *answer, int64_t sent_ms)
{
	int64_t margin = answer->life_ms / 100, promised_ms = parent->end_ms + parent->grace_ms;

	parent->end_ms = sent_ms + answer->life_ms - (margin > MARGIN_MS ? margin : MARGIN_MS);
	parent->grace_ms = answer->grace_ms;
	/* A shorter lease than the last: VMs run to the end of that one, and the server counts on to it. */
	if (parent->end_ms + parent->grace_ms < promised_ms && parent->lapsed_ms < promised_ms)
		parent->lapsed_ms = promised_ms;
}

/* Less than before, and not since we wanted it: VMs run on the difference to the end that they were told. */
static void take_held(struct parent *parent, int64_t granted, int64_t old_end_ms, int64_t now_ms)
{
	int64_t before = parent->held;

	if (now_ms >= parent->lapsed_ms || granted >= before + parent->lapsing)
		parent->lapsing = 0;
	if (granted < before && now_ms < old_end_ms) {
		parent->lapsing += before - granted;
		if (parent->lapsed_ms < old_end_ms)
			parent->lapsed_ms = old_end_ms;
	}
	parent->held = granted;
}

static void plan_refresh(const struct broker *b, struct parent *parent, int64_t now_ms)
{
	int64_t pause = (parent->end_ms - now_ms) / 2;

	if (pause > b->settings.refresh_ms || parent->held == 0)
		pause = b->settings.refresh_ms;
	parent->refresh_ms = now_ms + (pause > REFRESH_MIN_MS ? pause : REFRESH_MIN_MS);
}

static void take_words(struct parent *parent, const struct server_answer *answer, int64_t now_ms)
{
	parent->available = answer->available;
	memcpy(parent->why, answer->reason, sizeof(parent->why));
	if (answer->is_short && parent->short_until_ms < now_ms)
		parent->short_until_ms = now_ms + SHORT_MS;
}

/* The account at the server is not the one that we know: its seq counts, and the smaller count. */
static int take_stale(struct broker *b, struct parent *parent, const struct server_answer *answer, int64_t sent_ms,
		      int64_t now_ms, struct vmp_msg *msg)
{
	int64_t had = parent_held(parent, now_ms), old_end_ms = parent->end_ms + parent->grace_ms;
	struct product *p = parent->product;

	/* It has answered us since, and we do not know of it: VMs may have leases that we do not know of either. */
	if (answer->seq > parent->seq && answer->granted > 0)
		broker_recover_for(b, answer->grace_ms, now_ms);
	parent->seq = answer->seq;
	parent->held = had;
	take_held(parent, answer->granted < had ? answer->granted : had, old_end_ms, now_ms);
	take_times(parent, answer, sent_ms);
	take_words(parent, answer, now_ms);
	plan_refresh(b, parent, now_ms);
	parent->again = true;
	report_mark(b, p, parent->body, false);
	/* Once is a store of another age, there or here; more often, somebody else has our name. */
	if (++parent->stales > 1)
		plan_asked(parent, false);
	parent_clear_request(parent);
	return report_is_home(b, parent) ? report_anew(b, p, msg) : VMP_OK;
}

static int take_fresh(struct broker *b, struct parent *parent, const struct server_answer *answer, int64_t sent_ms,
		      int64_t now_ms, struct vmp_msg *msg)
{
	int64_t had = parent_held(parent, now_ms), old_end_ms = parent->end_ms + parent->grace_ms;
	int err;

	parent->seq = answer->seq;
	parent->stales = 0;
	parent->held = had;
	take_held(parent, answer->granted, old_end_ms, now_ms);
	parent->product->given = parent->product->given || answer->granted > 0;
	take_times(parent, answer, sent_ms);
	take_words(parent, answer, now_ms);
	plan_refresh(b, parent, now_ms);
	if (parent->grows)
		plan_asked(parent, answer->granted > had);
	err = report_is_home(b, parent) ? report_taken(b, parent, answer, now_ms, msg) : VMP_OK;
	parent_clear_request(parent);
	return err;
}

static void set_why(struct parent *parent, const char *why)
{
	size_t len = strnlen(why, sizeof(parent->why) - 1);

	memcpy(parent->why, why, len);
	parent->why[len] = '\0';
}

int broker_refused(struct broker *b, struct parent *parent, const char *why, int64_t now_ms, struct vmp_msg *msg)
{
	if (!parent->body)
		return VMP_OK;
	parent->failures = 0;
	set_why(parent, why);
	report_mark(b, parent->product, parent->body, false);
	if (parent->grows)
		plan_asked(parent, false);
	parent->available = 0;
	parent->refresh_ms = now_ms + b->settings.refresh_ms;
	parent_clear_request(parent);
	return parent_put(b, parent, msg);
}

int broker_answered(struct broker *b, struct parent *parent, const struct server_answer *answer, int64_t sent_ms,
		    int64_t now_ms, struct vmp_msg *msg)
{
	int err;

	if (!parent->body)
		return VMP_OK;
	if (strcmp(answer->request_id, parent->request_id) != 0 ||
	    strcmp(answer->product, parent->product->name) != 0) {
		broker_failed(b, parent, "the answer is for another request", now_ms);
		return VMP_OK;
	}
	parent->failures = 0;
	err = answer->stale ? take_stale(b, parent, answer, sent_ms, now_ms, msg)
			    : take_fresh(b, parent, answer, sent_ms, now_ms, msg);
	return err == VMP_OK ? parent_put(b, parent, msg) : err;
}

void broker_failed(struct broker *b, struct parent *parent, const char *why, int64_t now_ms)
{
	int64_t pause = RETRY_MS << (parent->failures < 4 ? parent->failures : 4);

	(void)b;
	set_why(parent, why);
	parent->failures++;
	parent->sent = false;
	parent->retry_ms = now_ms + (pause < RETRY_MAX_MS ? pause : RETRY_MAX_MS);
	if (parent->grows)
		plan_asked(parent, false);
}

void broker_unheard(struct broker *b, struct parent *parent, int64_t now_ms)
{
	(void)b;
	parent->sent = false;
	parent->retry_ms = now_ms + RETRY_MS;
}
