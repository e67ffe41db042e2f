/* What sources of guests talk to, for their tests: guest.h, uplink.h and link_linux.h without what is behind them. */
#ifndef GUESTS_STUB_H
#define GUESTS_STUB_H

#include "guest.h"
#include "link_linux.h"

#include <stdbool.h>

/* Forget everything: no links, no guests, an uplink "uplink0" that belongs to no bridge, presets for loop.config. */
void stub_reset(void);
/* The bridge of the uplink now. */
void stub_bridge(const char *name);
/* A link that link_by_index() finds; told to nobody. */
void stub_link(const struct link *link);
/* guest_find() finds a guest of libvirt's with this address. */
void stub_libvirt_owns(uint64_t mac);
/* loop.config, to be changed. */
struct config *stub_config(void);

/* Log lines go nowhere, or again to standard error. */
void stub_quiet(bool quiet);

/* The calls since the last look, a line each:
 *   started NAME template=T cidata=C MAC@BRIDGE/DIRECT:PORT ...      (or found, incoming, migrated, changed)
 *   stopped UUID                                                     (or left)
 *   sync-begin, sync-end */
const char *stub_said(void);
/* The UUID of the last guest that was told. */
const char *stub_uuid(void);

#endif
