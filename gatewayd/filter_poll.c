#include "filter_poll.h"
#include "answer.h"
#include "log.h"
#include "pause.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define WAIT_S	 50   /* a server may let it wait less */
#define MARGIN_S 15   /* on top of it, until a connection counts as lost */
#define AGAIN_MS 20   /* after an answer, so that a server that answers at once keeps nobody busy */
#define EMPTY_MS 1000 /* the same with a version that asks for all */

static struct {
	struct filter_poll_settings settings;
	struct event *timer;
	int64_t since;
	unsigned failures; /* in a row */
	int err;	   /* of the last answer; VMP_OK at first */
	bool answered;	   /* there was one */
	char error[VMP_MSG_MAX];
} poll;

/* A line when it begins, and one when it is over. */
static void log_state(int err, const char *why)
{
	if (err == poll.err)
		return;
	if (err == VMP_OK)
		vmp_log(VMP_LOG_INFO, "filter-again", NULL);
	else if (err == VMP_EIO)
		vmp_log(VMP_LOG_WARNING, "filter-unreachable", "why", why, NULL);
	poll.err = err;
}

static int take(int status, const char *body, size_t len, const char *why, struct vmp_msg *msg)
{
	int64_t version = 0;
	int err = answer_read(status, body, len, why, msg);

	if (err == VMP_EACCES || err == VMP_ENOENT)
		return err;
	if (err != VMP_OK)
		return VMP_EIO;
	err = poll.settings.take(poll.settings.ctx, body, len, &version, msg);
	/* What is wrong stays so until it changes; what nftables does not take now, it may take later. */
	if (err != VMP_OK && (err != VMP_EINVAL || version == 0))
		return VMP_EBUSY;
	poll.since = version;
	return err;
}

static void on_answer(void *ctx, int status, const char *body, size_t len, const char *why)
{
	struct vmp_msg msg = { "" };
	int err = take(status, body, len, why, &msg);

	(void)ctx;
	poll.answered = true;
	log_state(err, msg.text);
	snprintf(poll.error, sizeof(poll.error), "%s", err == VMP_OK ? "" : msg.text);
	if (err == VMP_OK || err == VMP_EINVAL) {
		poll.failures = 0;
		pause_begin(poll.timer, poll.since ? AGAIN_MS : EMPTY_MS);
		return;
	}
	pause_begin(poll.timer, pause_after(err, ++poll.failures));
	if (err == VMP_EACCES || err == VMP_ENOENT)
		poll.settings.withdrawn(poll.settings.ctx, msg.text);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	char path[96];
	struct http_request request = { .method = "GET",
					.path = path,
					.certificate = poll.settings.certificate,
					.key = poll.settings.key,
					.timeout = (WAIT_S + MARGIN_S) * 1000 };
	struct vmp_msg msg = { "" };

	(void)fd;
	(void)what;
	(void)ctx;
	snprintf(path, sizeof(path), "/v1/filters?since=%lld&wait=%d", (long long)poll.since, WAIT_S);
	if (http_client_send(poll.settings.client, &request, on_answer, &poll, &msg) != VMP_OK)
		on_answer(NULL, 0, NULL, 0, msg.text);
}

int filter_poll_init(struct event_base *base, const struct filter_poll_settings *settings, struct vmp_msg *msg)
{
	poll.timer = evtimer_new(base, on_timer, NULL);
	if (!poll.timer)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	poll.settings = *settings;
	return VMP_OK;
}

void filter_poll_go(void)
{
	http_client_cancel(poll.settings.client, on_answer, &poll);
	poll.since = 0;
	poll.failures = 0;
	pause_begin(poll.timer, 0);
}

void filter_poll_free(void)
{
	if (!poll.timer)
		return;
	http_client_cancel(poll.settings.client, on_answer, &poll);
	event_free(poll.timer);
	memset(&poll, 0, sizeof(poll));
}

const char *filter_poll_error(void)
{
	if (!poll.answered)
		return "no answer yet";
	return *poll.error ? poll.error : NULL;
}
