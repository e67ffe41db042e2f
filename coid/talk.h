/** When this machine takes part: with a certificate, and a licence where one is needed. */
#ifndef TALK_H
#define TALK_H

#include <event2/event.h>

#include "err.h"

VMP_CHECKED int talk_init(struct event_base *base, struct vmp_msg *msg);
void talk_free(void);
/** Certificate or licence have changed: begin, go on with the new ones, or leave. */
void talk_settle(void);
/** A new certificate, or somebody asks for it: begin anew with it. */
void talk_again(void);
/** Leave, for good. */
void talk_stop(void);

#endif
