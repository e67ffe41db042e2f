/* NTP packets, and their frames in a tunnel; the first octet says which way. */
#include "filter.h"
#include "ntp_packet.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct filter f = { .type = SERVICE_NTP };
	struct vmp_msg why = { "" };
	uint64_t key = 0;
	size_t at = 1;
	ssize_t n;

	if (size < 1)
		return 0;
	f.back = data[0] & 1;
	if (ntp_packet_read(data + 1, size - 1, f.back ? NTP_SERVER : NTP_CLIENT, &key, &why) == VMP_OK &&
	    (key == 0 || size - 1 > NTP_MOST))
		abort();
	do {
		size_t look = size - at < FILTER_LOOK ? size - at : FILTER_LOOK;

		n = filter_pass(&f, data + at, look, &why);
		if (n > (ssize_t)look || (n < 0 && !*why.text) || (n == 0 && look >= NTP_FRAME))
			abort();
		at += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	return 0;
}
