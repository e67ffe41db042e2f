/* What the libvirt process says to the guests process. */
#include "../unit/guests_stub.h"
#include "log.h"
#include "source.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vmp_msg msg = { "" };
	int err;

	vmp_log_setup("fuzz", VMP_LOG_ERROR);
	stub_reset();
	err = source_libvirt_take((const char *)data, size, &msg);
	if (err != VMP_OK && (!*msg.text || *stub_said()))
		abort();
	return 0;
}
