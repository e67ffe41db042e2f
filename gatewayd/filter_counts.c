#include "filter_counts.h"
#include "filter_writer.h"
#include "nft_counters_linux.h"

#include <errno.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *va, const void *vb)
{
	const struct filter_count *a = va, *b = vb;

	return a->id < b->id ? -1 : a->id > b->id;
}

void filter_counts_clear(struct filter_counts *counts)
{
	free(counts->of);
	*counts = (struct filter_counts){ .of = NULL };
}

struct filter_count filter_counts_of(const struct filter_counts *counts, int64_t id)
{
	const struct filter_count key = { .id = id };
	const struct filter_count *found = counts->n > 0 ? bsearch(&key, counts->of, counts->n, sizeof(key), compare)
							 : NULL;

	return found ? *found : key;
}

int filter_counts_add(struct filter_counts *to, const struct filter_counts *more, struct vmp_msg *msg)
{
	struct filter_count *of = calloc(to->n + more->n + 1, sizeof(*of));
	size_t i = 0, j = 0, n = 0;

	if (!of)
		return vmp_fail(msg, VMP_ENOMEM, "out of memory");
	while (i < to->n || j < more->n) {
		int order = i == to->n ? 1 : j == more->n ? -1 : compare(&to->of[i], &more->of[j]);

		if (order <= 0)
			of[n] = to->of[i++];
		else
			of[n].id = more->of[j].id;
		if (order >= 0) {
			of[n].packets += more->of[j].packets;
			of[n].octets += more->of[j++].octets;
		}
		n++;
	}
	filter_counts_clear(to);
	*to = (struct filter_counts){ of, n };
	return VMP_OK;
}

/* "rule_7", "dropped" */
static bool read_name(const char *name, int64_t *id)
{
	char *end = NULL;

	*id = 0;
	if (!name || strcmp(name, "dropped") == 0)
		return name != NULL;
	if (strncmp(name, "rule_", 5) != 0)
		return false;
	errno = 0;
	*id = strtoll(name + 5, &end, 10);
	return errno == 0 && *id > 0 && *end == '\0';
}

static int take(void *ctx, const char *name, uint64_t packets, uint64_t octets)
{
	struct filter_counts *counts = ctx;
	struct filter_count *of, count = { .packets = packets, .octets = octets };

	if (!read_name(name, &count.id))
		return VMP_OK;
	/* Doubled whenever a power of two is full. */
	if ((counts->n & (counts->n - 1)) == 0) {
		of = realloc(counts->of, (counts->n ? 2 * counts->n : 1) * sizeof(*of));
		if (!of)
			return VMP_ENOMEM;
		counts->of = of;
	}
	counts->of[counts->n++] = count;
	return VMP_OK;
}

int filter_counts_read(struct filter_counts *out, struct vmp_msg *msg)
{
	struct filter_counts counts = { .of = NULL };
	int err = nft_counters(FILTER_NAME, take, &counts, msg);

	if (err == VMP_OK && counts.n == 0)
		err = vmp_fail(msg, VMP_ENOENT, "nftables: there is no table inet %s", FILTER_NAME);
	if (err != VMP_OK) {
		filter_counts_clear(&counts);
		return err;
	}
	qsort(counts.of, counts.n, sizeof(counts.of[0]), compare);
	*out = counts;
	return VMP_OK;
}
