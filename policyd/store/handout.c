/* Jobs that are due go to the coa process: some of each NAS in turn, and only what is still to be done. */
#include "log.h"
#include "network.h"

#include <stdlib.h>
#include <string.h>

/* Of one NAS before it is the next one's turn. */
#define SHARE 16
/* Jobs that are looked through for tests, or for those that are watched. */
#define GLANCE 256
/* At most about so many are looked at in one transaction: enrolments wait for it. */
#define LOOK_MAX  256
#define WATCH_MAX 4096
/* [s] Beyond any not_before. */
#define ALL_TIMES (INT64_MAX / 2)

/* Ids that a callback has picked. */
struct pick {
	const struct network *n;
	bool (*wanted)(const struct network *n, const struct vmp_coa_job *job);
	int64_t id[GLANCE], last;
	unsigned max, n_id, rows;
};

static bool is_here(const struct network *n, const struct vmp_coa_job *job)
{
	size_t i;

	for (i = 0; i < n->n_out; i++) {
		if (n->out[i].id == job->id)
			return false;
	}
	return true;
}

static bool is_test(const struct network *n, const struct vmp_coa_job *job)
{
	return job->action == VMP_COA_TEST && is_here(n, job);
}

static bool is_watched(const struct network *n, const struct vmp_coa_job *job)
{
	(void)n;
	return job->state == VMP_COA_VERIFY;
}

static int pick_job(void *ctx, const struct vmp_coa_job *job)
{
	struct pick *p = ctx;

	if (p->n_id == p->max)
		return 1;
	p->rows++;
	p->last = job->id;
	if (p->wanted(p->n, job))
		p->id[p->n_id++] = job->id;
	return VMP_OK;
}

/* At most p->max of those that are due at a time, after *after, which moves on and is 0 at the end. */
static int pick(struct state *s, const struct network_nas *nas, int64_t now, int rows, int64_t *after, struct pick *p,
		struct vmp_msg *msg)
{
	int err;

	p->n = s->network;
	err = vmp_coa_due_each(s->store, nas->address, now, *after, rows, pick_job, p, msg);
	if (err < 0)
		return err;
	*after = err > 0 || p->rows == (unsigned)rows ? p->last : 0;
	return VMP_OK;
}

/* -- one job -------------------------------------------------------------------------------------------------- */

/* What is not there is left out; nor can text that is no UTF-8 be carried. */
static void set_text(json_t *object, const char *name, const char *value)
{
	json_t *text = value && *value ? json_string(value) : NULL;

	if (text)
		json_object_set_new(object, name, text);
}

static json_t *place_json(const struct vmp_place *place)
{
	json_t *object = json_object();

	set_text(object, "User-Name", place->user_name);
	set_text(object, "Calling-Station-Id", place->calling_station_id);
	set_text(object, "Acct-Session-Id", place->acct_session_id);
	set_text(object, "NAS-Port", place->nas_port >= 0 ? vmp_log_num(place->nas_port) : "");
	set_text(object, "NAS-Port-Id", place->nas_port_id);
	set_text(object, strchr(place->nas_ip, ':') ? "NAS-IPv6-Address" : "NAS-IP-Address", place->nas_ip);
	set_text(object, "NAS-Identifier", place->nas_identifier);
	set_text(object, "Framed-IP-Address", place->framed_ip);
	return object;
}

static char *order(const struct network_nas *nas, const struct judge_nas *facts, const struct vmp_coa_job *job,
		   const struct vmp_session *beside)
{
	json_t *object = json_pack("{s:{s:s, s:s, s:i, s:s, s:i, s:I}, s:o}", "nas", "name", facts->name, "address",
				   nas->address, "port", (int)facts->port, "dialect", facts->dialect, "mode",
				   facts->mode, "rate", (json_int_t)facts->rate, "session", place_json(&job->place));
	char *text;

	if (object && beside->mac)
		json_object_set_new(object, "beside", place_json(&beside->place));
	text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	json_decref(object);
	return text;
}

static int hand_over(struct state *s, struct network_nas *nas, const struct judge_nas *facts,
		     const struct vmp_coa_job *job, const struct vmp_session *beside)
{
	struct network *n = s->network;
	char *text = order(nas, facts, job, beside);
	const struct message m = { .type = M_COA,
				   .id = (uint64_t)job->id,
				   .number = (uint64_t)job->id,
				   .action = job->action,
				   .blob = (const uint8_t *)text,
				   .blob_len = text ? strlen(text) : 0 };

	if (!text)
		return VMP_ENOMEM;
	n->out[n->n_out++] = (struct network_out){ .id = job->id,
						   .past_id = job->past_id,
						   .token = job->token,
						   .nas = nas,
						   .probe = nas->silent,
						   .test = job->action == VMP_COA_TEST };
	nas->out++;
	channel_send(n->channel, &m);
	free(text);
	return VMP_OK;
}

/* The NAS cannot be told anything, and somebody has to know. */
static int cannot(struct state *s, const struct vmp_coa_job *job, struct vmp_msg *msg)
{
	int err = vmp_coa_finish(s->store, job->id, false, 0, NETWORK_TAKES_NONE, s->clock.now, msg);

	if (err != VMP_OK || job->action == VMP_COA_TEST)
		return err;
	return outcome_tell(s, "coa-refused", job, NETWORK_TAKES_NONE, msg);
}

static int offer(struct state *s, struct network_nas *nas, const struct judge_nas *facts, int64_t id,
		 struct vmp_msg *msg)
{
	struct vmp_session beside;
	struct vmp_coa_job job;
	enum recheck is;
	int err = vmp_coa_get(s->store, id, &job, msg);

	if (err == VMP_OK && job.state == VMP_COA_VERIFY) {
		err = recheck_verify(s, &job, false, msg);
		nas->idle = false; /* it may be a Disconnect now */
		goto out;
	}
	if (err == VMP_OK)
		err = recheck_job(s, &job, &beside, &is, msg);
	if (err == VMP_OK && is == RECHECK_ALTERED)
		err = vmp_coa_get(s->store, id, &job, msg);
	if (err == VMP_OK && is != RECHECK_OVER)
		err = facts->mode == VMP_NAS_NONE ? cannot(s, &job, msg) : hand_over(s, nas, facts, &job, &beside);
out:
	if (s->network->sessions)
		vmp_session_done(s->network->sessions);
	vmp_coa_done(s->store);
	return err;
}

/* -- one NAS -------------------------------------------------------------------------------------------------- */

static unsigned room(const struct network *n, const struct network_nas *nas)
{
	unsigned here = NETWORK_OUT_NAS - nas->out, all = NETWORK_OUT - (unsigned)n->n_out;

	return here < all ? here : all;
}

static int offer_all(struct state *s, struct network_nas *nas, const struct judge_nas *facts, const struct pick *p,
		     struct vmp_msg *msg)
{
	unsigned i;
	int err = VMP_OK;

	for (i = 0; i < p->n_id && err == VMP_OK; i++)
		err = offer(s, nas, facts, p->id[i], msg);
	return err;
}

/* Somebody waits for these: they go first, and to one that is silent as well. */
static int serve_tests(struct state *s, struct network_nas *nas, const struct judge_nas *facts, unsigned *n,
		       struct vmp_msg *msg)
{
	struct pick p = { .wanted = is_test, .max = room(s->network, nas) };
	int64_t after = nas->tested;
	int err = pick(s, nas, s->clock.now, GLANCE, &after, &p, msg);

	if (err == VMP_OK && p.rows)
		nas->tested = p.last;
	if (err == VMP_OK)
		err = offer_all(s, nas, facts, &p, msg);
	*n += p.n_id;
	return err;
}

static bool may_ask(const struct state *s, const struct network_nas *nas)
{
	return !nas->silent || (nas->out == 0 && s->clock.boot_ms >= nas->retry_ms);
}

/* @param n  counts jobs that were looked at. */
static int serve(struct state *s, struct network_nas *nas, unsigned *n, struct vmp_msg *msg)
{
	struct pick p = { .wanted = is_here };
	struct judge_nas facts;
	int err = judge_nas(s, nas->address, &facts, msg);

	if (err == VMP_OK)
		err = serve_tests(s, nas, &facts, n, msg);
	p.max = room(s->network, nas);
	if (err != VMP_OK || p.max == 0)
		return err;
	if (!may_ask(s, nas)) {
		nas->idle = true;
		return VMP_OK;
	}
	if (nas->silent)
		p.max = 1;
	else if (p.max > SHARE)
		p.max = SHARE;
	err = pick(s, nas, s->clock.now, (int)(p.max + nas->out), &nas->after, &p, msg);
	if (err != VMP_OK)
		return err;
	nas->idle = nas->after == 0;
	*n += p.n_id;
	return offer_all(s, nas, &facts, &p, msg);
}

/* -- all ------------------------------------------------------------------------------------------------------ */

static bool is_ready(const struct network *n, const struct network_nas *nas)
{
	return nas->open && !nas->idle && room(n, nas) > 0;
}

/* Who was first is last another time, when there is not enough room for all. */
static void turn(struct network *n, const struct network_nas *last)
{
	struct network_nas *nas;

	do {
		nas = TAILQ_FIRST(&n->nases);
		TAILQ_REMOVE(&n->nases, nas, next);
		TAILQ_INSERT_TAIL(&n->nases, nas, next);
	} while (nas != last);
}

/* Rounds, until there is no room or nothing is due. @param more  out: it was enough for one transaction. */
static int serve_all(struct state *s, bool *more, struct vmp_msg *msg)
{
	struct network *n = s->network;
	struct network_nas *nas, *first = TAILQ_FIRST(&n->nases), *last = first;
	unsigned looked, all = 0;
	int err = VMP_OK;

	do {
		looked = 0;
		TAILQ_FOREACH(nas, &n->nases, next)
		{
			if (err != VMP_OK || all + looked >= LOOK_MAX)
				break;
			if (is_ready(n, nas))
				err = serve(s, nas, &looked, msg);
			last = nas;
		}
		all += looked;
	} while (err == VMP_OK && looked && all < LOOK_MAX && n->n_out < NETWORK_OUT);
	*more = err == VMP_OK && all >= LOOK_MAX;
	turn(n, *more ? last : first);
	return err;
}

/* A guest that has authenticated ends the wait for it. @param rows  counts jobs that were looked through. */
static int watch(struct state *s, struct network_nas *nas, unsigned *rows, struct vmp_msg *msg)
{
	struct pick p = { .wanted = is_watched, .max = GLANCE };
	struct vmp_coa_job job;
	unsigned i;
	int64_t until = s->clock.now + s->config->coa_verify + 1;
	int err = pick(s, nas, ALL_TIMES, GLANCE, &nas->verified, &p, msg);

	for (i = 0; i < p.n_id && err == VMP_OK; i++) {
		err = vmp_coa_get(s->store, p.id[i], &job, msg);
		/* More than it was given: the clock was set back. */
		if (err == VMP_OK && job.not_before > until)
			err = vmp_coa_verify(s->store, job.id, until, msg);
		else if (err == VMP_OK)
			err = recheck_verify(s, &job, true, msg);
		vmp_coa_done(s->store);
	}
	*rows += p.rows;
	return err;
}

static int watch_all(struct state *s, struct vmp_msg *msg)
{
	struct network_nas *nas;
	unsigned rows = 0;
	int err = VMP_OK;

	TAILQ_FOREACH(nas, &s->network->nases, next)
	{
		if (err == VMP_OK && nas->open && rows < WATCH_MAX)
			err = watch(s, nas, &rows, msg);
	}
	return err;
}

void handout(struct state *s, bool each_second)
{
	struct network *n = s->network;
	struct network_nas *nas;
	struct vmp_msg msg = { "" };
	bool ready = false, more = false;
	int err;

	if (n->nases_stale || each_second)
		outage_list(s);
	if (s->clock.boot_ms < n->held_ms)
		return;
	TAILQ_FOREACH(nas, &n->nases, next)
	{
		ready = ready || is_ready(n, nas);
	}
	if (!ready)
		return;
	err = vmp_store_begin(s->store, &msg);
	if (err != VMP_OK) {
		network_failed(s, msg.text);
		return;
	}
	if (each_second)
		err = watch_all(s, &msg);
	if (err == VMP_OK)
		err = serve_all(s, &more, &msg);
	/* What was finished or altered is so, whatever failed behind it. */
	if (err != VMP_OK)
		network_failed(s, msg.text);
	if (state_commit(s) && more)
		network_go_on(s);
}
