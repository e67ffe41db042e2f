/* A job may have waited: is it still to be done, and has a CoA that was acknowledged had its effect? */
#include "network.h"

#include <string.h>

#define ENDED "the session has ended"
#define ANEW  "the guest has been authorized anew"

static int over(struct state *s, const struct vmp_coa_job *job, const char *text, enum recheck *out,
		struct vmp_msg *msg)
{
	*out = RECHECK_OVER;
	return vmp_coa_finish(s->store, job->id, true, 0, text, s->clock.now, msg);
}

static bool is_asked_for(const struct vmp_coa_job *job)
{
	return strcmp(job->reason, "administrator") == 0;
}

/* Another job in its place: the open one is renewed when it can be, and cannot become a CoA again. */
static int replace(struct state *s, const struct vmp_coa_job *job, const struct vmp_session *live,
		   enum vmp_coa_action action, const char *reason, enum recheck *out, struct vmp_msg *msg)
{
	bool renew = strcmp(live->place.nas, job->place.nas) == 0 &&
		     (job->action == action || action == VMP_COA_DISCONNECT);
	int err = VMP_OK;

	*out = RECHECK_ALTERED;
	if (!renew)
		err = over(s, job, ANEW, out, msg);
	if (err == VMP_OK)
		err = network_job(s, live, action, reason, is_asked_for(job) ? job->actor : NULL, msg);
	return err;
}

/* The session that it was made for lasts. */
static int same_session(struct state *s, const struct vmp_coa_job *job, const struct vmp_session *live,
			enum recheck *out, struct vmp_msg *msg)
{
	struct judgement now;
	int err;

	if (vmp_coa_reason_stands(job->reason))
		return VMP_OK;
	err = judge_session(s, live, JUDGE_NAMED, &now, msg);
	if (err != VMP_OK)
		return err;
	if (!now.act)
		return over(s, job, "no longer needed", out, msg);
	/* A Disconnect for the policy's sake: a CoA has had no effect before. */
	if (now.action == job->action || strcmp(job->reason, now.reason) == 0)
		return VMP_OK;
	return replace(s, job, live, now.action, now.reason, out, msg);
}

static int newer_session(struct state *s, const struct vmp_coa_job *job, const struct vmp_session *live,
			 enum recheck *out, struct vmp_msg *msg)
{
	struct judgement now = { .act = false };
	int err = VMP_OK;

	if (is_asked_for(job) && job->action == VMP_COA_DISCONNECT)
		return replace(s, job, live, VMP_COA_DISCONNECT, job->reason, out, msg);
	if (!vmp_coa_reason_stands(job->reason))
		err = judge_session(s, live, JUDGE_NAMED, &now, msg);
	if (err != VMP_OK)
		return err;
	return now.act ? replace(s, job, live, now.action, now.reason, out, msg) : over(s, job, ANEW, out, msg);
}

static bool is_same(const struct vmp_coa_job *job, const struct vmp_session *live)
{
	return live->token == job->token && strcmp(live->place.nas, job->place.nas) == 0;
}

/* What a search among past sessions is for. */
struct trace {
	const struct vmp_coa_job *job;
	bool ended, by_us;
};

/* A session's cause is a job's reason when policyd has ended it. */
static bool is_by_us(const struct vmp_session *past, const struct vmp_coa_job *job)
{
	return past->closed_at && strcmp(past->cause, job->reason) == 0;
}

static int look_for_end(void *ctx, const struct vmp_session *past)
{
	struct trace *t = ctx;
	const struct vmp_place *place = &t->job->place;
	bool same = t->job->token ? past->token == t->job->token
				  : strcmp(past->place.nas, place->nas) == 0 &&
					    strcmp(past->place.acct_session_id, place->acct_session_id) == 0;

	t->ended = t->ended || (same && past->closed_at);
	t->by_us = t->by_us || (same && is_by_us(past, t->job));
	return VMP_OK;
}

/* No session lasts.  Did the NAS say that it is over?  Otherwise session.db was lost, or the session's time is over and
 * the NAS may not have minded. */
static int has_ended(struct state *s, const struct vmp_coa_job *job, struct trace *out, struct vmp_msg *msg)
{
	const struct vmp_session_filter filter = { .past = true, .mac = job->mac };

	*out = (struct trace){ .job = job };
	return vmp_session_each(s->network->sessions, &filter, look_for_end, out, msg);
}

/* A job that was asked for once more while it was away stays open, with the answer, which has been told. */
static bool was_told(const struct vmp_coa_job *job)
{
	return strncmp(job->outcome, "Disconnect-ACK", 14) == 0 || job->error_cause == 503 || job->error_cause == 201;
}

/* @param by_us  this very job has done it; unless that was told, the process ended before it could be noted. */
static int over_ended(struct state *s, const struct vmp_coa_job *job, bool by_us, enum recheck *out,
		      struct vmp_msg *msg)
{
	bool tell = by_us && !was_told(job);
	int err = over(s, job, ENDED, out, msg);

	return err == VMP_OK && tell ? outcome_tell(s, "session-disconnected", job, ENDED, msg) : err;
}

static int recheck_lost(struct state *s, const struct vmp_coa_job *job, enum recheck *out, struct vmp_msg *msg)
{
	struct trace trace;
	int err = has_ended(s, job, &trace, msg);

	return err == VMP_OK && trace.ended ? over_ended(s, job, trace.by_us, out, msg) : err;
}

static int recheck_lasting(struct state *s, const struct vmp_coa_job *job, enum recheck *out, struct vmp_msg *msg)
{
	struct vmp_store *sessions = s->network->sessions;
	struct vmp_session live;
	int err = vmp_session_get(sessions, job->mac, &live, msg);

	if (err == VMP_ENOENT)
		err = recheck_lost(s, job, out, msg);
	else if (err == VMP_OK)
		err = (is_same(job, &live) ? same_session : newer_session)(s, job, &live, out, msg);
	vmp_session_done(sessions);
	return err;
}

/* A place that was left. */
static int recheck_past(struct state *s, const struct vmp_coa_job *job, struct vmp_session *beside, enum recheck *out,
			struct vmp_msg *msg)
{
	struct vmp_store *sessions = s->network->sessions;
	struct vmp_session past, live;
	int err = vmp_session_get_past(sessions, job->past_id, &past, msg);

	/* Ids are those of one file, which may have been lost since. */
	if (err == VMP_OK && past.closed_at && past.mac == job->mac && past.token == job->token)
		return over_ended(s, job, is_by_us(&past, job), out, msg);
	if (err == VMP_OK || err == VMP_ENOENT)
		err = vmp_session_get(sessions, job->mac, &live, msg);
	if (err != VMP_OK)
		return err == VMP_ENOENT ? VMP_OK : err;
	if (vmp_place_same(&live.place, &job->place))
		return over(s, job, "the guest is back", out, msg);
	if (strcmp(live.place.nas, job->place.nas) == 0)
		*beside = live;
	return VMP_OK;
}

int recheck_job(struct state *s, const struct vmp_coa_job *job, struct vmp_session *beside, enum recheck *out,
		struct vmp_msg *msg)
{
	*out = RECHECK_SEND;
	memset(beside, 0, sizeof(*beside));
	if (job->action == VMP_COA_TEST || !s->network->sessions)
		return VMP_OK;
	return job->past_id ? recheck_past(s, job, beside, out, msg) : recheck_lasting(s, job, out, msg);
}

/* -- after a CoA ---------------------------------------------------------------------------------------------- */

static int finish(struct state *s, const struct vmp_coa_job *job, const char *text, struct vmp_msg *msg)
{
	return vmp_coa_finish(s->store, job->id, true, 0, text, s->clock.now, msg);
}

static int reauthenticated(struct state *s, const struct vmp_coa_job *job, struct vmp_msg *msg)
{
	int err = finish(s, job, ANEW, msg);

	return err == VMP_OK ? outcome_tell(s, "session-reauthenticated", job, ANEW, msg) : err;
}

static int had_no_effect(struct state *s, const struct vmp_coa_job *job, const struct vmp_session *live,
			 struct vmp_msg *msg)
{
	struct judgement now = { .act = true };
	int err = !vmp_coa_reason_stands(job->reason) ? judge_session(s, live, JUDGE_NAMED, &now, msg) : VMP_OK;

	if (err != VMP_OK)
		return err;
	if (!now.act)
		return finish(s, job, "no longer needed", msg);
	return vmp_coa_escalate(s->store, job->id, 0, "the CoA was acknowledged and had no effect", msg);
}

/* The guest has no session: it is over, or only not known. */
static int verify_lost(struct state *s, const struct vmp_coa_job *job, bool early, struct vmp_msg *msg)
{
	struct trace trace;
	int err = has_ended(s, job, &trace, msg);

	if (err == VMP_OK && trace.ended)
		return finish(s, job, ENDED, msg);
	if (err != VMP_OK || early)
		return err;
	return vmp_coa_escalate(s->store, job->id, 0, "the CoA was acknowledged and nothing followed", msg);
}

int recheck_verify(struct state *s, const struct vmp_coa_job *job, bool early, struct vmp_msg *msg)
{
	struct vmp_store *sessions = s->network->sessions;
	struct vmp_session live;
	int err;

	if (!sessions) /* it is not known; later perhaps */
		return early ? VMP_OK : vmp_coa_verify(s->store, job->id, s->clock.now + s->config->coa_verify, msg);
	err = vmp_session_get(sessions, job->mac, &live, msg);
	if (err == VMP_ENOENT)
		err = verify_lost(s, job, early, msg);
	else if (err == VMP_OK && !is_same(job, &live))
		err = reauthenticated(s, job, msg);
	else if (err == VMP_OK && !early)
		err = had_no_effect(s, job, &live, msg);
	vmp_session_done(sessions);
	return err;
}
