/* A number for what a NAS was told.  It tells one configuration from another; it is no security, and nobody gains by
 * making two that collide: who could, writes policy.db. */
#include "policy.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a, 64 bits. */
#define START UINT64_C(0xcbf29ce484222325)
#define PRIME UINT64_C(0x100000001b3)

/* In the first octet of a digest.  Another one whenever what is counted changes. */
#define VERSION_SHIFT 56
#define VERSION	      UINT64_C(1)

static uint64_t add(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *octet = data;

	while (len--)
		sum = (sum ^ *octet++) * PRIME;
	return sum;
}

static uint64_t add_num(uint64_t sum, uint64_t num)
{
	uint8_t octet[8];
	int i;

	for (i = 0; i < 8; i++)
		octet[i] = (uint8_t)(num >> 8 * i);
	return add(sum, octet, sizeof(octet));
}

/* Its length first, so that no text runs into the next. */
static uint64_t add_text(uint64_t sum, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	return add(add_num(sum, len), text, len);
}

/* What is explicitly none is not sent, as if it were not set; a CoS of 0 is sent. */
static uint64_t add_field(uint64_t sum, const struct vmp_policy *policy, enum vmp_field field)
{
	bool set = policy->set >> field & 1;

	if (field == VMP_F_ACL)
		return add_text(sum, set ? policy->value[field].text : "");
	if (field == VMP_F_COS)
		sum = add_num(sum, set);
	return add_num(sum, set ? policy->value[field].num : 0);
}

static int by_number(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

static uint64_t add_tagged(uint64_t sum, const struct vmp_decision *decision)
{
	uint16_t vlan[VMP_VLAN_MAX];
	size_t i;

	memcpy(vlan, decision->tagged, decision->n_tagged * sizeof(vlan[0]));
	qsort(vlan, decision->n_tagged, sizeof(vlan[0]), by_number);
	sum = add_num(sum, decision->n_tagged);
	for (i = 0; i < decision->n_tagged; i++)
		sum = add_num(sum, vlan[i]);
	return sum;
}

uint64_t vmp_policy_digest(const struct vmp_decision *decision)
{
	static const enum vmp_field fields[] = { VMP_F_VLAN,   VMP_F_COS, VMP_F_INGRESS,
						 VMP_F_EGRESS, VMP_F_ACL, VMP_F_TIMEOUT };
	uint64_t sum = add_text(START, decision->nas ? decision->nas->dialect : "");
	bool known = decision->verdict != VMP_UNKNOWN;
	size_t i;

	sum = add_num(sum, known);
	for (i = 0; known && i < sizeof(fields) / sizeof(fields[0]); i++)
		sum = add_field(sum, &decision->effective, fields[i]);
	if (known)
		sum = add_tagged(sum, decision);
	if (known)
		sum = add_num(sum, decision->enclave ? decision->enclave->acct_interim_s : 0);
	else /* all that a guest gets whom nobody knows */
		sum = add_num(sum, decision->nas ? decision->nas->quarantine_vlan : 0);
	return (sum & ((UINT64_C(1) << VERSION_SHIFT) - 1)) | VERSION << VERSION_SHIFT;
}

bool vmp_policy_was_told(uint64_t digest, const struct vmp_decision *decision)
{
	if (digest && digest >> VERSION_SHIFT != VERSION)
		return true;
	return digest == vmp_policy_digest(decision);
}
