/** nas-secrets.conf: the secret that policyd shares with each NAS.  docs/man/policyd.conf.5 describes the file. */
#ifndef COA_SECRET_H
#define COA_SECRET_H

#include "policy.h"

struct secrets;

/** Read the file.
 * @return VMP_OK; VMP_ENOENT: there is none; VMP_EACCES: others than its owner may read it; VMP_EIO; VMP_EINVAL with
 * "file:line: ...". */
VMP_CHECKED int secrets_read(const char *path, struct secrets **out, struct vmp_msg *msg);
/** The same from text. */
VMP_CHECKED int secrets_text(const char *name, const char *text, size_t len, struct secrets **out, struct vmp_msg *msg);
/** Wipes them. */
void secrets_free(struct secrets *secrets);

/** The one that fits best: of the name, of the address, of the longest prefix, of all. @return borrowed; NULL: none. */
const char *secrets_find(const struct secrets *secrets, const char *name, const struct vmp_addr *address);

#endif
