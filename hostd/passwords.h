/** EAP-MD5's passwords, for switches that have no more: [eap] passwords. */
#ifndef PASSWORDS_H
#define PASSWORDS_H

#include "err.h"

#include <stdint.h>

#define PASSWORD_MAX 128 /**< [octets] */

/** Read the file: sections [MAC] or [default], each with `password = ...`.  Only its owner may read it.
 * @return VMP_OK; VMP_ENOENT: there is none; else "file:line: ...". */
VMP_CHECKED int passwords_read(const char *path, struct vmp_msg *msg);
/** @return its length, without NUL; 0: none. */
size_t passwords_find(uint64_t mac, char out[PASSWORD_MAX]);
void passwords_free(void);

#endif
