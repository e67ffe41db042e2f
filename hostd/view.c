#include "view.h"
#include "identity.h"
#include "jsontext.h"
#include "loop.h"
#include "metrics.h"
#include "report.h"
#include "source.h"
#include "uplink.h"
#include "uplink_fence.h"

#ifndef VMPROV_VERSION
#define VMPROV_VERSION "0"
#endif

static uint64_t began;

void view_init(void)
{
	began = loop_now();
}

static void set_text(json_t *doc, const char *key, const char *text)
{
	json_object_set_new(doc, key, vmp_json_text(text));
}

static void set_number(json_t *doc, const char *key, uint64_t number)
{
	json_object_set_new(doc, key, json_integer((json_int_t)number));
}

static void set_bool(json_t *doc, const char *key, bool value)
{
	json_object_set_new(doc, key, json_boolean(value));
}

/* -- a guest ----------------------------------------------------------------------------------------------------- */

const char *view_guest_state(const struct guest *guest)
{
	if (guest->incoming)
		return "incoming";
	return guest->prepared ? "prepared" : "running";
}

const char *view_report(enum guest_report report)
{
	static const char *const words[] = { [GUEST_UNREPORTED] = "unreported",
					     [GUEST_REPORTING] = "reporting",
					     [GUEST_REPORTED] = "reported",
					     [GUEST_REFUSED] = "refused" };

	return words[report];
}

static const char *method_name(uint8_t method)
{
	static const struct {
		uint8_t method;
		const char *name;
	} names[] = { { VMP_EAP_TLS, "eap-tls" }, { VMP_EAP_MD5, "eap-md5" } };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].method == method)
			return names[i].name;
	}
	return "";
}

static void set_supplicant(json_t *doc, const struct nic *nic, uint64_t now)
{
	struct vmp_supplicant_status s;

	vmp_supplicant_status(nic->supplicant, &s);
	set_text(doc, "pae", vmp_pae_name(s.state));
	set_text(doc, "method", method_name(s.method));
	set_bool(doc, "authorized", s.authorized);
	set_bool(doc, "resumed", s.resumed);
	if (s.authorized && now >= s.authorized_at)
		set_number(doc, "authorized_for_s", (now - s.authorized_at) / 1000);
	if (s.due != UINT64_MAX)
		set_number(doc, "next_s", s.due > now ? (s.due - now) / 1000 : 0);
	set_number(doc, "starts", s.starts);
	set_number(doc, "failures", s.failures);
	set_text(doc, "notice", s.notice);
}

static json_t *view_nic(const struct guest_nic *info, const struct nic *nic, uint64_t now)
{
	json_t *doc = json_object();
	char mac[VMP_MAC_TEXT];

	vmp_mac_format(info->mac, mac);
	set_text(doc, "mac", mac);
	set_text(doc, "port", info->port);
	set_text(doc, "bridge", *info->bridge ? info->bridge : info->direct);
	set_text(doc, "uplink", nic ? nic->uplink->config->name : "");
	set_text(doc, "state", nic ? nic_word(nic) : "not-served");
	if (!nic)
		return doc;
	set_bool(doc, "held_by_operator", nic->held_by_operator);
	set_text(doc, "error", nic->last_error);
	set_text(doc, "last_event", nic->had_event ? vmp_auth_name(nic->last_event) : "");
	if (nic->took_us)
		json_object_set_new(doc, "took_ms", json_real((double)nic->took_us / 1000));
	if (nic->supplicant)
		set_supplicant(doc, nic, now);
	return doc;
}

json_t *view_guest(const struct guest *guest)
{
	const struct guest_info *info = &guest->info;
	json_t *doc = json_object(), *nics = json_array();
	uint64_t now = loop_now();
	int i;

	set_text(doc, "uuid", info->uuid);
	set_text(doc, "name", info->name);
	set_text(doc, "source", info->source == GUEST_LIBVIRT ? "libvirt" : "netlink");
	set_text(doc, "template", info->template_name);
	set_text(doc, "state", view_guest_state(guest));
	set_text(doc, "report", view_report(guest->report));
	set_number(doc, "since_s", now > guest->since ? (now - guest->since) / 1000 : 0);
	set_text(doc, "last_error", guest->last_error);
	for (i = 0; i < info->n_nic; i++)
		json_array_append_new(nics, view_nic(&info->nic[i], guest->nic[i], now));
	json_object_set_new(doc, "nics", nics);
	return doc;
}

/* -- hostd ------------------------------------------------------------------------------------------------------- */

static void count_authorized(void *ctx, struct nic *nic)
{
	unsigned *n = ctx;

	*n += nic_is_authorized(nic);
}

void view_uplink(struct uplink *uplink, struct view_uplink *out)
{
	enum config_replies replies = config_replies(uplink->config);

	out->authorized = 0;
	uplink_each_nic(uplink, count_authorized, &out->authorized);
	if (uplink->grouped || replies == CONFIG_REPLIES_GROUP)
		out->replies = "group";
	else
		out->replies = uplink->answered || replies == CONFIG_REPLIES_UNICAST ? "unicast" : "unknown";
	out->host = uplink->host ? nic_word(uplink->host) : "";
}

static json_t *uplink_json(struct uplink *uplink)
{
	json_t *doc = json_object();
	struct view_uplink words;

	view_uplink(uplink, &words);
	set_text(doc, "name", uplink->config->name);
	set_text(doc, "bridge", uplink->bridge);
	set_bool(doc, "up", uplink->up);
	set_bool(doc, "open", uplink->fd >= 0);
	set_number(doc, "guests", uplink->n_nic);
	set_number(doc, "authorized", words.authorized);
	set_number(doc, "running", uplink->n_running);
	set_number(doc, "queued", uplink->n_queued);
	set_text(doc, "replies", words.replies);
	set_text(doc, "host", words.host);
	set_number(doc, "frames_in", uplink->frames_in);
	set_number(doc, "frames_out", uplink->frames_out);
	set_number(doc, "frames_foreign", uplink->frames_foreign);
	set_number(doc, "frames_bad", uplink->frames_bad);
	set_text(doc, "error", uplink->last_error);
	return doc;
}

static json_t *uplinks_json(void)
{
	json_t *list = json_array();
	struct uplink *uplink;
	int i;

	for (i = 0; (uplink = uplink_at(i)); i++)
		json_array_append_new(list, uplink_json(uplink));
	return list;
}

static json_t *identity_json(void)
{
	struct identity_status s = { .error = "" };
	json_t *doc = json_object();

	identity_status(&s);
	set_bool(doc, "there", s.there);
	set_text(doc, "name", s.name);
	set_text(doc, "serial", s.serial);
	json_object_set_new(doc, "not_after", s.not_after ? json_integer((json_int_t)s.not_after) : json_null());
	json_object_set_new(doc, "renew_at", s.renew_at ? json_integer((json_int_t)s.renew_at) : json_null());
	set_text(doc, "error", s.error);
	return doc;
}

static json_t *events_json(void)
{
	json_t *doc = json_object();
	int e;

	for (e = 0; e <= VMP_AUTH_LOGGED_OFF; e++)
		set_number(doc, vmp_auth_name((enum vmp_auth_event)e), metrics.event[e]);
	return doc;
}

static json_t *counters_json(void)
{
	struct identity_status identity;
	const struct {
		const char *name;
		const unsigned long long *n;
	} counters[] = {
		{ "frames_in", &metrics.frames_in },
		{ "frames_out", &metrics.frames_out },
		{ "frames_bad", &metrics.frames_bad },
		{ "frames_foreign", &metrics.frames_foreign },
		{ "reports_ok", &metrics.reports_ok },
		{ "reports_refused", &metrics.reports_refused },
		{ "reports_failed", &metrics.reports_failed },
		{ "cidata_written", &metrics.cidata_written },
		{ "cidata_failed", &metrics.cidata_failed },
		{ "enrolments", &identity.enrolments },
		{ "renewals", &identity.renewals },
		{ "identity_failures", &identity.failures },
		{ "hooks", &metrics.hooks },
		{ "disconnects", &metrics.disconnects },
	};
	json_t *doc = json_object();
	size_t i;

	identity_status(&identity);
	json_object_set_new(doc, "events", events_json());
	for (i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		set_number(doc, counters[i].name, *counters[i].n);
	return doc;
}

json_t *view_status(void)
{
	json_t *doc = json_object(), *policyd = json_object();

	set_text(doc, "version", VMPROV_VERSION);
	set_number(doc, "uptime_s", (loop_now() - began) / 1000);
	json_object_set_new(doc, "identity", identity_json());
	set_text(policyd, "url", loop.config->policyd_url);
	set_number(policyd, "pending", report_pending());
	set_text(policyd, "error", report_error());
	json_object_set_new(doc, "policyd", policyd);
	set_text(doc, "libvirt", source_libvirt_state());
	set_text(doc, "fence", loop.config->fence ? uplink_fence_error() : "off");
	set_number(doc, "guests", guest_count());
	json_object_set_new(doc, "uplinks", uplinks_json());
	json_object_set_new(doc, "counters", counters_json());
	return doc;
}
