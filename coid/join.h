/** Where join bundles come from, and this machine's own copy of the one that it has taken. */
#ifndef JOIN_H
#define JOIN_H

#include "bundle.h"
#include "config.h"

/** What the sources have to say to a machine that has, or has not, a bundle. */
enum join_news {
	JOIN_NOTHING, /**< no bundle, or one whose token has been tried */
	JOIN_FIRST,   /**< a bundle for a machine that has none */
	JOIN_TOKEN,   /**< for this machine, with a token that has not been tried */
	JOIN_OTHER    /**< for another machine, or of another CA */
};

/** Look once, in the order credential, directory, cidata.  What is no good bundle is logged, once for each reason.
 * @param own  NULL: none. @param found  to be cleared in any case; zeroed with JOIN_NOTHING. */
enum join_news join_look(const struct config *config, const struct bundle *own, struct bundle *found);

/** This machine's copy. @param out  to be cleared in any case. @return VMP_OK; VMP_ENOENT; VMP_EINVAL, VMP_EIO. */
VMP_CHECKED int join_load(const struct config *config, struct bundle *out, struct vmp_msg *msg);
/** Write it down, and the CA as a file if [identity] ca is the bundle's.
 * @return VMP_OK; VMP_EINVAL: the CA is none; VMP_EFULL, VMP_EIO. */
VMP_CHECKED int join_keep(const struct config *config, const struct bundle *bundle, struct vmp_msg *msg);
/** Take what has been found instead of own, and write it down; what belongs to another machine goes away first.
 * @param own,found  own is replaced, and found is empty then; both as they were with an error. */
VMP_CHECKED int join_take(const struct config *config, enum join_news news, struct bundle *own, struct bundle *found,
			  struct vmp_msg *msg);
/** May a bundle of another machine or CA be taken? */
bool join_may_change(const struct config *config);

/** Make the state folder if there is none, and see that no one else can look into it. */
VMP_CHECKED int join_folder(const struct config *config, struct vmp_msg *msg);
/** Have a bundle: this machine's own, or what the sources bring, for as long as it takes.
 * @return VMP_OK; VMP_ENOENT: SIGTERM or SIGINT came first; what join_keep() says. */
VMP_CHECKED int join_await(const struct config *config, struct bundle *own, struct vmp_msg *msg);

#endif
