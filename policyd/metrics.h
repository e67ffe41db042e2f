/** Counters of one process, for Prometheus. */
#ifndef METRICS_H
#define METRICS_H

#include <event2/buffer.h>
#include <stdint.h>

enum metric {
	METRIC_REQUESTS, /**< that came to the store process */
	METRIC_DENIALS,
	METRIC_COMMITS,
	METRIC_COMMIT_FAILURES,
	METRIC_SIGNATURES, /**< replies of the signer */
	METRIC_ISSUED_TOKEN,
	METRIC_ISSUED_RENEWAL,
	METRIC_STARTS,
	METRIC_STOPS,
	METRIC_ENVELOPES,
	METRIC_EPOCHS,
	METRIC_EPOCHS_RETIRED,
	METRIC_DIRECTORY_WAITERS,
	METRIC_DIRECTORY_ANSWERS,
	METRIC_CLOCK_STEPS,
	METRIC_SESSIONS_COMPARED,
	METRIC_GUEST_MOVES,
	METRIC_CLONE_ALARMS,
	METRIC_COA_JOBS_POLICY, /**< made, by their reason */
	METRIC_COA_JOBS_VERDICT,
	METRIC_COA_JOBS_MOVED,
	METRIC_COA_JOBS_CLONE,
	METRIC_COA_JOBS_CERTIFICATE,
	METRIC_COA_JOBS_ADMINISTRATOR,
	METRIC_COA_JOBS_OPEN,
	METRIC_COA_ACKNOWLEDGED, /**< results, as enum coa_outcome */
	METRIC_COA_GONE,
	METRIC_COA_REFUSED,
	METRIC_COA_LATER,
	METRIC_COA_SILENT,
	METRIC_COA_UNABLE,
	METRIC_COA_NAS_SILENT,
	METRIC_CONNECTIONS, /**< open now */
	METRIC_CONNECTIONS_TOTAL,
	METRIC_CONNECTIONS_REFUSED,
	METRIC_HANDSHAKES_FAILED,
	METRIC_TIMEOUTS,
	METRIC_HTTP_2XX,
	METRIC_HTTP_4XX,
	METRIC_HTTP_5XX,
	METRIC_HTTP_SECONDS_MS, /**< [ms] sum over answered requests */
	METRICS
};

enum metric_proc { METRIC_STORE = 1, METRIC_NET = 2 };

void metric_add(enum metric metric, int64_t n);
void metric_set(enum metric metric, int64_t n);
/** Those that a process keeps, in the text format of Prometheus (0.0.4). */
void metric_write(enum metric_proc proc, struct evbuffer *out);

#endif
