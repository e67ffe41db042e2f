/* Sessions compared with what the policy says now: one, or many in steps. */
#include "log.h"
#include "network.h"

#include <string.h>

/* Sessions in one transaction. */
#define STEP_MAX 500
/* [s] Changes of memberships come in numbers: one comparison serves those of so long a time. */
#define TIES_WAIT_S 5

/* -- asked for ------------------------------------------------------------------------------------------------ */

static int ask(struct state *s, const struct vmp_coa_scan *scan, int64_t not_before, struct vmp_msg *msg)
{
	s->network->scans = s->network->wrote = true;
	return vmp_coa_scan_add(s->store, scan, not_before, msg);
}

int scan_all(struct state *s, enum judge_why why, struct vmp_msg *msg)
{
	const struct vmp_coa_scan scan = { .kind = VMP_SCAN_ALL, .ref = why == JUDGE_START };

	return ask(s, &scan, 0, msg);
}

int scan_coi(struct state *s, int64_t id, struct vmp_msg *msg)
{
	const struct vmp_coa_scan scan = { .kind = VMP_SCAN_COI, .ref = id };

	return ask(s, &scan, 0, msg);
}

int scan_ties(struct state *s, const char *coi, struct vmp_msg *msg)
{
	struct network *n = s->network;
	struct vmp_coa_scan scan = { .kind = VMP_SCAN_TIES };
	struct network_tie *tie;
	size_t i;
	int err;

	for (i = 0; i < NETWORK_TIES; i++) {
		if (n->tie[i].not_before > s->clock.now && strcmp(n->tie[i].coi, coi) == 0)
			return VMP_OK;
	}
	err = vmp_coa_coi_id(s->store, coi, &scan.ref, msg);
	if (err == VMP_ENOENT)
		return VMP_OK; /* renamed or gone, which is a change of its own */
	if (err == VMP_OK)
		err = ask(s, &scan, s->clock.now + TIES_WAIT_S, msg);
	if (err != VMP_OK)
		return err;
	tie = &n->tie[n->next_tie++ % NETWORK_TIES];
	snprintf(tie->coi, sizeof(tie->coi), "%s", coi);
	tie->not_before = s->clock.now + TIES_WAIT_S;
	return VMP_OK;
}

/* -- compared ------------------------------------------------------------------------------------------------- */

static int compare(struct state *s, const struct vmp_session *session, enum judge_why why, struct vmp_msg *msg)
{
	struct judgement judgement;
	int err = judge_session(s, session, why, &judgement, msg);

	if (err == VMP_OK && judgement.act)
		err = network_job(s, session, judgement.action, judgement.reason, NULL, msg);
	return err;
}

int scan_mac(struct state *s, uint64_t mac, enum judge_why why, struct vmp_msg *msg)
{
	struct vmp_store *sessions = s->network->sessions;
	struct vmp_session session;
	int err = vmp_session_get(sessions, mac, &session, msg);

	if (err == VMP_OK)
		err = compare(s, &session, why, msg);
	vmp_session_done(sessions);
	return err == VMP_ENOENT ? VMP_OK : err;
}

struct step {
	struct state *s;
	struct vmp_msg *msg;
	enum judge_why why;
	uint64_t after;
	int n;
};

static int each_session(void *ctx, const struct vmp_session *session)
{
	struct step *step = ctx;

	step->after = session->mac;
	step->n++;
	return compare(step->s, session, step->why, step->msg);
}

static int each_member(void *ctx, uint64_t mac)
{
	struct step *step = ctx;

	step->after = mac;
	step->n++;
	return scan_mac(step->s, mac, step->why, step->msg);
}

/* The next ones of a scan; it has ended when there is none. */
static int go_on(struct state *s, const struct vmp_coa_scan *scan, struct vmp_msg *msg)
{
	enum judge_why why = scan->kind == VMP_SCAN_ALL && scan->ref ? JUDGE_START : JUDGE_SCAN;
	struct step step = { .s = s, .msg = msg, .why = why, .after = scan->after };
	const struct vmp_session_filter filter = { .after = scan->after, .max = STEP_MAX };
	int err;

	if (scan->kind == VMP_SCAN_TIES && scan->after == 0)
		memset(s->network->tie, 0, sizeof(s->network->tie)); /* it begins: later changes need another */
	if (scan->kind == VMP_SCAN_ALL)
		err = vmp_session_each(s->network->sessions, &filter, each_session, &step, msg);
	else
		err = vmp_coa_member_each(s->store, scan->ref, scan->kind == VMP_SCAN_TIES, scan->after, STEP_MAX,
					  each_member, &step, msg);
	if (err != VMP_OK)
		return err;
	return step.n ? vmp_coa_scan_move(s->store, scan->id, step.after, msg)
		      : vmp_coa_scan_end(s->store, scan->id, msg);
}

bool scan_step(struct state *s)
{
	struct network *n = s->network;
	struct vmp_coa_scan scan;
	struct vmp_msg msg = { "" };
	int err;

	if (!n->sessions || !n->scans)
		return false;
	err = vmp_coa_scan_next(s->store, s->clock.now, &scan, &msg);
	if (err == VMP_ENOENT) {
		n->scans = false;
		return false;
	}
	if (err == VMP_OK)
		err = vmp_store_begin(s->store, &msg);
	if (err == VMP_OK) {
		err = go_on(s, &scan, &msg);
		if (err == VMP_OK && state_commit(s))
			return true;
		vmp_store_rollback(s->store);
	}
	if (err != VMP_OK)
		network_failed(s, msg.text);
	network_rolled_back(s);
	return false;
}
