#include "request.h"

#include <string.h>

#define BUCKETS 4096
/* [ms] The store has so long to answer. */
#define ANSWER_MS 10000
/* Requests that wait for the store, long polls among them. */
#define PENDING_MAX 65536

TAILQ_HEAD(request_list, request);

static struct request_list pending[BUCKETS];
static size_t n_pending;
static uint64_t last_id;
static bool prepared;

static struct request_list *bucket(uint64_t id)
{
	size_t i;

	for (i = 0; i < BUCKETS && !prepared; i++)
		TAILQ_INIT(&pending[i]);
	prepared = true;
	return &pending[id % BUCKETS];
}

/* -- answering ------------------------------------------------------------------------------------------------ */

void request_send(struct request *req, int code, const char *type, const void *data, size_t len)
{
	http_exchange_send(&req->http, code, type, data, len);
}

void request_fail(struct request *req, int code, const char *text)
{
	http_exchange_fail(&req->http, code, text);
}

void request_fail_err(struct request *req, int err, const char *text)
{
	http_exchange_fail_err(&req->http, err, text);
}

void request_relay(struct request *req, const struct message *m)
{
	if (m->err)
		request_fail_err(req, -(int)m->err, m->text);
	else
		request_send(req, 200, "application/json", m->blob, m->blob_len);
}

/* -- the store ------------------------------------------------------------------------------------------------ */

static void forget(struct request *req)
{
	TAILQ_REMOVE(bucket(req->ask.id), req, next);
	n_pending--;
}

/* The answer goes nowhere, and evhttp ends the connection when it finds that out. */
static void client_gone(struct http_exchange *x)
{
	forget(request_of(x));
	http_exchange_fail(x, 503, "the client has gone");
}

void request_ask_as(struct request *req, enum message_type type)
{
	req->ask.type = type;
	if (req->http.peer)
		memcpy(req->ask.serial, req->http.peer->serial, sizeof(req->ask.serial));
}

void request_ask(struct request *req, void (*reply)(struct request *req, const struct message *m))
{
	if (!message_is_sane(&req->ask)) {
		request_fail(req, 400, "a value is out of range, too long, or has characters that it may not have");
		return;
	}
	if (n_pending >= PENDING_MAX) {
		request_fail(req, 503, "too many requests are waiting");
		return;
	}
	req->reply = reply;
	req->ask.id = ++last_id;
	TAILQ_INSERT_TAIL(bucket(req->ask.id), req, next);
	n_pending++;
	if (req->ask.wait)
		http_exchange_watch(&req->http, client_gone);
	channel_send(net.store, &req->ask);
}

void request_answered(const struct message *m)
{
	struct request *req;

	TAILQ_FOREACH(req, bucket(m->id), next)
	{
		if (req->ask.id == m->id)
			break;
	}
	if (!req) /* answered with 503 since */
		return;
	forget(req);
	req->reply(req, m);
}

static bool overdue(const struct request *req)
{
	int64_t waited = http_now_ms() - req->http.began_ms;

	if (req->http.long_poll)
		return http_server_stopping(net.server) || waited > net.config->longest_wait * 1000 + ANSWER_MS;
	return waited > ANSWER_MS;
}

void request_sweep(void)
{
	struct message late = { .type = M_REPLY, .err = -VMP_EBUSY, .text = "the store did not answer in time" };
	struct request *req, *next;
	uint64_t i;

	for (i = 0; i < BUCKETS && n_pending > 0; i++) {
		for (req = TAILQ_FIRST(bucket(i)); req; req = next) {
			next = TAILQ_NEXT(req, next);
			if (!overdue(req))
				continue;
			forget(req);
			req->reply(req, &late);
		}
	}
}
