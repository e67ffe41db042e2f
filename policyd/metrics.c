#include "metrics.h"

#include <stdbool.h>
#include <string.h>

enum form {
	COUNTER,
	GAUGE,
	SECONDS /* a counter, kept in milliseconds */
};

static const struct {
	enum metric_proc proc;
	enum form form;
	const char *name, *labels, *help;
} metrics[METRICS] = {
	[METRIC_REQUESTS] = { METRIC_STORE, COUNTER, "vmprov_store_requests_total", "",
			      "Requests that reached the store process." },
	[METRIC_DENIALS] = { METRIC_STORE, COUNTER, "vmprov_denials_total", "",
			     "Requests refused for what they asked." },
	[METRIC_COMMITS] = { METRIC_STORE, COUNTER, "vmprov_store_commits_total", "", "Transactions." },
	[METRIC_COMMIT_FAILURES] = { METRIC_STORE, COUNTER, "vmprov_store_commit_failures_total", "",
				     "Transactions that failed: the disk is full, or the store is locked or damaged." },
	[METRIC_SIGNATURES] = { METRIC_STORE, COUNTER, "vmprov_signer_replies_total", "",
				"Replies of the signer process." },
	[METRIC_ISSUED_TOKEN] = { METRIC_STORE, COUNTER, "vmprov_certificates_issued_total", "{by=\"token\"}",
				  "Certificates issued." },
	[METRIC_ISSUED_RENEWAL] = { METRIC_STORE, COUNTER, "vmprov_certificates_issued_total", "{by=\"renewal\"}",
				    NULL },
	[METRIC_STARTS] = { METRIC_STORE, COUNTER, "vmprov_guest_starts_total", "",
			    "Guests that hosts reported as starting." },
	[METRIC_STOPS] = { METRIC_STORE, COUNTER, "vmprov_guest_stops_total", "",
			   "Guests that hosts reported as stopped." },
	[METRIC_ENVELOPES] = { METRIC_STORE, COUNTER, "vmprov_coi_key_envelopes_total", "",
			       "COI keys wrapped for a member." },
	[METRIC_EPOCHS] = { METRIC_STORE, COUNTER, "vmprov_coi_epochs_total", "", "COI key epochs begun." },
	[METRIC_EPOCHS_RETIRED] = { METRIC_STORE, COUNTER, "vmprov_coi_epochs_retired_total", "",
				    "COI key epochs retired." },
	[METRIC_DIRECTORY_WAITERS] = { METRIC_STORE, GAUGE, "vmprov_directory_waiters", "",
				       "Directory requests that wait for a change." },
	[METRIC_DIRECTORY_ANSWERS] = { METRIC_STORE, COUNTER, "vmprov_directory_answers_total", "",
				       "Directory requests answered." },
	[METRIC_FILTER_WAITERS] = { METRIC_STORE, GAUGE, "vmprov_filter_waiters", "",
				    "Gateways that wait for a change of their filters." },
	[METRIC_FILTER_ANSWERS] = { METRIC_STORE, COUNTER, "vmprov_filter_answers_total", "",
				    "Requests for filters answered." },
	[METRIC_CLOCK_STEPS] = { METRIC_STORE, COUNTER, "vmprov_clock_steps_total", "",
				 "Steps of the clock by more than a minute." },
	[METRIC_SESSIONS_COMPARED] = { METRIC_STORE, COUNTER, "vmprov_sessions_compared_total", "",
				       "Sessions compared with what the policy says now." },
	[METRIC_GUEST_MOVES] = { METRIC_STORE, COUNTER, "vmprov_guest_moves_total", "",
				 "Guests that were authorized in another place." },
	[METRIC_CLONE_ALARMS] = { METRIC_STORE, COUNTER, "vmprov_clone_alarms_total", "",
				  "MAC addresses seen in two places." },
	[METRIC_COA_JOBS_POLICY] = { METRIC_STORE, COUNTER, "vmprov_coa_jobs_total", "{reason=\"policy\"}",
				     "CoA and Disconnect jobs made or renewed by policyd." },
	[METRIC_COA_JOBS_VERDICT] = { METRIC_STORE, COUNTER, "vmprov_coa_jobs_total", "{reason=\"verdict\"}", NULL },
	[METRIC_COA_JOBS_MOVED] = { METRIC_STORE, COUNTER, "vmprov_coa_jobs_total", "{reason=\"moved\"}", NULL },
	[METRIC_COA_JOBS_CLONE] = { METRIC_STORE, COUNTER, "vmprov_coa_jobs_total", "{reason=\"clone\"}", NULL },
	[METRIC_COA_JOBS_CERTIFICATE] = { METRIC_STORE, COUNTER, "vmprov_coa_jobs_total",
					  "{reason=\"certificate-revoked\"}", NULL },
	[METRIC_COA_JOBS_ADMINISTRATOR] = { METRIC_STORE, COUNTER, "vmprov_coa_jobs_total",
					    "{reason=\"administrator\"}", NULL },
	[METRIC_COA_JOBS_OPEN] = { METRIC_STORE, GAUGE, "vmprov_coa_jobs_open", "",
				   "CoA and Disconnect jobs that are not finished." },
	[METRIC_COA_ACKNOWLEDGED] = { METRIC_STORE, COUNTER, "vmprov_coa_results_total", "{outcome=\"acknowledged\"}",
				      "What became of jobs at their NAS." },
	[METRIC_COA_GONE] = { METRIC_STORE, COUNTER, "vmprov_coa_results_total", "{outcome=\"gone\"}", NULL },
	[METRIC_COA_REFUSED] = { METRIC_STORE, COUNTER, "vmprov_coa_results_total", "{outcome=\"refused\"}", NULL },
	[METRIC_COA_LATER] = { METRIC_STORE, COUNTER, "vmprov_coa_results_total", "{outcome=\"later\"}", NULL },
	[METRIC_COA_SILENT] = { METRIC_STORE, COUNTER, "vmprov_coa_results_total", "{outcome=\"silent\"}", NULL },
	[METRIC_COA_UNABLE] = { METRIC_STORE, COUNTER, "vmprov_coa_results_total", "{outcome=\"unable\"}", NULL },
	[METRIC_COA_NAS_SILENT] = { METRIC_STORE, GAUGE, "vmprov_coa_nas_silent", "",
				    "NASes that do not answer CoA and Disconnect." },
	[METRIC_LICENCE_GRANTED] = { METRIC_STORE, COUNTER, "vmprov_licence_requests_total", "{result=\"granted\"}",
				     "Requests for licences that were answered with all that was wanted, or less." },
	[METRIC_LICENCE_SMALLER] = { METRIC_STORE, COUNTER, "vmprov_licence_requests_total", "{result=\"smaller\"}",
				     NULL },
	[METRIC_LICENCE_REPEATED] = { METRIC_STORE, COUNTER, "vmprov_licence_requests_total", "{result=\"repeated\"}",
				      NULL },
	[METRIC_LICENCE_STALE] = { METRIC_STORE, COUNTER, "vmprov_licence_requests_total", "{result=\"stale\"}", NULL },
	[METRIC_LICENCE_REFUSED_EXHAUSTED] = { METRIC_STORE, COUNTER, "vmprov_licence_refusals_total",
					       "{reason=\"exhausted\"}", "Requests for licences that were refused." },
	[METRIC_LICENCE_REFUSED_NO_POOL] = { METRIC_STORE, COUNTER, "vmprov_licence_refusals_total",
					     "{reason=\"no-pool\"}", NULL },
	[METRIC_LICENCE_REFUSED_CLOSED] = { METRIC_STORE, COUNTER, "vmprov_licence_refusals_total",
					    "{reason=\"closed\"}", NULL },
	[METRIC_LICENCE_REFUSED_RECOVERING] = { METRIC_STORE, COUNTER, "vmprov_licence_refusals_total",
						"{reason=\"recovering\"}", NULL },
	[METRIC_LICENCE_REFUSED_REDUCED] = { METRIC_STORE, COUNTER, "vmprov_licence_refusals_total",
					     "{reason=\"reduced\"}", NULL },
	[METRIC_LICENCE_ENDED] = { METRIC_STORE, COUNTER, "vmprov_licence_leases_ended_total", "",
				   "Leases that ended since nobody renewed them." },
	[METRIC_LICENCE_WATCHERS] = { METRIC_STORE, GAUGE, "vmprov_licence_watchers", "",
				      "Gateways that wait for changes." },
	[METRIC_CONNECTIONS] = { METRIC_NET, GAUGE, "vmprov_connections", "", "Open connections." },
	[METRIC_CONNECTIONS_TOTAL] = { METRIC_NET, COUNTER, "vmprov_connections_total", "", "Connections accepted." },
	[METRIC_CONNECTIONS_REFUSED] = { METRIC_NET, COUNTER, "vmprov_connections_refused_total", "",
					 "Times that accepting was paused, at max_connections." },
	[METRIC_HANDSHAKES_FAILED] = { METRIC_NET, COUNTER, "vmprov_tls_handshakes_failed_total", "",
				       "TLS handshakes that failed." },
	[METRIC_TIMEOUTS] = { METRIC_NET, COUNTER, "vmprov_connections_timed_out_total", "",
			      "Connections closed since a request took too long." },
	[METRIC_HTTP_2XX] = { METRIC_NET, COUNTER, "vmprov_http_responses_total", "{code=\"2xx\"}", "HTTP responses." },
	[METRIC_HTTP_4XX] = { METRIC_NET, COUNTER, "vmprov_http_responses_total", "{code=\"4xx\"}", NULL },
	[METRIC_HTTP_5XX] = { METRIC_NET, COUNTER, "vmprov_http_responses_total", "{code=\"5xx\"}", NULL },
	[METRIC_HTTP_SECONDS_MS] = { METRIC_NET, SECONDS, "vmprov_http_response_seconds_total", "",
				     "Time between requests and responses, long polls left out." },
};

static int64_t values[METRICS];

void metric_add(enum metric metric, int64_t n)
{
	values[metric] += n;
}

void metric_set(enum metric metric, int64_t n)
{
	values[metric] = n;
}

void metric_write(enum metric_proc proc, struct evbuffer *out)
{
	int i;

	for (i = 0; i < METRICS; i++) {
		if (metrics[i].proc != proc)
			continue;
		if (metrics[i].help)
			evbuffer_add_printf(out, "# HELP %s %s\n# TYPE %s %s\n", metrics[i].name, metrics[i].help,
					    metrics[i].name, metrics[i].form == GAUGE ? "gauge" : "counter");
		if (metrics[i].form == SECONDS)
			evbuffer_add_printf(out, "%s%s %.3f\n", metrics[i].name, metrics[i].labels,
					    (double)values[i] / 1000);
		else
			evbuffer_add_printf(out, "%s%s %lld\n", metrics[i].name, metrics[i].labels,
					    (long long)values[i]);
	}
}
