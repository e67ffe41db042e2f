/* NASes that have jobs, and those among them that do not answer: asked now and then, and given up at last. */
#include "log.h"
#include "network.h"

#include <stdlib.h>
#include <string.h>

/* [s] between probes: doubled from the first to the last. */
#define RETRY_MIN_S 5
#define RETRY_MAX_S 300
/* [ms] after the last retry */
#define FORGET_MS 3600000

/* @return NULL: out of memory. */
static struct network_nas *find(struct state *s, const char *address)
{
	struct network *n = s->network;
	struct network_nas *nas;

	TAILQ_FOREACH(nas, &n->nases, next)
	{
		if (strcmp(nas->address, address) == 0)
			return nas;
	}
	nas = calloc(1, sizeof(*nas));
	if (nas) {
		snprintf(nas->address, sizeof(nas->address), "%s", address);
		TAILQ_INSERT_TAIL(&n->nases, nas, next);
	}
	return nas;
}

static int has_jobs(void *ctx, const char *address)
{
	struct network_nas *nas;

	if (strlen(address) >= sizeof(nas->address))
		return VMP_OK; /* no address */
	nas = find(ctx, address);
	if (nas)
		nas->open = true;
	return nas ? VMP_OK : VMP_ENOMEM;
}

/* One that was silent and that nobody has asked for since may have gone for good.  Where jobs were given up, their
 * sessions are to be compared when it answers. */
static void forget(struct state *s)
{
	struct network *n = s->network;
	struct network_nas *nas, *next;

	for (nas = TAILQ_FIRST(&n->nases); nas; nas = next) {
		next = TAILQ_NEXT(nas, next);
		if (nas->open || nas->out || nas->given_up ||
		    (nas->silent && s->clock.boot_ms - nas->retry_ms < FORGET_MS))
			continue;
		metric_add(METRIC_COA_NAS_SILENT, nas->silent ? -1 : 0);
		TAILQ_REMOVE(&n->nases, nas, next);
		free(nas);
	}
}

void outage_list(struct state *s)
{
	struct network *n = s->network;
	struct network_nas *nas;
	struct vmp_msg msg = { "" };

	TAILQ_FOREACH(nas, &n->nases, next)
	{
		nas->open = nas->idle = false;
	}
	n->nases_stale = false;
	if (vmp_coa_nas_each(s->store, has_jobs, s, &msg) != VMP_OK) {
		n->nases_stale = true;
		network_failed(s, msg.text);
		return;
	}
	forget(s);
}

static int tell(struct state *s, const char *event, const struct network_nas *nas, const char *detail,
		struct vmp_msg *msg)
{
	char subject[STATE_ACTOR];

	snprintf(subject, sizeof(subject), "nas %s", nas->address);
	return state_audit(s, event, "policyd", subject, detail, msg);
}

int outage_answered(struct state *s, struct network_nas *nas, struct vmp_msg *msg)
{
	int err;

	if (!nas->silent)
		return VMP_OK;
	nas->silent = nas->idle = false;
	nas->after = 0;
	metric_add(METRIC_COA_NAS_SILENT, -1);
	vmp_log(VMP_LOG_WARNING, "nas-answers", "nas", nas->address, NULL);
	err = tell(s, "nas-answers", nas, "", msg);
	/* Its sessions are as they were when the jobs were given up. */
	if (err == VMP_OK && nas->given_up)
		err = scan_all(s, JUDGE_START, msg);
	nas->given_up = false;
	return err;
}

static int give_up(struct state *s, struct network_nas *nas, const char *why, struct vmp_msg *msg)
{
	char detail[VMP_MSG_MAX + 40];
	int n = 0;
	int err = vmp_coa_finish_nas(s->store, nas->address, INT64_MAX, false, why, s->clock.now, &n, msg);

	nas->failed = 0;
	if (err != VMP_OK || n == 0)
		return err;
	nas->given_up = true;
	snprintf(detail, sizeof(detail), "%d jobs: %s", n, why);
	vmp_log(VMP_LOG_ERROR, "coa-gave-up", "nas", nas->address, "jobs", vmp_log_num(n), "why", why, NULL);
	return tell(s, "coa-gave-up", nas, detail, msg);
}

static int begins(struct state *s, struct network_nas *nas, const char *why, struct vmp_msg *msg)
{
	nas->silent = true;
	nas->failed = nas->tested = nas->after = 0;
	nas->delay_s = RETRY_MIN_S;
	metric_add(METRIC_COA_NAS_SILENT, 1);
	vmp_log(VMP_LOG_ERROR, "nas-silent", "nas", nas->address, "why", why, NULL);
	return tell(s, "nas-silent", nas, why, msg);
}

int outage_silent(struct state *s, struct network_nas *nas, bool probe, const char *why, struct vmp_msg *msg)
{
	int err = VMP_OK;

	if (!nas->silent)
		err = begins(s, nas, why, msg);
	else if (!probe)
		return VMP_OK; /* sent before it was known */
	else if (nas->delay_s < RETRY_MAX_S)
		nas->delay_s = nas->delay_s * 2 < RETRY_MAX_S ? nas->delay_s * 2 : RETRY_MAX_S;
	nas->retry_ms = s->clock.boot_ms + nas->delay_s * 1000;
	if (err == VMP_OK && ++nas->failed >= s->config->coa_tries)
		err = give_up(s, nas, why, msg);
	return err;
}
