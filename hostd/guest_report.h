/** A guest and policyd: when it is told, and what becomes of the answer. */
#ifndef GUEST_REPORT_H
#define GUEST_REPORT_H

#include "guest.h"
#include "report.h"

#define GUEST_PREPARED_S 600 /**< [s] A guest that the hook told of starts within this, or never */

/** It is about to start, says the hook: its cidata are laid out before done is called. */
void guest_report_prepare(struct guest *g, guest_prepared_fn done, void *ctx);
/** It runs. @param found  it ran before, or elsewhere: its interfaces wait for nobody, and its cidata stay as they are.
 */
void guest_report_run(struct guest *g, bool found);
void guest_report_end(struct guest *g, enum guest_departure how);
/** It has ended while nobody looked. */
void guest_report_sweep(const char *uuid);
/** Its timer has run out. */
void guest_report_timer(struct guest *g);
/** It is about to be freed. */
void guest_report_forget(struct guest *g);

/* guest.c, for this file alone. */
bool guest_is_served(const struct guest *g);
/** Set last_error to what is wrong with its addresses; "": nothing. */
void guest_explain(struct guest *g);
/** Let its idle interfaces authenticate. */
void guest_go(struct guest *g, enum nic_urgency urgency);

#endif
