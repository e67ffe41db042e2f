/* Frames between policyd's processes: what is read makes sense, and stands the same when written again. */
#include "message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct message m;
	struct evbuffer *out;
	size_t len;

	if (size < MESSAGE_HEADER || message_length(data, &len) != VMP_OK || message_read(data, size, &m) != VMP_OK)
		return 0;
	out = evbuffer_new();
	if (!out || !message_is_sane(&m) || message_write(&m, out) != VMP_OK || evbuffer_get_length(out) != size ||
	    memcmp(evbuffer_pullup(out, -1), data, size) != 0)
		abort();
	evbuffer_free(out);
	return 0;
}
