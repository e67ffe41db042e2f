/* Frames of syslog over TLS. */
#include "filter.h"
#include "syslog_frame.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct filter f = { .type = SERVICE_SYSLOG };
	struct vmp_msg why = { "" };
	size_t at = 0;
	ssize_t n;

	do {
		size_t look = size - at < FILTER_LOOK ? size - at : FILTER_LOOK;

		n = filter_pass(&f, data + at, look, &why);
		if (n > (ssize_t)look || (n < 0 && !*why.text))
			abort();
		/* A whole frame always fits: what is left then is one that has not come. */
		if (n == 0 && look == FILTER_LOOK)
			abort();
		at += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	return 0;
}
