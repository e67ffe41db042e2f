/* A message of the kernel's dump of WireGuard peers: what is behind the first octet, as its attributes. */
#include "wg_message_linux.h"

#include <linux/genetlink.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t head = sizeof(struct nlmsghdr) + sizeof(struct genlmsghdr);
	struct wg_list list = { .n = 0 };
	struct nlmsghdr *message = calloc(1, head + size);
	size_t i;

	if (!message)
		return 0;
	message->nlmsg_len = (uint32_t)(head + size);
	if (size)
		memcpy((uint8_t *)message + head, data, size);
	/* Twice: a peer may be told of in two messages. */
	if (wg_message_read(message, &list) == 0)
		(void)!wg_message_read(message, &list);
	wg_list_end(&list);
	for (i = 0; i < list.n; i++) {
		const struct wg_peer *peer = &list.peer[i];
		size_t at;

		for (at = 0; at < peer->n_allowed; at++) {
			if (!prefix_has(&peer->allowed[at], &peer->allowed[at]) ||
			    peer->allowed[at].bits > (peer->allowed[at].family == AF_INET ? 32 : 128))
				abort();
		}
	}
	wg_list_clear(&list);
	free(message);
	return 0;
}
