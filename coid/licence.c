#include "licence.h"
#include "boot_clock.h"
#include "log.h"
#include "pki.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define LEASE	   "/v1/licences/lease"
#define RELEASE_MS 2000
#define REQUEST_MS 15000 /* a broker asks servers meanwhile */
#define LAST_MS	   1000	 /* of a request that gives it back */

static struct {
	struct licence_settings settings;
	struct holder holder;
	struct event *event; /* of timer */
	struct event *last;  /* of licence_release() */
	int timer;	     /* CLOCK_BOOTTIME: it goes on while the machine sleeps, and the loop's does not */
	enum holder_state said;
	char refusal[HOLDER_REASON]; /* that was logged */
	bool may_ask, releasing, done;
	void (*released)(void);
} licence = { .timer = -1 };

static int64_t now_ms(void)
{
	return (int64_t)boot_clock_ms();
}

static uint32_t drawn(void)
{
	uint32_t n = 0;

	return vmp_random(&n, sizeof(n)) == VMP_OK ? n : UINT32_MAX / 2;
}

/* -- what is said of it ------------------------------------------------------------------------------------------- */

static const struct {
	enum vmp_log_level level;
	const char *event;
} events[HOLDER_STATES] = {
	[HOLDER_NONE] = { VMP_LOG_DEBUG, NULL },
	[HOLDER_HELD] = { VMP_LOG_INFO, "lease-granted" },
	[HOLDER_GRACE] = { VMP_LOG_WARNING, "lease-grace" },
	[HOLDER_OVER] = { VMP_LOG_ERROR, "lease-lost" },
};

static void look(void)
{
	const struct holder *h = &licence.holder;
	enum holder_state state = holder_state(h, now_ms());

	if (state == licence.said || licence.releasing)
		return;
	licence.said = state;
	if (events[state].event)
		vmp_log(events[state].level, events[state].event, "product", h->product, "duration_s",
			vmp_log_num((long long)(h->duration_ms / 1000)), "why", *h->reason ? h->reason : NULL, NULL);
	licence.settings.changed();
}

/* A line for each different reason, not for each attempt. */
static void say_refusal(enum holder_result result)
{
	const struct holder *h = &licence.holder;
	bool bad = result == HOLDER_REFUSED || result == HOLDER_FAILED;

	if (!bad) {
		*licence.refusal = '\0';
	} else if (strcmp(licence.refusal, h->reason) != 0) {
		memcpy(licence.refusal, h->reason, sizeof(licence.refusal));
		vmp_log(VMP_LOG_WARNING, "lease-refused", "product", h->product, "server",
			http_client_url(licence.settings.client), "why", h->reason, NULL);
	}
}

/* -- requests ----------------------------------------------------------------------------------------------------- */

static void step(void);

static void answered(void *ctx, int status, const char *body, size_t len, const char *why)
{
	(void)ctx;
	say_refusal(holder_answer(&licence.holder, status, body, len, why, drawn(), now_ms()));
	step();
}

static void ask(void)
{
	char body[HOLDER_BODY];
	struct http_request request = { .method = "POST",
					.path = LEASE,
					.type = "application/json",
					.body = body,
					.certificate = licence.settings.certificate,
					.key = licence.settings.key,
					.timeout = licence.releasing ? LAST_MS : REQUEST_MS };
	struct vmp_msg msg = { "no randomness" };
	int err = holder_request(&licence.holder, now_ms(), body);

	if (err == VMP_OK)
		err = http_client_send(licence.settings.client, &request, answered, NULL, &msg);
	if (err == VMP_OK)
		return;
	holder_unsent(&licence.holder, msg.text, drawn(), now_ms());
	say_refusal(HOLDER_FAILED);
}

static void set_timer(int64_t at_ms)
{
	struct itimerspec when = { .it_value = { .tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000 } };

	if (at_ms == INT64_MAX)
		when.it_value = (struct timespec){ 0 }; /* never */
	if (timerfd_settime(licence.timer, TFD_TIMER_ABSTIME, &when, NULL) != 0)
		vmp_log(VMP_LOG_ERROR, "lease-refused", "why", strerror(errno), NULL);
}

static void has_released(void)
{
	if (licence.done)
		return;
	licence.done = true;
	licence.released();
}

static void step(void)
{
	if (licence.done)
		return;
	if (licence.may_ask && holder_is_due(&licence.holder, now_ms()))
		ask();
	look();
	if (licence.releasing && holder_is_released(&licence.holder))
		has_released();
	else if (licence.may_ask)
		set_timer(holder_next(&licence.holder, now_ms()));
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	uint64_t times;

	(void)what;
	(void)ctx;
	if (read(fd, &times, sizeof(times)) == sizeof(times))
		step();
}

static void on_last(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	has_released();
}

/* -- for the others ----------------------------------------------------------------------------------------------- */

int licence_init(struct event_base *base, const struct licence_settings *settings, struct vmp_msg *msg)
{
	licence.settings = *settings;
	holder_init(&licence.holder, settings->product, now_ms());
	licence.timer = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (licence.timer < 0)
		return vmp_fail(msg, VMP_EIO, "cannot make a timer: %s", strerror(errno));
	licence.event = event_new(base, licence.timer, EV_READ | EV_PERSIST, on_timer, NULL);
	licence.last = evtimer_new(base, on_last, NULL);
	if (!licence.event || !licence.last || event_add(licence.event, NULL) != 0)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	return VMP_OK;
}

void licence_free(void)
{
	if (licence.event)
		event_free(licence.event);
	if (licence.last)
		event_free(licence.last);
	if (licence.timer >= 0)
		close(licence.timer);
	memset(&licence, 0, sizeof(licence));
	licence.timer = -1;
}

bool licence_permits(void)
{
	enum holder_state state = holder_state(&licence.holder, now_ms());

	return !licence.event || state == HOLDER_HELD || state == HOLDER_GRACE;
}

const char *licence_trouble(void)
{
	static const char *const words[HOLDER_STATES] = {
		[HOLDER_NONE] = "no licence",
		[HOLDER_GRACE] = "in the grace of its licence",
		[HOLDER_OVER] = "the licence is over",
	};
	static struct vmp_msg text;
	const struct holder *h = &licence.holder;
	enum holder_state state = holder_state(h, now_ms());

	if (!licence.event || !words[state])
		return NULL;
	vmp_fail(&text, 0, "%s for %s%s%s", words[state], h->product, *h->reason ? ": " : "", h->reason);
	return text.text;
}

void licence_hurry(void)
{
	if (!licence.event || licence.releasing)
		return;
	licence.may_ask = true;
	holder_hurry(&licence.holder, now_ms());
	step();
}

void licence_release(void (*released)(void))
{
	static const struct timeval most = { .tv_sec = RELEASE_MS / 1000 };

	if (licence.releasing)
		return;
	licence.releasing = true;
	licence.released = released;
	holder_release(&licence.holder, now_ms());
	if (!licence.event || holder_is_released(&licence.holder)) {
		has_released();
		return;
	}
	evtimer_add(licence.last, &most);
	step();
}

const struct holder *licence_holder(void)
{
	return licence.event ? &licence.holder : NULL;
}
