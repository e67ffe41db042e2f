#include "metrics.h"
#include "log.h"

#define LINES 20 /* a second */

struct metrics metrics;

const char *const refusal_words[REFUSALS] = {
	[REFUSAL_HANDSHAKE] = "handshake",
	[REFUSAL_TIMEOUT] = "timeout",
	[REFUSAL_PEER] = "peer",
	[REFUSAL_REQUEST] = "request",
	[REFUSAL_AUTHORITY] = "authority",
	[REFUSAL_ROLE] = "role",
	[REFUSAL_LOOP] = "loop",
	[REFUSAL_LIMIT] = "limit",
	[REFUSAL_CONTENT] = "content",
	[REFUSAL_NEXT] = "next",
	[REFUSAL_UNREACHABLE] = "unreachable",
};

/* Lines in this second, and what was not written. */
static unsigned lines, left_out;

void metrics_refused(enum refusal reason, const char *peer, const char *service, const char *why)
{
	metrics.refusals[reason]++;
	if (lines >= LINES) {
		left_out++;
		return;
	}
	lines++;
	vmp_log(VMP_LOG_WARNING, "refused", "reason", refusal_words[reason], "peer", peer, "service", service, "why",
		why, NULL);
}

void metrics_tick(void)
{
	if (left_out)
		vmp_log(VMP_LOG_WARNING, "refused-more", "count", vmp_log_num(left_out), NULL);
	lines = left_out = 0;
}
