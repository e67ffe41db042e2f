/* Whatever is read as one of our Classes must be written as the same octets again. */
#include "class.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t before = sizeof("vmprov:525400aabbcc:") - 1, after = sizeof(":0123456789abcdef") - 1;
	char coi[VMP_CLASS_MAX], text[VMP_CLASS_MAX];
	uint64_t mac = 0, token = 0;

	if (vmp_class_parse((const char *)data, size, &mac, &token) != VMP_OK)
		return 0;
	if (size < before + after || size >= VMP_CLASS_MAX || !mac || mac >> 48)
		abort();
	memcpy(coi, data + before, size - before - after);
	coi[size - before - after] = '\0';
	vmp_class_format(mac, coi, token, text);
	if (strlen(text) != size || memcmp(text, data, size) != 0)
		abort();
	return 0;
}
