/** Names of machines where libc finds them: a part of /etc/hosts (hosts(5)) between two lines of ours; the rest stays.
 */
#ifndef NAMES_H
#define NAMES_H

#include "directory.h"

#define NAMES_BEGIN "# machines of vmprov: what stands up to the end line is replaced"
#define NAMES_END   "# machines of vmprov: end"
#define NAMES_FILE  (10 << 20) /**< [octets] a larger file is left alone */

struct names_entry {
	const char *name;
	const struct prefix *inner6,
		*inner4; /**< family 0: none; both: the name is somebody else's, and no machine gets it */
};
/** What the file is to be: the rest as it is, and our part, at its place or at the end.  In it are the names as they
 * are and with the suffix, in an order of their own; a name with a dot comes with the suffix alone, since whoever names
 * machines must not take over other hosts' names.  Those that are no host names (RFC 1123: letters, digits, hyphens;
 * not a number at the end), "localhost", those that stand in the rest, and one that came twice, are left out.  Without
 * any name there is no part.
 * @param old  the file, len octets of anything. @param out  from malloc. @return VMP_OK; VMP_EINVAL: one of our two
 * lines is missing, twice, or they stand the other way round; VMP_ENOMEM. */
VMP_CHECKED int names_text(const char *old, size_t len, const char *suffix, const struct names_entry *entries, size_t n,
			   char **out, size_t *out_len, struct vmp_msg *msg);

/** Replace our part. @param file  "/etc/hosts"; "" does nothing. @param suffix  "coi.example", with or without a dot
 * before it: names are written as they are and with it; "": as they are.  Nothing is written when nothing differs. Mode
 * and owner stay; a link is followed. The file is replaced in one step; one that cannot be (a container's mount), and
 * another user's, is written in place.
 * @return VMP_OK; VMP_EINVAL as names_text(), or a file over NAMES_FILE; VMP_EIO, VMP_EFULL; VMP_ENOMEM. */
VMP_CHECKED int names_write(const char *file, const char *suffix, const struct names_entry *entries, size_t n,
			    struct vmp_msg *msg);

#endif
