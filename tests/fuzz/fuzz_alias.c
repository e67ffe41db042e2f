/* An interface's alias. */
#include "source.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct guest_info info;
	struct vmp_msg msg = { "" };
	char *text = malloc(size + 1);
	int i, err;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	err = source_alias_read(text, &info, &msg);
	free(text);
	if (err != VMP_OK && !*msg.text)
		abort();
	if (err != VMP_OK)
		return 0;
	if (info.n_nic < 0 || info.n_nic > GUEST_NICS || (*info.uuid && strlen(info.uuid) != VMP_UUID_TEXT - 1))
		abort();
	for (i = 1; i < info.n_nic; i++) {
		if (!info.nic[i].mac || info.nic[i].mac == info.nic[i - 1].mac)
			abort();
	}
	return 0;
}
