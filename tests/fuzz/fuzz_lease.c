/* Leases: what happens, and in which order, is read from the input; see tests/unit/lease_model.h. */
#include "../unit/lease_model.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at;
	size_t left;
};

/* Two octets at a time, so that one input has many steps. */
static uint32_t from_input(void *ctx)
{
	struct input *in = ctx;
	uint32_t n;

	if (in->left < 2) {
		in->left = 0;
		return 0;
	}
	n = (uint32_t)in->at[0] | (uint32_t)in->at[1] << 8;
	in->at += 2;
	in->left -= 2;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct lease_model *m = lease_model_new(from_input, &in);
	const char *error = NULL;

	while (in.left && !error)
		error = lease_model_step(m);
	if (error) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	lease_model_free(m);
	return 0;
}
