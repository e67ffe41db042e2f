#include "serve.h"
#include "boot_clock.h"
#include "commit.h"
#include "log.h"
#include "loop.h"
#include "vm_request.h"

#include <string.h>

struct lease_call {
	struct http_exchange http;
	struct commit_job job;
	struct waiter waiter;
	TAILQ_ENTRY(lease_call) next; /* among those that wait */
	struct broker_ask ask;
	struct broker_answer answer;
	bool waits;
	int err;
	struct vmp_msg why;
};

const size_t serve_request_size = sizeof(struct lease_call);

static TAILQ_HEAD(, lease_call) waiting = TAILQ_HEAD_INITIALIZER(waiting);

#define CALL_OF(member, field) ((struct lease_call *)(void *)((char *)(member)-offsetof(struct lease_call, field)))

/* -- answers ------------------------------------------------------------------------------------------------------ */

static void log_refusal(const struct lease_call *call)
{
	if (call->answer.lease.refused)
		vmp_log(VMP_LOG_INFO, "licence-refused", "uuid", call->ask.uuid, "product", call->ask.product, "why",
			call->answer.why, "available", vmp_log_num(call->answer.lease.available), NULL);
}

static void answer(struct lease_call *call)
{
	char text[VM_ANSWER_MAX];
	size_t len = vm_answer_write(&call->ask, &call->answer, text);

	log_refusal(call);
	http_exchange_send(&call->http, vm_answer_is_conflict(&call->ask, &call->answer) ? 409 : 200,
			   "application/json", text, len);
}

static void stop_waiting(struct lease_call *call)
{
	if (!call->waits)
		return;
	call->waits = false;
	broker_leave(&call->waiter);
	TAILQ_REMOVE(&waiting, call, next);
}

static void on_gone(struct http_exchange *x)
{
	struct lease_call *call = CALL_OF(x, http);

	stop_waiting(call);
	http_exchange_fail(x, 503, "gone");
}

static void on_done(struct commit_job *job, int err, const char *why)
{
	struct lease_call *call = CALL_OF(job, job);

	(void)why;
	if (err == VMP_OK && call->waits) {
		http_exchange_watch(&call->http, on_gone);
		return;
	}
	stop_waiting(call);
	if (err == VMP_EFULL)
		http_exchange_fail(&call->http, 503, "the gateway's disk is full");
	else if (err != VMP_OK)
		http_exchange_fail(&call->http, 503, "the gateway cannot write its store");
	else if (call->err != VMP_OK)
		http_exchange_fail_err(&call->http, call->err, call->why.text);
	else
		answer(call);
}

/* -- asking ------------------------------------------------------------------------------------------------------- */

/* What is wrong with the request alone is its own matter, and nothing was written for it. */
static int ask(struct lease_call *call, int64_t now_ms, struct waiter *waiter, struct vmp_msg *msg)
{
	call->err = broker_ask(loop.broker, &call->ask, now_ms, waiter, &call->answer, &call->why);
	if (call->err == VMP_OK || call->err == VMP_EACCES || call->err == VMP_EINVAL)
		return VMP_OK;
	return vmp_fail(msg, call->err, "%s", call->why.text);
}

static int on_run(struct commit_job *job, int64_t now_ms, struct vmp_msg *msg)
{
	struct lease_call *call = CALL_OF(job, job);
	int err;

	call->waiter.until_ms = now_ms + loop.config->wait * 1000;
	err = ask(call, now_ms, loop.config->wait && !loop.stopping ? &call->waiter : NULL, msg);
	if (call->waiter.product) {
		call->waits = true;
		TAILQ_INSERT_TAIL(&waiting, call, next);
	}
	return err;
}

int serve_settle(int64_t now_ms, struct vmp_msg *msg)
{
	struct waiter *waiter;
	bool over;
	int err = VMP_OK;

	while (err == VMP_OK && (waiter = broker_ready(loop.broker, now_ms, &over))) {
		struct lease_call *call = CALL_OF(waiter, waiter);

		stop_waiting(call);
		err = ask(call, now_ms, NULL, msg);
		commit_ran(&call->job);
	}
	return err;
}

void serve_lost(void)
{
	struct lease_call *call, *next;

	for (call = TAILQ_FIRST(&waiting); call; call = next) {
		next = TAILQ_NEXT(call, next);
		if (call->waiter.product)
			continue;
		stop_waiting(call);
		http_exchange_fail(&call->http, 503, "the gateway cannot read its store");
	}
}

void serve_stop(void)
{
	struct lease_call *call;

	while ((call = TAILQ_FIRST(&waiting))) {
		stop_waiting(call);
		http_exchange_fail(&call->http, 503, "stopping");
	}
}

static void lease(struct http_exchange *x)
{
	struct lease_call *call = CALL_OF(x, http);
	int err;

	if (!*x->peer->uuid) {
		http_exchange_fail(x, 403, "expected the certificate of a guest");
		return;
	}
	err = vm_request_read(x->body, x->body_len, &call->ask, &call->why);
	if (err != VMP_OK) {
		http_exchange_fail_err(x, err, call->why.text);
		return;
	}
	memcpy(call->ask.uuid, x->peer->uuid, sizeof(call->ask.uuid));
	call->job.run = on_run;
	call->job.done = on_done;
	commit_add(&call->job);
}

const struct http_route serve_routes[] = {
	{ EVHTTP_REQ_POST, "/v1/licences/lease", lease, true },
	{ 0, NULL, NULL, false },
};
