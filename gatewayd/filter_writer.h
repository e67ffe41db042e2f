/** Text for nftables (nft(8)), made of numbers, addresses and words of ours alone. */
#ifndef FILTER_WRITER_H
#define FILTER_WRITER_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

#define FILTER_NAME  "vmprov_gateway"
#define FILTER_TABLE "inet " FILTER_NAME

struct filter_writer {
	char *text;
	size_t len, room;
	bool failed;
};

void filter_write(struct filter_writer *out, const char *format, ...) VMP_PRINTF(2, 3);
/** @param text  out: for free(); NULL: nothing was written. @return VMP_OK; VMP_ENOMEM. */
VMP_CHECKED int filter_writer_end(struct filter_writer *out, char **text, struct vmp_msg *msg);

#endif
