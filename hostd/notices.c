#include "notices.h"
#include "guest.h"
#include "identity.h"
#include "log.h"
#include "loop.h"
#include "mac.h"
#include "metrics.h"
#include "uplink.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define PAUSE_MS     1000 /* [ms] after an answer that is none, doubled for each further one */
#define PAUSE_MAX_MS 8000
#define NOBODY_MS    100 /* [ms] until the host may have a certificate */
#define HURRY_MS     200 /* [ms] */

static struct {
	struct event *timer;
	json_int_t since;  /* policyd's number of what it told last; 0: from now on */
	uint64_t asked_at; /**< [ms] */
	unsigned pause_ms;
} notices;

static void again(unsigned ms)
{
	const struct timeval wait = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	event_add(notices.timer, &wait);
}

/* The switch has forgotten it, and many switches say nothing of that to the supplicant. */
static void cut_off(const char *mac)
{
	struct uplink *uplink;
	uint64_t wanted;
	int i;

	if (vmp_mac_parse(mac, strlen(mac), &wanted) != VMP_OK)
		return;
	for (i = 0; (uplink = uplink_at(i)); i++) {
		struct nic *nic = uplink_nic(uplink, wanted);

		if (!nic || nic->stage != NIC_RUNNING)
			continue;
		vmp_log(VMP_LOG_INFO, "disconnected", "guest", nic->guest ? nic->guest->info.name : "(host)", "mac",
			mac, NULL);
		metrics.disconnects++;
		nic_disconnected(nic);
	}
}

/* {"version": N, "disconnected": ["52:54:00:aa:bb:cc", ...]} @return whether it is that. */
static bool take(const char *body, size_t len)
{
	json_t *json = json_loadb(body, len, JSON_REJECT_DUPLICATES, NULL), *version, *macs, *mac;
	bool good;
	size_t i;

	version = json_object_get(json, "version");
	macs = json_object_get(json, "disconnected");
	good = json_is_integer(version) && json_integer_value(version) >= 0 && json_is_array(macs);
	if (good) {
		notices.since = json_integer_value(version);
		json_array_foreach(macs, i, mac) {
			if (json_is_string(mac))
				cut_off(json_string_value(mac));
		}
	}
	json_decref(json);
	return good;
}

static void came(void *ctx, int status, const char *body, size_t len, const char *why)
{
	(void)ctx;
	if (status == 200 && take(body, len)) {
		notices.pause_ms = PAUSE_MS;
		/* Whoever answers at once with nothing to say is not asked at once. */
		again(loop_now() - notices.asked_at < HURRY_MS ? PAUSE_MS : 0);
		return;
	}
	vmp_log(VMP_LOG_DEBUG, "notices-unanswered", "status", vmp_log_num(status), "why", why, NULL);
	again(notices.pause_ms);
	notices.pause_ms = notices.pause_ms * 2 < PAUSE_MAX_MS ? notices.pause_ms * 2 : PAUSE_MAX_MS;
}

static void ask(evutil_socket_t fd, short what, void *ctx)
{
	struct http_request request = { .method = "GET",
					.certificate = loop.config->certificate,
					.key = loop.config->key };
	struct vmp_msg msg;
	int64_t wait = loop.config->policyd_timeout / 2;
	char path[96];

	(void)fd;
	(void)what;
	(void)ctx;
	snprintf(path, sizeof(path), "/v1/host/notices?since=%lld&wait=%lld", (long long)notices.since,
		 (long long)(wait > 0 ? wait : 1));
	notices.asked_at = loop_now();
	request.path = path;
	if (!identity_is_there())
		again(NOBODY_MS);
	else if (http_client_send(loop.policyd, &request, came, NULL, &msg) != VMP_OK)
		again(PAUSE_MS);
}

void notices_open(void)
{
	if (!*loop.config->policyd_url)
		return;
	notices.pause_ms = PAUSE_MS;
	notices.timer = event_new(loop.base, -1, 0, ask, NULL);
	if (notices.timer)
		again(0);
}

void notices_close(void)
{
	if (notices.timer)
		event_free(notices.timer);
	memset(&notices, 0, sizeof(notices));
}
