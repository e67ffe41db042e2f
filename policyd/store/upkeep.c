/* What the store process does by itself: health, clock, tidying. */
#include "log.h"
#include "state.h"
#include "store_audit.h"
#include "store_coa.h"
#include "store_coi_key.h"
#include "store_directory.h"
#include "store_licence.h"

#include <stdlib.h>
#include <sys/statvfs.h>

#define TICKS_A_SECOND 10
#define TIDY_S	       60	     /* [s] between tidyings */
#define TIDY_ROWS      2000	     /* at most in one transaction */
#define ROOM_MIN       (1024 * 1024) /* [octets] of the disk: with less, it counts as full */
#define STEP_S	       60	     /* [s] a smaller step of the clock is not worth a word */

/* [s] what the clock on the wall says beyond the one that nobody sets */
static int64_t clock_offset(const struct state *s)
{
	return s->clock.now - s->clock.boot_ms / 1000;
}

static void watch_clock(struct state *s)
{
	int64_t offset = clock_offset(s), step = offset - s->clock_offset_s;
	struct vmp_msg msg;

	if (llabs(step) > STEP_S) {
		metric_add(METRIC_CLOCK_STEPS, 1);
		vmp_log(VMP_LOG_WARNING, "clock-stepped", "seconds", vmp_log_num(step), NULL);
		if (state_audit(s, "clock-stepped", "policyd", "", vmp_log_num(step), &msg) != VMP_OK)
			vmp_log(VMP_LOG_ERROR, "audit-failed", "why", msg.text, NULL);
	}
	s->clock_offset_s = offset;
}

/* @return whether there is more to do. */
static bool tidy(struct state *s)
{
	const struct config *c = s->config;
	int certs = 0, changes = 0, events = 0, jobs = 0, licences = 0;
	struct vmp_msg msg;

	if (vmp_store_cert_tidy(s->store, s->clock.now, c->keep_certificates, TIDY_ROWS, &certs, &msg) != VMP_OK ||
	    vmp_store_change_tidy(s->store, s->clock.now, c->keep_changes, TIDY_ROWS, &changes, &msg) != VMP_OK ||
	    vmp_store_audit_tidy(s->store, s->clock.now, c->keep_audit, TIDY_ROWS, &events, &msg) != VMP_OK ||
	    vmp_coa_tidy(s->store, s->clock.now, c->coa_keep_jobs, TIDY_ROWS, &jobs, &msg) != VMP_OK ||
	    vmp_licence_tidy(s->store, &s->clock, c->keep_denials, TIDY_ROWS, &licences, &msg) != VMP_OK)
		vmp_log(VMP_LOG_ERROR, "upkeep-failed", "why", msg.text, NULL);
	return certs == TIDY_ROWS || changes == TIDY_ROWS || events == TIDY_ROWS || jobs == TIDY_ROWS ||
	       licences == TIDY_ROWS;
}

static void second(struct state *s)
{
	uint64_t left_out = (s->denials > STATE_DENIALS ? s->denials - STATE_DENIALS : 0) +
			    (s->strangers > 1 ? s->strangers - 1 : 0);

	if (left_out)
		vmp_log(VMP_LOG_WARNING, "denials-not-audited", "n", vmp_log_num((long long)left_out), NULL);
	s->denials = s->strangers = 0;
	watch_clock(s);
	licences_tick(s);
	coi_keys_retire(s);
	if (s->untidy || s->ticks % (TIDY_S * TICKS_A_SECOND) == 0)
		s->untidy = tidy(s);
}

static void look_after(struct state *s, bool each_second)
{
	struct vmp_msg msg;

	vmp_clock_read(&s->clock);
	if (vmp_store_begin(s->store, &msg) != VMP_OK) {
		vmp_log(VMP_LOG_WARNING, "upkeep-postponed", "why", msg.text, NULL);
		return;
	}
	/* Peers learn who has gone before anybody gets the next epoch's key. */
	directory_look(s);
	filters_look(s);
	notices_look(s);
	licences_look(s);
	coi_keys_rotate(s);
	if (each_second)
		second(s);
	state_commit(s);
}

void upkeep_tick(struct state *s)
{
	struct vmp_msg msg;
	bool others = false, each_second;

	each_second = ++s->ticks % TICKS_A_SECOND == 0;
	if (vmp_store_poll(s->store, &others, &msg) != VMP_OK)
		vmp_log(VMP_LOG_ERROR, "store-failed", "why", msg.text, NULL);
	s->changed = s->changed || others;
	if (s->changed || each_second)
		look_after(s, each_second);
	licences_mark(s);
	network_tick(s, others, each_second);
}

/* A small write may still find room in the write-ahead log when nothing else does. */
static int has_room(const struct state *s, struct vmp_msg *msg)
{
	struct statvfs fs;

	if (statvfs(s->config->store_path, &fs) == 0 && fs.f_bavail * fs.f_frsize < ROOM_MIN)
		return vmp_fail(msg, VMP_EFULL, "store %s: the disk is full: less than %d KiB are free",
				s->config->store_path, ROOM_MIN / 1024);
	return VMP_OK;
}

/* The signer has answered, and the commit will tell of the disk. */
static int healthy(struct state *s, struct job *job, const struct message *reply, struct vmp_msg *msg)
{
	const char *sessions = sessions_health(s);
	int err = has_room(s, msg);
	json_t *json;

	(void)reply;
	if (err == VMP_OK)
		err = vmp_store_touch(s->store, msg);
	if (err != VMP_OK)
		return err;
	json = json_pack("{s:s, s:s, s:s}", "store", "ok", "signer", "ok", "disk", "ok");
	/* Without session.db no guest is told anything, but all else goes on. */
	if (json && sessions)
		json_object_set_new(json, "sessions", json_string(sessions));
	return state_answer_json(s, job->net_id, json);
}

int health_get(struct state *s, const struct message *m, struct vmp_msg *msg)
{
	struct message ask = { .type = M_CHAIN };

	(void)msg;
	return state_ask(s, m, &ask, healthy, NULL, NULL);
}

int health_metrics(struct state *s, const struct message *m, struct vmp_msg *msg)
{
	struct evbuffer *text = evbuffer_new();
	int64_t open = 0;
	int err = VMP_ENOMEM;

	if (text) {
		if (vmp_coa_count(s->store, &open, msg) == VMP_OK)
			metric_set(METRIC_COA_JOBS_OPEN, open);
		metric_write(METRIC_STORE, text);
		licences_metrics(s, text);
		err = state_answer(s, m->id, evbuffer_pullup(text, -1), evbuffer_get_length(text));
		evbuffer_free(text);
	}
	return err;
}
