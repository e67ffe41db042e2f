#include "task.h"
#include "cause.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const enum coa_outcome outcomes[] = {
	[CAUSE_DONE] = COA_ACKNOWLEDGED, [CAUSE_GONE] = COA_GONE,   [CAUSE_FALL_BACK] = COA_REFUSED,
	[CAUSE_REFUSED] = COA_REFUSED,	 [CAUSE_LATER] = COA_LATER,
};

static void start_result(const struct task *task, struct task_result *result)
{
	memset(result, 0, sizeof(*result));
	result->number = task->number;
	result->action = task->action;
	if (task->action == VMP_COA_REAUTHENTICATE && task->dialect && !request_may_be_coa(&task->job, task->dialect))
		result->action = VMP_COA_DISCONNECT;
}

/* A session that no NAS has: a locally administered address that nobody uses. */
static void make_test(struct task *task, uint32_t nonce)
{
	snprintf(task->acct_session_id, sizeof(task->acct_session_id), "vmprov-test-%08x", nonce);
	task->job.session[JOB_USER_NAME] = "020000000000";
	task->job.session[JOB_CALLING_STATION_ID] = "02-00-00-00-00-00";
	task->job.session[JOB_ACCT_SESSION_ID] = task->acct_session_id;
	task->job.session[JOB_FRAMED_IP_ADDRESS] = NULL;
	task->job.session[JOB_NAS_PORT] = NULL;
	task->job.session[JOB_NAS_PORT_ID] = NULL;
	task->job.has_beside = false;
}

/* What cannot be encoded is a matter of this one session: its NAS must not be held to be out of reach for it. */
static void leave_out(struct job *job)
{
	int i;

	for (i = 0; i < JOB_ATTRS; i++) {
		const struct packet_attr attr = { job_attr_name((enum job_attr)i), job->session[i] };

		if (attr.value && packet_attr_check(&attr, NULL) != VMP_OK)
			job->session[i] = NULL;
	}
}

static enum coa_outcome find_dialect(struct task *task, const struct dialects *dialects, struct vmp_msg *why)
{
	const char *name = *task->job.dialect ? task->job.dialect : "rfc";

	task->dialect = dialects ? dialects_find(dialects, name) : NULL;
	if (task->dialect)
		return 0;
	vmp_fail(why, VMP_ENOENT,
		 dialects ? "no dialect %s; see coa-dialects.conf" : "no dialect %s: no coa-dialects.conf", name);
	return COA_UNABLE;
}

static enum coa_outcome find_secret(struct task *task, const struct secrets *secrets, struct vmp_msg *why)
{
	char address[VMP_ADDR_TEXT];

	task->secret = secrets ? secrets_find(secrets, task->job.nas, &task->job.address) : NULL;
	if (task->secret)
		return 0;
	vmp_addr_format(&task->job.address, address);
	vmp_fail(why, VMP_ENOENT, "no secret for NAS %s; see nas-secrets.conf",
		 *task->job.nas ? task->job.nas : address);
	return COA_UNABLE;
}

static enum coa_outcome prepare(struct task *task, const struct message *m, const struct dialects *dialects,
				const struct secrets *secrets, uint32_t nonce, struct vmp_msg *why)
{
	struct request request;
	enum coa_outcome outcome;

	if (job_parse(m->blob, m->blob_len, &task->job, why) != VMP_OK)
		return COA_UNABLE;
	if (task->action == VMP_COA_TEST)
		make_test(task, nonce);
	leave_out(&task->job);
	outcome = find_dialect(task, dialects, why);
	if (!outcome)
		outcome = request_make(&task->job, task->dialect, task->action, &request, why);
	if (!outcome)
		outcome = find_secret(task, secrets, why);
	return outcome;
}

struct task *task_new(const struct message *m, const struct dialects *dialects, const struct secrets *secrets,
		      uint32_t nonce, struct task_result *result)
{
	struct task *task = calloc(1, sizeof(*task));
	struct vmp_msg why = { "out of memory" };
	enum coa_outcome outcome = COA_UNABLE;

	if (!task) {
		*result = (struct task_result){ .number = m->number, .outcome = outcome, .text = why };
		result->action = (enum vmp_coa_action)m->action;
		return NULL;
	}
	task->number = m->number;
	task->action = (enum vmp_coa_action)m->action;
	outcome = prepare(task, m, dialects, secrets, nonce, &why);
	if (!outcome)
		return task;
	start_result(task, result);
	result->outcome = outcome;
	result->text = why;
	task_free(task);
	return NULL;
}

void task_free(struct task *task)
{
	if (!task)
		return;
	job_clear(&task->job);
	free(task->packet);
	free(task);
}

uint16_t task_port(const struct task *task)
{
	return task->job.port ? task->job.port : task->dialect->port;
}

bool task_encode(struct task *task, uint8_t id, int64_t now, struct task_result *result)
{
	struct request request;
	struct vmp_msg why = { "out of memory" };
	enum coa_outcome outcome = COA_UNABLE;

	task->sent = 0;
	task->unverified = 0;
	task->send_errno = 0;
	if (!task->packet)
		task->packet = malloc(sizeof(*task->packet));
	if (task->packet)
		outcome = request_make(&task->job, task->dialect, task->action, &request, &why);
	if (!outcome &&
	    packet_encode(request.code, id, task->secret, request.attr, request.n, now, task->packet, &why) != VMP_OK)
		outcome = COA_UNABLE;
	if (!outcome)
		return true;
	start_result(task, result);
	result->outcome = outcome;
	result->text = why;
	return false;
}

bool task_answered(struct task *task, enum packet_code code, uint32_t cause, int64_t now_us, struct task_result *result)
{
	enum cause_class class = cause_class(code, cause);
	char text[CAUSE_TEXT];

	if (class == CAUSE_FALL_BACK && code == PACKET_COA_NAK) {
		task->action = VMP_COA_DISCONNECT;
		return false;
	}
	start_result(task, result);
	result->outcome = outcomes[class];
	result->cause = cause;
	cause_text(code, cause, text);
	if (task->action == VMP_COA_TEST)
		snprintf(result->text.text, sizeof(result->text.text), "answered in %.1f ms: %s",
			 (double)(now_us - task->sent_at) / 1000, text);
	else
		snprintf(result->text.text, sizeof(result->text.text), "%s", text);
	return true;
}

void task_silent(const struct task *task, struct task_result *result)
{
	start_result(task, result);
	result->outcome = COA_SILENT;
	if (task->unverified)
		vmp_fail(&result->text, VMP_EACCES, "answers do not verify: is the secret right?");
	else if (task->send_errno)
		vmp_fail(&result->text, VMP_EIO, "cannot send: %s", strerror(task->send_errno));
	else
		vmp_fail(&result->text, VMP_EIO, "no answer to %d transmissions", task->sent);
}
