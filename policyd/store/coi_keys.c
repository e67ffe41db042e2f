/* COI keys: wrapped for a member who asks, a new epoch when one is due. */
#include "est.h"
#include "log.h"
#include "state.h"
#include "store_coi_key.h"
#include "store_licence.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_MAX (VMP_LINK_MAX * VMP_EPOCHS_LIVE)
/* COIs whose keys are changed in one go. */
#define DUE_MAX 64
/* [s] A key without a schedule is said to be good for so long. */
#define UNSCHEDULED (365 * 86400)

/* An answer to come, of several envelopes. */
struct bundle {
	json_t *keys;
	unsigned asked, left;
};

/* One of them. */
struct envelope {
	struct bundle *bundle;
	char coi[VMP_COI_NAME];
	uint32_t epoch;
	bool current;
};

static void bundle_free(struct bundle *b)
{
	json_decref(b->keys);
	free(b);
}

static void envelope_end(struct state *s, struct job *job)
{
	struct envelope *e = job->data;

	(void)s;
	if (--e->bundle->left == 0)
		bundle_free(e->bundle);
	free(e);
}

/* Answer when all have come. */
static int complete(struct state *s, struct job *job, const struct bundle *b)
{
	/* One that failed has been answered for. */
	if (b->left > 1 || json_array_size(b->keys) != b->asked)
		return VMP_OK;
	return state_answer_json(s, job->net_id, json_pack("{s:O}", "keys", b->keys));
}

static int wrapped(struct state *s, struct job *job, const struct message *reply, struct vmp_msg *msg)
{
	struct envelope *e = job->data;
	struct bundle *b = e->bundle;
	char *text = vmp_base64(reply->blob, reply->blob_len);
	int err = VMP_OK;

	if (!text ||
	    json_array_append_new(b->keys, json_pack("{s:s, s:i, s:b, s:s}", "coi", e->coi, "epoch", (int)e->epoch,
						     "current", (int)e->current, "cms", text)) != 0)
		err = vmp_fail(msg, VMP_ENOMEM, "out of memory");
	free(text);
	metric_add(METRIC_ENVELOPES, 1);
	return err == VMP_OK ? complete(s, job, b) : err;
}

/* An old epoch that cannot be opened, since the master key was changed, keeps nobody from the current one. */
static int not_wrapped(struct state *s, struct job *job, const struct message *reply, struct vmp_msg *msg)
{
	struct envelope *e = job->data;

	if (e->current)
		return vmp_fail(msg, -(int)reply->err, "signer: %s", reply->text);
	e->bundle->asked--;
	return complete(s, job, e->bundle);
}

static int wrap(struct state *s, const struct message *m, const struct vmp_coi_key_row *row, const uint8_t *cert,
		size_t cert_len, struct bundle *b)
{
	struct message ask = { .type = M_WRAP,
			       .epoch = row->epoch,
			       .number = (uint64_t)row->coi_id,
			       .from = (uint64_t)row->created_at,
			       .blob = cert,
			       .blob_len = cert_len };
	struct envelope *e = calloc(1, sizeof(*e));
	int64_t life = s->config->rotate ? s->config->rotate : UNSCHEDULED;
	int err;

	if (!e)
		return VMP_ENOMEM;
	ask.until = (uint64_t)(row->retire_at ? row->retire_at : row->created_at + life + s->config->grace);
	memcpy(ask.serial, m->serial, sizeof(ask.serial));
	memcpy(ask.coi, row->coi, sizeof(ask.coi));
	memcpy(ask.sealed, row->sealed, sizeof(ask.sealed));
	memcpy(e->coi, row->coi, sizeof(e->coi));
	e->epoch = row->epoch;
	e->current = !row->retire_at;
	e->bundle = b;
	b->asked++;
	b->left++;
	err = state_ask(s, m, &ask, wrapped, envelope_end, e);
	if (err == STATE_LATER)
		state_on_failure(s, not_wrapped);
	return err;
}

static int wrap_all(struct state *s, const struct message *m, const struct vmp_coi_key_row *rows, size_t n,
		    struct vmp_msg *msg)
{
	struct bundle *b = calloc(1, sizeof(*b));
	uint8_t cert[VMP_CERT_MAX];
	size_t len = sizeof(cert), i;
	int err = b && (b->keys = json_array()) ? VMP_OK : VMP_ENOMEM;

	if (err == VMP_OK)
		err = vmp_store_cert_der(s->store, m->serial, cert, &len, msg);
	if (err != VMP_OK) {
		free(b);
		return err;
	}
	b->left = 1; /* ours, while we ask */
	for (i = 0; i < n && err >= VMP_OK; i++)
		err = wrap(s, m, &rows[i], cert, len, b);
	if (--b->left == 0)
		bundle_free(b);
	return err;
}

int coi_keys_get(struct state *s, const struct message *m, struct vmp_msg *msg)
{
	struct vmp_coi_key_row *rows = NULL;
	struct vmp_identity who;
	size_t n = 0;
	int err = state_identify(s, m, STATE_GUESTS, &who, msg);

	if (err == VMP_OK)
		err = vmp_licence_check(s->store, who.mac, msg);
	if (err == VMP_OK && !(rows = calloc(KEYS_MAX, sizeof(*rows))))
		err = VMP_ENOMEM;
	if (err == VMP_OK)
		err = vmp_store_coi_keys(s->store, who.mac, s->clock.now, rows, KEYS_MAX, &n, msg);
	if (err == VMP_OK && n == 0)
		err = state_answer_json(s, m->id, json_pack("{s:[]}", "keys"));
	else if (err == VMP_OK)
		err = wrap_all(s, m, rows, n, msg);
	free(rows);
	return err;
}

int coi_keys_ack(struct state *s, const struct message *m, struct vmp_msg *msg)
{
	struct vmp_identity who;
	int err = state_identify(s, m, STATE_GUESTS, &who, msg);

	if (err == VMP_OK)
		err = vmp_licence_check(s->store, who.mac, msg);
	if (err == VMP_OK)
		err = vmp_store_coi_ack(s->store, who.mac, m->coi, m->epoch, msg);
	return err == VMP_OK
		       ? state_answer_json(s, m->id, json_pack("{s:s, s:i}", "coi", m->coi, "epoch", (int)m->epoch))
		       : err;
}

/* -- epochs --------------------------------------------------------------------------------------------------- */

static int epoch_recorded(struct state *s, struct job *job, const struct message *reply, struct vmp_msg *msg)
{
	const struct vmp_coi_due *due = job->data;
	char subject[80], detail[120];
	int err;

	if (reply->blob_len != VMP_SEALED)
		return vmp_fail(msg, VMP_EINVAL, "signer: a sealed key of %zu octets", reply->blob_len);
	err = vmp_store_coi_epoch(s->store, due->coi_id, due->epoch, reply->blob, s->clock.now, s->config->grace, msg);
	if (err == VMP_EEXIST)
		return VMP_OK;
	snprintf(subject, sizeof(subject), "coi %s", due->coi);
	snprintf(detail, sizeof(detail), "epoch %u: %s", due->epoch, due->reason);
	if (err == VMP_OK)
		err = state_audit(s, "epoch", "policyd", subject, detail, msg);
	if (err != VMP_OK)
		return err;
	vmp_log(VMP_LOG_INFO, "epoch", "coi", due->coi, "epoch", vmp_log_num(due->epoch), "why", due->reason, NULL);
	metric_add(METRIC_EPOCHS, 1);
	return VMP_OK;
}

static void epoch_end(struct state *s, struct job *job)
{
	s->rotations--;
	free(job->data);
}

static void ask_epoch(struct state *s, const struct vmp_coi_due *due)
{
	struct message ask = { .type = M_NEW_KEY, .number = (uint64_t)due->coi_id, .epoch = due->epoch };
	struct vmp_coi_due *copy = malloc(sizeof(*copy));

	if (!copy)
		return;
	*copy = *due;
	s->rotations++;
	if (state_ask(s, NULL, &ask, epoch_recorded, epoch_end, copy) < 0)
		vmp_log(VMP_LOG_ERROR, "out-of-memory", NULL);
}

void coi_keys_retire(struct state *s)
{
	struct vmp_msg msg;
	int retired = 0;

	if (vmp_store_coi_retire(s->store, s->clock.now, &retired, &msg) != VMP_OK)
		vmp_log(VMP_LOG_ERROR, "upkeep-failed", "why", msg.text, NULL);
	metric_add(METRIC_EPOCHS_RETIRED, retired);
}

void coi_keys_rotate(struct state *s)
{
	static struct vmp_coi_due due[DUE_MAX];
	struct vmp_msg msg;
	size_t n = 0, i;

	if (s->rotations > 0)
		return;
	if (vmp_store_coi_due(s->store, s->clock.now, s->config->rotate, due, DUE_MAX, &n, &msg) != VMP_OK)
		vmp_log(VMP_LOG_ERROR, "upkeep-failed", "why", msg.text, NULL);
	for (i = 0; i < n; i++)
		ask_epoch(s, &due[i]);
}
