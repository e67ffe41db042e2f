/* Lists of prefixes and of ports: what is taken is taken again, and stays as it is. */
#include "cidr.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const vmp_list_fn forms[] = { vmp_cidr_routes, vmp_cidr_hosts, vmp_cidr_ports };
	char text[4096], once[VMP_CIDR_LIST], again[VMP_CIDR_LIST];
	struct vmp_msg msg;
	size_t i;

	size = size < sizeof(text) ? size : sizeof(text) - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (forms[i](text, once, &msg) != VMP_OK)
			continue;
		if (strlen(once) >= VMP_CIDR_LIST || forms[i](once, again, &msg) != VMP_OK || strcmp(once, again) != 0)
			abort();
	}
	return 0;
}
