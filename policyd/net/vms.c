/* What hosts say, /v1/vms/{uuid}/..., and what they are told. */
#include "body.h"
#include "request.h"

#include <string.h>

/* The route's UUID and the client's serial number into the message. */
static int take_uuid(struct request *req, enum message_type type, struct vmp_msg *msg)
{
	request_ask_as(req, type);
	if (vmp_uuid_parse(req->http.segment, strlen(req->http.segment), req->ask.uuid) != VMP_OK)
		return vmp_fail(msg, VMP_EINVAL, "expected a UUID in the path");
	return VMP_OK;
}

static void ask_or_fail(struct request *req, int err, const struct vmp_msg *msg)
{
	if (err == VMP_OK)
		request_ask(req, request_relay);
	else
		request_fail_err(req, err, msg->text);
}

static void starting(struct http_exchange *x)
{
	struct request *req = request_of(x);
	struct vmp_msg msg;
	int err = take_uuid(req, M_START, &msg);

	if (err == VMP_OK)
		err = body_start(x->body, x->body_len, &req->ask, &msg);
	ask_or_fail(req, err, &msg);
}

static void stopped(struct http_exchange *x)
{
	struct request *req = request_of(x);
	struct vmp_msg msg;
	int err = take_uuid(req, M_STOP, &msg);

	if (err == VMP_OK)
		err = body_none(x->body, x->body_len, &msg);
	ask_or_fail(req, err, &msg);
}

static void notices(struct http_exchange *x)
{
	request_poll(request_of(x), M_NOTICES);
}

const struct http_route vm_routes[] = {
	{ EVHTTP_REQ_POST, "/v1/vms/*/starting", starting, true },
	{ EVHTTP_REQ_POST, "/v1/vms/*/stopped", stopped, true },
	{ EVHTTP_REQ_GET, "/v1/host/notices", notices, true },
	{ 0, NULL, NULL, false },
};
