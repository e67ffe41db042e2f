/** nftables' counters of rules: of the table that is there, and of those before it. */
#ifndef FILTER_COUNTS_H
#define FILTER_COUNTS_H

#include "err.h"

#include <stddef.h>
#include <stdint.h>

struct filter_count {
	int64_t id; /**< of the rule; 0: what no rule has let through */
	uint64_t packets, octets;
};

/** In ascending order of ids. */
struct filter_counts {
	struct filter_count *of;
	size_t n;
};

/** Those of the table. @param out  empty; set on VMP_OK. @return VMP_OK; VMP_ENOENT: there is no table; VMP_EIO;
 * VMP_ENOMEM. */
VMP_CHECKED int filter_counts_read(struct filter_counts *out, struct vmp_msg *msg);
/** Add what more counts: of a rule that is not there yet, too. @return VMP_OK; VMP_ENOMEM: nothing is added. */
VMP_CHECKED int filter_counts_add(struct filter_counts *to, const struct filter_counts *more, struct vmp_msg *msg);
/** Zeros for one that is not there. */
struct filter_count filter_counts_of(const struct filter_counts *counts, int64_t id);
void filter_counts_clear(struct filter_counts *counts);

#endif
