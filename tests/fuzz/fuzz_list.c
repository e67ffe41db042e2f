/* VLAN lists and addresses, as they stand in the store's text columns. */
#include "policy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint16_t list[VMP_VLAN_MAX];
	struct vmp_addr addr;
	char *text = malloc(size + 1);
	size_t n = 0, i;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (vmp_vlans_add(text, list, &n) != VMP_OK && n != 0)
		abort();
	for (i = 0; i < n; i++) {
		if (list[i] < 1 || list[i] > 4094)
			abort();
	}
	if (vmp_addr_parse(text, &addr) == VMP_OK && !strpbrk(text, ".:"))
		abort();
	free(text);
	return 0;
}
