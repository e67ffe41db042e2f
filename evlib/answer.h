/** What policyd says in its answers. */
#ifndef ANSWER_H
#define ANSWER_H

#include "err.h"

#include <stddef.h>

/** An answer as one of ours, with policyd's sentence, or what came instead of an answer.
 * @param status  0: none came, and why says so.
 * @return VMP_OK for 2xx; VMP_EINVAL, VMP_EACCES (401, 403), VMP_ENOENT, VMP_EEXIST (409) when policyd refuses; VMP_EIO
 * when it does not answer, or says that it cannot now. */
VMP_CHECKED int answer_read(int status, const char *body, size_t len, const char *why, struct vmp_msg *msg);

#endif
