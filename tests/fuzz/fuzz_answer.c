/* What policyd answers to a host: a sentence, or a join bundle. */
#include "answer.h"
#include "bundle.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vmp_msg msg = { "" };
	int status = size ? data[0] * 4 : 0;
	const char *p;

	if (answer_read(status, (const char *)data, size, "no route", &msg) == VMP_OK ? status / 100 != 2 : !*msg.text)
		abort();
	for (p = msg.text; *p; p++) {
		if (*p > 0 && *p < ' ')
			abort();
	}
	if (bundle_check((const char *)data, size, "11111111-2222-4333-8444-555555555501", &msg) == VMP_OK &&
	    size < sizeof("11111111-2222-4333-8444-555555555501"))
		abort();
	return 0;
}
