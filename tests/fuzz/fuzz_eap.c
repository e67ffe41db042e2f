/* Whatever is read as an EAP packet must be written the same, but for its padding; and what answers an MD5 challenge
 * must be a response that fits. */
#include "eap.h"
#include "eap_md5.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[VMP_EAP_MAX];
	struct vmp_eap e;
	size_t len;

	if (vmp_eap_read(data, size, &e) != VMP_OK)
		return 0;
	len = vmp_eap_write((enum vmp_eap_code)e.code, e.id, e.type, e.data, e.len, again);
	if (len > size || (len == 0 && e.len <= VMP_EAP_MAX - VMP_EAP_HEADER - 1) || memcmp(again, data, len) != 0)
		abort();
	len = vmp_eap_md5_answer(e.id, e.data, e.len, "secret", 6, "guest", again);
	if (len != 0 && len != 1 + VMP_MD5_DIGEST + 5)
		abort();
	return 0;
}
