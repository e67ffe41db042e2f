/* SPDX-License-Identifier: GPL-2.0-or-later */
/* As much HTTP/1.1 as estload and estbare need. */
#ifndef ESTLOAD_HTTP_H
#define ESTLOAD_HTTP_H

#include <stddef.h>

/** Has a message come whole?  @param text  NUL-terminated. @param body  out: where it begins.
 * @return its length, 0 while something is missing. */
size_t http_whole(const char *text, size_t len, size_t *body);

#endif
