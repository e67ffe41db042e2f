/** The join token by which a machine gets its first certificate, in a file. */
#ifndef IDENTITY_TOKEN_H
#define IDENTITY_TOKEN_H

#include "err.h"

#include <stdbool.h>

#define IDENTITY_TOKEN 257 /**< [octets] a token and its NUL */

/** 1 to 256 visible ASCII characters; policyd's have 43, and other EST servers may have passwords. */
bool identity_token_is_one(const char *text);
/** Read the file; blanks and line ends round the token do not count.
 * @param out  wiped by the caller.
 * @return VMP_OK; VMP_ENOENT, VMP_EIO; VMP_EINVAL: no token, or group or others may read it. */
VMP_CHECKED int identity_token_read(const char *path, char out[IDENTITY_TOKEN], struct vmp_msg *msg);
/** A token is good once: take the file away if that may be done. */
void identity_token_remove(const char *path);

#endif
