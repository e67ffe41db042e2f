#include "rlm_vmprov.h"

#include <pthread.h>
#include <signal.h>

#define MAX_QUEUED 65536        /* reports that wait for the store: some 40 MB */
#define MAX_UNANSWERED 32768    /* ... when accounting comes, which is sent again: it takes no authorization's place */
#define MAX_BATCH 4096          /* in one transaction */
#define GATHER_MS 10            /* authorizations wait so long for company; nobody waits for them */
#define RETRY_MS 1000           /* after a failure */
#define DRAIN_MS 10000          /* for what the writer before a reload has not written yet */
#define DRAIN_LOOK_MS 20
#define WAIT_MS 1000            /* a worker, for accounting that it must answer itself */
#define BUSY_MS 5000            /* policyd writes to it too */
#define UPKEEP_MS 1000
#define REST_MS 60000           /* after a reload */
#define LATE_S 2                /* after an authorization: what is later may have been passed by */
#define EXPIRE_ROWS 10000       /* looked at in each upkeep: a million in a hundred seconds */
#define TIDY_EVERY 60           /* upkeeps */
#define TIDY_ROWS 2000

typedef struct waiter {
	bool settled, written;
} waiter_t;

typedef struct queued {
	struct queued *next;
	struct vmp_report report;
	RADIUS_PACKET *reply;
	bool waits;                             /* a worker does, or did */
	waiter_t *waiter;                       /* NULL: it waits no more; under the mutex */
	bool moved;                             /* what it has led to, for when it is durable */
	struct vmp_report_effect *clone;
	char text[];
} queued_t;

struct writer {
	rlm_vmprov_t *inst;
	pthread_mutex_t mutex;          /* for what follows, up to running */
	pthread_cond_t put, settled;
	queued_t *first, **last;
	size_t n;
	bool urgent;                    /* somebody waits for an answer */
	bool stop;
	bool writing;                   /* the thread has a batch */
	bool retired;                   /* a reload has put another in its place ... */
	bool drains;                    /* ... which waits until this one has nothing left */
	bool running;
	pthread_t thread;

	/* The thread's own. */
	struct vmp_store *store;
	int64_t retry_ms, upkeep_ms;    /* CLOCK_MONOTONIC: not before */
	bool failing;
	unsigned upkeeps;
	uint64_t expire_mac;
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 *	The report's texts, which are copied behind it.
 */
#define TEXT(_member) offsetof(struct vmp_report, _member)
static size_t const texts[] = {
	TEXT(place.nas), TEXT(place.nas_port_id), TEXT(place.nas_ip), TEXT(place.nas_identifier), TEXT(place.user_name),
	TEXT(place.calling_station_id), TEXT(place.acct_session_id), TEXT(place.framed_ip), TEXT(cert_name), TEXT(cause),
	TEXT(detail),
};
#define N_TEXTS (sizeof(texts) / sizeof(texts[0]))

static queued_t *queued_new(struct vmp_report const *report, RADIUS_PACKET *reply, waiter_t *waiter)
{
	size_t len[N_TEXTS], total = 0, i;
	queued_t *q;
	char *at;

	for (i = 0; i < N_TEXTS; i++) {
		len[i] = strlen(*(char const *const *) ((uint8_t const *) report + texts[i])) + 1;
		total += len[i];
	}
	q = malloc(sizeof(*q) + total);
	if (!q) return NULL;
	q->next = NULL;
	q->report = *report;
	q->reply = reply;
	q->waits = waiter != NULL;
	q->waiter = waiter;
	q->moved = false;
	q->clone = NULL;
	for (i = 0, at = q->text; i < N_TEXTS; at += len[i++]) {
		char const **text = (char const **) ((uint8_t *) &q->report + texts[i]);

		memcpy(at, *text, len[i]);
		*text = at;
	}
	return q;
}

static char const *port_text(char const *port_id, int64_t port, char out[24])
{
	if (*port_id) return port_id;
	if (port < 0) return "-";
	snprintf(out, 24, "%lld", (long long) port);
	return out;
}

/*
 *	The MAC was seen in two places.
 */
static void cloned(writer_t *w, queued_t const *q)
{
	struct vmp_report_effect const *effect = q->clone;
	char mac[VMP_MAC_TEXT], newer[24], older[24];

	count(w->inst, STAT_CLONES);
	vmp_mac_format(q->report.mac, mac);
	radlog(L_AUTH, "rlm_vmprov (%s): audit: clone-alarm: mac %s newer nas %s port %s older nas %s port %s",
	       w->inst->name, mac, effect->newer_nas, port_text(effect->newer_port_id, effect->newer_port, newer),
	       effect->older_nas, port_text(effect->older_port_id, effect->older_port, older));
	clone_bar(w->inst, q->report.mac, effect, time(NULL));
}

static void queued_written(writer_t *w, queued_t *q)
{
	count(w->inst, STAT_SESSION_WRITTEN);
	if (q->moved) count(w->inst, STAT_MOVED);
	if (q->clone) cloned(w, q);
	if (q->reply) (void) rad_send(q->reply, NULL, NULL);
}

/*
 *	Done with it, for better or worse.
 */
static void queued_settle(writer_t *w, queued_t *q, bool written)
{
	if (written) queued_written(w, q);
	/* A worker that waits counts by itself what it answers. */
	if (q->reply) {
		count(w->inst, written ? STAT_ACCOUNTED : STAT_NOT_ACCOUNTED);
	} else if (!written && !q->waits) {
		count(w->inst, STAT_SESSION_LOST);
	}
	if (q->reply) rad_free(&q->reply);
	if (q->waits) {
		pthread_mutex_lock(&w->mutex);
		if (q->waiter) *q->waiter = (waiter_t) { true, written };
		pthread_cond_broadcast(&w->settled);
		pthread_mutex_unlock(&w->mutex);
	}
	free(q->clone);
	free(q);
}

/*
 *	A batch that could not be written.  Whoever waits for an answer will ask again; nobody will say again who was
 *	authorized, so that is kept, before what has come since.
 */
static void batch_failed(writer_t *w, queued_t *batch)
{
	queued_t *keep = NULL, **end = &keep, *next;
	size_t n = 0;

	for (; batch; batch = next) {
		next = batch->next;
		if (batch->reply || batch->waits || n == MAX_QUEUED) {
			queued_settle(w, batch, false);
			continue;
		}
		batch->next = NULL;
		*end = batch;
		end = &batch->next;
		n++;
	}
	if (!keep) return;

	pthread_mutex_lock(&w->mutex);
	*end = w->first;
	if (!w->first) w->last = end;
	w->first = keep;
	w->n += n;
	pthread_mutex_unlock(&w->mutex);
}

static void batch_written(writer_t *w, queued_t *batch)
{
	queued_t *next;

	for (; batch; batch = next) {
		next = batch->next;
		queued_settle(w, batch, true);
	}
}

/*
 *	Says it once for each outage, and when it is over.
 */
static void failed(writer_t *w, char const *why)
{
	w->retry_ms = now_ms() + RETRY_MS;
	if (w->failing) return;
	w->failing = true;
	ERROR("rlm_vmprov (%s): sessions are not written, accounting is not answered: %s", w->inst->name, why);
}

static void recovered(writer_t *w)
{
	if (!w->failing) return;
	w->failing = false;
	INFO("rlm_vmprov (%s): sessions are written again", w->inst->name);
}

static void store_close(writer_t *w)
{
	vmp_store_close(w->store);
	w->store = NULL;
}

/*
 *	What is written to a file that has been replaced or removed is not durable.
 */
static int store_open(writer_t *w, struct vmp_msg *msg)
{
	int err;

	if (w->store && !vmp_store_is_there(w->store)) {
		WARN("rlm_vmprov (%s): store %s: was replaced or removed", w->inst->name, w->inst->session.filename);
		store_close(w);
	}
	if (w->store) return VMP_OK;
	err = vmp_store_open(&w->store, w->inst->session.filename, VMP_STORE_SESSION, VMP_STORE_CREATE, BUSY_MS, msg);
	if (err == VMP_OK) err = vmp_store_migrate(w->store, NULL, NULL, msg);
	if (err != VMP_OK) {
		store_close(w);
	} else {
		vmp_store_bulk(w->store);	/* a million sessions are 170 MB, and any of them may be next */
	}
	return err;
}

/*
 *	After a clone alarm, where the newer is to go as well, its session has to end too.
 */
static int report_write(writer_t *w, queued_t *q, struct vmp_msg *msg)
{
	struct vmp_report_effect effect = { .moved = false };
	int err = vmp_session_report(w->store, &q->report, (int64_t) w->inst->session.clone_window, &effect, msg);

	q->moved = effect.moved;
	free(q->clone);
	q->clone = NULL;
	if ((err != VMP_OK) || !effect.clone) return err;

	q->clone = malloc(sizeof(effect));
	if (!q->clone) return VMP_ENOMEM;
	*q->clone = effect;
	if (!clone_evicts(w->inst, q->report.mac, &effect, time(NULL))) return VMP_OK;
	return vmp_session_evict(w->store, q->report.mac, q->report.at, "the MAC address is in use in two places", msg);
}

/*
 *	A report that the store refuses for what it says goes out of the batch: *bad.
 */
static int batch_report(writer_t *w, queued_t *batch, queued_t **bad, struct vmp_msg *msg)
{
	int64_t now = time(NULL);
	bool late = false;
	queued_t *q;
	int err = VMP_OK;

	for (q = batch; q && (err == VMP_OK); q = q->next) {
		err = report_write(w, q, msg);
		if (err == VMP_EINVAL) *bad = q;
		late = late || ((q->report.type == VMP_REPORT_AUTHORIZED) &&
				(w->failing || (q->report.at + LATE_S <= now)));
	}
	if ((err == VMP_OK) && late) err = vmp_session_late(w->store, now, msg);
	return err;
}

static queued_t *batch_without(queued_t *batch, queued_t const *bad)
{
	queued_t **at = &batch;

	while (*at != bad) at = &(*at)->next;
	*at = bad->next;
	return batch;
}

static void batch_write(writer_t *w, queued_t *batch)
{
	struct vmp_msg msg = { "" };
	queued_t *bad;
	int err;

	do {
		bad = NULL;
		err = store_open(w, &msg);
		if (err == VMP_OK) err = vmp_store_begin(w->store, &msg);
		if (err == VMP_OK) err = batch_report(w, batch, &bad, &msg);
		if (err == VMP_OK) err = vmp_store_commit(w->store, &msg);
		if (err == VMP_OK) {
			recovered(w);
			batch_written(w, batch);
			return;
		}
		if (w->store) vmp_store_rollback(w->store);
		if (bad) {
			RATE_LIMIT(ERROR("rlm_vmprov (%s): a session report is left out: %s", w->inst->name, msg.text));
			batch = batch_without(batch, bad);
			queued_settle(w, bad, false);
		}
	} while (bad && batch);
	if (!batch) return;

	/* Another try begins with the file as it then is. */
	if (w->store && (err != VMP_EBUSY)) store_close(w);
	failed(w, msg.text);
	batch_failed(w, batch);
}

static int upkeep_write(writer_t *w, struct vmp_msg *msg)
{
	int64_t now = time(NULL);
	int n = 0, err;

	err = vmp_store_begin(w->store, msg);
	if (err == VMP_OK) err = vmp_session_expire(w->store, now, &w->expire_mac, EXPIRE_ROWS, &n, msg);
	if ((err == VMP_OK) && (w->upkeeps++ % TIDY_EVERY == 0)) {
		err = vmp_session_tidy(w->store, now, (int64_t) w->inst->session.keep, TIDY_ROWS, &n, msg);
	}
	if (err == VMP_OK) err = vmp_store_commit(w->store, msg);
	if (err != VMP_OK) vmp_store_rollback(w->store);
	return err;
}

static void upkeep(writer_t *w)
{
	struct vmp_msg msg = { "" };
	int err;

	w->upkeep_ms = now_ms() + UPKEEP_MS;
	if (now_ms() < w->retry_ms) return;
	err = store_open(w, &msg);
	if (err == VMP_OK) err = upkeep_write(w, &msg);
	if (err == VMP_OK) {
		recovered(w);
		return;
	}
	if (w->store && (err != VMP_EBUSY)) store_close(w);
	failed(w, msg.text);
}

/*
 *	Another writer does the upkeep; the file may be another as well.
 */
static void rest(writer_t *w)
{
	w->upkeep_ms = now_ms() + REST_MS;
	store_close(w);
}

/*
 *	What was reported before a reload is to be written before what has been since: else an old place would be the
 *	latest.  Not for ever: the reload may have been for a path that cannot be written.
 */
static struct {
	int writers;
	int64_t until_ms;
} draining;

static bool is_held(writer_t const *w)
{
	return !w->retired && (__atomic_load_n(&draining.writers, __ATOMIC_ACQUIRE) > 0) &&
	       (now_ms() < __atomic_load_n(&draining.until_ms, __ATOMIC_RELAXED));
}

static void drained(writer_t *w)
{
	if (!w->drains) return;
	w->drains = false;
	__atomic_fetch_sub(&draining.writers, 1, __ATOMIC_RELEASE);
}

static bool may_write(writer_t const *w)
{
	return w->stop || (w->first && (now_ms() >= w->retry_ms) && !is_held(w));
}

/*
 *	When it may be otherwise, if nothing is put.
 */
static int64_t next_look(writer_t const *w)
{
	int64_t at = INT64_MAX;

	if (is_held(w)) {
		at = now_ms() + DRAIN_LOOK_MS;
	} else if (w->first) {
		at = w->retry_ms;
	}
	return at < w->upkeep_ms ? at : w->upkeep_ms;
}

static void wait_until(writer_t *w, int64_t until_ms)
{
	struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };

	pthread_cond_timedwait(&w->put, &w->mutex, &until);
}

/*
 *	What is queued, up to a batch; NULL when there is nothing, or it is time for other things.
 */
static queued_t *take(writer_t *w, bool *stop, bool *retired)
{
	int64_t gathered = now_ms() + GATHER_MS;
	queued_t *batch, *q;
	size_t n = 1;

	pthread_mutex_lock(&w->mutex);
	w->writing = false;
	if (!w->first) drained(w);
	while (!may_write(w) && now_ms() < w->upkeep_ms) {
		wait_until(w, next_look(w));
		gathered = now_ms() + GATHER_MS;
	}
	while (!w->stop && w->first && !w->urgent && now_ms() < gathered && w->n < MAX_BATCH) wait_until(w, gathered);
	*stop = w->stop;
	*retired = w->retired && !w->first;
	batch = may_write(w) ? w->first : NULL;
	w->writing = batch != NULL;
	for (q = batch; q && q->next && (n < MAX_BATCH); q = q->next) n++;
	if (q) {
		w->first = q->next;
		q->next = NULL;
		w->n -= n;
		if (!w->first) {
			w->last = &w->first;
			w->urgent = false;
		}
	}
	pthread_mutex_unlock(&w->mutex);
	return batch;
}

/*
 *	At the end what is queued is written once more; what cannot be is lost.
 */
static void drop_rest(writer_t *w)
{
	queued_t *next;

	for (; w->first; w->first = next) {
		next = w->first->next;
		queued_settle(w, w->first, false);
	}
}

static void *writer_run(void *arg)
{
	writer_t *w = arg;
	queued_t *batch;
	bool stop = false, retired = false;

	for (;;) {
		batch = take(w, &stop, &retired);
		if (batch) batch_write(w, batch);
		if (stop && (!batch || w->failing)) break;
		if (now_ms() < w->upkeep_ms) continue;
		if (retired) rest(w);
		else upkeep(w);
	}
	drop_rest(w);
	drained(w);
	store_close(w);
	return NULL;
}

/*
 *	At the first report rather than at the start, after which the server may yet fork.  Signals are the server's.
 */
static bool start(writer_t *w)
{
	sigset_t all, before;

	if (w->running) return true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	w->running = pthread_create(&w->thread, NULL, writer_run, w) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return w->running;
}

int writer_init(rlm_vmprov_t *inst)
{
	pthread_condattr_t attr;
	writer_t *w;

	if (!*inst->session.filename) return 0;
	w = calloc(1, sizeof(*w));
	if (!w) return -1;
	w->inst = inst;
	w->last = &w->first;
	pthread_mutex_init(&w->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->put, &attr);
	pthread_cond_init(&w->settled, &attr);
	pthread_condattr_destroy(&attr);
	inst->writer = w;
	return 0;
}

void writer_free(writer_t *w)
{
	if (!w) return;
	if (w->running) {
		pthread_mutex_lock(&w->mutex);
		w->stop = true;
		pthread_cond_signal(&w->put);
		pthread_mutex_unlock(&w->mutex);
		pthread_join(w->thread, NULL);
	}
	pthread_mutex_destroy(&w->mutex);
	pthread_cond_destroy(&w->put);
	pthread_cond_destroy(&w->settled);
	free(w);
}

void writer_retire(writer_t *w)
{
	if (!w) return;
	pthread_mutex_lock(&w->mutex);
	w->retired = true;
	if (!w->drains && (w->first || w->writing)) {
		w->drains = true;
		__atomic_store_n(&draining.until_ms, now_ms() + DRAIN_MS, __ATOMIC_RELAXED);
		__atomic_fetch_add(&draining.writers, 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&w->mutex);
}

static bool is_accounting(struct vmp_report const *report)
{
	return (report->type != VMP_REPORT_AUTHORIZED) && (report->type != VMP_REPORT_REFUSED);
}

/*
 *	Not longer than that: the worker has other requests to answer, and the NAS will send this one again.
 */
static void wait_settled(writer_t *w, queued_t *q, waiter_t const *waiter)
{
	int64_t until_ms = now_ms() + WAIT_MS;
	struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };

	while (!waiter->settled && (pthread_cond_timedwait(&w->settled, &w->mutex, &until) == 0));
	if (!waiter->settled) q->waiter = NULL;
}

bool writer_put(writer_t *w, struct vmp_report const *report, RADIUS_PACKET *reply)
{
	bool accounting = is_accounting(report), taken;
	bool waits = accounting && !reply;
	waiter_t waiter = { false, false };
	queued_t *q = queued_new(report, reply, waits ? &waiter : NULL);

	pthread_mutex_lock(&w->mutex);
	taken = q && !w->stop && (w->n < (accounting ? MAX_UNANSWERED : MAX_QUEUED)) && start(w);
	if (taken) {
		bool wake = !w->first || (accounting && !w->urgent);

		*w->last = q;
		w->last = &q->next;
		w->n++;
		w->urgent = w->urgent || accounting;
		if (wake) pthread_cond_signal(&w->put);
		if (waits) wait_settled(w, q, &waiter);
	}
	pthread_mutex_unlock(&w->mutex);
	if (taken) return !waits || waiter.written;

	if (reply) rad_free(&reply);
	free(q);
	if (!accounting) count(w->inst, STAT_SESSION_LOST);
	return false;
}
