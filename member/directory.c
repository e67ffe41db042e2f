#include "directory.h"
#include "answer.h"
#include "log.h"
#include "pause.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_S	 50   /* a server may let it wait less */
#define MARGIN_S 15   /* on top of it, until a connection counts as lost */
#define AGAIN_MS 20   /* after an answer, so that a server that answers at once keeps nobody busy */
#define EMPTY_MS 1000 /* the same with a version that asks for all */

struct directory {
	struct directory_settings settings;
	struct event *timer;
	int64_t since;	   /* 0: all */
	unsigned failures; /* in a row */
	bool known;	   /* state() has been called */
	bool told;	   /* the answer that is read tells of somebody */
	bool anew;	   /* the next question is for all */
	int err;	   /* as state() was told */
};

/* -- what is told ----------------------------------------------------------------------------------------------- */

static void log_state(int before, int err, const char *why)
{
	if (err == VMP_EIO)
		vmp_log(VMP_LOG_WARNING, "directory-unreachable", "why", why, NULL);
	else if (err)
		vmp_log(VMP_LOG_ERROR, "directory-refused", "why", why, NULL);
	else if (before)
		vmp_log(VMP_LOG_INFO, "directory-again", NULL);
}

static void tell_state(struct directory *d, int err, const char *why)
{
	int before = d->err;

	if (d->known && err == before)
		return;
	d->known = true;
	d->err = err;
	log_state(before, err, why);
	d->settings.state(d->settings.ctx, err, why);
}

static int on_begin(void *ctx, bool full)
{
	struct directory *d = ctx;

	d->told = full;
	return d->settings.calls.begin(d->settings.ctx, full);
}

static int on_peer(void *ctx, const struct directory_peer *peer)
{
	struct directory *d = ctx;

	d->told = true;
	return d->settings.calls.peer(d->settings.ctx, peer);
}

static int on_gone(void *ctx, const char *id)
{
	struct directory *d = ctx;

	d->told = true;
	return d->settings.calls.gone(d->settings.ctx, id);
}

static int on_end(void *ctx)
{
	struct directory *d = ctx;

	return d->settings.calls.end(d->settings.ctx);
}

static const struct directory_calls calls = { on_begin, on_peer, on_gone, on_end };

/* -- asking ----------------------------------------------------------------------------------------------------- */

static void on_answer(void *ctx, int status, const char *body, size_t len, const char *why);

/* Does it say something?  One without any machine may say that there is a new key, or that the wait is over and the
 * store has moved on meanwhile: the two look the same. */
static bool is_news(const struct directory *d, int64_t version)
{
	return d->told || version != d->since;
}

/* What cannot be read says nothing of this machine's rights. */
static int take(struct directory *d, int status, const char *body, size_t len, const char *why, struct vmp_msg *msg)
{
	struct vmp_msg wrong = { "it could not be taken" };
	int64_t version = 0;
	int err = answer_read(status, body, len, why, msg);
	bool news;

	if (err)
		return err == VMP_EACCES || err == VMP_ENOENT ? err : VMP_EIO;
	err = directory_read(body, len, &version, &calls, d, &wrong);
	if (err) {
		/* Perhaps half of it has been told. */
		d->anew = true;
		return vmp_fail(msg, VMP_EIO, "policyd's directory: %s", wrong.text);
	}
	news = is_news(d, version);
	d->since = version;
	tell_state(d, VMP_OK, "");
	if (news)
		d->settings.answered(d->settings.ctx, version);
	return VMP_OK;
}

static void failed(struct directory *d, int err, const char *why)
{
	pause_begin(d->timer, pause_after(err, ++d->failures));
	/* It may say directory_free(). */
	tell_state(d, err, why);
}

static void on_answer(void *ctx, int status, const char *body, size_t len, const char *why)
{
	struct directory *d = ctx;
	struct vmp_msg msg = { "" };
	int err;

	/* Before anybody is told, who may say directory_again(). */
	pause_begin(d->timer, AGAIN_MS);
	err = take(d, status, body, len, why, &msg);
	if (err) {
		failed(d, err, msg.text);
		return;
	}
	d->failures = 0;
	if (d->since == 0 && !d->anew)
		pause_begin(d->timer, EMPTY_MS);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct directory *d = ctx;
	char path[96];
	struct http_request request = { .method = "GET",
					.path = path,
					.certificate = d->settings.certificate,
					.key = d->settings.key,
					.timeout = (WAIT_S + MARGIN_S) * 1000 };
	struct vmp_msg msg = { "" };

	(void)fd;
	(void)what;
	if (d->anew)
		d->since = 0;
	d->anew = false;
	snprintf(path, sizeof(path), "/v1/directory?since=%lld&wait=%d", (long long)d->since, WAIT_S);
	if (http_client_send(d->settings.client, &request, on_answer, d, &msg) != VMP_OK)
		failed(d, VMP_EIO, msg.text);
}

/* -- the whole -------------------------------------------------------------------------------------------------- */

int directory_new(struct event_base *base, const struct directory_settings *settings, struct directory **out,
		  struct vmp_msg *msg)
{
	struct directory *d = calloc(1, sizeof(*d));

	if (d)
		d->timer = evtimer_new(base, on_timer, d);
	if (!d || !d->timer) {
		free(d);
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	}
	d->settings = *settings;
	pause_begin(d->timer, 0);
	*out = d;
	return VMP_OK;
}

void directory_again(struct directory *d)
{
	http_client_cancel(d->settings.client, on_answer, d);
	d->anew = true;
	d->failures = 0;
	pause_begin(d->timer, 0);
}

void directory_free(struct directory *d)
{
	if (!d)
		return;
	http_client_cancel(d->settings.client, on_answer, d);
	event_free(d->timer);
	free(d);
}
