#include "exposition.h"
#include "boot_clock.h"
#include "identity.h"
#include "licence.h"
#include "loop.h"
#include "member.h"
#include "prometheus.h"

static void lease(struct evbuffer *out)
{
	const struct holder *h = licence_holder();
	int64_t now_ms = (int64_t)boot_clock_ms();
	int r;

	prometheus_number(out, "vmprov_coid_licence_needed", "gauge", "Whether the template names a product.",
			  h != NULL);
	if (!h)
		return;
	prometheus_number(out, "vmprov_coid_licence_held", "gauge",
			  "2: there is a licence; 1: it is over, and its grace lasts; 0: none.",
			  !licence_permits()			   ? 0
			  : holder_state(h, now_ms) == HOLDER_HELD ? 2
								   : 1);
	prometheus_number(out, "vmprov_coid_licence_left_seconds", "gauge", "Of the lease, without its grace.",
			  h->end_ms > now_ms ? (long long)((h->end_ms - now_ms) / 1000) : 0);
	prometheus_head(out, "vmprov_coid_licence_requests_total", "counter", "Requests for the licence, by result.");
	for (r = 0; r < HOLDER_RESULTS; r++)
		evbuffer_add_printf(out, "vmprov_coid_licence_requests_total{result=\"%s\"} %llu\n",
				    holder_result_name((enum holder_result)r), h->result[r]);
}

static void identity(struct evbuffer *out)
{
	struct identity_status s = { .error = "" };

	identity_status(&s);
	prometheus_number(out, "vmprov_coid_certificate_expiry_timestamp_seconds", "gauge",
			  "The machine's certificate's end; 0: there is none.", s.not_after);
	prometheus_number(out, "vmprov_coid_enrolments_total", "counter", "First certificates, by join tokens.",
			  (long long)s.enrolments);
	prometheus_number(out, "vmprov_coid_renewals_total", "counter", "Certificates renewed.", (long long)s.renewals);
	prometheus_number(out, "vmprov_coid_identity_failures_total", "counter",
			  "Attempts to enrol or renew that failed.", (long long)s.failures);
}

void exposition_write(struct evbuffer *out)
{
	prometheus_head(out, "vmprov_coid_build_info", "gauge", "Always 1.");
	evbuffer_add_printf(out, "vmprov_coid_build_info{version=\"%s\"} 1\n", VMPROV_VERSION);
	prometheus_number(out, "vmprov_coid_well", "gauge", "Whether this machine can talk to others.",
			  loop_trouble() == NULL);
	identity(out);
	lease(out);
	member_metrics(out);
}
