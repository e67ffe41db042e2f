#include "self.h"
#include "answer.h"
#include "est.h"
#include "pause.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY 192 /* [octets] */

struct self {
	struct self_settings settings;
	struct event *timer;
	char body[BODY];
	unsigned failures; /* in a row */
};

/* A refusal of what was sent is one as well; what cannot be read says nothing. */
static int as_told(int err)
{
	return err == VMP_EACCES || err == VMP_ENOENT || err == VMP_EINVAL ? err : VMP_EIO;
}

static void failed(struct self *s, int err, const char *why)
{
	pause_begin(s->timer, pause_after(err == VMP_EINVAL ? VMP_EACCES : err, ++s->failures));
	/* It may say self_free(). */
	s->settings.done(s->settings.ctx, err, NULL, why);
}

static void on_answer(void *ctx, int status, const char *body, size_t len, const char *why)
{
	struct self *s = ctx;
	struct self_answer answer;
	struct vmp_msg msg = { "" }, wrong = { "" };
	int err = as_told(answer_read(status, body, len, why, &msg));

	if (status / 100 == 2 && self_read(body, len, &answer, &wrong) == VMP_OK) {
		s->failures = 0;
		s->settings.done(s->settings.ctx, VMP_OK, &answer, "");
		return;
	}
	if (status / 100 == 2)
		err = vmp_fail(&msg, VMP_EIO, "policyd's answer: %s", wrong.text);
	failed(s, err, msg.text);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct self *s = ctx;
	const struct http_request request = { .method = "PUT",
					      .path = "/v1/self",
					      .type = "application/json",
					      .body = s->body,
					      .certificate = s->settings.certificate,
					      .key = s->settings.key };
	struct vmp_msg msg = { "" };

	(void)fd;
	(void)what;
	if (http_client_send(s->settings.client, &request, on_answer, s, &msg) != VMP_OK)
		failed(s, VMP_EIO, msg.text);
}

int self_put(struct self *s, const uint8_t public_key[VMP_COI_SECRET], const char *endpoint, struct vmp_msg *msg)
{
	static const char format[] = "{\"wireguard_key\": \"%s\", \"endpoint\": \"%s\"}";
	char *key, body[BODY];
	int len;

	if (endpoint[strspn(endpoint, "0123456789abcdefABCDEF.:[]")])
		return vmp_fail(msg, VMP_EINVAL, "%.60s: expected 192.0.2.1:51820 or [2001:db8::1]:51820", endpoint);
	key = vmp_base64(public_key, VMP_COI_SECRET);
	if (!key)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	len = snprintf(body, sizeof(body), format, key, endpoint);
	free(key);
	if (len >= (int)sizeof(body))
		return vmp_fail(msg, VMP_EINVAL, "%.60s: expected 192.0.2.1:51820 or [2001:db8::1]:51820", endpoint);
	memcpy(s->body, body, sizeof(body));
	http_client_cancel(s->settings.client, on_answer, s);
	s->failures = 0;
	pause_begin(s->timer, 0);
	return VMP_OK;
}

int self_new(struct event_base *base, const struct self_settings *settings, struct self **out, struct vmp_msg *msg)
{
	struct self *s = calloc(1, sizeof(*s));

	if (s)
		s->timer = evtimer_new(base, on_timer, s);
	if (!s || !s->timer) {
		free(s);
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	}
	s->settings = *settings;
	*out = s;
	return VMP_OK;
}

void self_free(struct self *s)
{
	if (!s)
		return;
	http_client_cancel(s->settings.client, on_answer, s);
	event_free(s->timer);
	free(s);
}
