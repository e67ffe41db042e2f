/** The files of a machine's key and certificate, and of the next ones.
 *
 * KEY.next is there before anything is asked for, CERTIFICATE.next when it has come, and both replace the old pair, the
 * certificate first.  Whatever a kill leaves, pair_mend() makes a pair of it: the old one or the new one.
 */
#ifndef IDENTITY_PAIR_H
#define IDENTITY_PAIR_H

#include "pki_pair.h"

#define PAIR_PATH 256

struct pair_files {
	char certificate[PAIR_PATH], key[PAIR_PATH];
	char next_certificate[PAIR_PATH], next_key[PAIR_PATH];
};

VMP_CHECKED int pair_files_init(struct pair_files *files, const char *certificate, const char *key,
				struct vmp_msg *msg);
/** Bring to an end what was interrupted. @return VMP_OK also when there is nothing; VMP_EIO, VMP_EFULL. */
VMP_CHECKED int pair_mend(const struct pair_files *files, struct vmp_msg *msg);
/** The request for the next certificate, in base64, from malloc: with the next key, which is made if there is none. */
VMP_CHECKED int pair_request(const struct pair_files *files, char **body, struct vmp_msg *msg);
/** An EST answer to it: the new pair is in the old one's place when this returns.
 * @return VMP_OK; VMP_EINVAL: no certificate for the next key; VMP_EFULL, VMP_EIO.  With an error there is the old pair
 * still, or pair_mend() finishes it. */
VMP_CHECKED int pair_take(const struct pair_files *files, const char *answer, size_t len, struct vmp_msg *msg);

#endif
