/** Listeners that survive a lack of descriptors. */
#ifndef ACCEPT_H
#define ACCEPT_H

struct evconnlistener;

/** When accepting fails, it pauses for a tenth of a second instead of being tried again at once, for ever. */
void accept_calmly(struct evconnlistener *listener);

#endif
