/** Which bridges and uplinks the fence stands round, as the interfaces are now. */
#ifndef UPLINK_FENCE_H
#define UPLINK_FENCE_H

#include <stdbool.h>

/** Have the parent move it, if it stands elsewhere. */
void uplink_fence_look(void);
struct uplink;
/** Does it stand round this one, or is it not wanted?  Until then nobody authenticates there. */
bool uplink_fence_covers(const struct uplink *uplink);
/** "", or why there is none. */
const char *uplink_fence_error(void);

#endif
