#include "nic.h"
#include "guest.h"
#include "identity_tls.h"
#include "log.h"
#include "loop.h"
#include "metrics.h"
#include "passwords.h"
#include "pki.h"
#include "uplink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MS   1000  /* [ms] that a slot waits for the switch's first answer */
#define PROGRESS_MS 5000  /* [ms] and for the next step of a conversation */
#define SETTLE_MS   10000 /* [ms] after a Disconnect a switch knows what it wants */
#define SLOT_MS	    30000 /* [ms] and at most, however much is said */
#define IDENTITY    254	  /* [octets] of an EAP identity, and its NUL */

static struct vmp_supplicant_params params;
static const char *identity_form;

static int read_methods(const char *list, struct vmp_msg *msg)
{
	static const struct {
		const char *word;
		uint8_t type;
	} words[] = { { "tls", VMP_EAP_TLS }, { "md5", VMP_EAP_MD5 } };
	char word[VMP_INI_TEXT];
	size_t n = 0, i;

	memset(params.method, VMP_EAP_NONE, sizeof(params.method));
	while (vmp_ini_word(&list, word, sizeof(word))) {
		for (i = 0; i < 2 && strcmp(words[i].word, word) != 0; i++)
			;
		if (i == 2 || n == 2 || (n == 1 && params.method[0] == words[i].type))
			return vmp_fail(msg, VMP_EINVAL, "[eap] methods: expected tls, md5 or both");
		params.method[n++] = words[i].type;
	}
	return n ? VMP_OK : vmp_fail(msg, VMP_EINVAL, "[eap] methods: expected tls, md5 or both");
}

int nics_init(const struct config *config, struct vmp_msg *msg)
{
	params = (struct vmp_supplicant_params){
		.eapol_version = (uint8_t)config->eapol_version,
		.start_period = (uint32_t)config->start_period * 1000,
		.max_start = (uint32_t)config->max_start,
		.auth_period = (uint32_t)config->auth_period * 1000,
		.held_period = (uint32_t)config->held_period * 1000,
		.held_max = (uint32_t)config->held_max * 1000,
		.silent_period = (uint32_t)config->silent_period * 1000,
		.reauth_period = (uint32_t)config->reauth_period * 1000,
		.jitter = (uint8_t)config->jitter,
	};
	identity_form = config->eap_identity;
	return read_methods(config->methods, msg);
}

/* "%m": the MAC address, "%n": the guest's name, "%%": a per cent sign. */
static void identity_text(const struct nic *nic, char out[IDENTITY])
{
	char mac[VMP_MAC_TEXT];
	const char *at, *put;
	size_t n = 0;

	vmp_mac_format(nic->mac, mac);
	for (at = identity_form; *at; at++) {
		char one[2] = { *at, '\0' };

		put = one;
		if (*at == '%' && at[1]) {
			at++;
			put = *at == 'm' ? mac : *at == 'n' && nic->guest ? nic->guest->info.name : "%";
		}
		n += (size_t)snprintf(out + n, IDENTITY - n, "%s", put);
		if (n >= IDENTITY)
			break;
	}
	if (n == 0 || n >= IDENTITY)
		memcpy(out, mac, sizeof(mac));
}

static const char *guest_name(const struct nic *nic)
{
	return nic->guest ? nic->guest->info.name : "(host)";
}

static void say(enum vmp_log_level level, const char *event, const struct nic *nic, const char *why)
{
	char mac[VMP_MAC_TEXT];

	vmp_mac_format(nic->mac, mac);
	vmp_log(level, event, "guest", guest_name(nic), "mac", mac, "uplink", nic->uplink->config->name, "why",
		why && *why ? why : NULL, NULL);
}

/* -- the supplicant's world --------------------------------------------------------------------- */
static void rearm(struct nic *nic)
{
	uint64_t now = loop_now(), due = UINT64_MAX;
	struct timeval wait;

	if (nic->supplicant)
		due = vmp_supplicant_step(nic->supplicant, now);
	if (nic->slot && nic->slot_until < due)
		due = nic->slot_until;
	if (nic->again_at && nic->again_at < due)
		due = nic->again_at;
	nic->due = due;
	if (due == UINT64_MAX) {
		event_del(nic->timer);
		return;
	}
	due = due > now ? due - now : 0;
	wait = (struct timeval){ .tv_sec = (time_t)(due / 1000), .tv_usec = (suseconds_t)(due % 1000 * 1000) };
	event_add(nic->timer, &wait);
}

/* It goes on: nobody holds a slot for ever, though. */
static void extend_slot(struct nic *nic)
{
	uint64_t until = loop_now() + PROGRESS_MS, end = nic->slot_since + SLOT_MS;

	nic->slot_until = until < end ? until : end;
}

static void send_frame(void *ctx, enum vmp_eapol_type type, const uint8_t *body, size_t len)
{
	uplink_send(ctx, type, body, len);
}

static struct vmp_tls_identity *tls_identity(void *ctx)
{
	(void)ctx;
	return identity_tls();
}

static size_t password(void *ctx, char out[PASSWORD_MAX])
{
	return passwords_find(((struct nic *)ctx)->mac, out);
}

static uint32_t a_random(void *ctx)
{
	uint32_t r = 0;

	(void)ctx;
	evutil_secure_rng_get_bytes(&r, sizeof(r));
	return r;
}

static void succeeded(struct nic *nic)
{
	nic->last_error[0] = '\0';
	if (!nic->began_us)
		return;
	nic->took_us = loop_now_us() - nic->began_us;
	nic->began_us = 0;
	metrics_took(nic->took_us);
}

/* What each event means: how loud it is, and whether the conversation is over. */
static const struct {
	const char *word;
	enum vmp_log_level level;
	bool over, failed;
} events[] = {
	[VMP_AUTH_BEGAN] = { "conversation", VMP_LOG_DEBUG, false, false },
	[VMP_AUTH_SUCCEEDED] = { "authorized", VMP_LOG_INFO, true, false },
	[VMP_AUTH_REJECTED] = { "rejected", VMP_LOG_WARNING, true, true },
	[VMP_AUTH_FAILED] = { "failed", VMP_LOG_WARNING, true, true },
	[VMP_AUTH_TIMED_OUT] = { "timed-out", VMP_LOG_WARNING, true, true },
	[VMP_AUTH_SILENT] = { "switch-silent", VMP_LOG_WARNING, true, true },
	[VMP_AUTH_LOGGED_OFF] = { "logged-off", VMP_LOG_INFO, true, false },
};

static void changed(void *ctx, enum vmp_auth_event event)
{
	struct nic *nic = ctx;
	struct vmp_supplicant_status status;
	bool again = nic->had_event && nic->last_event == event;

	vmp_supplicant_status(nic->supplicant, &status);
	metrics.event[event]++;
	nic->last_event = event;
	nic->had_event = true;
	if (event == VMP_AUTH_SUCCEEDED)
		succeeded(nic);
	if (events[event].failed)
		snprintf(nic->last_error, sizeof(nic->last_error), "%s",
			 *status.why ? status.why : "the switch does not answer");
	/* A switch that is away says nothing again and again. */
	say(again && event == VMP_AUTH_SILENT ? VMP_LOG_DEBUG : events[event].level, events[event].word, nic,
	    events[event].failed ? nic->last_error : status.notice);
	if (event == VMP_AUTH_BEGAN) {
		uplink_claim(nic);
		extend_slot(nic);
	}
	if (!events[event].over)
		return;
	uplink_release(nic);
	if (nic == nic->uplink->host && event != VMP_AUTH_LOGGED_OFF)
		uplink_host_done(nic->uplink);
}

static const struct vmp_supplicant_ops ops = { send_frame, changed, tls_identity, password, a_random };

/* -- from outside ------------------------------------------------------------------------------- */
static void timer_came(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	nic_step(ctx, loop_now());
}

struct nic *nic_new(struct uplink *uplink, struct guest *guest, uint64_t mac)
{
	struct nic *nic = uplink_nic(uplink, mac) ? NULL : calloc(1, sizeof(*nic));

	if (!nic)
		return NULL;
	nic->uplink = uplink;
	nic->guest = guest;
	nic->mac = mac;
	nic->due = UINT64_MAX;
	nic->timer = event_new(loop.base, -1, 0, timer_came, nic);
	if (!nic->timer) {
		free(nic);
		return NULL;
	}
	uplink_insert(nic);
	return nic;
}

void nic_free(struct nic *nic, bool logoff)
{
	if (!nic)
		return;
	uplink_dequeue(nic);
	/* Also one that was let in and waits for its turn again. */
	if (logoff && nic->supplicant)
		vmp_supplicant_logoff(nic->supplicant, loop_now());
	uplink_release(nic);
	uplink_remove(nic);
	vmp_supplicant_free(nic->supplicant);
	event_free(nic->timer);
	free(nic);
}

void nic_start(struct nic *nic, enum nic_urgency urgency)
{
	if (nic->held_by_operator)
		return;
	/* It is at it, or will be: switches shut a port on which one starts again and again. */
	if (urgency == NIC_AGAIN && (nic->queued || (nic->stage == NIC_RUNNING && nic->slot)))
		return;
	if (nic->stage == NIC_WAITING && urgency >= nic->urgency)
		urgency = nic->urgency;
	uplink_dequeue(nic);
	uplink_release(nic);
	nic->urgency = urgency;
	nic->stage = NIC_WAITING;
	/* Here it may have been before, and been disconnected when it left. */
	if (urgency == NIC_MIGRATED)
		nic->again_at = loop_now() + SETTLE_MS;
	uplink_enqueue(nic);
	uplink_serve(nic->uplink);
}

void nic_logoff(struct nic *nic)
{
	nic->again_at = 0;
	uplink_dequeue(nic);
	if (nic->supplicant) {
		vmp_supplicant_logoff(nic->supplicant, loop_now());
		rearm(nic);
	}
	uplink_release(nic);
	nic->stage = NIC_IDLE;
	nic->last_error[0] = '\0';
	if (nic == nic->uplink->host)
		uplink_host_done(nic->uplink);
}

void nic_disconnected(struct nic *nic)
{
	if (nic->stage != NIC_RUNNING)
		return;
	nic_start(nic, NIC_MIGRATED);
	rearm(nic);
}

void nic_port_down(struct nic *nic)
{
	nic->again_at = 0;
	uplink_dequeue(nic);
	uplink_release(nic);
	vmp_supplicant_free(nic->supplicant);
	nic->supplicant = NULL;
	event_del(nic->timer);
	if (nic->stage == NIC_IDLE)
		return;
	nic->stage = NIC_WAITING;
	nic->urgency = nic == nic->uplink->host ? NIC_HOST : NIC_AGAIN;
	snprintf(nic->last_error, sizeof(nic->last_error), "the uplink is down");
	uplink_enqueue(nic);
}

static bool has_method(const struct nic *nic)
{
	char text[PASSWORD_MAX];
	bool has = false;
	size_t i;

	for (i = 0; i < sizeof(params.method) && !has; i++)
		has = (params.method[i] == VMP_EAP_TLS && identity_tls()) ||
		      (params.method[i] == VMP_EAP_MD5 && passwords_find(nic->mac, text));
	vmp_wipe(text, sizeof(text));
	return has;
}

/* It stays in NIC_WAITING, out of the queue. */
static void cannot(struct nic *nic, const char *why)
{
	snprintf(nic->last_error, sizeof(nic->last_error), "%s", why);
	uplink_release(nic);
	if (nic == nic->uplink->host)
		uplink_host_done(nic->uplink);
}

void nic_turn(struct nic *nic)
{
	char identity[IDENTITY];

	if (!has_method(nic)) {
		cannot(nic, "no certificate of this host yet, and no password");
		return;
	}
	if (!nic->supplicant) {
		nic->last_error[0] = '\0'; /* what kept it from having one */
		identity_text(nic, identity);
		nic->supplicant = vmp_supplicant_new(&params, &ops, nic, identity);
	}
	if (!nic->supplicant) {
		cannot(nic, "out of memory");
		return;
	}
	nic->stage = NIC_RUNNING;
	nic->asked_at = loop_now();
	nic->slot_until = nic->asked_at + ANSWER_MS;
	nic->began_us = loop_now_us();
	vmp_supplicant_start(nic->supplicant, nic->asked_at);
	rearm(nic);
}

bool nic_receive(struct nic *nic, const struct vmp_eapol *frame)
{
	bool taken;

	if (!nic->supplicant || nic->stage == NIC_IDLE)
		return false;
	taken = vmp_supplicant_receive(nic->supplicant, frame, loop_now());
	if (taken && nic->slot)
		extend_slot(nic);
	rearm(nic);
	return taken;
}

void nic_step(struct nic *nic, uint64_t now)
{
	if (nic->slot && now >= nic->slot_until)
		uplink_release(nic);
	if (nic->again_at && now >= nic->again_at) {
		nic->again_at = 0;
		if (nic->stage == NIC_RUNNING && nic_is_authorized(nic))
			nic_start(nic, NIC_AGAIN);
	}
	rearm(nic);
}

bool nic_is_authorized(const struct nic *nic)
{
	struct vmp_supplicant_status status;

	if (!nic->supplicant)
		return false;
	vmp_supplicant_status(nic->supplicant, &status);
	return status.authorized;
}

const char *nic_word(const struct nic *nic)
{
	static const char *const words[] = {
		[VMP_PAE_LOGOFF] = "logged-off",
		[VMP_PAE_DISCONNECTED] = "idle",
		[VMP_PAE_CONNECTING] = "connecting",
		[VMP_PAE_RESTART] = "authenticating",
		[VMP_PAE_AUTHENTICATING] = "authenticating",
		[VMP_PAE_AUTHENTICATED] = "authenticating",
		[VMP_PAE_HELD] = "held",
	};
	struct vmp_supplicant_status status;

	if (nic->supplicant) {
		vmp_supplicant_status(nic->supplicant, &status);
		if (status.authorized)
			return "authorized";
		if (status.silent && nic->stage == NIC_RUNNING)
			return "silent";
	}
	if (nic->stage == NIC_IDLE)
		return nic->held_by_operator ? "logged-off" : "idle";
	if (nic->stage == NIC_WAITING || !nic->supplicant)
		return "waiting";
	return words[status.state];
}
