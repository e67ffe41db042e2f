#include "report.h"
#include "answer.h"
#include "bundle.h"
#include "identity.h"
#include "ledger.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "retry.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_A_TIME 8 /* requests: policyd has other hosts as well */

/* One thing to be told. */
struct task {
	struct task *next;
	struct guest_info info; /* of an end, the UUID alone */
	bool is_start;
	bool was_known; /* policyd had been told of it before */
	bool given_up;	/* the guest has ended or left meanwhile */
	report_fn done; /* NULL: nobody waits */
	void *ctx;
	uint64_t deadline; /* [ms] loop_now() */
};

static struct {
	struct event *timer;
	struct task *waiting; /* starts, the oldest first */
	struct task *flying;
	unsigned n_flying;
	char error[VMP_MSG_MAX];
	char said[VMP_MSG_MAX]; /* the last that was logged */
} report;

/* -- lists ------------------------------------------------------------------------------------------------------ */

static struct task *find(struct task *list, const char *uuid)
{
	while (list && strcmp(list->info.uuid, uuid) != 0)
		list = list->next;
	return list;
}

static void append(struct task **list, struct task *t)
{
	while (*list)
		list = &(*list)->next;
	t->next = NULL;
	*list = t;
}

static void unlink_task(struct task **list, struct task *t)
{
	while (*list && *list != t)
		list = &(*list)->next;
	if (*list)
		*list = t->next;
}

/* Soon, but not before whoever calls has returned. */
static void kick(void)
{
	static const struct timeval now = { 0 };

	evtimer_add(report.timer, &now);
}

static void finish(struct task *t, int err, const char *bundle, const char *why)
{
	report_fn done = t->done;
	void *ctx = t->ctx;

	free(t);
	if (done)
		done(ctx, err, bundle, why);
}

/* -- what became of it ------------------------------------------------------------------------------------------ */

static void answers(void)
{
	*report.error = *report.said = '\0';
}

/* A line for each different reason, not for each guest that waits for the same. */
static void does_not_answer(const char *uuid, const char *why)
{
	snprintf(report.error, sizeof(report.error), "%s", why);
	if (strcmp(report.said, why) == 0)
		return;
	snprintf(report.said, sizeof(report.said), "%s", why);
	vmp_log(VMP_LOG_WARNING, "report-failed", "uuid", uuid, "why", why, NULL);
}

static void start_answered(struct task *t, int status, const char *body, size_t len, const char *why)
{
	struct ledger_entry *e = ledger_find(t->info.uuid);
	struct vmp_msg msg = { "" };
	int err = answer_read(status, body, len, why, &msg);

	/* 401: this host's certificate is not taken, which says nothing of the guest. */
	if (status == 401)
		err = VMP_EIO;
	if (!err)
		err = bundle_check(body, len, t->info.uuid, &msg);
	if (err == VMP_EIO)
		does_not_answer(t->info.uuid, msg.text);
	else
		answers();
	if (!err && e)
		ledger_told(e);
	else if (err && err != VMP_EIO && e && !t->was_known)
		ledger_remove(e);
	finish(t, err, err ? NULL : body, msg.text);
}

/* Nothing that is said again would be heard: another host has it, or policyd does not know it. */
static void drop_stop(struct ledger_entry *e, const char *why)
{
	metrics.reports_refused++;
	vmp_log(e->told ? VMP_LOG_WARNING : VMP_LOG_INFO, "report-dropped", "uuid", e->uuid, "name", e->name, "why",
		why, NULL);
	ledger_remove(e);
}

static void stop_answered(struct task *t, int status, const char *body, size_t len, const char *why)
{
	struct ledger_entry *e = ledger_find(t->info.uuid);
	struct vmp_msg msg = { "" };
	int err = answer_read(status, body, len, why, &msg);

	finish(t, VMP_OK, NULL, "");
	/* 401: this host's certificate is not taken, which says nothing of the guest. */
	if (err == VMP_EIO || status == 401) {
		metrics.reports_failed++;
		does_not_answer(e ? e->uuid : NULL, msg.text);
		if (!e)
			return;
		e->due = loop_now() + retry_pause(++e->tries);
		ledger_write_stopped(e);
		return;
	}
	answers();
	if (e && err)
		drop_stop(e, msg.text);
	else if (e)
		ledger_remove(e);
	metrics.reports_ok += !err;
}

static void answered(void *ctx, int status, const char *body, size_t len, const char *why)
{
	struct task *t = ctx;

	unlink_task(&report.flying, t);
	report.n_flying--;
	if (t->is_start)
		start_answered(t, status, body, len, why);
	else
		stop_answered(t, status, body, len, why);
	kick();
}

/* -- telling ---------------------------------------------------------------------------------------------------- */

static int send_task(struct task *t, const char *verb, const char *body, unsigned timeout, struct vmp_msg *msg)
{
	char path[128];
	struct http_request request = {
		.method = "POST",
		.path = path,
		.type = "application/json",
		.body = body,
		.certificate = loop.config->certificate,
		.key = loop.config->key,
		.timeout = timeout,
	};
	int err;

	snprintf(path, sizeof(path), "/v1/vms/%s/%s", t->info.uuid, verb);
	err = http_client_send(loop.policyd, &request, answered, t, msg);
	if (err)
		return err;
	append(&report.flying, t);
	report.n_flying++;
	return VMP_OK;
}

static char *start_body(const struct guest_info *info)
{
	char mac[VMP_MAC_TEXT], name[GUEST_NAME], *out;
	json_t *json;

	vmp_mac_format(info->nic[0].mac, mac);
	ledger_name(info->name, name);
	json = json_pack("{s:s, s:s, s:s*}", "mac", mac, "template", info->template_name, "name", *name ? name : NULL);
	out = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return out;
}

static void send_start(struct task *t)
{
	struct ledger_entry *e = ledger_find(t->info.uuid);
	uint64_t now = loop_now();
	struct vmp_msg msg = { "" };
	char *body = start_body(&t->info);
	int err;

	t->was_known = e && e->told;
	/* Before policyd can hear of it. */
	err = body ? ledger_put(&t->info, &msg) : vmp_fail(&msg, VMP_ENOMEM, "out of memory");
	if (!err)
		err = send_task(t, "starting", body, t->deadline > now ? (unsigned)(t->deadline - now) : 1, &msg);
	free(body);
	if (!err)
		return;
	does_not_answer(t->info.uuid, msg.text);
	finish(t, VMP_EIO, NULL, msg.text);
}

static void send_stop(struct ledger_entry *e)
{
	struct task *t = calloc(1, sizeof(*t));
	struct vmp_msg msg = { "out of memory" };
	int err = t ? VMP_OK : VMP_ENOMEM;

	if (t) {
		memcpy(t->info.uuid, e->uuid, sizeof(e->uuid));
		err = send_task(t, "stopped", "{}", 0, &msg);
	}
	if (!err)
		return;
	free(t);
	does_not_answer(e->uuid, msg.text);
	e->due = loop_now() + retry_pause(++e->tries);
}

/* The first start whose time is over. */
static struct task *overdue(uint64_t now)
{
	struct task *t = report.waiting;

	while (t && !t->given_up && t->deadline > now)
		t = t->next;
	return t;
}

/* The first start that may go: what was said of the same guest before has been answered. */
static struct task *next_start(void)
{
	struct task *t = report.waiting;

	while (t && find(report.flying, t->info.uuid))
		t = t->next;
	return t;
}

static bool may_stop(const struct ledger_entry *e)
{
	/* A start that waits says it as well. */
	return e->stopped && !find(report.flying, e->uuid) && !find(report.waiting, e->uuid);
}

static void give_up_overdue(uint64_t now)
{
	struct task *t;

	while ((t = overdue(now))) {
		unlink_task(&report.waiting, t);
		if (t->given_up)
			finish(t, VMP_EIO, NULL, "the guest has gone");
		else if (!*loop.config->policyd_url)
			finish(t, VMP_EIO, NULL, "[policyd] url is not set");
		else if (!identity_is_there())
			finish(t, VMP_EIO, NULL, "the host has no certificate to tell policyd with");
		else
			finish(t, VMP_EIO, NULL, *report.error ? report.error : "policyd does not answer in time");
	}
}

static void send_all(uint64_t now)
{
	struct ledger_entry *e;
	struct task *t;

	while (report.n_flying < AT_A_TIME && (t = next_start())) {
		unlink_task(&report.waiting, t);
		send_start(t);
	}
	for (e = ledger_first(); e && report.n_flying < AT_A_TIME; e = e->next) {
		if (e->due <= now && may_stop(e))
			send_stop(e);
	}
}

/* When there is something to be done next that no answer and no certificate brings about. */
static void arm(uint64_t now)
{
	const struct ledger_entry *e;
	const struct task *t;
	uint64_t at = UINT64_MAX;
	struct timeval tv;

	for (t = report.waiting; t; t = t->next)
		at = t->deadline < at ? t->deadline : at;
	for (e = ledger_first(); e && identity_is_there() && report.n_flying < AT_A_TIME; e = e->next) {
		if (may_stop(e) && e->due < at)
			at = e->due;
	}
	if (at == UINT64_MAX)
		return;
	at = at > now ? at - now : 1;
	tv.tv_sec = (time_t)(at / 1000);
	tv.tv_usec = (suseconds_t)(at % 1000 * 1000);
	evtimer_add(report.timer, &tv);
}

static void pump(evutil_socket_t fd, short what, void *ctx)
{
	uint64_t now = loop_now();

	(void)fd;
	(void)what;
	(void)ctx;
	give_up_overdue(now);
	if (*loop.config->policyd_url && identity_is_there())
		send_all(now);
	arm(now);
}

/* -- for the others --------------------------------------------------------------------------------------------- */

int report_init(struct vmp_msg *msg)
{
	report.timer = evtimer_new(loop.base, pump, NULL);
	if (!report.timer)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	identity_changed(kick);
	kick();
	return ledger_open(loop.config->state_directory, msg);
}

static void free_all(struct task **list)
{
	struct task *t;

	while ((t = *list)) {
		*list = t->next;
		free(t);
	}
}

void report_free(void)
{
	free_all(&report.waiting);
	free_all(&report.flying);
	if (report.timer)
		event_free(report.timer);
	ledger_close();
	memset(&report, 0, sizeof(report));
}

void report_starting(const struct guest_info *guest, report_fn done, void *ctx)
{
	struct task *t = calloc(1, sizeof(*t));

	/* As with any other want of memory in a daemon's smallest parts: its parent starts it anew. */
	if (!t)
		abort();
	t->info = *guest;
	t->is_start = true;
	t->done = done;
	t->ctx = ctx;
	t->given_up = guest->n_nic == 0;
	t->deadline = loop_now() + (*loop.config->policyd_url ? (uint64_t)loop.config->policyd_timeout * 1000 : 0);
	append(&report.waiting, t);
	kick();
}

/* Starts of it that policyd has not heard of. */
static void give_up(const char *uuid)
{
	struct task *t;

	for (t = report.waiting; t; t = t->next) {
		if (strcmp(t->info.uuid, uuid) == 0)
			t->given_up = true;
	}
	kick();
}

static void stop(struct ledger_entry *e)
{
	e->stopped = true;
	e->tries = 0;
	e->due = loop_now();
}

void report_stopped(const char *uuid)
{
	struct ledger_entry *e = ledger_find(uuid);

	give_up(uuid);
	if (e && !e->stopped)
		stop(e);
}

void report_left(const char *uuid)
{
	struct ledger_entry *e = ledger_find(uuid);

	give_up(uuid);
	if (e)
		ledger_remove(e);
}

void report_forget(void *ctx)
{
	struct task *t, *next;

	for (t = report.flying; t; t = t->next)
		t->done = t->ctx == ctx ? NULL : t->done;
	for (t = report.waiting; t; t = next) {
		next = t->next;
		if (t->ctx == ctx) {
			unlink_task(&report.waiting, t);
			free(t);
		}
	}
}

bool report_is_known(const char *uuid)
{
	const struct ledger_entry *e = ledger_find(uuid);

	return e && e->told && !e->stopped;
}

void report_reconcile(enum guest_source source, bool (*is_running)(const char *uuid))
{
	struct ledger_entry *e;

	for (e = ledger_first(); e; e = e->next) {
		if (e->source == source && !e->stopped && !is_running(e->uuid))
			stop(e);
	}
	kick();
}

unsigned report_pending(void)
{
	const struct ledger_entry *e;
	unsigned n = 0;

	for (e = ledger_first(); e; e = e->next)
		n += e->stopped;
	return n;
}

const char *report_error(void)
{
	return report.error;
}
