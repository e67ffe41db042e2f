/* What the coa process says has become of a job. */
#include "log.h"
#include "network.h"

#include <string.h>
#include <unistd.h>

/* [s] A NAS that asked for patience gets so much, doubled each time. */
#define LATER_MIN_S 2
#define LATER_MAX_S 60
/* How often. */
#define LATER_TIMES 10

/* One result, and what it is of. */
struct result {
	const struct message *m;
	const struct network_out *out;
	const struct vmp_coa_job *job;
};

/* -- telling -------------------------------------------------------------------------------------------------- */

static const char *port_of(const struct vmp_place *place)
{
	if (*place->nas_port_id)
		return place->nas_port_id;
	return place->nas_port >= 0 ? vmp_log_num(place->nas_port) : "unknown";
}

/* What is an alarm. */
static enum vmp_log_level level_of(const char *event)
{
	return strcmp(event, "coa-refused") == 0 ? VMP_LOG_ERROR : VMP_LOG_INFO;
}

int outcome_tell(struct state *s, const char *event, const struct vmp_coa_job *job, const char *text,
		 struct vmp_msg *msg)
{
	char subject[STATE_ACTOR], detail[2 * VMP_MSG_MAX];

	state_vm("vm", job->mac, "", subject);
	snprintf(detail, sizeof(detail), "nas %s port %s, %s: %s", job->place.nas, port_of(&job->place), job->reason,
		 text);
	vmp_log(level_of(event), event, "whom", subject, "nas", job->place.nas, "port", port_of(&job->place), "reason",
		job->reason, "said", text, NULL);
	return state_audit(s, event, job->actor, subject, detail, msg);
}

/* -- outcomes ------------------------------------------------------------------------------------------------- */

static int finish(struct state *s, const struct result *r, bool done, struct vmp_msg *msg)
{
	return vmp_coa_finish(s->store, r->job->id, done, r->m->cause, r->m->text, s->clock.now, msg);
}

static bool begins_with(const char *text, const char *words)
{
	return strncmp(text, words, strlen(words)) == 0;
}

/* No request was sent, and that is a matter of this one job: nothing is known of how its NAS is. */
static bool is_left_alone(const struct message *m)
{
	if (m->outcome == COA_UNABLE)
		return begins_with(m->text, NETWORK_TAKES_NONE) || begins_with(m->text, NETWORK_NOT_KNOWN);
	return m->outcome == COA_GONE && begins_with(m->text, NETWORK_LEFT);
}

/* Its NAS has no such session any more. */
static int gone(struct state *s, const struct result *r, struct vmp_msg *msg)
{
	int err;

	if (is_left_alone(r->m))
		return finish(s, r, true, msg);
	/* Asked once more, the NAS says that there is none. */
	if (sessions_end(s, r->out, r->job->mac, r->job->reason) != VMP_OK)
		return vmp_coa_later(s->store, r->job->id, s->clock.now + 1, false, 0, "session.db is locked", msg);
	if (r->out->again) /* the guest may have come back, to what was said meanwhile */
		err = vmp_coa_later(s->store, r->job->id, 0, false, r->m->cause, r->m->text, msg);
	else
		err = finish(s, r, true, msg);
	return err == VMP_OK ? outcome_tell(s, "session-disconnected", r->job, r->m->text, msg) : err;
}

static int acknowledged(struct state *s, const struct result *r, struct vmp_msg *msg)
{
	if (r->m->action != VMP_COA_REAUTHENTICATE)
		return gone(s, r, msg);
	/* What was asked for meanwhile, the guest may have missed; a Disconnect was not sent. */
	if (r->out->again || r->job->action == VMP_COA_DISCONNECT)
		return vmp_coa_later(s->store, r->job->id, 0, false, 0, r->m->text, msg);
	/* The present second may be nearly over. */
	return vmp_coa_verify(s->store, r->job->id, s->clock.now + s->config->coa_verify + 1, msg);
}

static int refused(struct state *s, const struct result *r, struct vmp_msg *msg)
{
	int err;

	if (r->out->again) /* that may be another request */
		return vmp_coa_later(s->store, r->job->id, 0, false, r->m->cause, r->m->text, msg);
	err = finish(s, r, false, msg);
	return err == VMP_OK ? outcome_tell(s, "coa-refused", r->job, r->m->text, msg) : err;
}

static int later(struct state *s, const struct result *r, struct vmp_msg *msg)
{
	int64_t wait = LATER_MIN_S;
	int i;

	if (r->job->attempts + 1 >= LATER_TIMES)
		return refused(s, r, msg);
	for (i = 0; i < r->job->attempts; i++)
		wait = wait * 2 < LATER_MAX_S ? wait * 2 : LATER_MAX_S;
	return vmp_coa_later(s->store, r->job->id, s->clock.now + wait, true, r->m->cause, r->m->text, msg);
}

static int kept(struct state *s, const struct result *r, struct vmp_msg *msg)
{
	return vmp_coa_later(s->store, r->job->id, 0, false, 0, r->m->text, msg);
}

static int unable(struct state *s, const struct result *r, struct vmp_msg *msg)
{
	return is_left_alone(r->m) ? refused(s, r, msg) : kept(s, r, msg);
}

static const struct {
	int (*take)(struct state *s, const struct result *r, struct vmp_msg *msg);
	bool answered; /* the NAS has said something that can be trusted */
	enum metric metric;
} outcomes[COA_OUTCOMES] = {
	[COA_ACKNOWLEDGED] = { acknowledged, true, METRIC_COA_ACKNOWLEDGED },
	[COA_GONE] = { gone, true, METRIC_COA_GONE },
	[COA_REFUSED] = { refused, true, METRIC_COA_REFUSED },
	[COA_LATER] = { later, true, METRIC_COA_LATER },
	[COA_SILENT] = { kept, false, METRIC_COA_SILENT },
	[COA_UNABLE] = { unable, false, METRIC_COA_UNABLE },
};

static int take_job(struct state *s, const struct message *m, const struct network_out *out, struct vmp_msg *msg)
{
	struct vmp_coa_job job;
	const struct result r = { m, out, &job };
	int err = vmp_coa_get(s->store, out->id, &job, msg);

	if (err == VMP_OK && !job.finished_at)
		err = job.action == VMP_COA_TEST ? finish(s, &r, outcomes[m->outcome].answered, msg)
						 : outcomes[m->outcome].take(s, &r, msg);
	vmp_coa_done(s->store);
	return err == VMP_ENOENT ? VMP_OK : err;
}

/* A test says nothing of the NAS but when it is answered. */
static int take_nas(struct state *s, const struct message *m, const struct network_out *out, struct vmp_msg *msg)
{
	if (is_left_alone(m))
		return VMP_OK;
	if (outcomes[m->outcome].answered)
		return outage_answered(s, out->nas, msg);
	return out->test ? VMP_OK : outage_silent(s, out->nas, out->probe, m->text, msg);
}

/* -- all ------------------------------------------------------------------------------------------------------ */

/* @return whether it was there. */
static bool out_take(struct network *n, int64_t id, struct network_out *out)
{
	size_t i;

	for (i = 0; i < n->n_out && n->out[i].id != id; i++)
		;
	if (i == n->n_out)
		return false;
	*out = n->out[i];
	n->out[i] = n->out[--n->n_out];
	out->nas->out--;
	return true;
}

void outcome_take(struct state *s, const struct message *m)
{
	struct vmp_msg msg = { "" };
	struct network_out out;
	int err;

	if (m->type != M_COA_RESULT || !out_take(s->network, (int64_t)m->number, &out)) {
		vmp_log(VMP_LOG_ERROR, "malformed-message", "peer", "coa", "why", "a result that nothing was asked for",
			NULL);
		_exit(PROC_FAILED);
	}
	metric_add(outcomes[m->outcome].metric, 1);
	/* When the store does not take it, the job is as it was, and due. */
	err = vmp_store_mark(s->store, &msg);
	if (err == VMP_OK) {
		err = take_job(s, m, &out, &msg);
		if (err == VMP_OK)
			err = take_nas(s, m, &out, &msg);
		vmp_store_release(s->store, err == VMP_OK);
	}
	if (err != VMP_OK) {
		network_hold(s);
		vmp_log(VMP_LOG_ERROR, "request-failed", "why", msg.text, NULL);
	}
	if (out.again || m->action != VMP_COA_DISCONNECT)
		out.nas->idle = false;
}
