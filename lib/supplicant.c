/* The Supplicant PAE state machine of IEEE 802.1X-2004 clause 8.2.11, with what long-lived guests need beside it. */
#include "supplicant_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JITTER_MAX 50
#define WONDER	   10 /* [startPeriods] within which those that have heard a Failure ask whose it was */

/* What moves the PAE. */
enum cause {
	ASKED_START,  /* the owner, or a timer of our own */
	ASKED_LOGOFF, /* userLogoff */
	EAPOL_EAP,    /* eapolEap: a request that begins a conversation */
	REQUEST,      /* one that continues it */
	EAP_SUCCEEDED,
	EAP_FAILED,
	UNPROVED, /* an EAP-Success that cannot be believed, and that no better one will follow */
	HINT,	  /* an EAP-Failure that belongs to no conversation */
	TIMER,	  /* startWhen, authWhile, heldWhile or the next EAPOL-Start */
	ALWAYS	  /* UCT */
};

/* -- time -- */

static uint64_t jittered(const struct vmp_supplicant *s, uint64_t period)
{
	uint64_t percent = s->params->jitter < JITTER_MAX ? s->params->jitter : JITTER_MAX;

	return period - s->ops->random(s->ctx) % (period * percent / 100 + 1);
}

/* A timer of 0 would fire for ever without time passing. */
static uint64_t after(uint64_t now, uint64_t period)
{
	return now + (period ? period : 1);
}

static uint64_t held_while(const struct vmp_supplicant *s)
{
	uint64_t held = s->params->held_period, max = s->params->held_max;
	uint32_t i;

	for (i = 1; i < s->failures && held < max; i++)
		held *= 2;
	return jittered(s, held < max || max < s->params->held_period ? held : max);
}

static uint64_t next_start(const struct vmp_supplicant *s, uint64_t now)
{
	uint32_t period = s->authorized ? s->params->reauth_period : 0;

	if (s->silent && s->params->silent_period)
		period = s->params->silent_period;
	return period ? after(now, jittered(s, period)) : VMP_NEVER;
}

/* -- frames -- */

static void send_start(struct vmp_supplicant *s, uint64_t now)
{
	s->starts++;
	s->last_start = now;
	s->ops->send(s->ctx, VMP_EAPOL_START, NULL, 0);
}

static void send_response(const struct vmp_supplicant *s)
{
	s->ops->send(s->ctx, VMP_EAPOL_EAP, s->peer->response, s->peer->len);
}

/* -- what a transition does -- */

static void begin(struct vmp_supplicant *s, uint64_t now)
{
	(void)now;
	s->start_count = 0;
	s->silent = false;
}

/* Whoever speaks to the group may be speaking to another. */
static bool is_for_all(const struct vmp_supplicant *s)
{
	return s->peer->group && !s->peer->ours;
}

static void talk(struct vmp_supplicant *s, uint64_t now)
{
	(void)now;
	if (!is_for_all(s))
		s->silent = false;
}

static void succeed(struct vmp_supplicant *s, uint64_t now)
{
	vmp_eap_peer_keep_session(s, s->peer);
	s->method = s->peer->selected;
	s->authorized = true;
	s->silent = false;
	s->authorized_at = now;
	s->failures = 0;
	s->why[0] = '\0';
	s->next_start = next_start(s, now);
}

/* A session that was offered in vain may be what the server stumbled over. */
static void drop_session(struct vmp_supplicant *s)
{
	if (s->peer->offered)
		vmp_eap_peer_drop_session(s);
}

static void refuse(struct vmp_supplicant *s, uint64_t now)
{
	drop_session(s);
	s->silent = false;
	if (s->failures < UINT32_MAX)
		s->failures++;
	s->next_start = after(now, held_while(s));
}

static void reject(struct vmp_supplicant *s, uint64_t now)
{
	refuse(s, now);
	(void)snprintf(s->why, sizeof(s->why), "EAP-Failure %s", vmp_eap_peer_stage(s->peer));
}

static void time_out(struct vmp_supplicant *s, uint64_t now)
{
	drop_session(s);
	if (!s->peer->failed)
		(void)snprintf(s->why, sizeof(s->why), "no answer from the authenticator %s",
			       vmp_eap_peer_stage(s->peer));
	begin(s, now);
}

/* Once more, in full. */
static void start_over(struct vmp_supplicant *s, uint64_t now)
{
	drop_session(s);
	s->no_session = true;
	(void)snprintf(s->why, sizeof(s->why), "the server does not confirm a resumed TLS session");
	begin(s, now);
}

/* Back to rest.  What we began ourselves is tried again; what anybody could have begun is not. */
static void fall_back(struct vmp_supplicant *s, uint64_t now)
{
	bool retry = s->peer->ours || s->peer->failed;
	uint64_t at = after(now, jittered(s, s->params->held_period));

	time_out(s, now);
	if (retry && (at < s->next_start || s->next_start <= now))
		s->next_start = at;
}

static void fall_silent(struct vmp_supplicant *s, uint64_t now)
{
	s->silent = true;
	(void)snprintf(s->why, sizeof(s->why), "nobody answers EAPOL-Start");
	s->next_start = next_start(s, s->last_start);
	if (s->next_start <= now)
		s->next_start = after(now, 0);
}

/* One EAPOL-Start, not as many as at first. */
static void knock(struct vmp_supplicant *s, uint64_t now)
{
	(void)now;
	s->start_count = s->params->max_start > 0 ? s->params->max_start - 1 : 0;
}

static void take_hint(struct vmp_supplicant *s, uint64_t now)
{
	uint64_t at = after(s->last_start, s->params->start_period);

	if (at < now)
		at = now;
	if (at < s->next_start)
		s->next_start = at;
}

/* All on the port have heard it, and must not all ask at the same time. */
static void wonder(struct vmp_supplicant *s, uint64_t now)
{
	uint64_t at = now + s->params->start_period;

	at += s->ops->random(s->ctx) % ((uint64_t)s->params->start_period * WONDER + 1);
	if (at < s->next_start)
		s->next_start = at;
}

static void wonder_if_silent(struct vmp_supplicant *s, uint64_t now)
{
	if (s->silent)
		wonder(s, now);
}

static void forget(struct vmp_supplicant *s, uint64_t now)
{
	(void)now;
	s->silent = false;
	s->failures = 0;
	s->next_start = VMP_NEVER;
}

/* -- what entering a state does -- */

static void enter_logoff(struct vmp_supplicant *s, uint64_t now)
{
	(void)now;
	s->authorized = false;
	s->when = VMP_NEVER;
	s->ops->send(s->ctx, VMP_EAPOL_LOGOFF, NULL, 0);
}

static void enter_connecting(struct vmp_supplicant *s, uint64_t now)
{
	s->start_count++;
	s->when = after(now, s->params->start_period);
	send_start(s, now);
}

/* An alert that nobody waits for, because what came was meant for another, gets no Failure: no use in waiting long. */
static void enter_authenticating(struct vmp_supplicant *s, uint64_t now)
{
	bool astray = s->peer->failed && s->peer->group;

	s->when = after(now, astray ? jittered(s, s->params->start_period) : s->params->auth_period);
}

static void enter_authenticated(struct vmp_supplicant *s, uint64_t now)
{
	(void)now;
	s->when = s->next_start;
}

static void enter_held(struct vmp_supplicant *s, uint64_t now)
{
	(void)now;
	s->authorized = false;
	s->when = s->next_start;
}

static void (*const enter[])(struct vmp_supplicant *s, uint64_t now) = {
	[VMP_PAE_LOGOFF] = enter_logoff,
	[VMP_PAE_CONNECTING] = enter_connecting,
	[VMP_PAE_RESTART] = talk,
	[VMP_PAE_AUTHENTICATING] = enter_authenticating,
	[VMP_PAE_AUTHENTICATED] = enter_authenticated,
	[VMP_PAE_HELD] = enter_held,
};

/* -- transitions -- */

static bool is_authorized(const struct vmp_supplicant *s)
{
	return s->authorized;
}

static bool is_silent(const struct vmp_supplicant *s)
{
	return s->silent;
}

/* "Refused by us", where the server can have heard of it. */
static bool has_refused(const struct vmp_supplicant *s)
{
	return s->peer->failed && !s->peer->group;
}

static bool disagrees(const struct vmp_supplicant *s)
{
	return s->peer->failed || (s->peer->refused && !s->peer->selected);
}

static bool may_start(const struct vmp_supplicant *s)
{
	return s->start_count < s->params->max_start;
}

/* Begun by what the whole port hears, and proved by nothing: its end may be another guest's. */
static bool is_anybodys(const struct vmp_supplicant *s)
{
	return is_for_all(s) && !(s->peer->tls && s->peer->decision != DECISION_FAIL);
}

static bool is_anybodys_and_open(const struct vmp_supplicant *s)
{
	return is_anybodys(s) && (s->authorized || s->silent);
}

#define IN(state) (1U << VMP_PAE_##state)
#define AT_REST	  (IN(HELD) | IN(AUTHENTICATED))
#define RUNNING	  (AT_REST | IN(CONNECTING) | IN(AUTHENTICATING))
#define ON(cause) (1U << (cause))
#define AN_END	  (ON(EAP_SUCCEEDED) | ON(EAP_FAILED) | ON(TIMER))
#define QUIETLY	  (-1)

/* The first that fits is taken; nothing fits: nothing happens.  Unlike the standard's, an authorized port stays so
 * until an EAP-Failure that belongs to its own conversation, or a logoff. */
static const struct transition {
	unsigned from;
	unsigned on;
	bool (*when)(const struct vmp_supplicant *s);
	enum vmp_pae_state to;
	void (*act)(struct vmp_supplicant *s, uint64_t now);
	int tell;
} transitions[] = {
	{ RUNNING | IN(DISCONNECTED), ON(ASKED_LOGOFF), NULL, VMP_PAE_LOGOFF, forget, VMP_AUTH_LOGGED_OFF },
	{ RUNNING | IN(DISCONNECTED) | IN(LOGOFF), ON(ASKED_START), NULL, VMP_PAE_CONNECTING, begin, QUIETLY },
	{ RUNNING, ON(EAPOL_EAP), NULL, VMP_PAE_RESTART, NULL, VMP_AUTH_BEGAN },
	{ IN(RESTART), ON(ALWAYS), NULL, VMP_PAE_AUTHENTICATING, NULL, QUIETLY },
	{ IN(AUTHENTICATING), ON(REQUEST), NULL, VMP_PAE_AUTHENTICATING, NULL, QUIETLY },
	/* Back to where it began.  Whether it was meant for us, a conversation of our own will tell. */
	{ IN(AUTHENTICATING), ON(EAP_FAILED), is_anybodys_and_open, VMP_PAE_AUTHENTICATED, wonder, VMP_AUTH_TIMED_OUT },
	{ IN(AUTHENTICATING), ON(EAP_SUCCEEDED), is_anybodys_and_open, VMP_PAE_AUTHENTICATED, wonder_if_silent,
	  VMP_AUTH_TIMED_OUT },
	{ IN(AUTHENTICATING), ON(TIMER), is_anybodys_and_open, VMP_PAE_AUTHENTICATED, NULL, VMP_AUTH_TIMED_OUT },
	{ IN(AUTHENTICATING), AN_END, is_anybodys, VMP_PAE_HELD, NULL, VMP_AUTH_TIMED_OUT },
	{ IN(AUTHENTICATING), ON(EAP_SUCCEEDED), NULL, VMP_PAE_AUTHENTICATED, succeed, VMP_AUTH_SUCCEEDED },
	{ IN(AUTHENTICATING), ON(EAP_FAILED), disagrees, VMP_PAE_HELD, refuse, VMP_AUTH_FAILED },
	{ IN(AUTHENTICATING), ON(EAP_FAILED), NULL, VMP_PAE_HELD, reject, VMP_AUTH_REJECTED },
	{ IN(AUTHENTICATING), ON(UNPROVED), NULL, VMP_PAE_CONNECTING, start_over, VMP_AUTH_TIMED_OUT },
	{ IN(AUTHENTICATING), ON(TIMER), is_authorized, VMP_PAE_AUTHENTICATED, fall_back, VMP_AUTH_TIMED_OUT },
	{ IN(AUTHENTICATING), ON(TIMER), has_refused, VMP_PAE_HELD, refuse, VMP_AUTH_FAILED },
	{ IN(AUTHENTICATING), ON(TIMER), NULL, VMP_PAE_CONNECTING, time_out, VMP_AUTH_TIMED_OUT },
	{ IN(CONNECTING), ON(TIMER), may_start, VMP_PAE_CONNECTING, NULL, QUIETLY },
	{ IN(CONNECTING), ON(TIMER), is_silent, VMP_PAE_AUTHENTICATED, fall_silent, QUIETLY },
	{ IN(CONNECTING), ON(TIMER), NULL, VMP_PAE_AUTHENTICATED, fall_silent, VMP_AUTH_SILENT },
	{ IN(HELD), ON(TIMER), NULL, VMP_PAE_CONNECTING, begin, QUIETLY },
	{ IN(AUTHENTICATED), ON(TIMER), is_silent, VMP_PAE_CONNECTING, knock, QUIETLY },
	{ IN(AUTHENTICATED), ON(TIMER), NULL, VMP_PAE_CONNECTING, begin, QUIETLY },
	{ IN(AUTHENTICATED), ON(HINT), NULL, VMP_PAE_AUTHENTICATED, take_hint, QUIETLY },
};

static const struct transition *transition_of(const struct vmp_supplicant *s, enum cause on)
{
	size_t i;

	for (i = 0; i < sizeof(transitions) / sizeof(transitions[0]); i++) {
		const struct transition *t = &transitions[i];

		if ((t->on >> on & 1) && (t->from >> s->state & 1) && (!t->when || t->when(s)))
			return t;
	}
	return NULL;
}

static bool talks(enum vmp_pae_state state)
{
	return state == VMP_PAE_RESTART || state == VMP_PAE_AUTHENTICATING;
}

/* The one place where the state changes. @return what is to be told, or QUIETLY. */
static int move(struct vmp_supplicant *s, enum cause on, uint64_t now)
{
	const struct transition *t = transition_of(s, on);

	if (!t)
		return QUIETLY;
	if (t->act)
		t->act(s, now);
	if (!talks(t->to)) {
		vmp_eap_peer_free(s->peer);
		s->peer = NULL;
	}
	s->state = (uint8_t)t->to;
	enter[t->to](s, now);
	return t->tell;
}

/* Last of all that is done: the owner may start or log off from within. */
static void tell(struct vmp_supplicant *s, int event)
{
	if (event != QUIETLY)
		s->ops->changed(s->ctx, (enum vmp_auth_event)event);
}

/* -- the owner's side -- */

struct vmp_supplicant *vmp_supplicant_new(const struct vmp_supplicant_params *params,
					  const struct vmp_supplicant_ops *ops, void *ctx, const char *identity)
{
	size_t len = strnlen(identity, VMP_IDENTITY_MAX);
	struct vmp_supplicant *s = calloc(1, sizeof(*s) + len + 1);

	if (!s)
		return NULL;
	s->params = params;
	s->ops = ops;
	s->ctx = ctx;
	s->state = VMP_PAE_DISCONNECTED;
	s->when = VMP_NEVER;
	s->next_start = VMP_NEVER;
	memcpy(s->identity, identity, len);
	return s;
}

void vmp_supplicant_free(struct vmp_supplicant *s)
{
	if (!s)
		return;
	vmp_eap_peer_free(s->peer);
	vmp_eap_peer_drop_session(s);
	free(s);
}

void vmp_supplicant_start(struct vmp_supplicant *s, uint64_t now)
{
	tell(s, move(s, ASKED_START, now));
}

void vmp_supplicant_logoff(struct vmp_supplicant *s, uint64_t now)
{
	tell(s, move(s, ASKED_LOGOFF, now));
}

uint64_t vmp_supplicant_step(struct vmp_supplicant *s, uint64_t now)
{
	while (s->when <= now && s->when != VMP_NEVER)
		tell(s, move(s, TIMER, now));
	return s->when;
}

/* -- the network's side -- */

static bool is_running(const struct vmp_supplicant *s)
{
	return RUNNING >> s->state & 1;
}

static bool read_eap(const struct vmp_supplicant *s, const struct vmp_eapol *frame, struct vmp_eap *out)
{
	return is_running(s) && frame->type == VMP_EAPOL_EAP && vmp_eap_read(frame->body, frame->len, out) == VMP_OK &&
	       out->code != VMP_EAP_RESPONSE;
}

/* The authenticator closes the port without a conversation.  It may be forged, and so only makes us ask. */
static bool receive_hint(struct vmp_supplicant *s, const struct vmp_eap *eap, bool group, uint64_t now)
{
	if (eap->code != VMP_EAP_FAILURE || group || s->state != VMP_PAE_AUTHENTICATED)
		return false;
	tell(s, move(s, HINT, now));
	return true;
}

/* A request that begins a conversation: no state is lost before it is known that there is an answer. */
static bool receive_first(struct vmp_supplicant *s, enum vmp_eap_state state, const struct vmp_eap *eap, bool group,
			  uint64_t now)
{
	struct vmp_eap_peer *peer = vmp_eap_peer_new();
	int event;

	if (!peer || !vmp_eap_peer_answer(s, peer, state, eap)) {
		vmp_eap_peer_free(peer);
		return false;
	}
	peer->group = group;
	peer->ours = s->state == VMP_PAE_CONNECTING || (s->peer && s->peer->ours);
	vmp_eap_peer_free(s->peer);
	s->peer = peer;
	if (eap->type != VMP_EAP_NOTIFICATION)
		s->notice[0] = '\0';
	event = move(s, EAPOL_EAP, now);
	(void)move(s, ALWAYS, now);
	send_response(s);
	tell(s, event);
	return true;
}

static bool receive_request(struct vmp_supplicant *s, enum vmp_eap_state state, const struct vmp_eap *eap, bool group,
			    uint64_t now)
{
	bool before = s->peer && s->peer->group;

	if (!s->peer || (state == EAP_IDENTITY && s->peer->selected != VMP_EAP_NONE))
		return receive_first(s, state, eap, group, now);
	s->peer->group = before || group;
	if (!vmp_eap_peer_answer(s, s->peer, state, eap)) {
		s->peer->group = before;
		return false;
	}
	(void)move(s, REQUEST, now);
	send_response(s);
	return true;
}

/* What is no request ends the conversation. */
static const enum cause ends[] = {
	[EAP_SUCCESS] = EAP_SUCCEEDED, [EAP_FAILURE] = EAP_FAILED, [EAP_UNPROVED] = UNPROVED
};

bool vmp_supplicant_receive(struct vmp_supplicant *s, const struct vmp_eapol *frame, uint64_t now)
{
	bool group = vmp_eapol_group(frame->dst);
	enum vmp_eap_state state;
	struct vmp_eap eap;

	if (!read_eap(s, frame, &eap))
		return false;
	state = vmp_eap_peer_received(s, &eap, group);
	if (state == EAP_DISCARD)
		return receive_hint(s, &eap, group, now);
	if (eap.code == VMP_EAP_REQUEST && state != EAP_RETRANSMIT)
		return receive_request(s, state, &eap, group, now);
	if (state == EAP_RETRANSMIT)
		send_response(s);
	else
		tell(s, move(s, ends[state], now));
	return true;
}

bool vmp_supplicant_expects(const struct vmp_supplicant *s, const struct vmp_eapol *frame)
{
	enum vmp_eap_state state;
	struct vmp_eap eap;

	if (!read_eap(s, frame, &eap))
		return false;
	state = vmp_eap_peer_received(s, &eap, true);
	if (state == EAP_IDENTITY)
		return s->peer ? s->peer->ours : s->state == VMP_PAE_CONNECTING;
	return state != EAP_DISCARD;
}
