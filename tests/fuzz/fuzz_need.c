/* A packet out of the TUN interface, and the ICMP error about it. */
#include "need_packet.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The error goes to where the packet came from, is whole, and there is none about it. */
static void check_refusal(const uint8_t *answer, size_t n, const struct prefix *own, const struct prefix *from)
{
	uint8_t again[NEED_REFUSAL];
	struct prefix to, source;

	if (n > NEED_REFUSAL || need_packet_read(answer, n, &to, &source) != VMP_OK || !prefix_equal(&to, from) ||
	    !prefix_equal(&source, own) || need_packet_refuse(answer, n, from, again) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t four[] = { 10, 64, 0, 1 }, six[16] = { 0xfd, [15] = 1 };
	struct prefix own[] = { prefix_of(AF_INET, four), prefix_of(AF_INET6, six) }, to, from;
	int err = need_packet_read(data, size, &to, &from), i;
	uint8_t answer[NEED_REFUSAL];
	size_t n;

	for (i = 0; i < 2; i++) {
		n = need_packet_refuse(data, size, &own[i], answer);
		if (n > 0 && (err != VMP_OK || from.family != own[i].family))
			abort();
		if (n > 0)
			check_refusal(answer, n, &own[i], &from);
	}
	return 0;
}
