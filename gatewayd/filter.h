/** The filters of this gateway: policyd's rules and the members as they come and go, in nftables' table
 * `inet vmprov_gateway`.  One for the process.
 *
 * A set of rules that cannot be read, or that nftables refuses, changes nothing.  Members that nftables does not take
 * are a trouble: then nothing may be forwarded.
 */
#ifndef FILTER_H
#define FILTER_H

#include "filter_compile.h"
#include "filter_counts.h"

#include <event2/event.h>

struct filter_settings {
	struct filter_frame frame; /**< its texts are borrowed */
	/** filter_trouble() is another than before. */
	void (*changed)(void *ctx);
	void *ctx;
};

/** Without rules; a table that is there, of a process before, stays until the first answer: with wrong rules nothing
 * passes from then on.
 * @return VMP_OK; VMP_EIO: there is no table, and nftables does not take one; VMP_ENOMEM. */
VMP_CHECKED int filter_init(struct event_base *base, const struct filter_settings *settings, struct vmp_msg *msg);
/** @param away  the table is taken away, or one that lets nothing be forwarded stands in its place: frame.transit; else
 * it stays. */
void filter_free(bool away);

/** An answer of policyd's. @param version  out, as filter_read(). @return VMP_OK; VMP_EINVAL: it is wrong; VMP_EIO:
 * nftables does not take it; VMP_ENOMEM.  With an error nothing has changed. */
VMP_CHECKED int filter_take(const char *text, size_t len, int64_t *version, struct vmp_msg *msg);
/** There are no rules for this gateway any more: nothing passes. */
void filter_withdraw(const char *why);
/** Members are others, or their COIs: looked at in the loop's next turn, or soon after when
 * there are very many. */
void filter_members(void);

/** Why nothing may be forwarded; NULL: all is well. */
const char *filter_trouble(void);
struct filter_view {
	const struct filter_set *set; /**< borrowed; in force, unless kept */
	struct filter_counts counts;  /**< for filter_counts_clear() */
	unsigned long long refused;   /**< sets of rules */
	const char *why;	      /**< the last one's; "" there is a good one since */
	bool kept;		      /**< the table is that of a process before */
	bool withdrawn;
};
/** For status and metrics: reads the counters. */
void filter_look(struct filter_view *out);

#endif
