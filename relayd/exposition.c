#include "exposition.h"
#include "identity.h"
#include "metrics.h"
#include "prometheus.h"
#include "relay.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* -- services ----------------------------------------------------------------------------------------------------- */

#define ANY -1

/* help NULL: another label of the same. */
static const struct {
	const char *name, *type, *label, *help;
	size_t offset;
	int only; /* of services of this type alone; ANY */
} of_services[] = {
	{ "vmprov_relay_tunnels", "gauge", "", "Tunnels open.", offsetof(struct service, open), ANY },
	{ "vmprov_relay_tunnels_total", "counter", "", "Tunnels opened.", offsetof(struct service, total), ANY },
	{ "vmprov_relay_octets_total", "counter", ",direction=\"out\"", "Octets to targets, and from them.",
	  offsetof(struct service, octets_out), ANY },
	{ "vmprov_relay_octets_total", "counter", ",direction=\"in\"", NULL, offsetof(struct service, octets_in), ANY },
	{ "vmprov_relay_connect_failures_total", "counter", "", "Connections to targets or the next relay that failed.",
	  offsetof(struct service, failures), ANY },
	{ "vmprov_relay_syslog_messages_total", "counter", "", "Syslog messages passed on.",
	  offsetof(struct service, messages), SERVICE_SYSLOG },
	{ "vmprov_relay_ntp_requests_total", "counter", "", "NTP requests passed on.",
	  offsetof(struct service, requests), SERVICE_NTP },
	{ "vmprov_relay_ntp_answers_total", "counter", "", "NTP answers passed on.", offsetof(struct service, answers),
	  SERVICE_NTP },
	{ "vmprov_relay_ntp_dropped_total", "counter", "",
	  "NTP requests that could not go on, and answers nobody waited for.", offsetof(struct service, lost),
	  SERVICE_NTP },
};

static void services(struct evbuffer *out)
{
	struct service *all;
	size_t m;
	int i, n;

	all = services_all(&n);
	for (m = 0; m < COUNT(of_services); m++) {
		if (of_services[m].help)
			prometheus_head(out, of_services[m].name, of_services[m].type, of_services[m].help);
		for (i = 0; i < n; i++) {
			const void *at = (const char *)&all[i] + of_services[m].offset;

			if (of_services[m].only == ANY || of_services[m].only == (int)all[i].config->type)
				evbuffer_add_printf(out, "%s{service=\"%s\"%s} %lld\n", of_services[m].name,
						    all[i].config->name, of_services[m].label,
						    (long long)*(const int64_t *)at);
		}
	}
}

/* -- the process -------------------------------------------------------------------------------------------------- */

static void refusals(struct evbuffer *out)
{
	int i;

	prometheus_head(out, "vmprov_relay_refusals_total", "counter", "What was refused, by reason.");
	for (i = 0; i < REFUSALS; i++)
		evbuffer_add_printf(out, "vmprov_relay_refusals_total{reason=\"%s\"} %lld\n", refusal_words[i],
				    (long long)metrics.refusals[i]);
}

static void certificate(struct evbuffer *out)
{
	struct identity_status s = { .error = "" };

	identity_status(&s);
	prometheus_head(out, "vmprov_relay_certificates_total", "counter", "Certificates of the relay.");
	evbuffer_add_printf(out,
			    "vmprov_relay_certificates_total{by=\"token\"} %llu\n"
			    "vmprov_relay_certificates_total{by=\"renewal\"} %llu\n",
			    s.enrolments, s.renewals);
	prometheus_number(out, "vmprov_relay_certificate_failures_total", "counter",
			  "Enrolments and renewals that failed.", (long long)s.failures);
	prometheus_number(out, "vmprov_relay_certificate_expiry_timestamp_seconds", "gauge",
			  "The relay's certificate's end; 0: there is none.", s.not_after);
}

void exposition_write(struct evbuffer *out)
{
	prometheus_head(out, "vmprov_relay_build_info", "gauge", "Always 1.");
	evbuffer_add_printf(out, "vmprov_relay_build_info{version=\"%s\",role=\"%s\"} 1\n", VMPROV_VERSION,
			    relay.config->role);
	services(out);
	refusals(out);
	prometheus_number(out, "vmprov_relay_connections", "gauge", "Connections taken, tunnels or not yet.",
			  metrics.connections);
	prometheus_number(out, "vmprov_relay_connections_total", "counter", "Connections taken.",
			  metrics.connections_total);
	prometheus_number(out, "vmprov_relay_accept_pauses_total", "counter", "Times that as many were open as may be.",
			  metrics.pauses);
	prometheus_number(out, "vmprov_relay_idle_total", "counter", "Tunnels ended since nothing passed.",
			  metrics.idle);
	certificate(out);
}
