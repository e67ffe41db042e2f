/** What policyd is told of guests, and what it answers.
 *
 * A guest that policyd was told of is on the disk from before that until policyd has taken its end: the ledger, one
 * file for each in [state] directory/reported/.  So an end is told whatever happens between.
 */
#ifndef REPORT_H
#define REPORT_H

#include "guest.h"

/** bundle: the join bundle, policyd's JSON as it came; NULL with an error.
 * err: VMP_OK; VMP_EACCES, VMP_ENOENT, VMP_EINVAL, VMP_EEXIST: policyd refuses, and why is its sentence; VMP_EIO: it
 * does not answer; VMP_ENOENT with why "" never. */
typedef void (*report_fn)(void *ctx, int err, const char *bundle, const char *why);

VMP_CHECKED int report_init(struct vmp_msg *msg);
void report_free(void);

/** The guest starts, or has come here.  done is called once, not before this returns, unless report_forget() comes
 * first. Only one try: whoever asks tries again. */
void report_starting(const struct guest_info *guest, report_fn done, void *ctx);
/** It has stopped: told until policyd has taken or refused it, over restarts of hostd. Nothing for one that is not in
 * the ledger. */
void report_stopped(const char *uuid);
/** It runs elsewhere now, which says so itself: out of the ledger. */
void report_left(const char *uuid);
void report_forget(void *ctx);
/** Was policyd told of it, by this hostd or an earlier one? */
bool report_is_known(const char *uuid);
/** All in the ledger of this source that are not among the running: they have stopped while nobody looked. */
void report_reconcile(enum guest_source source, bool (*is_running)(const char *uuid));

/** Ends that policyd has not taken yet. */
unsigned report_pending(void);
/** "", or why policyd could not be told of something, the last time. */
const char *report_error(void);

#endif
