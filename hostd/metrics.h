/** Counters, for /metrics and `vmprov-hostctl status`. */
#ifndef METRICS_H
#define METRICS_H

#include "supplicant.h"

struct metrics {
	unsigned long long event[VMP_AUTH_LOGGED_OFF + 1]; /**< of supplicants */
	unsigned long long frames_in, frames_out, frames_bad, frames_foreign;
	unsigned long long reports_ok, reports_refused, reports_failed;
	unsigned long long cidata_written, cidata_failed;
	unsigned long long hooks;
	unsigned long long disconnects; /**< sessions that policyd has had taken down, and told of */
	/** Times from EAPOL-Start to Success: counts of those up to each bound, then of all, and their sum [us]. */
	unsigned long long took[9], took_us;
};
extern struct metrics metrics;
/** [ms] bounds of took[]; the last bucket is +Inf. */
extern const unsigned metrics_took_ms[8];
void metrics_took(uint64_t us);

#endif
