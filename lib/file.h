/** Files that are whole or not there, and on the disk when a call returns. */
#ifndef VMP_FILE_H
#define VMP_FILE_H

#include "err.h"

#include <stdbool.h>

/** What a name has behind it while its file is being written; mkstemp(3) fills in the letters. */
#define VMP_FILE_TMP ".tmp-XXXXXX"

/** Write a file that must not be there: complete under a temporary name first.
 * @return VMP_OK; VMP_EEXIST, VMP_ENOENT (the directory), VMP_EINVAL (a name too long), VMP_EFULL, VMP_EIO. */
VMP_CHECKED int vmp_file_create(const char *path, const void *data, size_t len, unsigned mode, struct vmp_msg *msg);
/** The same for one that may be there, which is replaced in one step. */
VMP_CHECKED int vmp_file_replace(const char *path, const void *data, size_t len, unsigned mode, struct vmp_msg *msg);
/** Rename, over what may be there, within one directory. */
VMP_CHECKED int vmp_file_rename(const char *from, const char *to, struct vmp_msg *msg);
/** Remove what processes that were killed while they wrote have left in a directory.
 * @param name  only what was to become this file; NULL: any. */
void vmp_file_sweep(const char *dir, const char *name);
/** Read a file whole.  @param out  malloc'd, a NUL added; the caller frees, and wipes secrets.
 * @param secret  refuse one that group or others may read.
 * @return VMP_OK; VMP_ENOENT, VMP_EIO; VMP_EINVAL: not a file, more than max octets, or not secret. */
VMP_CHECKED int vmp_file_read(const char *path, size_t max, bool secret, char **out, size_t *len, struct vmp_msg *msg);

#endif
