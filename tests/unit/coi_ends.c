#include "coi_ends.h"

#include <stdlib.h>
#include <string.h>

static const struct {
	uint8_t key[VMP_COI_SECRET], id[VMP_COI_ID + 1];
} machines[] = {
	[COI_LEADER] = { { 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
			   17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32 },
			 "\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf" },
	[COI_FOLLOWER] = { { 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116,
			     117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 131, 132 },
			   "\xb0\xb1\xb2\xb3\xb4\xb5\xb6\xb7\xb8\xb9\xba\xbb\xbc\xbd\xbe\xbf" },
	[COI_FELLOW] = { { 8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 },
			 "\xc0\xc1\xc2\xc3\xc4\xc5\xc6\xc7\xc8\xc9\xca\xcb\xcc\xcd\xce\xcf" },
};

const uint8_t *coi_machine_key(enum coi_machine machine)
{
	return machines[machine].key;
}

const uint8_t *coi_machine_id(enum coi_machine machine)
{
	return machines[machine].id;
}

bool coi_ends_of(enum coi_machine machine, enum coi_machine peer, struct vmp_coi_ends *out)
{
	uint8_t public_key[VMP_COI_SECRET];
	bool leads;

	if (vmp_coi_public(machines[peer].key, public_key) != VMP_OK ||
	    vmp_coi_ends_set(out, &leads, machines[machine].id, machines[machine].key, machines[peer].id, public_key,
			     NULL) != VMP_OK)
		abort();
	return leads;
}

void coi_key_of(uint64_t coi, uint32_t epoch, uint8_t out[VMP_COI_SECRET])
{
	memset(out, 0x55, VMP_COI_SECRET);
	memcpy(out, &coi, sizeof(coi));
	memcpy(out + sizeof(coi), &epoch, sizeof(epoch));
}

void coi_keys_of(uint64_t coi, uint32_t epoch, struct vmp_coi_keys *out)
{
	struct vmp_coi_ends ends;
	uint8_t key[VMP_COI_SECRET];

	coi_ends_of(COI_LEADER, COI_FOLLOWER, &ends);
	coi_key_of(coi, epoch, key);
	if (vmp_coi_derive(&ends, coi, epoch, key, out) != VMP_OK)
		abort();
}
