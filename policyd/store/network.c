/* What binds the parts together: begin, tick, and what they share. */
#include "log.h"
#include "mac.h"
#include "network.h"

#include <stdlib.h>
#include <string.h>

/* [ms] */
#define COMPLAINT_MS 10000
#define HOLD_MS	     5000

void network_go_on(struct state *s)
{
	static const struct timeval now;

	event_add(s->network->work, &now);
}

static void work(struct state *s, bool each_second)
{
	bool more = follow_step(s, each_second);

	more = scan_step(s) || more;
	handout(s, each_second);
	if (more)
		network_go_on(s);
}

static void on_work(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	vmp_clock_read(&((struct state *)ctx)->clock);
	work(ctx, false);
}

static void ready(void *ctx)
{
	struct state *s = ctx;

	event_active(s->batch, EV_TIMEOUT, 1);
}

int network_begin(struct state *s, int channel, struct vmp_msg *msg)
{
	struct network *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	s->network = n;
	TAILQ_INIT(&n->nases);
	n->nases_stale = true;
	n->again.done = -1;
	err = vmp_store_open(&n->reader, s->config->store_path, VMP_STORE_POLICY, VMP_STORE_READ,
			     (int)s->config->busy_ms, msg);
	if (err != VMP_OK)
		return err;
	n->work = event_new(s->base, -1, 0, on_work, s);
	n->channel = channel_new(s->base, channel, "coa", ready, s);
	if (!n->work || !n->channel)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	sessions_tend(s, true);
	return VMP_OK;
}

void network_work(struct state *s)
{
	if (!s->network)
		return;
	s->network->results_taken = false;
	network_go_on(s); /* answers leave first */
}

static void second(struct state *s)
{
	struct network *n = s->network;

	uint64_t left_out = (n->alarms > STATE_DENIALS ? n->alarms - STATE_DENIALS : 0) +
			    (n->moves > STATE_DENIALS ? n->moves - STATE_DENIALS : 0);

	if (left_out)
		vmp_log(VMP_LOG_WARNING, "alarms-not-audited", "n", vmp_log_num((long long)left_out), NULL);
	n->alarms = n->moves = 0;
	n->scans = true; /* one may have become due */
}

void network_tick(struct state *s, bool others, bool each_second)
{
	struct network *n = s->network;
	struct network_nas *nas;

	if (!n)
		return;
	vmp_clock_read(&s->clock);
	vmp_store_idle(n->reader);
	sessions_tend(s, each_second);
	if (each_second)
		second(s);
	if (n->results_wait)
		event_active(s->batch, EV_TIMEOUT, 1);
	n->nases_stale = n->nases_stale || others;
	TAILQ_FOREACH(nas, &n->nases, next)
	{
		nas->idle = false;
	}
	work(s, each_second);
}

bool network_take(struct state *s, int begun)
{
	struct network *n = s->network;
	struct message m;

	/* What a NAS has answered is not asked again because the store was busy. */
	if (n)
		n->results_wait = begun != VMP_OK;
	if (!n || begun != VMP_OK || !channel_next(n->channel, &m))
		return false;
	n->results_taken = true;
	outcome_take(s, &m);
	return true;
}

void network_rolled_back(struct state *s)
{
	struct network *n = s->network;

	if (!n)
		return;
	if (n->results_taken)
		network_hold(s);
	n->results_taken = false;
	n->follow_known = n->follow_unsaved = false;
	n->notices = n->scans = true;
	memset(n->tie, 0, sizeof(n->tie));
}

void network_hold(struct state *s)
{
	s->network->held_ms = s->clock.boot_ms + HOLD_MS;
}

/* What fails is tried again ten times a second. */
void network_failed(struct state *s, const char *why)
{
	struct network *n = s->network;

	if (n->complained_ms && s->clock.boot_ms - n->complained_ms < COMPLAINT_MS)
		return;
	n->complained_ms = s->clock.boot_ms;
	vmp_log(VMP_LOG_ERROR, "upkeep-failed", "why", why, NULL);
}

int network_alarm(struct state *s, const char *event, const char *actor, uint64_t mac, const char *detail,
		  struct vmp_msg *msg)
{
	bool move = strcmp(event, "guest-moved") == 0;
	char subject[STATE_ACTOR];

	if (++*(move ? &s->network->moves : &s->network->alarms) > STATE_DENIALS)
		return VMP_OK;
	state_vm("vm", mac, "", subject);
	vmp_log(move ? VMP_LOG_INFO : VMP_LOG_WARNING, event, "whom", subject, "by", actor, "why", detail, NULL);
	return state_audit(s, event, actor, subject, detail, msg);
}

static enum metric job_metric(const char *reason)
{
	static const struct {
		const char *reason;
		enum metric metric;
	} of[] = {
		{ "policy", METRIC_COA_JOBS_POLICY },
		{ "moved", METRIC_COA_JOBS_MOVED },
		{ "clone", METRIC_COA_JOBS_CLONE },
		{ "certificate-revoked", METRIC_COA_JOBS_CERTIFICATE },
		{ "administrator", METRIC_COA_JOBS_ADMINISTRATOR },
	};
	size_t i;

	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		if (strcmp(reason, of[i].reason) == 0)
			return of[i].metric;
	}
	return METRIC_COA_JOBS_VERDICT;
}

int network_job(struct state *s, const struct vmp_session *session, enum vmp_coa_action action, const char *reason,
		const char *actor, struct vmp_msg *msg)
{
	struct network *n = s->network;
	const struct vmp_coa_job job = { .action = action,
					 .reason = reason,
					 .actor = actor ? actor : "policyd",
					 .mac = session->mac,
					 .token = session->token,
					 .past_id = session->past_id,
					 .place = session->place };
	struct judge_nas nas;
	int64_t id = 0;
	size_t i;
	int err = judge_nas(s, session->place.nas, &nas, msg);

	if (err != VMP_OK || (nas.mode == VMP_NAS_NONE && !actor))
		return err; /* it is never to be told */
	err = vmp_coa_add(s->store, &job, &id, msg);

	if (err == VMP_EINVAL) { /* a session such as radiusd does not write: it must not keep the others waiting */
		vmp_log(VMP_LOG_ERROR, "job-refused", "why", msg->text, NULL);
		return VMP_OK;
	}
	if (err != VMP_OK)
		return err;
	for (i = 0; i < n->n_out; i++)
		n->out[i].again = n->out[i].again || n->out[i].id == id;
	n->wrote = n->nases_stale = true;
	metric_add(job_metric(reason), 1);
	return VMP_OK;
}
