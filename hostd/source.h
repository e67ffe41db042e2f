/** Sources of guests, in the guests process. */
#ifndef SOURCE_H
#define SOURCE_H

#include "guest.h"
#include "link_linux.h"

/** What the libvirt process says, one SOCK_SEQPACKET datagram of JSON each (source_libvirt.c reads, watch_libvirt.c
 * writes):
 *   {"event": "present", "how": "started|found|incoming|migrated|changed", "guest": {...}}
 *   {"event": "gone", "uuid": "...", "how": "stopped|left"}
 *   {"event": "sync-begin"}, {"event": "sync-end"}
 *   {"event": "connected"}, {"event": "disconnected", "why": "..."}
 * guest: {"uuid", "name", "template", "cidata", "nics": [{"mac", "bridge", "direct", "port"}]}, all text.
 * To it: {"do": "attach", "uuid": "...", "path": "..."} */
#define SOURCE_MESSAGE_MAX 65536

/** @param fd  taken. */
VMP_CHECKED int source_libvirt_open(int fd, struct vmp_msg *msg);
void source_libvirt_close(void);
/** Have a CD-ROM at path added to the domain's stored definition, for its next start. */
void source_libvirt_attach(const char *uuid, const char *path);
/** "connected", or why not; for operators. "" when it is not configured. */
const char *source_libvirt_state(void);

/** Read one such message; pure, for the fuzzer too.  Tells guest_*(). @return VMP_OK; VMP_EINVAL. */
VMP_CHECKED int source_libvirt_take(const char *json, size_t len, struct vmp_msg *msg);

/* Ports of the guests' bridges, by rtnetlink. */
VMP_CHECKED int source_netlink_init(struct vmp_msg *msg);
void source_netlink_link(const struct link *link);
void source_netlink_learned(const struct link_learned *what);
void source_netlink_synced(void);
void source_netlink_free(void);

/** Read an alias: "vmprov [mac=52:54:00:aa:bb:cc]... [uuid=...] [name=...] [template=...]", of printable ASCII.  One
 * without a MAC address leaves it to the other ways of [guests] mac_from; ports of one uuid are one guest's.
 * @return VMP_OK; VMP_ENOENT: it is not about us; VMP_EINVAL with what is wrong. */
VMP_CHECKED int source_alias_read(const char *alias, struct guest_info *out, struct vmp_msg *msg);
/** A guest without a UUID gets one that its MAC address settles, the same on every host (RFC 9562 section 5.5: version
 * 5). */
void source_uuid_of_mac(uint64_t mac, char out[VMP_UUID_TEXT]);

#endif
