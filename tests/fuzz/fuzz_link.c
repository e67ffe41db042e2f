/* rtnetlink's messages of links and neighbours, and what becomes of them. */
#include "../unit/guests_stub.h"
#include "log.h"
#include "loop.h"
#include "source.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void changed(const struct link *link)
{
	if (link->index <= 0 || link->master < 0)
		abort();
	stub_link(link);
	source_netlink_link(link);
}

static void learned(const struct link_learned *what)
{
	if (what->port <= 0 || !what->mac)
		abort();
	source_netlink_learned(what);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct link_events events = { changed, learned, source_netlink_synced };
	struct vmp_msg msg = { "" };

	vmp_log_setup("fuzz", VMP_LOG_ERROR);
	stub_reset();
	stub_bridge("br0");
	if (!loop.base)
		loop.base = event_base_new();
	if (source_netlink_init(&msg) != VMP_OK)
		abort();
	(void)!link_decode(data, size, &events);
	source_netlink_free();
	return 0;
}
