/* The stage's interfaces, parent and switches. */
#ifndef STAGE_NET_H
#define STAGE_NET_H

#include "stage.h"

void stage_net_setup(void);
void stage_net_teardown(void);
/* Tell of all interfaces, as at hostd's start. */
void stage_net_tell(void);
/* Carry frames, and the parent's answers. */
void stage_net_carry(void);
/* Is there something to be carried? */
bool stage_net_busy(void);
/* Log lines go nowhere. */
void stage_quiet(bool quiet);

#endif
