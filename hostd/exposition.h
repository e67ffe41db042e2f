/** What /metrics says, in the text format of Prometheus (0.0.4). */
#ifndef EXPOSITION_H
#define EXPOSITION_H

struct evbuffer;

/** Cost: O(guests). */
void exposition_write(struct evbuffer *out);

#endif
