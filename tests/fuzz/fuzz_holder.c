/* What a broker or policyd answers to the request for a licence: whatever it is, the holder asks on, not too often, and
 * uses no more than a lease gives. */
#include "../../coid/holder.h"

#include <stdlib.h>

#define NOW 1000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first octet chooses the status. */
static int status_of(uint8_t octet)
{
	static const int statuses[] = { 200, 409, 0, 403, 503, 100 };

	return statuses[octet % (sizeof(statuses) / sizeof(statuses[0]))];
}

static void check_times(const struct holder *h, int64_t now)
{
	if (h->asking || h->ask_ms < now - 1 || h->ask_ms > now + VMP_LEASE_LIFE_MS || h->lapse_ms < h->end_ms ||
	    h->end_ms > now + VMP_LEASE_LIFE_MS || h->lapse_ms > now + 2 * VMP_LEASE_LIFE_MS)
		abort();
	if (holder_next(h, now) < now - 1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char body[HOLDER_BODY];
	enum holder_result result;
	struct holder h;
	int i;

	if (size < 1)
		return 0;
	holder_init(&h, "product", NOW);
	for (i = 0; i < 2; i++) {
		if (holder_request(&h, NOW + i, body) != VMP_OK)
			abort();
		result = holder_answer(&h, status_of(data[0]), (const char *)data + 1, size - 1, "why", data[0],
				       NOW + i);
		check_times(&h, NOW + i);
		if ((result == HOLDER_GRANTED) != h.has ||
		    (h.has && status_of(data[0]) != 200 && status_of(data[0]) != 409))
			abort();
		if (result != HOLDER_GRANTED && holder_state(&h, NOW + i) == HOLDER_HELD)
			abort();
	}
	return 0;
}
