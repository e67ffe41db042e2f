/** Who runs the command, for the audit trail. */
#ifndef ACTOR_H
#define ACTOR_H

#include "store.h"

#define ACTOR_MAX 161 /**< what the trail keeps of it, and a NUL */

/** "administrator joe": who logged in, else who called sudo, else whom the user id belongs to. */
void actor_name(char out[ACTOR_MAX]);

/** Append to the audit trail, in the transaction that is open. */
VMP_CHECKED int actor_audit(struct vmp_store *store, const char *event, const char *subject, const char *detail,
			    struct vmp_msg *msg);

#endif
