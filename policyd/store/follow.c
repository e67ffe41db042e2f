/* Changes of policy.db and notices of session.db, followed to the sessions that they concern. */
#include "network.h"
#include "store_directory.h"
#include "log.h"

#include <string.h>

/* At most so many in one transaction. */
#define FOLLOW_MAX 1000
/* [ms] The RADIUS server writes an authorization after it has decided it: what it decided before a change may be
 * written when the change has been followed.  So each is followed once more after a time in which a writer that does
 * not fail has written; one that failed leaves a notice.  A change's own time is no measure: it may be long before its
 * commit. */
#define AGAIN_MS 3000

/* What goes through the callbacks. */
struct walk {
	struct state *s;
	struct vmp_msg *msg;
	int n;
	bool all;	    /**< all sessions are to be compared, once for all such changes */
	int64_t changed_at; /**< the present change */
};

/* -- changes -------------------------------------------------------------------------------------------------- */

static int concern_mac(struct walk *w, const struct vmp_change *change)
{
	return scan_mac(w->s, (uint64_t)change->ref, JUDGE_NAMED, w->msg);
}

static int concern_member(struct walk *w, const struct vmp_change *change)
{
	int err = concern_mac(w, change);

	return err == VMP_OK ? scan_ties(w->s, change->name, w->msg) : err;
}

static int concern_coi(struct walk *w, const struct vmp_change *change)
{
	/* A new one has no members yet, and each who joins is a change. */
	return strcmp(change->action, "insert") == 0 ? VMP_OK : scan_coi(w->s, change->ref, w->msg);
}

static int concern_all(struct walk *w, const struct vmp_change *change)
{
	(void)change;
	w->all = true;
	return VMP_OK;
}

static int revoked_session(void *ctx, const struct vmp_session *session)
{
	struct walk *w = ctx;

	if (session->authorized_at > w->changed_at)
		return VMP_OK;
	return network_job(w->s, session, VMP_COA_DISCONNECT, "certificate-revoked", NULL, w->msg);
}

static int concern_certificate(struct walk *w, const struct vmp_change *change)
{
	struct vmp_session_filter filter = { .mac = 0 };
	char cert_name[254] = "";
	int err = vmp_coa_revoked(w->s->store, change->name, &filter.mac, cert_name, w->msg);

	if (err != VMP_OK)
		return err == VMP_ENOENT ? VMP_OK : err;
	if (!filter.mac)
		filter.cert_name = cert_name;
	if (!filter.mac && !*cert_name)
		return VMP_OK;
	return vmp_session_each(w->s->network->sessions, &filter, revoked_session, w, w->msg);
}

/* Kinds that are not here concern no port of a switch. */
static const struct {
	const char *kind;
	int (*concern)(struct walk *w, const struct vmp_change *change);
} concerns[] = {
	{ "vm", concern_mac },	    { "vm_host", concern_mac },	    { "vm_nas", concern_mac },
	{ "eap_md5", concern_mac }, { "member", concern_member },   { "coi", concern_coi },
	{ "tenant", concern_all },  { "enclave", concern_all },	    { "nas", concern_all },
	{ "host", concern_all },    { "host_uplink", concern_all }, { "certificate", concern_certificate },
};

static int concern(struct walk *w, const struct vmp_change *change)
{
	int err = VMP_OK;
	size_t i;

	w->changed_at = change->at;
	for (i = 0; i < sizeof(concerns) / sizeof(concerns[0]) && err == VMP_OK; i++) {
		if (strcmp(concerns[i].kind, change->kind) == 0)
			err = concerns[i].concern(w, change);
	}
	return err;
}

static int follow_change(void *ctx, const struct vmp_change *change)
{
	struct walk *w = ctx;
	struct network *n = w->s->network;
	int err = concern(w, change);

	n->follow.change_id = change->id;
	n->follow_unsaved = true;
	w->n++;
	return err;
}

/* Where changes are missing, or it is not known what was before, everything is compared. */
static int find_start(struct state *s, int64_t last, struct vmp_msg *msg)
{
	struct vmp_coa_follow *f = &s->network->follow;
	int64_t first = 0;
	int err = vmp_coa_change_first(s->store, &first, msg);

	if (err != VMP_OK || (f->change_id >= first - 1 && f->change_id <= last && f->change_id >= 0))
		return err;
	err = scan_all(s, f->change_id < 0 ? JUDGE_START : JUDGE_SCAN, msg);
	/* Revocations among those that are still there are followed one by one. */
	if (f->change_id < 0 || f->change_id > last)
		f->change_id = last;
	return err;
}

static int follow_changes(struct walk *w, int64_t last)
{
	struct state *s = w->s;
	struct network *n = s->network;
	int err = find_start(s, last, w->msg);

	w->n = 0;
	if (err == VMP_OK && n->follow.change_id < last)
		err = vmp_store_change_each(s->store, n->follow.change_id, FOLLOW_MAX, follow_change, w, w->msg);
	if (err == VMP_OK && w->all)
		err = scan_all(s, JUDGE_SCAN, w->msg);
	return err;
}

/* -- changes, a second time ----------------------------------------------------------------------------------- */

static bool again_is_due(struct state *s)
{
	struct network *n = s->network;

	if (n->again.done >= n->again.until && n->follow.change_id > n->again.done) {
		n->again.until = n->follow.change_id;
		n->again.due_ms = s->clock.boot_ms + AGAIN_MS;
	}
	return n->again.done < n->again.until && s->clock.boot_ms >= n->again.due_ms;
}

/* After a start the last ones may not have been followed again before, and jobs may have been given up: what was told
 * is compared, all of it. */
static int again_begin(struct state *s, struct vmp_msg *msg)
{
	struct network *n = s->network;

	n->again.done = n->follow.change_id > FOLLOW_MAX ? n->follow.change_id - FOLLOW_MAX : 0;
	n->again.until = 0;
	return scan_all(s, JUDGE_START, msg);
}

static int again_change(void *ctx, const struct vmp_change *change)
{
	struct walk *w = ctx;
	struct network *n = w->s->network;
	int err;

	if (change->id > n->again.until)
		return VMP_EBUSY; /* not yet */
	err = concern(w, change);
	n->again.done = change->id;
	w->n++;
	return err;
}

static int follow_again(struct state *s, struct vmp_msg *msg)
{
	struct network *n = s->network;
	struct walk w = { .s = s, .msg = msg };
	int err = vmp_store_change_each(s->store, n->again.done, FOLLOW_MAX, again_change, &w, msg);

	if (err == VMP_EBUSY)
		err = VMP_OK;
	if (err == VMP_OK && w.all)
		err = scan_all(s, JUDGE_SCAN, msg);
	n->again.more = w.n == FOLLOW_MAX && n->again.done < n->again.until;
	if (!n->again.more)
		n->again.done = n->again.until; /* there may be none with this very id */
	return err;
}

/* What is due. */
static int again(struct state *s, struct vmp_msg *msg)
{
	int err = s->network->again.done < 0 ? again_begin(s, msg) : VMP_OK;

	return err == VMP_OK && again_is_due(s) ? follow_again(s, msg) : err;
}

/* -- notices -------------------------------------------------------------------------------------------------- */

/* The place that was left is to be taken down, unless its NAS has done so already. */
static int leave_past(struct walk *w, const struct vmp_notice *notice, const char *reason)
{
	struct vmp_session past;
	int err = vmp_session_get_past(w->s->network->sessions, notice->past_id, &past, w->msg);

	if (err == VMP_OK && !past.closed_at)
		err = network_job(w->s, &past, VMP_COA_DISCONNECT, reason, NULL, w->msg);
	vmp_session_done(w->s->network->sessions);
	return err == VMP_ENOENT ? VMP_OK : err;
}

static int notice_alarm(struct walk *w, const struct vmp_notice *notice, const char *event)
{
	char actor[STATE_ACTOR];

	snprintf(actor, sizeof(actor), "nas %s", notice->nas);
	return network_alarm(w->s, event, actor, notice->mac, notice->detail, w->msg);
}

static int notice_moved(struct walk *w, const struct vmp_notice *notice)
{
	int err = leave_past(w, notice, "moved");

	metric_add(METRIC_GUEST_MOVES, 1);
	return err == VMP_OK ? notice_alarm(w, notice, "guest-moved") : err;
}

static int notice_clone(struct walk *w, const struct vmp_notice *notice)
{
	int err = leave_past(w, notice, "clone");

	metric_add(METRIC_CLONE_ALARMS, 1);
	return err == VMP_OK ? notice_alarm(w, notice, "clone-alarm") : err;
}

static int notice_restart(struct walk *w, const struct vmp_notice *notice)
{
	struct state *s = w->s;
	int64_t until = notice->at < s->clock.now ? notice->at : s->clock.now;
	struct network_nas *nas;
	int n = 0;

	TAILQ_FOREACH(nas, &s->network->nases, next)
	{
		if (strcmp(nas->address, notice->nas) == 0)
			nas->retry_ms = 0; /* it is there again: ask now */
	}
	s->network->wrote = true;
	/* One of the same second may be of a session that began since; of others it will be seen that theirs is over.
	 */
	return vmp_coa_finish_nas(s->store, notice->nas, until - 1, true, "the NAS has restarted", s->clock.now, &n,
				  w->msg);
}

static int notice_refused(struct walk *w, const struct vmp_notice *notice)
{
	return notice_alarm(w, notice, "authorization-refused");
}

/* The session that lasts is one of two with this MAC, and not wanted either. */
static int notice_evict(struct walk *w, const struct vmp_notice *notice)
{
	struct vmp_store *sessions = w->s->network->sessions;
	struct vmp_session session;
	int err = vmp_session_get(sessions, notice->mac, &session, w->msg);

	if (err == VMP_OK && strcmp(session.place.nas, notice->nas) == 0)
		err = network_job(w->s, &session, VMP_COA_DISCONNECT, "clone", NULL, w->msg);
	vmp_session_done(sessions);
	return err == VMP_ENOENT ? VMP_OK : err;
}

/* Changes may have passed by authorizations that were written long after they were decided, or a session that was
 * held to be over. */
static int notice_late(struct walk *w, const struct vmp_notice *notice)
{
	return notice->mac ? scan_mac(w->s, notice->mac, JUDGE_NAMED, w->msg) : scan_all(w->s, JUDGE_SCAN, w->msg);
}

static const struct {
	const char *kind;
	int (*take)(struct walk *w, const struct vmp_notice *notice);
} notices[] = {
	{ "moved", notice_moved },	   { "clone", notice_clone },	  { "evict", notice_evict },
	{ "nas-restart", notice_restart }, { "refused", notice_refused }, { "late", notice_late },
};

static int follow_notice(void *ctx, const struct vmp_notice *notice)
{
	struct walk *w = ctx;
	struct network *n = w->s->network;
	int err = VMP_OK;
	size_t i;

	for (i = 0; i < sizeof(notices) / sizeof(notices[0]) && err == VMP_OK; i++) {
		if (strcmp(notices[i].kind, notice->kind) == 0)
			err = notices[i].take(w, notice);
	}
	n->follow.notice_id = notice->id;
	n->follow_unsaved = n->wrote = true;
	w->n++;
	return err;
}

static int follow_notices(struct walk *w)
{
	struct network *n = w->s->network;
	int64_t last = 0;
	int err = vmp_session_notice_last(n->sessions, &last, w->msg);

	w->n = 0;
	/* Another file, or this one as it was some time ago. */
	if (err == VMP_OK && (strcmp(n->follow.session_store, n->session_store) != 0 || n->follow.notice_id > last)) {
		memcpy(n->follow.session_store, n->session_store, sizeof(n->session_store));
		n->follow.notice_id = 0;
		n->follow_unsaved = n->wrote = true;
		err = scan_all(w->s, JUDGE_START, w->msg);
	}
	if (err == VMP_OK)
		err = vmp_session_notice_each(n->sessions, n->follow.notice_id, FOLLOW_MAX, follow_notice, w, w->msg);
	n->notices = err != VMP_OK || w->n == FOLLOW_MAX;
	return err;
}

/* -- both ----------------------------------------------------------------------------------------------------- */

static int follow(struct state *s, int64_t last, bool save, bool *more, struct vmp_msg *msg)
{
	struct network *n = s->network;
	struct walk w = { .s = s, .msg = msg };
	int err = follow_changes(&w, last);

	*more = w.n == FOLLOW_MAX;
	if (err == VMP_OK && n->notices)
		err = follow_notices(&w);
	*more = *more || n->notices;
	if (err == VMP_OK && (save || n->again.more)) {
		err = again(s, msg);
		*more = *more || n->again.more;
	}
	/* Changes that led to nothing may be followed again: no need to write each time how far that was. */
	if (err == VMP_OK && n->follow_unsaved && (n->wrote || save)) {
		err = vmp_coa_follow_set(s->store, &n->follow, msg);
		n->follow_unsaved = false;
	}
	return err;
}

/* @return VMP_ENOENT: there is nothing to follow. */
static int look(struct state *s, bool save, int64_t *last, struct vmp_msg *msg)
{
	struct network *n = s->network;
	int err = VMP_OK;

	if (!n->follow_known)
		err = vmp_coa_follow_get(s->store, &n->follow, msg);
	if (err == VMP_OK) {
		n->follow_known = true;
		err = vmp_store_change_last(s->store, last, msg);
	}
	if (err == VMP_OK && *last == n->follow.change_id && !n->notices && !n->again.more &&
	    !(save && (n->follow_unsaved || n->again.done < 0 || again_is_due(s))))
		err = VMP_ENOENT;
	return err;
}

bool follow_step(struct state *s, bool each_second)
{
	struct network *n = s->network;
	struct vmp_msg msg = { "" };
	bool more = false;
	int64_t last = 0, was;
	int err;

	if (!n->sessions)
		return false;
	err = look(s, each_second, &last, &msg);
	if (err == VMP_ENOENT)
		return false;
	was = n->again.done;
	if (err == VMP_OK)
		err = vmp_store_begin(s->store, &msg);
	if (err == VMP_OK) {
		n->wrote = false;
		err = follow(s, last, each_second, &more, &msg);
		if (err == VMP_OK && state_commit(s))
			return more;
		vmp_store_rollback(s->store);
	}
	if (err != VMP_OK)
		network_failed(s, msg.text);
	n->again.done = was;
	network_rolled_back(s);
	return false;
}
