/* What gateways, and VMs without one, ask about licences. */
#include "body.h"
#include "request.h"

/* A refusal has a body of its own. */
static void answered(struct request *req, const struct message *m)
{
	if (m->err && m->blob_len)
		request_send(req, 409, "application/json", m->blob, m->blob_len);
	else
		request_relay(req, m);
}

static void lease(struct http_exchange *x)
{
	struct request *req = request_of(x);
	struct vmp_msg msg;
	int err;

	request_ask_as(req, M_LICENCE);
	err = body_lease(x->body, x->body_len, &req->ask, &msg);
	if (err == VMP_OK)
		request_ask(req, answered);
	else
		request_fail_err(req, err, msg.text);
}

static void watch(struct http_exchange *x)
{
	request_poll(request_of(x), M_LICENCE_WATCH);
}

const struct http_route licence_routes[] = {
	{ EVHTTP_REQ_POST, "/v1/licences/lease", lease, true },
	{ EVHTTP_REQ_GET, "/v1/licences/watch", watch, true },
	{ 0, NULL, NULL, false },
};
