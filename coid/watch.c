#include "watch.h"
#include "identity.h"
#include "join.h"
#include "log.h"
#include "loop.h"

#include <string.h>

#define LOOK_S 10

static struct event *timer;

static void wipe_token(void)
{
	struct vmp_msg msg;

	if (!*loop.bundle.token)
		return;
	bundle_use(&loop.bundle);
	if (join_keep(loop.config, &loop.bundle, &msg) != VMP_OK)
		vmp_log(VMP_LOG_ERROR, "bundle-bad", "from", "state", "why", msg.text, NULL);
}

void watch_enrolled(void)
{
	struct identity_status s;

	identity_status(&s);
	if (!s.holds_token && s.enrolments > 0)
		wipe_token();
}

/* A refused one has brought nothing, and is of no use any more. */
static void look_at_token(void)
{
	struct identity_status s;

	identity_status(&s);
	if (!s.holds_token && (s.enrolments > 0 || s.failures > 0))
		wipe_token();
}

static void use_token(void)
{
	struct vmp_msg msg;

	if (*loop.bundle.token && loop.config->enrol && identity_enrol(loop.bundle.token, &msg) != VMP_OK)
		vmp_log(VMP_LOG_ERROR, "bundle-bad", "why", msg.text, NULL);
}

/* What has been read from the bundle at the start, and cannot be changed any more. */
static bool is_settled_by(const struct bundle *a, const struct bundle *b)
{
	return strcmp(a->policyd, b->policyd) == 0 && strcmp(a->gateway, b->gateway) == 0 &&
	       strcmp(a->product, b->product) == 0 && strcmp(a->label, b->label) == 0 && bundle_is_same(a, b);
}

static void take(enum join_news news, struct bundle *found)
{
	bool anew = !is_settled_by(&loop.bundle, found);
	struct vmp_msg msg;

	if (news == JOIN_OTHER && !join_may_change(loop.config))
		return;
	if (join_take(loop.config, news, &loop.bundle, found, &msg) != VMP_OK) {
		vmp_log(VMP_LOG_ERROR, "bundle-bad", "why", msg.text, NULL);
	} else if (anew) {
		vmp_log(VMP_LOG_WARNING, "restarting", "why", "the join bundle has changed", NULL);
		loop_stop(true);
	} else {
		use_token();
	}
}

static void look(void)
{
	struct bundle found;
	enum join_news news;

	if (!config_joins(loop.config) || !loop_trouble() || *loop.bundle.token)
		return;
	news = join_look(loop.config, &loop.bundle, &found);
	if (news != JOIN_NOTHING)
		take(news, &found);
	bundle_clear(&found);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	static const struct timeval pause = { .tv_sec = LOOK_S };

	(void)fd;
	(void)what;
	(void)ctx;
	if (loop.stopping)
		return;
	look_at_token();
	look();
	evtimer_add(timer, &pause);
}

void watch_look(void)
{
	static const struct timeval now = { 0 };

	evtimer_add(timer, &now);
}

int watch_init(struct event_base *base, struct vmp_msg *msg)
{
	static const struct timeval pause = { .tv_sec = LOOK_S };

	timer = evtimer_new(base, on_timer, NULL);
	if (!timer || evtimer_add(timer, &pause) != 0)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	use_token();
	return VMP_OK;
}

void watch_free(void)
{
	if (timer)
		event_free(timer);
	timer = NULL;
}
