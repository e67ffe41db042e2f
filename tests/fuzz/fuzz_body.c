/* JSON bodies of requests; the first octet says which. */
#include "net/body.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct message m;
	struct vmp_msg msg = { "" };
	const char *text = (const char *)data + 1;
	int err = VMP_OK;

	if (size < 1)
		return 0;
	memset(&m, 0, sizeof(m));
	switch (*data) {
	case 's':
		err = body_start(text, size - 1, &m, &msg);
		if (err == VMP_OK && (!m.mac || !*m.label))
			abort();
		break;
	case 'w':
		err = body_self(text, size - 1, &m, &msg);
		if (err == VMP_OK && strlen(m.wg_key) != 44)
			abort();
		break;
	case 'e':
		err = body_ack(text, size - 1, &m, &msg);
		if ((err == VMP_OK) != (m.epoch > 0))
			abort();
		break;
	case 'l':
		err = body_lease(text, size - 1, &m, &msg);
		if (err == VMP_OK && (!*m.lease.product || !*m.lease.id || m.lease.wants > VMP_LEASE_MAX ||
				      m.lease.n_started + m.lease.n_stopped > MESSAGE_UUIDS))
			abort();
		break;
	default:
		err = body_none(text, size - 1, &msg);
		break;
	}
	if (err != VMP_OK && !*msg.text)
		abort();
	return 0;
}
