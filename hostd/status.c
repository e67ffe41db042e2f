/* For those who watch: /metrics, /healthz.  Without TLS, on an address of their own. */
#include "accept.h"
#include "control.h"
#include "exposition.h"
#include "identity_tls.h"
#include "jsontext.h"
#include "loop.h"
#include "report.h"
#include "source.h"
#include "uplink.h"
#include "uplink_fence.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_S 10

static struct evhttp *http;

/* -- health: each "", or why not ---------------------------------------------------------------------------------- */

static bool wants_tls(void)
{
	const char *at = loop.config->methods;
	char word[16];

	while (vmp_ini_word(&at, word, sizeof(word))) {
		if (strcmp(word, "tls") == 0)
			return true;
	}
	return false;
}

static void identity_health(struct vmp_msg *why)
{
	struct identity_status s = { .error = "" };

	identity_status(&s);
	if (!wants_tls())
		return;
	if (!identity_tls())
		(void)vmp_fail(why, VMP_ENOENT, "%s", *s.error ? s.error : "no certificate yet");
	else if (s.not_after && s.not_after <= (int64_t)time(NULL))
		(void)vmp_fail(why, VMP_EIO, "the certificate has ended%s%s", *s.error ? ": " : "", s.error);
}

static void uplinks_health(struct vmp_msg *why)
{
	struct uplink *uplink;
	int i;

	(void)vmp_fail(why, VMP_EIO, "%s", uplink_fence_error());
	for (i = 0; (uplink = uplink_at(i)) && !*why->text; i++) {
		if (uplink->fd < 0 || !uplink->up)
			(void)vmp_fail(why, VMP_EIO, "%s: %s", uplink->config->name,
				       *uplink->last_error ? uplink->last_error : "down");
	}
}

static void policyd_health(struct vmp_msg *why)
{
	(void)vmp_fail(why, VMP_EIO, "%s", report_error());
}

static void libvirt_health(struct vmp_msg *why)
{
	const char *state = source_libvirt_state();

	(void)vmp_fail(why, VMP_EIO, "%s", strcmp(state, "connected") == 0 ? "" : state);
}

static const struct {
	const char *name;
	void (*look)(struct vmp_msg *why);
	bool vital; /* without it no guest can be authenticated */
} parts[] = {
	{ "identity", identity_health, true },
	{ "uplinks", uplinks_health, true },
	{ "policyd", policyd_health, false },
	{ "libvirt", libvirt_health, false },
};

static int health(json_t *doc)
{
	int code = HTTP_OK;
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct vmp_msg why = { "" };

		parts[i].look(&why);
		json_object_set_new(doc, parts[i].name, vmp_json_text(*why.text ? why.text : "ok"));
		if (*why.text && parts[i].vital)
			code = HTTP_SERVUNAVAIL;
	}
	return code;
}

/* -- HTTP --------------------------------------------------------------------------------------------------------- */

static void answer(struct evhttp_request *req, int code, const char *type, struct evbuffer *body)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);

	evhttp_add_header(headers, "Content-Type", type);
	evhttp_add_header(headers, "Cache-Control", "no-store");
	/* Who watches comes seldom: no descriptor is kept for it. */
	evhttp_add_header(headers, "Connection", "close");
	evhttp_send_reply(req, code, NULL, body);
}

static void on_metrics(struct evhttp_request *req, void *ctx)
{
	struct evbuffer *body = evbuffer_new();

	(void)ctx;
	if (body)
		exposition_write(body);
	answer(req, body ? HTTP_OK : HTTP_SERVUNAVAIL, "text/plain; version=0.0.4; charset=utf-8", body);
	if (body)
		evbuffer_free(body);
}

static void on_healthz(struct evhttp_request *req, void *ctx)
{
	struct evbuffer *body = evbuffer_new();
	json_t *doc = json_object();
	int code = health(doc);
	char *text = json_dumps(doc, 0);

	(void)ctx;
	if (body && text)
		evbuffer_add_printf(body, "%s\n", text);
	answer(req, body && text ? code : HTTP_SERVUNAVAIL, "application/json", body);
	free(text);
	json_decref(doc);
	if (body)
		evbuffer_free(body);
}

int status_open(int fd, struct vmp_msg *msg)
{
	struct evhttp_bound_socket *bound;

	if (fd < 0)
		return VMP_OK;
	http = evhttp_new(loop.base);
	bound = http ? evhttp_accept_socket_with_handle(http, fd) : NULL;
	if (!bound) {
		status_close();
		close(fd);
		return vmp_fail(msg, VMP_ENOMEM, "status socket: out of memory");
	}
	accept_calmly(evhttp_bound_socket_get_listener(bound));
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(http, 8192);
	evhttp_set_max_body_size(http, 0);
	evhttp_set_timeout(http, TIMEOUT_S);
	if (evhttp_set_cb(http, "/metrics", on_metrics, NULL) != 0 ||
	    evhttp_set_cb(http, "/healthz", on_healthz, NULL) != 0) {
		status_close();
		return vmp_fail(msg, VMP_ENOMEM, "status socket: out of memory");
	}
	return VMP_OK;
}

void status_close(void)
{
	if (http)
		evhttp_free(http);
	http = NULL;
}
