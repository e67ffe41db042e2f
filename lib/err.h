/** Error numbers and one-line messages, shared by everything. */
#ifndef VMP_ERR_H
#define VMP_ERR_H

#include <stddef.h>

#define VMP_CHECKED	      __attribute__((warn_unused_result))
#define VMP_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum vmp_err {
	VMP_OK = 0,
	VMP_EINVAL = -1,   /**< bad input; the message says what was expected */
	VMP_ENOENT = -2,   /**< no such row or file */
	VMP_EEXIST = -3,   /**< there already */
	VMP_EBUSY = -4,	   /**< the store stayed locked for longer than the timeout */
	VMP_ECORRUPT = -5, /**< the store is not a vmprov store, or damaged */
	VMP_EVERSION = -6, /**< the store's schema is newer, or not yet migrated */
	VMP_EIO = -7,	   /**< open, read, write or permission failed */
	VMP_EFULL = -8,	   /**< disk full */
	VMP_ENOMEM = -9,
	VMP_EACCES = -10 /**< known, but not allowed; the message says why */
};

#define VMP_MSG_MAX 384

/** One line for a person: what, where, what was expected.  Empty when nothing was said. */
struct vmp_msg {
	char text[VMP_MSG_MAX];
};

/** @return a constant word for err, "unknown error" for others. */
const char *vmp_strerror(int err);

/** Set msg (NULL is allowed) from a format and return err, so that a caller can `return vmp_fail(...)`.
 *
 * Control characters in the result are replaced by '?': a message is one line in a log.
 */
int vmp_fail(struct vmp_msg *msg, int err, const char *fmt, ...) VMP_PRINTF(3, 4);

#endif
