/* Whatever is read as a MAC address must be written and read again as the same one. */
#include "mac.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[VMP_MAC_TEXT];
	uint64_t mac = 0, again = 0;

	if (vmp_mac_parse((const char *)data, size, &mac) != VMP_OK)
		return 0;
	vmp_mac_format(mac, text);
	if (vmp_mac_parse(text, strlen(text), &again) != VMP_OK || again != mac || mac >> 48)
		abort();
	return 0;
}
