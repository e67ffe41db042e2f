/** A volume for cidata in a domain's stored definition. */
#ifndef ATTACH_LIBVIRT_H
#define ATTACH_LIBVIRT_H

#include "pki.h"

#include <libvirt/libvirt.h>

/** Add one, for the domain's next start, unless it has it already.  Needs a connection that may write.
 * @param conn  NULL: there is none now. @param directory  [cidata] directory. @param path  DIRECTORY/UUID.iso.
 * @return VMP_OK; VMP_EINVAL: another path, or one that XML would have to quote; VMP_ENOENT: no such domain, or a
 * transient one; VMP_EFULL: no free target; VMP_EIO. */
VMP_CHECKED int attach_volume(virConnectPtr conn, const char *directory, const char *uuid, const char *path,
			      struct vmp_msg *msg);

#endif
