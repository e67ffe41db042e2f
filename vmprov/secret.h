/** Passwords: from a file, standard input or the terminal, never from the command line. */
#ifndef SECRET_H
#define SECRET_H

#include "err.h"

#define SECRET_MAX 130 /**< the longest that the store takes, a line end too many, and a NUL */

/** Read the first line of path; of standard input for "-", where a terminal is asked twice without echo.
 * @param out  wiped by the caller with explicit_bzero().
 * @return VMP_OK; VMP_EIO, VMP_EINVAL with a message. */
VMP_CHECKED int secret_read(const char *path, char out[SECRET_MAX], struct vmp_msg *msg);

#endif
