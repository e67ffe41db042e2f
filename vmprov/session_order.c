/* session disconnect, reauth: what policyd is to have done with sessions. */
#include "actor.h"
#include "coa_job.h"
#include "find.h"
#include "mac.h"
#include "session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sessions of a NAS that are asked for in one transaction: policyd and others want to write too. */
#define BATCH 500

struct order {
	struct session_request *req;
	enum vmp_coa_action action;
	const char *event;
	char actor[ACTOR_MAX];
	int64_t *id; /* of the jobs that were made */
	size_t n, room;
	uint64_t last; /* MAC */
};

static int remember(struct order *o, int64_t id)
{
	int64_t *grown;

	if (o->n == o->room) {
		o->room = o->room ? 2 * o->room : 64;
		grown = reallocarray(o->id, o->room, sizeof(*grown));
		if (!grown)
			return vmp_fail(&o->req->msg, VMP_ENOMEM, "out of memory");
		o->id = grown;
	}
	o->id[o->n++] = id;
	return VMP_OK;
}

static int add(void *ctx, const struct vmp_session *session)
{
	struct order *o = ctx;
	const struct vmp_coa_job job = { .action = o->action,
					 .reason = "administrator",
					 .actor = o->actor,
					 .mac = session->mac,
					 .token = session->token,
					 .past_id = session->past_id,
					 .place = session->place };
	int64_t id = 0;
	int err = vmp_coa_add(o->req->policy, &job, &id, &o->req->msg);

	o->last = session->mac;
	return err == VMP_OK ? remember(o, id) : err;
}

static int audit_one(struct order *o, const char *mac, const char *nas)
{
	char subject[32], detail[VMP_ADDR_TEXT + 40];

	snprintf(subject, sizeof(subject), "vm %s", mac);
	snprintf(detail, sizeof(detail), "NAS %s, job %" PRId64, nas, o->id[o->n - 1]);
	return actor_audit(o->req->policy, o->event, subject, detail, &o->req->msg);
}

static int add_one(struct order *o, const char *which)
{
	struct session_request *req = o->req;
	char mac_text[VMP_MAC_TEXT], nas[VMP_ADDR_TEXT] = "";
	struct vmp_session session;
	uint64_t mac = 0;
	int err = find_mac(req->policy, which, &mac, &req->msg);

	if (err != VMP_OK)
		return err;
	vmp_mac_format(mac, mac_text);
	err = vmp_session_get(req->sessions, mac, &session, &req->msg);
	if (err == VMP_ENOENT)
		return vmp_fail(&req->msg, err, "%s: has no session that lasts", mac_text);
	if (err == VMP_OK) {
		snprintf(nas, sizeof(nas), "%s", session.place.nas);
		err = add(o, &session);
	}
	vmp_session_done(req->sessions);
	return err == VMP_OK ? audit_one(o, mac_text, nas) : err;
}

/* All or none of those that are named. */
static int add_named(struct order *o)
{
	struct session_request *req = o->req;
	int i, err = vmp_store_begin(req->policy, &req->msg);

	for (i = 0; i < req->argc && err == VMP_OK; i++)
		err = add_one(o, req->argv[i]);
	if (err == VMP_OK)
		err = vmp_store_commit(req->policy, &req->msg);
	vmp_store_rollback(req->policy);
	return err;
}

static int add_batch(struct order *o, const char *nas, size_t *n)
{
	struct session_request *req = o->req;
	const struct vmp_session_filter filter = { .nas = nas, .after = o->last, .max = BATCH };
	char subject[160];
	size_t before = o->n;
	int err = vmp_store_begin(req->policy, &req->msg);

	if (err == VMP_OK)
		err = vmp_session_each(req->sessions, &filter, add, o, &req->msg);
	snprintf(subject, sizeof(subject), "nas %s", nas);
	if (err == VMP_OK && !before && o->n)
		err = actor_audit(req->policy, o->event, subject, "all its sessions", &req->msg);
	if (err == VMP_OK)
		err = vmp_store_commit(req->policy, &req->msg);
	vmp_store_rollback(req->policy);
	*n = o->n - before;
	return err;
}

static int add_nas(struct order *o)
{
	struct session_request *req = o->req;
	char nas[VMP_ADDR_TEXT];
	struct vmp_addr addr;
	size_t n = BATCH;
	int err = find_nas(req->policy, req->nas, &addr, &req->msg);

	if (err == VMP_OK)
		vmp_addr_format(&addr, nas);
	while (err == VMP_OK && n == BATCH)
		err = add_batch(o, nas, &n);
	if (err == VMP_OK && !o->n)
		err = vmp_fail(&req->msg, VMP_ENOENT, "nas %s: has no session that lasts", req->nas);
	return err;
}

static int print_job(struct order *o, int64_t id, size_t *printed, size_t *undone)
{
	struct session_request *req = o->req;
	struct vmp_coa_job job;
	int err = vmp_coa_get(req->policy, id, &job, &req->msg);

	if (err == VMP_ENOENT)
		return VMP_OK;
	if (err != VMP_OK)
		return err;
	*undone += job.state != VMP_COA_DONE;
	if (req->cli->json)
		out_json_item(printed, coa_job_json(&job));
	else
		coa_job_line(&job);
	vmp_coa_done(req->policy);
	return VMP_OK;
}

static int wait_and_print(struct order *o)
{
	struct session_request *req = o->req;
	size_t i, open, printed = 0, undone = 0, n = o->n;
	int64_t *open_id = req->wait_s ? calloc(n, sizeof(*open_id)) : NULL;
	int err = VMP_OK;

	if (req->wait_s && !open_id)
		return vmp_fail(&req->msg, VMP_ENOMEM, "out of memory");
	if (open_id) {
		memcpy(open_id, o->id, n * sizeof(*open_id));
		err = coa_wait(req->policy, open_id, n, req->wait_s, &open, &req->msg);
		free(open_id);
	}
	for (i = 0; i < n && err == VMP_OK; i++)
		err = print_job(o, o->id[i], &printed, &undone);
	if (req->cli->json && (err == VMP_OK || printed))
		out_json_end(printed);
	if (err == VMP_OK && req->wait_s && undone)
		err = vmp_fail(&req->msg, VMP_EINVAL, "%zu of %zu not done", undone, n);
	return err;
}

static int order(struct session_request *req, enum vmp_coa_action action, const char *event)
{
	struct order o = { .req = req, .action = action, .event = event };
	int err;

	actor_name(o.actor);
	err = req->nas ? add_nas(&o) : add_named(&o);
	if (err == VMP_OK)
		err = wait_and_print(&o);
	free(o.id);
	return err;
}

int session_disconnect(struct session_request *req)
{
	return order(req, VMP_COA_DISCONNECT, "session-disconnect-asked");
}

int session_reauth(struct session_request *req)
{
	return order(req, VMP_COA_REAUTHENTICATE, "session-reauth-asked");
}
