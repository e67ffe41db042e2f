/** A NoCloud volume that a host has attached: ISO 9660, labelled cidata or CIDATA.  It is read and never mounted. */
#ifndef CIDATA_H
#define CIDATA_H

#include "err.h"

#include <stdbool.h>

#define CIDATA_MAX   (16u << 20) /**< [octets] a larger volume is not looked into */
#define CIDATA_ENTRY "vmprov/join.json"

/** Does an image begin as such a volume does? */
bool cidata_is_one(const void *image, size_t len);
/** The join bundle of an image.  Fuzzed.
 * @param out  malloc'd, with a NUL behind it; the caller wipes and frees.
 * @return VMP_OK; VMP_ENOENT: no such volume, or no bundle in it; VMP_EINVAL: damaged, or too much of it; VMP_ENOMEM.
 */
VMP_CHECKED int cidata_extract(const void *image, size_t len, char **out, size_t *out_len, struct vmp_msg *msg);
/** The same from a device or a file.
 * @return those, and VMP_ENOENT: not there, no medium in it; VMP_EIO. */
VMP_CHECKED int cidata_read(const char *path, char **out, size_t *len, struct vmp_msg *msg);

#endif
