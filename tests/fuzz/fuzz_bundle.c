/* A join bundle: what is read can be written, and read again, and is the same. */
#include "../../coid/bundle.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct bundle *a, const struct bundle *b)
{
	if (!bundle_is_same(a, b) || strcmp(a->label, b->label) != 0 || strcmp(a->policyd, b->policyd) != 0 ||
	    strcmp(a->gateway, b->gateway) != 0 || strcmp(a->product, b->product) != 0 ||
	    strcmp(a->token, b->token) != 0 || strcmp(a->name, b->name) != 0 ||
	    memcmp(a->used, b->used, sizeof(a->used)) != 0)
		abort();
}

/* A token that was used is nowhere in what is written. */
static void check_use(struct bundle *b)
{
	struct bundle before = *b;
	struct vmp_msg msg;
	char *text = NULL;

	bundle_use(b);
	if (*b->token || !bundle_is_used(&before, b) || bundle_write(b, &text, &msg) != VMP_OK)
		abort();
	/* Short ones may be part of anything. */
	if (strlen(before.token) > 64 && strstr(text, before.token))
		abort();
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bundle b, again;
	struct vmp_msg msg = { "" };
	char *text = NULL;
	int err = bundle_read((const char *)data, size, &b, &msg);

	if ((err != VMP_OK) != (*msg.text != '\0'))
		abort();
	if (err == VMP_OK) {
		if (bundle_write(&b, &text, &msg) != VMP_OK || bundle_read(text, strlen(text), &again, &msg) != VMP_OK)
			abort();
		check_same(&b, &again);
		bundle_clear(&again);
		check_use(&b);
	}
	bundle_clear(&b);
	free(text);
	return 0;
}
