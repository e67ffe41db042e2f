/* Whatever is read as an EAPOL frame must be written the same, but for its padding. */
#include "eapol.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[VMP_EAPOL_FRAME_MAX];
	struct vmp_eapol e;
	size_t len;

	if (vmp_eapol_read(data, size, &e) != VMP_OK)
		return 0;
	len = vmp_eapol_write(e.dst, e.src, e.version, (enum vmp_eapol_type)e.type, e.body, e.len, again);
	if (len == 0 || len > size || memcmp(again, data, len) != 0)
		abort();
	return 0;
}
