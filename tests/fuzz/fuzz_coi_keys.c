/* The list of envelopes that policyd answers a member with. */
#include "../../member/keys.h"
#include "cms.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void check_one(const struct keys_envelope *all, size_t i)
{
	const struct keys_envelope *e = &all[i];
	volatile uint8_t sum = 0;
	size_t j;

	check(e->epoch >= 1 && e->len >= 1 && e->len <= VMP_ENVELOPE_MAX);
	check(strlen(e->coi) >= 1 && strlen(e->coi) < sizeof(e->coi) && !strpbrk(e->coi, "/ ?#%&\"\\"));
	for (j = 0; j < e->len; j++)
		sum = (uint8_t)(sum + e->der[j]);
	for (j = 0; j < i; j++)
		check(strcmp(all[j].coi, e->coi) != 0 || (all[j].epoch != e->epoch && !(all[j].current && e->current)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keys_envelope *all = NULL;
	struct vmp_msg msg = { "" };
	size_t n = 0, i;

	if (keys_read((const char *)data, size, &all, &n, &msg) != VMP_OK) {
		check(*msg.text && !all && n == 0);
		return 0;
	}
	check(n <= KEYS_MAX);
	for (i = 0; i < n; i++)
		check_one(all, i);
	keys_envelopes_free(all, n);
	return 0;
}
