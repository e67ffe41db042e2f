/** A session in JSON, with what the policy says of it now. */
#ifndef SESSION_VIEW_H
#define SESSION_VIEW_H

#include "output.h"
#include "store_session.h"

/** All of it; of one that lasts, "now" says what would be answered today, and "differs" whether that is something else
 * than what was answered.
 * @param policy  a handle that only reads. @param out  new; NULL on error. */
VMP_CHECKED int session_view(struct vmp_store *policy, const struct vmp_session *session, int64_t now, json_t **out,
			     struct vmp_msg *msg);

/** A member's text for a table; "-" when it has no value. @param room  scratch for numbers. */
const char *session_cell(const json_t *view, const char *key, char room[24]);
/** NAS-Port-Id, else NAS-Port. */
const char *session_cell_port(const json_t *view, char room[24]);
/** The NAS's name, else its address. */
const char *session_cell_nas(const json_t *view, char room[24]);

#endif
