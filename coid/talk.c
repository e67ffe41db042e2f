#include "talk.h"
#include "identity.h"
#include "licence.h"
#include "member.h"

#include <stdbool.h>

#define NUDGES 5 /* after 1, 2, 4, 8 and 16 s */

static struct {
	struct event *nudge;
	unsigned nudges;
	bool takes_part, stopped;
} talk;

static void nudge_later(void)
{
	struct timeval tv = { .tv_sec = 1L << talk.nudges };

	if (talk.nudges++ < NUDGES)
		evtimer_add(talk.nudge, &tv);
}

/* policyd hears of a licence from the gateway that gives it, and refuses us until then. */
static void on_nudge(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	if (!talk.takes_part || !member_trouble())
		return;
	member_go();
	nudge_later();
}

static void begin(void)
{
	talk.takes_part = true;
	member_go();
	talk.nudges = 0;
	if (licence_holder())
		nudge_later();
}

static void leave(const char *why)
{
	talk.takes_part = false;
	evtimer_del(talk.nudge);
	member_halt(why);
}

void talk_settle(void)
{
	if (talk.stopped)
		return;
	if (!talk.takes_part && identity_is_there() && licence_permits())
		begin();
	else if (talk.takes_part && !licence_permits())
		leave("the licence is over");
}

void talk_again(void)
{
	if (talk.takes_part && !talk.stopped)
		member_go();
	else
		talk_settle();
}

void talk_stop(void)
{
	talk.stopped = true;
	leave("coid stops");
}

int talk_init(struct event_base *base, struct vmp_msg *msg)
{
	talk.nudge = evtimer_new(base, on_nudge, NULL);
	return talk.nudge ? VMP_OK : vmp_fail(msg, VMP_ENOMEM, "out of memory");
}

void talk_free(void)
{
	if (talk.nudge)
		event_free(talk.nudge);
	talk.nudge = NULL;
}
