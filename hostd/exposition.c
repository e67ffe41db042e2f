#include "exposition.h"
#include "identity.h"
#include "metrics.h"
#include "prometheus.h"
#include "report.h"
#include "source.h"
#include "uplink.h"
#include "view.h"

#include <event2/buffer.h>
#include <string.h>

#ifndef VMPROV_VERSION
#define VMPROV_VERSION "0"
#endif

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void gauge(struct evbuffer *out, const char *name, const char *help, unsigned long long n)
{
	prometheus_head(out, name, "gauge", help);
	evbuffer_add_printf(out, "%s %llu\n", name, n);
}

/* -- counters ----------------------------------------------------------------------------------------------------- */

/* help NULL: another label of the same. */
static void counters(struct evbuffer *out, const struct identity_status *identity)
{
	const struct {
		const char *name, *labels, *help;
		unsigned long long n;
	} all[] = {
		{ "vmprov_hostd_frames_total", "{direction=\"in\"}", "EAPOL frames.", metrics.frames_in },
		{ "vmprov_hostd_frames_total", "{direction=\"out\"}", NULL, metrics.frames_out },
		{ "vmprov_hostd_frames_ignored_total", "{why=\"bad\"}", "EAPOL frames that were meant for no guest.",
		  metrics.frames_bad },
		{ "vmprov_hostd_frames_ignored_total", "{why=\"foreign\"}", NULL, metrics.frames_foreign },
		{ "vmprov_hostd_reports_total", "{outcome=\"ok\"}", "Guests' starts and ends told to policyd.",
		  metrics.reports_ok },
		{ "vmprov_hostd_reports_total", "{outcome=\"refused\"}", NULL, metrics.reports_refused },
		{ "vmprov_hostd_reports_total", "{outcome=\"failed\"}", NULL, metrics.reports_failed },
		{ "vmprov_hostd_cidata_total", "{outcome=\"ok\"}", "cidata volumes.", metrics.cidata_written },
		{ "vmprov_hostd_cidata_total", "{outcome=\"failed\"}", NULL, metrics.cidata_failed },
		{ "vmprov_hostd_certificates_total", "{by=\"token\"}", "Certificates of the host.",
		  identity->enrolments },
		{ "vmprov_hostd_certificates_total", "{by=\"renewal\"}", NULL, identity->renewals },
		{ "vmprov_hostd_certificate_failures_total", "", "Enrolments and renewals that failed.",
		  identity->failures },
		{ "vmprov_hostd_hook_calls_total", "", "Calls of libvirt's hook.", metrics.hooks },
		{ "vmprov_hostd_disconnects_total", "", "Guests that a NAS has disconnected, as policyd tells.",
		  metrics.disconnects },
	};
	size_t i;

	for (i = 0; i < COUNT(all); i++) {
		if (all[i].help)
			prometheus_head(out, all[i].name, "counter", all[i].help);
		evbuffer_add_printf(out, "%s%s %llu\n", all[i].name, all[i].labels, all[i].n);
	}
}

static void events(struct evbuffer *out)
{
	int e;

	prometheus_head(out, "vmprov_hostd_supplicant_events_total", "counter", "What came about at supplicants.");
	for (e = 0; e <= VMP_AUTH_LOGGED_OFF; e++)
		evbuffer_add_printf(out, "vmprov_hostd_supplicant_events_total{event=\"%s\"} %llu\n",
				    vmp_auth_name((enum vmp_auth_event)e), metrics.event[e]);
}

static void times(struct evbuffer *out)
{
	size_t i;

	prometheus_head(out, "vmprov_hostd_authentication_seconds", "histogram", "From EAPOL-Start to Success.");
	for (i = 0; i < COUNT(metrics_took_ms); i++)
		evbuffer_add_printf(out, "vmprov_hostd_authentication_seconds_bucket{le=\"%g\"} %llu\n",
				    metrics_took_ms[i] / 1000.0, metrics.took[i]);
	evbuffer_add_printf(out,
			    "vmprov_hostd_authentication_seconds_bucket{le=\"+Inf\"} %llu\n"
			    "vmprov_hostd_authentication_seconds_sum %.6f\n"
			    "vmprov_hostd_authentication_seconds_count %llu\n",
			    metrics.took[i], (double)metrics.took_us / 1e6, metrics.took[i]);
}

/* -- guests ------------------------------------------------------------------------------------------------------- */

/* As nic_word() has them, and those that have no supplicant. */
static const char *const words[] = { "idle",   "waiting", "connecting", "authenticating", "authorized",
				     "silent", "held",	  "logged-off", "not-served" };

static void count_nics(const struct guest *guest, unsigned long long n[COUNT(words)])
{
	int i;
	size_t w;

	for (i = 0; i < guest->info.n_nic; i++) {
		const char *word = guest->nic[i] ? nic_word(guest->nic[i]) : "not-served";

		for (w = 0; w < COUNT(words); w++)
			n[w] += strcmp(words[w], word) == 0;
	}
}

static void guests(struct evbuffer *out)
{
	unsigned long long nics[COUNT(words)] = { 0 }, reports[GUEST_REFUSED + 1] = { 0 };
	const struct guest *guest;
	size_t i;

	for (guest = guest_first(); guest; guest = guest->next) {
		count_nics(guest, nics);
		reports[guest->report]++;
	}
	prometheus_head(out, "vmprov_hostd_guests", "gauge", "Guests, by where policyd stands with them.");
	for (i = 0; i < COUNT(reports); i++)
		evbuffer_add_printf(out, "vmprov_hostd_guests{report=\"%s\"} %llu\n", view_report((enum guest_report)i),
				    reports[i]);
	prometheus_head(out, "vmprov_hostd_interfaces", "gauge", "Guests' interfaces, by state.");
	for (i = 0; i < COUNT(words); i++)
		evbuffer_add_printf(out, "vmprov_hostd_interfaces{state=\"%s\"} %llu\n", words[i], nics[i]);
}

/* -- uplinks ------------------------------------------------------------------------------------------------------ */

static unsigned is_up(const struct uplink *uplink)
{
	return uplink->up && uplink->fd >= 0;
}

static unsigned queued(const struct uplink *uplink)
{
	return uplink->n_queued;
}

static unsigned running(const struct uplink *uplink)
{
	return uplink->n_running;
}

static void uplinks(struct evbuffer *out)
{
	static const struct {
		const char *name, *help;
		unsigned (*value)(const struct uplink *uplink);
	} gauges[] = {
		{ "vmprov_hostd_uplink_up", "Whether frames can pass.", is_up },
		{ "vmprov_hostd_uplink_queued", "Interfaces that wait for their turn.", queued },
		{ "vmprov_hostd_uplink_running", "Conversations with the switch.", running },
	};
	struct uplink *uplink;
	size_t g;
	int i;

	for (g = 0; g < COUNT(gauges); g++) {
		prometheus_head(out, gauges[g].name, "gauge", gauges[g].help);
		for (i = 0; (uplink = uplink_at(i)); i++)
			evbuffer_add_printf(out, "%s{uplink=\"%s\"} %u\n", gauges[g].name, uplink->config->name,
					    gauges[g].value(uplink));
	}
}

/* -- all ---------------------------------------------------------------------------------------------------------- */

void exposition_write(struct evbuffer *out)
{
	struct identity_status s = { .error = "" };

	identity_status(&s);
	prometheus_head(out, "vmprov_hostd_build_info", "gauge", "Always 1.");
	evbuffer_add_printf(out, "vmprov_hostd_build_info{version=\"%s\"} 1\n", VMPROV_VERSION);
	guests(out);
	uplinks(out);
	events(out);
	times(out);
	counters(out, &s);
	gauge(out, "vmprov_hostd_reports_pending", "Ends of guests that policyd has not taken yet.", report_pending());
	gauge(out, "vmprov_hostd_certificate_expiry_timestamp_seconds",
	      "The host's certificate's end; 0: there is none.", s.not_after > 0 ? (unsigned long long)s.not_after : 0);
	gauge(out, "vmprov_hostd_libvirt_connected", "Whether libvirt answers; 1 too when it is not asked.",
	      !*source_libvirt_state() || strcmp(source_libvirt_state(), "connected") == 0);
}
