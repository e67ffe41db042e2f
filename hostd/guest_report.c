#include "guest_report.h"
#include "cidata.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "source.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 2000 /* [ms] that a guest's network waits for policyd, which may have to make the VM first */
#define PAUSE_S	    5	 /* [s] before another report, doubled for each */
#define PAUSE_MAX_S 300

static bool is_reportable(const struct guest *g)
{
	return *loop.config->policyd_url && *g->info.template_name && guest_is_served(g);
}

static void set_timer(struct guest *g, uint64_t ms)
{
	struct timeval wait = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	event_add(g->timer, &wait);
}

static void set_error(struct guest *g, const char *why)
{
	if (*why && strcmp(g->last_error, why) != 0)
		vmp_log(VMP_LOG_WARNING, "guest-error", "guest", g->info.name, "why", why, NULL);
	if (*why)
		snprintf(g->last_error, sizeof(g->last_error), "%s", why);
	else
		guest_explain(g);
}

/* -- cidata ----------------------------------------------------------------------------------------- */
/* @param bundle  NULL: a volume without, unless one is there. */
static int lay_out(struct guest *g, const char *bundle)
{
	struct vmp_msg msg;
	char path[256];
	int err;

	if (!loop.config->cidata)
		return VMP_OK;
	cidata_path(g->info.uuid, path);
	if (!bundle && (!*g->info.cidata || access(path, F_OK) == 0))
		return VMP_OK;
	err = cidata_write(path, &g->info, bundle, &msg);
	if (err == VMP_OK)
		metrics.cidata_written++;
	else
		metrics.cidata_failed++;
	if (err != VMP_OK)
		set_error(g, msg.text);
	return err;
}

/* What it was given is of no use to anybody else, and the next start has its own. */
static void clear_away(const struct guest *g)
{
	struct vmp_msg msg;
	char path[256];

	if (!loop.config->cidata)
		return;
	cidata_path(g->info.uuid, path);
	if (access(path, F_OK) != 0)
		return;
	if (!*g->info.cidata)
		unlink(path);
	else if (cidata_write(path, &g->info, NULL, &msg) != VMP_OK)
		vmp_log(VMP_LOG_WARNING, "cidata-stays", "guest", g->info.name, "why", msg.text, NULL);
}

void guest_report_sweep(const char *uuid)
{
	struct guest_info info = { .n_nic = 0 };
	struct vmp_msg msg;
	char path[256];

	cidata_path(uuid, path);
	if (!loop.config->cidata || access(path, F_OK) != 0)
		return;
	snprintf(info.uuid, sizeof(info.uuid), "%s", uuid);
	if (cidata_write(path, &info, NULL, &msg) != VMP_OK)
		vmp_log(VMP_LOG_WARNING, "cidata-stays", "uuid", uuid, "why", msg.text, NULL);
}

/* -- the hook that waits ------------------------------------------------------------------------------ */
static void answer_hook(struct guest *g, int err, const char *why)
{
	guest_prepared_fn done = g->prepared_fn;

	g->prepared_fn = NULL;
	if (g->prepared)
		set_timer(g, GUEST_PREPARED_S * 1000);
	if (done)
		done(g->prepared_ctx, err, why);
}

/* -- policyd ---------------------------------------------------------------------------------------- */
static void go_on(struct guest *g)
{
	if (!g->waiting)
		return;
	g->waiting = false;
	guest_go(g, g->urgency);
}

/* policyd was silent: the guest's network does not depend on it, and it hears of the guest later. */
static void unanswered(struct guest *g, const char *why)
{
	uint64_t pause = PAUSE_S;
	unsigned i;

	metrics.reports_failed++;
	g->report = GUEST_UNREPORTED;
	set_error(g, why);
	if (lay_out(g, NULL) != VMP_OK)
		vmp_log(VMP_LOG_WARNING, "cidata-missing", "guest", g->info.name, NULL);
	answer_hook(g, VMP_OK, "");
	for (i = 0; i < g->tries && pause < PAUSE_MAX_S; i++)
		pause *= 2;
	g->tries++;
	set_timer(g, (pause < PAUSE_MAX_S ? pause : PAUSE_MAX_S) * 1000);
}

static void reported(void *ctx, int err, const char *bundle, const char *why)
{
	struct guest *g = ctx;

	event_del(g->timer);
	if (err == VMP_EIO || err == VMP_EBUSY) {
		unanswered(g, why);
	} else if (err != VMP_OK) {
		metrics.reports_refused++;
		g->report = GUEST_REFUSED;
		g->tries = 0;
		set_error(g, why);
		answer_hook(g, err, why);
	} else {
		metrics.reports_ok++;
		g->report = GUEST_REPORTED;
		g->tries = 0;
		set_error(g, "");
		if (!g->found)
			err = lay_out(g, bundle);
		/* A guest that has no disk for it lacks nothing. */
		answer_hook(g, *g->info.cidata ? err : VMP_OK, g->last_error);
	}
	go_on(g);
}

static void tell(struct guest *g)
{
	g->report = GUEST_REPORTING;
	report_starting(&g->info, reported, g);
}

void guest_report_prepare(struct guest *g, guest_prepared_fn done, void *ctx)
{
	answer_hook(g, VMP_EBUSY, "libvirt has asked once more");
	report_forget(g);
	g->report = GUEST_UNREPORTED;
	g->tries = 0;
	g->prepared_fn = done;
	g->prepared_ctx = ctx;
	g->found = false;
	if (g->prepared && is_reportable(g)) {
		tell(g);
		return;
	}
	answer_hook(g, lay_out(g, NULL), g->last_error);
}

/* For its next start. */
static void attach(struct guest *g)
{
	char path[256];

	if (!loop.config->attach || !loop.config->cidata || g->info.source != GUEST_LIBVIRT || *g->info.cidata ||
	    g->attached || !is_reportable(g))
		return;
	g->attached = true;
	cidata_path(g->info.uuid, path);
	source_libvirt_attach(g->info.uuid, path);
}

void guest_report_run(struct guest *g, bool found)
{
	attach(g);
	/* After tries that were not answered there is another soon, and the network does not wait for it. */
	if (g->report != GUEST_UNREPORTED || g->tries > 0 || !is_reportable(g))
		return;
	g->found = found;
	if (found && report_is_known(g->info.uuid)) {
		g->report = GUEST_REPORTED;
		return;
	}
	if (!found) {
		g->waiting = true;
		g->urgency = NIC_STARTED;
		set_timer(g, PATIENCE_MS);
	}
	tell(g);
}

void guest_report_timer(struct guest *g)
{
	go_on(g);
	if (g->report == GUEST_UNREPORTED && !g->incoming && is_reportable(g))
		tell(g);
}

void guest_report_end(struct guest *g, enum guest_departure how)
{
	clear_away(g);
	if (how == GUEST_LEFT)
		report_left(g->info.uuid);
	else
		report_stopped(g->info.uuid);
}

void guest_report_forget(struct guest *g)
{
	report_forget(g);
	answer_hook(g, VMP_EIO, "its start was given up");
}
