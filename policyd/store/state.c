#include "state.h"
#include "log.h"
#include "mac.h"
#include "store_audit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* At most so many messages in one transaction: the first of them waits for the last. */
#define BATCH_MAX 256

static const struct {
	int (*handle)(struct state *s, const struct message *m, struct vmp_msg *msg);
	const char *denial; /* audit event when it is refused; NULL: none */
} handlers[M_TYPES] = {
	[M_SERVER] = { enrolment_server, NULL },
	[M_CHAIN] = { enrolment_chain, NULL },
	[M_ENROL] = { enrolment_token, "enrolment-denied" },
	[M_RENEW] = { enrolment_renew, "renewal-denied" },
	[M_START] = { guest_start, "start-denied" },
	[M_STOP] = { guest_stop, "stop-denied" },
	[M_SELF] = { guest_self, "request-denied" },
	[M_COI_KEYS] = { coi_keys_get, "coi-keys-denied" },
	[M_COI_ACK] = { coi_keys_ack, "request-denied" },
	[M_DIRECTORY] = { directory_get, "directory-denied" },
	[M_NOTICES] = { notices_get, "request-denied" },
	[M_LICENCE] = { licences_lease, "licence-denied" },
	[M_LICENCE_WATCH] = { licences_watch, "licence-denied" },
	[M_FILTERS] = { filters_get, "request-denied" },
	[M_OCSP] = { revocation_ocsp, NULL },
	[M_CRL] = { revocation_crl, NULL },
	[M_HEALTH] = { health_get, NULL },
	[M_METRICS] = { health_metrics, NULL },
};

/* -- answers, held back until the commit ---------------------------------------------------------------------- */

/* What stands in the outbox; len octets follow. */
struct outgoing {
	uint64_t id;
	int err;
	size_t len;
	char text[VMP_MSG_MAX];
};

static int outbox_add(struct state *s, const struct outgoing *o, const void *data)
{
	if (evbuffer_expand(s->outbox, sizeof(*o) + o->len) != 0)
		return VMP_ENOMEM;
	evbuffer_add(s->outbox, o, sizeof(*o));
	if (o->len)
		evbuffer_add(s->outbox, data, o->len);
	return VMP_OK;
}

int state_answer(struct state *s, uint64_t net_id, const void *data, size_t len)
{
	const struct outgoing o = { .id = net_id, .err = VMP_OK, .len = len };

	return outbox_add(s, &o, data);
}

int state_answer_json(struct state *s, uint64_t net_id, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	int err = text ? state_answer(s, net_id, text, strlen(text)) : VMP_ENOMEM;

	if (text)
		vmp_wipe(text, strlen(text)); /* join bundles carry tokens */
	free(text);
	json_decref(json);
	return err;
}

int state_answer_refusal(struct state *s, uint64_t net_id, const char *text, const char *body, size_t len)
{
	struct outgoing o = { .id = net_id, .err = VMP_EEXIST, .len = len };

	strncpy(o.text, text, sizeof(o.text) - 1);
	return outbox_add(s, &o, body);
}

void state_answer_error(struct state *s, uint64_t net_id, int err, const char *text)
{
	struct outgoing o = { .id = net_id, .err = err };

	if (!net_id)
		return;
	strncpy(o.text, text && *text ? text : vmp_strerror(err), sizeof(o.text) - 1);
	if (outbox_add(s, &o, NULL) != VMP_OK)
		vmp_log(VMP_LOG_ERROR, "out-of-memory", NULL);
}

/* Send the answers; if what they tell of could not be made durable, say that instead. */
static void outbox_send(struct state *s, int err, const struct vmp_msg *msg)
{
	struct outgoing o;

	while (evbuffer_remove(s->outbox, &o, sizeof(o)) == (int)sizeof(o)) {
		struct message m = { .type = M_REPLY, .id = o.id, .blob_len = o.len };
		/* A plain error says nothing of what was written. */
		bool lost = err != VMP_OK && (o.err == VMP_OK || o.len);

		m.err = (uint32_t) - (lost ? err : o.err);
		m.blob = o.len ? evbuffer_pullup(s->outbox, (ev_ssize_t)o.len) : NULL;
		if (m.err)
			memcpy(m.text, lost ? msg->text : o.text, sizeof(m.text));
		if (lost)
			m.blob_len = 0;
		channel_send(s->net, &m);
		evbuffer_drain(s->outbox, o.len);
	}
}

/* -- the signer ----------------------------------------------------------------------------------------------- */

static void job_end(struct state *s, struct job *job)
{
	if (job->end)
		job->end(s, job);
	else
		free(job->data);
	free(job);
}

int state_ask(struct state *s, const struct message *net, struct message *m,
	      int (*done)(struct state *s, struct job *job, const struct message *reply, struct vmp_msg *msg),
	      void (*end)(struct state *s, struct job *job), void *data)
{
	struct job *job = message_is_sane(m) ? calloc(1, sizeof(*job)) : NULL;

	if (!job) {
		struct job none = { .data = data };

		if (end)
			end(s, &none);
		else
			free(data);
		return message_is_sane(m) ? VMP_ENOMEM : VMP_ECORRUPT;
	}
	job->id = m->id = ++s->last_job;
	job->net_id = net ? net->id : 0;
	job->net_type = net ? net->type : M_REPLY;
	job->asker = s->asker;
	job->done = done;
	job->end = end;
	job->data = data;
	TAILQ_INSERT_TAIL(&s->jobs, job, next);
	channel_send(s->signer, m);
	return STATE_LATER;
}

void state_on_failure(struct state *s,
		      int (*failed)(struct state *s, struct job *job, const struct message *reply, struct vmp_msg *msg))
{
	TAILQ_LAST(&s->jobs, job_list)->failed = failed;
}

/* -- one message ---------------------------------------------------------------------------------------------- */

int state_audit(struct state *s, const char *event, const char *actor, const char *subject, const char *detail,
		struct vmp_msg *msg)
{
	const struct vmp_audit row = { .event = event, .actor = actor, .subject = subject, .detail = detail };

	return vmp_store_audit(s->store, &row, msg);
}

void state_actor(const struct vmp_identity *who, char out[STATE_ACTOR])
{
	static const char *const kinds[] = {
		[VMP_CERT_VM] = "vm",	       [VMP_CERT_GATEWAY] = "gateway", [VMP_CERT_HOST] = "host",
		[VMP_CERT_SERVER] = "policyd", [VMP_CERT_SIGNER] = "policyd",
	};

	if (who->mac)
		state_vm(kinds[who->kind], who->mac, who->name, out);
	else
		snprintf(out, STATE_ACTOR, "%s %s", kinds[who->kind], who->name);
}

void state_vm(const char *kind, uint64_t mac, const char *name, char out[STATE_ACTOR])
{
	char text[VMP_MAC_TEXT];

	vmp_mac_format(mac, text);
	if (*name && strcmp(name, text) != 0)
		snprintf(out, STATE_ACTOR, "%s %s %s", kind, text, name);
	else
		snprintf(out, STATE_ACTOR, "%s %s", kind, text);
}

int state_identify(struct state *s, const struct message *m, unsigned kinds, struct vmp_identity *out,
		   struct vmp_msg *msg)
{
	int err;

	memset(out, 0, sizeof(*out));
	err = vmp_store_identify(s->store, m->serial, s->clock.now, out, msg);
	s->asker = *out;
	if (err == VMP_ENOENT)
		return vmp_fail(msg, VMP_EACCES, "this certificate was not issued here");
	if (err == VMP_OK && !(kinds & 1u << out->kind))
		return vmp_fail(msg, VMP_EACCES, "%s: this is not for %s certificates", out->name,
				out->kind == VMP_CERT_HOST ? "host" : "VM");
	return err;
}

/* Who asked, as far as the message says. */
static void denied_actor(const struct state *s, const struct message *m, char out[STATE_ACTOR])
{
	char serial[2 * VMP_SERIAL + 1];

	vmp_hex(m->serial, sizeof(m->serial), serial);
	if (s->asker.kind)
		state_actor(&s->asker, out);
	else
		snprintf(out, STATE_ACTOR, m->type == M_ENROL ? "token" : "certificate %s", serial);
}

static void audit_denial(struct state *s, const struct message *m, const char *event, const char *why)
{
	char actor[STATE_ACTOR], subject[STATE_ACTOR] = "";
	struct vmp_msg msg;
	uint64_t mac = m->mac;

	metric_add(METRIC_DENIALS, 1);
	/* A stranger fills no disk: of those who are nobody, one in a second. */
	s->denials++;
	if (!s->asker.kind)
		s->strangers++;
	if (s->denials > STATE_DENIALS || s->strangers > (s->asker.kind ? UINT64_MAX : 1))
		return;
	denied_actor(s, m, actor);
	if (m->type == M_START || (m->type == M_STOP && vmp_store_guest_mac(s->store, m->uuid, &mac, NULL) == VMP_OK))
		state_vm("vm", mac, "", subject);
	else if (m->type == M_STOP)
		snprintf(subject, sizeof(subject), "vm %s", m->uuid);
	vmp_log(VMP_LOG_WARNING, event, "actor", actor, "subject", *subject ? subject : NULL, "why", why, NULL);
	if (state_audit(s, event, actor, subject, why, &msg) != VMP_OK)
		vmp_log(VMP_LOG_ERROR, "audit-failed", "why", msg.text, NULL);
}

static bool is_denial(int err)
{
	return err == VMP_EACCES || err == VMP_ENOENT || err == VMP_EEXIST;
}

/* A handler's or a finished job's result. */
static void settle(struct state *s, const struct message *m, int err, const struct vmp_msg *msg)
{
	if (err == VMP_OK || err == STATE_LATER) {
		vmp_store_release(s->store, true);
		return;
	}
	vmp_store_release(s->store, false);
	licences_taken_back(s);
	if (m && handlers[m->type].denial && is_denial(err))
		audit_denial(s, m, handlers[m->type].denial, msg->text);
	if (err == VMP_EIO || err == VMP_EFULL || err == VMP_ECORRUPT || err == VMP_ENOMEM)
		vmp_log(VMP_LOG_ERROR, "request-failed", "why", msg->text, NULL);
}

static void handle(struct state *s, const struct message *m, int begun, const struct vmp_msg *why)
{
	struct vmp_msg msg = { "" };
	int err = begun;

	metric_add(METRIC_REQUESTS, 1);
	memset(&s->asker, 0, sizeof(s->asker));
	licences_message(s);
	if (!handlers[m->type].handle) {
		state_answer_error(s, m->id, VMP_EINVAL, "the store does not do that");
		return;
	}
	if (begun == VMP_OK)
		err = vmp_store_mark(s->store, &msg);
	else
		msg = *why;
	if (err == VMP_OK) {
		err = handlers[m->type].handle(s, m, &msg);
		settle(s, m, err, &msg);
	}
	if (err < 0)
		state_answer_error(s, m->id, err, msg.text);
}

static void finish(struct state *s, const struct message *reply, int begun, const struct vmp_msg *why)
{
	struct job *job = TAILQ_FIRST(&s->jobs);
	struct vmp_msg msg = { "" };
	int err = begun;

	if (!job || job->id != reply->id || reply->type != M_REPLY) {
		vmp_log(VMP_LOG_ERROR, "malformed-message", "peer", "signer", "why",
			"a reply that nothing was asked for", NULL);
		_exit(PROC_FAILED);
	}
	TAILQ_REMOVE(&s->jobs, job, next);
	metric_add(METRIC_SIGNATURES, 1);
	if (reply->err && !job->failed) {
		err = -(int)reply->err;
		vmp_fail(&msg, err, "signer: %s", *reply->text ? reply->text : vmp_strerror(err));
	} else if (begun != VMP_OK) {
		msg = *why;
	} else if ((err = vmp_store_mark(s->store, &msg)) == VMP_OK) {
		struct message m = { .type = job->net_type, .id = job->net_id };

		s->asker = job->asker;
		err = (reply->err ? job->failed : job->done)(s, job, reply, &msg);
		settle(s, job->net_id ? &m : NULL, err, &msg);
	}
	if (err < 0)
		state_answer_error(s, job->net_id, err, msg.text);
	job_end(s, job);
}

/* @param begun  what the transaction's begin gave, and why. */
static bool end_batch(struct state *s, int begun, struct vmp_msg *msg)
{
	int err;

	sessions_commit(s);
	err = begun == VMP_OK ? licences_write(s, msg) : begun;
	if (err == VMP_OK)
		err = vmp_store_commit(s->store, msg);
	if (err != VMP_OK) {
		vmp_store_rollback(s->store);
		licences_rolled_back(s);
		directory_rolled_back(s);
		notices_rolled_back(s);
		network_rolled_back(s);
		metric_add(METRIC_COMMIT_FAILURES, 1);
		vmp_log(VMP_LOG_ERROR, begun == VMP_OK ? "commit-failed" : "store-busy", "why", msg->text, NULL);
	} else {
		licences_committed(s);
		metric_add(METRIC_COMMITS, 1);
	}
	outbox_send(s, err, msg);
	return err == VMP_OK;
}

bool state_commit(struct state *s)
{
	struct vmp_msg msg = { "" };

	return end_batch(s, VMP_OK, &msg);
}

void state_batch(struct state *s)
{
	struct vmp_msg msg = { "" };
	struct message m;
	int n = 0, err;

	vmp_clock_read(&s->clock);
	err = vmp_store_begin(s->store, &msg);
	while (n < BATCH_MAX && channel_next(s->signer, &m)) {
		finish(s, &m, err, &msg);
		n++;
	}
	while (n < BATCH_MAX && channel_next(s->net, &m)) {
		handle(s, &m, err, &msg);
		n++;
	}
	while (n < BATCH_MAX && network_take(s, err))
		n++;
	s->changed = true;
	end_batch(s, err, &msg);
	licences_mark(s);
	network_work(s);
	if (n == BATCH_MAX)
		event_active(s->batch, EV_TIMEOUT, 1);
}
