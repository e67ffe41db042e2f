/** Follows policyd's filters by long polls (docs/PROTOCOL.md, "Filters"). */
#ifndef FILTER_POLL_H
#define FILTER_POLL_H

#include "http_client.h"

#include <stdint.h>

struct filter_poll_settings {
	struct http_client *client;
	const char *certificate, *key; /**< files */
	/** An answer has come. @param version  out, with VMP_OK and VMP_EINVAL: its version, which the next question
	 * names; 0: not known. @return VMP_OK; VMP_EINVAL; others: it is asked for again after a pause. */
	int (*take)(void *ctx, const char *text, size_t len, int64_t *version, struct vmp_msg *msg);
	/** policyd has none for this machine: it is no gateway any more, or not accepted. */
	void (*withdrawn)(void *ctx, const char *why);
	void *ctx;
};

/** Nothing is asked before filter_poll_go(). @param settings  copied. */
VMP_CHECKED int filter_poll_init(struct event_base *base, const struct filter_poll_settings *settings,
				 struct vmp_msg *msg);
/** Ask at once: there is a certificate, or another one. */
void filter_poll_go(void);
void filter_poll_free(void);
/** Why the last answer does not count, or that there was none yet; NULL: it does. */
const char *filter_poll_error(void);

#endif
