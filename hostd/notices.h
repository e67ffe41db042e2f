/** What policyd tells a host: whose session the network has taken down, so that the guest authenticates again. */
#ifndef NOTICES_H
#define NOTICES_H

/** Ask policyd, again and again, each time for as long as half of [policyd] timeout. Nothing without [policyd] url. */
void notices_open(void);
void notices_close(void);

#endif
