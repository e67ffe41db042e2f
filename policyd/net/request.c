#include "request.h"
#include "conn.h"
#include "log.h"

#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUCKETS 4096
/* [ms] The store has so long to answer. */
#define ANSWER_MS 10000
/* Requests that wait for the store, long polls among them. */
#define PENDING_MAX 65536

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

static const struct {
	int err, code;
} codes[] = {
	{ VMP_EINVAL, 400 },
	{ VMP_EACCES, 403 },
	{ VMP_ENOENT, 404 },
	{ VMP_EEXIST, 409 },
};

static const char *reason(int code)
{
	static const struct {
		int code;
		const char *text;
	} reasons[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 409, "Conflict" },
		{ 413, "Payload Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 503, "Service Unavailable" },
	};
	size_t i;

	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].code == code)
			return reasons[i].text;
	}
	return "Internal Server Error";
}

/* Its answer waits for something to happen. */
static bool is_long_poll(const struct request *req)
{
	return req->ask.type == M_DIRECTORY || req->ask.type == M_NOTICES;
}

static void count(const struct request *req, int code)
{
	metric_add(code < 400 ? METRIC_HTTP_2XX : code < 500 ? METRIC_HTTP_4XX : METRIC_HTTP_5XX, 1);
	if (!is_long_poll(req))
		metric_add(METRIC_HTTP_SECONDS_MS, net_now_ms() - req->began_ms);
}

void request_send(struct request *req, int code, const char *type, const void *data, size_t len)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req->http);
	struct evbuffer *body = evbuffer_new();

	evhttp_add_header(headers, "Content-Type", type);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	if (code == 401 && req->ask.type == M_ENROL)
		evhttp_add_header(headers, "WWW-Authenticate", "Basic realm=\"vmprov join token\"");
	if (code == 503)
		evhttp_add_header(headers, "Retry-After", "1");
	if (net.draining)
		evhttp_add_header(headers, "Connection", "close");
	/* evhttp would send the body with an answer to HEAD as well. */
	if (evhttp_request_get_command(req->http) == EVHTTP_REQ_HEAD)
		evhttp_add_header(headers, "Content-Length", vmp_log_num((long long)len));
	else if (body && len)
		evbuffer_add(body, data, len);
	count(req, code);
	conn_replied(req->http);
	evhttp_send_reply(req->http, code, reason(code), body);
	if (body)
		evbuffer_free(body);
	vmp_wipe(req, sizeof(*req)); /* join tokens, Basic passwords' hashes */
	free(req);
}

void request_fail(struct request *req, int code, const char *text)
{
	json_t *json = json_pack("{s:s}", "error", text);
	char *body = json ? json_dumps(json, JSON_COMPACT) : NULL;

	request_send(req, code, "application/json", body ? body : "{}", body ? strlen(body) : 2);
	free(body);
	json_decref(json);
}

void request_fail_err(struct request *req, int err, const char *text)
{
	size_t i;
	int code = 503;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i].err == err)
			code = codes[i].code;
	}
	request_fail(req, code, *text ? text : vmp_strerror(err));
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
static void client_gone(void *ctx)
{
	struct request *req = ctx;

	forget(req);
	request_fail(req, 503, "the client has gone");
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
		conn_watch(req->http, client_gone, req);
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

static bool overdue(const struct request *req, bool stopping)
{
	if (is_long_poll(req))
		return stopping || net_now_ms() - req->began_ms > net.config->longest_wait * 1000 + ANSWER_MS;
	return net_now_ms() - req->began_ms > ANSWER_MS;
}

size_t request_sweep(bool stopping)
{
	struct message late = { .type = M_REPLY, .err = -VMP_EBUSY, .text = "the store did not answer in time" };
	struct request *req, *next;
	uint64_t i;

	for (i = 0; i < BUCKETS && n_pending > 0; i++) {
		for (req = TAILQ_FIRST(bucket(i)); req; req = next) {
			next = TAILQ_NEXT(req, next);
			if (!overdue(req, stopping))
				continue;
			forget(req);
			req->reply(req, &late);
		}
	}
	return n_pending;
}

/* -- routing -------------------------------------------------------------------------------------------------- */

/* Does path have route's form?  Copies the segment that '*' stands for. */
static bool fits(const char *route, const char *path, char segment[254])
{
	*segment = '\0';
	while (*route) {
		if (*route == '*') {
			size_t len = strcspn(path, "/");

			if (len == 0 || len >= 254)
				return false;
			memcpy(segment, path, len);
			segment[len] = '\0';
			path += len;
			route++;
		} else if (*route++ != *path++) {
			return false;
		}
	}
	return *path == '\0';
}

/* @param known  out: the path exists, for another method. */
static const struct route *find(const struct route *const *tables, enum evhttp_cmd_type method, const char *path,
				char segment[254], bool *known)
{
	const struct route *r;

	for (; *tables; tables++) {
		for (r = *tables; r->path; r++) {
			if (!fits(r->path, path, segment))
				continue;
			if (r->method == method || (r->method == EVHTTP_REQ_GET && method == EVHTTP_REQ_HEAD))
				return r;
			*known = true;
		}
	}
	return NULL;
}

static void take_body(struct request *req)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req->http);

	req->body_len = evbuffer_get_length(in);
	evbuffer_add(in, "", 1);
	req->body = (const char *)evbuffer_pullup(in, -1);
}

void request_route(struct evhttp_request *http, void *ctx)
{
	struct request *req = calloc(1, sizeof(*req));
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(http);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	const struct route *route;
	bool known = false;

	if (!req) {
		evhttp_send_error(http, 503, NULL);
		return;
	}
	req->http = http;
	req->began_ms = net_now_ms();
	conn_requested(http);
	if (!uri) { /* evhttp could not read it, or it is too large */
		request_fail(req, evhttp_request_get_response_code(http) == 413 ? 413 : 400,
			     "the request cannot be read");
		return;
	}
	route = find(ctx, evhttp_request_get_command(http), path ? path : "/", req->segment, &known);
	req->has_serial = conn_serial(http, req->serial);
	take_body(req);
	if (!route)
		request_fail(req, known ? 405 : 404, known ? "not with this method" : "there is nothing here");
	else if (!req->body)
		request_fail(req, 503, "out of memory");
	else if (route->needs_cert && !req->has_serial)
		request_fail(req, 401, "expected a client certificate issued here");
	else
		route->handle(req);
}
