/** A guest's NoCloud volume: an ISO 9660 image labelled "cidata". */
#ifndef CIDATA_H
#define CIDATA_H

#include "guest.h"

/** Write PATH, whole or not at all (a temporary file beside it, fsync, rename).
 *
 * Files: meta-data (instance-id: the UUID, local-hostname: the name, as a host may have it), user-data (#cloud-config
 * that at each boot writes the join bundle to /etc/vmprov/join.json, mode 0600, and the CA to
 * /etc/vmprov/policyd-ca.pem), and both plainly as vmprov/join.json and vmprov/ca.pem for guests without cloud-init.
 * @param bundle  JSON as policyd sent it; NULL: none, the volume has meta-data and an empty user-data alone.
 * The image's size does not depend on its content: a guest that migrates finds a disk of the same size.
 * @return VMP_OK; VMP_EINVAL, VMP_EFULL, VMP_EIO; then what was at path is still there. */
VMP_CHECKED int cidata_write(const char *path, const struct guest_info *guest, const char *bundle, struct vmp_msg *msg);
/** [cidata] directory/UUID.iso */
void cidata_path(const char *uuid, char out[256]);

#endif
