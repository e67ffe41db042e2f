/* What members of COIs ask: their keys, the directory, and to be in it; gateways their filters. */
#include "body.h"
#include "request.h"

#include <errno.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>

static void coi_keys(struct http_exchange *x)
{
	struct request *req = request_of(x);

	request_ask_as(req, M_COI_KEYS);
	request_ask(req, request_relay);
}

static void acknowledge(struct http_exchange *x)
{
	struct request *req = request_of(x);
	struct vmp_msg msg;
	int err;

	request_ask_as(req, M_COI_ACK);
	err = body_ack(x->body, x->body_len, &req->ask, &msg);
	if (err == VMP_OK && strlen(x->segment) >= sizeof(req->ask.coi))
		err = vmp_fail(&msg, VMP_EINVAL, "expected the name of a COI in the path");
	if (err != VMP_OK) {
		request_fail_err(req, err, msg.text);
		return;
	}
	memcpy(req->ask.coi, x->segment, strlen(x->segment) + 1);
	request_ask(req, request_relay);
}

static void self(struct http_exchange *x)
{
	struct request *req = request_of(x);
	struct vmp_msg msg;
	int err;

	request_ask_as(req, M_SELF);
	err = body_self(x->body, x->body_len, &req->ask, &msg);
	if (err == VMP_OK)
		request_ask(req, request_relay);
	else
		request_fail_err(req, err, msg.text);
}

/* A number of the query; 0 when it is left out. @return false: no number. */
static bool query_number(const struct evkeyvalq *query, const char *name, uint64_t *out)
{
	const char *text = evhttp_find_header(query, name);
	char *end;

	*out = 0;
	if (!text)
		return true;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *out <= INT64_MAX;
}

void request_poll(struct request *req, enum message_type type)
{
	const char *text = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(req->http.evhttp));
	struct evkeyvalq query;
	uint64_t since = 0, wait = 0;
	bool good, said;

	request_ask_as(req, type);
	req->http.long_poll = true;
	TAILQ_INIT(&query);
	good = evhttp_parse_query_str(text ? text : "", &query) == 0 && query_number(&query, "since", &since) &&
	       query_number(&query, "wait", &wait);
	said = evhttp_find_header(&query, "wait") != NULL;
	evhttp_clear_headers(&query);
	if (!good) {
		request_fail(req, 400, "expected ?since=NUMBER&wait=SECONDS");
		return;
	}
	req->ask.since = since;
	if (!said)
		wait = since ? (uint64_t)net.config->longest_wait : 0;
	req->ask.wait = wait > (uint64_t)net.config->longest_wait ? (uint32_t)net.config->longest_wait : (uint32_t)wait;
	request_ask(req, request_relay);
}

static void directory(struct http_exchange *x)
{
	request_poll(request_of(x), M_DIRECTORY);
}

static void filters(struct http_exchange *x)
{
	request_poll(request_of(x), M_FILTERS);
}

const struct http_route member_routes[] = {
	{ EVHTTP_REQ_GET, "/v1/coi-keys", coi_keys, true }, { EVHTTP_REQ_PUT, "/v1/coi-keys/*", acknowledge, true },
	{ EVHTTP_REQ_PUT, "/v1/self", self, true },	    { EVHTTP_REQ_GET, "/v1/directory", directory, true },
	{ EVHTTP_REQ_GET, "/v1/filters", filters, true },   { 0, NULL, NULL, false },
};
