/** The certificate as it was read last: what it says, when it is to be renewed, and whether the program has taken it.
 */
#ifndef IDENTITY_LOAD_H
#define IDENTITY_LOAD_H

#include "identity.h"

#include <sys/stat.h>
#include <time.h>

/** What tells a file from the one that was there before, or that had another mode. */
struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec written, changed;
};

#define IDENTITY_FILES 3 /**< certificate, key, ca */

struct identity_load {
	bool there;
	bool used; /**< use() has taken one */
	struct vmp_pair pair;
	int64_t renew_at; /**< [s] since 1970 */
	struct stamp stamp[IDENTITY_FILES];
	char error[VMP_MSG_MAX]; /**< "", or what is wrong with the files */
};

/** All 0 when there is no such file. */
void stamp_read(const char *path, struct stamp *out);
bool stamp_is(const struct stamp *a, const struct stamp *b);
bool stamp_is_none(const struct stamp *stamp);

/** Read the files; what was there stays when they are not good, and error says why not.
 * @return whether there is a new certificate, or one now that the program can use. */
bool identity_load(struct identity_load *load, const struct identity_settings *settings);
/** Have the files changed since? */
bool identity_load_is_old(const struct identity_load *load, const struct identity_settings *settings);

#endif
