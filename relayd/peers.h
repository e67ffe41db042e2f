/** Who may come: certificates' names. */
#ifndef PEERS_H
#define PEERS_H

#include "inifile.h"
#include "mac.h"
#include "tls_peer.h"

#define PEERS_FILE (1 << 20) /**< [octets] */

struct peers_name {
	char uuid[VMP_UUID_TEXT]; /**< ""; else mac is 0 */
	uint64_t mac;
};

/** Zeroed: nobody. */
struct peers {
	bool any;
	size_t n;
	struct peers_name *name;
};

/** Read a UUID or a MAC address in any common form. @return VMP_OK; VMP_EINVAL. */
VMP_CHECKED int peers_name_read(const char *word, struct peers_name *out);
/** Is it this one's: the UUID of its URI SAN, or the CN, a MAC address? */
bool peers_name_is(const struct peers_name *name, const struct tls_peer *peer);

/** Read a list: words that blanks or commas separate, each a UUID, a MAC address or "*" for anyone whom the CA has
 * given a certificate; or one path, of a file of such words, with lines that begin with # left out.
 * @param out  to be cleared; untouched on error. @return VMP_OK; VMP_EINVAL, VMP_ENOENT, VMP_EIO, VMP_ENOMEM. */
VMP_CHECKED int peers_read(const char *list, struct peers *out, struct vmp_msg *msg);
void peers_clear(struct peers *peers);

bool peers_has(const struct peers *peers, const struct tls_peer *peer);

#endif
