/** A request to the daemon, over its socket, for the command. */
#ifndef ASK_H
#define ASK_H

#include "err.h"

#include <jansson.h>

/** GET path. @param out  the answer, an object.
 * @return VMP_OK; VMP_EIO: nobody answers there, or nothing that makes sense. */
VMP_CHECKED int ask(const char *path_of_socket, const char *path, json_t **out, struct vmp_msg *msg);

#endif
