/** One end of the socketpair between two of policyd's processes. */
#ifndef CHANNEL_H
#define CHANNEL_H

#include "message.h"

#include <event2/event.h>

struct channel;

/** @param fd     taken; made non-blocking.
 * @param name   the other process, for the log; a constant.
 * @param ready  called when frames have come; it takes them with channel_next().
 * A channel that ends or whose peer says nonsense ends this process: the parent starts all of them anew. */
struct channel *channel_new(struct event_base *base, int fd, const char *name, void (*ready)(void *ctx), void *ctx);
void channel_free(struct channel *channel);
/** What this process does before it ends so. */
void channel_at_end(void (*at_end)(void *ctx), void *ctx);

/** The next frame that has come. @return true, and *out is good until the next call. */
bool channel_next(struct channel *channel, struct message *out);
/** Send; what cannot be written is a defect and ends the process. */
void channel_send(struct channel *channel, const struct message *m);

#endif
