/** What the parts of the libvirt process share. */
#ifndef WATCH_H
#define WATCH_H

#include "config.h"
#include "source.h"

/** Make libvirt's library ready; before anything else of it. */
VMP_CHECKED int watch_prepare(struct vmp_msg *msg);
/** Watch [guests] libvirt_uri until the guests process goes away. @param peer  to the guests process; borrowed.
 * @return an error always. */
VMP_CHECKED int watch_run(const struct config *config, int peer, struct vmp_msg *msg);

/* What it tells the guests process (source.h); watch_tell.c. */
/** @param fd  borrowed: to the guests process. */
void watch_tell_to(int fd);
/** Each @return VMP_OK; VMP_EIO: the guests process is not there; VMP_ENOMEM.  They wait while it is slow. */
VMP_CHECKED int watch_tell_present(const struct guest_info *guest, const char *how);
VMP_CHECKED int watch_tell_gone(const char *uuid, const char *how);
/** "sync-begin", "sync-end", "connected" */
VMP_CHECKED int watch_tell(const char *event);
VMP_CHECKED int watch_tell_disconnected(const char *why);
/** Read what it asks for: a CD-ROM. @return VMP_OK; VMP_EINVAL. */
VMP_CHECKED int watch_read_attach(const char *json, size_t len, char uuid[VMP_UUID_TEXT], char path[256],
				  struct vmp_msg *msg);

#endif
