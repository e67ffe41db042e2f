/** The last relay's side of NTP: frames from a tunnel become datagrams, and answers frames. */
#ifndef NTP_EXIT_H
#define NTP_EXIT_H

#include "service.h"

#include <event2/bufferevent.h>

struct ntp_exit;

/** @param fd   connected to the NTP server; taken over, also on failure.
 * @param bev  out: what frames are written to and read from, as if it were the server; the caller's, to be freed first.
 * @return NULL when out of memory. */
struct ntp_exit *ntp_exit_new(int fd, struct service *service, struct bufferevent **bev);
/** NULL is safe. */
void ntp_exit_free(struct ntp_exit *exit);

#endif
