/* A request, from its route to its answer. */
#include "http_server_internal.h"
#include "log.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

/* -- answers ------------------------------------------------------------------------------------------------------ */

static const struct {
	int err, code;
} codes[] = {
	{ VMP_EINVAL, 400 },
	{ VMP_EACCES, 403 },
	{ VMP_ENOENT, 404 },
	{ VMP_EEXIST, 409 },
};

static void count(const struct http_exchange *x, int code)
{
	struct http_counters *c = &x->server->counters;

	*(code < 400 ? &c->answers_2xx : code < 500 ? &c->answers_4xx : &c->answers_5xx) += 1;
	if (!x->long_poll)
		c->busy_ms += http_now_ms() - x->began_ms;
}

static void drop(struct http_exchange *x)
{
	TAILQ_REMOVE(&x->server->open, x, open);
	vmp_wipe(x, x->server->settings.request_size); /* join tokens, Basic passwords' hashes */
	free(x);
}

void http_exchange_drop_all(struct http_server *server)
{
	while (!TAILQ_EMPTY(&server->open))
		drop(TAILQ_FIRST(&server->open));
}

const char *http_exchange_header(const struct http_exchange *x, const char *name)
{
	return evhttp_find_header(evhttp_request_get_input_headers(x->evhttp), name);
}

void http_exchange_add_header(struct http_exchange *x, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(x->evhttp), name, value);
}

void http_exchange_watch(struct http_exchange *x, void (*gone)(struct http_exchange *x))
{
	x->gone = gone;
	http_conn_watch(x);
}

void http_exchange_send(struct http_exchange *x, int code, const char *type, const void *data, size_t len)
{
	struct evbuffer *body = evbuffer_new();

	http_exchange_add_header(x, "Content-Type", type);
	http_exchange_add_header(x, "Cache-Control", "no-store");
	if (code == HTTP_SERVUNAVAIL)
		http_exchange_add_header(x, "Retry-After", "1");
	if (x->server->stopping)
		http_exchange_add_header(x, "Connection", "close");
	/* evhttp would send the body with an answer to HEAD as well. */
	if (evhttp_request_get_command(x->evhttp) == EVHTTP_REQ_HEAD)
		http_exchange_add_header(x, "Content-Length", vmp_log_num((long long)len));
	else if (body && len)
		evbuffer_add(body, data, len);
	count(x, code);
	http_conn_replied(x->evhttp);
	evhttp_send_reply(x->evhttp, code, NULL, body);
	if (body)
		evbuffer_free(body);
	drop(x);
}

void http_exchange_json(struct http_exchange *x, int code, json_t *json)
{
	char *body = json ? json_dumps(json, JSON_COMPACT) : NULL;

	http_exchange_send(x, body ? code : HTTP_SERVUNAVAIL, "application/json", body ? body : "{}",
			   body ? strlen(body) : 2);
	free(body);
	json_decref(json);
}

void http_exchange_fail(struct http_exchange *x, int code, const char *text)
{
	http_exchange_json(x, code, json_pack("{s:s}", "error", text));
}

void http_exchange_fail_err(struct http_exchange *x, int err, const char *text)
{
	size_t i;
	int code = HTTP_SERVUNAVAIL;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i].err == err)
			code = codes[i].code;
	}
	http_exchange_fail(x, code, *text ? text : vmp_strerror(err));
}

/* -- routing ------------------------------------------------------------------------------------------------------ */

/* Does path have route's form?  Copies the segment that '*' stands for. */
static bool fits(const char *route, const char *path, char segment[HTTP_SEGMENT_MAX])
{
	*segment = '\0';
	while (*route) {
		if (*route == '*') {
			size_t len = strcspn(path, "/");

			if (len == 0 || len >= HTTP_SEGMENT_MAX)
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
static const struct http_route *find(const struct http_route *const *tables, enum evhttp_cmd_type method,
				     const char *path, char segment[HTTP_SEGMENT_MAX], bool *known)
{
	const struct http_route *r;

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

static void take_body(struct http_exchange *x)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(x->evhttp);

	x->body_len = evbuffer_get_length(in);
	evbuffer_add(in, "", 1);
	x->body = (const char *)evbuffer_pullup(in, -1);
}

static struct http_exchange *make(struct http_server *server, struct evhttp_request *evhttp)
{
	struct http_exchange *x = calloc(1, server->settings.request_size);

	if (!x)
		return NULL;
	x->server = server;
	x->evhttp = evhttp;
	x->began_ms = http_now_ms();
	if (http_conn_peer(evhttp, &x->client))
		x->peer = &x->client;
	TAILQ_INSERT_TAIL(&server->open, x, open);
	return x;
}

void http_exchange_begin(struct evhttp_request *evhttp, void *ctx)
{
	const struct http_place *place = ctx;
	struct http_exchange *x = make(place->server, evhttp);
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(evhttp);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	const struct http_route *route;
	bool known = false;

	if (!x) {
		evhttp_send_error(evhttp, HTTP_SERVUNAVAIL, NULL);
		return;
	}
	http_conn_requested(evhttp);
	if (!uri) { /* evhttp could not read it, or it is too large */
		http_exchange_fail(x, evhttp_request_get_response_code(evhttp) == 413 ? 413 : 400,
				   "the request cannot be read");
		return;
	}
	route = find(place->site.routes, evhttp_request_get_command(evhttp), path ? path : "/", x->segment, &known);
	take_body(x);
	if (!route)
		http_exchange_fail(x, known ? 405 : 404, known ? "not with this method" : "there is nothing here");
	else if (!x->body)
		http_exchange_fail(x, HTTP_SERVUNAVAIL, "out of memory");
	else if (route->needs_cert && !x->peer)
		http_exchange_fail(x, 401, "expected a client certificate issued here");
	else
		route->handle(x);
}
